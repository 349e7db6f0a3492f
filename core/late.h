/*
 * late: functions of libraries that are opened when the first of them is called. Private to
 * openssl.h and to the headers lib*.h, which name them.
 *
 * They bring some thirty libraries with them, and to load those takes longer than all that a
 * command without a network does: one that calls none loads none. Without HK_LATE they are
 * linked like every other library, and nothing else differs.
 */
#ifndef HK_LATE_H
#define HK_LATE_H

#ifdef HK_LATE
#include "sonames.h" /* made by the Makefile: the file names that the linker would have noted */

/* What `name` of the library is; `found` keeps it for the next call. A library that is missing
 * ends the program as it would have at its start, with the loader's message and exit code: it
 * is no fault of a URL or a digest that nothing can be said of. */
void *hk_late_find(void **found, const char *soname, const char *name);

/* Each place that calls the function finds it once. */
#define HK_LATE_FUNCTION(soname, name)                                                             \
	__extension__({                                                                            \
		static void *found_;                                                               \
		(__typeof__(&name)) hk_late_find(&found_, soname, #name);                          \
	})
#endif

#endif
