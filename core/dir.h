/*
 * dir: an output directory of many files, each of which appears whole or not at all.
 *
 * Where nothing is (or an empty directory), the directory is built beside the target
 * under a temporary name, which commit renames; without a commit nothing stays. Where
 * something is, files are added to it: each under a temporary name until its sink
 * finishes, so what was there under its name is replaced at once. A file that was added
 * stays, also without a commit; so what refers to others is written last.
 *
 * Names are relative paths as a tar has them. Directories on the way are made. No
 * symbolic link below the target is followed, and nothing but regular files is read; the
 * target itself may be named by a link.
 *
 * The directory belongs to one thread; the sinks may be used by others.
 */
#ifndef HK_DIR_H
#define HK_DIR_H

#include "sink.h"

struct hk_dir;

/* HK_EIO when `path` is something else than a directory, or can't be made. */
HK_API struct hk_dir *hk_dir_create(const char *path, struct hk_err *err);
HK_API void hk_dir_unref(struct hk_dir *d); /* NULL is fine */

/* Whether something is in the target already. */
HK_API bool hk_dir_exists(const struct hk_dir *d);

/* Writes the content of a file to a sink, which is taken, and finishes it. HK_ENOTFOUND
 * when there is no such file, HK_EIO when it is no regular one. */
HK_API HK_MUST_USE int hk_dir_read(
	struct hk_dir *d, const char *name, struct hk_sink *to, struct hk_err *err);

/* The sink for the content of a file, which gets its name when the sink finishes. Holds
 * the directory. */
HK_API struct hk_sink *hk_dir_sink(
	struct hk_dir *d, const char *name, struct hk_err *err);

/* Waits until no other process has locked the target, and keeps it locked until the last
 * reference goes: for who reads a file to replace it. Advisory; where the file system
 * can't, nothing is locked. */
HK_API HK_MUST_USE int hk_dir_lock(struct hk_dir *d, struct hk_err *err);

/* Gives a new directory its name. Once. */
HK_API HK_MUST_USE int hk_dir_commit(struct hk_dir *d, struct hk_err *err);

#endif
