/*
 * gunzip_isal: the gzip decoder over ISA-L.
 *
 * The header of a member is read by isal_read_gzip_header and not left to isal_inflate,
 * which forgets where it was when a header comes in pieces. Check sum and length are
 * verified by isal_inflate (ISAL_GZIP), and it takes no byte beyond the trailer: what it
 * has read ahead is at most the trailer itself.
 */
#ifdef HK_WITH_ISAL

#include <stdint.h>
#include <stdlib.h>

#include "decoder.h"
#include "libisal.h"

#define RESERVED_FLAGS 0xe0 /* RFC 1952 2.3.1.2: must be zero, else an error */

struct gunzip {
	struct hk_decoder base;
	struct inflate_state state;
	struct isal_gzip_header header; /* where its reader stands; no field is kept */
	bool in_header;
	bool ended; /* the last step ended a member */
};

const char hk_gunzip_name[] = "isa-l";

static uint32_t clamp(size_t n)
{
	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static int fault(int rc, struct hk_err *err)
{
	static const char *const reasons[] = {
		[-ISAL_INVALID_BLOCK] = "invalid block",
		[-ISAL_INVALID_SYMBOL] = "invalid code",
		[-ISAL_INVALID_LOOKBACK] = "invalid distance",
		[-ISAL_INVALID_WRAPPER] = "incorrect header",
		[-ISAL_UNSUPPORTED_METHOD] = "unknown compression method",
		[-ISAL_INCORRECT_CHECKSUM] = "incorrect check sum or length",
	};
	size_t i = (size_t)-rc;
	bool known = i < sizeof reasons / sizeof *reasons && reasons[i];

	return hk_err_set(err, HK_EVERIFY, "%s", known ? reasons[i] : "invalid data");
}

static void begin_member(struct gunzip *g)
{
	isal_inflate_reset(&g->state);
	isal_gzip_header_init(&g->header);
	g->state.crc_flag = ISAL_GZIP;
	g->in_header = true;
	g->ended = false;
}

/* HK_AGAIN when the header goes on beyond the input. */
static int read_header(struct gunzip *g, struct hk_err *err)
{
	int rc = isal_read_gzip_header(&g->state, &g->header);

	if (rc == ISAL_END_INPUT)
		return HK_AGAIN;
	if (rc != ISAL_DECOMP_OK)
		return fault(rc, err);
	if (g->header.flags & RESERVED_FLAGS)
		return hk_err_set(err, HK_EVERIFY, "unknown header flags set");
	g->in_header = false;
	return HK_OK;
}

static int run(struct gunzip *g, bool *end, struct hk_err *err)
{
	int rc = HK_OK;

	if (g->in_header)
		rc = read_header(g, err);
	if (rc != HK_OK)
		return rc == HK_AGAIN ? HK_OK : rc;
	rc = isal_inflate(&g->state);
	if (rc < 0)
		return fault(rc, err);
	*end = g->ended = g->state.block_state == ISAL_BLOCK_FINISH;
	return HK_OK;
}

static int gunzip_step(
	struct hk_decoder *d, struct hk_flow *flow, bool *end, struct hk_err *err)
{
	struct gunzip *g = (struct gunzip *)d;
	int rc;

	*end = false;
	if (g->ended)
		begin_member(g);
	g->state.next_in = (uint8_t *)(uintptr_t)flow->in;
	g->state.avail_in = clamp(flow->in_len);
	g->state.next_out = flow->out;
	g->state.avail_out = clamp(flow->out_len);
	rc = run(g, end, err);
	flow->in_len -= (size_t)(g->state.next_in - flow->in);
	flow->in = g->state.next_in;
	flow->out_len -= (size_t)(g->state.next_out - flow->out);
	flow->out = g->state.next_out;
	return rc;
}

static void gunzip_free(struct hk_decoder *d)
{
	free(d);
}

static const struct hk_decoder_ops gunzip_ops = {
	.format = "gzip", .step = gunzip_step, .free = gunzip_free};

struct hk_decoder *hk_gunzip_new(struct hk_err *err)
{
	struct gunzip *g = calloc(1, sizeof *g);

	if (!g) {
		hk_err_nomem(err);
		return NULL;
	}
	g->base.ops = &gunzip_ops;
	isal_inflate_init(&g->state);
	begin_member(g);
	return &g->base;
}

#endif
