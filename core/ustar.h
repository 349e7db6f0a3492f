/*
 * ustar: what stands before a member of an archive, for those who write one: hk_tar into
 * a file, hk_tar_stream to a pipe. Same members, same bytes. Not public.
 */
#ifndef HK_USTAR_H
#define HK_USTAR_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "tar.h"

#define HK_USTAR_BLOCK	 512
#define HK_USTAR_NAME	 4096 /* no system unpacks a longer path */
/* Most bytes of headers: two names may have records. */
#define HK_USTAR_HEADERS (2 * HK_USTAR_NAME + 5 * HK_USTAR_BLOCK)

/* A file of mode 0644, owner 0:0, mtime 0. */
extern const struct hk_tar_kind hk_ustar_plain;

/* Whether it can name a member: not empty, not absolute, no "..", not too long. */
bool hk_ustar_name(const char *name);

/* The room that content takes in an archive: whole blocks. */
int64_t hk_ustar_padded(int64_t size);

/* Appends all that stands before the content of a member: its header, behind a pax header
 * where the format needs one. */
HK_MUST_USE int hk_ustar_headers(
	struct hk_buf *b, const struct hk_tar_kind *kind, const char *name, int64_t size,
	struct hk_err *err);

#endif
