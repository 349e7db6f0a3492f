/*
 * sink: the machinery of every chain, and the sinks that are too small for a file of
 * their own: verify, tee, null, fd, mem.
 *
 * The public functions are the only way into a sink. They keep the sticky error and the
 * finished state, so an implementation sees neither a write after an error nor a second
 * finish after a good one. A finish that returned HK_AGAIN is called again, so a filter's
 * own check at finish must bear a repetition.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interrupt.h"
#include "sink.h"

/* How long a wait for a descriptor may overlook an interrupt: a signal that arrives just
 * before poll(2), or in another thread, does not end it. */
#define POLL_MS 100

/* What a pipe is enlarged to where the system lets us: fewer switches to its reader. */
#define PIPE_BYTES (1024 * 1024)

struct verify {
	struct hk_sink base;
	char *name;
	struct hk_hash *hash;	 /* NULL: no digest to check, or checked already */
	struct hk_digest digest; /* expected; meaningful with `hash` */
	int64_t size;		 /* exact, or -1 */
	int64_t limit;		 /* the size, or else the ceiling, or -1 */
	int64_t count;		 /* bytes passed on */
};

struct tee {
	struct hk_sink base;   /* its next is the first chain */
	struct hk_sink *other; /* the second; owned */
};

struct fd_sink {
	struct hk_sink base;
	int fd;	   /* borrowed, unless it is */
	bool owned; /* a second one of a pipe, that does not block */
	atomic_bool cancelled;
	char *name;
	bool slow;   /* not a regular file: an interrupt must end a write */
	bool waits;  /* a socket, a terminal: it may block, so room is waited for first */
	size_t step; /* most bytes in one write(2) */
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

/* --- verify ------------------------------------------------------------------------- */

static int verify_write(
	struct hk_sink *s, const void *data, size_t len, struct hk_err *err)
{
	struct verify *v = (struct verify *)s;

	if (v->limit >= 0 && len > (uint64_t)(v->limit - v->count))
		return hk_err_set(err, HK_EVERIFY, "%s: longer than %" PRId64 " bytes",
			v->name, v->limit);
	if (v->hash && hk_hash_update(v->hash, data, len, err) != HK_OK)
		return err->code;
	v->count += (int64_t)len;
	return hk_sink_write(s->next, data, len, err);
}

static int check_digest(struct verify *v, struct hk_err *err)
{
	char want[HK_DIGEST_TEXT], got[HK_DIGEST_TEXT];
	struct hk_digest digest;
	int rc = hk_hash_final(v->hash, &digest, err);

	hk_hash_free(v->hash);
	v->hash = NULL;
	if (rc != HK_OK || hk_digest_equal(&digest, &v->digest))
		return rc;
	hk_digest_text(&digest, got);
	hk_digest_text(&v->digest, want);
	return hk_err_set(
		err, HK_EVERIFY, "%s: digest is %s, expected %s", v->name, got, want);
}

static int verify_finish(struct hk_sink *s, struct hk_err *err)
{
	struct verify *v = (struct verify *)s;

	if (v->size >= 0 && v->count != v->size)
		return hk_err_set(err, HK_EVERIFY,
			"%s: %" PRId64 " bytes, expected %" PRId64, v->name, v->count,
			v->size);
	if (v->hash && check_digest(v, err) != HK_OK)
		return err->code;
	return hk_sink_finish(s->next, err);
}

static void verify_free(struct hk_sink *s)
{
	struct verify *v = (struct verify *)s;

	hk_hash_free(v->hash);
	free(v->name);
	free(v);
}

static const struct hk_sink_ops verify_ops = {
	.write = verify_write, .finish = verify_finish, .free = verify_free};

struct hk_sink *hk_sink_verify(
	struct hk_sink *next, const struct hk_expect *expect, struct hk_err *err)
{
	struct verify *v;

	if (!next)
		return NULL;
	v = calloc(1, sizeof *v);
	if (!v) {
		hk_err_nomem(err);
		hk_sink_free(next);
		return NULL;
	}
	hk_sink_init(&v->base, &verify_ops, next);
	v->size = expect->size;
	v->limit = expect->size >= 0 ? expect->size : expect->max;
	v->name = strdup(expect->name ? expect->name : "data");
	if (!v->name) {
		hk_err_nomem(err);
		goto fail;
	}
	if (expect->digest) {
		v->digest = *expect->digest;
		v->hash = hk_hash_new(expect->digest->alg, err);
		if (!v->hash)
			goto fail;
	}
	return &v->base;
fail:
	hk_sink_free(&v->base);
	return NULL;
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

/* --- fd ----------------------------------------------------------------------------- */

static int wait_for_room(const struct fd_sink *f, struct hk_err *err)
{
	struct pollfd p = {.fd = f->fd, .events = POLLOUT};
	int n = 0;

	while (n == 0 || (n < 0 && errno == EINTR)) {
		if (hk_interrupt_check(err) != HK_OK)
			return HK_EINTERRUPTED;
		if (f->cancelled)
			return hk_err_set(err, HK_EIO, "writing %s: given up", f->name);
		n = poll(&p, 1, POLL_MS);
	}
	return n > 0 ? HK_OK : hk_err_sys(err, errno, "writing %s", f->name);
}

static int fd_write(struct hk_sink *s, const void *data, size_t len, struct hk_err *err)
{
	struct fd_sink *f = (struct fd_sink *)s;
	const char *p = data;
	ssize_t n;

	while (len > 0) {
		if (f->slow && hk_interrupt_check(err) != HK_OK)
			return HK_EINTERRUPTED;
		if (f->waits && wait_for_room(f, err) != HK_OK)
			return err->code;
		n = write(f->fd, p, len < f->step ? len : f->step);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n == 0) {
			return hk_err_sys(err, EIO, "writing %s", f->name);
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			if (wait_for_room(f, err) != HK_OK)
				return err->code;
		} else if (errno != EINTR) {
			return hk_err_sys(err, errno, "writing %s", f->name);
		}
	}
	return HK_OK;
}

static void fd_cancel(struct hk_sink *s)
{
	((struct fd_sink *)s)->cancelled = true;
}

static void fd_free(struct hk_sink *s)
{
	struct fd_sink *f = (struct fd_sink *)s;

	if (f->owned)
		close(f->fd);
	free(f->name);
	free(f);
}

static const struct hk_sink_ops fd_ops = {
	.write = fd_write, .finish = end_finish, .free = fd_free, .cancel = fd_cancel};

/* O_NONBLOCK is a flag of the open file, which others may share, so it can't be set on
 * what we were given; a pipe that is opened anew has flags of its own. */
static bool open_anew(struct fd_sink *f)
{
	char path[64];
	int fd;

	snprintf(path, sizeof path, "/proc/self/fd/%d", f->fd);
	fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return false;
	f->fd = fd;
	f->owned = true;
	return true;
}

struct hk_sink *hk_sink_fd(int fd, const char *name, struct hk_err *err)
{
	struct fd_sink *f = NULL;
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fstat(fd, &st) != 0) {
		hk_err_sys(err, errno, "writing %s", name);
		return NULL;
	}
	f = calloc(1, sizeof *f);
	if (!f || !(f->name = strdup(name))) {
		hk_err_nomem(err);
		free(f);
		return NULL;
	}
	hk_sink_init(&f->base, &fd_ops, NULL);
	f->fd = fd;
	f->slow = !S_ISREG(st.st_mode);
	f->waits = f->slow && !(flags & O_NONBLOCK);
	if (S_ISFIFO(st.st_mode)) {
		(void)fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES); /* it works without, too */
		if (f->waits && open_anew(f))
			f->waits = false;
	}
	/* Where poll(2) has seen room, PIPE_BUF bytes go in without blocking. More
	 * than that would hang in write(2), where no interrupt reaches a worker. */
	f->step = f->waits ? PIPE_BUF : SSIZE_MAX;
	return &f->base;
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
