/*
 * join: a body that comes in parts at the same time, put together in order in front of a chain.
 *
 * Each part is a range of the body with a sink of its own. The part that begins where the chain's
 * bytes end goes straight on; one that is further ahead waits in memory, so the caller bounds how
 * far ahead parts may be. What a part does not bring, because its sink is freed unfinished or is
 * finished early, is given out again.
 *
 * The chain is finished when its last byte has come: then, and not before, all is verified. All
 * of this runs on one thread; a queue at the head of the chain moves the work to another.
 */
#ifndef HK_JOIN_H
#define HK_JOIN_H

#include "sink.h"
#include "transfer.h"

struct hk_join;

/* Takes `next`. References are counted and touched by the owner's thread only. */
HK_API struct hk_join *hk_join_new(struct hk_sink *next, struct hk_err *err);
HK_API void hk_join_unref(struct hk_join *j); /* NULL is fine */

/* How many bytes there are in all, which ends the parts that go on beyond. Until that is said, a
 * part of unknown end that finishes is the last; the chain is finished when so many have come.
 * Less than what came already is HK_EPROTOCOL. */
HK_API HK_MUST_USE int hk_join_set_size(struct hk_join *j, int64_t size, struct hk_err *err);

/* Gives out the first bytes that nobody has been given: at most `bytes`; or, with -1, all up to
 * the next open part, and what waits among them is thrown away. Their place goes to `range` (its
 * `last` is INT64_MAX where the end is unknown), the sink for them to `sink`: it holds the join.
 * `sink` is NULL when there are none within `ahead` bytes of those that the chain has. */
HK_API HK_MUST_USE int hk_join_part(struct hk_join *j, int64_t bytes, int64_t ahead,
	struct hk_range *range, struct hk_sink **sink, struct hk_err *err);

/* Passes on what waits, for a part's own finish may have come too early or not at all. HK_OK: the
 * chain is finished. HK_AGAIN: not yet, because bytes are missing, or a queue is still at it. */
HK_API HK_MUST_USE int hk_join_finish(struct hk_join *j, struct hk_err *err);

/* Bytes that have come, whether the chain has them yet or they wait. */
HK_API int64_t hk_join_received(const struct hk_join *j);

#endif
