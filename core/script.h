/*
 * script: reads files that will be obeyed, and so must come from nobody but root or this
 * user.
 *
 * The way to the file is walked from the root, one name after the other, and each thing
 * on it is judged by what was opened: directories, symbolic links and the file itself
 * belong to root or the user, and others can't write to them. A directory with the sticky
 * bit, as /tmp, is passed through, because what is ours in it stays ours. What is read is
 * the file that was judged.
 */
#ifndef HK_SCRIPT_H
#define HK_SCRIPT_H

#include <stdbool.h>

#include "buf.h"

/* Appends the text of a regular file. A relative path begins at the current directory,
 * whose way is judged too. HK_ENOTFOUND when there is none; HK_EREFUSED when others could
 * have written it, it is no regular file, a link that leads nowhere, or larger than `out`
 * may get; HK_EIO with EACCES when it lies where we may not look. */
HK_API HK_MUST_USE int hk_script_read(
	const char *path, struct hk_buf *out, struct hk_err *err);

/* Whether a directory is one that scripts would be taken from, and may be looked into.
 * Errors are as above. */
HK_API HK_MUST_USE int hk_script_folder(const char *path, struct hk_err *err);

/* Whether this process has rights that its user has not, as a set-user-ID program has:
 * then no file of that user, and no variable, may say what it does. */
HK_API bool hk_script_elevated(void);

#endif
