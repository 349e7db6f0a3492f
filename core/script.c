/*
 * script: a walk by openat, that follows symbolic links itself, so that no part of the
 * way is gone unseen. A fault on the way counts only if the file is there: what does not
 * exist harms nobody. A link that leads nowhere is there, though: somebody relies on it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "script.h"

#define LINKS_MAX 40

struct walk {
	const char *path;	 /* as the caller gave it, for messages */
	int fd;			 /* the directory that is reached */
	struct stat st;		 /* of it */
	char at[PATH_MAX];	 /* its name, without links */
	char rest[2 * PATH_MAX]; /* the names that follow */
	size_t after;		 /* bytes of the rest behind what a link leads to */
	unsigned links;
	struct hk_err fault; /* the first; code 0: none */
};

/* --- judging
 * ---------------------------------------------------------------------------- */

static bool shared(const struct stat *st)
{
	return (st->st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

static void note_fault(struct walk *w, const char *what, const char *name)
{
	if (w->fault.code == HK_OK)
		hk_err_set(&w->fault, HK_EREFUSED, "%s is not used: %s%s%s %s", w->path,
			w->at, *name && w->at[1] ? "/" : "", name, what);
}

/* Judges what has `name` in the directory that is reached; "" is the directory itself. */
static void judge(struct walk *w, const char *name, const struct stat *st)
{
	char owner[100];

	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		snprintf(owner, sizeof owner,
			"belongs to user %lu, neither to you nor to root",
			(unsigned long)st->st_uid);
		note_fault(w, owner, name);
	}
	/* Others may give what is ours a second name there. */
	if (*name && !S_ISDIR(st->st_mode) && (w->st.st_mode & S_IWOTH) &&
		st->st_nlink > 1)
		note_fault(w, "has other names, and lies where all can write", name);
	if (S_ISLNK(st->st_mode)) /* its mode means nothing */
		return;
	if (shared(st) && !(S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX)))
		note_fault(w, "can be written by others (chmod go-w)", name);
}

/* --- walking
 * ---------------------------------------------------------------------------- */

/* Takes `fd`, a directory whose name is `at` already. */
static void enter(struct walk *w, int fd, const struct stat *st)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = fd;
	w->st = *st;
	judge(w, "", st);
}

/* The functions below return 0, or errno. */

static int enter_root(struct walk *w)
{
	struct stat st;
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	if (fstat(fd, &st) != 0) {
		close(fd);
		return EIO;
	}
	snprintf(w->at, sizeof w->at, "/");
	enter(w, fd, &st);
	return 0;
}

/* The name of the directory becomes that of one in it, or above it. */
static int rename_to(struct walk *w, const char *name)
{
	size_t len = strlen(w->at);

	if (strcmp(name, "..") == 0) {
		char *slash = strrchr(w->at, '/');

		slash[slash == w->at] = '\0';
		return 0;
	}
	if (len + strlen(name) + 2 > sizeof w->at)
		return ENAMETOOLONG;
	snprintf(w->at + len, sizeof w->at - len, "%s%s", len > 1 ? "/" : "", name);
	return 0;
}

/* Puts `before` in front of what is to be walked. */
static int walk_first(struct walk *w, const char *before)
{
	char rest[sizeof w->rest];

	if ((size_t)snprintf(rest, sizeof rest, "%s/%s", before, w->rest) >= sizeof rest)
		return ENAMETOOLONG;
	memcpy(w->rest, rest, sizeof rest);
	return before[0] == '/' ? enter_root(w) : 0;
}

/* Whether the next name is one of a link's, and not of the path's own. */
static bool in_link(const struct walk *w)
{
	return w->links > 0 && strlen(w->rest) > w->after;
}

static int follow(struct walk *w, int link)
{
	char target[PATH_MAX];
	ssize_t len = readlinkat(link, "", target, sizeof target - 1);

	if (len < 0)
		return errno;
	target[len] = '\0';
	if (!in_link(w))
		w->after = strlen(w->rest);
	return ++w->links > LINKS_MAX ? ELOOP : walk_first(w, target);
}

/* Takes the next name from the rest; it is "" when there is none. */
static int next_name(struct walk *w, char name[NAME_MAX + 1])
{
	const char *p = w->rest;
	size_t len;

	do {
		p += strspn(p, "/");
		len = strcspn(p, "/");
		if (len > NAME_MAX)
			return ENAMETOOLONG;
		memcpy(name, p, len);
		name[len] = '\0';
		p += len;
	} while (strcmp(name, ".") == 0);
	memmove(w->rest, p, strlen(p) + 1);
	return 0;
}

/* One step. A file ends the walk: its name stays in `name`. */
static int step(struct walk *w, const char *name, bool *file)
{
	struct stat st;
	int fd = openat(w->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), rc;

	if (fd < 0)
		return errno;
	rc = fstat(fd, &st) == 0 ? 0 : EIO;
	if (rc == 0 && S_ISDIR(st.st_mode))
		rc = rename_to(w, name);
	if (rc == 0 && S_ISDIR(st.st_mode)) {
		enter(w, fd, &st);
		return 0;
	}
	if (rc == 0 && S_ISLNK(st.st_mode)) {
		judge(w, name, &st);
		rc = follow(w, fd);
	} else if (rc == 0) {
		*file = true;
		rc = w->rest[strspn(w->rest, "/")] ? ENOTDIR : 0;
	}
	close(fd);
	return rc;
}

/* Walks to the end of `path`. `file` is the name of the file that it is, in the directory
 * that is reached; or "": it is that directory. */
static int walk(
	struct walk *w, const char *path, char file[NAME_MAX + 1], struct hk_err *err)
{
	char here[PATH_MAX] = "/";
	bool found = false;
	struct stat st;
	int rc;

	memset(w, 0, sizeof *w);
	w->path = path;
	w->fd = -1;
	/* Most of what is asked for is not there, which one call tells. "" is where we are. */
	rc = !path[0] || stat(path, &st) == 0 ? 0 : errno;
	if (rc == 0)
		rc = path[0] == '/' || getcwd(here, sizeof here) ? 0 : errno;
	if (rc == 0)
		rc = walk_first(w, path);
	if (rc == 0 && path[0] != '/')
		rc = walk_first(w, here);
	while (rc == 0 && !found) {
		rc = next_name(w, file);
		if (rc == 0 && !file[0])
			break;
		if (rc == 0)
			rc = step(w, file, &found);
	}
	if (in_link(w) && (rc == ENOENT || rc == ENOTDIR || rc == EACCES))
		return hk_err_set(err, HK_EREFUSED,
			"%s is not used: a link on the way leads nowhere", path);
	/* What we may not look for is not there for us. */
	if (rc == ENOENT || rc == ENOTDIR || rc == EACCES)
		return hk_err_set(err, HK_ENOTFOUND, "there is no %s", path);
	return rc == 0 ? HK_OK : hk_err_sys(err, rc, "%s", path);
}

static void leave(struct walk *w)
{
	if (w->fd >= 0)
		close(w->fd);
}

/* HK_OK, or the first fault. */
static int verdict(const struct walk *w, struct hk_err *err)
{
	if (w->fault.code != HK_OK && err)
		*err = w->fault;
	return w->fault.code;
}

/* --- reading
 * ---------------------------------------------------------------------------- */

static int read_all(int fd, const char *path, struct hk_buf *out, struct hk_err *err)
{
	char block[16 * 1024];
	ssize_t n;

	while ((n = read(fd, block, sizeof block)) != 0) {
		if (n < 0 && errno != EINTR)
			return hk_err_sys(err, errno, "%s", path);
		if (n > 0 && (size_t)n > out->max - out->len)
			return hk_err_set(err, HK_EREFUSED,
				"%s is not used: it is larger than %zu bytes", path,
				out->max);
		if (n > 0 && hk_buf_add(out, block, (size_t)n, err) != HK_OK)
			return err ? err->code : HK_ENOMEM;
	}
	return HK_OK;
}

/* What is opened now may be another file than the walk has seen: it is what counts. */
static int read_file(
	struct walk *w, const char *name, struct hk_buf *out, struct hk_err *err)
{
	struct stat st;
	int fd = openat(
		w->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int rc;

	if (fd < 0 || fstat(fd, &st) != 0) {
		rc = hk_err_sys(err, errno, "%s", w->path);
	} else {
		judge(w, name, &st);
		rc = verdict(w, err);
		if (rc == HK_OK && !S_ISREG(st.st_mode))
			rc = hk_err_set(err, HK_EREFUSED,
				"%s is not used: it is no regular file", w->path);
		if (rc == HK_OK)
			rc = read_all(fd, w->path, out, err);
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

int hk_script_read(const char *path, struct hk_buf *out, struct hk_err *err)
{
	char name[NAME_MAX + 1];
	struct walk w;
	int rc = walk(&w, path, name, err);

	if (rc == HK_OK && w.fault.code != HK_OK)
		rc = verdict(&w, err); /* nothing of such a place is even opened */
	else if (rc == HK_OK && !name[0])
		rc = hk_err_set(
			err, HK_EREFUSED, "%s is not used: it is a directory", path);
	else if (rc == HK_OK)
		rc = read_file(&w, name, out, err);
	leave(&w);
	return rc;
}

int hk_script_folder(const char *path, struct hk_err *err)
{
	char name[NAME_MAX + 1];
	struct walk w;
	int rc = walk(&w, path, name, err);

	if (rc == HK_OK && name[0])
		rc = hk_err_set(
			err, HK_EREFUSED, "%s is not used: it is no directory", path);
	else if (rc == HK_OK)
		rc = verdict(&w, err);
	leave(&w);
	return rc;
}

bool hk_script_elevated(void)
{
	return getauxval(AT_SECURE) != 0;
}
