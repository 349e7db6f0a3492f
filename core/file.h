/*
 * file: an output file that appears under its name only when it is whole.
 *
 * Bytes go to a temporary file beside the target, which is renamed over it by commit and
 * removed when the last reference goes without one. A symbolic link is followed, and its
 * target replaced, or made where the link dangles. A target that is no regular file (a
 * device, a FIFO) can't be replaced: the bytes wait in an unlinked file under $TMPDIR, else
 * /tmp, and commit copies them. So it is with a descriptor of the process under a name such
 * as /dev/stdout or /dev/fd/3, whatever it is open on, and the copy goes on from its place.
 *
 * References are counted and touched by the owner's thread only.
 */
#ifndef HK_FILE_H
#define HK_FILE_H

#include "sink.h"

struct hk_file;

/* The temporary file is created now, so that a folder that is missing or not writable is
 * found before anything is fetched. "-" stands for standard output. A folder, a socket, or
 * what can't be written is HK_EIO, an empty path HK_EUSAGE. */
HK_API struct hk_file *hk_file_create(const char *path, struct hk_err *err);
HK_API void hk_file_ref(struct hk_file *f);
HK_API void hk_file_unref(struct hk_file *f); /* NULL is fine */

/* The descriptor of the temporary file: seekable, for pwrite. Borrowed; -1 after commit. */
HK_API int hk_file_fd(const struct hk_file *f);

/* The path as the caller gave it. Borrowed. */
HK_API const char *hk_file_path(const struct hk_file *f);

/* An unlinked temporary file in the folder of the target (so on the same file system). The
 * caller closes the descriptor. -1 and `err` on failure. Any thread that knows the file to
 * be held may call it. */
HK_API int hk_file_scratch(const struct hk_file *f, struct hk_err *err);

/* Waits until no other process has locked the folder of the target, and keeps it locked until
 * the last reference goes: for who reads the file to replace it. Advisory; where the file
 * system can't, and for what can't be replaced, nothing is locked. */
HK_API HK_MUST_USE int hk_file_lock(struct hk_file *f, struct hk_err *err);

/* Makes the bytes visible under the path, with the permissions that the umask gave a new
 * file when this one was created. Once; the file is then closed for writing. A copy to a
 * FIFO waits for its reader, and an interrupt ends the wait. HK_EUSAGE while a sink of it is
 * neither finished nor freed. */
HK_API HK_MUST_USE int hk_file_commit(struct hk_file *f, struct hk_err *err);

/* Lets those execute the file who may read it. To be called before commit. */
HK_API void hk_file_make_executable(struct hk_file *f);

/* Makes the folders on the way to `path` that are not there. */
HK_API HK_MUST_USE int hk_file_make_folders(const char *path, struct hk_err *err);

/* A sink that writes to the file from its start; what was there is gone. Holds a reference. */
HK_API struct hk_sink *hk_sink_file(struct hk_file *f, struct hk_err *err);

/* Waits until `fd` can be locked, or for an interrupt; closing it unlocks. HK_OK also where the
 * file system has no locks. */
HK_MUST_USE int hk_lock_fd(int fd, struct hk_err *err);

/* pwrite(2) and pread(2) of exactly `len` bytes; short reads are HK_EIO. */
HK_MUST_USE int hk_pwrite_all(int fd, const void *data, size_t len, int64_t offset,
	const char *name, struct hk_err *err);
HK_MUST_USE int hk_pread_all(int fd, void *data, size_t len, int64_t offset, const char *name,
	struct hk_err *err);

#endif
