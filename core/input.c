/*
 * input: reads in blocks; what comes out is the sink's business.
 */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interrupt.h"

int hk_input_fd(int fd, const char *name, struct hk_sink *to, struct hk_err *err)
{
	char *block = malloc(HK_CHUNK);
	ssize_t n = 1;
	int rc = block ? HK_OK : hk_err_nomem(err);

	while (rc == HK_OK && n != 0) {
		rc = hk_interrupt_check(err);
		if (rc != HK_OK)
			break;
		n = read(fd, block, HK_CHUNK);
		if (n > 0)
			rc = hk_sink_write(to, block, (size_t)n, err);
		else if (n < 0 && errno != EINTR)
			rc = hk_err_sys(err, errno, "reading %s", name);
	}
	free(block);
	return rc == HK_OK ? hk_sink_finish(to, err) : rc;
}

/* Non-blocking, so that a FIFO does not hold us up before it is found out. */
static int open_file(const char *path, struct hk_err *err)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		hk_err_set(err, HK_ENOTFOUND, "%s: there is no such file", path);
	else if (fd < 0 || fstat(fd, &st) != 0)
		hk_err_sys(err, errno, "%s", path);
	else if (S_ISREG(st.st_mode))
		return fd;
	else
		hk_err_set(err, HK_EIO, "%s: is no regular file", path);
	if (fd >= 0)
		close(fd);
	return -1;
}

int hk_input_file(const char *path, struct hk_sink *to, struct hk_err *err)
{
	struct hk_err e = {0};
	int fd = open_file(path, &e);
	int rc = fd >= 0 ? hk_input_fd(fd, path, to, &e) : e.code;

	if (fd >= 0)
		close(fd);
	hk_sink_free(to);
	if (rc != HK_OK && err)
		*err = e;
	return rc;
}
