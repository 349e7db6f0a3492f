/*
 * interrupt: a signal asked the process to stop. The handler only notes it; whatever
 * waits (the event loop, a write to a pipe) looks here and gives up with HK_EINTERRUPTED.
 */
#ifndef HK_INTERRUPT_H
#define HK_INTERRUPT_H

#include "err.h"

/* Async-signal-safe: notes that `signo` arrived. 0 takes it back (tests, embedders). */
HK_API void hk_interrupt(int signo);

/* The noted signal, or 0. Any thread. */
HK_API int hk_interrupted(void);

/* HK_OK, or HK_EINTERRUPTED with err->sys the signal. */
HK_API HK_MUST_USE int hk_interrupt_check(struct hk_err *err);

#endif
