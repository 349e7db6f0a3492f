/* test_queue: bytes cross a thread in order, and nobody waits, wakes or ends too much. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "hocker.h"
#include "test.h"

/* --- the far end: a gate that the test opens ---------------------------------------- */

struct gate {
	struct hk_sink base;
	bool shut;	      /* each write waits for a pass */
	sem_t pass;
	sem_t arrived;	      /* posted at each write */
	size_t fail_at;	      /* break when so many bytes have come; 0: never */
	bool fail_finish;
	atomic_size_t len;    /* bytes taken */
	atomic_bool intact;   /* they were the pattern */
	atomic_bool blocked;  /* signals were, in the worker */
	atomic_int finishes, frees;
};

static unsigned char pattern(size_t i)
{
	return (unsigned char)(i * 2654435761u >> 11);
}

static bool signals_are_blocked(void)
{
	sigset_t set;

	pthread_sigmask(SIG_SETMASK, NULL, &set);
	return sigismember(&set, SIGINT) == 1 && sigismember(&set, SIGTERM) == 1 &&
		sigismember(&set, SIGALRM) == 1;
}

static int gate_write(struct hk_sink *s, const void *data, size_t len, struct hk_err *err)
{
	struct gate *g = (struct gate *)s;
	const unsigned char *p = data;
	size_t have = g->len;

	sem_post(&g->arrived);
	if (g->shut)
		sem_wait(&g->pass);
	for (size_t i = 0; i < len; i++) {
		if (p[i] != pattern(have + i))
			g->intact = false;
	}
	g->blocked = signals_are_blocked();
	g->len += len;
	if (g->fail_at && g->len >= g->fail_at)
		return hk_err_set(err, HK_EVERIFY, "the gate broke");
	return HK_OK;
}

static int gate_finish(struct hk_sink *s, struct hk_err *err)
{
	struct gate *g = (struct gate *)s;

	g->finishes++;
	return g->fail_finish ? hk_err_set(err, HK_EVERIFY, "a bad end") : HK_OK;
}

static void gate_free(struct hk_sink *s)
{
	((struct gate *)s)->frees++;
}

static const struct hk_sink_ops gate_ops = {
	.write = gate_write, .finish = gate_finish, .free = gate_free};

static struct hk_sink *gate_init(struct gate *g)
{
	memset(g, 0, sizeof *g);
	g->intact = true;
	sem_init(&g->pass, 0, 0);
	sem_init(&g->arrived, 0, 0);
	hk_sink_init(&g->base, &gate_ops, NULL);
	return &g->base;
}

/* --- helpers ------------------------------------------------------------------------ */

struct waker {
	atomic_int calls;
	sem_t called;
};

static void wake(void *ctx)
{
	struct waker *w = ctx;

	w->calls++;
	sem_post(&w->called);
}

static void waker_init(struct waker *w)
{
	w->calls = 0;
	sem_init(&w->called, 0, 0);
}

/* Writes `total` bytes of the pattern in pieces of `step`. */
static int write_pattern(struct hk_sink *s, size_t total, size_t step, struct hk_err *err)
{
	unsigned char *piece = malloc(step);
	int rc = HK_OK;

	for (size_t at = 0; rc == HK_OK && at < total; at += step) {
		size_t n = total - at < step ? total - at : step;

		for (size_t i = 0; i < n; i++)
			piece[i] = pattern(at + i);
		rc = hk_sink_write(s, piece, n, err);
	}
	free(piece);
	return rc;
}

/* Asks for finish as an event loop does. */
static int finish_watched(struct hk_sink *s, struct waker *w, struct hk_err *err)
{
	int rc;

	while ((rc = hk_sink_finish(s, err)) == HK_AGAIN)
		sem_wait(&w->called);
	return rc;
}

/* --- bytes -------------------------------------------------------------------------- */

static void bytes_arrive_in_order(void)
{
	static const struct {
		size_t ring, total, step;
	} cases[] = {{1, 100, 1}, {1, 100, 7}, {7, 1000, 3}, {7, 1000, 7}, {7, 1000, 100},
		{64, 0, 1}, {64, 63, 63}, {64, 64, 64}, {64, 65, 65}, {4096, 100000, 1000},
		{1000, 100000, 4096}, {1 << 20, 3 << 20, 100000}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct hk_err err = {0};
		struct gate g;
		struct hk_sink *s = hk_sink_queue(gate_init(&g), cases[i].ring, &err);

		CHECK(s);
		CHECK(write_pattern(s, cases[i].total, cases[i].step, &err) == HK_OK);
		CHECK(hk_sink_finish(s, &err) == HK_OK);
		CHECK(hk_sink_finish(s, &err) == HK_OK);
		CHECK(g.len == cases[i].total && g.intact && g.finishes == 1);
		hk_sink_free(s);
		CHECK(g.frees == 1);
	}
}

/* What is put into the queue's own memory arrives as what is written. */
static void bytes_may_be_put_in_its_room(void)
{
	static const size_t rings[] = {1, 2, 7, 64, 1000, 1 << 16};

	for (size_t i = 0; i < sizeof rings / sizeof *rings; i++) {
		struct hk_err err = {0};
		struct gate g;
		struct hk_sink *s = hk_sink_queue(gate_init(&g), rings[i], &err);
		size_t at = 0, total = 20 * rings[i] + 5;

		while (at < total) {
			size_t len, n;
			void *room;

			CHECK(hk_sink_room(s, &room, &len, &err) == HK_OK);
			CHECK(room && len > 0 && len <= rings[i]);
			n = at % 3 == 0 ? len : (len + 1) / 2; /* all of it, or some */
			for (size_t k = 0; k < n; k++)
				((unsigned char *)room)[k] = pattern(at + k);
			CHECK(hk_sink_write(s, room, n, &err) == HK_OK);
			at += n;
			if (at % 2 == 0) { /* and one the usual way */
				unsigned char one = pattern(at++);

				CHECK(hk_sink_write(s, &one, 1, &err) == HK_OK);
			}
		}
		CHECK(hk_sink_finish(s, &err) == HK_OK);
		CHECK(g.len == at && g.intact);
		hk_sink_free(s);
	}
}

static void no_room_after_an_error(void)
{
	struct hk_err err = {0};
	struct gate g;
	struct hk_sink *s = hk_sink_queue(gate_init(&g), 16, &err);
	size_t len;
	void *room;
	int rc;

	g.fail_at = 1;
	CHECK(write_pattern(s, 1, 1, &err) == HK_OK);
	while ((rc = hk_sink_room(s, &room, &len, &err)) == HK_OK)
		CHECK(hk_sink_write(s, room, len, &err) == HK_OK || err.code == HK_EVERIFY);
	CHECK(rc == HK_EVERIFY && !room && len == 0);
	CHECK_STR(err.msg, "the gate broke");
	hk_sink_free(s);
}

static void queues_may_follow_one_another(void)
{
	struct hk_err err = {0};
	struct hk_expect e = {.size = 50000, .max = -1, .name = "x"};
	struct gate g;
	struct hk_sink *s = hk_sink_queue(gate_init(&g), 333, &err);

	s = hk_sink_verify(s, &e, &err);
	s = hk_sink_queue(s, 777, &err);
	s = hk_sink_verify(s, &e, &err);
	CHECK(write_pattern(s, 50000, 1234, &err) == HK_OK);
	CHECK(hk_sink_finish(s, &err) == HK_OK);
	CHECK(g.len == 50000 && g.intact);
	hk_sink_free(s);
}

static void the_worker_takes_no_signals(void)
{
	struct hk_err err = {0};
	struct gate g;
	struct hk_sink *s = hk_sink_queue(gate_init(&g), 10, &err);

	CHECK(write_pattern(s, 5, 5, &err) == HK_OK);
	CHECK(hk_sink_finish(s, &err) == HK_OK);
	CHECK(g.blocked && !signals_are_blocked());
	hk_sink_free(s);
}

/* --- errors ------------------------------------------------------------------------- */

static void an_error_behind_comes_back(void)
{
	struct hk_err err = {0};
	struct gate g;
	struct hk_sink *s = hk_sink_queue(gate_init(&g), 16, &err);
	int rc;

	g.fail_at = 20;
	rc = write_pattern(s, 10000, 10, &err);
	CHECK(rc == HK_EVERIFY);
	CHECK_STR(err.msg, "the gate broke");
	CHECK(hk_sink_ready(s, 1 << 20));
	err = (struct hk_err){0};
	CHECK(hk_sink_finish(s, &err) == HK_EVERIFY);
	CHECK_STR(err.msg, "the gate broke");
	hk_sink_free(s);
	CHECK(g.finishes == 0 && g.frees == 1);
}

static void an_error_comes_at_finish_at_the_latest(void)
{
	for (int at_finish = 0; at_finish < 2; at_finish++) {
		struct hk_err err = {0};
		struct gate g;
		struct hk_sink *s = hk_sink_queue(gate_init(&g), 100, &err);

		g.fail_at = at_finish ? 0 : 50;
		g.fail_finish = at_finish;
		CHECK(write_pattern(s, 50, 50, &err) == HK_OK);
		CHECK(hk_sink_finish(s, &err) == HK_EVERIFY);
		CHECK_STR(err.msg, at_finish ? "a bad end" : "the gate broke");
		hk_sink_free(s);
	}
}

static void a_queue_has_room_for_something(void)
{
	struct hk_err err = {0};
	struct gate g;

	CHECK(!hk_sink_queue(gate_init(&g), 0, &err));
	CHECK(err.code == HK_EUSAGE && g.frees == 1);
}

/* --- readiness ---------------------------------------------------------------------- */

static void ready_means_that_a_write_fits(void)
{
	static const unsigned char zeros[4];
	struct hk_err err = {0};
	struct waker w;
	struct gate g;
	struct hk_sink *s;

	waker_init(&w);
	gate_init(&g);
	g.shut = true;
	s = hk_sink_queue(&g.base, 4, &err);
	hk_sink_watch(s, wake, &w);
	CHECK(hk_sink_ready(s, 4) && hk_sink_ready(s, 1000)); /* longer: when empty */
	CHECK(hk_sink_write(s, zeros, 1, &err) == HK_OK);
	sem_wait(&g.arrived); /* the worker has the byte; it still takes its room */
	CHECK(hk_sink_ready(s, 3) && !hk_sink_ready(s, 4) && !hk_sink_ready(s, 1000));
	CHECK(hk_sink_write(s, zeros, 3, &err) == HK_OK);
	CHECK(w.calls == 0);
	CHECK(!hk_sink_ready(s, 1));
	CHECK(!hk_sink_ready(s, 1));
	sem_post(&g.pass);
	sem_wait(&w.called);
	CHECK(w.calls == 1 && g.len == 1);
	CHECK(hk_sink_ready(s, 1) && !hk_sink_ready(s, 2));
	sem_post(&g.pass);
	CHECK(finish_watched(s, &w, &err) == HK_OK);
	CHECK(g.len == 4);
	hk_sink_free(s);
}

static void nobody_is_woken_who_did_not_ask(void)
{
	struct hk_err err = {0};
	struct waker w;
	struct gate g;
	struct hk_sink *s = hk_sink_queue(gate_init(&g), 64, &err);

	waker_init(&w);
	hk_sink_watch(s, wake, &w);
	CHECK(write_pattern(s, 10000, 10, &err) == HK_OK);
	CHECK(w.calls == 0);
	CHECK(finish_watched(s, &w, &err) == HK_OK);
	CHECK(w.calls == 1);
	CHECK(g.len == 10000 && g.intact);
	hk_sink_free(s);
	CHECK(w.calls == 1);
}

static void one_no_is_one_wake(void)
{
	struct hk_err err = {0};
	struct waker w;
	struct gate g;
	struct hk_sink *s = hk_sink_queue(gate_init(&g), 64, &err);
	unsigned char piece[10];
	int noes = 0;

	waker_init(&w);
	hk_sink_watch(s, wake, &w);
	for (size_t at = 0; at < 20000; at += sizeof piece) {
		while (!hk_sink_ready(s, sizeof piece)) {
			noes++;
			sem_wait(&w.called);
		}
		for (size_t i = 0; i < sizeof piece; i++)
			piece[i] = pattern(at + i);
		CHECK(hk_sink_write(s, piece, sizeof piece, &err) == HK_OK);
	}
	CHECK(w.calls == noes);
	CHECK(finish_watched(s, &w, &err) == HK_OK);
	CHECK(w.calls == noes + 1 && g.len == 20000 && g.intact);
	hk_sink_free(s);
}

static void finish_of_a_watched_queue_does_not_block(void)
{
	struct hk_err err = {0};
	struct waker w;
	struct gate g;
	struct hk_sink *s;

	waker_init(&w);
	gate_init(&g);
	g.shut = true;
	s = hk_sink_queue(&g.base, 100, &err);
	hk_sink_watch(s, wake, &w);
	CHECK(write_pattern(s, 5, 5, &err) == HK_OK);
	CHECK(hk_sink_finish(s, &err) == HK_AGAIN);
	CHECK(hk_sink_finish(s, &err) == HK_AGAIN);
	CHECK(hk_sink_write(s, "x", 1, &err) == HK_EUSAGE);
	sem_post(&g.pass);
	hk_sink_free(s);
}

static void a_watched_finish_ends_well(void)
{
	struct hk_err err = {0};
	struct waker w;
	struct gate g;
	struct hk_sink *s;

	waker_init(&w);
	gate_init(&g);
	g.shut = true;
	s = hk_sink_queue(&g.base, 100, &err);
	hk_sink_watch(s, wake, &w);
	CHECK(write_pattern(s, 5, 5, &err) == HK_OK);
	CHECK(hk_sink_finish(s, &err) == HK_AGAIN);
	CHECK(g.finishes == 0);
	sem_post(&g.pass);
	sem_wait(&w.called);
	CHECK(w.calls == 1);
	CHECK(hk_sink_finish(s, &err) == HK_OK);
	CHECK(g.finishes == 1);
	hk_sink_free(s);
}

static void a_failure_wakes(void)
{
	struct hk_err err = {0};
	struct waker w;
	struct gate g;
	struct hk_sink *s = hk_sink_queue(gate_init(&g), 100, &err);

	waker_init(&w);
	hk_sink_watch(s, wake, &w);
	g.fail_at = 1;
	CHECK(write_pattern(s, 5, 5, &err) == HK_OK);
	sem_wait(&w.called);
	CHECK(hk_sink_ready(s, 1000));
	CHECK(hk_sink_write(s, "x", 1, &err) == HK_EVERIFY);
	hk_sink_free(s);
}

static void a_late_watcher_is_told(void)
{
	struct hk_err err = {0};
	struct waker w;
	struct gate g;
	struct hk_sink *s;

	waker_init(&w);
	gate_init(&g);
	g.shut = true;
	s = hk_sink_queue(&g.base, 4, &err);
	CHECK(write_pattern(s, 4, 4, &err) == HK_OK);
	CHECK(!hk_sink_ready(s, 4));
	sem_post(&g.pass);
	while (!hk_sink_ready(s, 4))
		usleep(100);
	CHECK(write_pattern(s, 4, 4, &err) == HK_OK);
	CHECK(!hk_sink_ready(s, 2));
	sem_post(&g.pass);
	usleep(20000);
	hk_sink_watch(s, wake, &w);
	sem_wait(&w.called);
	CHECK(w.calls == 1);
	hk_sink_free(s);
}

/* --- the end ------------------------------------------------------------------------ */

static void freed_unfinished_it_finishes_nothing(void)
{
	for (size_t total = 0; total < 200; total += 10) {
		struct hk_err err = {0};
		struct gate g;
		struct hk_sink *s = hk_sink_queue(gate_init(&g), 1000, &err);

		CHECK(write_pattern(s, total, 10, &err) == HK_OK);
		hk_sink_free(s);
		CHECK(g.finishes == 0 && g.frees == 1 && g.intact);
	}
}

static void *open_soon(void *arg)
{
	usleep(20000);
	sem_post(&((struct gate *)arg)->pass);
	return NULL;
}

static void free_waits_for_the_worker(void)
{
	struct hk_err err = {0};
	struct gate g;
	struct hk_sink *s;
	pthread_t thread;

	gate_init(&g);
	g.shut = true;
	s = hk_sink_queue(&g.base, 5, &err);
	CHECK(write_pattern(s, 5, 5, &err) == HK_OK);
	sem_wait(&g.arrived);
	CHECK(pthread_create(&thread, NULL, open_soon, &g) == 0);
	hk_sink_free(s);
	CHECK(g.len == 5 && g.frees == 1 && g.finishes == 0);
	pthread_join(thread, NULL);
}

int main(void)
{
	TEST(bytes_arrive_in_order);
	TEST(bytes_may_be_put_in_its_room);
	TEST(no_room_after_an_error);
	TEST(queues_may_follow_one_another);
	TEST(the_worker_takes_no_signals);
	TEST(an_error_behind_comes_back);
	TEST(an_error_comes_at_finish_at_the_latest);
	TEST(a_queue_has_room_for_something);
	TEST(ready_means_that_a_write_fits);
	TEST(nobody_is_woken_who_did_not_ask);
	TEST(one_no_is_one_wake);
	TEST(finish_of_a_watched_queue_does_not_block);
	TEST(a_watched_finish_ends_well);
	TEST(a_failure_wakes);
	TEST(a_late_watcher_is_told);
	TEST(freed_unfinished_it_finishes_nothing);
	TEST(free_waits_for_the_worker);
	return test_end();
}
