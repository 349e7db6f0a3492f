/*
 * decoder: what inflate.c asks of a decompression library. Private to the inflate sink.
 *
 * A decoder works on one unit at a time, a gzip member or a zstd frame, and begins the
 * next one by itself. It never allocates by what the input says, but for zstd's window,
 * which HK_ZSTD_WINDOW_LOG bounds.
 */
#ifndef HK_DECODER_H
#define HK_DECODER_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

/* Bytes to read and room to write; a step moves the pointers and counts on. */
struct hk_flow {
	const unsigned char *in;
	size_t in_len;
	unsigned char *out;
	size_t out_len;
};

struct hk_decoder;

struct hk_decoder_ops {
	const char *format; /* for messages: "gzip" */
	/* Decodes until the input is used up, the room is full or a unit ends; `end`
	 * tells of the last. A message is the bare reason. */
	int (*step)(struct hk_decoder *d, struct hk_flow *flow, bool *end,
		struct hk_err *err);
	void (*free)(struct hk_decoder *d);
};

/* Embedded first in every decoder. */
struct hk_decoder {
	const struct hk_decoder_ops *ops;
};

/* By ISA-L or by zlib, whichever was built in, and its name. */
struct hk_decoder *hk_gunzip_new(struct hk_err *err);
extern const char hk_gunzip_name[];

struct hk_decoder *hk_unzstd_new(struct hk_err *err);

#endif
