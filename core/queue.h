/*
 * queue: a sink with a thread behind it. What is written is copied into a ring of fixed
 * size; a worker takes it out and writes it to the rest of the chain.
 *
 * At the head of a watched chain it never blocks a producer who asks hk_sink_ready first;
 * in the middle of a chain it blocks when full, and finish waits for the worker. An error
 * of the chain behind it comes back from the next write or finish.
 */
#ifndef HK_QUEUE_H
#define HK_QUEUE_H

#include "sink.h"

/* `bytes` is the size of the ring and so all the memory it takes; takes `next`. A write that
 * is longer than the ring blocks in any case; hk_sink_ready says yes to one when the ring is
 * empty. Bytes count as gone when the chain behind has taken them. Once finish has been
 * called, a write is HK_EUSAGE. */
HK_API struct hk_sink *hk_sink_queue(struct hk_sink *next, size_t bytes, struct hk_err *err);

#endif
