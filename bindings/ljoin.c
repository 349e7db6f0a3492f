/*
 * ljoin: parts of a body in front of one chain.
 */
#include "lhk.h"

int lhk_new_join(lua_State *L)
{
	struct hk_err err = {0};
	struct lhk_box *box;

	lhk_check(L, 1, LHK_SINK);
	box = lhk_new(L, LHK_JOIN, 0);
	box->p = hk_join_new(lhk_take(L, 1, LHK_SINK), &err);
	return lhk_must(L, box, &err);
}

/* join:part(bytes, ahead): the sink, its first offset, and its last one; or nil. */
static int join_part(lua_State *L)
{
	lua_Integer bytes, ahead;
	struct hk_range range;
	struct hk_join *j;
	struct hk_sink *sink;
	struct hk_err err = {0};
	struct lhk_box *box;

	lhk_check(L, 1, LHK_JOIN);
	bytes = luaL_optinteger(L, 2, -1);
	ahead = luaL_optinteger(L, 3, 0);
	luaL_argcheck(L, lua_isnoneornil(L, 2) || bytes > 0, 2, "not a number of bytes");
	luaL_argcheck(L, ahead >= 0, 3, "not a number of bytes");
	box = lhk_new(L, LHK_SINK, 0);
	j = lhk_check(L, 1, LHK_JOIN);
	if (hk_join_part(j, bytes, ahead, &range, &sink, &err) != HK_OK)
		return lhk_must(L, box, &err);
	box->p = sink;
	if (!sink) {
		luaL_pushfail(L);
		return 1;
	}
	lua_pushinteger(L, range.first);
	lua_pushinteger(L, range.last);
	return 3;
}

static int join_set_size(lua_State *L)
{
	struct hk_join *j = lhk_check(L, 1, LHK_JOIN);
	struct hk_err err = {0};

	return lhk_result(L, hk_join_set_size(j, luaL_checkinteger(L, 2), &err), &err);
}

/* join:finish(): true, or false where it is too early, or nil and an error. */
static int join_finish(lua_State *L)
{
	struct hk_err err = {0};
	int rc = hk_join_finish(lhk_check(L, 1, LHK_JOIN), &err);

	if (rc != HK_AGAIN)
		return lhk_result(L, rc, &err);
	lua_pushboolean(L, false);
	return 1;
}

/* join:progress(), as a transfer has it. */
static int join_progress(lua_State *L)
{
	lua_pushinteger(L, hk_join_received(lhk_check(L, 1, LHK_JOIN)));
	return 1;
}

static void join_free(void *p)
{
	hk_join_unref(p);
}

static const luaL_Reg methods[] = {
	{"part", join_part},
	{"set_size", join_set_size},
	{"finish", join_finish},
	{"progress", join_progress},
	{NULL, NULL},
};

void lhk_open_join(lua_State *L)
{
	lhk_kind(L, LHK_JOIN, methods, lhk_close, join_free);
}
