/*
 * lsink: chains of sinks. A sink that is given to another is taken: its Lua object is spent.
 */
#include "lhk.h"

#include <unistd.h>

#define QUEUE_BYTES (512 * 1024)

static const char *const expect_options[] = {"size", "max", "digest", "name", NULL};
static const char *const inflate_options[] = {"max", "name", NULL};

/* Options are read, and may raise, before the next sink is taken. */
static int sink_verify(lua_State *L)
{
	struct hk_expect want = {0};
	struct hk_err err = {0};
	struct hk_digest digest;
	struct lhk_box *box;

	lua_settop(L, 2);
	lhk_check(L, 1, LHK_SINK);
	luaL_checktype(L, 2, LUA_TTABLE);
	lhk_check_options(L, 2, expect_options);
	want.size = lhk_opt_integer(L, 2, "size", -1);
	want.max = lhk_opt_integer(L, 2, "max", -1);
	want.name = lhk_opt_string(L, 2, "name", "content");
	if (lhk_field(L, 2, "digest") != LUA_TNIL) {
		if (lua_type(L, -1) != LUA_TSTRING || lhk_to_digest(L, -1, &digest, &err) != HK_OK)
			return luaL_error(L, "option 'digest' must be a digest");
		want.digest = &digest;
	}
	box = lhk_new(L, LHK_SINK, 0);
	box->p = hk_sink_verify(lhk_take(L, 1, LHK_SINK), &want, &err);
	return lhk_must(L, box, &err);
}

static int sink_inflate(lua_State *L)
{
	struct hk_err err = {0};
	struct lhk_box *box;
	lua_Integer max;
	const char *name;

	lua_settop(L, 2);
	lhk_check(L, 1, LHK_SINK);
	lhk_check_options(L, 2, inflate_options);
	max = lhk_opt_integer(L, 2, "max", -1);
	luaL_argcheck(L, max >= 0, 2, "option 'max' is missing");
	name = lhk_opt_string(L, 2, "name", "content");
	box = lhk_new(L, LHK_SINK, 0);
	box->p = hk_sink_inflate(lhk_take(L, 1, LHK_SINK), max, name, &err);
	return lhk_must(L, box, &err);
}

static int sink_queue(lua_State *L)
{
	lua_Integer bytes = luaL_optinteger(L, 2, QUEUE_BYTES);
	struct hk_err err = {0};
	struct lhk_box *box;

	lhk_check(L, 1, LHK_SINK);
	luaL_argcheck(L, bytes > 0 && bytes <= 1 << 30, 2, "not a sensible size");
	box = lhk_new(L, LHK_SINK, 0);
	box->p = hk_sink_queue(lhk_take(L, 1, LHK_SINK), (size_t)bytes, &err);
	return lhk_must(L, box, &err);
}

static int sink_tee(lua_State *L)
{
	struct hk_err err = {0};
	struct lhk_box *box;
	struct hk_sink *a;

	lhk_check(L, 1, LHK_SINK);
	lhk_check(L, 2, LHK_SINK);
	luaL_argcheck(L, !lua_rawequal(L, 1, 2), 2, "the same sink twice");
	box = lhk_new(L, LHK_SINK, 0);
	lhk_check(L, 2, LHK_SINK);
	a = lhk_take(L, 1, LHK_SINK);
	box->p = hk_sink_tee(a, lhk_take(L, 2, LHK_SINK), &err);
	return lhk_must(L, box, &err);
}

static int sink_null(lua_State *L)
{
	struct lhk_box *box = lhk_new(L, LHK_SINK, 0);
	struct hk_err err = {0};

	box->p = hk_sink_null(&err);
	return lhk_must(L, box, &err);
}

static int sink_stdout(lua_State *L)
{
	struct lhk_box *box = lhk_new(L, LHK_SINK, 0);
	struct hk_err err = {0};

	box->p = hk_sink_fd(lhk_descriptor(L, STDOUT_FILENO), "standard output", &err);
	return lhk_must(L, box, &err);
}

static int sink_write(lua_State *L)
{
	struct hk_err err = {0};
	const char *data;
	size_t len;

	lhk_check(L, 1, LHK_SINK);
	data = luaL_checklstring(L, 2, &len);
	return lhk_result(L, hk_sink_write(lhk_check(L, 1, LHK_SINK), data, len, &err), &err);
}

static int sink_finish(lua_State *L)
{
	struct hk_sink *s = lhk_check(L, 1, LHK_SINK);
	struct hk_err err = {0};

	return lhk_result(L, hk_sink_finish(s, &err), &err);
}

static void sink_free(void *p)
{
	hk_sink_free(p);
}

static const luaL_Reg methods[] = {
	{"write", sink_write},
	{"finish", sink_finish},
	{NULL, NULL},
};

static const luaL_Reg functions[] = {
	{"verify", sink_verify},
	{"inflate", sink_inflate},
	{"queue", sink_queue},
	{"tee", sink_tee},
	{"null", sink_null},
	{"stdout", sink_stdout},
	{NULL, NULL},
};

int lhk_open_sink(lua_State *L)
{
	lhk_kind(L, LHK_SINK, methods, lhk_close, sink_free);
	luaL_newlib(L, functions);
	return 1;
}
