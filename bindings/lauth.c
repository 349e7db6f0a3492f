/*
 * lauth: challenges, and the values that answer them.
 */
#include "lhk.h"

#include <string.h>

#define SECRET_MAX (64 * 1024)
#define VALUES_MAX 1024 /* far more than a response may have */

/* The string at `arg`. A zero byte is no misuse here, because secrets come from files and servers:
 * it sets the error. */
static const char *check_secret(lua_State *L, int arg, struct hk_err *err)
{
	size_t len;
	const char *text = luaL_checklstring(L, arg, &len);

	if (strlen(text) != len)
		hk_err_set(err, HK_EUSAGE, "credentials can't contain a zero byte");
	return text;
}

static int auth_basic(lua_State *L)
{
	struct hk_err err = {0};
	const char *user = check_secret(L, 1, &err), *password = check_secret(L, 2, &err);
	struct hk_buf *b = lhk_new_buf(L, SECRET_MAX, true);
	int rc = err.code == HK_OK ? hk_auth_basic(user, password, b, &err) : err.code;

	return lhk_buf_result(L, rc, b, &err);
}

static int auth_bearer(lua_State *L)
{
	struct hk_err err = {0};
	const char *token = check_secret(L, 1, &err);
	struct hk_buf *b = lhk_new_buf(L, SECRET_MAX, true);
	int rc = err.code == HK_OK ? hk_auth_bearer(token, b, &err) : err.code;

	return lhk_buf_result(L, rc, b, &err);
}

static void push_challenge(lua_State *L, const struct hk_challenge *c)
{
	size_t i;

	lua_createtable(L, 0, 2);
	lua_pushstring(L, c->scheme);
	lua_setfield(L, -2, "scheme");
	lua_createtable(L, 0, (int)c->nparams);
	for (i = 0; i < c->nparams; i++) {
		lua_pushstring(L, c->params[i].value);
		lua_setfield(L, -2, c->params[i].name);
	}
	lua_setfield(L, -2, "params");
}

/* Runs protected, so that the challenges are freed when memory runs out. */
static int push_challenges(lua_State *L)
{
	const struct hk_challenges *c = lua_touserdata(L, 1);
	size_t i;

	lua_createtable(L, (int)c->n, 0);
	for (i = 0; i < c->n; i++) {
		push_challenge(L, &c->list[i]);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return 1;
}

/* The strings stay on the stack of the caller while they are borrowed. */
static int add_all(lua_State *L, lua_Integer n, struct hk_challenges *c, struct hk_err *err)
{
	int rc = HK_OK;
	lua_Integer i;

	for (i = 1; i <= n && rc == HK_OK; i++)
		rc = hk_challenges_add(c, lua_tostring(L, 1 + (int)i), err);
	return rc;
}

static int auth_challenges(lua_State *L)
{
	struct hk_challenges c = {0};
	struct hk_err err = {0};
	lua_Integer n, i;
	int rc, status;
	bool some;

	luaL_checktype(L, 1, LUA_TTABLE);
	n = luaL_len(L, 1);
	luaL_argcheck(L, n >= 0 && n <= VALUES_MAX, 1, "too many values");
	lua_settop(L, 1);
	luaL_checkstack(L, (int)n + 4, NULL);
	for (i = 1; i <= n; i++) {
		lua_geti(L, 1, i);
		lhk_check_text(L, -1);
	}
	rc = add_all(L, n, &c, &err);
	lua_pushcfunction(L, push_challenges);
	lua_pushlightuserdata(L, &c);
	status = lua_pcall(L, 1, 1, 0);
	some = c.n > 0;
	hk_challenges_free(&c);
	if (status != LUA_OK)
		return lua_error(L);
	return rc == HK_OK || some ? 1 : lhk_fail(L, &err);
}

static const luaL_Reg functions[] = {
	{"challenges", auth_challenges},
	{"basic", auth_basic},
	{"bearer", auth_bearer},
	{NULL, NULL},
};

int lhk_open_auth(lua_State *L)
{
	luaL_newlib(L, functions);
	return 1;
}
