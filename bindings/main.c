/*
 * main: the program `hocker` and, under five other names, its commands.
 */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "interrupt.h"

/* What goes on for so many instructions after a signal won't notice it: what waits does, and
 * what ends takes far fewer. */
#define STEPS_MAX 10000000

static lua_State *volatile running;

static void stop(lua_State *L, lua_Debug *ar)
{
	(void)ar;
	luaL_error(L, "interrupted"); /* hocker.command knows by which signal */
}

static void on_signal(int signo)
{
	/* The second time, the user means it. */
	if (hk_interrupted())
		signal(signo, SIG_DFL);
	hk_interrupt(signo);
	/* Lua allows this in a signal handler. Whoever has a hook looks for signals himself. */
	if (running && !lua_gethook(running))
		lua_sethook(running, stop, LUA_MASKCOUNT, STEPS_MAX);
}

/* A standard descriptor that is closed would become that of the next file or connection. One
 * that can't be used takes its place: what reads or writes it gets an error. */
static void fill_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)!open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

/* What we were started to ignore, as nohup does, stays ignored. */
static void catch_signal(int signo)
{
	struct sigaction sa;

	if (sigaction(signo, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN)
		return;
	memset(&sa, 0, sizeof sa);
	sa.sa_handler = on_signal; /* no SA_RESTART: what waits shall notice */
	sigaction(signo, &sa, NULL);
}

static void set_signals(void)
{
	catch_signal(SIGINT);
	catch_signal(SIGTERM);
	catch_signal(SIGHUP);
	/* A closed pipe and a file that may not grow are errors of write, with a message. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	/* Who ignores it is told of no child how it ended. */
	signal(SIGCHLD, SIG_DFL);
}

#ifdef __SANITIZE_ADDRESS__
enum { FINDS_LEAKS = 1 };
#else
enum { FINDS_LEAKS = 0 };
#endif

static int code = -1; /* the program's, once it ends */

static int end(lua_State *L)
{
	(void)L;
	if (code >= 0)
		exit(code);
	return 0;
}

/* The oldest object is closed last, and this one ends the program: all others are closed then, and
 * the system takes their memory back and wipes it. No block is freed by itself. */
static int make_oldest(lua_State *L)
{
	lua_newuserdatauv(L, 0, 0);
	lua_createtable(L, 0, 1);
	lua_pushcfunction(L, end);
	lua_setfield(L, -2, "__gc");
	lua_setmetatable(L, -2);
	luaL_ref(L, LUA_REGISTRYINDEX);
	return 0;
}

/* A block of a MiB or more, as a window of zstd is, goes back to the system when it is freed. The C
 * library would keep as much as the largest had. */
static void give_memory_back(void)
{
#ifdef M_MMAP_THRESHOLD
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

int main(int argc, char **argv)
{
	lua_State *L;

	give_memory_back();
	fill_descriptors();
	set_signals();
	L = hk_host_new();
	if (!L) {
		fputs("hocker: out of memory\n", stderr);
		return 1;
	}
	running = L;
	lua_gc(L, LUA_GCSTOP); /* nothing is garbage before a command runs, which turns it on */
	lua_pushcfunction(L, make_oldest);
	if (!FINDS_LEAKS)
		(void)lua_pcall(L, 0, 0, 0);
	code = hk_host_run(L, argc, (const char *const *)argv, NULL);
	running = NULL;
	hk_host_free(L);
	return code;
}
