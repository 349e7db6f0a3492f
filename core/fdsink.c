/*
 * fdsink: writes to a descriptor, and waits for room so that an interrupt can end the wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fdsink.h"
#include "interrupt.h"

/* How long a wait for a descriptor may overlook an interrupt: a signal that arrives just
 * before poll(2), or in another thread, does not end it. */
#define POLL_MS 100

/* What a pipe is enlarged to where the system lets us: fewer switches to its reader. */
#define PIPE_BYTES (1024 * 1024)

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

static int fd_finish(struct hk_sink *s, struct hk_err *err)
{
	(void)s;
	(void)err;
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
	.write = fd_write, .finish = fd_finish, .free = fd_free, .cancel = fd_cancel};

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
