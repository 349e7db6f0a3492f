/* test_pipe: a reader gets all bytes in order, at its own pace, and learns how it ended. */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

#include "hocker.h"
#include "test.h"

static sem_t called;

static void wake(void *ctx)
{
	(void)ctx;
	sem_post(&called);
}

/* Reads what comes until there is no more; `step` bytes at a time. */
static int drain(struct hk_pipe *p, char *to, size_t step, struct hk_err *err)
{
	const void *data;
	size_t len;
	int rc;

	for (;;) {
		rc = hk_pipe_peek(p, &data, &len, err);
		if (rc == HK_AGAIN) {
			sem_wait(&called);
			continue;
		}
		if (rc != HK_OK || len == 0)
			return rc;
		if (len > step)
			len = step;
		memcpy(to, data, len);
		to += len;
		hk_pipe_drop(p, len);
	}
}

static struct hk_sink *open_queue(struct hk_pipe *p, struct hk_err *err)
{
	struct hk_sink *s = hk_sink_queue(hk_pipe_sink(p, err), 5, err);

	sem_init(&called, 0, 0);
	hk_sink_watch(s, wake, NULL);
	return s;
}

/* A producer that is a thread of its own, as the network is not. */
struct producer {
	struct hk_sink *to;
	const char *data;
	size_t len;
};

static void *produce(void *arg)
{
	struct producer *w = arg;
	struct hk_err err = {0};

	for (size_t at = 0; at < w->len; at += 100)
		if (hk_sink_write(w->to, w->data + at, 100, &err) != HK_OK)
			return w;
	return hk_sink_finish(w->to, &err) == HK_AGAIN ? NULL : w;
}

static void bytes_come_in_order(void)
{
	static char data[10000], got[sizeof data];

	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (char)(i * 2654435761u >> 11);
	for (size_t size = 1; size < 40; size += 6) {
		struct hk_err err = {0};
		struct hk_pipe *p = hk_pipe_new(size, &err);
		struct hk_sink *s = open_queue(p, &err);
		struct producer w = {s, data, sizeof data};
		pthread_t thread;
		void *failed;

		memset(got, 0, sizeof got);
		CHECK(pthread_create(&thread, NULL, produce, &w) == 0);
		CHECK(drain(p, got, 1 + size / 2, &err) == HK_OK);
		pthread_join(thread, &failed);
		CHECK(!failed && memcmp(data, got, sizeof data) == 0);
		hk_sink_free(s);
		hk_pipe_unref(p);
	}
}

static void an_end_that_fails_is_none(void)
{
	struct hk_err err = {0};
	struct hk_expect want = {.size = 9, .max = -1, .name = "it"};
	struct hk_pipe *p = hk_pipe_new(100, &err);
	struct hk_sink *s = hk_sink_queue(
		hk_sink_verify(hk_pipe_sink(p, &err), &want, &err), 100, &err);
	char got[100];

	sem_init(&called, 0, 0);
	CHECK(hk_sink_write(s, "short", 5, &err) == HK_OK);
	CHECK(hk_sink_finish(s, &err) == HK_EVERIFY);
	hk_sink_free(s);
	CHECK(drain(p, got, 100, &err) == HK_EIO);
	hk_pipe_unref(p);
}

static void nothing_is_no_end(void)
{
	struct hk_err err = {0};
	struct hk_pipe *p = hk_pipe_new(4, &err);
	const void *data;
	size_t len;

	CHECK(hk_pipe_peek(p, &data, &len, &err) == HK_AGAIN);
	hk_sink_free(hk_pipe_sink(p, &err));
	CHECK(hk_pipe_peek(p, &data, &len, &err) == HK_EIO);
	CHECK(!hk_pipe_sink(p, &err) && err.code == HK_EUSAGE);
	hk_pipe_unref(p);
}

static void a_chain_that_nobody_reads_can_be_freed(void)
{
	struct hk_err err = {0};
	struct hk_pipe *p = hk_pipe_new(2, &err);
	struct hk_sink *s = open_queue(p, &err);

	CHECK(hk_sink_write(s, "abcd", 4, &err) == HK_OK);
	usleep(10000); /* the worker waits for room */
	hk_sink_free(s);
	hk_pipe_unref(p);
}

static void it_may_outlive_its_reader(void)
{
	struct hk_err err = {0};
	struct hk_pipe *p = hk_pipe_new(8, &err);
	struct hk_sink *s = open_queue(p, &err);

	hk_pipe_unref(p);
	CHECK(hk_sink_write(s, "abc", 3, &err) == HK_OK);
	hk_sink_free(s);
}

static void alone_it_does_not_hang(void)
{
	struct hk_err err = {0};
	struct hk_pipe *p = hk_pipe_new(3, &err);
	struct hk_sink *s = hk_pipe_sink(p, &err);

	CHECK(hk_sink_write(s, "abc", 3, &err) == HK_OK);
	CHECK(hk_sink_write(s, "d", 1, &err) == HK_EUSAGE);
	hk_sink_free(s);
	hk_pipe_unref(p);
}

/* The worker of a queue must wait for another one behind it, watched or not. */
static void the_head_alone_is_watched(void)
{
	struct hk_err err = {0};
	struct hk_expect want = {.size = 9, .max = -1, .name = "it"};
	struct hk_sink *s = hk_sink_queue(
		hk_sink_queue(hk_sink_verify(hk_sink_null(&err), &want, &err), 100, &err), 100,
		&err);
	int rc;

	sem_init(&called, 0, 0);
	hk_sink_watch(s, wake, NULL);
	CHECK(hk_sink_write(s, "short", 5, &err) == HK_OK);
	while ((rc = hk_sink_finish(s, &err)) == HK_AGAIN)
		sem_wait(&called);
	CHECK(rc == HK_EVERIFY);
	hk_sink_free(s);
}

int main(void)
{
	TEST(bytes_come_in_order);
	TEST(an_end_that_fails_is_none);
	TEST(nothing_is_no_end);
	TEST(a_chain_that_nobody_reads_can_be_freed);
	TEST(it_may_outlive_its_reader);
	TEST(the_head_alone_is_watched);
	TEST(alone_it_does_not_hang);
	return test_end();
}
