/*
 * join: a list of parts, in the order of the body. Gaps between them are what nobody has been
 * given; a part leaves the list when the chain has all of it.
 *
 *     passed        |<- part, open ->|<- part, closed ->|   gap   |<- part, open ->|
 *     to the chain  from .. at .. end  from ..... at=end           from .. at .. end
 */
#include "join.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PASS_BYTES   (HK_CHUNK < 32768 ? HK_CHUNK : 32768) /* at a time, of those that waited */
#define AHEAD_MAX    (64 << 20) /* bytes of one part that may have to wait */

struct part {
	struct part *next;
	int64_t from;	     /* the first byte that the chain has not */
	int64_t at;	     /* the next to come */
	int64_t end;	     /* one after its last */
	int64_t base;	     /* what `data` begins with */
	unsigned char *data; /* base .. end, where it had to wait; or NULL */
	bool open;	     /* its sink may bring more */
};

struct hk_join {
	unsigned refs;
	struct hk_sink *next;
	struct part *parts;
	struct part_sink *sinks; /* that there are, the youngest first */
	int64_t passed; /* bytes that the chain has */
	int64_t size;	/* INT64_MAX while it is unknown */
};

struct part_sink {
	struct hk_sink base;
	struct part_sink *older;
	struct hk_join *join; /* held */
	struct part *part;    /* NULL once it is closed */
	hk_wake_fn wake;      /* NULL: unwatched */
	void *ctx;
};

/* --- the list ------------------------------------------------------------------------------- */

static void free_part(struct part *p)
{
	free(p->data);
	free(p);
}

static void remove_first(struct hk_join *j)
{
	struct part *p = j->parts;

	j->parts = p->next;
	free_part(p);
}

static bool is_front(const struct hk_join *j, const struct part *p)
{
	return p == j->parts && p->from == j->passed;
}

/* What its sink did not bring is a gap again. */
static void close_part(struct hk_join *j, struct part *p)
{
	struct part **at;

	p->open = false;
	p->end = p->at;
	if (p->from < p->at)
		return;
	for (at = &j->parts; *at != p; at = &(*at)->next)
		;
	*at = p->next;
	free_part(p);
}

/* --- bytes that waited ------------------------------------------------------------------------ */

/* Passes on what can be without blocking. HK_AGAIN: the chain will tell when it has room. */
static int pump(struct hk_join *j, struct hk_err *err)
{
	struct part *p;

	while ((p = j->parts) && p->from == j->passed) {
		int64_t n = p->at - p->from;

		if (n == 0 && p->open)
			return HK_OK;
		if (n > PASS_BYTES)
			n = PASS_BYTES;
		if (!hk_sink_ready(j->next, (size_t)n))
			return HK_AGAIN;
		if (hk_sink_write(j->next, p->data + (p->from - p->base), (size_t)n, err) != HK_OK)
			return err->code;
		p->from += n;
		j->passed += n;
		if (p->from == p->at && !p->open)
			remove_first(j);
	}
	return HK_OK;
}

/* The same, and the end of the chain where that was all. */
static int settle(struct hk_join *j, struct hk_err *err)
{
	int rc = pump(j, err);

	return rc == HK_OK && j->passed == j->size ? hk_sink_finish(j->next, err) : rc;
}

static int keep(struct part *p, const void *data, size_t len, struct hk_err *err)
{
	if (!p->data) {
		p->base = p->at;
		p->data = malloc((size_t)(p->end - p->base));
		if (!p->data)
			return hk_err_nomem(err);
	}
	memcpy(p->data + (p->at - p->base), data, len);
	p->at += (int64_t)len;
	return HK_OK;
}

/* --- the sink of a part ------------------------------------------------------------------------- */

static int part_write(struct hk_sink *s, const void *data, size_t len, struct hk_err *err)
{
	struct part_sink *ps = (struct part_sink *)s;
	struct hk_join *j = ps->join;
	struct part *p = ps->part;
	int rc;

	if (!p)
		return hk_err_set(err, HK_EUSAGE, "write to a part that is finishing");
	if (len > (uint64_t)(p->end - p->at))
		return hk_err_set(err, HK_EPROTOCOL, "more bytes than asked for");
	rc = pump(j, err);
	if (rc != HK_OK && rc != HK_AGAIN)
		return rc;
	if (!is_front(j, p) || p->from < p->at)
		return keep(p, data, len, err);
	free(p->data);
	p->data = NULL;
	rc = hk_sink_write(j->next, data, len, err);
	if (rc == HK_OK) {
		p->at += (int64_t)len;
		p->from = p->at;
		j->passed = p->at;
	}
	return rc;
}

static int part_finish(struct hk_sink *s, struct hk_err *err)
{
	struct part_sink *ps = (struct part_sink *)s;
	struct hk_join *j = ps->join;

	if (ps->part) {
		if (ps->part->end == INT64_MAX)
			j->size = ps->part->at;
		close_part(j, ps->part);
		ps->part = NULL;
	}
	return settle(j, err);
}

static bool part_ready(struct hk_sink *s, size_t len)
{
	struct part_sink *ps = (struct part_sink *)s;
	struct hk_err err = {0};
	int rc = pump(ps->join, &err);

	if (!ps->part || !is_front(ps->join, ps->part))
		return true;
	if (rc == HK_OK)
		return hk_sink_ready(ps->join->next, len);
	return rc != HK_AGAIN; /* an error the next write will tell */
}

static void wake_nobody(void *ctx)
{
	(void)ctx;
}

/* The chain tells the youngest that is watched. Where none is left, still nothing may block. */
static void watch_chain(struct hk_join *j)
{
	struct part_sink *ps = j->sinks;

	while (ps && !ps->wake)
		ps = ps->older;
	if (ps)
		hk_sink_watch(j->next, ps->wake, ps->ctx);
	else
		hk_sink_watch(j->next, wake_nobody, NULL);
}

static void part_watch(struct hk_sink *s, hk_wake_fn wake, void *ctx)
{
	struct part_sink *ps = (struct part_sink *)s;

	ps->wake = wake;
	ps->ctx = ctx;
	watch_chain(ps->join);
}

static void part_free(struct hk_sink *s)
{
	struct part_sink *ps = (struct part_sink *)s, **at = &ps->join->sinks;

	if (ps->part)
		close_part(ps->join, ps->part);
	while (*at != ps)
		at = &(*at)->older;
	*at = ps->older;
	if (ps->wake)
		watch_chain(ps->join);
	hk_join_unref(ps->join);
	free(ps);
}

static const struct hk_sink_ops part_ops = {
	.write = part_write,
	.finish = part_finish,
	.free = part_free,
	.ready = part_ready,
	.watch = part_watch,
};

/* --- giving out ------------------------------------------------------------------------------------ */

/* The first gap: where it is, how far it goes, and the link that a part of it belongs in. */
static struct part **find_gap(struct hk_join *j, int64_t *first, int64_t *end)
{
	struct part **at = &j->parts;

	*first = j->passed;
	while (*at && (*at)->from <= *first) {
		*first = (*at)->end;
		at = &(*at)->next;
	}
	*end = *at ? (*at)->from : j->size;
	return at;
}

/* Takes out what waits from there on; returns where the next part that is open begins. */
static int64_t drop_closed(struct hk_join *j, struct part **at)
{
	struct part *p;

	while ((p = *at) && !p->open) {
		*at = p->next;
		free_part(p);
	}
	return p ? p->from : j->size;
}

static struct hk_sink *new_part(
	struct hk_join *j, struct part **at, int64_t first, int64_t end, struct hk_err *err)
{
	struct part *p = calloc(1, sizeof *p);
	struct part_sink *ps = calloc(1, sizeof *ps);

	if (!p || !ps) {
		free(p);
		free(ps);
		hk_err_nomem(err);
		return NULL;
	}
	*p = (struct part){.next = *at, .from = first, .at = first, .end = end, .open = true};
	*at = p;
	hk_sink_init(&ps->base, &part_ops, NULL);
	ps->join = j;
	ps->part = p;
	ps->older = j->sinks;
	j->sinks = ps;
	j->refs++;
	return &ps->base;
}

int hk_join_part(struct hk_join *j, int64_t bytes, int64_t ahead, struct hk_range *range,
	struct hk_sink **sink, struct hk_err *err)
{
	int64_t first, end;
	struct part **at = find_gap(j, &first, &end);

	*sink = NULL;
	if (first >= end || first - j->passed > ahead)
		return HK_OK;
	if (bytes < 0)
		end = drop_closed(j, at);
	else if (end - first > bytes)
		end = first + bytes;
	if (first > j->passed && end - first > AHEAD_MAX)
		return hk_err_set(err, HK_EUSAGE, "a part of more than %d bytes", AHEAD_MAX);
	*sink = new_part(j, at, first, end, err);
	if (!*sink)
		return err->code;
	*range = (struct hk_range){first, end == INT64_MAX ? end : end - 1};
	return HK_OK;
}

int hk_join_finish(struct hk_join *j, struct hk_err *err)
{
	int rc = settle(j, err);

	return rc == HK_OK && !j->next->finished ? HK_AGAIN : rc;
}

int hk_join_set_size(struct hk_join *j, int64_t size, struct hk_err *err)
{
	struct part *p;
	int64_t came = j->passed;

	for (p = j->parts; p; p = p->next)
		came = p->at;
	if (size < came)
		return hk_err_set(err, HK_EPROTOCOL,
			"%" PRId64 " bytes have come already, of %" PRId64, came, size);
	for (p = j->parts; p; p = p->next)
		if (p->end > size)
			p->end = size;
	j->size = size;
	return HK_OK;
}

int64_t hk_join_received(const struct hk_join *j)
{
	int64_t bytes = j->passed;
	const struct part *p;

	for (p = j->parts; p; p = p->next)
		bytes += p->at - p->from;
	return bytes;
}

/* --- life ---------------------------------------------------------------------------------------- */

struct hk_join *hk_join_new(struct hk_sink *next, struct hk_err *err)
{
	struct hk_join *j;

	if (!next)
		return NULL;
	j = calloc(1, sizeof *j);
	if (!j) {
		hk_sink_free(next);
		hk_err_nomem(err);
		return NULL;
	}
	j->refs = 1;
	j->next = next;
	j->size = INT64_MAX;
	return j;
}

void hk_join_unref(struct hk_join *j)
{
	if (!j || --j->refs > 0)
		return;
	while (j->parts)
		remove_first(j);
	hk_sink_free(j->next);
	free(j);
}
