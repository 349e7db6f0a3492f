/* test_bindings: all bindings, in Lua states that run out of memory at every point there is. What
 * leaks is told by the sanitizers; descriptors and temporary files are counted here. */
#include <dirent.h>
#include <lauxlib.h>
#include <limits.h>
#include <lualib.h>
#include <signal.h>
#include <stdlib.h>

#include "lhk.h"
#include "server.h"
#include "test.h"

static char dir[] = "/tmp/hocker-test.XXXXXX";
static struct server srv;

/* --- an allocator that refuses ----------------------------------------------------------- */

/* Lua collects garbage and tries once more when memory is refused: what is refused once tests
 * that, what is refused twice raises, what is refused for ever leaves nothing to clean up with. */
enum { ONCE = 1, TWICE = 2, EVER = INT_MAX };

static struct {
	bool counts;
	long at;    /* the number of the first allocation that is refused; -1: none */
	int times;  /* that it and the next ones are */
	long count; /* allocations so far */
	bool hit;
	size_t live; /* bytes */
} memory = {.at = -1};

/* What is used; a run is repeated for each allocation, so the parts are short. */
static const struct part {
	const char *name; /* in test_bindings.lua */
	bool server;
} parts[] = {
	{"opening", false}, /* counted from the state's first allocation */
	{"digests", false},
	{"texts", false},
	{"files", false},
	{"programs", false},
	{"sinks", false},
	{"pipes", false},
	{"outputs", false},
	{"joins", false},
	{"exchanges", true},
	{"left_open", true},
	{"left_to_the_collector", false},
};

static void *allocate(void *ud, void *old, size_t osize, size_t nsize)
{
	void *p;

	(void)ud;
	osize = old ? osize : 0;
	if (nsize > osize && memory.counts) {
		long n = memory.count++;

		if (n >= memory.at && n - memory.at < memory.times) {
			memory.hit = true;
			return NULL;
		}
	}
	memory.live += nsize - osize;
	if (nsize == 0) {
		free(old);
		return NULL;
	}
	p = realloc(old, nsize);
	if (!p)
		abort();
	return p;
}

/* --- the server --------------------------------------------------------------------------- */

static void say(const char *match, enum server_end end, const char *text)
{
	server_bytes(&srv, match, end, 1, text, strlen(text));
}

static void start_server(void)
{
	server_start(&srv);
	say("GET /ok", SERVE_KEEP, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
	say("GET /none", SERVE_KEEP,
		"HTTP/1.1 404 No\r\nA: 1\r\nA: 2\r\nContent-Length: 3\r\n\r\nwhy");
	say("\r\nAuthorization: Basic eA==", SERVE_KEEP,
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
	say("GET /challenge", SERVE_KEEP,
		"HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n");
	say("GET /redirect", SERVE_KEEP,
		"HTTP/1.1 302 There\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n");
	say("GET /there", SERVE_KEEP, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
	say("GET /later", SERVE_KEEP, "HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n");
	say("GET /later", SERVE_KEEP, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
	say("GET /never", SERVE_KEEP, "HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n");
	say("GET /part", SERVE_KEEP,
		"HTTP/1.1 206 Part\r\nContent-Range: bytes 1-2/9\r\nContent-Length: 2\r\n\r\nhi");
	say("GET /stall", SERVE_STALL, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
	say("GET /stall", SERVE_STALL, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
}

/* --- a run --------------------------------------------------------------------------------- */

static int begin(lua_State *L)
{
	(void)L;
	memory.counts = memory.at >= 0;
	return 0;
}

/* run(part), or NULL for all of them. */
static int run(lua_State *L)
{
	const struct part *part = lua_touserdata(L, 1);

	luaL_requiref(L, LUA_GNAME, luaopen_base, 1);
	luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 1);
	luaL_requiref(L, LUA_COLIBNAME, luaopen_coroutine, 1);
	lua_settop(L, 0);
	if (luaL_loadfilex(L, "spec/c/test_bindings.lua", "t") != LUA_OK)
		return lua_error(L);
	lua_pushcfunction(L, luaopen_hocker_core);
	lua_pushinteger(L, srv.port);
	lua_pushstring(L, dir);
	lua_pushstring(L, part ? part->name : NULL);
	lua_pushcfunction(L, begin);
	lua_call(L, 5, 1);
	return 1;
}

/* Policies, all of them. Loading scripts takes far more allocations than running them, and has tests
 * of its own. */
static int run_policies(lua_State *L)
{
	luaL_openlibs(L);
	if (luaL_loadfilex(L, "spec/c/test_policies.lua", "t") != LUA_OK)
		return lua_error(L);
	lua_pushcfunction(L, luaopen_hocker_core);
	lua_call(L, 0, 1);
	lua_pushinteger(L, srv.port);
	lua_pushstring(L, dir);
	lua_pushcfunction(L, begin);
	lua_call(L, 4, 0);
	return 0;
}

/* A run that fails when it leaves a binding out. */
static int run_and_tell(lua_State *L)
{
	luaL_openlibs(L);
	if (luaL_loadfilex(L, "spec/c/test_covered.lua", "t") != LUA_OK)
		return lua_error(L);
	lua_pushcfunction(L, luaopen_hocker_core);
	lua_getglobal(L, LUA_DBLIBNAME);
	if (luaL_loadfilex(L, "spec/c/test_bindings.lua", "t") != LUA_OK)
		return lua_error(L);
	lua_pushinteger(L, srv.port);
	lua_pushstring(L, dir);
	lua_call(L, 5, 1);
	return 1;
}

static int fail_for_memory(lua_State *L)
{
	struct hk_err err = {0};

	hk_err_nomem(&err);
	return lhk_fail(L, &err);
}

static void collect(lua_State *L, lua_Debug *ar)
{
	(void)ar;
	lua_gc(L, LUA_GCCOLLECT);
}

/* Whether all parts went through, or one; `stress` collects all garbage at every instruction. */
static bool run_once(lua_CFunction what, const struct part *part, bool stress)
{
	lua_State *L = lua_newstate(allocate, NULL);
	bool ok = false, server = !part || part->server;

	if (!L)
		return false;
	if (server)
		start_server();
	if (stress)
		lua_sethook(L, collect, LUA_MASKCOUNT, 1);
	lua_pushcfunction(L, what);
	lua_pushlightuserdata(L, (void *)part);
	ok = lua_pcall(L, 1, 1, 0) == LUA_OK;
	if (!ok && !memory.hit)
		printf("%s\n", lua_tostring(L, -1));
	memory.counts = false; /* closing takes a little memory too */
	lua_close(L);
	if (server)
		server_stop(&srv);
	CHECK(memory.live == 0);
	return ok;
}

static size_t count_names(const char *path)
{
	struct dirent *entry;
	DIR *d = opendir(path);
	size_t n = 0;

	while (d && (entry = readdir(d)))
		n += entry->d_name[0] != '.' || (entry->d_name[1] && entry->d_name[1] != '.');
	closedir(d);
	return n;
}

static void with_memory(void)
{
	CHECK(run_once(run, NULL, false));
	CHECK(run_once(run_policies, NULL, false));
}

static void all_bindings_are_used(void)
{
	CHECK(run_once(run_and_tell, NULL, false));
}

static void with_garbage_collected_all_the_time(void)
{
	CHECK(run_once(run, NULL, true));
}

/* What can fail for nothing else is used as if it could not fail. */
static void the_end_of_memory_is_raised(void)
{
	lua_State *L = lua_newstate(allocate, NULL);

	luaopen_hocker_core(L);
	lua_pushcfunction(L, fail_for_memory);
	CHECK(lua_pcall(L, 0, 2, 0) == LUA_ERRRUN);
	CHECK(lua_getfield(L, -1, "code") == LUA_TSTRING);
	CHECK_STR(lua_tostring(L, -1), "memory");
	lua_close(L);
}

/* Threads do nothing else here than elsewhere, and the sanitizer for them is slow. */
#ifdef __SANITIZE_THREAD__
#define STRIDE 20
#else
#define STRIDE 1
#endif

/* Refuses allocation 0, then a later one, ... until what is run needs none that is refused. Returns
 * how many it needs. */
static long refuse_each(lua_CFunction what, const struct part *part, int stride)
{
	bool ok;
	long n;

	for (n = 0;; n += stride * STRIDE) {
		memory.counts = part == parts;
		memory.at = n;
		memory.count = 0;
		memory.hit = false;
		ok = run_once(what, part, false);
		if (!memory.hit)
			break;
		CHECK(n < 100000);
	}
	CHECK(ok);
	memory.at = -1;
	return n;
}

/* Each part in turn. */
static long refuse_parts(void)
{
	long n = 0;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		n += refuse_each(run, &parts[i], 1);
	return n;
}

static void without_memory(int times)
{
	size_t descriptors = count_names("/proc/self/fd");

	memory.times = times;
	CHECK(refuse_parts() > 1000);
	CHECK(refuse_each(run_policies, NULL, times == TWICE ? 1 : 20) > 300);
	CHECK(count_names("/proc/self/fd") == descriptors);
	CHECK(count_names(dir) == 1);
}

static void refused_once(void)
{
	without_memory(ONCE);
}

static void refused_twice(void)
{
	without_memory(TWICE);
}

static void refused_for_ever(void)
{
	without_memory(EVER);
}

int main(void)
{
	char out[PATH_MAX];

	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(dir)) {
		perror(dir);
		return 1;
	}
	TEST(with_memory);
	TEST(all_bindings_are_used);
	TEST(with_garbage_collected_all_the_time);
	TEST(the_end_of_memory_is_raised);
	TEST(refused_once);
	TEST(refused_twice);
	TEST(refused_for_ever);
	snprintf(out, sizeof out, "%s/out", dir);
	remove(out);
	remove(dir);
	return test_end();
}
