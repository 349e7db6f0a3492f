/*
 * host: see the header. Everything that may raise runs in a protected call.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <locale.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "embedded.h"
#include "lhk.h"
#include "pool.h"

int luaopen_cjson(lua_State *L); /* only Debian's lua-cjson has a header for it */

/* --- embedded scripts ---------------------------------------------------------------------------- */

static int by_name(const void *name, const void *entry)
{
	return strcmp(name, ((const struct embedded *)entry)->name);
}

static const struct embedded *find(const char *name)
{
	return bsearch(name, hk_embedded, hk_nembedded, sizeof *hk_embedded, by_name);
}

/* [-0, +1] An embedded file as a function. The chunk's name, which is in what is compiled, tells it
 * from one on disk. */
static int load_file(lua_State *L, const struct embedded *e)
{
	const char *chunk = lua_pushfstring(L, "@hocker:/%s", e->name);

	if (luaL_loadbufferx(L, (const char *)e->code, e->len, chunk, NULL) != LUA_OK)
		return lua_error(L);
	return 1;
}

/* hocker.embedded(): the names of all. hocker.embedded(name): one as a function, or nil. */
static int embedded(lua_State *L)
{
	const struct embedded *e;
	size_t i;

	if (lua_isnone(L, 1)) {
		lua_createtable(L, (int)hk_nembedded, 0);
		for (i = 0; i < hk_nembedded; i++) {
			lua_pushstring(L, hk_embedded[i].name);
			lua_rawseti(L, -2, (lua_Integer)i + 1);
		}
		return 1;
	}
	e = find(luaL_checkstring(L, 1));
	if (e)
		return load_file(L, e);
	luaL_pushfail(L);
	return 1;
}

static int open_embedded(lua_State *L)
{
	lua_pushcfunction(L, embedded);
	return 1;
}

/* Whether a module is ours: in a program's own state, others are its own. */
static bool is_ours(const char *module)
{
	return strncmp(module, "hocker", 6) == 0 && (module[6] == '.' || module[6] == '\0');
}

/* A searcher for require: module a.b is a/b.lua or a/b/init.lua. */
static int search_embedded(lua_State *L)
{
	const char *module = luaL_checkstring(L, 1);
	const char *path = luaL_gsub(L, module, ".", "/");
	const struct embedded *e;

	if (!is_ours(module))
		return 0;
	e = find(lua_pushfstring(L, "%s.lua", path));
	if (!e)
		e = find(lua_pushfstring(L, "%s/init.lua", path));
	if (!e) {
		lua_pushfstring(L, "no embedded file '%s.lua'", path);
		return 1;
	}
	return load_file(L, e);
}

/* --- the state ----------------------------------------------------------------------------------- */

/* package.searchers becomes { preload, embedded, package.path }; the path is empty until a script
 * sets it. */
static void set_searchers(lua_State *L)
{
	lua_getglobal(L, "package");
	lua_getfield(L, -1, "searchers");
	lua_createtable(L, 3, 0);
	lua_rawgeti(L, -2, 1);
	lua_rawseti(L, -2, 1);
	lua_pushcfunction(L, search_embedded);
	lua_rawseti(L, -2, 2);
	lua_rawgeti(L, -2, 2);
	lua_rawseti(L, -2, 3);
	lua_setfield(L, -3, "searchers");
	lua_pop(L, 1);
	lua_pushliteral(L, "");
	lua_setfield(L, -2, "path");
	lua_pushliteral(L, "");
	lua_setfield(L, -2, "cpath");
	lua_pop(L, 1);
}

/* The embedded scripts come behind what is preloaded, unless they are there. */
static void add_searcher(lua_State *L)
{
	lua_Integer n, i;

	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	lua_getfield(L, -1, LUA_LOADLIBNAME);
	lua_getfield(L, -1, "searchers");
	n = luaL_len(L, -1);
	for (i = 1; i <= n; i++, lua_pop(L, 1))
		if (lua_rawgeti(L, -1, i), lua_tocfunction(L, -1) == search_embedded)
			return;
	for (i = n; i >= 2; i--) {
		lua_rawgeti(L, -1, i);
		lua_rawseti(L, -2, i + 1);
	}
	lua_pushcfunction(L, search_embedded);
	lua_rawseti(L, -2, 2);
}

/* What the program has put there counts. */
static void preload(lua_State *L, const char *name, lua_CFunction open)
{
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
	if (lua_getfield(L, -1, name) == LUA_TNIL) {
		lua_pushcfunction(L, open);
		lua_setfield(L, -3, name);
	}
	lua_pop(L, 2);
}

static void preload_all(lua_State *L)
{
	preload(L, "hocker.core", luaopen_hocker_core);
	preload(L, "hocker.embedded", open_embedded);
	preload(L, "cjson", luaopen_cjson);
}

static int open_all(lua_State *L)
{
	lua_pushboolean(L, 1);
	lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
	luaL_openlibs(L);
	preload_all(L);
	set_searchers(L);
	return 0;
}

lua_State *hk_host_new(void)
{
	struct pool *pool = pool_new();
	lua_State *L = pool ? lua_newstate(pool_alloc, pool) : NULL;

	if (!L) {
		pool_free(pool);
		return NULL;
	}
	lua_pushcfunction(L, open_all);
	if (lua_pcall(L, 0, 0, 0) == LUA_OK)
		return L;
	hk_host_free(L);
	return NULL;
}

void hk_host_free(lua_State *L)
{
	void *pool;

	if (!L)
		return;
	lua_getallocf(L, &pool);
	lua_close(L);
	pool_free(pool);
}

/* --- a state of the program's own ---------------------------------------------------------------- */

/* Calls the function with a pointer. What it raises becomes `err`: HK_EUSAGE, or
 * HK_ENOMEM. */
static int protect(lua_State *L, lua_CFunction function, void *arg, struct hk_err *err)
{
	int status;

	if (!lua_checkstack(L, LUA_MINSTACK))
		return hk_err_nomem(err);
	lua_pushcfunction(L, function);
	lua_pushlightuserdata(L, arg);
	status = lua_pcall(L, 1, 0, 0);
	if (status == LUA_OK)
		return HK_OK;
	if (status == LUA_ERRMEM || lua_type(L, -1) != LUA_TSTRING)
		hk_err_nomem(err);
	else
		hk_err_set(err, HK_EUSAGE, "%s", lua_tostring(L, -1));
	lua_pop(L, 1);
	return status == LUA_ERRMEM ? HK_ENOMEM : HK_EUSAGE;
}

/* All of hocker is found by the global `require`, which may be the program's own. */
static void check_require(lua_State *L)
{
	lua_getglobal(L, "require");
	lua_pushliteral(L, "hocker.lazy");
	if (lua_pcall(L, 1, 1, 0) != LUA_OK)
		luaL_error(L, "the state's `require` does not find hocker, as Lua's would: %s",
			luaL_tolstring(L, -1, NULL));
}

static int open_here(lua_State *L)
{
	static const char *const libraries[] = {LUA_GNAME, LUA_COLIBNAME, LUA_TABLIBNAME,
		LUA_IOLIBNAME, LUA_OSLIBNAME, LUA_STRLIBNAME, LUA_UTF8LIBNAME,
		LUA_MATHLIBNAME, LUA_DBLIBNAME, LUA_LOADLIBNAME, NULL};
	const char *const *name;

	luaL_checkversion(L);
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	for (name = libraries; *name; name++, lua_pop(L, 1))
		if (lua_getfield(L, -1, *name) != LUA_TTABLE)
			luaL_error(L,
				"the state lacks Lua's library '%s': luaL_openlibs(L) "
				"opens them all",
				*name);
	preload_all(L);
	add_searcher(L);
	check_require(L);
	return 0;
}

int hk_host_open(lua_State *L, struct hk_err *err)
{
	return protect(L, open_here, NULL, err);
}

/* --- what the program provides ------------------------------------------------------------------- */

struct provided {
	const char *name;
	lua_CFunction function;
	const char *text; /* where there is no function */
	size_t len;
};

/* Of what scripts are called, so that no name leads elsewhere (hocker.scripts). */
static bool is_plain(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	return *name && *name != '-' && !name[strspn(name, letters)];
}

/* A name with a slash is that of a script, whose kinds are these. */
static void check_name(lua_State *L, const char *name)
{
	static const char *const kinds[] = {
		"commands/", "policies/", "templates/nix/", "templates/", NULL};
	const char *const *kind = kinds;

	if (!*name)
		luaL_error(L, "an empty name");
	if (!strchr(name, '/'))
		return;
	while (*kind && strncmp(name, *kind, strlen(*kind)) != 0)
		kind++;
	if (!*kind || !is_plain(name + strlen(*kind)))
		luaL_error(L,
			"'%s' is neither commands/NAME, policies/NAME nor "
			"templates/nix/NAME, with letters, digits, - and _; "
			"a module's name has dots",
			name);
}

static int provide(lua_State *L)
{
	const struct provided *p = lua_touserdata(L, 1);
	const char *chunk;

	check_name(L, p->name);
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
	chunk = lua_pushfstring(L, "@program:/%s", p->name);
	if (p->function)
		lua_pushcfunction(L, p->function);
	else if (luaL_loadbufferx(L, p->text, p->len, chunk, "t") != LUA_OK)
		return lua_error(L);
	lua_setfield(L, 2, p->name);
	return 0;
}

int hk_host_provide(
	lua_State *L, const char *name, lua_CFunction function, struct hk_err *err)
{
	struct provided p = {name, function, NULL, 0};

	return protect(L, provide, &p, err);
}

int hk_host_provide_text(
	lua_State *L, const char *name, const char *text, size_t len, struct hk_err *err)
{
	struct provided p = {name, NULL, text, len};

	return protect(L, provide, &p, err);
}

/* --- running ------------------------------------------------------------------------------------- */

enum { OUT = 1, ERR = 2 };

struct task {
	int argc;
	const char *const *argv;
	const char *text; /* NULL for a command */
	size_t len;
	int fds[3]; /* for what it prints; [OUT] is -1 where that is the state's */
	int code;
};

/* The message of what was raised; that of a bug gets a traceback. */
static int traceback(lua_State *L)
{
	const char *message = luaL_tolstring(L, 1, NULL);

	if (lua_type(L, 1) == LUA_TSTRING)
		luaL_traceback(L, L, message, 1);
	return 1;
}

/* [-0, +1] A function of a module. */
static void push_function(lua_State *L, const char *module, const char *name)
{
	lua_getglobal(L, "require");
	lua_pushstring(L, module);
	lua_call(L, 1, 1);
	lua_getfield(L, -1, name);
	lua_remove(L, -2);
}

/* hocker.command.main(name, words), or hocker.host.script(name, words, text); and where what they
 * print goes elsewhere, hocker.host.redirected(out, err, that function, ...). */
static int run(lua_State *L)
{
	struct task *t = lua_touserdata(L, 1);
	int i, base = lua_gettop(L);

	if (t->fds[OUT] >= 0) {
		push_function(L, "hocker.host", "redirected");
		lua_pushinteger(L, t->fds[OUT]);
		lua_pushinteger(L, t->fds[ERR]);
	}
	if (t->text)
		push_function(L, "hocker.host", "script");
	else
		push_function(L, "hocker.command", "main");
	lua_pushstring(L, t->argc > 0 ? t->argv[0] : "hocker");
	lua_createtable(L, t->argc, 0);
	for (i = 1; i < t->argc; i++) {
		lua_pushstring(L, t->argv[i]);
		lua_rawseti(L, -2, i);
	}
	if (t->text)
		lua_pushlstring(L, t->text, t->len);
	lua_call(L, lua_gettop(L) - base - 1, 1);
	t->code = (int)lua_tointeger(L, -1);
	return 0;
}

/* What went wrong is printed like everything else. */
static void attempt(lua_State *L, struct task *t)
{
	int base = lua_gettop(L);

	lua_pushcfunction(L, traceback);
	lua_pushcfunction(L, run);
	lua_pushlightuserdata(L, t);
	if (lua_pcall(L, 1, 0, base + 1) != LUA_OK)
		dprintf(lhk_descriptor(L, ERR), "hocker: %s\n", lua_tostring(L, -1));
	lua_settop(L, base);
}

/* Lets the core, too, take the task's files for standard output and error meanwhile. */
static int attempt_redirected(lua_State *L)
{
	struct task *t = lua_touserdata(L, 1);
	int out = lhk_descriptor(L, OUT), err = lhk_descriptor(L, ERR);

	lhk_set_descriptor(L, ERR, err); /* from here on it takes no memory */
	lhk_set_descriptor(L, OUT, out);
	lhk_set_descriptor(L, ERR, t->fds[ERR]);
	lhk_set_descriptor(L, OUT, t->fds[OUT]);
	attempt(L, t);
	lhk_set_descriptor(L, OUT, out);
	lhk_set_descriptor(L, ERR, err);
	return 0;
}

/* --- what is printed ----------------------------------------------------------------------------- */

/* A file in memory. Several streams write to it, each to the end. */
static int memory_file(void)
{
	int fd = memfd_create("hocker", MFD_CLOEXEC);

	if (fd >= 0)
		fcntl(fd, F_SETFL, O_APPEND);
	return fd;
}

static int take_file(int fd, char **text, size_t *len)
{
	struct stat st;
	ssize_t n = 0;

	if (fstat(fd, &st) != 0 || !(*text = malloc((size_t)st.st_size + 1)))
		return -1;
	for (*len = 0; *len < (size_t)st.st_size; *len += (size_t)n) {
		n = pread(fd, *text + *len, (size_t)st.st_size - *len, (off_t)*len);
		if (n <= 0)
			return -1;
	}
	(*text)[*len] = '\0';
	return 0;
}

void hk_host_output_free(struct hk_host_output *output)
{
	free(output->out);
	free(output->err);
	memset(output, 0, sizeof *output);
}

static void run_captured(lua_State *L, struct task *t, struct hk_host_output *output)
{
	t->fds[OUT] = memory_file();
	t->fds[ERR] = memory_file();
	if (t->fds[OUT] >= 0 && t->fds[ERR] >= 0 &&
		protect(L, attempt_redirected, t, NULL) != HK_OK)
		t->code = 1;
	if (take_file(t->fds[OUT], &output->out, &output->out_len) != 0 ||
		take_file(t->fds[ERR], &output->err, &output->err_len) != 0) {
		hk_host_output_free(output);
		t->code = 1;
	}
	close(t->fds[OUT]);
	close(t->fds[ERR]);
}

/* What is made does not depend on the program's locale: Lua's patterns, its order of strings and
 * its numbers do. A command turns the collector on, which the program may have stopped. */
static int run_task(lua_State *L, struct task *t, struct hk_host_output *output)
{
	locale_t own, plain;
	bool collects = lua_gc(L, LUA_GCISRUNNING);
	lua_Hook hook = lua_gethook(L);
	int mask = lua_gethookmask(L), count = lua_gethookcount(L);

	t->code = 1;
	t->fds[OUT] = t->fds[ERR] = -1;
	if (output)
		memset(output, 0, sizeof *output);
	if (!lua_checkstack(L, LUA_MINSTACK))
		return t->code;
	plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	own = uselocale(plain);
	if (output)
		run_captured(L, t, output);
	else
		attempt(L, t);
	uselocale(own);
	if (plain)
		freelocale(plain);
	lua_sethook(L, hook, mask, count);
	if (!collects)
		lua_gc(L, LUA_GCSTOP);
	return t->code;
}

int hk_host_run(
	lua_State *L, int argc, const char *const *argv, struct hk_host_output *output)
{
	struct task t = {.argc = argc, .argv = argv};

	return run_task(L, &t, output);
}

int hk_host_run_text(lua_State *L, const char *text, size_t len, int argc,
	const char *const *argv, struct hk_host_output *output)
{
	struct task t = {.argc = argc, .argv = argv, .text = text, .len = len};

	return run_task(L, &t, output);
}
