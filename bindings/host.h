/*
 * host.h: hocker in a program of one's own: the library in Lua, its commands, and the Lua
 * state that they run in. hocker.h is the core alone.
 *
 *     lua_State *L = hk_host_new();
 *     const char *argv[] = {"hocker", "manifest", "debian:12"};
 *     struct hk_host_output got;
 *     int code = hk_host_run(L, 3, argv, &got);
 *     printf("%d: %s%s", code, got.out, got.err);
 *     hk_host_output_free(&got);
 *     hk_host_free(L);
 *
 * A state belongs to one thread at a time; several may run in several threads. Nothing
 * here changes the process: no signal handler, locale, umask, directory or environment.
 * What is run has the locale C, in this thread and for that time.
 * So a program that wants to be interrupted tells hk_interrupt, which holds for all
 * states, and one that writes to pipes ignores SIGPIPE, as it would have to anyway.
 * Commands read the environment and the files that they read for a user;
 * `--no-user-scripts` keeps the user's scripts out.
 */
#ifndef HK_HOST_H
#define HK_HOST_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
#include <lua.h>
#ifdef __cplusplus
}
#endif

#include "err.h"

/* A new state with Lua's libraries and all of hocker, or NULL when there is no memory.
 * Its modules are found in this library and, unless a script sets package.path, nowhere else:
 * it is empty, no C library is looked for, and LUA_PATH and LUA_INIT are not read. What Lua
 * frees is cleansed, because its strings have held passwords and tokens. */
HK_API lua_State *hk_host_new(void);

/* Opens hocker in a state of the program's own, which has Lua's standard libraries:
 * `require` finds "hocker" and "hocker.*" in this library from now on, and "cjson" unless
 * there is one; nothing else changes. HK_EUSAGE when a library is missing, or `require` is
 * another one that does not come to Lua's. */
HK_API HK_MUST_USE int hk_host_open(lua_State *L, struct hk_err *err);

/* Lets a function be a script or a module: "policies/NAME", "commands/NAME" and
 * "templates/nix/NAME" are looked for here before anywhere else, and any other name is
 * that of a module for `require`. It is called once it is needed, and returns what the
 * file would return. */
HK_API HK_MUST_USE int hk_host_provide(
	lua_State *L, const char *name, lua_CFunction function, struct hk_err *err);

/* The same with the text of a script, which is copied. HK_EUSAGE when it is no Lua. */
HK_API HK_MUST_USE int hk_host_provide_text(
	lua_State *L, const char *name, const char *text, size_t len, struct hk_err *err);

/* What was printed; a zero byte follows each text, and may also be in it. NULL when there
 * was no memory for it. */
struct hk_host_output {
	char *out, *err;
	size_t out_len, err_len;
};

/* Runs a command as the command line does: argv[0] tells which, "hocker" or a program
 * like "hocker-image". Returns the exit code. What it prints goes to `output`, which is
 * overwritten, or where that is NULL to the process' own standard output and error; then,
 * too, os.exit ends the process, and else the run. Afterwards the state is as before, but for
 * what scripts have changed. Lua's collector is on meanwhile. Raises nothing. */
HK_API int hk_host_run(
	lua_State *L, int argc, const char *const *argv, struct hk_host_output *output);

/* Runs a text as `hocker run` runs a script; argv[0] is its name for messages, the rest its
 * arguments. */
HK_API int hk_host_run_text(lua_State *L, const char *text, size_t len, int argc,
	const char *const *argv, struct hk_host_output *output);

HK_API void hk_host_output_free(struct hk_host_output *output);

/* Closes a state of hk_host_new. NULL is none. */
HK_API void hk_host_free(lua_State *L);

#endif
