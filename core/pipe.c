/*
 * pipe: one writer, one reader, a ring of bytes between them.
 *
 * The lock guards the numbers; the part of the ring that is in use belongs to the reader, the
 * rest to the writer.
 */
#include "pipe.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum pipe_state { UNUSED, OPEN, WHOLE, CUT };

struct hk_pipe {
	unsigned refs;
	pthread_t reader;
	pthread_mutex_t lock; /* guards all below but the contents of the ring */
	pthread_cond_t room;  /* told to the writer: bytes were taken, or it is cancelled */
	unsigned char *ring;
	size_t cap, head, used;
	enum pipe_state state;
	bool cancelled; /* the chain is about to be freed */
	bool asked;	/* the reader has found nothing */
	hk_wake_fn wake;
	void *ctx;
};

struct pipe_sink {
	struct hk_sink base;
	struct hk_pipe *pipe; /* held */
};

/* --- the reader --------------------------------------------------------------------- */

struct hk_pipe *hk_pipe_new(size_t bytes, struct hk_err *err)
{
	struct hk_pipe *p = calloc(1, sizeof *p);

	if (!p || !(p->ring = malloc(bytes ? bytes : 1))) {
		free(p);
		hk_err_nomem(err);
		return NULL;
	}
	p->refs = 1;
	p->cap = bytes ? bytes : 1;
	p->reader = pthread_self();
	/* With default attributes these two can't fail on Linux. */
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->room, NULL);
	return p;
}

void hk_pipe_unref(struct hk_pipe *p)
{
	if (!p || --p->refs > 0)
		return;
	pthread_cond_destroy(&p->room);
	pthread_mutex_destroy(&p->lock);
	free(p->ring);
	free(p);
}

int hk_pipe_peek(struct hk_pipe *p, const void **data, size_t *len, struct hk_err *err)
{
	int rc = HK_OK;

	pthread_mutex_lock(&p->lock);
	*data = p->ring + p->head;
	*len = p->used < p->cap - p->head ? p->used : p->cap - p->head;
	if (p->used == 0 && p->state == CUT)
		rc = hk_err_set(err, HK_EIO, "what was to be read has broken off");
	else if (p->used == 0 && p->state != WHOLE)
		rc = HK_AGAIN;
	p->asked = rc == HK_AGAIN;
	pthread_mutex_unlock(&p->lock);
	return rc;
}

void hk_pipe_drop(struct hk_pipe *p, size_t len)
{
	pthread_mutex_lock(&p->lock);
	p->used -= len;
	p->head = (p->head + len) % p->cap;
	pthread_cond_signal(&p->room);
	pthread_mutex_unlock(&p->lock);
}

/* --- the writer --------------------------------------------------------------------- */

/* Called with the lock. */
static void tell(struct hk_pipe *p)
{
	if (p->asked && p->wake)
		p->wake(p->ctx);
	p->asked = false;
}

static size_t wait_for_room(struct hk_pipe *p, unsigned char **room, struct hk_err *err)
{
	bool alone = pthread_equal(pthread_self(), p->reader);
	size_t tail, len;

	pthread_mutex_lock(&p->lock);
	while (p->used == p->cap && !p->cancelled && !alone)
		pthread_cond_wait(&p->room, &p->lock);
	tail = (p->head + p->used) % p->cap;
	*room = p->ring + tail;
	len = p->cap - p->used < p->cap - tail ? p->cap - p->used : p->cap - tail;
	if (p->cancelled)
		len = 0;
	pthread_mutex_unlock(&p->lock);
	if (len == 0)
		hk_err_set(err, HK_EUSAGE, "nobody reads what is written to a pipe");
	return len;
}

static int pipe_write(struct hk_sink *s, const void *data, size_t len, struct hk_err *err)
{
	struct hk_pipe *p = ((struct pipe_sink *)s)->pipe;
	const unsigned char *from = data;
	unsigned char *room;
	size_t n;

	for (; len > 0; from += n, len -= n) {
		n = wait_for_room(p, &room, err);
		if (n == 0)
			return HK_EUSAGE;
		if (n > len)
			n = len;
		memcpy(room, from, n);
		pthread_mutex_lock(&p->lock);
		p->used += n;
		tell(p);
		pthread_mutex_unlock(&p->lock);
	}
	return HK_OK;
}

static void end(struct hk_pipe *p, enum pipe_state state)
{
	pthread_mutex_lock(&p->lock);
	if (p->state == OPEN)
		p->state = state;
	tell(p);
	pthread_mutex_unlock(&p->lock);
}

static int pipe_finish(struct hk_sink *s, struct hk_err *err)
{
	(void)err;
	end(((struct pipe_sink *)s)->pipe, WHOLE);
	return HK_OK;
}

static void pipe_call(struct hk_sink *s, hk_wake_fn wake, void *ctx)
{
	struct hk_pipe *p = ((struct pipe_sink *)s)->pipe;

	pthread_mutex_lock(&p->lock);
	p->wake = wake;
	p->ctx = ctx;
	pthread_mutex_unlock(&p->lock);
}

static void pipe_cancel(struct hk_sink *s)
{
	struct hk_pipe *p = ((struct pipe_sink *)s)->pipe;

	pthread_mutex_lock(&p->lock);
	p->cancelled = true;
	pthread_cond_signal(&p->room);
	pthread_mutex_unlock(&p->lock);
}

static void pipe_free(struct hk_sink *s)
{
	struct hk_pipe *p = ((struct pipe_sink *)s)->pipe;

	p->wake = NULL; /* no worker is left */
	end(p, CUT);
	hk_pipe_unref(p);
	free(s);
}

static const struct hk_sink_ops pipe_ops = {
	.write = pipe_write,
	.finish = pipe_finish,
	.free = pipe_free,
	.call = pipe_call,
	.cancel = pipe_cancel,
};

struct hk_sink *hk_pipe_sink(struct hk_pipe *p, struct hk_err *err)
{
	struct pipe_sink *s;

	if (p->state != UNUSED) {
		hk_err_set(err, HK_EUSAGE, "a pipe has one sink, once");
		return NULL;
	}
	s = calloc(1, sizeof *s);
	if (!s) {
		hk_err_nomem(err);
		return NULL;
	}
	hk_sink_init(&s->base, &pipe_ops, NULL);
	s->pipe = p;
	p->state = OPEN;
	p->refs++;
	return &s->base;
}
