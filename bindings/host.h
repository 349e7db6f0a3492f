/*
 * host: a Lua state that holds all of hocker: the core, lua-cjson, and the scripts, embedded as
 * Lua has compiled them. The programs are this host and nothing more.
 */
#ifndef HK_HOST_H
#define HK_HOST_H

#include <lua.h>
#include <stddef.h>

/* A script in the binary; the table is sorted by name. Made by embed.lua. */
struct embedded {
	const char *name; /* "hocker/json.lua", "commands/image.lua", "templates/nix/..." */
	const unsigned char *code;
	size_t len;
};
extern const struct embedded hk_embedded[];
extern const size_t hk_nembedded;

/* A new state, or NULL when there is no memory. Its modules are found in the binary and nowhere
 * else: package.path and package.cpath are empty, and LUA_PATH and LUA_INIT are not read. What
 * Lua frees is cleansed, because its strings have held passwords and tokens. */
lua_State *hk_host_new(void);

/* Runs a command as the command line does: argv[0] tells which. Returns the exit code. */
int hk_host_run(lua_State *L, int argc, char **argv);

/* At the end of the program: all objects are closed, but their memory is not given back. */
void hk_host_free(lua_State *L);

#endif
