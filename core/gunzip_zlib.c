/*
 * gunzip_zlib: the gzip decoder over zlib, for builds without ISA-L.
 */
#ifndef HK_WITH_ISAL

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "decoder.h"

#define GZIP_ONLY (16 + MAX_WBITS) /* inflateInit2: a gzip wrapper, no zlib one */

struct gunzip {
	struct hk_decoder base;
	z_stream z;
	bool ended; /* the last step ended a member */
};

const char hk_gunzip_name[] = "zlib";

static uInt clamp(size_t n)
{
	return n < UINT_MAX ? (uInt)n : UINT_MAX;
}

static int fault(const z_stream *z, int rc, struct hk_err *err)
{
	if (rc == Z_MEM_ERROR)
		return hk_err_nomem(err);
	return hk_err_set(err, HK_EVERIFY, "%s", z->msg ? z->msg : zError(rc));
}

static int gunzip_step(
	struct hk_decoder *d, struct hk_flow *flow, bool *end, struct hk_err *err)
{
	struct gunzip *g = (struct gunzip *)d;
	int rc;

	if (g->ended)
		inflateReset(&g->z);
	g->z.next_in = (Bytef *)(uintptr_t)flow->in;
	g->z.avail_in = clamp(flow->in_len);
	g->z.next_out = flow->out;
	g->z.avail_out = clamp(flow->out_len);
	rc = inflate(&g->z, Z_NO_FLUSH);
	flow->in_len -= (size_t)(g->z.next_in - flow->in);
	flow->in = g->z.next_in;
	flow->out_len -= (size_t)(g->z.next_out - flow->out);
	flow->out = g->z.next_out;
	*end = g->ended = rc == Z_STREAM_END;
	/* Z_BUF_ERROR is no error: there was nothing to read, or no room. */
	if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
		return fault(&g->z, rc, err);
	return HK_OK;
}

static void gunzip_free(struct hk_decoder *d)
{
	inflateEnd(&((struct gunzip *)d)->z);
	free(d);
}

static const struct hk_decoder_ops gunzip_ops = {
	.format = "gzip", .step = gunzip_step, .free = gunzip_free};

struct hk_decoder *hk_gunzip_new(struct hk_err *err)
{
	struct gunzip *g = calloc(1, sizeof *g);
	int rc;

	if (!g) {
		hk_err_nomem(err);
		return NULL;
	}
	g->base.ops = &gunzip_ops;
	rc = inflateInit2(&g->z, GZIP_ONLY);
	if (rc != Z_OK) {
		fault(&g->z, rc, err);
		free(g);
		return NULL;
	}
	return &g->base;
}

#endif
