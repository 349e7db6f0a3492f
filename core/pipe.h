/*
 * pipe: the end of a chain that hands what comes to a reader, who takes it in pieces when it likes.
 *
 * The chain belongs behind a queue (queue.h): its worker writes into a ring and waits while that is
 * full, so memory is bounded and the network slows down to the reader. The reader is the thread
 * that runs the session; it never waits here, but asks again when the session was woken
 * (hk_session_await). What it reads is proven only at the end: HK_OK with no bytes comes when
 * the chain has finished, and so after all verification.
 */
#ifndef HK_PIPE_H
#define HK_PIPE_H

#include "sink.h"

struct hk_pipe;

/* `bytes`: of the ring. References are counted and touched by the reader's thread only. */
HK_API struct hk_pipe *hk_pipe_new(size_t bytes, struct hk_err *err);
HK_API void hk_pipe_unref(struct hk_pipe *p); /* NULL is fine */

/* The sink that fills it; once. Holds the pipe. On the reader's own thread a write that finds no
 * room fails, since nobody could make any. */
HK_API struct hk_sink *hk_pipe_sink(struct hk_pipe *p, struct hk_err *err);

/* The oldest bytes, which stay until hk_pipe_drop: HK_OK, and `len` is 0 when all has been read and
 * verified. HK_AGAIN: there is nothing now, and the chain's wake function will be called once there
 * is. HK_EIO: the chain was freed unfinished, so what was read is worth nothing. */
HK_API HK_MUST_USE int hk_pipe_peek(
	struct hk_pipe *p, const void **data, size_t *len, struct hk_err *err);
HK_API void hk_pipe_drop(struct hk_pipe *p, size_t len);

#endif
