/*
 * fdsink: the end of a chain that is a descriptor of the caller's: standard output, a pipe, a socket.
 */
#ifndef HK_FDSINK_H
#define HK_FDSINK_H

#include "sink.h"

/* Borrows `fd`, which may block or not: it is waited for, and an interrupt ends the wait. `name`
 * (copied) is for messages. SIGPIPE must be ignored: a broken pipe is HK_EIO. */
HK_API struct hk_sink *hk_sink_fd(int fd, const char *name, struct hk_err *err);

#endif
