/*
 * lscript: core.script, files that will be obeyed.
 */
#include "lhk.h"

static int script_read(lua_State *L)
{
	const char *path = lhk_check_text(L, 1);
	lua_Integer max = luaL_checkinteger(L, 2);
	struct hk_err err = {0};
	struct hk_buf *text;

	luaL_argcheck(L, max >= 0, 2, "it must not be negative");
	text = lhk_new_buf(L, (size_t)max, false);
	return lhk_buf_result(L, hk_script_read(path, text, &err), text, &err);
}

static int script_folder(lua_State *L)
{
	struct hk_err err = {0};

	return lhk_result(L, hk_script_folder(lhk_check_text(L, 1), &err), &err);
}

static int script_elevated(lua_State *L)
{
	lua_pushboolean(L, hk_script_elevated());
	return 1;
}

static const luaL_Reg functions[] = {
	{"elevated", script_elevated},
	{"folder", script_folder},
	{"read", script_read},
	{NULL, NULL},
};

int lhk_open_script(lua_State *L)
{
	luaL_newlib(L, functions);
	lhk_add_data(L);
	return 1;
}
