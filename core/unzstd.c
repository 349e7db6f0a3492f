/*
 * unzstd: the zstd decoder. libzstd's streaming call reads frames and skippable frames in
 * any order and checks the sums they carry.
 *
 * It has a shortcut for a frame that it is given as a whole, which checks other things
 * than the long way, and which takes what follows an interrupted header for the frame if
 * it looks like one. A stream must be read the same however it is cut, so the header of
 * each frame is fed byte by byte, which closes the shortcut.
 */
#include <stdlib.h>

#include "decoder.h"
#include "inflate.h"
#include "libzstd.h"

#define HEADER_MAX 18 /* bytes, RFC 8878 3.1.1.1 and the magic number */

struct unzstd {
	struct hk_decoder base;
	ZSTD_DStream *stream;
	size_t header; /* bytes of the frame read so far, counted up to HEADER_MAX */
};

static int fault(size_t rc, struct hk_err *err)
{
	switch (ZSTD_getErrorCode(rc)) {
	case ZSTD_error_memory_allocation:
		return hk_err_nomem(err);
	case ZSTD_error_frameParameter_windowTooLarge:
		return hk_err_set(err, HK_EUNSUPPORTED, "a window of more than %d MiB",
			1 << (HK_ZSTD_WINDOW_LOG - 20));
	case ZSTD_error_dictionary_wrong:
		return hk_err_set(err, HK_EUNSUPPORTED, "it needs a dictionary");
	default:
		return hk_err_set(err, HK_EVERIFY, "%s", ZSTD_getErrorName(rc));
	}
}

static int unzstd_step(
	struct hk_decoder *d, struct hk_flow *flow, bool *end, struct hk_err *err)
{
	struct unzstd *u = (struct unzstd *)d;
	ZSTD_inBuffer in = {.src = flow->in, .size = flow->in_len};
	ZSTD_outBuffer out = {.dst = flow->out, .size = flow->out_len};
	size_t rc;

	if (u->header < HEADER_MAX && in.size > 1)
		in.size = 1;
	rc = ZSTD_decompressStream(u->stream, &out, &in);
	flow->in += in.pos;
	flow->in_len -= in.pos;
	flow->out += out.pos;
	flow->out_len -= out.pos;
	*end = rc == 0;
	if (*end)
		u->header = 0;
	else if (u->header < HEADER_MAX)
		u->header += in.pos;
	return ZSTD_isError(rc) ? fault(rc, err) : HK_OK;
}

static void unzstd_free(struct hk_decoder *d)
{
	ZSTD_freeDStream(((struct unzstd *)d)->stream);
	free(d);
}

static const struct hk_decoder_ops unzstd_ops = {
	.format = "zstd", .step = unzstd_step, .free = unzstd_free};

struct hk_decoder *hk_unzstd_new(struct hk_err *err)
{
	struct unzstd *u = calloc(1, sizeof *u);
	size_t rc;

	if (!u || !(u->stream = ZSTD_createDStream())) {
		hk_err_nomem(err);
		free(u);
		return NULL;
	}
	u->base.ops = &unzstd_ops;
	rc = ZSTD_DCtx_setParameter(u->stream, ZSTD_d_windowLogMax, HK_ZSTD_WINDOW_LOG);
	if (ZSTD_isError(rc)) {
		fault(rc, err);
		unzstd_free(&u->base);
		return NULL;
	}
	return &u->base;
}
