/* test_host: hocker in a program of one's own. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <lauxlib.h>
#include <locale.h>
#include <lualib.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host.h"
#include "lhk.h"
#include "pool.h"
#include "test.h"

static struct hk_host_output got;
static struct hk_err err;

/* Runs a text with the arguments "a" and "b". */
static int run_text(lua_State *L, const char *text)
{
	const char *argv[] = {"house.lua", "a", "b"};

	return hk_host_run_text(L, text, strlen(text), 3, argv, &got);
}

static int run_command(lua_State *L, const char *one, const char *two)
{
	const char *argv[] = {"hocker", one, two};

	return hk_host_run(L, two ? 3 : 2, argv, &got);
}

/* --- what is printed
 * ---------------------------------------------------------------------- */

static void all_that_is_printed_is_captured(void)
{
	lua_State *L = hk_host_new();

	CHECK(run_text(L, "print('one', nil, 2) io.write('three\\n') "
			  "io.stdout:write('four\\n') "
			  "io.stdout:flush() "
			  "local s = require('hocker.core').sink.stdout() "
			  "s:write('five\\n') s:finish() "
			  "local f = require('hocker.core').file('-') local t = f:sink() "
			  "t:write('six\\n') t:finish() assert(f:commit()) "
			  "io.stderr:write('oh\\n') print(...)") == 0);
	CHECK_STR(got.out, "one\tnil\t2\nthree\nfour\nfive\nsix\na\tb\n");
	CHECK_STR(got.err, "oh\n");
	CHECK(got.out_len == strlen(got.out) && got.err_len == 3);
	hk_host_output_free(&got);
	CHECK(!got.out && !got.err && !got.out_len);
	hk_host_free(L);
}

static void zero_bytes_are_kept(void)
{
	lua_State *L = hk_host_new();

	CHECK(run_text(L, "io.write('a\\0b')") == 0);
	CHECK(got.out_len == 3 && memcmp(got.out, "a\0b", 4) == 0);
	hk_host_output_free(&got);
	hk_host_free(L);
}

static void afterwards_the_streams_are_those_of_before(void)
{
	static const char text[] = "io.stdout:write('x') io.stdout:close() error('y')";
	lua_State *L = hk_host_new();

	CHECK(luaL_dostring(L, "before = { io.stdout, io.stderr, io.output(), print }") ==
		0);
	CHECK(run_text(L, text) == 1);
	CHECK_STR(got.out, "x");
	hk_host_output_free(&got);
	CHECK(luaL_dostring(L, "local now = { io.stdout, io.stderr, io.output(), print } "
			       "for i = 1, 4 do assert(before[i] == now[i]) end") == 0);
	CHECK(lhk_descriptor(L, 1) == 1 && lhk_descriptor(L, 2) == 2);
	CHECK(lua_gettop(L) == 0);
	hk_host_free(L);
}

static lua_State *outer;

static int run_inside(lua_State *L)
{
	struct hk_host_output inner;
	const char *argv[] = {"inner"};
	const char text[] = "print('inner')";

	CHECK(hk_host_run_text(L, text, strlen(text), 1, argv, &inner) == 0);
	lua_pushstring(L, inner.out);
	hk_host_output_free(&inner);
	return 1;
}

static void a_run_may_be_inside_another(void)
{
	outer = hk_host_new();
	CHECK(hk_host_provide(outer, "inside", run_inside, &err) == HK_OK);
	CHECK(run_text(outer, "print('outer') local text = require 'inside' print('got ' "
			      ".. text)") == 0);
	CHECK_STR(got.out, "outer\ngot inner\n\n");
	hk_host_output_free(&got);
	hk_host_free(outer);
}

/* --- how it ends
 * ---------------------------------------------------------------------------- */

static void the_exit_code_is_a_commands(void)
{
	static const struct {
		int code;
		const char *text, *err;
	} cases[] = {
		{0, "", ""},
		{0, "return true", ""},
		{1, "return false", ""},
		{8, "return nil, require('hocker.core').error('refused', 'not here')",
			"house.lua: not here\n"},
		{3, "error(require('hocker.core').error('not_found', 'none'))",
			"house.lua: none\n"},
		{1, "x = = 1", "house.lua: house.lua:1: unexpected symbol near '='\n"},
		{1, "\033Lua", NULL},
		{1,
			"error(setmetatable({}, { __tostring = function() return 'mine' "
			"end }))",
			NULL},
		{1, "local x = nil + 1", NULL},
		{7, "return 7", ""},
		{1, "return nil, 'why'", "house.lua: why\n"},
		{1, "error({ code = 'io' })", NULL},
		{2, "return 256",
			"house.lua: it returned 256, no exit code\n"},
		{5, "\xef\xbb\xbf#!/usr/bin/lua\nreturn #arg + 3", ""},
		{9, "os.exit(9)", ""},
		{1, "os.exit(false)", ""},
		{0, "local co = coroutine.wrap(os.exit) co()", ""},
	};
	lua_State *L = hk_host_new();
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		CHECK(run_text(L, cases[i].text) == cases[i].code);
		if (cases[i].err)
			CHECK_STR(got.err, cases[i].err);
		CHECK(cases[i].code == 0 || cases[i].err || got.err_len > 0);
		hk_host_output_free(&got);
	}
	hk_host_free(L);
}

/* For the texts below: whether this thread has the locale C, whatever the process has. */
static int is_plain(lua_State *L)
{
	lua_pushboolean(L, strcmp(nl_langinfo(CODESET), "ANSI_X3.4-1968") == 0);
	return 1;
}

static void the_locale_is_the_programs_own_alone(void)
{
	lua_State *L = hk_host_new();
	char before[10];

	CHECK(setlocale(LC_ALL, "C.UTF-8"));
	CHECK(hk_host_provide(L, "is_plain", is_plain, &err) == HK_OK);
	CHECK(run_text(L, "return require 'is_plain'") == 0);
	hk_host_output_free(&got);
	snprintf(before, sizeof before, "%s", nl_langinfo(CODESET));
	setlocale(LC_ALL, "C");
	CHECK_STR(before, "UTF-8");
	CHECK(uselocale((locale_t)0) == LC_GLOBAL_LOCALE);
	hk_host_free(L);
}

static void commands_are_run(void)
{
	lua_State *L = hk_host_new();

	CHECK(run_command(L, "--version", NULL) == 0);
	CHECK_STR(got.out, "hocker " HK_VERSION "\n");
	hk_host_output_free(&got);
	CHECK(run_command(L, "none", "--no-user-scripts") == 2);
	CHECK_STR(got.out, "");
	CHECK(strstr(got.err, "hocker: there is no command 'none'") == got.err);
	hk_host_output_free(&got);
	hk_host_free(L);
}

/* --- what the program provides
 * ---------------------------------------------------------------- */

static int open_house(lua_State *L)
{
	lua_newtable(L);
	lua_pushliteral(L, "of the house");
	lua_setfield(L, -2, "text");
	return 1;
}

static int provide_text(lua_State *L, const char *name, const char *text)
{
	return hk_host_provide_text(L, name, text, strlen(text), &err);
}

static void functions_are_modules_and_scripts(void)
{
	lua_State *L = hk_host_new();

	CHECK(hk_host_provide(L, "house", open_house, &err) == HK_OK);
	CHECK(hk_host_provide(L, "policies/house", open_house, &err) == HK_OK);
	CHECK(provide_text(L, "commands/greet",
		      "return { summary = 'greet', args = {}, run = function(ctx) "
		      "ctx.out:write(require('house').text, '\\n') return true end }") ==
		HK_OK);
	CHECK(run_text(L,
		      "local scripts = require 'hocker.scripts' "
		      "print(require('house').text, "
		      "assert(scripts.load('policies/house')).text) "
		      "print(scripts.find('policies/house').path, table.concat("
		      "scripts.list 'policies', ','):find('house', 1, true) ~= nil)") ==
		0);
	CHECK_STR(got.out, "of the house\tof the house\nprogram:/policies/house\ttrue\n");
	hk_host_output_free(&got);
	CHECK(run_command(L, "greet", "--no-user-scripts") == 0);
	CHECK_STR(got.out, "of the house\n");
	hk_host_output_free(&got);
	CHECK(run_command(L, "paths", NULL) == 0);
	CHECK(strncmp(got.out, "program ", 8) == 0);
	hk_host_output_free(&got);
	hk_host_free(L);
}

static void what_is_provided_comes_before_what_is_bundled(void)
{
	lua_State *L = hk_host_new();

	CHECK(provide_text(L, "commands/tags",
		      "local tags = require('hocker.scripts').bundled 'commands/tags' "
		      "tags.summary = 'mine' return tags") == HK_OK);
	CHECK(run_command(L, "--help", NULL) == 0);
	CHECK(strstr(got.out, " mine\n"));
	hk_host_output_free(&got);
	hk_host_free(L);
}

static void a_fault_of_a_provided_script_has_its_name_and_line(void)
{
	lua_State *L = hk_host_new();

	CHECK(provide_text(L, "commands/bad", "\nerror('mine')") == HK_OK);
	CHECK(run_command(L, "bad", NULL) == 1);
	CHECK_STR(got.err, "hocker: program:/commands/bad:2: mine\n");
	hk_host_output_free(&got);
	hk_host_free(L);
}

static void wrong_names_and_texts_are_refused(void)
{
	lua_State *L = hk_host_new();

	CHECK(provide_text(L, "", "return 1") == HK_EUSAGE);
	CHECK(provide_text(L, "hocker/auth", "return 1") == HK_EUSAGE);
	CHECK(strstr(err.msg, "a module's name has dots"));
	CHECK(provide_text(L, "policies/a.b", "return 1") == HK_EUSAGE);
	CHECK(provide_text(L, "policies/../b", "return 1") == HK_EUSAGE);
	CHECK(provide_text(L, "policies/", "return 1") == HK_EUSAGE);
	CHECK(provide_text(L, "templates/x/y", "return 1") == HK_EUSAGE);
	CHECK(provide_text(L, "templates/nix/a-b_1", "return 1") == HK_OK);
	CHECK(provide_text(L, "policies/x", "return =") == HK_EUSAGE);
	CHECK(strstr(err.msg, "program:/policies/x:1: "));
	CHECK(provide_text(L, "policies/x", "\033Lua") == HK_EUSAGE);
	CHECK(lua_gettop(L) == 0);
	hk_host_free(L);
}

/* --- a state of the program's own
 * ------------------------------------------------------------- */

static void a_state_without_libraries_is_refused(void)
{
	lua_State *L = luaL_newstate();

	CHECK(hk_host_open(L, &err) == HK_EUSAGE);
	CHECK(strstr(err.msg, "luaL_openlibs"));
	CHECK(lua_gettop(L) == 0);
	lua_close(L);
}

static void a_state_with_another_require_is_refused(void)
{
	lua_State *L = luaL_newstate();

	luaL_openlibs(L);
	CHECK(luaL_dostring(L, "lua, require = require, nil") == 0);
	CHECK(hk_host_open(L, &err) == HK_EUSAGE);
	CHECK(luaL_dostring(L, "function require(name) return nil + name end") == 0);
	CHECK(hk_host_open(L, &err) == HK_EUSAGE);
	CHECK(strstr(err.msg, "the state's `require` does not find hocker"));
	CHECK(luaL_dostring(L, "function require(name) return lua(name) end") == 0);
	CHECK(hk_host_open(L, &err) == HK_OK);
	CHECK(lua_gettop(L) == 0);
	lua_close(L);
}

static int my_json(lua_State *L)
{
	lua_pushliteral(L, "my own");
	return 1;
}

static void a_state_keeps_what_it_has(void)
{
	lua_State *L = luaL_newstate();

	luaL_openlibs(L);
	CHECK(luaL_dostring(L, "package.path = 'mine' searchers = #package.searchers") ==
		0);
	CHECK(hk_host_provide(L, "cjson", my_json, &err) == HK_OK);
	CHECK(hk_host_open(L, &err) == HK_OK);
	CHECK(hk_host_open(L, &err) == HK_OK);
	lua_pushliteral(L, "mine");
	CHECK(luaL_dostring(L,
		      "assert(package.path == 'mine' and require 'cjson' == 'my own') "
		      "assert(#package.searchers == searchers + 1) "
		      "assert(require 'hocker.platform') "
		      "assert(not pcall(require, 'commands.image')) "
		      "assert(not pcall(require, 'hockers'))") == 0);
	CHECK_STR(lua_tostring(L, -1), "mine");
	CHECK(lua_gettop(L) == 1);
	lua_close(L);
}

static void commands_run_in_a_state_of_its_own(void)
{
	lua_State *L = luaL_newstate(), *co;

	luaL_openlibs(L);
	CHECK(hk_host_open(L, &err) == HK_OK);
	co = lua_newthread(L);
	lua_pushliteral(co, "mine");
	CHECK(run_command(co, "which", "tags") == 0);
	CHECK_STR(got.out, "hocker:/commands/tags.lua\n");
	hk_host_output_free(&got);
	CHECK(lua_gettop(co) == 1 && lua_gettop(L) == 1);
	lua_close(L);
}

static void my_hook(lua_State *L, lua_Debug *record)
{
	(void)L;
	(void)record;
}

/* Scripts of a user's: s.lua, and one that takes the place of a module. */
static char scripts[] = P_tmpdir "/hocker-test.XXXXXX";
static const char *const names[] = {"s.lua", "hocker/base64.lua"};
static const char *const texts[] = {
	"print(require('hocker.base64').decode('aGk='), #arg)",
	"return { decode = function() return 'mine' end }",
};

static char *in_scripts(const char *name)
{
	static char path[100];

	snprintf(path, sizeof path, "%s/%s", scripts, name);
	return path;
}

static void make_scripts(void)
{
	int i;

	CHECK(mkdtemp(scripts) && mkdir(in_scripts("hocker"), 0700) == 0);
	for (i = 0; i < 2; i++) {
		FILE *file = fopen(in_scripts(names[i]), "w");

		CHECK(file && fputs(texts[i], file) >= 0 && fclose(file) == 0);
		CHECK(chmod(in_scripts(names[i]), 0600) == 0);
	}
}

static void remove_scripts(void)
{
	CHECK(unlink(in_scripts(names[0])) == 0 && unlink(in_scripts(names[1])) == 0);
	CHECK(rmdir(in_scripts("hocker")) == 0 && rmdir(scripts) == 0);
}

static int run_script(lua_State *L, const char *option, const char *value)
{
	const char *argv[] = {"hocker", option, value, "run", in_scripts(names[0])};

	return hk_host_run(L, 5, argv, &got);
}

static void a_run_leaves_the_state_as_it_was(void)
{
	lua_State *L = luaL_newstate();

	luaL_openlibs(L);
	CHECK(hk_host_open(L, &err) == HK_OK);
	CHECK(luaL_dostring(L, "arg = { 'mine' } before = { print, arg, #package.searchers } "
			       "base64 = require 'hocker.base64'") == 0);
	lua_gc(L, LUA_GCSTOP);
	lua_sethook(L, my_hook, LUA_MASKCOUNT, 1000);
	CHECK(run_script(L, "--scripts", scripts) == 0);
	CHECK_STR(got.out, "mine\t0\n");
	hk_host_output_free(&got);
	CHECK(run_text(L, "debug.sethook()") == 0);
	hk_host_output_free(&got);
	CHECK(!lua_gc(L, LUA_GCISRUNNING));
	CHECK(lua_gethook(L) == my_hook && lua_gethookcount(L) == 1000);
	CHECK(luaL_dostring(L, "assert(print == before[1] and arg == before[2]) "
			       "assert(#package.searchers == before[3]) "
			       "assert(require 'hocker.base64' == base64)") == 0);
	lua_close(L);
}

static void a_state_may_be_strict_with_globals(void)
{
	lua_State *L = luaL_newstate();

	luaL_openlibs(L);
	CHECK(hk_host_open(L, &err) == HK_OK);
	CHECK(luaL_dostring(L, "local function refuse(_, name) error(name) end "
			       "setmetatable(_G, { __index = refuse, __newindex = refuse })") == 0);
	CHECK(run_script(L, "--no-user-scripts", "--no-user-scripts") == 0);
	CHECK_STR(got.out, "hi\t0\n");
	hk_host_output_free(&got);
	CHECK(luaL_dostring(L, "assert(require('hocker').open '127.0.0.1:1/x')") == 0);
	lua_close(L);
}

static void a_run_does_not_see_where_another_has_looked(void)
{
	lua_State *L = hk_host_new();

	CHECK(run_script(L, "--scripts", scripts) == 0);
	CHECK_STR(got.out, "mine\t0\n");
	hk_host_output_free(&got);
	CHECK(run_script(L, "--no-user-scripts", "--no-user-scripts") == 0);
	CHECK_STR(got.out, "hi\t0\n");
	hk_host_output_free(&got);
	CHECK(run_script(L, "--scripts", scripts) == 0);
	CHECK_STR(got.out, "mine\t0\n");
	hk_host_output_free(&got);
	hk_host_free(L);
}

static void a_script_opens_images_with_the_log_of_its_own_run(void)
{
	lua_State *L = hk_host_new();

	CHECK(run_script(L, "--no-user-scripts", "--no-user-scripts") == 0);
	hk_host_output_free(&got);
	CHECK(run_text(L, "local hocker = require 'hocker' "
			  "local one = assert(hocker.open('127.0.0.1:1/x', { retries = 1 })) "
			  "return one:document()") == 6);
	CHECK(strstr(got.err, "house.lua: ") == got.err && strstr(got.err, "; retry 1 in "));
	hk_host_output_free(&got);
	hk_host_free(L);
}

static int count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	CHECK(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void a_command_closes_what_it_opens(void)
{
	const char *argv[] = {"hocker", "tags", "127.0.0.1:1/x", "--retries=0"};
	lua_State *L = hk_host_new();
	int before = count_descriptors();

	CHECK(hk_host_run(L, 4, argv, &got) == 6);
	hk_host_output_free(&got);
	CHECK(count_descriptors() == before);
	hk_host_free(L);
}

static void a_script_that_waits_for_nothing_is_interrupted(void)
{
	lua_State *L = hk_host_new();

	hk_interrupt(SIGINT);
	CHECK(run_text(L, "for _ = 1, 10 ^ 8 do end") == 128 + SIGINT);
	hk_interrupt(0);
	CHECK_STR(got.err, "house.lua: interrupted by signal 2\n");
	hk_host_output_free(&got);
	hk_host_free(L);
}

/* --- others in the process
 * ---------------------------------------------------------------------- */

enum { RUNS = 20 };

static void *run_often(void *arg)
{
	const char *name = arg;
	const char *argv[] = {name, "tags", "127.0.0.1:1/x", "--retries=0"};
	const char *text_argv[] = {name};
	char text[200], want[100];
	struct hk_host_output mine;
	lua_State *L = hk_host_new();
	int i;

	snprintf(text, sizeof text,
		"for i = 1, 100 do io.write('%s') end "
		"require('hocker.core').file('-'):close()",
		name);
	snprintf(want, sizeof want, "%s%s%s%s", name, name, name, name);
	for (i = 0; i < RUNS; i++) {
		if (hk_host_run_text(L, text, strlen(text), 1, text_argv, &mine) != 0 ||
			mine.out_len != 100 * strlen(name) ||
			strncmp(mine.out, want, strlen(want)) != 0)
			return "another output";
		hk_host_output_free(&mine);
		if (hk_host_run(L, 4, argv, &mine) != 6 || mine.out_len != 0)
			return mine.err;
		hk_host_output_free(&mine);
	}
	hk_host_free(L);
	return NULL;
}

static int masks_set;

/* Stands for the C library's: to set a mask, only to read it, is seen by other threads. */
mode_t umask(mode_t mask)
{
	masks_set++;
	return (mode_t)syscall(SYS_umask, mask);
}

struct process {
	void (*signals[32])(int);
	mode_t mask;
	char folder[4096];
	char locale[200];
};

static void look(struct process *p)
{
	int signo;

	memset(p, 0, sizeof *p);
	for (signo = 1; signo < 32; signo++) {
		struct sigaction action;

		if (sigaction(signo, NULL, &action) == 0)
			p->signals[signo] = action.sa_handler;
	}
	p->mask = umask(0);
	umask(p->mask);
	CHECK(getcwd(p->folder, sizeof p->folder));
	snprintf(p->locale, sizeof p->locale, "%s", setlocale(LC_ALL, NULL));
}

static void two_in_two_threads_do_not_meet(void)
{
	char one[] = "one", another[] = "another";
	struct process before, after;
	pthread_t thread;
	void *fault;

	look(&before);
	masks_set = 0;
	CHECK(pthread_create(&thread, NULL, run_often, one) == 0);
	fault = run_often(another);
	CHECK_STR(fault ? fault : "fine", "fine");
	CHECK(pthread_join(thread, &fault) == 0);
	CHECK_STR(fault ? fault : "fine", "fine");
	CHECK(masks_set == 0);
	look(&after);
	CHECK(memcmp(&before, &after, sizeof before) == 0);
}

/* --- without memory
 * ----------------------------------------------------------------------------- */

static struct {
	long at; /* the number of the allocation that is refused, with the next one; -1:
		    none */
	long count;
	bool hit;
	size_t live; /* bytes */
} memory;

static void *allocate(void *ud, void *old, size_t osize, size_t nsize)
{
	(void)ud;
	osize = old ? osize : 0;
	if (nsize > osize && memory.at >= 0) {
		long n = memory.count++;

		if (n == memory.at || n == memory.at + 1) {
			memory.hit = true;
			return NULL;
		}
	}
	memory.live += nsize - osize;
	if (nsize > 0)
		return realloc(old, nsize);
	free(old);
	return NULL;
}

static bool use(lua_State *L)
{
	static const char text[] =
		"require('hocker.core').file('-'):close() print((require 'house'))";
	bool fine = hk_host_open(L, &err) == HK_OK &&
		    provide_text(L, "house", "return 'fine'") == HK_OK &&
		    run_text(L, text) == 0;

	if (!fine)
		hk_host_output_free(&got);
	return fine;
}

static void what_fails_for_memory_works_afterwards(void)
{
	bool fine;
	long n;

	for (n = 0;; n += 1 + n / 10) {
		lua_State *L;

		memory.at = -1;
		L = lua_newstate(allocate, NULL);
		luaL_openlibs(L);
		memory.count = 0;
		memory.hit = false;
		memory.at = n;
		fine = use(L);
		memory.at = -1;
		hk_host_output_free(&got);
		CHECK(lua_gettop(L) == 0);
		CHECK(lhk_descriptor(L, 1) == 1 && lhk_descriptor(L, 2) == 2);
		CHECK(use(L));
		CHECK_STR(got.out, "fine\n");
		hk_host_output_free(&got);
		lua_close(L);
		CHECK(memory.live == 0);
		if (!memory.hit)
			break;
	}
	CHECK(fine && n > 100);
}

/* --- the memory of a state of its own
 * ------------------------------------------------------------- */

enum { BLOCKS = 5000 };

/* Blocks of all sizes, each filled with its own number, that grow, shrink and are given back. */
static void blocks_keep_to_themselves(void)
{
	static unsigned char *blocks[BLOCKS];
	static size_t sizes[BLOCKS];
	struct pool *pool = pool_new();
	size_t seed = 1, i, k, round, wrong = 0;

	CHECK(pool);
	memset(sizes, 0, sizeof sizes);
	for (round = 0; round < 20 * BLOCKS; round++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		i = (seed >> 33) % BLOCKS;
		k = (seed >> 20) % 8 == 0 ? (seed >> 40) % 5000 : (seed >> 40) % 200;
		blocks[i] = pool_alloc(pool, sizes[i] ? blocks[i] : NULL, sizes[i], k);
		wrong += (blocks[i] == NULL) != (k == 0) || (uintptr_t)blocks[i] % 16 != 0;
		for (; sizes[i] > 0; sizes[i]--)
			wrong += sizes[i] <= k && blocks[i][sizes[i] - 1] != (unsigned char)i;
		sizes[i] = k;
		if (k > 0)
			memset(blocks[i], (int)(unsigned char)i, k);
	}
	CHECK(wrong == 0);
	for (i = 0; i < BLOCKS; i++)
		if (sizes[i] > 0)
			CHECK(pool_alloc(pool, blocks[i], sizes[i], 0) == NULL);
	pool_free(pool);
}

#ifndef __SANITIZE_ADDRESS__ /* which lets nobody have a block again */
static void what_is_given_back_is_wiped(void)
{
	struct pool *pool = pool_new();
	char *block = pool_alloc(pool, NULL, 0, 64);
	size_t i, left = 0;

	CHECK(block);
	memset(block, 's', 64);
	CHECK(pool_alloc(pool, block, 64, 50) == block);
	for (i = 50; i < 64; i++)
		left += block[i] == 's';
	CHECK(!pool_alloc(pool, block, 50, 0));
	CHECK(pool_alloc(pool, NULL, 0, 64) == block);
	for (i = 0; i < 64; i++)
		left += block[i] == 's';
	CHECK(left == 0);
	pool_free(pool);
}
#endif

int main(void)
{
	/* No scripts of the user's are meant. */
	setenv("HOME", "/nonexistent", 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("HOCKER_PATH");
	TEST(all_that_is_printed_is_captured);
	TEST(zero_bytes_are_kept);
	TEST(afterwards_the_streams_are_those_of_before);
	TEST(a_run_may_be_inside_another);
	TEST(the_exit_code_is_a_commands);
	TEST(commands_are_run);
	TEST(functions_are_modules_and_scripts);
	TEST(what_is_provided_comes_before_what_is_bundled);
	TEST(a_fault_of_a_provided_script_has_its_name_and_line);
	TEST(wrong_names_and_texts_are_refused);
	TEST(a_state_without_libraries_is_refused);
	TEST(a_state_with_another_require_is_refused);
	TEST(a_state_keeps_what_it_has);
	TEST(commands_run_in_a_state_of_its_own);
	TEST(make_scripts);
	TEST(the_locale_is_the_programs_own_alone);
	TEST(a_run_leaves_the_state_as_it_was);
	TEST(a_state_may_be_strict_with_globals);
	TEST(a_run_does_not_see_where_another_has_looked);
	TEST(a_script_opens_images_with_the_log_of_its_own_run);
	TEST(a_command_closes_what_it_opens);
	TEST(a_script_that_waits_for_nothing_is_interrupted);
	TEST(remove_scripts);
	TEST(two_in_two_threads_do_not_meet);
	TEST(what_fails_for_memory_works_afterwards);
	TEST(blocks_keep_to_themselves);
#ifndef __SANITIZE_ADDRESS__
	TEST(what_is_given_back_is_wiped);
#endif
	return test_end();
}
