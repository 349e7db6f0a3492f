/*
 * lcore: hocker.core, the table of contents of what C offers to Lua.
 */
#include "lhk.h"

static const luaL_Reg functions[] = {
	{"error", lhk_new_error},
	{"join", lhk_new_join},
	{"buffer", lhk_new_buffer},
	{"meter", lhk_new_meter},
	{"pipe", lhk_new_pipe},
	{"file", lhk_new_file},
	{"tar", lhk_new_tar},
	{"tar_stream", lhk_new_tar_stream},
	{"dir", lhk_new_dir},
	{"session", lhk_new_session},
	{NULL, NULL},
};

static const struct {
	const char *name;
	int (*open)(lua_State *L);
} parts[] = {
	{"digest", lhk_open_digest},
	{"url", lhk_open_url},
	{"auth", lhk_open_auth},
	{"script", lhk_open_script},
	{"signature", lhk_open_signature},
	{"sink", lhk_open_sink},
	{"system", lhk_open_system},
};

int luaopen_hocker_core(lua_State *L)
{
	size_t i;

	luaL_checkversion(L);
	lhk_open_base(L);
	lhk_open_join(L);
	lhk_open_output(L);
	lhk_open_session(L);
	luaL_newlib(L, functions);
	for (i = 0; i < sizeof parts / sizeof *parts; i++) {
		parts[i].open(L);
		lua_setfield(L, -2, parts[i].name);
	}
	lua_pushliteral(L, HK_VERSION);
	lua_setfield(L, -2, "version");
	lua_pushstring(L, hk_inflate_backend());
	lua_setfield(L, -2, "inflate_backend");
	return 1;
}
