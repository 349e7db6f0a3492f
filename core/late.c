/*
 * late: see the header. dlopen may be called from any thread, and only counts when the library
 * is open. It is never closed: its handlers may outlive whoever used it.
 */
#include "late.h"

#ifdef HK_LATE

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define NOT_FOUND 127 /* the loader's exit code */

void *hk_late_find(void **found, const char *soname, const char *name)
{
	void *function = __atomic_load_n(found, __ATOMIC_ACQUIRE);
	void *library;

	if (function)
		return function;
	library = dlopen(soname, RTLD_LAZY);
	function = library ? dlsym(library, name) : NULL;
	if (!function) {
		fprintf(stderr, "%s: %s\n", program_invocation_short_name, dlerror());
		_exit(NOT_FOUND);
	}
	__atomic_store_n(found, function, __ATOMIC_RELEASE);
	return function;
}

#endif
