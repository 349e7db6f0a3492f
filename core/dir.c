/*
 * dir: all paths are relative to descriptors that were opened without following links, so
 * what others rename meanwhile leads nowhere else.
 *
 * A new directory remembers what was made in it, to remove just that.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dir.h"
#include "file.h"
#include "input.h"
#include "interrupt.h"
#include "ustar.h"

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define BASE_MAX 200 /* bytes of the target's name in the temporary one; NAME_MAX: 255 */
#define TRIES_MAX 1000

struct made {
	char *name; /* relative to the directory */
	bool dir;
	struct made *before;
};

struct hk_dir {
	unsigned refs;
	char *path;  /* as the caller gave it, for messages */
	int fd;	     /* the directory that is filled */
	int parent;  /* where a new one lies; -1: something was there, and is added to */
	char *base;  /* name that a new one shall have ... */
	char *temp;  /* ... and has; NULL when committed */
	mode_t mode; /* of the empty directory that a new one replaces, or 0 */
	unsigned count;	   /* makes temporary names differ */
	struct made *made; /* in a new one, the last first */
};

struct dir_sink {
	struct hk_sink base;
	struct hk_dir *dir; /* held */
	int folder;	    /* that the file lies in */
	int fd;
	char *name; /* as the caller gave it */
	char *temp; /* in `folder`; NULL once it is renamed */
};

/* --- paths -------------------------------------------------------------------------- */

static const char *leaf_of(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

static int remember(struct hk_dir *d, const char *name, bool dir, struct hk_err *err)
{
	struct made *m;

	if (d->parent < 0)
		return HK_OK;
	m = calloc(1, sizeof *m);
	if (!m || !(m->name = strdup(name))) {
		free(m);
		return hk_err_nomem(err);
	}
	m->dir = dir;
	m->before = d->made;
	d->made = m;
	return HK_OK;
}

/* Opens a directory in another; `made` is its path below the target, where it may be
 * made. */
static int enter(
	struct hk_dir *d, int at, const char *name, const char *made, struct hk_err *err)
{
	int fd = openat(at, name, OPEN_DIR);

	if (fd < 0 && errno == ENOENT && made) {
		if (remember(d, made, true, err) != HK_OK)
			return -1;
		if (mkdirat(at, name, 0777) == 0 || errno == EEXIST)
			fd = openat(at, name, OPEN_DIR);
	}
	if (fd < 0 && errno == ENOENT)
		hk_err_set(err, HK_ENOTFOUND, "%s: there is no %s", d->path, name);
	else if (fd < 0)
		hk_err_sys(err, errno, "%s: %s", d->path, name);
	return fd;
}

/* Opens the directory that a file lies in, component by component. */
static int folder_of(struct hk_dir *d, const char *name, bool make, struct hk_err *err)
{
	char *path = strdup(name);
	int fd = fcntl(d->fd, F_DUPFD_CLOEXEC, 0);
	char *p = path, *slash;

	if (!path || fd < 0) {
		hk_err_sys(err, path ? errno : ENOMEM, "%s", d->path);
		goto fail;
	}
	while ((slash = strchr(p, '/'))) {
		int next;

		*slash = '\0';
		next = enter(d, fd, p, make ? path : NULL, err);
		close(fd);
		fd = next;
		if (fd < 0)
			goto fail;
		*slash = '/';
		p = slash + 1;
	}
	free(path);
	return fd;
fail:
	if (fd >= 0)
		close(fd);
	free(path);
	return -1;
}

/* A name that nothing has yet is found by trying; `make` tries one, 0 or -1 and errno. */
static char *temporary(struct hk_dir *d, int at, const char *base,
	int (*make)(int at, const char *name, int *fd), int *fd, struct hk_err *err)
{
	char *name = NULL;

	for (int i = 0; i < TRIES_MAX; i++) {
		if (asprintf(&name, ".%.*s.%lx-%x", BASE_MAX, base, (long)getpid(),
			    d->count++) < 0) {
			hk_err_nomem(err);
			return NULL;
		}
		if (make(at, name, fd) == 0)
			return name;
		free(name);
		if (errno != EEXIST)
			break;
	}
	hk_err_sys(err, errno, "%s: a temporary name", d->path);
	return NULL;
}

static int make_dir(int at, const char *name, int *fd)
{
	if (mkdirat(at, name, 0777) != 0)
		return -1;
	*fd = openat(at, name, OPEN_DIR);
	return *fd < 0 ? -1 : 0;
}

static int make_file(int at, const char *name, int *fd)
{
	*fd = openat(
		at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	return *fd < 0 ? -1 : 0;
}

/* --- creation ----------------------------------------------------------------------- */

/* A new directory beside `path`, which is real but for its last component. */
static int create_beside(struct hk_dir *d, const char *path, struct hk_err *err)
{
	char *folder = strdup(path), *base = strdup(path);
	char *real = NULL;
	int rc = HK_OK;

	if (!folder || !base || !(d->base = strdup(basename(base)))) {
		rc = hk_err_nomem(err);
		goto out;
	}
	real = realpath(dirname(folder), NULL);
	if (real)
		d->parent = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->parent < 0) {
		rc = hk_err_sys(err, errno, "%s", d->path);
		goto out;
	}
	d->temp = temporary(d, d->parent, d->base, make_dir, &d->fd, err);
	if (!d->temp)
		rc = err->code;
out:
	free(real);
	free(folder);
	free(base);
	return rc;
}

/* 1 when nothing is in the directory, 0 when something is, -1 and errno. */
static int is_empty(int at)
{
	int fd = openat(at, ".", OPEN_DIR);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	int entries = 0;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	errno = 0;
	while (entries <= 2 && readdir(dir)) /* "." and ".." are always there */
		entries++;
	closedir(dir);
	return errno ? -1 : entries <= 2;
}

static int prepare(struct hk_dir *d, struct hk_err *err)
{
	struct stat st;
	char *real = realpath(d->path, NULL);
	int rc = HK_OK, empty = 0;

	if (!real) {
		if (errno != ENOENT || lstat(d->path, &st) == 0)
			return hk_err_sys(err, errno, "%s", d->path);
		return create_beside(d, d->path, err);
	}
	d->fd = open(real, OPEN_DIR);
	if (d->fd >= 0)
		empty = is_empty(d->fd);
	if (d->fd < 0 || empty < 0 || fstat(d->fd, &st) != 0) {
		rc = hk_err_sys(err, errno, "%s", d->path);
	} else if (empty) {
		close(d->fd);
		d->fd = -1;
		d->mode = st.st_mode & 07777;
		rc = create_beside(d, real, err);
	}
	free(real);
	return rc;
}

struct hk_dir *hk_dir_create(const char *path, struct hk_err *err)
{
	struct hk_err e = {0};
	struct hk_dir *d = NULL;

	if (!*path) {
		hk_err_set(&e, HK_EUSAGE, "an empty path");
		goto fail;
	}
	d = calloc(1, sizeof *d);
	if (!d || !(d->path = strdup(path))) {
		hk_err_nomem(&e);
		free(d);
		d = NULL;
		goto fail;
	}
	d->refs = 1;
	d->fd = d->parent = -1;
	if (prepare(d, &e) == HK_OK)
		return d;
fail:
	hk_dir_unref(d);
	if (err)
		*err = e;
	return NULL;
}

/* Forgets what was made, and removes it unless it is to stay. */
static void forget(struct hk_dir *d, bool removed)
{
	while (d->made) {
		struct made *m = d->made;

		if (removed)
			unlinkat(d->fd, m->name, m->dir ? AT_REMOVEDIR : 0);
		d->made = m->before;
		free(m->name);
		free(m);
	}
}

void hk_dir_unref(struct hk_dir *d)
{
	if (!d || --d->refs > 0)
		return;
	forget(d, d->temp != NULL);
	if (d->temp)
		unlinkat(d->parent, d->temp, AT_REMOVEDIR);
	if (d->fd >= 0)
		close(d->fd);
	if (d->parent >= 0)
		close(d->parent);
	free(d->temp);
	free(d->base);
	free(d->path);
	free(d);
}

bool hk_dir_exists(const struct hk_dir *d)
{
	return d->parent < 0;
}

/* --- reading ------------------------------------------------------------------------ */

/* Non-blocking, so that a FIFO does not hold us up before it is found out. */
static int open_file(struct hk_dir *d, const char *name, struct hk_err *err)
{
	int folder = folder_of(d, name, false, err), fd, problem;
	struct stat st;

	if (folder < 0)
		return -1;
	fd = openat(
		folder, leaf_of(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	problem = errno;
	close(folder);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	if (fd >= 0) {
		hk_err_set(err, HK_EIO, "%s: %s is no regular file", d->path, name);
		close(fd);
	} else if (problem == ENOENT) {
		hk_err_set(err, HK_ENOTFOUND, "%s: there is no %s", d->path, name);
	} else {
		hk_err_sys(err, problem, "%s: %s", d->path, name);
	}
	return -1;
}

int hk_dir_read(
	struct hk_dir *d, const char *name, struct hk_sink *to, struct hk_err *err)
{
	struct hk_err e = {0};
	int rc, fd = -1;

	if (!hk_ustar_name(name))
		rc = hk_err_set(&e, HK_EUSAGE, "\"%s\" can't name a file", name);
	else
		rc = (fd = open_file(d, name, &e)) >= 0 ? hk_input_fd(fd, d->path, to, &e)
							: e.code;
	if (fd >= 0)
		close(fd);
	hk_sink_free(to);
	if (rc != HK_OK && err)
		*err = e;
	return rc;
}

/* --- the sink ----------------------------------------------------------------------- */

static int dir_write(
	struct hk_sink *base, const void *data, size_t len, struct hk_err *err)
{
	struct dir_sink *s = (struct dir_sink *)base;
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(s->fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return hk_err_sys(err, n < 0 ? errno : EIO, "writing %s/%s",
				s->dir->path, s->name);
		p += n;
		len -= (size_t)n;
	}
	return HK_OK;
}

static int dir_finish(struct hk_sink *base, struct hk_err *err)
{
	struct dir_sink *s = (struct dir_sink *)base;
	int fd = s->fd;

	/* Some file systems tell of a full disk only here. */
	s->fd = -1;
	if (close(fd) != 0 ||
		renameat(s->folder, s->temp, s->folder, leaf_of(s->name)) != 0)
		return hk_err_sys(err, errno, "writing %s/%s", s->dir->path, s->name);
	free(s->temp);
	s->temp = NULL;
	return HK_OK;
}

static void dir_free(struct hk_sink *base)
{
	struct dir_sink *s = (struct dir_sink *)base;

	if (s->fd >= 0)
		close(s->fd);
	if (s->temp)
		unlinkat(s->folder, s->temp, 0);
	if (s->folder >= 0)
		close(s->folder);
	hk_dir_unref(s->dir);
	free(s->temp);
	free(s->name);
	free(s);
}

static const struct hk_sink_ops dir_ops = {
	.write = dir_write, .finish = dir_finish, .free = dir_free};

static int open_sink(struct dir_sink *s, struct hk_err *err)
{
	if (!hk_ustar_name(s->name))
		return hk_err_set(err, HK_EUSAGE, "\"%s\" can't name a file", s->name);
	s->folder = folder_of(s->dir, s->name, true, err);
	if (s->folder < 0)
		return err->code;
	if (remember(s->dir, s->name, false, err) != HK_OK)
		return err->code;
	s->temp = temporary(s->dir, s->folder, leaf_of(s->name), make_file, &s->fd, err);
	return s->temp ? HK_OK : err->code;
}

struct hk_sink *hk_dir_sink(struct hk_dir *d, const char *name, struct hk_err *err)
{
	struct hk_err e = {0};
	struct dir_sink *s;

	if (!d)
		return NULL;
	s = calloc(1, sizeof *s);
	if (!s || !(s->name = strdup(name))) {
		hk_err_nomem(err);
		free(s);
		return NULL;
	}
	hk_sink_init(&s->base, &dir_ops, NULL);
	s->dir = d;
	d->refs++;
	s->folder = s->fd = -1;
	if (open_sink(s, &e) == HK_OK)
		return &s->base;
	dir_free(&s->base);
	if (err)
		*err = e;
	return NULL;
}

/* --- the end ------------------------------------------------------------------------ */

int hk_dir_lock(struct hk_dir *d, struct hk_err *err)
{
	return hk_lock_fd(d->fd, err);
}

int hk_dir_commit(struct hk_dir *d, struct hk_err *err)
{
	if (d->parent < 0)
		return HK_OK;
	if (!d->temp)
		return hk_err_set(err, HK_EUSAGE, "%s: committed before", d->path);
	if (d->mode && fchmod(d->fd, d->mode) != 0)
		return hk_err_sys(err, errno, "%s", d->path);
	if (renameat(d->parent, d->temp, d->parent, d->base) != 0)
		return hk_err_sys(err, errno, "%s", d->path);
	free(d->temp);
	d->temp = NULL;
	forget(d, false);
	return HK_OK;
}
