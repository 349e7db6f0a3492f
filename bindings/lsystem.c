/*
 * lsystem: the little that Lua needs of the operating system and has no function for.
 */
#include "lhk.h"

#include "../core/interrupt.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define RUN_MS	 30000
#define RUN_MAX	 (64 * 1024)
#define LIST_MAX (1024 * 1024)
#define LOOK	 100000 /* instructions between two looks for a signal */

static int system_clock(lua_State *L)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	lua_pushnumber(L, (lua_Number)ts.tv_sec + (lua_Number)ts.tv_nsec / 1e9);
	return 1;
}

static int system_columns(lua_State *L)
{
	int fd = lhk_descriptor(L, (int)luaL_checkinteger(L, 1));
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

static int system_program(lua_State *L)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof path);

	if (len <= 0 || (size_t)len == sizeof path)
		luaL_pushfail(L);
	else
		lua_pushlstring(L, path, (size_t)len);
	return 1;
}

static int system_interrupted(lua_State *L)
{
	struct hk_err err = {0};

	if (hk_interrupt_check(&err) == HK_OK)
		luaL_pushfail(L);
	else
		lhk_push_error(L, &err);
	return 1;
}

static int system_go_on(lua_State *L)
{
	(void)L;
	hk_interrupt(0);
	return 0;
}

static void raise_interrupt(lua_State *L, lua_Debug *ar)
{
	(void)ar;
	if (system_interrupted(L) == 1 && !lua_isnil(L, -1))
		lua_error(L);
	lua_pop(L, 1);
}

/* A hook of C's, since coroutines inherit it; one of debug.sethook is that of its coroutine. */
static int system_heed(lua_State *L)
{
	lua_sethook(L, raise_interrupt, LUA_MASKCOUNT, LOOK);
	return 0;
}

static int system_user(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)getuid());
	return 1;
}

static int push_run(lua_State *L, int status, struct hk_buf *out, struct hk_buf *errors)
{
	lua_createtable(L, 0, 3);
	lua_pushinteger(L, status);
	lua_setfield(L, -2, "status");
	lhk_buf_result(L, HK_OK, out, NULL);
	lua_setfield(L, -2, "output");
	lhk_buf_result(L, HK_OK, errors, NULL);
	lua_setfield(L, -2, "errors");
	return 1;
}

static int system_run(lua_State *L)
{
	static const char *const names[] = {"argv", "input", "timeout", "max", NULL};
	struct hk_command c = {0};
	struct hk_buf *out, *errors;
	struct hk_err err = {0};
	int status;

	lhk_check_options(L, 1, names);
	c.argv = lhk_opt_strings(L, 1, "argv");
	luaL_argcheck(L, c.argv && c.argv[0], 1, "option 'argv' must have a word");
	c.input = lhk_opt_string(L, 1, "input", "");
	c.input_len = strlen(c.input);
	c.timeout_ms = lhk_opt_ms(L, 1, "timeout");
	if (c.timeout_ms == 0)
		c.timeout_ms = RUN_MS;
	out = lhk_new_buf(L, (size_t)lhk_opt_integer(L, 1, "max", RUN_MAX), true);
	errors = lhk_new_buf(L, RUN_MAX, true);
	if (hk_process_run(&c, out, errors, &status, &err) != HK_OK)
		return lhk_fail(L, &err);
	return push_run(L, status, out, errors);
}

/* The names of a folder's entries, each with its NUL. */
static int read_folder(const char *path, struct hk_buf *names, struct hk_err *err)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int rc = HK_OK;

	if (!dir)
		return hk_err_sys(err, errno, "%s", path);
	while (rc == HK_OK && (errno = 0, entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			rc = hk_buf_add(names, entry->d_name, strlen(entry->d_name) + 1, err);
	if (rc == HK_OK && errno != 0)
		rc = hk_err_sys(err, errno, "%s", path);
	closedir(dir);
	return rc;
}

static int system_list(lua_State *L)
{
	const char *path = lhk_check_text(L, 1);
	struct hk_buf *names = lhk_new_buf(L, LIST_MAX, false);
	struct hk_err err = {0};
	size_t at;

	if (read_folder(path, names, &err) != HK_OK)
		return lhk_fail(L, &err);
	lua_newtable(L);
	for (at = 0; at < names->len; at += strlen(names->data + at) + 1) {
		lua_pushstring(L, names->data + at);
		lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
	}
	return 1;
}

static int system_make_folders(lua_State *L)
{
	const char *path = lhk_check_text(L, 1);
	struct hk_err err = {0};

	return lhk_result(L, hk_file_make_folders(path, &err), &err);
}

static int system_read(lua_State *L)
{
	const char *path = lhk_check_text(L, 1);
	struct hk_err err = {0};

	lhk_check(L, 2, LHK_SINK);
	return lhk_result(L, hk_input_file(path, lhk_take(L, 2, LHK_SINK), &err), &err);
}

static const luaL_Reg functions[] = {
	{"clock", system_clock},
	{"columns", system_columns},
	{"go_on", system_go_on},
	{"heed", system_heed},
	{"interrupted", system_interrupted},
	{"list", system_list},
	{"machine", system_machine},
	{"make_folders", system_make_folders},
	{"program", system_program},
	{"read", system_read},
	{"run", system_run},
	{"user", system_user},
	{NULL, NULL},
};

int lhk_open_system(lua_State *L)
{
	luaL_newlib(L, functions);
	return 1;
}
