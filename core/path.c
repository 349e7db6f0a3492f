/*
 * path: names of files, and where they lead.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "number.h"
#include "path.h"

#define LINKS_MAX 40 /* symbolic links followed, as many as Linux does */

const char *hk_path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *hk_path_folder(const char *path)
{
	size_t len = (size_t)(hk_path_base(path) - path);
	char *dir = len > 0 ? strndup(path, len) : strdup(".");
	char *real = dir ? realpath(dir, NULL) : NULL;

	free(dir);
	return real;
}

char *hk_path_join(const char *dir, const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		errno = ENOMEM;
		return NULL;
	}
	return path;
}

/* Replaces the path of a symbolic link by that of what it points to. */
static int follow_link(char **path)
{
	char text[PATH_MAX];
	char *dir = NULL, *next = NULL;
	ssize_t n = readlink(*path, text, sizeof text - 1);

	if (n < 0)
		return -1;
	text[n] = '\0';
	if (text[0] == '/') {
		next = strdup(text);
	} else {
		dir = hk_path_folder(*path);
		next = dir ? hk_path_join(dir, text) : NULL;
		free(dir);
	}
	if (!next)
		return -1;
	free(*path);
	*path = next;
	return 0;
}

/* Finds the N when `path` is /proc/self/fd/N, be it under another name, and else -1. */
static int own_descriptor(const char *path, int *descriptor)
{
	char *self = realpath("/proc/self/fd", NULL); /* it may not be there */
	char *dir = self || errno != ENOMEM ? hk_path_folder(path) : NULL;
	const char *base = hk_path_base(path);
	bool failed = !dir;
	int64_t n = -1;

	if (dir && self && strcmp(dir, self) == 0)
		n = hk_number(&base);
	*descriptor = *base == '\0' && n <= INT_MAX ? (int)n : -1;
	free(dir);
	free(self);
	return failed ? -1 : 0;
}

/* By hand, since realpath(3) needs the end to exist, and to notice a link to a descriptor of
 * ours, /dev/stdout above all: opening that anew would lose its position. */
int hk_path_resolve(const char *path, char **end, int *descriptor)
{
	char *p = strdup(path);
	struct stat st;
	int links;

	*descriptor = -1;
	for (links = 0; p && links < LINKS_MAX; links++) {
		if (lstat(p, &st) != 0) {
			if (errno != ENOENT)
				break;
		} else if (S_ISLNK(st.st_mode)) {
			if (own_descriptor(p, descriptor) != 0)
				break;
			if (*descriptor < 0) {
				if (follow_link(&p) != 0)
					break;
				continue;
			}
		}
		*end = p;
		return 0;
	}
	if (links == LINKS_MAX)
		errno = ELOOP;
	free(p);
	return -1;
}
