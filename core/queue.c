/*
 * queue: one producer, one worker thread, a ring of bytes between them.
 *
 * The lock guards the numbers, not the bytes: the part of the ring that is in use belongs
 * to the worker, the rest to the producer, and each copies to or passes from its own part
 * without the lock. The worker hands on spans of the ring itself, short ones, so that the
 * producer finds room while the chain behind is still busy. In the stream of bytes conditions are
 * signalled when the lock is free again: whoever is woken needs it first.
 *
 * Nobody is woken who did not ask: the wake function is called once after each "not
 * ready" and each HK_AGAIN, and once when the chain behind has failed or finished.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "queue.h"

struct queue {
	struct hk_sink base;
	pthread_t thread;
	pthread_mutex_t lock; /* guards all below but the contents of the ring */
	pthread_cond_t room;  /* told to the producer: bytes were taken, or `done` */
	pthread_cond_t data;  /* told to the worker: bytes, `eof` or `cancel` */
	unsigned char *ring;
	size_t cap;
	size_t head;	    /* offset of the oldest byte */
	size_t used;	    /* bytes in the ring */
	bool eof;	    /* finish was called: nothing more will come */
	bool cancel;	    /* the queue is being freed */
	bool done;	    /* the worker is at its end; `result` holds how it went */
	struct hk_err result; /* HK_OK until the chain behind fails */
	hk_wake_fn wake;    /* NULL: unwatched */
	void *ctx;
	bool asked;   /* hk_sink_ready said no to a write of `wanted` bytes */
	size_t wanted;
};

/* A write longer than the whole ring has to block whenever it comes; the best moment
 * for it is an empty ring. */
static bool fits(const struct queue *q, size_t len)
{
	return len <= q->cap - q->used || q->used == 0;
}

/* --- the worker --------------------------------------------------------------------- */

/* The next bytes to pass on: false when there are none and never will be. */
static bool next_span(struct queue *q, const unsigned char **span, size_t *len)
{
	bool more;

	pthread_mutex_lock(&q->lock);
	while (q->used == 0 && !q->eof && !q->cancel)
		pthread_cond_wait(&q->data, &q->lock);
	more = q->used > 0 && !q->cancel;
	*span = q->ring + q->head;
	*len = q->cap - q->head;
	if (*len > q->used)
		*len = q->used;
	if (*len > HK_CHUNK)
		*len = HK_CHUNK;
	pthread_mutex_unlock(&q->lock);
	return more;
}

static void release_span(struct queue *q, size_t len)
{
	pthread_mutex_lock(&q->lock);
	q->used -= len;
	q->head += len;
	if (q->head == q->cap)
		q->head = 0;
	if (q->asked && q->wake && fits(q, q->wanted)) {
		q->asked = false;
		q->wake(q->ctx);
	}
	pthread_mutex_unlock(&q->lock);
	pthread_cond_signal(&q->room);
}

static void end_work(struct queue *q, const struct hk_err *result)
{
	pthread_mutex_lock(&q->lock);
	q->result = *result;
	q->done = true;
	pthread_cond_signal(&q->room);
	if (q->wake)
		q->wake(q->ctx);
	pthread_mutex_unlock(&q->lock);
}

static void *work(void *arg)
{
	struct queue *q = arg;
	struct hk_err err = {0};
	const unsigned char *span;
	size_t len;
	int rc = HK_OK;
	bool cancelled;

	while (rc == HK_OK && next_span(q, &span, &len)) {
		rc = hk_sink_write(q->base.next, span, len, &err);
		release_span(q, len);
	}
	pthread_mutex_lock(&q->lock);
	cancelled = q->cancel;
	pthread_mutex_unlock(&q->lock);
	if (cancelled)
		return NULL;
	if (rc == HK_OK)
		rc = hk_sink_finish(q->base.next, &err);
	end_work(q, &err);
	return NULL;
}

/* --- the producer ------------------------------------------------------------------- */

/* The free part of the ring that begins where the used one ends, up to the ring's own end. */
static size_t free_span(const struct queue *q, unsigned char **span)
{
	size_t tail = q->head + q->used, free = q->cap - q->used;

	if (tail >= q->cap)
		tail -= q->cap;
	*span = q->ring + tail;
	return free < q->cap - tail ? free : q->cap - tail;
}

/* Waits for `least` bytes of room, or as many as there are before the ring's end; where they are
 * goes to `span`, how many is returned: 0 and `err` when there will be none any more. */
static size_t wait_for_room(
	struct queue *q, size_t least, unsigned char **span, struct hk_err *err)
{
	size_t len, to_end;

	pthread_mutex_lock(&q->lock);
	len = free_span(q, span);
	to_end = (size_t)(q->ring + q->cap - *span);
	while (len < least && len < to_end && !q->done) {
		pthread_cond_wait(&q->room, &q->lock);
		len = free_span(q, span);
	}
	if (q->result.code != HK_OK)
		*err = q->result;
	else if (q->eof)
		hk_err_set(err, HK_EUSAGE, "write to a queue that is finishing");
	if (q->result.code != HK_OK || q->eof)
		len = 0;
	pthread_mutex_unlock(&q->lock);
	return len;
}

/* A quarter of the ring, so that the two threads hand large pieces to one another. */
static int queue_room(struct hk_sink *s, void **room, size_t *len, struct hk_err *err)
{
	struct queue *q = (struct queue *)s;
	unsigned char *span;

	*len = wait_for_room(q, (q->cap + 3) / 4, &span, err);
	*room = *len > 0 ? span : NULL;
	return *len > 0 ? HK_OK : err->code;
}

static int queue_write(
	struct hk_sink *s, const void *data, size_t len, struct hk_err *err)
{
	struct queue *q = (struct queue *)s;
	const unsigned char *p = data;

	while (len > 0) {
		unsigned char *span = NULL;
		size_t n = wait_for_room(q, 1, &span, err);

		if (n == 0)
			return err->code;
		if (n > len)
			n = len;
		if (span != p) /* else they were put there already */
			memcpy(span, p, n);
		p += n;
		len -= n;
		pthread_mutex_lock(&q->lock);
		q->used += n;
		pthread_mutex_unlock(&q->lock);
		pthread_cond_signal(&q->data);
	}
	return HK_OK;
}

static int queue_finish(struct hk_sink *s, struct hk_err *err)
{
	struct queue *q = (struct queue *)s;
	int rc = HK_AGAIN;

	pthread_mutex_lock(&q->lock);
	q->eof = true;
	pthread_cond_signal(&q->data);
	while (!q->wake && !q->done)
		pthread_cond_wait(&q->room, &q->lock);
	if (q->done) {
		rc = q->result.code;
		if (rc != HK_OK)
			*err = q->result;
	}
	pthread_mutex_unlock(&q->lock);
	return rc;
}

static bool queue_ready(struct hk_sink *s, size_t len)
{
	struct queue *q = (struct queue *)s;
	bool ready;

	pthread_mutex_lock(&q->lock);
	ready = q->done || fits(q, len);
	q->asked = !ready;
	q->wanted = len;
	pthread_mutex_unlock(&q->lock);
	return ready;
}

static void queue_watch(struct hk_sink *s, hk_wake_fn wake, void *ctx)
{
	struct queue *q = (struct queue *)s;

	pthread_mutex_lock(&q->lock);
	q->wake = wake;
	q->ctx = ctx;
	if (wake && (q->done || (q->asked && fits(q, q->wanted)))) {
		q->asked = false; /* what it would have been told before it was there */
		wake(ctx);
	}
	pthread_mutex_unlock(&q->lock);
}

static void destroy(struct queue *q)
{
	pthread_cond_destroy(&q->data);
	pthread_cond_destroy(&q->room);
	pthread_mutex_destroy(&q->lock);
	free(q->ring);
	free(q);
}

static void queue_free(struct hk_sink *s)
{
	struct queue *q = (struct queue *)s;
	bool done;

	pthread_mutex_lock(&q->lock);
	q->cancel = true;
	q->wake = NULL;
	done = q->done;
	pthread_cond_signal(&q->data);
	pthread_mutex_unlock(&q->lock);
	if (!done)
		hk_sink_cancel(s->next);
	pthread_join(q->thread, NULL);
	destroy(q);
}

static const struct hk_sink_ops queue_ops = {
	.write = queue_write,
	.finish = queue_finish,
	.free = queue_free,
	.ready = queue_ready,
	.watch = queue_watch,
	.room = queue_room,
};

/* --- construction ------------------------------------------------------------------- */

static struct queue *allocate(size_t bytes, struct hk_err *err)
{
	struct queue *q = calloc(1, sizeof *q);

	if (!q || !(q->ring = malloc(bytes))) {
		hk_err_nomem(err);
		free(q);
		return NULL;
	}
	q->cap = bytes;
	/* With default attributes these three can't fail on Linux. */
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->room, NULL);
	pthread_cond_init(&q->data, NULL);
	return q;
}

/* Signals are for the threads of the program; a worker must never run a handler. */
static int start_thread(struct queue *q)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&q->thread, NULL, work, q);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

struct hk_sink *hk_sink_queue(struct hk_sink *next, size_t bytes, struct hk_err *err)
{
	struct queue *q = NULL;
	int rc;

	if (!next)
		return NULL;
	if (bytes == 0) {
		hk_err_set(err, HK_EUSAGE, "a queue of no bytes");
		goto fail;
	}
	q = allocate(bytes, err);
	if (!q)
		goto fail;
	hk_sink_init(&q->base, &queue_ops, next);
	rc = start_thread(q);
	if (rc != 0) {
		hk_err_sys(err, rc, "starting a thread");
		goto fail;
	}
	return &q->base;
fail:
	if (q)
		destroy(q);
	hk_sink_free(next);
	return NULL;
}
