/*
 * loutput: what a chain ends in: memory, a meter, a pipe, a file, a tar in a file or on its way, a directory.
 * C counts the references, so the order in which Lua collects these and their sinks does not matter.
 */
#include "lhk.h"

#include <string.h>
#include <unistd.h>

#define PIPE_MAX (1 << 30)

/* [-0, +1] A new, empty object, to be made of the one at 1. */
static struct lhk_box *new_of(lua_State *L, const char *kind, const char *of)
{
	lhk_check(L, 1, of);
	return lhk_new(L, kind, 0);
}

/* --- memory --------------------------------------------------------------------------------- */

int lhk_new_buffer(lua_State *L)
{
	lua_Integer max = luaL_checkinteger(L, 1);
	struct lhk_box *box;
	struct hk_err err = {0};

	luaL_argcheck(L, max >= 0, 1, "not a size");
	box = lhk_new(L, LHK_BUFFER, 0);
	box->p = hk_mem_new((size_t)max, &err);
	return lhk_must(L, box, &err);
}

static int buffer_sink(lua_State *L)
{
	struct lhk_box *box = new_of(L, LHK_SINK, LHK_BUFFER);
	struct hk_err err = {0};

	box->p = hk_sink_mem(lhk_check(L, 1, LHK_BUFFER), &err);
	return lhk_must(L, box, &err);
}

static int buffer_data(lua_State *L)
{
	const struct hk_buf *b = hk_mem_buf(lhk_check(L, 1, LHK_BUFFER));

	luaL_argcheck(L, b, 1, "it is being filled: finish or close its sink first");
	lua_pushlstring(L, b->data ? b->data : "", b->len);
	return 1;
}

static void buffer_free(void *p)
{
	hk_mem_unref(p);
}

/* --- meter ----------------------------------------------------------------------------------- */

int lhk_new_meter(lua_State *L)
{
	int hashes = lua_toboolean(L, 1);
	struct lhk_box *box = lhk_new(L, LHK_METER, 0);
	struct hk_err err = {0};

	box->p = hk_meter_new(hashes, &err);
	return lhk_must(L, box, &err);
}

static int meter_sink(lua_State *L)
{
	struct lhk_box *box = new_of(L, LHK_SINK, LHK_METER);
	struct hk_err err = {0};

	box->p = hk_meter_sink(lhk_check(L, 1, LHK_METER), &err);
	return lhk_must(L, box, &err);
}

static int meter_size(lua_State *L)
{
	int64_t size = hk_meter_size(lhk_check(L, 1, LHK_METER));

	luaL_argcheck(L, size >= 0, 1, "no sink of it has finished");
	lua_pushinteger(L, size);
	return 1;
}

static int meter_digest(lua_State *L)
{
	const struct hk_digest *digest = hk_meter_digest(lhk_check(L, 1, LHK_METER));
	char text[HK_DIGEST_TEXT];

	luaL_argcheck(L, digest, 1, "it does not hash, or no sink of it has finished");
	hk_digest_text(digest, text);
	lua_pushstring(L, text);
	return 1;
}

static void meter_free(void *p)
{
	hk_meter_unref(p);
}

/* --- pipe ------------------------------------------------------------------------------------- */

int lhk_new_pipe(lua_State *L)
{
	lua_Integer bytes = luaL_checkinteger(L, 1);
	struct lhk_box *box;
	struct hk_err err = {0};

	luaL_argcheck(L, bytes > 0 && bytes <= PIPE_MAX, 1, "not a sensible size");
	box = lhk_new(L, LHK_PIPE, 0);
	box->p = hk_pipe_new((size_t)bytes, &err);
	return lhk_must(L, box, &err);
}

static int pipe_sink(lua_State *L)
{
	struct lhk_box *box = new_of(L, LHK_SINK, LHK_PIPE);
	struct hk_err err = {0};

	box->p = hk_pipe_sink(lhk_check(L, 1, LHK_PIPE), &err);
	return lhk_must(L, box, &err);
}

/* Moves what is in the pipe to the buffer. */
static int empty_pipe(struct hk_pipe *p, struct hk_buf *b, struct hk_err *err)
{
	const void *data;
	size_t len;
	int rc = hk_pipe_peek(p, &data, &len, err);

	if (rc == HK_OK)
		rc = hk_buf_add(b, data, len, err);
	if (rc == HK_OK)
		hk_pipe_drop(p, len);
	return rc;
}

/* pipe:read(): bytes; or false where there are none now; or nil at the end; or nil and an error. */
static int pipe_read(lua_State *L)
{
	struct hk_err err = {0};
	struct hk_buf *b;
	int rc;

	lhk_check(L, 1, LHK_PIPE);
	b = lhk_new_buf(L, PIPE_MAX, false);
	rc = empty_pipe(lhk_check(L, 1, LHK_PIPE), b, &err);
	if (rc == HK_AGAIN)
		lua_pushboolean(L, false);
	else if (rc == HK_OK && b->len == 0)
		luaL_pushfail(L);
	else
		return lhk_buf_result(L, rc, b, &err);
	return 1;
}

static void pipe_free(void *p)
{
	hk_pipe_unref(p);
}

/* --- file ------------------------------------------------------------------------------------- */

int lhk_new_file(lua_State *L)
{
	const char *path = lhk_check_text(L, 1);
	struct lhk_box *box = lhk_new(L, LHK_FILE, 0);
	int out = lhk_descriptor(L, STDOUT_FILENO);
	struct hk_err err = {0};

	if (strcmp(path, "-") == 0 && out != STDOUT_FILENO)
		path = lua_pushfstring(L, "/proc/self/fd/%d", out);
	box->p = hk_file_create(path, &err);
	lua_settop(L, 2);
	return lhk_made(L, box, &err);
}

static int file_sink(lua_State *L)
{
	struct lhk_box *box = new_of(L, LHK_SINK, LHK_FILE);
	struct hk_err err = {0};

	box->p = hk_sink_file(lhk_check(L, 1, LHK_FILE), &err);
	return lhk_must(L, box, &err);
}

static int file_make_executable(lua_State *L)
{
	hk_file_make_executable(lhk_check(L, 1, LHK_FILE));
	return 0;
}

static int file_lock(lua_State *L)
{
	struct hk_file *f = lhk_check(L, 1, LHK_FILE);
	struct hk_err err = {0};

	return lhk_result(L, hk_file_lock(f, &err), &err);
}

static int file_commit(lua_State *L)
{
	struct hk_file *f = lhk_check(L, 1, LHK_FILE);
	struct hk_err err = {0};

	return lhk_result(L, hk_file_commit(f, &err), &err);
}

static void file_free(void *p)
{
	hk_file_unref(p);
}

/* --- tar -------------------------------------------------------------------------------------- */

int lhk_new_tar(lua_State *L)
{
	struct lhk_box *box = new_of(L, LHK_TAR, LHK_FILE);
	struct hk_err err = {0};

	box->p = hk_tar_new(lhk_check(L, 1, LHK_FILE), &err);
	return lhk_made(L, box, &err);
}

static int tar_member(lua_State *L)
{
	struct lhk_box *box;
	struct hk_err err = {0};
	struct hk_tar *t;
	const char *name;
	lua_Integer size;
	size_t index;

	lhk_check(L, 1, LHK_TAR);
	name = lhk_check_text(L, 2);
	size = luaL_optinteger(L, 3, -1);
	luaL_argcheck(L, size >= 0 || lua_isnoneornil(L, 3), 3, "not a size");
	box = lhk_new(L, LHK_SINK, 0);
	t = lhk_check(L, 1, LHK_TAR);
	if (hk_tar_add(t, name, size, &index, &err) == HK_OK)
		box->p = hk_tar_sink(t, index, &err);
	return lhk_made(L, box, &err);
}

static int tar_sink(lua_State *L)
{
	struct hk_err err = {0};
	struct lhk_box *box;
	lua_Integer index;

	lhk_check(L, 1, LHK_TAR);
	index = luaL_checkinteger(L, 2);
	luaL_argcheck(L, index > 0, 2, "not a member");
	box = lhk_new(L, LHK_SINK, 0);
	box->p = hk_tar_sink(lhk_check(L, 1, LHK_TAR), (size_t)index - 1, &err);
	return lhk_made(L, box, &err);
}

/* tar:next{type, mode, uid, gid, mtime, target}. */
static int tar_next(lua_State *L)
{
	static const char *const options[] = {
		"type", "mode", "uid", "gid", "mtime", "target", NULL};
	static const char *const names[] = {"file", "link", "symlink", "directory", NULL};
	static const char types[] = "0125";
	static const unsigned modes[] = {0644, 0644, 0777, 0755};
	struct hk_tar_kind kind = {0};
	struct hk_err err = {0};
	lua_Integer uid, gid;
	int type;

	lhk_check(L, 1, LHK_TAR);
	lua_settop(L, 2);
	luaL_checktype(L, 2, LUA_TTABLE);
	lhk_check_options(L, 2, options);
	lua_getfield(L, 2, "type");
	type = luaL_checkoption(L, -1, "file", names);
	kind.type = types[type];
	kind.mode = (unsigned)lhk_opt_integer(L, 2, "mode", modes[type]);
	uid = lhk_opt_integer(L, 2, "uid", 0);
	gid = lhk_opt_integer(L, 2, "gid", 0);
	luaL_argcheck(L, uid >= 0 && uid <= UINT_MAX && gid >= 0 && gid <= UINT_MAX, 2,
		"not an owner");
	kind.uid = (unsigned)uid;
	kind.gid = (unsigned)gid;
	lua_getfield(L, 2, "mtime"); /* may be before 1970 */
	kind.mtime = luaL_optinteger(L, -1, 0);
	kind.target = lhk_opt_string(L, 2, "target", NULL);
	return lhk_result(L, hk_tar_next(lhk_check(L, 1, LHK_TAR), &kind, &err), &err);
}

static int tar_put(lua_State *L)
{
	struct hk_err err = {0};
	const char *name, *data;
	size_t len;

	lhk_check(L, 1, LHK_TAR);
	name = lhk_check_text(L, 2);
	data = luaL_checklstring(L, 3, &len);
	return lhk_result(L, hk_tar_put(lhk_check(L, 1, LHK_TAR), name, data, len, &err), &err);
}

static int tar_finish(lua_State *L)
{
	struct hk_tar *t = lhk_check(L, 1, LHK_TAR);
	struct hk_err err = {0};

	return lhk_result(L, hk_tar_finish(t, &err), &err);
}

static void tar_free(void *p)
{
	hk_tar_unref(p);
}

/* --- tar stream ------------------------------------------------------------------------------- */

int lhk_new_tar_stream(lua_State *L)
{
	struct hk_err err = {0};
	struct lhk_box *box;

	lhk_check(L, 1, LHK_SINK);
	box = lhk_new(L, LHK_STREAM, 0);
	box->p = hk_tar_stream_new(lhk_take(L, 1, LHK_SINK), &err);
	return lhk_must(L, box, &err);
}

static int stream_member(lua_State *L)
{
	struct lhk_box *box;
	struct hk_err err = {0};
	struct hk_tar_stream *t;
	const char *name;
	lua_Integer size;
	size_t index;

	lhk_check(L, 1, LHK_STREAM);
	name = lhk_check_text(L, 2);
	size = luaL_checkinteger(L, 3);
	luaL_argcheck(L, size >= 0, 3, "not a size");
	box = lhk_new(L, LHK_SINK, 0);
	t = lhk_check(L, 1, LHK_STREAM);
	if (hk_tar_stream_add(t, name, size, &index, &err) == HK_OK)
		box->p = hk_tar_stream_sink(t, index, &err);
	return lhk_made(L, box, &err);
}

static int stream_put(lua_State *L)
{
	struct hk_err err = {0};
	struct hk_tar_stream *t;
	const char *name, *data;
	size_t len;

	lhk_check(L, 1, LHK_STREAM);
	name = lhk_check_text(L, 2);
	data = luaL_checklstring(L, 3, &len);
	t = lhk_check(L, 1, LHK_STREAM);
	return lhk_result(L, hk_tar_stream_put(t, name, data, len, &err), &err);
}

static int stream_finish(lua_State *L)
{
	struct hk_tar_stream *t = lhk_check(L, 1, LHK_STREAM);
	struct hk_err err = {0};

	return lhk_result(L, hk_tar_stream_finish(t, &err), &err);
}

static void stream_free(void *p)
{
	hk_tar_stream_unref(p);
}

/* --- directory -------------------------------------------------------------------------------- */

int lhk_new_dir(lua_State *L)
{
	const char *path = lhk_check_text(L, 1);
	struct lhk_box *box = lhk_new(L, LHK_DIR, 0);
	struct hk_err err = {0};

	box->p = hk_dir_create(path, &err);
	return lhk_made(L, box, &err);
}

static int dir_exists(lua_State *L)
{
	lua_pushboolean(L, hk_dir_exists(lhk_check(L, 1, LHK_DIR)));
	return 1;
}

static int dir_read(lua_State *L)
{
	struct hk_err err = {0};
	const char *name;
	struct hk_dir *d;

	lhk_check(L, 1, LHK_DIR);
	name = lhk_check_text(L, 2);
	d = lhk_check(L, 1, LHK_DIR);
	return lhk_result(L, hk_dir_read(d, name, lhk_take(L, 3, LHK_SINK), &err), &err);
}

static int dir_sink(lua_State *L)
{
	struct hk_err err = {0};
	struct lhk_box *box;
	const char *name;

	lhk_check(L, 1, LHK_DIR);
	name = lhk_check_text(L, 2);
	box = lhk_new(L, LHK_SINK, 0);
	box->p = hk_dir_sink(lhk_check(L, 1, LHK_DIR), name, &err);
	return lhk_made(L, box, &err);
}

static int dir_lock(lua_State *L)
{
	struct hk_dir *d = lhk_check(L, 1, LHK_DIR);
	struct hk_err err = {0};

	return lhk_result(L, hk_dir_lock(d, &err), &err);
}

static int dir_commit(lua_State *L)
{
	struct hk_dir *d = lhk_check(L, 1, LHK_DIR);
	struct hk_err err = {0};

	return lhk_result(L, hk_dir_commit(d, &err), &err);
}

static void dir_free(void *p)
{
	hk_dir_unref(p);
}

/* --- kinds ------------------------------------------------------------------------------------ */

static const luaL_Reg buffer_methods[] = {
	{"sink", buffer_sink},
	{"data", buffer_data},
	{NULL, NULL},
};

static const luaL_Reg meter_methods[] = {
	{"sink", meter_sink},
	{"size", meter_size},
	{"digest", meter_digest},
	{NULL, NULL},
};

static const luaL_Reg pipe_methods[] = {
	{"sink", pipe_sink},
	{"read", pipe_read},
	{NULL, NULL},
};

static const luaL_Reg file_methods[] = {
	{"sink", file_sink},
	{"make_executable", file_make_executable},
	{"lock", file_lock},
	{"commit", file_commit},
	{NULL, NULL},
};

static const luaL_Reg tar_methods[] = {
	{"member", tar_member},
	{"sink", tar_sink},
	{"next", tar_next},
	{"put", tar_put},
	{"finish", tar_finish},
	{NULL, NULL},
};

static const luaL_Reg stream_methods[] = {
	{"member", stream_member},
	{"put", stream_put},
	{"finish", stream_finish},
	{NULL, NULL},
};

static const luaL_Reg dir_methods[] = {
	{"exists", dir_exists},
	{"read", dir_read},
	{"sink", dir_sink},
	{"lock", dir_lock},
	{"commit", dir_commit},
	{NULL, NULL},
};

void lhk_open_output(lua_State *L)
{
	lhk_kind(L, LHK_BUFFER, buffer_methods, lhk_close, buffer_free);
	lhk_kind(L, LHK_METER, meter_methods, lhk_close, meter_free);
	lhk_kind(L, LHK_PIPE, pipe_methods, lhk_close, pipe_free);
	lhk_kind(L, LHK_FILE, file_methods, lhk_close, file_free);
	lhk_kind(L, LHK_TAR, tar_methods, lhk_close, tar_free);
	lhk_kind(L, LHK_STREAM, stream_methods, lhk_close, stream_free);
	lhk_kind(L, LHK_DIR, dir_methods, lhk_close, dir_free);
}
