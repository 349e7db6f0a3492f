/*
 * sink: where bytes go. A chain of sinks is a pipeline: each does one job on what is
 * written to it and hands the result to the next.
 *
 *     network -> queue -> verify(sha256, size) -> inflate -> verify(diffID) -> tar member
 *                  |  here a worker thread takes over
 *
 * Rules of a chain:
 *   - A constructor takes `next`: it is freed with the new sink, and freed too when the
 *     constructor fails. Freeing the head frees the chain.
 *   - write accepts all bytes or fails; it may block. An error is sticky: every later call
 *     returns it again, so a producer may check once, at the end.
 *   - finish says "that was all": each sink completes its check, then finishes the next. Only
 *     after HK_OK is what arrived at the far end whole and verified. A chain that is freed
 *     unfinished leaves nothing behind.
 *   - A sink is used by one thread at a time; only hk_sink_queue moves work to another.
 */
#ifndef HK_SINK_H
#define HK_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

/* Size of the blocks that filters work in. Tests build with a tiny one, so that every
 * boundary is crossed. */
#ifndef HK_CHUNK
#define HK_CHUNK (256 * 1024)
#endif

struct hk_sink;

/* Called, from any thread, when a sink that was not ready or not finished may be now. Must
 * be short, must not call back into the sink, and must not wait for a thread that may be
 * calling it: the sink is locked meanwhile. */
typedef void (*hk_wake_fn)(void *ctx);

/* The jobs of a kind of sink. The public functions below keep the sticky error and the
 * state, so implementations need not. */
struct hk_sink_ops {
	int (*write)(struct hk_sink *s, const void *data, size_t len, struct hk_err *err);
	int (*finish)(struct hk_sink *s, struct hk_err *err); /* own check, then the next's */
	void (*free)(struct hk_sink *s);		      /* own memory only, not next's */
	bool (*ready)(struct hk_sink *s, size_t len);	      /* NULL: always ready */
	void (*watch)(struct hk_sink *s, hk_wake_fn wake, void *ctx); /* NULL: never waits */
	/* NULL: nobody reads from it. At any place of a chain, where `watch` is for the head */
	void (*call)(struct hk_sink *s, hk_wake_fn wake, void *ctx);
	void (*cancel)(struct hk_sink *s); /* NULL: never waits long; see hk_sink_cancel */
	/* NULL: has no memory to offer; see hk_sink_room */
	int (*room)(struct hk_sink *s, void **room, size_t *len, struct hk_err *err);
};

/* Embedded first in every kind of sink. */
struct hk_sink {
	const struct hk_sink_ops *ops;
	struct hk_sink *next; /* owned; NULL at the end of a chain */
	struct hk_err err;    /* sticky; code HK_OK while all is well */
	bool finished;	      /* finish has returned HK_OK */
};

/* Fills the base of a new sink. */
void hk_sink_init(struct hk_sink *s, const struct hk_sink_ops *ops, struct hk_sink *next);

HK_API HK_MUST_USE int hk_sink_write(
	struct hk_sink *s, const void *data, size_t len, struct hk_err *err);

/* Memory of the sink itself, `len` bytes or fewer than asked for but at least one, to put the
 * next bytes in: a write of them from there copies nothing. `room` is NULL where the sink has
 * none to offer. May block; good until the next call for this sink. */
HK_API HK_MUST_USE int hk_sink_room(
	struct hk_sink *s, void **room, size_t *len, struct hk_err *err);

/* HK_OK: all is done and verified. HK_AGAIN, from a watched queue only: a worker is still
 * at it, the wake function will be called, call again then. Idempotent. */
HK_API HK_MUST_USE int hk_sink_finish(struct hk_sink *s, struct hk_err *err);

/* Whether a write of `len` bytes now would not block (or would fail at once). After a "no"
 * the wake function is called once. */
HK_API bool hk_sink_ready(struct hk_sink *s, size_t len);

/* Sets who is told when the head of a chain becomes ready, fails or is finished, or a pipe at its
 * end has something to read, and makes finish return HK_AGAIN instead of blocking. NULL ends
 * that: nobody is told any more once this returns. */
HK_API void hk_sink_watch(struct hk_sink *s, hk_wake_fn wake, void *ctx);

/* From any thread: a write that waits somewhere down the chain gives up, as every later one
 * does. For chains that are about to be freed. */
void hk_sink_cancel(struct hk_sink *s);

/* Frees the chain from `s` on; NULL is fine. Waits for a worker to notice. */
HK_API void hk_sink_free(struct hk_sink *s);

/* Writes everything to both chains, `a` first; takes both. Where one is NULL the other is
 * freed. */
HK_API struct hk_sink *hk_sink_tee(struct hk_sink *a, struct hk_sink *b, struct hk_err *err);

/* The end of a chain that is there for its checks alone. */
HK_API struct hk_sink *hk_sink_null(struct hk_err *err);

/* Memory, shared between the sink that fills it and the caller who reads it: one sink at a
 * time, and nobody reads until that has finished or is freed. References are counted and
 * touched by the owner's thread only. */
struct hk_mem;
HK_API struct hk_mem *hk_mem_new(size_t max, struct hk_err *err);
HK_API void hk_mem_unref(struct hk_mem *m); /* NULL is fine */
HK_API const struct hk_buf *hk_mem_buf(const struct hk_mem *m); /* valid while m is held;
	NULL while a sink fills it */
HK_API struct hk_sink *hk_sink_mem(struct hk_mem *m, struct hk_err *err); /* holds m */

#endif
