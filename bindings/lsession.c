/*
 * lsession: the event loop and its transfers.
 *
 * A session keeps its running transfers in a table, by address, so that an event finds its Lua
 * object and nobody loses a transfer that is under way; a transfer keeps its session alive.
 */
#include "lhk.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#define RETRIES 3

enum { UV_TRANSFERS = 1 }; /* of a session */
enum { UV_SESSION = 1 };   /* of a transfer */

static const char *const session_options[] = {"connect_timeout", "stall_timeout", "connections",
	"user_agent", "cacert", "cert", "key", "insecure", NULL};
static const char *const trust_options[] = {"origin", "cacerts", "cert", "key", NULL};
static const char *const request_options[] = {"url", "method", "headers", "authorization", "body",
	"content_type", "range", "apart", "from", "retries", "sink", NULL};
static const char *const range_options[] = {"first", "last", NULL};

/* --- session ---------------------------------------------------------------------------------- */

static unsigned opt_unsigned(lua_State *L, int arg, const char *name, unsigned absent)
{
	lua_Integer value = lhk_opt_integer(L, arg, name, absent);

	return value < INT_MAX ? (unsigned)value : INT_MAX;
}

int lhk_new_session(lua_State *L)
{
	struct hk_session_opts o = {0};
	struct hk_err err = {0};
	struct lhk_box *box;

	lua_settop(L, 1);
	lhk_check_options(L, 1, session_options);
	o.connect_timeout_ms = lhk_opt_ms(L, 1, "connect_timeout");
	o.stall_timeout_ms = lhk_opt_ms(L, 1, "stall_timeout");
	o.connections = opt_unsigned(L, 1, "connections", 0);
	o.user_agent = lhk_opt_string(L, 1, "user_agent", NULL);
	o.cacert = lhk_opt_string(L, 1, "cacert", NULL);
	o.cert = lhk_opt_string(L, 1, "cert", NULL);
	o.key = lhk_opt_string(L, 1, "key", NULL);
	o.insecure = lhk_opt_boolean(L, 1, "insecure");
	box = lhk_new(L, LHK_SESSION, 1);
	lua_newtable(L);
	lua_setiuservalue(L, -2, UV_TRANSFERS);
	box->p = hk_session_new(&o, &err);
	return lhk_made(L, box, &err);
}

static bool read_range(lua_State *L, int arg, struct hk_range *range)
{
	if (lhk_field(L, arg, "range") == LUA_TNIL)
		return false;
	lhk_check_options(L, lua_gettop(L), range_options);
	range->first = lhk_opt_integer(L, lua_gettop(L), "first", -1);
	range->last = lhk_opt_integer(L, lua_gettop(L), "last", -1);
	if (range->first < 0 || range->last < range->first)
		luaL_error(L, "option 'range' must be { first = ..., last = ... }");
	return true;
}

/* [-0, +1] The option `sink`: nil, or one that is open. */
static void check_sink(lua_State *L, int arg)
{
	if (lhk_field(L, arg, "sink") != LUA_TNIL && !lhk_test(L, -1, LHK_SINK))
		luaL_error(L, "option 'sink' must be a sink, not closed and not given away");
}

/* session:start(request) */
static int session_start(lua_State *L)
{
	struct hk_request rq = {0};
	struct hk_range range;
	struct hk_err err = {0};
	struct hk_session *s;
	struct lhk_box *box;
	int self;

	lhk_check(L, 1, LHK_SESSION);
	lua_settop(L, 2);
	lhk_check_options(L, 2, request_options);
	rq.url = lhk_opt_string(L, 2, "url", NULL);
	luaL_argcheck(L, rq.url, 2, "option 'url' is missing");
	rq.method = lhk_opt_string(L, 2, "method", NULL);
	rq.authorization = lhk_opt_string(L, 2, "authorization", NULL);
	rq.body = lhk_opt_string(L, 2, "body", NULL);
	rq.content_type = lhk_opt_string(L, 2, "content_type", NULL);
	rq.retries = opt_unsigned(L, 2, "retries", RETRIES);
	rq.range = read_range(L, 2, &range) ? &range : NULL;
	rq.apart = lhk_opt_boolean(L, 2, "apart");
	rq.from = lhk_opt_integer(L, 2, "from", 0);
	luaL_argcheck(L, rq.from >= 0, 2, "option 'from' is not an offset");
	rq.headers = lhk_opt_strings(L, 2, "headers");
	box = lhk_new(L, LHK_TRANSFER, 1);
	self = lua_gettop(L);
	lua_pushvalue(L, 1);
	lua_setiuservalue(L, self, UV_SESSION);
	s = lhk_check(L, 1, LHK_SESSION);
	check_sink(L, 2);
	lua_getiuservalue(L, 1, UV_TRANSFERS);
	lua_pushvalue(L, self);
	lua_rawsetp(L, -2, box); /* under way: the session holds it */
	if (!lua_isnil(L, self + 1))
		rq.sink = lhk_take(L, self + 1, LHK_SINK);
	box->p = hk_transfer_start(s, &rq, &err);
	if (box->p) {
		hk_transfer_set_user(box->p, box);
		lua_settop(L, self);
		return 1;
	}
	lua_pushnil(L);
	lua_rawsetp(L, -2, box);
	return lhk_fail(L, &err);
}

static int session_trust(lua_State *L)
{
	struct hk_trust trust = {0};
	struct hk_err err = {0};

	lhk_check(L, 1, LHK_SESSION);
	lua_settop(L, 2);
	lhk_check_options(L, 2, trust_options);
	trust.origin = lhk_opt_string(L, 2, "origin", NULL);
	luaL_argcheck(L, trust.origin, 2, "option 'origin' is missing");
	trust.cert = lhk_opt_string(L, 2, "cert", NULL);
	trust.key = lhk_opt_string(L, 2, "key", NULL);
	trust.cacerts = lhk_opt_strings(L, 2, "cacerts");
	return lhk_result(L, hk_session_trust(lhk_check(L, 1, LHK_SESSION), &trust, &err), &err);
}

static const char *const event_names[] = {
	[HK_EVENT_CHALLENGE] = "challenge",
	[HK_EVENT_REDIRECT] = "redirect",
	[HK_EVENT_RETRY] = "retry",
	[HK_EVENT_DONE] = "done",
};

static int session_step(lua_State *L)
{
	lua_Number seconds;
	int (*step)(struct hk_session *, long, struct hk_event *, struct hk_err *);
	struct hk_event event;
	struct hk_err err = {0};
	void *box;

	lhk_check(L, 1, LHK_SESSION);
	seconds = luaL_checknumber(L, 2);
	luaL_argcheck(L, seconds >= 0 && seconds < 1e6, 2, "not a number of seconds");
	step = lua_toboolean(L, 3) ? hk_session_await : hk_session_step;
	lua_settop(L, 2);
	lua_createtable(L, 0, 2);
	lua_getiuservalue(L, 1, UV_TRANSFERS);
	if (step(lhk_check(L, 1, LHK_SESSION), (long)(seconds * 1000), &event, &err) != HK_OK)
		return lhk_fail(L, &err);
	if (event.type == HK_EVENT_NONE)
		return 0;
	box = hk_transfer_user(event.transfer);
	lua_rawgetp(L, -1, box);
	lua_setfield(L, -3, "transfer");
	if (event.type == HK_EVENT_DONE) {
		lua_pushnil(L);
		lua_rawsetp(L, -2, box);
	}
	lua_pushstring(L, event_names[event.type]);
	lua_setfield(L, -3, "type");
	lua_pop(L, 1);
	return 1;
}

static int session_active(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)hk_session_active(lhk_check(L, 1, LHK_SESSION)));
	return 1;
}

static int session_spare(lua_State *L)
{
	struct hk_session *s = lhk_check(L, 1, LHK_SESSION);
	lua_Integer count = luaL_checkinteger(L, 2);

	luaL_argcheck(L, count >= 0 && count < INT_MAX / 2, 2, "not a number of connections");
	hk_session_spare(s, (unsigned)count);
	return 0;
}

static void session_free(void *p)
{
	hk_session_free(p);
}

/* --- transfer: what is known of it -------------------------------------------------------------- */

/* headers[name] = value, or "old, value" (RFC 9110 section 5.3); the headers are on the top. */
static void add_header(lua_State *L, const char *line)
{
	const char *colon = strchr(line, ':'), *value = colon + 2;

	lua_pushlstring(L, line, (size_t)(colon - line));
	lua_pushvalue(L, -1);
	if (lua_rawget(L, -3) == LUA_TNIL)
		lua_pushstring(L, value);
	else
		lua_pushfstring(L, "%s, %s", lua_tostring(L, -1), value);
	lua_remove(L, -2);
	lua_rawset(L, -3);
}

/* The header lines, each with its NUL. */
static int copy_lines(const struct hk_response *r, struct hk_buf *lines, struct hk_err *err)
{
	int rc = HK_OK;
	size_t i;

	for (i = 0; i < r->nheaders && rc == HK_OK; i++)
		rc = hk_buf_add(lines, r->headers[i], strlen(r->headers[i]) + 1, err);
	return rc;
}

static void push_fields(lua_State *L, const struct hk_buf *lines)
{
	size_t at;

	lua_newtable(L);
	for (at = 0; at < lines->len; at += strlen(lines->data + at) + 1)
		add_header(L, lines->data + at);
}

static void push_challenges(lua_State *L, const struct hk_buf *lines)
{
	static const char name[] = "www-authenticate: ";
	lua_Integer n = 0;
	size_t at;

	lua_newtable(L);
	for (at = 0; at < lines->len; at += strlen(lines->data + at) + 1) {
		if (strncmp(lines->data + at, name, sizeof name - 1) != 0)
			continue;
		lua_pushstring(L, lines->data + at + sizeof name - 1);
		lua_rawseti(L, -2, ++n);
	}
}

static int transfer_response(lua_State *L)
{
	struct hk_err err = {0};
	struct hk_response r;
	struct hk_buf *lines;

	lhk_check(L, 1, LHK_TRANSFER);
	lines = lhk_new_buf(L, SIZE_MAX, false);
	lua_createtable(L, 0, 6);
	hk_transfer_response(lhk_check(L, 1, LHK_TRANSFER), &r);
	if (copy_lines(&r, lines, &err) != HK_OK)
		return lhk_raise(L, &err);
	lua_pushinteger(L, hk_transfer_received(lhk_check(L, 1, LHK_TRANSFER)));
	lua_setfield(L, -2, "received");
	lua_pushinteger(L, r.status);
	lua_setfield(L, -2, "status");
	lua_pushlstring(L, r.body->data ? r.body->data : "", r.body->len);
	lua_setfield(L, -2, "body");
	hk_transfer_response(lhk_check(L, 1, LHK_TRANSFER), &r);
	lua_pushstring(L, r.url);
	lua_setfield(L, -2, "url");
	push_fields(L, lines);
	lua_setfield(L, -2, "headers");
	push_challenges(L, lines);
	lua_setfield(L, -2, "challenges");
	return 1;
}

static int transfer_error(lua_State *L)
{
	struct hk_err err = *hk_transfer_error(lhk_check(L, 1, LHK_TRANSFER));

	if (err.code == HK_OK)
		luaL_pushfail(L);
	else
		lhk_push_error(L, &err);
	return 1;
}

static int transfer_target(lua_State *L)
{
	lua_pushstring(L, hk_transfer_target(lhk_check(L, 1, LHK_TRANSFER)));
	return 1;
}

static int transfer_delay(lua_State *L)
{
	const struct hk_transfer *t = lhk_check(L, 1, LHK_TRANSFER);

	lua_pushnumber(L, (lua_Number)hk_transfer_delay_ms(t) / 1000);
	lua_pushinteger(L, hk_transfer_failures(t));
	return 2;
}

static int transfer_progress(lua_State *L)
{
	const struct hk_transfer *t = lhk_check(L, 1, LHK_TRANSFER);

	lua_pushinteger(L, hk_transfer_received(t));
	if (hk_transfer_total(t) < 0)
		luaL_pushfail(L);
	else
		lua_pushinteger(L, hk_transfer_total(t));
	lua_pushnumber(L, (lua_Number)hk_transfer_held_ms(t) / 1000);
	return 3;
}

/* --- transfer: the answers -------------------------------------------------------------------------- */

static int transfer_authorize(lua_State *L)
{
	struct hk_err err = {0};
	struct hk_transfer *t;
	const char *value;

	lhk_check(L, 1, LHK_TRANSFER);
	value = lhk_check_text(L, 2);
	t = lhk_check(L, 1, LHK_TRANSFER);
	return lhk_result(L, hk_transfer_authorize(t, value, &err), &err);
}

static int transfer_follow(lua_State *L)
{
	struct hk_err err = {0};

	return lhk_result(L, hk_transfer_follow(lhk_check(L, 1, LHK_TRANSFER), &err), &err);
}

static int transfer_retry(lua_State *L)
{
	struct hk_transfer *t = lhk_check(L, 1, LHK_TRANSFER);
	lua_Number seconds = luaL_checknumber(L, 2);
	struct hk_err err = {0};

	luaL_argcheck(L, seconds >= 0 && seconds < 1e6, 2, "not a number of seconds");
	return lhk_result(L, hk_transfer_retry(t, (long)(seconds * 1000), &err), &err);
}

/* The error object at `arg` as the core's struct. */
static void to_error(lua_State *L, int arg, struct hk_err *why)
{
	luaL_checktype(L, arg, LUA_TTABLE);
	lua_getfield(L, arg, "message");
	lua_getfield(L, arg, "code");
	hk_err_set(why, lhk_check_code(L, -1), "%s", luaL_checkstring(L, -2));
	lua_getfield(L, arg, "http");
	why->http = (int)lua_tointeger(L, -1);
	lua_getfield(L, arg, "sys");
	why->sys = (int)lua_tointeger(L, -1);
}

static int transfer_fail(lua_State *L)
{
	struct hk_err why = {0}, err = {0};

	lhk_check(L, 1, LHK_TRANSFER);
	to_error(L, 2, &why);
	return lhk_result(L, hk_transfer_fail(lhk_check(L, 1, LHK_TRANSFER), &why, &err), &err);
}

static int transfer_stop(lua_State *L)
{
	lua_pushboolean(L, hk_transfer_stop(lhk_check(L, 1, LHK_TRANSFER)));
	return 1;
}

static void transfer_free(void *p)
{
	hk_transfer_free(p);
}

static int transfer_close(lua_State *L)
{
	struct hk_transfer *t = lhk_test(L, 1, LHK_TRANSFER);

	if (t && lua_getiuservalue(L, 1, UV_SESSION) == LUA_TUSERDATA) {
		lua_getiuservalue(L, -1, UV_TRANSFERS);
		lua_pushnil(L);
		lua_rawsetp(L, -2, hk_transfer_user(t));
	}
	return lhk_close(L);
}

/* --- kinds -------------------------------------------------------------------------------------------- */

static const luaL_Reg session_methods[] = {
	{"start", session_start},
	{"trust", session_trust},
	{"step", session_step},
	{"active", session_active},
	{"spare", session_spare},
	{NULL, NULL},
};

static const luaL_Reg transfer_methods[] = {
	{"response", transfer_response},
	{"error", transfer_error},
	{"target", transfer_target},
	{"delay", transfer_delay},
	{"progress", transfer_progress},
	{"authorize", transfer_authorize},
	{"follow", transfer_follow},
	{"retry", transfer_retry},
	{"fail", transfer_fail},
	{"stop", transfer_stop},
	{NULL, NULL},
};

void lhk_open_session(lua_State *L)
{
	lhk_kind(L, LHK_SESSION, session_methods, lhk_close, session_free);
	lhk_kind(L, LHK_TRANSFER, transfer_methods, transfer_close, transfer_free);
}
