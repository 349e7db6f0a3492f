/*
 * lsystem: the little that Lua needs of the operating system and has no function for.
 */
#include "lhk.h"

#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static int system_clock(lua_State *L)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	lua_pushnumber(L, (lua_Number)ts.tv_sec + (lua_Number)ts.tv_nsec / 1e9);
	return 1;
}

static int system_columns(lua_State *L)
{
	int fd = (int)luaL_checkinteger(L, 1);
	struct winsize size;

	if (!isatty(fd))
		luaL_pushfail(L);
	else if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		lua_pushinteger(L, 80);
	else
		lua_pushinteger(L, size.ws_col);
	return 1;
}

static int system_machine(lua_State *L)
{
	struct utsname name;

	lua_pushstring(L, uname(&name) == 0 ? name.machine : "");
	return 1;
}

static const luaL_Reg functions[] = {
	{"clock", system_clock},
	{"columns", system_columns},
	{"machine", system_machine},
	{NULL, NULL},
};

int lhk_open_system(lua_State *L)
{
	luaL_newlib(L, functions);
	return 1;
}
