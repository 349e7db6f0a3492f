/*
 * process: runs another program to its end: no shell, bounded input, output and time.
 *
 * It is for small helpers that answer one question (docker-credential-*), whose answer may
 * be a secret. The caller's thread waits; an interrupt (interrupt.h) ends the wait and the
 * program. Nothing of ours is inherited: no descriptor but the three, no signal mask, no
 * ignored signal. The environment and the working directory are.
 */
#ifndef HK_PROCESS_H
#define HK_PROCESS_H

#include <stddef.h>

#include "buf.h"
#include "err.h"

/* What every pipe holds before anybody reads. So the input is there before the program is,
 * and one that reads none of it is no broken pipe. */
#define HK_PROCESS_INPUT 4096

struct hk_command {
	const char *const *argv; /* ends in NULL; argv[0] is a name to look up, or a path */
	const char *input;	 /* its standard input; NULL for none */
	size_t input_len;	 /* at most HK_PROCESS_INPUT */
	long timeout_ms;	 /* until it is killed, and whatever it started with it */
};

/* Runs the command and waits for it. A name without a slash is looked up in the folders of
 * $PATH that are absolute: never in the working directory. Standard output goes to `out`, and
 * more than fits is HK_EPROTOCOL; of standard error what fits is kept in `errors`. Both were
 * initialised by the caller. `*status` is the exit status, or 128 + N for a death by signal N.
 *
 * HK_EIO: there is no such program, it can't be started, or it took too long. What a program
 * leaves running when it ends is left alone, and not waited for. */
HK_API HK_MUST_USE int hk_process_run(const struct hk_command *command, struct hk_buf *out,
	struct hk_buf *errors, int *status, struct hk_err *err);

#endif
