/*
 * ustar: what stands before a member of an archive, for those who write one: hk_tar into
 * a file, hk_tar_stream to a pipe. Same members, same bytes: mtime 0, owner 0:0 without
 * names, mode 0644. Not public.
 */
#ifndef HK_USTAR_H
#define HK_USTAR_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

#define HK_USTAR_BLOCK	 512
#define HK_USTAR_NAME	 4096 /* no system unpacks a longer path */
#define HK_USTAR_HEADERS (HK_USTAR_NAME + 4 * HK_USTAR_BLOCK) /* most bytes of headers   \
							       */

/* Whether it can name a member: not empty, not absolute, no "..", not too long. */
bool hk_ustar_name(const char *name);

/* The room that content takes in an archive: whole blocks. */
int64_t hk_ustar_padded(int64_t size);

/* Appends all that stands before the content of a member: its header, behind a pax header
 * where the format needs one. */
HK_MUST_USE int hk_ustar_headers(
	struct hk_buf *b, const char *name, int64_t size, struct hk_err *err);

#endif
