/* interrupt: noted in a handler, seen by every thread, taken back. */
#include <pthread.h>
#include <signal.h>

#include "interrupt.h"
#include "test.h"

static void is_quiet_at_first(void)
{
	struct hk_err err = {.code = HK_EIO, .msg = "untouched"};

	CHECK(hk_interrupted() == 0);
	CHECK(hk_interrupt_check(&err) == HK_OK);
	CHECK(err.code == HK_EIO);
	CHECK_STR(err.msg, "untouched");
}

static void notes_a_signal(void)
{
	struct hk_err err = {0};
	struct sigaction action = {.sa_handler = hk_interrupt}, old;

	CHECK(sigaction(SIGUSR1, &action, &old) == 0);
	CHECK(raise(SIGUSR1) == 0);
	CHECK(sigaction(SIGUSR1, &old, NULL) == 0);
	CHECK(hk_interrupted() == SIGUSR1);
	CHECK(hk_interrupt_check(&err) == HK_EINTERRUPTED);
	CHECK(err.code == HK_EINTERRUPTED && err.sys == SIGUSR1 && err.http == 0);
	CHECK(strncmp(err.msg, "interrupted", 11) == 0);
	CHECK(hk_interrupt_check(NULL) == HK_EINTERRUPTED);
}

static void keeps_the_last_one(void)
{
	hk_interrupt(SIGINT);
	hk_interrupt(SIGTERM);
	CHECK(hk_interrupted() == SIGTERM);
}

static void can_be_taken_back(void)
{
	hk_interrupt(SIGINT);
	hk_interrupt(0);
	CHECK(hk_interrupted() == 0);
	CHECK(hk_interrupt_check(NULL) == HK_OK);
}

static void *wait_for_it(void *seen)
{
	while (hk_interrupted() == 0)
		;
	*(int *)seen = hk_interrupted();
	return NULL;
}

static void reaches_other_threads(void)
{
	pthread_t thread;
	int seen = 0;

	CHECK(pthread_create(&thread, NULL, wait_for_it, &seen) == 0);
	hk_interrupt(SIGHUP);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(seen == SIGHUP);
	hk_interrupt(0);
}

int main(void)
{
	TEST(is_quiet_at_first);
	TEST(notes_a_signal);
	TEST(keeps_the_last_one);
	TEST(can_be_taken_back);
	TEST(reaches_other_threads);
	return test_end();
}
