/*
 * host: see the header. Everything that may raise runs in one protected call.
 */
#include "host.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lhk.h"

int luaopen_cjson(lua_State *L); /* only Debian's lua-cjson has a header for it */

/* --- memory ----------------------------------------------------------------------------------- */

/* As realloc, but never leaves a copy of what it gives back. */
static void *cleansing_alloc(void *ud, void *old, size_t osize, size_t nsize)
{
	void *new = NULL;

	(void)ud;
	if (old && nsize > 0 && nsize <= osize) {
		explicit_bzero((char *)old + nsize, osize - nsize);
		new = realloc(old, nsize);
		return new ? new : old; /* a block may stay larger than asked for */
	}
	if (nsize > 0) {
		new = malloc(nsize);
		if (!new)
			return NULL;
	}
	if (old) {
		if (new)
			memcpy(new, old, osize);
		explicit_bzero(old, osize);
		free(old);
	}
	return new;
}

/* --- embedded scripts ------------------------------------------------------------------------- */

static int by_name(const void *name, const void *entry)
{
	return strcmp(name, ((const struct embedded *)entry)->name);
}

static const struct embedded *find(const char *name)
{
	return bsearch(name, hk_embedded, hk_nembedded, sizeof *hk_embedded, by_name);
}

/* [-0, +1] An embedded file as a function. The name of its chunk is in it. */
static int load_file(lua_State *L, const struct embedded *e)
{
	if (luaL_loadbufferx(L, (const char *)e->code, e->len, e->name, "b") != LUA_OK)
		return lua_error(L);
	return 1;
}

/* hocker.embedded(): the names of all. hocker.embedded(name): one as a function, or nil. */
static int embedded(lua_State *L)
{
	const struct embedded *e;
	size_t i;

	if (lua_isnone(L, 1)) {
		lua_createtable(L, (int)hk_nembedded, 0);
		for (i = 0; i < hk_nembedded; i++) {
			lua_pushstring(L, hk_embedded[i].name);
			lua_rawseti(L, -2, (lua_Integer)i + 1);
		}
		return 1;
	}
	e = find(luaL_checkstring(L, 1));
	if (e)
		return load_file(L, e);
	luaL_pushfail(L);
	return 1;
}

static int open_embedded(lua_State *L)
{
	lua_pushcfunction(L, embedded);
	return 1;
}

/* A searcher for require: module a.b is a/b.lua or a/b/init.lua. */
static int search_embedded(lua_State *L)
{
	const char *path = luaL_gsub(L, luaL_checkstring(L, 1), ".", "/");
	const struct embedded *e = find(lua_pushfstring(L, "%s.lua", path));

	if (!e)
		e = find(lua_pushfstring(L, "%s/init.lua", path));
	if (!e) {
		lua_pushfstring(L, "no embedded file '%s.lua'", path);
		return 1;
	}
	return load_file(L, e);
}

/* package.searchers becomes { preload, embedded }. */
static void set_searchers(lua_State *L)
{
	lua_getglobal(L, "package");
	lua_getfield(L, -1, "searchers");
	lua_createtable(L, 2, 0);
	lua_rawgeti(L, -2, 1);
	lua_rawseti(L, -2, 1);
	lua_pushcfunction(L, search_embedded);
	lua_rawseti(L, -2, 2);
	lua_setfield(L, -3, "searchers");
	lua_pop(L, 1);
	lua_pushliteral(L, "");
	lua_setfield(L, -2, "path");
	lua_pushliteral(L, "");
	lua_setfield(L, -2, "cpath");
	lua_pop(L, 1);
}

static void preload(lua_State *L, const char *name, lua_CFunction open)
{
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
	lua_pushcfunction(L, open);
	lua_setfield(L, -2, name);
	lua_pop(L, 1);
}

/* --- the state -------------------------------------------------------------------------------- */

/* Nothing is garbage before a command runs: hocker.command lets the collector work then. */
static int open_all(lua_State *L)
{
	lua_gc(L, LUA_GCSTOP);
	lua_pushboolean(L, 1);
	lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
	luaL_openlibs(L);
	preload(L, "hocker.core", luaopen_hocker_core);
	preload(L, "hocker.embedded", open_embedded);
	preload(L, "cjson", luaopen_cjson);
	set_searchers(L);
	return 0;
}

lua_State *hk_host_new(void)
{
	lua_State *L = lua_newstate(cleansing_alloc, NULL);

	if (!L)
		return NULL;
	lua_pushcfunction(L, open_all);
	if (lua_pcall(L, 0, 0, 0) != LUA_OK) {
		lua_close(L);
		return NULL;
	}
	return L;
}

#ifdef __SANITIZE_ADDRESS__
enum { FINDS_LEAKS = 1 };
#else
enum { FINDS_LEAKS = 0 };
#endif

/* The program ends, and the system takes all memory back and wipes it: no block is freed by
 * itself. */
static void *last_alloc(void *ud, void *old, size_t osize, size_t nsize)
{
	return nsize > 0 ? cleansing_alloc(ud, old, osize, nsize) : NULL;
}

void hk_host_free(lua_State *L)
{
	if (!L)
		return;
	if (!FINDS_LEAKS)
		lua_setallocf(L, last_alloc, NULL);
	lua_close(L);
}

/* Error objects pass as they are; a bug's message gets a traceback. */
static int traceback(lua_State *L)
{
	if (lua_type(L, 1) == LUA_TSTRING)
		luaL_traceback(L, L, lua_tostring(L, 1), 1);
	return 1;
}

/* require("hocker.command").main(program, words) -> exit code */
static int run(lua_State *L)
{
	int argc = (int)lua_tointeger(L, 1), i;
	char **argv = lua_touserdata(L, 2);

	lua_getglobal(L, "require");
	lua_pushliteral(L, "hocker.command");
	lua_call(L, 1, 1);
	lua_getfield(L, -1, "main");
	lua_pushstring(L, argc > 0 ? argv[0] : "hocker");
	lua_createtable(L, argc, 0);
	for (i = 1; i < argc; i++) {
		lua_pushstring(L, argv[i]);
		lua_rawseti(L, -2, i);
	}
	lua_call(L, 2, 1);
	return 1;
}

int hk_host_run(lua_State *L, int argc, char **argv)
{
	int code = 1;

	lua_settop(L, 0);
	lua_pushcfunction(L, traceback);
	lua_pushcfunction(L, run);
	lua_pushinteger(L, argc);
	lua_pushlightuserdata(L, argv);
	if (lua_pcall(L, 2, 1, 1) == LUA_OK)
		code = (int)lua_tointeger(L, -1);
	else
		fprintf(stderr, "hocker: %s\n", luaL_tolstring(L, -1, NULL));
	lua_settop(L, 0);
	return code;
}
