/*
 * path: names of files, and where they lead.
 */
#ifndef HK_PATH_H
#define HK_PATH_H

#include <stdbool.h>

/* What is behind the last slash. */
const char *hk_path_base(const char *path);

/* The real path of the folder that `path` lies in, which the caller frees; NULL and errno on failure. */
char *hk_path_folder(const char *path);

/* "<dir>/<name>", which the caller frees; NULL and errno on failure. */
char *hk_path_join(const char *dir, const char *name);

/* Follows `path` to something that is no symbolic link, or is not there: its path goes to `end`, which
 * the caller frees. Where the path leads to one of the process's own descriptors (/proc/self/fd/N,
 * under whatever name), that goes to `descriptor`, else -1. -1 and errno on failure. */
int hk_path_resolve(const char *path, char **end, int *descriptor);

#endif
