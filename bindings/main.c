/*
 * main: the program `hocker` and, under five other names, its commands.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "../core/interrupt.h"
#include "host.h"

static void on_signal(int signo)
{
	/* The second time, the user means it. */
	if (hk_interrupted())
		signal(signo, SIG_DFL);
	hk_interrupt(signo);
}

static void set_signals(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof sa);
	sa.sa_handler = on_signal; /* no SA_RESTART: what waits shall notice */
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sa.sa_handler = SIG_IGN; /* a closed pipe is an error of write, with a message */
	sigaction(SIGPIPE, &sa, NULL);
}

int main(int argc, char **argv)
{
	lua_State *L;
	int code;

	set_signals();
	L = hk_host_new();
	if (!L) {
		fputs("hocker: out of memory\n", stderr);
		return 1;
	}
	code = hk_host_run(L, argc, argv);
	hk_host_free(L);
	return code;
}
