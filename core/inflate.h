/*
 * inflate: a sink that decompresses. It goes by the bytes, not by a media type, because
 * layers are mislabelled in the wild: gzip (RFC 1952, any number of members, so eStargz
 * too), zstd (RFC 8878, frames and skippable frames), anything else passes unchanged.
 *
 * The check sums and lengths of the formats are verified, a truncated stream fails at
 * finish, zero padding after the last gzip member is ignored and other garbage there is an
 * error, all HK_EVERIFY. What ends within a magic number passes unchanged. gzip is read by
 * ISA-L where built in (HK_WITH_ISAL), else by zlib.
 */
#ifndef HK_INFLATE_H
#define HK_INFLATE_H

#include "sink.h"

/* zstd frames may ask for this window at most: 2^27 bytes, what `zstd -d` accepts. A larger
 * one, or a dictionary, is HK_EUNSUPPORTED. */
#define HK_ZSTD_WINDOW_LOG 27

/* More than `max` bytes of output fail with HK_EVERIFY, -1 is no ceiling. `name` (copied)
 * is for messages. Takes `next`. */
HK_API struct hk_sink *hk_sink_inflate(
	struct hk_sink *next, int64_t max, const char *name, struct hk_err *err);

/* "isa-l" or "zlib". */
HK_API const char *hk_inflate_backend(void);

#endif
