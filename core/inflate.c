/*
 * inflate: chooses a decoder by the first bytes and drives it.
 *
 * What is common to the formats is here: units that follow one another, the end that must
 * be the end of a unit, the ceiling on the output. Decoded bytes go straight into the memory
 * of the next sink where it has some (a queue), else on in blocks of HK_CHUNK at most,
 * whatever the input expands to.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "decoder.h"
#include "inflate.h"

#define MAGIC_LEN 4 /* the longest magic number */

enum format { RAW, GZIP, ZSTD };

struct inflate {
	struct hk_sink base;
	char *name;
	int64_t max;   /* ceiling on the output, or -1 */
	int64_t total; /* bytes of output so far */
	unsigned char head[MAGIC_LEN]; /* the first bytes, until the format is known */
	size_t nhead;
	bool known; /* `format` is decided */
	enum format format;
	struct hk_decoder *decoder; /* NULL for RAW */
	bool between;		    /* the last thing read was the end of a unit */
	bool padding;		    /* zeros after the last gzip member have begun */
	unsigned char *out; /* HK_CHUNK bytes, where the next sink has no room to offer */
};

static enum format sniff(const unsigned char *p, size_t len)
{
	static const unsigned char zstd[] = {0x28, 0xb5, 0x2f, 0xfd};
	static const unsigned char skippable[] = {0x2a, 0x4d, 0x18};

	if (len >= 2 && p[0] == 0x1f && p[1] == 0x8b)
		return GZIP;
	if (len < MAGIC_LEN)
		return RAW;
	if (memcmp(p, zstd, sizeof zstd) == 0)
		return ZSTD;
	if ((p[0] & 0xf0) == 0x50 && memcmp(p + 1, skippable, sizeof skippable) == 0)
		return ZSTD;
	return RAW;
}

static int invalid(const struct inflate *z, const char *why, struct hk_err *err)
{
	return hk_err_set(err, HK_EVERIFY, "%s: not valid %s: %s", z->name,
		z->decoder->ops->format, why);
}

/* Puts into words of the stream what a decoder has said. */
static int explain(const struct inflate *z, struct hk_err *err)
{
	const char *format = z->decoder->ops->format;

	if (err->code == HK_EVERIFY)
		return hk_err_wrap(err, "%s: not valid %s", z->name, format);
	return hk_err_wrap(err, "%s: %s", z->name, format);
}

static int pass_on(struct inflate *z, const void *data, size_t len, struct hk_err *err)
{
	if (z->max >= 0 && len > (uint64_t)(z->max - z->total))
		return hk_err_set(err, HK_EVERIFY,
			"%s: inflates to more than %" PRId64 " bytes", z->name, z->max);
	z->total += (int64_t)len;
	return hk_sink_write(z->base.next, data, len, err);
}

/* After a gzip member: another one, or zeros up to the end. */
static int check_gap(struct inflate *z, struct hk_flow *flow, struct hk_err *err)
{
	if (!z->padding && *flow->in == 0x1f)
		return HK_OK;
	z->padding = true;
	for (; flow->in_len > 0; flow->in++, flow->in_len--) {
		if (*flow->in != 0)
			return invalid(z, "garbage after the last member", err);
	}
	return HK_OK;
}

/* Where the decoder's next output goes. */
static int find_room(struct inflate *z, void **room, size_t *len, struct hk_err *err)
{
	if (hk_sink_room(z->base.next, room, len, err) != HK_OK)
		return err->code;
	if (*room)
		return HK_OK;
	if (!z->out && !(z->out = malloc(HK_CHUNK)))
		return hk_err_nomem(err);
	*room = z->out;
	*len = HK_CHUNK;
	return HK_OK;
}

/* One call of the decoder. `full`: it may have more to give without more input. */
static int step(struct inflate *z, struct hk_flow *flow, bool *full, struct hk_err *err)
{
	size_t before = flow->in_len;
	size_t room, got;
	void *out;

	if (find_room(z, &out, &room, err) != HK_OK)
		return err->code;
	flow->out = out;
	flow->out_len = room;
	if (z->decoder->ops->step(z->decoder, flow, &z->between, err) != HK_OK)
		return explain(z, err);
	got = room - flow->out_len;
	*full = flow->out_len == 0 && !z->between;
	if (got == 0 && flow->in_len == before && before > 0 && !z->between)
		return invalid(z, "it leads nowhere", err);
	return got > 0 ? pass_on(z, out, got, err) : HK_OK;
}

static int feed(struct inflate *z, const void *data, size_t len, struct hk_err *err)
{
	struct hk_flow flow = {.in = data, .in_len = len};
	bool full = false;

	if (z->format == RAW)
		return pass_on(z, data, len, err);
	while (flow.in_len > 0 || full) {
		if (z->format == GZIP && z->between && check_gap(z, &flow, err) != HK_OK)
			return err->code;
		if (!z->padding && step(z, &flow, &full, err) != HK_OK)
			return err->code;
	}
	return HK_OK;
}

/* Decides on a format by what is in `head`, and reads that. */
static int begin(struct inflate *z, struct hk_err *err)
{
	z->known = true;
	z->format = sniff(z->head, z->nhead);
	if (z->format == GZIP)
		z->decoder = hk_gunzip_new(err);
	else if (z->format == ZSTD)
		z->decoder = hk_unzstd_new(err);
	if (z->format != RAW && !z->decoder)
		return err->code;
	return feed(z, z->head, z->nhead, err);
}

static int inflate_write(
	struct hk_sink *s, const void *data, size_t len, struct hk_err *err)
{
	struct inflate *z = (struct inflate *)s;
	const unsigned char *p = data;

	while (!z->known && len > 0) {
		z->head[z->nhead++] = *p++;
		len--;
		if (z->nhead == MAGIC_LEN && begin(z, err) != HK_OK)
			return err->code;
	}
	return len > 0 ? feed(z, p, len, err) : HK_OK;
}

static int inflate_finish(struct hk_sink *s, struct hk_err *err)
{
	struct inflate *z = (struct inflate *)s;

	if (!z->known && begin(z, err) != HK_OK)
		return err->code;
	if (z->format != RAW && !z->between)
		return invalid(z, "it is cut short", err);
	return hk_sink_finish(s->next, err);
}

static void inflate_free(struct hk_sink *s)
{
	struct inflate *z = (struct inflate *)s;

	if (z->decoder)
		z->decoder->ops->free(z->decoder);
	free(z->out);
	free(z->name);
	free(z);
}

static const struct hk_sink_ops inflate_ops = {
	.write = inflate_write, .finish = inflate_finish, .free = inflate_free};

struct hk_sink *hk_sink_inflate(
	struct hk_sink *next, int64_t max, const char *name, struct hk_err *err)
{
	struct inflate *z;

	if (!next)
		return NULL;
	z = calloc(1, sizeof *z);
	if (!z || !(z->name = strdup(name))) {
		hk_err_nomem(err);
		free(z);
		hk_sink_free(next);
		return NULL;
	}
	hk_sink_init(&z->base, &inflate_ops, next);
	z->max = max;
	return &z->base;
}

const char *hk_inflate_backend(void)
{
	return hk_gunzip_name;
}
