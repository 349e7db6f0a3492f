/*
 * input: what is in a file of this machine, on its way to a sink.
 */
#ifndef HK_INPUT_H
#define HK_INPUT_H

#include "sink.h"

/* Writes the content of a regular file to a sink, which is taken, and finishes it. An
 * interrupt ends it. HK_ENOTFOUND when there is no such file, HK_EIO when it is something
 * else. */
HK_API HK_MUST_USE int hk_input_file(
	const char *path, struct hk_sink *to, struct hk_err *err);

/* The same from a descriptor, which is borrowed, as is the sink; `name` is for messages.
 */
HK_MUST_USE int hk_input_fd(
	int fd, const char *name, struct hk_sink *to, struct hk_err *err);

#endif
