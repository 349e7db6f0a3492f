/* test_join: whatever order parts come in, the chain gets the body once, in its order. */
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "hocker.h"
#include "test.h"

/* --- the far end ---------------------------------------------------------------------- */

static struct end {
	struct hk_sink base;
	size_t len;	 /* bytes taken */
	bool intact;	 /* they were the pattern */
	size_t most;	 /* in one write */
	size_t fail_at;	 /* break when so many bytes have come; 0: never */
	bool fail_finish;
	bool busy;	 /* not ready, and not finished */
	int finishes, frees;
	hk_wake_fn wake;
	void *ctx;
} far;

static unsigned char pattern(size_t i)
{
	return (unsigned char)(i * 2654435761u >> 11);
}

static int end_write(struct hk_sink *s, const void *data, size_t len, struct hk_err *err)
{
	const unsigned char *p = data;

	(void)s;
	CHECK(!far.busy);
	for (size_t i = 0; i < len; i++) {
		if (p[i] != pattern(far.len + i))
			far.intact = false;
	}
	far.len += len;
	if (len > far.most)
		far.most = len;
	if (far.fail_at && far.len >= far.fail_at)
		return hk_err_set(err, HK_EVERIFY, "the end broke");
	return HK_OK;
}

static int end_finish(struct hk_sink *s, struct hk_err *err)
{
	(void)s;
	if (far.busy)
		return HK_AGAIN;
	far.finishes++;
	return far.fail_finish ? hk_err_set(err, HK_EVERIFY, "a bad end") : HK_OK;
}

static void end_free(struct hk_sink *s)
{
	(void)s;
	far.frees++;
}

static bool end_ready(struct hk_sink *s, size_t len)
{
	(void)s;
	(void)len;
	return !far.busy;
}

static void end_watch(struct hk_sink *s, hk_wake_fn wake, void *ctx)
{
	(void)s;
	far.wake = wake;
	far.ctx = ctx;
}

static const struct hk_sink_ops end_ops = {.write = end_write, .finish = end_finish,
	.free = end_free, .ready = end_ready, .watch = end_watch};

/* --- a join, its parts ------------------------------------------------------------------ */

static struct hk_err err;

/* In front of the far end; of so many bytes, or of nobody knows how many with -1. */
static struct hk_join *open_join(int64_t size)
{
	struct hk_join *j;

	memset(&far, 0, sizeof far);
	memset(&err, 0, sizeof err);
	far.intact = true;
	hk_sink_init(&far.base, &end_ops, NULL);
	j = hk_join_new(&far.base, &err);
	CHECK(j);
	if (size >= 0)
		CHECK(hk_join_set_size(j, size, &err) == HK_OK);
	return j;
}

/* Whether all came, and the chain was finished and freed once. */
static void close_join(struct hk_join *j, size_t size)
{
	hk_join_unref(j);
	CHECK(far.len == size && far.intact && far.finishes == 1 && far.frees == 1);
}

struct piece {
	struct hk_sink *sink; /* NULL: there was none */
	struct hk_range range;
	size_t at; /* the next byte to write */
};

static struct piece take(struct hk_join *j, int64_t bytes, int64_t ahead)
{
	struct piece p = {0};

	CHECK(hk_join_part(j, bytes, ahead, &p.range, &p.sink, &err) == HK_OK);
	p.at = (size_t)p.range.first;
	return p;
}

static int give(struct piece *p, size_t len)
{
	unsigned char *data = malloc(len);
	int rc;

	for (size_t i = 0; i < len; i++)
		data[i] = pattern(p->at + i);
	rc = hk_sink_write(p->sink, data, len, &err);
	free(data);
	if (rc == HK_OK)
		p->at += len;
	return rc;
}

static bool at(const struct piece *p, int64_t first, int64_t last)
{
	return p->sink && p->range.first == first && p->range.last == last;
}

/* Finishes and frees it. */
static int end_piece(struct piece *p)
{
	int rc = hk_sink_finish(p->sink, &err);

	hk_sink_free(p->sink);
	return rc;
}

/* --- bytes ------------------------------------------------------------------------------ */

static void one_part_is_all(void)
{
	for (size_t size = 0; size < 3; size++) {
		struct hk_join *j = open_join(-1);
		struct piece p = take(j, -1, 0);

		CHECK(at(&p, 0, INT64_MAX));
		CHECK(!take(j, -1, 1000).sink);
		CHECK(give(&p, size) == HK_OK);
		CHECK(hk_join_received(j) == (int64_t)size && far.len == size);
		CHECK(hk_join_finish(j, &err) == HK_AGAIN);
		CHECK(end_piece(&p) == HK_OK);
		CHECK(hk_join_finish(j, &err) == HK_OK);
		close_join(j, size);
	}
}

static void parts_may_come_in_any_order(void)
{
	static const int orders[][3] = {
		{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
		struct hk_join *j = open_join(25);
		struct piece p[3];

		for (int k = 0; k < 3; k++)
			p[k] = take(j, 10, 100);
		CHECK(at(&p[0], 0, 9) && at(&p[1], 10, 19) && at(&p[2], 20, 24));
		CHECK(!take(j, 10, 100).sink);
		for (int k = 0; k < 3; k++) {
			struct piece *next = &p[orders[i][k]];

			CHECK(give(next, (size_t)(next->range.last - next->range.first + 1)) == HK_OK);
			CHECK(end_piece(next) == HK_OK);
			CHECK(far.finishes == (k == 2));
		}
		close_join(j, 25);
	}
}

/* A byte at a time, all by turns: each is passed on as soon as those before it are there. */
static void parts_may_come_at_the_same_time(void)
{
	struct hk_join *j = open_join(300000);
	struct piece p[3];
	size_t len;

	for (int k = 0; k < 3; k++)
		p[k] = take(j, 100000, 300000);
	for (size_t n = 0; n < 100000; n += len) {
		len = 1 + n % 17;
		if (len > 100000 - n)
			len = 100000 - n;
		for (int k = 2; k >= 0; k--)
			CHECK(give(&p[k], len) == HK_OK);
		CHECK(far.len == n + len);
		CHECK(hk_join_received(j) == (int64_t)(3 * (n + len)));
	}
	for (int k = 2; k >= 0; k--)
		CHECK(end_piece(&p[k]) == HK_OK);
	CHECK(far.most <= 32768);
	close_join(j, 300000);
}

/* What came of the second part while the first was under way is followed by the rest of it. */
static void a_part_gets_to_the_front(void)
{
	struct hk_join *j = open_join(20);
	struct piece a = take(j, 10, 20), b = take(j, 10, 20);

	CHECK(give(&b, 4) == HK_OK);
	CHECK(give(&a, 10) == HK_OK);
	CHECK(far.len == 10);
	CHECK(end_piece(&a) == HK_OK);
	CHECK(far.len == 14);
	CHECK(give(&b, 6) == HK_OK);
	CHECK(far.len == 20 && far.finishes == 0);
	CHECK(end_piece(&b) == HK_OK);
	close_join(j, 20);
}

/* --- gaps ------------------------------------------------------------------------------- */

static void what_a_part_does_not_bring_is_given_out_again(void)
{
	for (int finished = 0; finished < 2; finished++) {
		struct hk_join *j = open_join(40);
		struct piece a = take(j, 10, 100), b = take(j, 10, 100), c = take(j, 10, 100), d;

		CHECK(give(&b, 4) == HK_OK && give(&c, 10) == HK_OK);
		if (finished)
			CHECK(hk_sink_finish(b.sink, &err) == HK_OK);
		hk_sink_free(b.sink);
		CHECK(end_piece(&c) == HK_OK);
		hk_sink_free(a.sink);
		CHECK(hk_join_received(j) == 14 && far.len == 0);
		a = take(j, 100, 100);
		b = take(j, 100, 100);
		d = take(j, 100, 100);
		CHECK(at(&a, 0, 9) && at(&b, 14, 19) && at(&d, 30, 39));
		CHECK(give(&d, 10) == HK_OK && give(&a, 10) == HK_OK && give(&b, 6) == HK_OK);
		CHECK(end_piece(&d) == HK_OK && end_piece(&a) == HK_OK && end_piece(&b) == HK_OK);
		close_join(j, 40);
	}
}

static void the_first_may_be_stopped_for_parts(void)
{
	struct hk_join *j = open_join(-1);
	struct piece a = take(j, -1, 0), b;

	CHECK(give(&a, 7) == HK_OK);
	CHECK(hk_join_set_size(j, 20, &err) == HK_OK);
	CHECK(!take(j, 10, 100).sink); /* it has all */
	CHECK(end_piece(&a) == HK_OK);
	CHECK(hk_join_finish(j, &err) == HK_AGAIN);
	a = take(j, 10, 0);
	b = take(j, 10, 10);
	CHECK(at(&a, 7, 16) && at(&b, 17, 19));
	CHECK(give(&a, 10) == HK_OK && give(&b, 3) == HK_OK);
	CHECK(end_piece(&a) == HK_OK && end_piece(&b) == HK_OK);
	close_join(j, 20);
}

static void no_further_ahead_than_allowed(void)
{
	struct hk_join *j = open_join(100);
	struct piece a = take(j, 10, 10), b = take(j, 10, 10), c;

	CHECK(a.sink && b.sink && !take(j, 10, 19).sink);
	CHECK(give(&a, 1) == HK_OK);
	c = take(j, 10, 19);
	CHECK(at(&c, 20, 29));
	hk_sink_free(a.sink);
	hk_sink_free(b.sink);
	hk_sink_free(c.sink);
	hk_join_unref(j);
	CHECK(far.frees == 1 && far.finishes == 0);
}

/* One that fetches all the rest needs nothing of what waits. */
static void all_the_rest_replaces_what_waits(void)
{
	struct hk_join *j = open_join(50);
	struct piece a = take(j, 10, 100), b = take(j, 10, 100), c = take(j, 10, 100), d;

	CHECK(give(&a, 3) == HK_OK && give(&b, 10) == HK_OK && give(&c, 4) == HK_OK);
	hk_sink_free(a.sink);
	CHECK(end_piece(&b) == HK_OK);
	a = take(j, -1, 0);
	CHECK(at(&a, 3, 19)); /* up to what another one brings */
	CHECK(hk_join_received(j) == 7);
	hk_sink_free(a.sink);
	hk_sink_free(c.sink);
	d = take(j, -1, 0);
	CHECK(at(&d, 3, 49));
	CHECK(hk_join_received(j) == 3);
	CHECK(give(&d, 47) == HK_OK && end_piece(&d) == HK_OK);
	close_join(j, 50);
}

/* --- sizes ------------------------------------------------------------------------------ */

static void a_size_ends_parts(void)
{
	struct hk_join *j = open_join(-1);
	struct piece a = take(j, -1, 0);

	CHECK(give(&a, 5) == HK_OK);
	CHECK(hk_join_set_size(j, 8, &err) == HK_OK);
	CHECK(give(&a, 4) == HK_EPROTOCOL);
	CHECK_STR(err.msg, "more bytes than asked for");
	hk_sink_free(a.sink);
	CHECK(far.len == 5);
	hk_join_unref(j);
}

static void a_size_that_is_over_already(void)
{
	struct hk_join *j = open_join(30);
	struct piece a = take(j, 10, 0), b = take(j, 10, 10);

	CHECK(give(&a, 2) == HK_OK && give(&b, 3) == HK_OK);
	CHECK(hk_join_set_size(j, 12, &err) == HK_EPROTOCOL);
	CHECK_STR(err.msg, "13 bytes have come already, of 12");
	CHECK(hk_join_set_size(j, -1, &err) == HK_EPROTOCOL);
	CHECK(hk_join_set_size(j, 13, &err) == HK_OK);
	CHECK(give(&b, 1) == HK_EPROTOCOL);
	hk_sink_free(b.sink);
	CHECK(give(&a, 8) == HK_OK && end_piece(&a) == HK_OK);
	CHECK(far.finishes == 1);
	close_join(j, 13);
}

static void more_bytes_than_asked_for(void)
{
	for (int ahead = 0; ahead < 2; ahead++) {
		struct hk_join *j = open_join(20);
		struct piece a = take(j, 10, 10), b = take(j, 10, 10), *p = ahead ? &b : &a;

		CHECK(give(p, 9) == HK_OK);
		CHECK(give(p, 2) == HK_EPROTOCOL);
		CHECK(give(p, 1) == HK_EPROTOCOL);
		CHECK(hk_join_received(j) == 9);
		hk_sink_free(a.sink);
		hk_sink_free(b.sink);
		hk_join_unref(j);
		CHECK(far.frees == 1 && far.finishes == 0);
	}
}

static void a_part_that_no_memory_would_hold(void)
{
	struct hk_join *j = open_join(INT64_MAX - 1);
	struct piece a = take(j, 1, 0);
	struct hk_range range;
	struct hk_sink *sink;

	CHECK(hk_join_part(j, (64 << 20) + 1, 1, &range, &sink, &err) == HK_EUSAGE && !sink);
	hk_sink_free(a.sink);
	hk_join_unref(j);
}

/* --- the chain's word ------------------------------------------------------------------- */

/* Whoever writes next hears of it, whether its bytes were to blame or not. */
static void an_error_behind_comes_back(void)
{
	struct hk_join *j = open_join(30);
	struct piece a = take(j, 10, 30), b = take(j, 10, 30), c = take(j, 10, 30);

	far.fail_at = 12;
	CHECK(give(&b, 10) == HK_OK && give(&c, 5) == HK_OK && give(&a, 10) == HK_OK);
	CHECK(end_piece(&b) == HK_OK);
	CHECK(end_piece(&a) == HK_EVERIFY);
	CHECK_STR(err.msg, "the end broke");
	err = (struct hk_err){0};
	CHECK(hk_join_finish(j, &err) == HK_EVERIFY);
	CHECK_STR(err.msg, "the end broke");
	CHECK(end_piece(&c) == HK_EVERIFY);
	hk_join_unref(j);
	CHECK(far.frees == 1 && far.finishes == 0);
}

static void a_bad_end_comes_back(void)
{
	struct hk_join *j = open_join(10);
	struct piece a = take(j, 10, 0);

	far.fail_finish = true;
	CHECK(give(&a, 10) == HK_OK);
	CHECK(end_piece(&a) == HK_EVERIFY);
	CHECK(hk_join_finish(j, &err) == HK_EVERIFY);
	hk_join_unref(j);
	CHECK(far.finishes == 1 && far.frees == 1);
}

/* A transfer may fail with its last byte there, and be the last: somebody has to see to the end. */
static void parts_that_are_whole_and_fail(void)
{
	struct hk_join *j = open_join(20);
	struct piece a = take(j, 10, 20), b = take(j, 10, 20);

	CHECK(give(&b, 10) == HK_OK && end_piece(&b) == HK_OK);
	CHECK(give(&a, 10) == HK_OK);
	hk_sink_free(a.sink);
	CHECK(!take(j, 10, 20).sink);
	CHECK(far.len == 10 && far.finishes == 0);
	CHECK(hk_join_finish(j, &err) == HK_OK);
	close_join(j, 20);
}

/* --- readiness -------------------------------------------------------------------------- */

static void count(void *ctx)
{
	++*(int *)ctx;
}

static void a_busy_chain_blocks_nobody(void)
{
	struct hk_join *j = open_join(30);
	struct piece a = take(j, 10, 30), b = take(j, 10, 30), c = take(j, 10, 30);

	far.busy = true;
	CHECK(!hk_sink_ready(a.sink, 1) && hk_sink_ready(b.sink, 1) && hk_sink_ready(c.sink, 1));
	CHECK(give(&b, 10) == HK_OK && give(&c, 4) == HK_OK);
	CHECK(end_piece(&b) == HK_OK);
	far.busy = false;
	CHECK(hk_sink_ready(a.sink, 1) && give(&a, 10) == HK_OK);
	far.busy = true;
	CHECK(hk_sink_finish(a.sink, &err) == HK_AGAIN);
	CHECK(hk_join_finish(j, &err) == HK_AGAIN);
	CHECK(hk_sink_write(a.sink, "x", 1, &err) != HK_OK);
	CHECK(far.len == 10);
	hk_sink_free(a.sink);
	CHECK(give(&c, 6) == HK_OK); /* it waits too */
	far.busy = false;
	CHECK(hk_sink_ready(c.sink, 1) && far.len == 30);
	far.busy = true;
	CHECK(hk_sink_finish(c.sink, &err) == HK_AGAIN);
	far.busy = false;
	CHECK(end_piece(&c) == HK_OK);
	close_join(j, 30);
}

/* Nobody is told who is gone, and what is there is told still. */
static void who_is_told(void)
{
	struct hk_join *j = open_join(30);
	struct piece a = take(j, 10, 30), b = take(j, 10, 30), c = take(j, 10, 30);
	int of_a = 0, of_b = 0;

	CHECK(!far.wake);
	hk_sink_watch(a.sink, count, &of_a);
	far.wake(far.ctx);
	hk_sink_watch(b.sink, count, &of_b);
	far.wake(far.ctx);
	CHECK(of_a == 1 && of_b == 1);
	hk_sink_free(b.sink);
	far.wake(far.ctx);
	CHECK(of_a == 2 && of_b == 1);
	hk_sink_free(a.sink);
	CHECK(far.wake && far.ctx != &of_a);
	far.wake(far.ctx);
	CHECK(of_a == 2);
	hk_sink_free(c.sink);
	hk_join_unref(j);
	CHECK(far.frees == 1);
}

static void a_part_holds_the_chain(void)
{
	struct hk_join *j = open_join(10);
	struct piece a = take(j, 10, 0);

	hk_join_unref(j);
	CHECK(far.frees == 0);
	CHECK(give(&a, 10) == HK_OK && end_piece(&a) == HK_OK);
	CHECK(far.len == 10 && far.finishes == 1 && far.frees == 1);
	CHECK(!hk_join_new(NULL, &err));
	hk_join_unref(NULL);
}

/* --- a thread behind -------------------------------------------------------------------- */

static void post(void *ctx)
{
	sem_post(ctx);
}

/* As a session does it: a part writes when it is ready, and is asked again when that changes. */
static void a_queue_behind(void)
{
	static const size_t rings[] = {64, 1000, 70000};
	enum { PARTS = 8, EACH = 20000 };

	for (size_t i = 0; i < sizeof rings / sizeof *rings; i++) {
		struct hk_join *j;
		struct piece p[PARTS];
		sem_t woken;
		size_t left = PARTS;

		memset(&far, 0, sizeof far);
		far.intact = true;
		hk_sink_init(&far.base, &end_ops, NULL);
		sem_init(&woken, 0, 0);
		j = hk_join_new(hk_sink_queue(&far.base, rings[i], &err), &err);
		CHECK(hk_join_set_size(j, PARTS * EACH, &err) == HK_OK);
		for (int k = 0; k < PARTS; k++) {
			p[k] = take(j, EACH, PARTS * EACH);
			hk_sink_watch(p[k].sink, post, &woken);
		}
		while (left > 0) {
			bool moved = false;

			for (int k = PARTS - 1; k >= 0; k--) {
				if (!p[k].sink)
					continue;
				if (p[k].at <= (size_t)p[k].range.last) {
					if (!hk_sink_ready(p[k].sink, 50))
						continue;
					CHECK(give(&p[k], 50) == HK_OK);
				} else {
					if (hk_sink_finish(p[k].sink, &err) == HK_AGAIN)
						continue;
					CHECK(err.code == HK_OK);
					hk_sink_free(p[k].sink);
					p[k].sink = NULL;
					left--;
				}
				moved = true;
			}
			if (!moved)
				sem_wait(&woken);
		}
		CHECK(hk_join_finish(j, &err) == HK_OK);
		close_join(j, (size_t)PARTS * EACH);
		sem_destroy(&woken);
	}
}

/* No more than ever of bytes, ends and failures, and what is given out goes to the right place. */
static void at_random(void)
{
	unsigned seed = 1;

	for (int round = 0; round < 300; round++) {
		int64_t size = rand_r(&seed) % 2000;
		struct hk_join *j = open_join(size);
		struct piece p[5] = {{0}};

		while (hk_join_finish(j, &err) == HK_AGAIN) {
			struct piece *one = &p[rand_r(&seed) % 5];
			size_t want, len = (size_t)rand_r(&seed) % 40 + 1;

			if (!one->sink) {
				*one = take(j, rand_r(&seed) % 300 + 1, rand_r(&seed) % 500);
				continue;
			}
			want = (size_t)one->range.last + 1 - one->at;
			if (want > 0)
				CHECK(give(one, len < want ? len : want) == HK_OK);
			if (want > 0 && rand_r(&seed) % 20 > 0)
				continue;
			if (rand_r(&seed) % 2)
				CHECK(hk_sink_finish(one->sink, &err) == HK_OK);
			hk_sink_free(one->sink);
			one->sink = NULL;
		}
		for (int k = 0; k < 5; k++)
			hk_sink_free(p[k].sink);
		CHECK(hk_join_received(j) == size);
		close_join(j, (size_t)size);
	}
}

int main(void)
{
	TEST(one_part_is_all);
	TEST(parts_may_come_in_any_order);
	TEST(parts_may_come_at_the_same_time);
	TEST(a_part_gets_to_the_front);
	TEST(what_a_part_does_not_bring_is_given_out_again);
	TEST(the_first_may_be_stopped_for_parts);
	TEST(no_further_ahead_than_allowed);
	TEST(all_the_rest_replaces_what_waits);
	TEST(a_size_ends_parts);
	TEST(a_size_that_is_over_already);
	TEST(more_bytes_than_asked_for);
	TEST(a_part_that_no_memory_would_hold);
	TEST(an_error_behind_comes_back);
	TEST(a_bad_end_comes_back);
	TEST(parts_that_are_whole_and_fail);
	TEST(a_busy_chain_blocks_nobody);
	TEST(who_is_told);
	TEST(a_part_holds_the_chain);
	TEST(a_queue_behind);
	TEST(at_random);
	return test_end();
}
