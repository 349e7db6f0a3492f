/*
 * tar: writes an archive whose members arrive in any order and at the same time.
 *
 * Members are declared in the order they shall have. One whose size is known gets its place
 * at once and is written there; bytes beyond the declared size, or all of them where it is
 * unknown (-1), go to a scratch file beside the archive. hk_tar_finish then moves what is
 * not where it belongs, so a wrong size costs time, never correctness. (One that reaches
 * beyond 4 TiB of archive counts as unknown.)
 *
 * The format is POSIX ustar, with pax records (IEEE Std 1003.1 pax) for a size of 8 GiB or
 * more, for a name over 100 bytes, and for any other value that its field can't hold. Same members,
 * same bytes: mtime 0, owner 0:0 without names, mode 0644 unless hk_tar_next says otherwise, two zero
 * blocks at the end.
 *
 * Declaring and finishing belong to one thread; the sinks of different members may be used
 * by different threads at the same time.
 */
#ifndef HK_TAR_H
#define HK_TAR_H

#include "file.h"
#include "sink.h"

struct hk_tar;

/* What a member is beside its name and its content. */
struct hk_tar_kind {
	char type;	    /* '0' a file, '1' a link, '2' a symlink, '5' a directory */
	unsigned mode;	    /* permissions; other bits are dropped */
	unsigned uid, gid;
	int64_t mtime;	    /* seconds since 1970 */
	const char *target; /* of a link and a symlink; else NULL */
};

/* Holds `file`. References are counted and touched by the owner's thread only. */
HK_API struct hk_tar *hk_tar_new(struct hk_file *file, struct hk_err *err);
HK_API void hk_tar_unref(struct hk_tar *t); /* NULL is fine */

/* Declares the next member. `size` -1 is unknown. Its number goes to `index`. A name that is
 * empty, absolute, ends in "/", has a ".." component or more than 4096 bytes is HK_EUSAGE.
 * `name` is copied. */
HK_API HK_MUST_USE int hk_tar_add(struct hk_tar *t, const char *name, int64_t size, size_t *index,
	struct hk_err *err);

/* Says what the member is that is declared next; without it, a file of mode 0644. Copies `kind`. A
 * target that is missing or too long, or for a link can't name a member, is HK_EUSAGE. What is no file
 * has no content: its size is 0. */
HK_API HK_MUST_USE int hk_tar_next(
	struct hk_tar *t, const struct hk_tar_kind *kind, struct hk_err *err);

/* The sink for the content of a declared member: one, and another one only when that was
 * freed unfinished; then the member begins anew. Holds the tar. */
HK_API struct hk_sink *hk_tar_sink(struct hk_tar *t, size_t index, struct hk_err *err);

/* Declares a member and writes its content. */
HK_API HK_MUST_USE int hk_tar_put(struct hk_tar *t, const char *name, const void *data, size_t len,
	struct hk_err *err);

/* When the sinks of all members have finished: puts members in their places, writes headers
 * and the end. A member whose sink is missing or unfinished is HK_EUSAGE. Once, whether it
 * goes well or not; hk_file_commit is still the caller's. An interrupt ends it. */
HK_API HK_MUST_USE int hk_tar_finish(struct hk_tar *t, struct hk_err *err);

#endif
