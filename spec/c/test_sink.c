/* test_sink: the rules of a chain, and verify, tee, null, fd and mem. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "hocker.h"
#include "test.h"

/* --- a sink that tells what is done to it ------------------------------------------- */

struct probe {
	struct hk_sink base;
	int writes, finishes, frees; /* how often each was called */
	int write_rc, finish_rc;     /* what to answer */
	char got[256];
	size_t len;
};

static int probe_write(
	struct hk_sink *s, const void *data, size_t len, struct hk_err *err)
{
	struct probe *p = (struct probe *)s;

	p->writes++;
	if (p->write_rc != HK_OK)
		return hk_err_set(err, p->write_rc, "probe broke");
	memcpy(p->got + p->len, data, len);
	p->len += len;
	return HK_OK;
}

static int probe_finish(struct hk_sink *s, struct hk_err *err)
{
	struct probe *p = (struct probe *)s;

	p->finishes++;
	if (p->finish_rc != HK_OK && p->finish_rc != HK_AGAIN)
		return hk_err_set(err, p->finish_rc, "probe did not finish");
	return p->finish_rc;
}

static void probe_free(struct hk_sink *s)
{
	((struct probe *)s)->frees++;
}

static const struct hk_sink_ops probe_ops = {
	.write = probe_write, .finish = probe_finish, .free = probe_free};

static struct hk_sink *probe_init(struct probe *p)
{
	*p = (struct probe){0};
	hk_sink_init(&p->base, &probe_ops, NULL);
	return &p->base;
}

/* --- chains ------------------------------------------------------------------------- */

static void an_error_is_sticky(void)
{
	struct probe p;
	struct hk_sink *s = probe_init(&p);
	struct hk_err err = {0};

	p.write_rc = HK_EIO;
	CHECK(hk_sink_write(s, "a", 1, NULL) == HK_EIO);
	p.write_rc = HK_OK;
	CHECK(hk_sink_ready(s, 1));
	CHECK(hk_sink_write(s, "a", 1, &err) == HK_EIO);
	CHECK(err.code == HK_EIO);
	CHECK_STR(err.msg, "probe broke");
	err = (struct hk_err){0};
	CHECK(hk_sink_finish(s, &err) == HK_EIO);
	CHECK_STR(err.msg, "probe broke");
	CHECK(p.writes == 1 && p.finishes == 0);
	hk_sink_free(s);
	CHECK(p.frees == 1);
}

static void an_error_of_finish_is_sticky(void)
{
	struct probe p;
	struct hk_sink *s = probe_init(&p);
	struct hk_err err = {0};

	p.finish_rc = HK_EVERIFY;
	CHECK(hk_sink_finish(s, &err) == HK_EVERIFY);
	p.finish_rc = HK_OK;
	CHECK(hk_sink_finish(s, &err) == HK_EVERIFY);
	CHECK(p.finishes == 1);
	hk_sink_free(s);
}

static void finish_may_be_repeated(void)
{
	struct probe p;
	struct hk_sink *s = probe_init(&p);
	struct hk_err err = {0};

	p.finish_rc = HK_AGAIN;
	CHECK(hk_sink_finish(s, &err) == HK_AGAIN);
	CHECK(hk_sink_finish(s, &err) == HK_AGAIN);
	CHECK(err.code == HK_OK);
	p.finish_rc = HK_OK;
	CHECK(hk_sink_finish(s, &err) == HK_OK);
	CHECK(hk_sink_finish(s, &err) == HK_OK);
	CHECK(p.finishes == 3);
	CHECK(hk_sink_write(s, "a", 1, &err) == HK_EUSAGE);
	CHECK(p.writes == 0);
	hk_sink_free(s);
}

static int fail_silently(struct hk_sink *s, struct hk_err *err)
{
	(void)s;
	(void)err;
	return HK_EIO;
}

static void a_sink_that_gives_no_reason_still_fails(void)
{
	struct hk_sink_ops ops = probe_ops;
	struct probe p;
	struct hk_sink *s = probe_init(&p);
	struct hk_err err = {0};

	ops.finish = fail_silently;
	s->ops = &ops;
	CHECK(hk_sink_finish(s, &err) == HK_EIO);
	CHECK(err.code == HK_EIO && err.msg[0]);
	hk_sink_free(s);
}

static void empty_writes_reach_nobody(void)
{
	struct probe p;
	struct hk_sink *s = probe_init(&p);

	CHECK(hk_sink_write(s, NULL, 0, NULL) == HK_OK);
	CHECK(p.writes == 0);
	hk_sink_free(s);
	hk_sink_free(NULL);
}

static void constructors_nest(void)
{
	struct hk_err err = {0};
	struct hk_expect expect = {.size = -1, .max = -1, .name = "x"};
	struct probe p;

	hk_err_set(&err, HK_EIO, "the first fault");
	CHECK(!hk_sink_verify(NULL, &expect, &err));
	CHECK(!hk_sink_inflate(NULL, -1, "x", &err));
	CHECK(!hk_sink_queue(NULL, 10, &err));
	CHECK(!hk_sink_tee(NULL, NULL, &err));
	CHECK(!hk_sink_file(NULL, &err));
	CHECK(!hk_sink_mem(NULL, &err));
	CHECK(!hk_tar_new(NULL, &err));
	CHECK(!hk_tar_sink(NULL, 0, &err));
	CHECK(!hk_sink_tee(probe_init(&p), NULL, &err));
	CHECK(p.frees == 1);
	CHECK(!hk_sink_tee(NULL, probe_init(&p), &err));
	CHECK(p.frees == 1);
	CHECK(err.code == HK_EIO);
	CHECK_STR(err.msg, "the first fault");
}

/* --- verify ------------------------------------------------------------------------- */

#define ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define NOTHING "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC512                                                                            \
	"sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"         \
	"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

static const struct {
	const char *data;
	int64_t size, max;
	const char *digest;
	const char *message; /* NULL: all is well */
} verify_cases[] = {
	{"abc", -1, -1, NULL, NULL},
	{"abc", 3, -1, ABC, NULL},
	{"abc", 3, 1, ABC, NULL},
	{"abc", -1, 3, ABC512, NULL},
	{"", 0, 0, NOTHING, NULL},
	{"", -1, 0, NULL, NULL},
	{"abc", 2, -1, ABC, "x: longer than 2 bytes"},
	{"abc", 0, -1, NULL, "x: longer than 0 bytes"},
	{"abc", -1, 2, NULL, "x: longer than 2 bytes"},
	{"abc", 4, -1, ABC, "x: 3 bytes, expected 4"},
	{"", 1, -1, ABC, "x: 0 bytes, expected 1"},
	{"abc", 3, -1, NOTHING, "x: digest is " ABC ", expected " NOTHING},
	{"", -1, -1, ABC, "x: digest is " NOTHING ", expected " ABC},
};

/* Writes `data` in pieces of `step` bytes and finishes. */
static int write_all(
	struct hk_sink *s, const char *data, size_t len, size_t step, struct hk_err *err)
{
	for (size_t i = 0; i < len; i += step) {
		size_t n = len - i < step ? len - i : step;

		if (hk_sink_write(s, data + i, n, err) != HK_OK)
			return err->code;
	}
	return hk_sink_finish(s, err);
}

static void verifies(void)
{
	for (size_t i = 0; i < sizeof verify_cases / sizeof *verify_cases; i++) {
		for (size_t step = 1; step <= 3; step++) {
			struct hk_expect e = {.name = "x",
				.size = verify_cases[i].size,
				.max = verify_cases[i].max};
			const char *text = verify_cases[i].digest;
			const char *data = verify_cases[i].data;
			struct hk_digest d;
			struct hk_err err = {0};
			struct probe p;
			struct hk_sink *s;
			int rc;

			if (text)
				CHECK(hk_digest_parse(&d, text, strlen(text), &err) == HK_OK);
			e.digest = text ? &d : NULL;
			s = hk_sink_verify(probe_init(&p), &e, &err);
			memset(&d, 0, sizeof d); /* it was copied */
			rc = write_all(s, data, strlen(data), step, &err);
			if (verify_cases[i].message) {
				CHECK(rc == HK_EVERIFY);
				CHECK_STR(err.msg, verify_cases[i].message);
				CHECK(p.finishes == 0);
			} else {
				CHECK(rc == HK_OK);
				CHECK_STR(p.got, data);
				CHECK(p.finishes == 1);
			}
			hk_sink_free(s);
			CHECK(p.frees == 1);
		}
	}
}

static void nothing_passes_beyond_the_size(void)
{
	struct hk_expect e = {.size = 2, .max = -1};
	struct hk_err err = {0};
	struct probe p;
	struct hk_sink *s = hk_sink_verify(probe_init(&p), &e, &err);

	CHECK(hk_sink_write(s, "ab", 2, &err) == HK_OK);
	CHECK(hk_sink_write(s, "c", 1, &err) == HK_EVERIFY);
	CHECK(p.len == 2);
	hk_sink_free(s);
}

/* A head that finishes by parts calls finish of a filter again. */
static void verify_bears_a_second_finish(void)
{
	struct hk_digest d;
	struct hk_expect e = {.size = 3, .max = -1, .digest = &d, .name = "x"};
	struct hk_err err = {0};
	struct probe p;
	struct hk_sink *s;

	CHECK(hk_digest_parse(&d, ABC, strlen(ABC), &err) == HK_OK);
	s = hk_sink_verify(probe_init(&p), &e, &err);
	p.finish_rc = HK_AGAIN;
	CHECK(hk_sink_write(s, "abc", 3, &err) == HK_OK);
	CHECK(hk_sink_finish(s, &err) == HK_AGAIN);
	p.finish_rc = HK_OK;
	CHECK(hk_sink_finish(s, &err) == HK_OK);
	hk_sink_free(s);
}

static void errors_come_from_behind(void)
{
	struct hk_expect e = {.size = -1, .max = -1, .name = "x"};
	struct hk_err err = {0};
	struct probe p;
	struct hk_sink *s = hk_sink_verify(probe_init(&p), &e, &err);

	p.write_rc = HK_EIO;
	CHECK(hk_sink_write(s, "a", 1, &err) == HK_EIO);
	CHECK_STR(err.msg, "probe broke");
	hk_sink_free(s);
}

/* --- tee and null ------------------------------------------------------------------- */

static void tee_feeds_both(void)
{
	struct hk_err err = {0};
	struct probe a, b;
	struct hk_sink *s = hk_sink_tee(probe_init(&a), probe_init(&b), &err);

	CHECK(write_all(s, "abcde", 5, 2, &err) == HK_OK);
	CHECK_STR(a.got, "abcde");
	CHECK_STR(b.got, "abcde");
	CHECK(a.finishes == 1 && b.finishes == 1);
	hk_sink_free(s);
	CHECK(a.frees == 1 && b.frees == 1);
}

static void tee_fails_with_either(void)
{
	for (int which = 0; which < 4; which++) {
		struct hk_err err = {0};
		struct probe a, b;
		struct hk_sink *s = hk_sink_tee(probe_init(&a), probe_init(&b), &err);
		int *rc[] = {&a.write_rc, &b.write_rc, &a.finish_rc, &b.finish_rc};

		*rc[which] = HK_EIO;
		CHECK(write_all(s, "abc", 3, 3, &err) == HK_EIO);
		if (which == 0)
			CHECK(b.writes == 0);
		hk_sink_free(s);
		CHECK(a.frees == 1 && b.frees == 1);
	}
}

static void null_takes_all(void)
{
	struct hk_err err = {0};
	struct hk_sink *s = hk_sink_null(&err);

	CHECK(write_all(s, "abc", 3, 1, &err) == HK_OK);
	CHECK(hk_sink_ready(s, 1 << 30));
	hk_sink_watch(s, NULL, NULL);
	hk_sink_free(s);
}

/* --- mem ---------------------------------------------------------------------------- */

static void mem_outlives_its_sink(void)
{
	struct hk_err err = {0};
	struct hk_mem *m = hk_mem_new(5, &err);
	struct hk_sink *s = hk_sink_mem(m, &err);

	CHECK(write_all(s, "abcde", 5, 2, &err) == HK_OK);
	hk_sink_free(s);
	CHECK(hk_mem_buf(m)->len == 5);
	CHECK_STR(hk_mem_buf(m)->data, "abcde");
	hk_mem_unref(m);
	hk_mem_unref(NULL);
}

static void mem_has_a_ceiling(void)
{
	struct hk_err err = {0};
	struct hk_mem *m = hk_mem_new(4, &err);
	struct hk_sink *s = hk_sink_mem(m, &err);

	hk_mem_unref(m); /* the sink holds it */
	CHECK(hk_sink_write(s, "abcde", 5, &err) == HK_EPROTOCOL);
	CHECK(hk_sink_write(s, "a", 1, &err) == HK_EPROTOCOL);
	hk_sink_free(s);
}

/* --- fd ----------------------------------------------------------------------------- */

#define MUCH (3 << 20) /* more than a pipe holds */

struct reader {
	int fd;
	size_t len;
	bool intact;
};

static void *read_all(void *arg)
{
	struct reader *r = arg;
	char block[5000];
	ssize_t n;

	usleep(20000); /* so that the pipe fills up */
	r->intact = true;
	while ((n = read(r->fd, block, sizeof block)) > 0) {
		for (ssize_t i = 0; i < n; i++, r->len++)
			r->intact &= block[i] == (char)(r->len * 31 >> 3);
	}
	return NULL;
}

static void write_through_pipe(int flags)
{
	struct hk_err err = {0};
	struct reader r = {0};
	struct hk_sink *s;
	char *data = malloc(MUCH);
	pthread_t thread;
	int ends[2], rc;

	for (size_t i = 0; i < MUCH; i++)
		data[i] = (char)(i * 31 >> 3);
	CHECK(pipe2(ends, O_CLOEXEC) == 0);
	CHECK(fcntl(ends[1], F_SETFL, flags) == 0);
	r.fd = ends[0];
	CHECK(pthread_create(&thread, NULL, read_all, &r) == 0);
	s = hk_sink_fd(ends[1], "pipe", &err);
	rc = write_all(s, data, MUCH, MUCH / 3, &err);
	hk_sink_free(s);
	CHECK(close(ends[1]) == 0); /* it was only borrowed */
	pthread_join(thread, NULL);
	close(ends[0]);
	free(data);
	CHECK(rc == HK_OK && r.len == MUCH && r.intact);
}

static void fd_waits_for_a_slow_pipe(void)
{
	write_through_pipe(0);
	write_through_pipe(O_NONBLOCK);
}

static void fd_tells_of_a_broken_pipe(void)
{
	struct hk_err err = {0};
	struct hk_sink *s;
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	CHECK(pipe(ends) == 0);
	s = hk_sink_fd(ends[1], "the pipe", &err);
	close(ends[0]);
	CHECK(hk_sink_write(s, "a", 1, &err) == HK_EIO);
	CHECK(err.sys == EPIPE);
	CHECK_STR(err.msg, "writing the pipe: Broken pipe");
	hk_sink_free(s);
	close(ends[1]);
}

static void *interrupt_soon(void *arg)
{
	usleep(50000);
	hk_interrupt(*(int *)arg);
	return NULL;
}

static void an_interrupt_ends_the_wait(void)
{
	char *data = calloc(1, MUCH);
	int flags[] = {0, O_NONBLOCK};

	for (int i = 0; i < 2; i++) {
		struct hk_err err = {0};
		int ends[2], signo = SIGTERM, rc;
		struct hk_sink *s;
		pthread_t thread;

		CHECK(pipe(ends) == 0);
		CHECK(fcntl(ends[1], F_SETFL, flags[i]) == 0);
		s = hk_sink_fd(ends[1], "pipe", &err);
		CHECK(pthread_create(&thread, NULL, interrupt_soon, &signo) == 0);
		rc = hk_sink_write(s, data, MUCH, &err);
		pthread_join(thread, NULL);
		hk_interrupt(0);
		CHECK(rc == HK_EINTERRUPTED && err.sys == SIGTERM);
		hk_sink_free(s);
		close(ends[0]);
		close(ends[1]);
	}
	free(data);
}

static void fd_writes_a_regular_file(void)
{
	struct hk_err err = {0};
	FILE *f = tmpfile();
	struct hk_sink *s = hk_sink_fd(fileno(f), "file", &err);
	char back[8] = "";

	CHECK(write_all(s, "abcde", 5, 2, &err) == HK_OK);
	CHECK(pread(fileno(f), back, sizeof back - 1, 0) == 5);
	CHECK_STR(back, "abcde");
	hk_sink_free(s);
	fclose(f);
}

static void fd_refuses_what_is_not_open(void)
{
	struct hk_err err = {0};

	CHECK(!hk_sink_fd(-1, "nothing", &err));
	CHECK(err.code == HK_EIO);
	CHECK_STR(err.msg, "writing nothing: Bad file descriptor");
}

int main(void)
{
	TEST(an_error_is_sticky);
	TEST(an_error_of_finish_is_sticky);
	TEST(finish_may_be_repeated);
	TEST(a_sink_that_gives_no_reason_still_fails);
	TEST(empty_writes_reach_nobody);
	TEST(constructors_nest);
	TEST(verifies);
	TEST(nothing_passes_beyond_the_size);
	TEST(verify_bears_a_second_finish);
	TEST(errors_come_from_behind);
	TEST(tee_feeds_both);
	TEST(tee_fails_with_either);
	TEST(null_takes_all);
	TEST(mem_outlives_its_sink);
	TEST(mem_has_a_ceiling);
	TEST(fd_waits_for_a_slow_pipe);
	TEST(fd_tells_of_a_broken_pipe);
	TEST(an_interrupt_ends_the_wait);
	TEST(fd_writes_a_regular_file);
	TEST(fd_refuses_what_is_not_open);
	return test_end();
}
