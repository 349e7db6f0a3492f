/*
 * tarstream: a tar that goes out in order, to where nothing can be put right afterwards:
 * a pipe. The bytes are those that hk_tar makes of the same members.
 *
 * All members are declared first, with their exact sizes. Then their sinks may be used by
 * different threads at the same time: a sink whose turn has not come blocks its writer,
 * so each belongs behind a hk_sink_queue, whose back pressure bounds what waits. A member
 * whose content is at hand waits in memory and is written when its turn comes.
 *
 * A reader must not take an archive that went wrong for a whole one. So the header of a
 * member goes out as soon as the one before it is complete, and the last bytes of a
 * member only when its sink finishes, which is when what stands before it in the chain
 * has verified all: wherever a stream breaks off it does so inside a member, or before
 * the end's blocks.
 *
 * The stream belongs to one thread, its owner, that declares and finishes and frees
 * sinks.
 */
#ifndef HK_TARSTREAM_H
#define HK_TARSTREAM_H

#include "sink.h"

struct hk_tar_stream;

/* Takes `out`. */
HK_API struct hk_tar_stream *hk_tar_stream_new(struct hk_sink *out, struct hk_err *err);
HK_API void hk_tar_stream_unref(struct hk_tar_stream *t); /* NULL is fine */

/* Declares the next member; its number goes to `index`. HK_EUSAGE for a name that can't
 * be one, and when bytes have gone out already. */
HK_API HK_MUST_USE int hk_tar_stream_add(struct hk_tar_stream *t, const char *name,
	int64_t size, size_t *index, struct hk_err *err);

/* Declares a member and keeps a copy of its content until its turn. */
HK_API HK_MUST_USE int hk_tar_stream_put(struct hk_tar_stream *t, const char *name,
	const void *data, size_t len, struct hk_err *err);

/* The sink for the content of a declared member, once a member. Holds the stream. More or
 * fewer bytes than were declared fail with HK_EVERIFY. A sink that is freed unfinished
 * ends the stream. */
HK_API struct hk_sink *hk_tar_stream_sink(
	struct hk_tar_stream *t, size_t index, struct hk_err *err);

/* When the sinks of all members have finished: writes the rest and finishes `out`. */
HK_API HK_MUST_USE int hk_tar_stream_finish(struct hk_tar_stream *t, struct hk_err *err);

#endif
