/*
 * sink: the machinery of every chain, and the sinks that are too small for a file of
 * their own: tee, null, mem.
 *
 * The public functions are the only way into a sink. They keep the sticky error and the
 * finished state, so an implementation sees neither a write after an error nor a second
 * finish after a good one. A finish that returned HK_AGAIN is called again, so a filter's
 * own check at finish must bear a repetition.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "sink.h"

struct tee {
	struct hk_sink base;   /* its next is the first chain */
	struct hk_sink *other; /* the second; owned */
};

struct hk_mem {
	unsigned refs;
	struct hk_buf buf;
	atomic_bool filling; /* a sink that is not finished has it, maybe in a worker */
};

struct mem_sink {
	struct hk_sink base;
	struct hk_mem *mem; /* held */
};

/* --- chains ------------------------------------------------------------------------- */

void hk_sink_init(struct hk_sink *s, const struct hk_sink_ops *ops, struct hk_sink *next)
{
	*s = (struct hk_sink){.ops = ops, .next = next};
}

/* Hands out what is in s->err after an operation that returned `rc`. */
static int report(struct hk_sink *s, int rc, struct hk_err *err)
{
	if (s->err.code == HK_OK)
		hk_err_set(&s->err, rc, "a sink failed and did not say why");
	if (err)
		*err = s->err;
	return s->err.code;
}

int hk_sink_write(struct hk_sink *s, const void *data, size_t len, struct hk_err *err)
{
	int rc;

	if (s->err.code != HK_OK)
		return report(s, s->err.code, err);
	if (s->finished)
		return hk_err_set(err, HK_EUSAGE, "write to a sink that is finished");
	if (len == 0)
		return HK_OK;
	rc = s->ops->write(s, data, len, &s->err);
	return rc == HK_OK ? HK_OK : report(s, rc, err);
}

int hk_sink_room(struct hk_sink *s, void **room, size_t *len, struct hk_err *err)
{
	int rc;

	*room = NULL;
	*len = 0;
	if (s->err.code != HK_OK)
		return report(s, s->err.code, err);
	if (!s->ops->room || s->finished)
		return HK_OK;
	rc = s->ops->room(s, room, len, &s->err);
	return rc == HK_OK ? HK_OK : report(s, rc, err);
}

int hk_sink_finish(struct hk_sink *s, struct hk_err *err)
{
	int rc;

	if (s->err.code != HK_OK)
		return report(s, s->err.code, err);
	if (s->finished)
		return HK_OK;
	rc = s->ops->finish(s, &s->err);
	if (rc == HK_OK)
		s->finished = true;
	else if (rc != HK_AGAIN)
		return report(s, rc, err);
	return rc;
}

bool hk_sink_ready(struct hk_sink *s, size_t len)
{
	if (s->err.code != HK_OK || s->finished || !s->ops->ready)
		return true;
	return s->ops->ready(s, len);
}

void hk_sink_watch(struct hk_sink *s, hk_wake_fn wake, void *ctx)
{
	if (s->ops->watch)
		s->ops->watch(s, wake, ctx);
	for (; s; s = s->next) {
		if (s->ops->call)
			s->ops->call(s, wake, ctx);
	}
}

void hk_sink_cancel(struct hk_sink *s)
{
	for (; s; s = s->next) {
		if (s->ops->cancel)
			s->ops->cancel(s);
	}
}

void hk_sink_free(struct hk_sink *s)
{
	struct hk_sink *next;

	for (; s; s = next) {
		next = s->next;
		s->ops->free(s);
	}
}

/* --- tee ---------------------------------------------------------------------------- */

static int tee_write(struct hk_sink *s, const void *data, size_t len, struct hk_err *err)
{
	int rc = hk_sink_write(s->next, data, len, err);

	return rc == HK_OK ? hk_sink_write(((struct tee *)s)->other, data, len, err) : rc;
}

static int tee_finish(struct hk_sink *s, struct hk_err *err)
{
	int rc = hk_sink_finish(s->next, err);

	return rc == HK_OK ? hk_sink_finish(((struct tee *)s)->other, err) : rc;
}

static void tee_cancel(struct hk_sink *s)
{
	hk_sink_cancel(((struct tee *)s)->other);
}

static void tee_free(struct hk_sink *s)
{
	hk_sink_free(((struct tee *)s)->other);
	free(s);
}

static const struct hk_sink_ops tee_ops = {
	.write = tee_write, .finish = tee_finish, .free = tee_free, .cancel = tee_cancel};

struct hk_sink *hk_sink_tee(struct hk_sink *a, struct hk_sink *b, struct hk_err *err)
{
	struct tee *t = NULL;

	if (!a || !b)
		goto fail;
	t = calloc(1, sizeof *t);
	if (!t) {
		hk_err_nomem(err);
		goto fail;
	}
	hk_sink_init(&t->base, &tee_ops, a);
	t->other = b;
	return &t->base;
fail:
	hk_sink_free(a);
	hk_sink_free(b);
	return NULL;
}

/* --- null --------------------------------------------------------------------------- */

static int null_write(struct hk_sink *s, const void *data, size_t len, struct hk_err *err)
{
	(void)s;
	(void)data;
	(void)len;
	(void)err;
	return HK_OK;
}

static int end_finish(struct hk_sink *s, struct hk_err *err)
{
	(void)s;
	(void)err;
	return HK_OK;
}

static void null_free(struct hk_sink *s)
{
	free(s);
}

static const struct hk_sink_ops null_ops = {
	.write = null_write, .finish = end_finish, .free = null_free};

struct hk_sink *hk_sink_null(struct hk_err *err)
{
	struct hk_sink *s = calloc(1, sizeof *s);

	if (!s) {
		hk_err_nomem(err);
		return NULL;
	}
	hk_sink_init(s, &null_ops, NULL);
	return s;
}

/* --- mem ---------------------------------------------------------------------------- */

struct hk_mem *hk_mem_new(size_t max, struct hk_err *err)
{
	struct hk_mem *m = calloc(1, sizeof *m);

	if (!m) {
		hk_err_nomem(err);
		return NULL;
	}
	m->refs = 1;
	hk_buf_init(&m->buf, max);
	return m;
}

void hk_mem_unref(struct hk_mem *m)
{
	if (!m || --m->refs > 0)
		return;
	hk_buf_free(&m->buf);
	free(m);
}

const struct hk_buf *hk_mem_buf(const struct hk_mem *m)
{
	return m->filling ? NULL : &m->buf;
}

static int mem_write(struct hk_sink *s, const void *data, size_t len, struct hk_err *err)
{
	return hk_buf_add(&((struct mem_sink *)s)->mem->buf, data, len, err);
}

static int mem_finish(struct hk_sink *s, struct hk_err *err)
{
	((struct mem_sink *)s)->mem->filling = false;
	return end_finish(s, err);
}

static void mem_free(struct hk_sink *s)
{
	struct hk_mem *m = ((struct mem_sink *)s)->mem;

	if (!s->finished) /* else another sink may be at it */
		m->filling = false;
	hk_mem_unref(m);
	free(s);
}

static const struct hk_sink_ops mem_ops = {
	.write = mem_write, .finish = mem_finish, .free = mem_free};

struct hk_sink *hk_sink_mem(struct hk_mem *m, struct hk_err *err)
{
	struct mem_sink *s;

	if (!m)
		return NULL;
	if (m->filling) {
		hk_err_set(err, HK_EUSAGE, "memory takes one sink at a time");
		return NULL;
	}
	s = calloc(1, sizeof *s);
	if (!s) {
		hk_err_nomem(err);
		return NULL;
	}
	hk_sink_init(&s->base, &mem_ops, NULL);
	s->mem = m;
	m->filling = true;
	m->refs++;
	return &s->base;
}
