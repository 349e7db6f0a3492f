/* test_tarstream: members that are filled in any order go out in theirs, and a stream
 * that goes wrong never looks whole. */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "hocker.h"
#include "test.h"

#define MAX (1 << 20)

/* --- helpers ------------------------------------------------------------------------ */

/* The archive that hk_tar makes of "a", "b" (3000 bytes), "c" (empty) and "d" (512). */
static char *wanted(size_t *len)
{
	char path[] = "/tmp/hocker-tarstream.XXXXXX", content[3000];
	int fd = mkstemp(path);
	struct hk_file *f = hk_file_create(path, NULL);
	struct hk_tar *t = hk_tar_new(f, NULL);
	char *data = malloc(MAX);
	FILE *in;

	memset(content, 'x', sizeof content);
	if (fd < 0 || !data || hk_tar_put(t, "a", "hello", 5, NULL) != HK_OK ||
		hk_tar_put(t, "b", content, sizeof content, NULL) != HK_OK ||
		hk_tar_put(t, "c", "", 0, NULL) != HK_OK ||
		hk_tar_put(t, "d", content, 512, NULL) != HK_OK ||
		hk_tar_finish(t, NULL) != HK_OK || hk_file_commit(f, NULL) != HK_OK)
		abort();
	hk_tar_unref(t);
	hk_file_unref(f);
	in = fopen(path, "r");
	*len = fread(data, 1, MAX, in);
	fclose(in);
	close(fd);
	unlink(path);
	return data;
}

/* "a" at hand, the others not; the sinks go to `s`. */
static struct hk_tar_stream *begin(struct hk_sink *out, struct hk_sink *s[3])
{
	static const int64_t sizes[] = {3000, 0, 512};
	static const char *const names[] = {"b", "c", "d"};
	struct hk_tar_stream *t = hk_tar_stream_new(out, NULL);
	size_t index;

	if (!t || hk_tar_stream_put(t, "a", "hello", 5, NULL) != HK_OK)
		abort();
	for (size_t i = 0; i < 3; i++) {
		if (hk_tar_stream_add(t, names[i], sizes[i], &index, NULL) != HK_OK)
			abort();
		s[i] = hk_tar_stream_sink(t, index, NULL);
	}
	return t;
}

static int fill(struct hk_sink *s, int64_t size, int64_t step)
{
	char content[3000];

	memset(content, 'x', sizeof content);
	for (int64_t at = 0; at < size; at += step) {
		int rc = hk_sink_write(
			s, content, (size_t)(size - at < step ? size - at : step), NULL);

		if (rc != HK_OK)
			return rc;
	}
	return hk_sink_finish(s, NULL);
}

struct job {
	struct hk_sink *sink;
	int64_t size;
	int rc;
	pthread_t thread;
};

static void *run(void *arg)
{
	struct job *j = arg;

	j->rc = fill(j->sink, j->size, 100);
	return NULL;
}

/* --- whole ones --------------------------------------------------------------------- */

static void the_bytes_are_those_of_a_tar(void)
{
	static const int64_t steps[] = {1, 7, 511, 512, 513, 3000};

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		struct hk_mem *m = hk_mem_new(MAX, NULL);
		struct hk_sink *s[3];
		struct hk_tar_stream *t = begin(hk_sink_mem(m, NULL), s);
		size_t len;
		char *want = wanted(&len);

		CHECK(fill(s[0], 3000, steps[i]) == HK_OK);
		CHECK(fill(s[1], 0, 1) == HK_OK);
		CHECK(fill(s[2], 512, steps[i]) == HK_OK);
		CHECK(hk_tar_stream_finish(t, NULL) == HK_OK);
		CHECK(hk_tar_stream_finish(t, NULL) == HK_EUSAGE);
		CHECK(hk_mem_buf(m)->len == len);
		CHECK(memcmp(hk_mem_buf(m)->data, want, len) == 0);
		for (int k = 0; k < 3; k++)
			hk_sink_free(s[k]);
		hk_tar_stream_unref(t);
		hk_mem_unref(m);
		free(want);
	}
}

static void threads_take_turns(void)
{
	struct hk_mem *m = hk_mem_new(MAX, NULL);
	struct hk_sink *s[3];
	struct hk_tar_stream *t = begin(hk_sink_mem(m, NULL), s);
	struct job jobs[3] = {{s[0], 3000, 1, 0}, {s[1], 0, 1, 0}, {s[2], 512, 1, 0}};
	size_t len;
	char *want = wanted(&len);

	for (int i = 2; i >= 0; i--) /* the last first */
		CHECK(pthread_create(&jobs[i].thread, NULL, run, &jobs[i]) == 0);
	for (int i = 0; i < 3; i++) {
		pthread_join(jobs[i].thread, NULL);
		CHECK(jobs[i].rc == HK_OK);
		hk_sink_free(s[i]);
	}
	CHECK(hk_tar_stream_finish(t, NULL) == HK_OK);
	CHECK(hk_mem_buf(m)->len == len && memcmp(hk_mem_buf(m)->data, want, len) == 0);
	hk_tar_stream_unref(t);
	hk_mem_unref(m);
	free(want);
}

static void documents_alone_are_an_archive(void)
{
	struct hk_mem *m = hk_mem_new(MAX, NULL);
	struct hk_tar_stream *t = hk_tar_stream_new(hk_sink_mem(m, NULL), NULL);

	CHECK(hk_tar_stream_put(t, "a", "1", 1, NULL) == HK_OK);
	CHECK(hk_tar_stream_put(t, "b", "", 0, NULL) == HK_OK);
	CHECK(hk_tar_stream_finish(t, NULL) == HK_OK);
	CHECK(hk_mem_buf(m)->len == 1024 + 512 + 1024);
	hk_tar_stream_unref(t);
	hk_mem_unref(m);
}

/* --- broken ones -------------------------------------------------------------------- */

static void the_end_of_a_member_waits_for_its_finish(void)
{
	int fds[2];
	struct hk_sink *s[3];
	struct hk_tar_stream *t;
	char got[8192], content[3000] = {0};
	ssize_t n;

	CHECK(pipe(fds) == 0);
	t = begin(hk_sink_fd(fds[1], "pipe", NULL), s);
	CHECK(hk_sink_write(s[0], content, 3000, NULL) == HK_OK);
	n = read(fds[0], got, sizeof got);
	CHECK(n ==
		1024 + 512 + 3000 - 512); /* "a", and less of "b" than its header says */
	for (int i = 0; i < 3; i++)
		hk_sink_free(s[i]);
	CHECK(hk_tar_stream_finish(t, NULL) == HK_EIO);
	hk_tar_stream_unref(t);
	close(fds[1]);
	CHECK(read(fds[0], got, sizeof got) == 0);
	close(fds[0]);
}

static void a_wrong_size_fails(void)
{
	struct hk_err err = {0};
	struct hk_mem *m = hk_mem_new(MAX, NULL);
	struct hk_sink *s[3];
	struct hk_tar_stream *t = begin(hk_sink_mem(m, NULL), s);
	char content[3001] = {0};

	CHECK(hk_sink_write(s[0], content, 3001, &err) == HK_EVERIFY);
	CHECK_STR(err.msg, "b: longer than 3000 bytes");
	CHECK(hk_sink_write(s[2], content, 0, NULL) == HK_OK);
	CHECK(hk_sink_finish(s[2], &err) == HK_EVERIFY);
	CHECK_STR(err.msg, "d: 0 bytes, expected 512");
	for (int i = 0; i < 3; i++)
		hk_sink_free(s[i]);
	hk_tar_stream_unref(t);
	hk_mem_unref(m);
}

static void a_lost_member_ends_the_others(void)
{
	struct hk_mem *m = hk_mem_new(MAX, NULL);
	struct hk_sink *s[3];
	struct hk_tar_stream *t = begin(hk_sink_mem(m, NULL), s);
	struct job late = {s[2], 512, HK_OK, 0};

	CHECK(pthread_create(&late.thread, NULL, run, &late) == 0);
	hk_sink_free(s[0]);
	pthread_join(late.thread, NULL);
	CHECK(late.rc == HK_EIO);
	CHECK(hk_tar_stream_finish(t, NULL) == HK_EIO);
	hk_sink_free(s[1]);
	hk_sink_free(s[2]);
	hk_tar_stream_unref(t);
	hk_mem_unref(m);
}

/* A queue whose worker waits for its turn must not be waited for for ever. */
static void a_queue_that_waits_can_be_freed(void)
{
	struct hk_mem *m = hk_mem_new(MAX, NULL);
	struct hk_sink *s[3], *q;
	struct hk_tar_stream *t = begin(hk_sink_mem(m, NULL), s);

	q = hk_sink_queue(hk_sink_tee(hk_sink_null(NULL), s[2], NULL), 100, NULL);
	CHECK(hk_sink_write(q, "x", 1, NULL) == HK_OK);
	hk_sink_free(q);
	hk_sink_free(s[0]);
	hk_sink_free(s[1]);
	hk_tar_stream_unref(t);
	hk_mem_unref(m);
}

/* Nor one whose worker writes to a pipe that nobody reads. */
static void a_queue_before_a_full_pipe_can_be_freed(void)
{
	int fds[2];
	struct hk_sink *q;
	static char much[3 << 20];

	CHECK(pipe(fds) == 0);
	q = hk_sink_queue(hk_sink_fd(fds[1], "pipe", NULL), sizeof much, NULL);
	CHECK(hk_sink_write(q, much, sizeof much, NULL) == HK_OK);
	hk_sink_free(q);
	CHECK((fcntl(fds[1], F_GETFL) & O_NONBLOCK) == 0); /* ours alone was changed */
	close(fds[0]);
	close(fds[1]);
}

static void misuse_is_refused(void)
{
	struct hk_mem *m = hk_mem_new(MAX, NULL);
	struct hk_sink *s[3];
	struct hk_tar_stream *t = begin(hk_sink_mem(m, NULL), s);
	size_t index;

	CHECK(hk_tar_stream_add(t, "x", -1, &index, NULL) == HK_EUSAGE);
	CHECK(hk_tar_stream_add(t, "../x", 1, &index, NULL) == HK_EUSAGE);
	CHECK(hk_tar_stream_put(t, "/x", "", 0, NULL) == HK_EUSAGE);
	CHECK(!hk_tar_stream_sink(t, 0, NULL)); /* it is at hand */
	CHECK(!hk_tar_stream_sink(t, 1, NULL)); /* it was given out */
	CHECK(!hk_tar_stream_sink(t, 9, NULL));
	CHECK(fill(s[0], 3000, 3000) == HK_OK);
	CHECK(hk_tar_stream_add(t, "x", 1, &index, NULL) == HK_EUSAGE); /* too late */
	CHECK(hk_tar_stream_finish(t, NULL) == HK_EUSAGE);		/* too early */
	for (int i = 0; i < 3; i++)
		hk_sink_free(s[i]);
	hk_tar_stream_unref(t);
	hk_tar_stream_unref(NULL);
	CHECK(!hk_tar_stream_new(NULL, NULL));
	hk_mem_unref(m);
}

int main(void)
{
	TEST(the_bytes_are_those_of_a_tar);
	TEST(threads_take_turns);
	TEST(documents_alone_are_an_archive);
	TEST(the_end_of_a_member_waits_for_its_finish);
	TEST(a_wrong_size_fails);
	TEST(a_lost_member_ends_the_others);
	TEST(a_queue_that_waits_can_be_freed);
	TEST(a_queue_before_a_full_pipe_can_be_freed);
	TEST(misuse_is_refused);
	return test_end();
}
