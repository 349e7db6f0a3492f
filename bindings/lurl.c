/*
 * lurl: URLs.
 */
#include "lhk.h"

#include <string.h>

static void set_string(lua_State *L, const char *name, const char *value)
{
	lua_pushstring(L, value);
	lua_setfield(L, -2, name);
}

static void push_origin(lua_State *L, const struct hk_url *u)
{
	bool standard = strcmp(u->port, strcmp(u->scheme, "https") == 0 ? "443" : "80") == 0;

	lua_pushfstring(L, "%s://%s%s%s", u->scheme, u->host, standard ? "" : ":",
		standard ? "" : u->port);
}

/* Runs protected, so that the URL is freed when memory runs out. */
static int push_url(lua_State *L)
{
	const struct hk_url *u = lua_touserdata(L, 1);

	lua_createtable(L, 0, 8);
	set_string(L, "scheme", u->scheme);
	set_string(L, "host", u->host);
	set_string(L, "path", u->path);
	set_string(L, "query", u->query);
	lua_stringtonumber(L, u->port); /* digits, as libcurl made them */
	lua_setfield(L, -2, "port");
	push_origin(L, u);
	lua_setfield(L, -2, "origin");
	lua_pushboolean(L, hk_url_loopback(u->host));
	lua_setfield(L, -2, "loopback");
	lua_pushboolean(L, u->userinfo);
	lua_setfield(L, -2, "userinfo");
	return 1;
}

static int url_parse(lua_State *L)
{
	const char *text = lhk_check_text(L, 1);
	struct hk_err err = {0};
	struct hk_url u;
	int status;

	lua_pushcfunction(L, push_url);
	if (hk_url_parse(&u, text, &err) != HK_OK) {
		hk_url_free(&u);
		return lhk_fail(L, &err);
	}
	lua_pushlightuserdata(L, &u);
	status = lua_pcall(L, 1, 1, 0);
	hk_url_free(&u);
	return status == LUA_OK ? 1 : lua_error(L);
}

static int url_join(lua_State *L)
{
	const char *base = lhk_check_text(L, 1), *ref = lhk_check_text(L, 2);
	struct hk_buf *b = lhk_new_buf(L, HK_URL_MAX, false);
	struct hk_err err = {0};

	return lhk_buf_result(L, hk_url_join(base, ref, b, &err), b, &err);
}

static int url_add_query(lua_State *L)
{
	const char *url = lhk_check_text(L, 1);
	const char *key = lhk_check_text(L, 2), *value = lhk_check_text(L, 3);
	struct hk_buf *b = lhk_new_buf(L, HK_URL_MAX, false);
	struct hk_err err = {0};
	int rc = hk_buf_puts(b, url, &err);

	if (rc == HK_OK)
		rc = hk_url_add_query(b, key, value, &err);
	return lhk_buf_result(L, rc, b, &err);
}

static int url_redact(lua_State *L)
{
	const char *url = lhk_check_text(L, 1);
	struct hk_buf *b = lhk_new_buf(L, HK_URL_MAX, false);
	struct hk_err err = {0};

	return lhk_buf_result(L, hk_url_redact(url, b, &err), b, &err);
}

static int url_same_origin(lua_State *L)
{
	lua_pushboolean(L, hk_url_same_origin(lhk_check_text(L, 1), lhk_check_text(L, 2)));
	return 1;
}

static int url_same_site(lua_State *L)
{
	lua_pushboolean(L, hk_url_same_site(lhk_check_text(L, 1), lhk_check_text(L, 2)));
	return 1;
}

static const luaL_Reg functions[] = {
	{"parse", url_parse},
	{"join", url_join},
	{"add_query", url_add_query},
	{"redact", url_redact},
	{"same_origin", url_same_origin},
	{"same_site", url_same_site},
	{NULL, NULL},
};

int lhk_open_url(lua_State *L)
{
	luaL_newlib(L, functions);
	return 1;
}
