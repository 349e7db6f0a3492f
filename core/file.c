/*
 * file: where a file is staged, and how it gets its name.
 *
 * There are two ways. A target that is a regular file, or does not exist, is made beside
 * itself and renamed: TARGET and TEMP are set. Anything else is staged in an unlinked
 * file, which commit copies: TARGET is NULL. All paths are absolute once the file is
 * created, so a later chdir(2) does no harm.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fdsink.h"
#include "file.h"
#include "interrupt.h"
#include "path.h"

#define BASE_MAX  200 /* bytes of the target's name in the temporary one; NAME_MAX: 255 */
#define FIFO_MS	  100 /* between looks whether a FIFO has a reader */
#define LOCK_MS	  50  /* between looks at a lock */

#define UMASK_UNKNOWN 01000u

struct hk_file {
	unsigned refs;
	int fd;	      /* the temporary file; -1 once committed */
	int lock;     /* the folder, while it is locked; else -1 */
	char *path;   /* as the caller gave it */
	char *dir;    /* folder of the temporary files */
	char *temp;   /* path of the temporary file; NULL when it has none, or no more */
	char *target; /* what commit renames it to; NULL: staged, copied to ... */
	int out;      /* ... this descriptor of the process, or where -1 ... */
	char *device; /* ... this path */
	mode_t mode;  /* of the finished file */
	atomic_uint writing; /* sinks that are not finished, maybe in a worker's hands */
};

struct file_sink {
	struct hk_sink base;
	struct hk_file *file; /* held */
	int64_t offset;	      /* of the next byte */
};

/* --- all bytes, or an error --------------------------------------------------------- */

int hk_pwrite_all(int fd, const void *data, size_t len, int64_t offset, const char *name,
	struct hk_err *err)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return hk_err_sys(err, n < 0 ? errno : EIO, "writing %s", name);
		p += n;
		len -= (size_t)n;
		offset += n;
	}
	return HK_OK;
}

int hk_pread_all(int fd, void *data, size_t len, int64_t offset, const char *name,
	struct hk_err *err)
{
	char *p = data;

	while (len > 0) {
		ssize_t n = pread(fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hk_err_sys(err, errno, "reading %s", name);
		if (n == 0)
			return hk_err_set(
				err, HK_EIO, "reading %s: it ends too early", name);
		p += n;
		len -= (size_t)n;
		offset += n;
	}
	return HK_OK;
}

/* --- creation ----------------------------------------------------------------------- */

/* umask(2) can only be read by setting it, for a moment and for all threads. Linux tells it. */
static mode_t read_umask(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	FILE *status = fopen("/proc/self/status", "re");
	unsigned mask = UMASK_UNKNOWN;
	char line[128];

	while (status && fgets(line, sizeof line, status))
		if (sscanf(line, "Umask: %o", &mask) == 1)
			break;
	if (status)
		fclose(status);
	if (mask != UMASK_UNKNOWN)
		return (mode_t)mask;
	/* What another thread creates meanwhile gets too few permissions rather than too many. */
	pthread_mutex_lock(&lock);
	mask = umask(077);
	umask((mode_t)mask);
	pthread_mutex_unlock(&lock);
	return (mode_t)mask;
}

int hk_file_scratch(const struct hk_file *f, struct hk_err *err)
{
	char *path = NULL;
	int fd = open(f->dir, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	path = hk_path_join(f->dir, ".hocker.XXXXXX");
	if (!path) {
		hk_err_nomem(err);
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	else
		hk_err_sys(err, errno, "%s: temporary file in %s", f->path, f->dir);
	free(path);
	return fd;
}

/* The bytes wait in a scratch file and are copied at the end. */
static int stage(struct hk_file *f, struct hk_err *err)
{
	const char *tmp = getenv("TMPDIR");

	if (!tmp || !*tmp)
		tmp = "/tmp";
	f->dir = realpath(tmp, NULL);
	if (!f->dir)
		return hk_err_sys(err, errno, "%s: temporary folder %s", f->path, tmp);
	f->fd = hk_file_scratch(f, err);
	return f->fd < 0 ? err->code : HK_OK;
}

static int stage_for_descriptor(struct hk_file *f, int fd, struct hk_err *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
		return hk_err_sys(err, EBADF, "%s", f->path);
	f->out = fd;
	return stage(f, err);
}

static int stage_for_device(
	struct hk_file *f, const char *end, const struct stat *st, struct hk_err *err)
{
	if (S_ISDIR(st->st_mode))
		return hk_err_sys(err, EISDIR, "%s", f->path);
	if (S_ISSOCK(st->st_mode))
		return hk_err_sys(err, ENXIO, "%s: a socket", f->path);
	if (access(end, W_OK) != 0)
		return hk_err_sys(err, errno, "%s", f->path);
	f->device = realpath(end, NULL);
	if (!f->device)
		return hk_err_sys(err, errno, "%s", f->path);
	return stage(f, err);
}

static int create_beside(struct hk_file *f, const char *end, struct hk_err *err)
{
	const char *base = hk_path_base(end);

	if (!*base)
		return hk_err_sys(err, EISDIR, "%s", f->path);
	f->dir = hk_path_folder(end);
	if (!f->dir)
		return hk_err_sys(err, errno, "%s", f->path);
	f->target = hk_path_join(f->dir, base);
	if (!f->target ||
		asprintf(&f->temp, "%s/.%.*s.XXXXXX", f->dir, BASE_MAX, base) < 0) {
		f->temp = NULL;
		return hk_err_nomem(err);
	}
	f->fd = mkostemp(f->temp, O_CLOEXEC);
	if (f->fd >= 0)
		return HK_OK;
	hk_err_sys(err, errno, "%s", f->path);
	free(f->temp); /* there is nothing to remove */
	f->temp = NULL;
	return err->code;
}

static int prepare(struct hk_file *f, struct hk_err *err)
{
	char *end = NULL;
	struct stat st;
	int fd, rc;

	if (strcmp(f->path, "-") == 0)
		return stage_for_descriptor(f, STDOUT_FILENO, err);
	if (hk_path_resolve(f->path, &end, &fd) != 0)
		return hk_err_sys(err, errno, "%s", f->path);
	if (fd >= 0)
		rc = stage_for_descriptor(f, fd, err);
	else if (stat(end, &st) == 0 && !S_ISREG(st.st_mode))
		rc = stage_for_device(f, end, &st, err);
	else
		rc = create_beside(f, end, err);
	free(end);
	return rc;
}

struct hk_file *hk_file_create(const char *path, struct hk_err *err)
{
	struct hk_err ignored;
	struct hk_file *f;

	if (!err)
		err = &ignored;
	if (!*path) {
		hk_err_set(err, HK_EUSAGE, "an empty path");
		return NULL;
	}
	f = calloc(1, sizeof *f);
	if (!f || !(f->path = strdup(path))) {
		hk_err_nomem(err);
		free(f);
		return NULL;
	}
	f->refs = 1;
	f->fd = f->lock = f->out = -1;
	f->mode = 0666 & ~read_umask();
	if (prepare(f, err) != HK_OK) {
		hk_file_unref(f);
		return NULL;
	}
	return f;
}

void hk_file_ref(struct hk_file *f)
{
	f->refs++;
}

void hk_file_unref(struct hk_file *f)
{
	if (!f || --f->refs > 0)
		return;
	if (f->fd >= 0)
		close(f->fd);
	if (f->temp)
		unlink(f->temp);
	if (f->lock >= 0)
		close(f->lock);
	free(f->device);
	free(f->target);
	free(f->temp);
	free(f->dir);
	free(f->path);
	free(f);
}

int hk_file_fd(const struct hk_file *f)
{
	return f->fd;
}

const char *hk_file_path(const struct hk_file *f)
{
	return f->path;
}

void hk_file_make_executable(struct hk_file *f)
{
	f->mode |= (f->mode & 0444) >> 2;
}

int hk_file_make_folders(const char *path, struct hk_err *err)
{
	char *copy = strdup(path), *slash;
	int rc = copy ? HK_OK : hk_err_nomem(err);

	for (slash = copy; rc == HK_OK && (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (*copy && mkdir(copy, 0777) != 0 && errno != EEXIST)
			rc = hk_err_sys(err, errno, "%s", copy);
		*slash = '/';
	}
	free(copy);
	return rc;
}

/* --- the lock ----------------------------------------------------------------------- */

int hk_lock_fd(int fd, struct hk_err *err)
{
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			break;
		if (hk_interrupt_check(err) != HK_OK)
			return HK_EINTERRUPTED;
		poll(NULL, 0, LOCK_MS);
	}
	return HK_OK;
}

/* The folder is locked, since the file itself is another one after each commit. */
int hk_file_lock(struct hk_file *f, struct hk_err *err)
{
	if (!f->target || f->lock >= 0)
		return HK_OK;
	f->lock = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return f->lock < 0 ? HK_OK : hk_lock_fd(f->lock, err);
}

/* --- commit ------------------------------------------------------------------------- */

static int commit_rename(struct hk_file *f, struct hk_err *err)
{
	int fd = f->fd;

	if (fchmod(fd, f->mode) != 0)
		return hk_err_sys(err, errno, "%s", f->path);
	/* Some file systems tell of a full disk only here. */
	f->fd = -1;
	if (close(fd) != 0)
		return hk_err_sys(err, errno, "%s", f->path);
	if (rename(f->temp, f->target) != 0)
		return hk_err_sys(err, errno, "%s", f->path);
	free(f->temp);
	f->temp = NULL;
	return HK_OK;
}

/* A FIFO without a reader gives ENXIO where open(2) may not block; it must not,
 * because no interrupt could end that in every case. */
static int open_device(const struct hk_file *f, struct hk_err *err)
{
	struct stat st;
	int fd;

	for (;;) {
		fd = open(f->device, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		if (errno != EINTR &&
			!(errno == ENXIO && stat(f->device, &st) == 0 &&
				S_ISFIFO(st.st_mode))) {
			hk_err_sys(err, errno, "%s", f->path);
			return -1;
		}
		if (hk_interrupt_check(err) != HK_OK)
			return -1;
		poll(NULL, 0, FIFO_MS);
	}
}

static int copy_out(struct hk_file *f, struct hk_sink *to, struct hk_err *err)
{
	char *block = malloc(HK_CHUNK);
	int64_t done = 0;
	struct stat st;
	int rc = HK_OK;

	if (!block)
		return hk_err_nomem(err);
	if (fstat(f->fd, &st) != 0)
		rc = hk_err_sys(err, errno, "%s", f->path);
	while (rc == HK_OK && done < st.st_size) {
		int64_t left = st.st_size - done;
		size_t n = left < HK_CHUNK ? (size_t)left : HK_CHUNK;

		rc = hk_pread_all(f->fd, block, n, done, f->path, err);
		if (rc == HK_OK)
			rc = hk_sink_write(to, block, n, err);
		done += (int64_t)n;
	}
	free(block);
	return rc;
}

static int commit_copy(struct hk_file *f, struct hk_err *err)
{
	int fd = f->device ? open_device(f, err) : f->out;
	struct hk_sink *to = fd >= 0 ? hk_sink_fd(fd, f->path, err) : NULL;
	int rc = to ? copy_out(f, to, err) : err->code;

	hk_sink_free(to);
	if (f->device && fd >= 0 && close(fd) != 0 && rc == HK_OK)
		rc = hk_err_sys(err, errno, "%s", f->path);
	close(f->fd);
	f->fd = -1;
	return rc;
}

int hk_file_commit(struct hk_file *f, struct hk_err *err)
{
	struct hk_err ignored;

	if (!err)
		err = &ignored;
	if (f->fd < 0)
		return hk_err_set(err, HK_EUSAGE, "%s: committed before", f->path);
	if (f->writing > 0)
		return hk_err_set(err, HK_EUSAGE, "%s: it is being written", f->path);
	return f->target ? commit_rename(f, err) : commit_copy(f, err);
}

/* --- the sink ----------------------------------------------------------------------- */

static int file_write(struct hk_sink *s, const void *data, size_t len, struct hk_err *err)
{
	struct file_sink *fs = (struct file_sink *)s;
	int rc;

	if (fs->file->fd < 0)
		return hk_err_set(err, HK_EUSAGE, "%s: committed before", fs->file->path);
	rc = hk_pwrite_all(fs->file->fd, data, len, fs->offset, fs->file->path, err);
	fs->offset += (int64_t)len;
	return rc;
}

static int file_finish(struct hk_sink *s, struct hk_err *err)
{
	(void)err;
	((struct file_sink *)s)->file->writing--;
	return HK_OK;
}

static void file_free(struct hk_sink *s)
{
	if (!s->finished)
		((struct file_sink *)s)->file->writing--;
	hk_file_unref(((struct file_sink *)s)->file);
	free(s);
}

static const struct hk_sink_ops file_ops = {
	.write = file_write, .finish = file_finish, .free = file_free};

struct hk_sink *hk_sink_file(struct hk_file *f, struct hk_err *err)
{
	struct file_sink *s;

	if (!f)
		return NULL;
	if (f->fd >= 0 && ftruncate(f->fd, 0) != 0) {
		hk_err_sys(err, errno, "%s", f->path);
		return NULL;
	}
	s = calloc(1, sizeof *s);
	if (!s) {
		hk_err_nomem(err);
		return NULL;
	}
	hk_sink_init(&s->base, &file_ops, NULL);
	s->file = f;
	f->writing++;
	hk_file_ref(f);
	return &s->base;
}
