/*
 * unzstd: the zstd decoder. libzstd's streaming call reads frames and skippable frames in
 * any order and checks the sums they carry.
 */
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "decoder.h"
#include "inflate.h"

struct unzstd {
	struct hk_decoder base;
	ZSTD_DStream *stream;
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
	ZSTD_inBuffer in = {.src = flow->in, .size = flow->in_len};
	ZSTD_outBuffer out = {.dst = flow->out, .size = flow->out_len};
	size_t rc = ZSTD_decompressStream(((struct unzstd *)d)->stream, &out, &in);

	flow->in += in.pos;
	flow->in_len -= in.pos;
	flow->out += out.pos;
	flow->out_len -= out.pos;
	*end = rc == 0;
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
