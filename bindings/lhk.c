/*
 * lhk: the helpers of the bindings, and the error object.
 */
#include "lhk.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* --- objects ------------------------------------------------------------------------------ */

/* Of a state. Its finalizer is the last of the bindings', since it is made before all objects. */
struct owner {
	struct lhk_box *boxes;
	bool closed;
};

/* Keys: of the registry, and of a kind's metatable. */
static const char owner_key, free_key;

static struct owner *owner_of(lua_State *L)
{
	struct owner *o;

	lua_rawgetp(L, LUA_REGISTRYINDEX, &owner_key);
	o = lua_touserdata(L, -1);
	lua_pop(L, 1);
	return o;
}

static void free_box(struct lhk_box *box)
{
	*box->at = box->next;
	if (box->next)
		box->next->at = box->at;
	if (box->p)
		box->free(box->p);
	free(box);
}

static int owner_close(lua_State *L)
{
	struct owner *o = lua_touserdata(L, 1);

	while (o->boxes)
		free_box(o->boxes);
	o->closed = true;
	return 0;
}

static void open_owner(lua_State *L)
{
	struct owner *o;

	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &owner_key) == LUA_TNIL) {
		o = lua_newuserdatauv(L, sizeof *o, 0);
		memset(o, 0, sizeof *o);
		lua_createtable(L, 0, 1);
		lua_pushcfunction(L, owner_close);
		lua_setfield(L, -2, "__gc");
		lua_setmetatable(L, -2);
		lua_rawsetp(L, LUA_REGISTRYINDEX, &owner_key);
	}
	lua_pop(L, 1);
}

/* What was left of the list is freed: no userdata may look. */
static struct lhk_box *box_of(lua_State *L, struct lhk_box *const *object)
{
	return object && !owner_of(L)->closed ? *object : NULL;
}

struct lhk_box *lhk_new(lua_State *L, const char *kind, int nuv)
{
	struct lhk_box **object = lua_newuserdatauv(L, sizeof *object, nuv), *box;
	struct owner *o = owner_of(L);
	struct hk_err err = {0};

	*object = NULL;
	luaL_setmetatable(L, kind);
	if (o->closed)
		luaL_error(L, "the Lua state is being closed");
	box = calloc(1, sizeof *box);
	if (!box) {
		hk_err_nomem(&err);
		lhk_raise(L, &err);
	}
	lua_getmetatable(L, -1);
	lua_rawgetp(L, -1, &free_key);
	memcpy(&box->free, lua_touserdata(L, -1), sizeof box->free);
	lua_pop(L, 2);
	box->next = o->boxes;
	box->at = &o->boxes;
	if (box->next)
		box->next->at = &box->next;
	o->boxes = box;
	*object = box;
	return box;
}

void *lhk_test(lua_State *L, int arg, const char *kind)
{
	struct lhk_box *box = box_of(L, luaL_testudata(L, arg, kind));

	return box ? box->p : NULL;
}

void *lhk_check(lua_State *L, int arg, const char *kind)
{
	struct lhk_box *box = box_of(L, luaL_checkudata(L, arg, kind));

	luaL_argcheck(L, box && box->p, arg, "it is closed, or was given away");
	return box->p;
}

void *lhk_take(lua_State *L, int arg, const char *kind)
{
	void *p = lhk_check(L, arg, kind);

	(*(struct lhk_box **)lua_touserdata(L, arg))->p = NULL;
	return p;
}

int lhk_close(lua_State *L)
{
	const char *kind = lua_tostring(L, lua_upvalueindex(1));
	struct lhk_box **object = luaL_checkudata(L, 1, kind), *box = box_of(L, object);

	*object = NULL;
	if (box)
		free_box(box);
	return 0;
}

void lhk_kind(lua_State *L, const char *kind, const luaL_Reg *methods, lua_CFunction close,
	void (*free)(void *p))
{
	luaL_newmetatable(L, kind);
	memcpy(lua_newuserdatauv(L, sizeof free, 0), &free, sizeof free);
	lua_rawsetp(L, -2, &free_key);
	lua_pushstring(L, kind);
	lua_pushcclosure(L, close, 1);
	lua_newtable(L);
	luaL_setfuncs(L, methods, 0);
	lua_pushvalue(L, -2);
	lua_setfield(L, -2, "close");
	lua_setfield(L, -3, "__index");
	lua_pushvalue(L, -1);
	lua_setfield(L, -3, "__gc");
	lua_setfield(L, -2, "__close");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 1);
}

/* --- errors --------------------------------------------------------------------------------- */

void lhk_push_error(lua_State *L, const struct hk_err *err)
{
	lua_createtable(L, 0, 4);
	lua_pushstring(L, hk_err_name(err->code));
	lua_setfield(L, -2, "code");
	lua_pushstring(L, err->msg);
	lua_setfield(L, -2, "message");
	if (err->http) {
		lua_pushinteger(L, err->http);
		lua_setfield(L, -2, "http");
	}
	if (err->sys) {
		lua_pushinteger(L, err->sys);
		lua_setfield(L, -2, "sys");
	}
	luaL_setmetatable(L, LHK_ERROR);
}

static int error_tostring(lua_State *L)
{
	lua_getfield(L, 1, "message");
	luaL_tolstring(L, -1, NULL);
	return 1;
}

int lhk_check_code(lua_State *L, int arg)
{
	const char *name = luaL_checkstring(L, arg);
	int code;

	for (code = HK_EUSAGE; code >= HK_EINTERNAL; code--)
		if (strcmp(name, hk_err_name(code)) == 0)
			return code;
	return luaL_argerror(L, arg, lua_pushfstring(L, "there is no error code '%s'", name));
}

/* core.error(code, message, fields): the same object, made by Lua. */
int lhk_new_error(lua_State *L)
{
	lhk_check_code(L, 1);
	luaL_checkstring(L, 2);
	lua_settop(L, 3);
	lua_newtable(L);
	if (!lua_isnil(L, 3)) {
		luaL_checktype(L, 3, LUA_TTABLE);
		for (lua_pushnil(L); lua_next(L, 3);) {
			lua_pushvalue(L, -2);
			lua_insert(L, -2); /* key key value */
			lua_settable(L, 4);
		}
	}
	lua_pushvalue(L, 1);
	lua_setfield(L, 4, "code");
	lua_pushvalue(L, 2);
	lua_setfield(L, 4, "message");
	luaL_setmetatable(L, LHK_ERROR);
	return 1;
}

static void free_buf(void *p)
{
	hk_buf_free(p);
	free(p);
}

void lhk_open_base(lua_State *L)
{
	static const luaL_Reg none[] = {{NULL, NULL}};

	open_owner(L);
	luaL_newmetatable(L, LHK_ERROR);
	lua_pushcfunction(L, error_tostring);
	lua_setfield(L, -2, "__tostring");
	lua_pop(L, 1);
	lhk_kind(L, LHK_BUF, none, lhk_close, free_buf);
}

int lhk_fail(lua_State *L, const struct hk_err *err)
{
	if (err->code == HK_ENOMEM)
		return lhk_raise(L, err);
	luaL_pushfail(L);
	lhk_push_error(L, err);
	return 2;
}

int lhk_result(lua_State *L, int rc, const struct hk_err *err)
{
	if (rc != HK_OK)
		return lhk_fail(L, err);
	lua_pushboolean(L, 1);
	return 1;
}

int lhk_made(lua_State *L, const struct lhk_box *box, const struct hk_err *err)
{
	return box->p ? 1 : lhk_fail(L, err);
}

int lhk_raise(lua_State *L, const struct hk_err *err)
{
	lhk_push_error(L, err);
	return lua_error(L);
}

int lhk_must(lua_State *L, const struct lhk_box *box, const struct hk_err *err)
{
	return box->p ? 1 : lhk_raise(L, err);
}

struct hk_buf *lhk_new_buf(lua_State *L, size_t max, bool secret)
{
	struct lhk_box *box = lhk_new(L, LHK_BUF, 0);
	struct hk_buf *b = box->p = malloc(sizeof *b);
	struct hk_err err = {0};

	if (!b) {
		hk_err_nomem(&err);
		lhk_raise(L, &err);
	} else if (secret) {
		hk_buf_init_secret(b, max);
	} else {
		hk_buf_init(b, max);
	}
	return b;
}

int lhk_buf_result(lua_State *L, int rc, struct hk_buf *b, const struct hk_err *err)
{
	if (rc != HK_OK)
		return lhk_fail(L, err);
	lua_pushlstring(L, b->data ? b->data : "", b->len);
	hk_buf_free(b);
	return 1;
}

/* --- standard output -------------------------------------------------------------------------- */

/* Keys of the registry. */
static const char descriptors[3];

int lhk_descriptor(lua_State *L, int fd)
{
	if (fd != 1 && fd != 2)
		return fd;
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &descriptors[fd]) == LUA_TNUMBER)
		fd = (int)lua_tointeger(L, -1);
	lua_pop(L, 1);
	return fd;
}

void lhk_set_descriptor(lua_State *L, int fd, int other)
{
	lua_pushinteger(L, other);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &descriptors[fd]);
}

/* --- arguments ------------------------------------------------------------------------------ */

const char *lhk_check_text(lua_State *L, int arg)
{
	size_t len;
	const char *text = luaL_checklstring(L, arg, &len);

	luaL_argcheck(L, strlen(text) == len, arg, "it contains a zero byte");
	return text;
}

void lhk_check_options(lua_State *L, int arg, const char *const *names)
{
	const char *const *name;

	if (lua_isnoneornil(L, arg))
		return;
	luaL_checktype(L, arg, LUA_TTABLE);
	for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1)) {
		for (name = names; *name; name++)
			if (lua_type(L, -2) == LUA_TSTRING && !strcmp(*name, lua_tostring(L, -2)))
				break;
		if (!*name)
			luaL_error(L, "unknown option '%s'", luaL_tolstring(L, -2, NULL));
	}
}

int lhk_field(lua_State *L, int arg, const char *name)
{
	if (lua_isnoneornil(L, arg)) {
		lua_pushnil(L);
		return LUA_TNIL;
	}
	lua_pushstring(L, name);
	return lua_rawget(L, arg);
}

/* [-0, +1] The field, or nothing pushed and 0 when there is no table or no such field. */
static int field(lua_State *L, int arg, const char *name)
{
	if (lhk_field(L, arg, name) != LUA_TNIL)
		return 1;
	lua_pop(L, 1);
	return 0;
}

static int bad_field(lua_State *L, const char *name, const char *want)
{
	return luaL_error(L, "option '%s' must be %s, not a %s", name, want, luaL_typename(L, -1));
}

/* The string on the top, which C must not cut. */
static const char *whole_string(lua_State *L, const char *name)
{
	const char *text = lua_tostring(L, -1);

	if (strlen(text) != lua_rawlen(L, -1))
		luaL_error(L, "option '%s' contains a zero byte", name);
	return text;
}

const char *lhk_opt_string(lua_State *L, int arg, const char *name, const char *absent)
{
	if (lhk_field(L, arg, name) == LUA_TNIL)
		return absent;
	if (lua_type(L, -1) != LUA_TSTRING)
		bad_field(L, name, "a string");
	return whole_string(L, name);
}

/* The list may change as soon as Lua is asked for anything, so the strings are kept beside it. */
const char **lhk_opt_strings(lua_State *L, int arg, const char *name)
{
	const char **strings;
	lua_Integer n, i;
	int list;

	if (lhk_field(L, arg, name) == LUA_TNIL)
		return NULL;
	if (!lua_istable(L, -1))
		bad_field(L, name, "a table");
	list = lua_gettop(L);
	n = (lua_Integer)lua_rawlen(L, list);
	strings = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *strings, 1);
	lua_createtable(L, n < INT_MAX ? (int)n : INT_MAX, 0);
	for (i = 0; i < n; i++) {
		if (lua_rawgeti(L, list, i + 1) != LUA_TSTRING)
			luaL_error(L, "option '%s' must be a list of strings", name);
		strings[i] = whole_string(L, name);
		lua_rawseti(L, -2, i + 1);
	}
	strings[n] = NULL;
	lua_setiuservalue(L, -2, 1);
	lua_replace(L, list);
	return strings;
}

lua_Integer lhk_opt_integer(lua_State *L, int arg, const char *name, lua_Integer absent)
{
	int whole;

	if (!field(L, arg, name))
		return absent;
	absent = lua_tointegerx(L, -1, &whole);
	if (lua_type(L, -1) != LUA_TNUMBER || !whole || absent < 0)
		bad_field(L, name, "a whole number");
	lua_pop(L, 1);
	return absent;
}

long lhk_opt_ms(lua_State *L, int arg, const char *name)
{
	lua_Number seconds;

	if (!field(L, arg, name))
		return 0;
	seconds = lua_tonumber(L, -1);
	if (lua_type(L, -1) != LUA_TNUMBER || !(seconds > 0) || seconds > 1e6)
		bad_field(L, name, "a number of seconds");
	lua_pop(L, 1);
	return seconds < 0.001 ? 1 : (long)(seconds * 1000);
}

int lhk_opt_boolean(lua_State *L, int arg, const char *name)
{
	int value;

	if (!field(L, arg, name))
		return 0;
	if (!lua_isboolean(L, -1))
		bad_field(L, name, "true or false");
	value = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return value;
}

int lhk_to_digest(lua_State *L, int arg, struct hk_digest *d, struct hk_err *err)
{
	size_t len;
	const char *text = luaL_checklstring(L, arg, &len);

	return hk_digest_parse(d, text, len, err);
}
