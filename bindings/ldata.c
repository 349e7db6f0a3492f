/*
 * ldata: core.script.data, the table that a text of Lua stands for.
 *
 * The text runs in a Lua state of its own, in which there is nothing: no library, no
 * global, not even the methods of strings. It has so much memory and so many steps, and
 * what it returns is copied out as plain values. So it can compute, but do nothing.
 */
#include "lhk.h"

#include <stdlib.h>
#include <string.h>

#define STATE	   "hocker.state"
#define MEMORY_MAX ((size_t)4 << 20)
#define STEPS_MAX  100000
#define DEPTH_MAX  8
#define VALUES_MAX 100000

struct state {
	lua_State *S;
	size_t used; /* bytes */
	int values;  /* copied */
};

/* --- the state
 * ---------------------------------------------------------------------------- */

static void *limited_alloc(void *ud, void *old, size_t osize, size_t nsize)
{
	struct state *s = ud;
	void *new;

	osize = old ? osize : 0;
	if (nsize > osize && nsize - osize > MEMORY_MAX - s->used)
		return NULL;
	if (nsize == 0) {
		free(old);
		s->used -= osize;
		return NULL;
	}
	new = realloc(old, nsize);
	if (!new)
		return nsize <= osize ? old : NULL;
	s->used += nsize - osize;
	return new;
}

static void state_free(void *p)
{
	struct state *s = p;

	if (s->S)
		lua_close(s->S);
	free(s);
}

static void stop(lua_State *S, lua_Debug *ar)
{
	lua_getinfo(S, "Sl", ar);
	lua_pushfstring(S, "%s:%d: it runs too long", ar->short_src, ar->currentline);
	lua_error(S);
}

/* [-0, +1] */
static struct state *new_state(lua_State *L)
{
	struct lhk_box *box = lhk_new(L, STATE, 0);
	struct state *s = box->p = calloc(1, sizeof *s);
	struct hk_err err = {0};

	if (s)
		s->S = lua_newstate(limited_alloc, s);
	if (!s || !s->S) {
		hk_err_nomem(&err);
		lhk_raise(L, &err);
	}
	lua_sethook(s->S, stop, LUA_MASKCOUNT, STEPS_MAX);
	return s;
}

/* Leaves the table on the top of the new state. NULL, or why not: the string is in that
 * state. */
static const char *run(lua_State *S, const char *text, size_t len, const char *chunk)
{
	int rc = luaL_loadbufferx(S, text, len, chunk, "t");

	if (rc == LUA_OK)
		rc = lua_pcall(S, 0, 1, 0);
	if (rc == LUA_ERRMEM)
		return "it takes too much memory";
	if (rc != LUA_OK)
		return lua_type(S, -1) == LUA_TSTRING ? lua_tostring(S, -1) : "it fails";
	return lua_istable(S, -1) ? NULL : "it must return a table";
}

/* --- copying
 * -------------------------------------------------------------------------------- */

static const char *copy_table(lua_State *L, struct state *s, int depth);

/* [-0, +1] Pushes what is on the top of the other state. NULL, or why not: nothing is
 * said of the stack then. */
static const char *copy(lua_State *L, struct state *s, int depth)
{
	lua_State *S = s->S;
	const char *text;
	size_t len;

	if (++s->values > VALUES_MAX)
		return "it has too many values";
	switch (lua_type(S, -1)) {
	case LUA_TBOOLEAN:
		lua_pushboolean(L, lua_toboolean(S, -1));
		return NULL;
	case LUA_TNUMBER:
		if (lua_isinteger(S, -1))
			lua_pushinteger(L, lua_tointeger(S, -1));
		else
			lua_pushnumber(L, lua_tonumber(S, -1));
		return NULL;
	case LUA_TSTRING:
		text = lua_tolstring(S, -1, &len);
		if (strlen(text) != len) /* no path or URI can have one */
			return "it holds a text with a zero byte";
		lua_pushlstring(L, text, len);
		return NULL;
	case LUA_TTABLE:
		return depth < DEPTH_MAX ? copy_table(L, s, depth + 1)
					 : "its tables are too deep";
	default:
		return "it holds a function, and is to be data";
	}
}

static const char *copy_table(lua_State *L, struct state *s, int depth)
{
	lua_State *S = s->S;
	const char *why = NULL;

	luaL_checkstack(L, 4, NULL);
	if (!lua_checkstack(S, 4))
		return "it takes too much memory";
	lua_newtable(L);
	for (lua_pushnil(S); !why && lua_next(S, -2); lua_pop(S, 1)) {
		lua_pushvalue(S, -2);
		why = copy(L, s, DEPTH_MAX); /* a key is no table */
		lua_pop(S, 1);
		if (!why)
			why = copy(L, s, depth);
		if (!why)
			lua_rawset(L, -3);
	}
	return why;
}

static int script_data(lua_State *L)
{
	size_t len;
	const char *text = luaL_checklstring(L, 1, &len), *chunk = lhk_check_text(L, 2),
		   *why;
	struct hk_err err = {0};
	struct state *s;
	int top;

	s = new_state(L);
	top = lua_gettop(L);
	why = run(s->S, text, len, chunk);
	if (!why)
		why = copy(L, s, 0);
	if (why)
		hk_err_set(&err, HK_EUSAGE, "%s", why);
	lua_close(s->S);
	s->S = NULL;
	if (!why)
		return 1;
	lua_settop(L, top);
	return lhk_fail(L, &err);
}

void lhk_add_data(lua_State *L)
{
	static const luaL_Reg none[] = {{NULL, NULL}};

	lhk_kind(L, STATE, none, lhk_close, state_free);
	lua_pushcfunction(L, script_data);
	lua_setfield(L, -2, "data");
}
