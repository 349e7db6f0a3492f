/*
 * tarstream: members take turns at one sink.
 *
 * The turn is the number of the member that may write, NOBODY before the first byte. Only
 * who has the turn touches OUT, and passes the turn on: after its own last byte it writes
 * what is at hand (stored members, the header of the next) and announces the next. The
 * lock guards the turn, so that it also orders what the threads write. A stream that has
 * failed, or lost a member, is dead for all.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "interrupt.h"
#include "tarstream.h"
#include "ustar.h"

#define NOBODY	SIZE_MAX
#define HELD	HK_USTAR_BLOCK /* last bytes of a member that wait for its finish */
#define WAIT_NS 100000000      /* between two looks for an interrupt */

struct member {
	char *name;
	int64_t size;
	bool stored;	    /* its content is in `data` */
	bool taken;	    /* its sink was given out */
	struct hk_buf data; /* of a stored one, until it is written */
};

struct hk_tar_stream {
	unsigned refs;
	struct hk_sink *out; /* owned; used by who has the turn */
	size_t n, cap;
	struct member **members;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t turned;
	bool begun;  /* the first byte is on its way: no further members */
	size_t turn; /* the member that may write; `n` when all have */
	bool finished;
	struct hk_err dead; /* why nothing more goes out, or HK_OK */
};

struct stream_sink {
	struct hk_sink base;
	struct hk_tar_stream *stream; /* held */
	size_t index;
	int64_t count;	 /* bytes accepted */
	bool turn;	 /* ours has come */
	char held[HELD]; /* the last ones, in part */
	size_t nheld;
};

/* --- what goes out ------------------------------------------------------------------ */

static int put_header(struct hk_tar_stream *t, const struct member *m, struct hk_err *err)
{
	struct hk_buf b;
	int rc;

	hk_buf_init(&b, HK_USTAR_HEADERS);
	rc = hk_ustar_headers(&b, &hk_ustar_plain, m->name, m->size, err);
	if (rc == HK_OK)
		rc = hk_sink_write(t->out, b.data, b.len, err);
	hk_buf_free(&b);
	return rc;
}

static int put_padding(
	struct hk_tar_stream *t, const struct member *m, struct hk_err *err)
{
	static const char zeros[HK_USTAR_BLOCK];

	return hk_sink_write(
		t->out, zeros, (size_t)(hk_ustar_padded(m->size) - m->size), err);
}

/* Writes what is at hand from member `next` on; `next` is then the one whose turn it
 * is. */
static int put_stored(struct hk_tar_stream *t, size_t *next, struct hk_err *err)
{
	int rc = HK_OK;

	for (; rc == HK_OK && *next < t->n; ++*next) {
		struct member *m = t->members[*next];

		rc = put_header(t, m, err);
		if (!m->stored)
			return rc;
		if (rc == HK_OK)
			rc = hk_sink_write(t->out, m->data.data, m->data.len, err);
		if (rc == HK_OK)
			rc = put_padding(t, m, err);
		hk_buf_free(&m->data);
	}
	return rc;
}

/* --- turns -------------------------------------------------------------------------- */

static void die(struct hk_tar_stream *t, const struct hk_err *why)
{
	pthread_mutex_lock(&t->lock);
	if (t->dead.code == HK_OK)
		t->dead = *why;
	pthread_cond_broadcast(&t->turned);
	pthread_mutex_unlock(&t->lock);
}

/* Hands the turn to member `next`, or to the first behind it that is not stored. */
static int pass_turn(struct hk_tar_stream *t, size_t next, struct hk_err *err)
{
	int rc = put_stored(t, &next, err);

	if (rc != HK_OK) {
		die(t, err);
		return rc;
	}
	pthread_mutex_lock(&t->lock);
	t->turn = next;
	pthread_cond_broadcast(&t->turned);
	pthread_mutex_unlock(&t->lock);
	return HK_OK;
}

/* Whoever comes first writes what stands before the first turn. */
static int begin(struct hk_tar_stream *t, struct hk_err *err)
{
	bool first;

	pthread_mutex_lock(&t->lock);
	first = !t->begun;
	t->begun = true;
	pthread_mutex_unlock(&t->lock);
	return first ? pass_turn(t, 0, err) : HK_OK;
}

static void wait_a_moment(struct hk_tar_stream *t)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += WAIT_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&t->turned, &t->lock, &until);
}

static int await_turn(struct stream_sink *s, struct hk_err *err)
{
	struct hk_tar_stream *t = s->stream;
	int rc = s->turn ? HK_OK : begin(t, err);

	if (rc != HK_OK)
		return rc;
	pthread_mutex_lock(&t->lock);
	while (rc == HK_OK && t->dead.code == HK_OK && t->turn != s->index) {
		rc = hk_interrupt_check(err);
		if (rc == HK_OK)
			wait_a_moment(t);
	}
	if (rc == HK_OK && t->dead.code != HK_OK) {
		*err = t->dead;
		rc = err->code;
	}
	pthread_mutex_unlock(&t->lock);
	s->turn = rc == HK_OK;
	return rc;
}

/* --- members ------------------------------------------------------------------------ */

struct hk_tar_stream *hk_tar_stream_new(struct hk_sink *out, struct hk_err *err)
{
	struct hk_tar_stream *t;
	pthread_condattr_t monotonic;

	if (!out)
		return NULL;
	t = calloc(1, sizeof *t);
	if (!t) {
		hk_err_nomem(err);
		hk_sink_free(out);
		return NULL;
	}
	t->refs = 1;
	t->out = out;
	t->turn = NOBODY;
	/* With these attributes none of the five can fail on Linux. */
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&t->turned, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return t;
}

static void free_member(struct member *m)
{
	hk_buf_free(&m->data);
	free(m->name);
	free(m);
}

void hk_tar_stream_unref(struct hk_tar_stream *t)
{
	if (!t || --t->refs > 0)
		return;
	hk_sink_free(t->out);
	for (size_t i = 0; i < t->n; i++)
		free_member(t->members[i]);
	free(t->members);
	pthread_cond_destroy(&t->turned);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static int grow(struct hk_tar_stream *t, struct hk_err *err)
{
	size_t cap = t->cap > 0 ? 2 * t->cap : 8;
	struct member **members;

	if (t->n < t->cap)
		return HK_OK;
	members = realloc(t->members, cap * sizeof *members);
	if (!members)
		return hk_err_nomem(err);
	t->members = members;
	t->cap = cap;
	return HK_OK;
}

static int check_add(
	struct hk_tar_stream *t, const char *name, int64_t size, struct hk_err *err)
{
	bool begun;

	pthread_mutex_lock(&t->lock);
	begun = t->begun;
	pthread_mutex_unlock(&t->lock);
	if (begun)
		return hk_err_set(err, HK_EUSAGE, "%s: the archive is on its way", name);
	if (size < 0)
		return hk_err_set(err, HK_EUSAGE, "%s: its size must be known", name);
	if (!hk_ustar_name(name))
		return hk_err_set(err, HK_EUSAGE, "\"%s\" can't name a member", name);
	return grow(t, err);
}

static struct member *add_member(
	struct hk_tar_stream *t, const char *name, int64_t size, struct hk_err *err)
{
	struct member *m;

	if (check_add(t, name, size, err) != HK_OK)
		return NULL;
	m = calloc(1, sizeof *m);
	if (!m || !(m->name = strdup(name))) {
		free(m);
		hk_err_nomem(err);
		return NULL;
	}
	m->size = size;
	hk_buf_init(&m->data, (size_t)size);
	t->members[t->n++] = m;
	return m;
}

int hk_tar_stream_add(struct hk_tar_stream *t, const char *name, int64_t size,
	size_t *index, struct hk_err *err)
{
	struct hk_err e = {0};

	if (!add_member(t, name, size, &e)) {
		if (err)
			*err = e;
		return e.code;
	}
	*index = t->n - 1;
	return HK_OK;
}

int hk_tar_stream_put(struct hk_tar_stream *t, const char *name, const void *data,
	size_t len, struct hk_err *err)
{
	struct hk_err e = {0};
	struct member *m = add_member(t, name, (int64_t)len, &e);

	if (m && (len == 0 || hk_buf_add(&m->data, data, len, &e) == HK_OK)) {
		m->stored = m->taken = true;
		return HK_OK;
	}
	if (m)
		free_member(t->members[--t->n]);
	if (err)
		*err = e;
	return e.code;
}

/* --- the sink ----------------------------------------------------------------------- */

/* Passes on all but the last bytes of the member, which are held. */
static int stream_write(
	struct hk_sink *base, const void *data, size_t len, struct hk_err *err)
{
	struct stream_sink *s = (struct stream_sink *)base;
	const struct member *m = s->stream->members[s->index];
	int64_t open = m->size - HELD - s->count; /* that may go out now */
	size_t n = 0;

	if ((uint64_t)(m->size - s->count) < len)
		return hk_err_set(err, HK_EVERIFY, "%s: longer than %" PRId64 " bytes",
			m->name, m->size);
	if (await_turn(s, err) != HK_OK)
		return err->code;
	if (open > 0)
		n = (uint64_t)open < len ? (size_t)open : len;
	if (n > 0 && hk_sink_write(s->stream->out, data, n, err) != HK_OK) {
		die(s->stream, err);
		return err->code;
	}
	if (len > n)
		memcpy(s->held + s->nheld, (const char *)data + n, len - n);
	s->nheld += len - n;
	s->count += (int64_t)len;
	return HK_OK;
}

static int stream_finish(struct hk_sink *base, struct hk_err *err)
{
	struct stream_sink *s = (struct stream_sink *)base;
	struct hk_tar_stream *t = s->stream;
	const struct member *m = t->members[s->index];
	int rc;

	if (s->count != m->size)
		return hk_err_set(err, HK_EVERIFY,
			"%s: %" PRId64 " bytes, expected %" PRId64, m->name, s->count,
			m->size);
	rc = await_turn(s, err);
	if (rc == HK_OK)
		rc = hk_sink_write(t->out, s->held, s->nheld, err);
	if (rc == HK_OK)
		rc = put_padding(t, m, err);
	if (rc != HK_OK) {
		die(t, err);
		return rc;
	}
	return pass_turn(t, s->index + 1, err);
}

static void stream_cancel(struct hk_sink *base)
{
	struct stream_sink *s = (struct stream_sink *)base;
	struct hk_err why = {0};

	hk_err_set(&why, HK_EIO, "the archive is given up");
	die(s->stream, &why);
	hk_sink_cancel(s->stream->out);
}

static void stream_free(struct hk_sink *base)
{
	struct stream_sink *s = (struct stream_sink *)base;

	if (!base->finished)
		stream_cancel(base);
	hk_tar_stream_unref(s->stream);
	free(s);
}

static const struct hk_sink_ops stream_ops = {
	.write = stream_write,
	.finish = stream_finish,
	.free = stream_free,
	.cancel = stream_cancel,
};

struct hk_sink *hk_tar_stream_sink(
	struct hk_tar_stream *t, size_t index, struct hk_err *err)
{
	struct stream_sink *s;

	if (!t)
		return NULL;
	if (index >= t->n || t->members[index]->taken) {
		hk_err_set(err, HK_EUSAGE, "no sink for member %zu", index);
		return NULL;
	}
	s = calloc(1, sizeof *s);
	if (!s) {
		hk_err_nomem(err);
		return NULL;
	}
	hk_sink_init(&s->base, &stream_ops, NULL);
	s->stream = t;
	t->refs++;
	s->index = index;
	t->members[index]->taken = true;
	return &s->base;
}

/* --- the end ------------------------------------------------------------------------ */

/* Whether all members are out, and claims the end. */
static int check_end(struct hk_tar_stream *t, struct hk_err *err)
{
	int rc = HK_OK;

	pthread_mutex_lock(&t->lock);
	if (t->dead.code != HK_OK) {
		*err = t->dead;
		rc = err->code;
	} else if (t->finished) {
		rc = hk_err_set(err, HK_EUSAGE, "the archive is finished");
	} else if (t->turn != t->n) {
		rc = hk_err_set(
			err, HK_EUSAGE, "the content of a member is not all there");
	} else {
		t->finished = true;
	}
	pthread_mutex_unlock(&t->lock);
	return rc;
}

int hk_tar_stream_finish(struct hk_tar_stream *t, struct hk_err *err)
{
	static const char zeros[2 * HK_USTAR_BLOCK];
	struct hk_err e = {0};
	int rc = begin(t, &e);

	if (rc == HK_OK)
		rc = check_end(t, &e);
	if (rc == HK_OK)
		rc = hk_sink_write(t->out, zeros, sizeof zeros, &e);
	if (rc == HK_OK)
		rc = hk_sink_finish(t->out, &e);
	if (rc != HK_OK && err)
		*err = e;
	return rc;
}
