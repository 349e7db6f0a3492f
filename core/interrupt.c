/*
 * interrupt: one number that a signal handler may write and any thread may read.
 */
#include <stdatomic.h>

#include "interrupt.h"

/* With a lock inside, a handler that interrupts a reader would wait for ever. */
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "atomic_int must be lock-free");

static atomic_int noted;

void hk_interrupt(int signo)
{
	atomic_store(&noted, signo);
}

int hk_interrupted(void)
{
	return atomic_load(&noted);
}

int hk_interrupt_check(struct hk_err *err)
{
	int signo = hk_interrupted();

	if (signo == 0)
		return HK_OK;
	hk_err_set(err, HK_EINTERRUPTED, "interrupted by signal %d", signo);
	if (err)
		err->sys = signo;
	return HK_EINTERRUPTED;
}
