/*
 * loutput: what a chain ends in: memory, a meter, a pipe, a file, a tar in a file or on its way, a directory.
 * C counts the references, so the order in which Lua collects these and their sinks does not matter.
 */
#include "lhk.h"

#include <string.h>
#include <unistd.h>

/* Wraps a sink made from an output; the box was pushed before. */
static int made_sink(lua_State *L, struct lhk_box *box, struct hk_sink *sink, struct hk_err *err)
{
	box->p = sink;
	return lhk_must(L, box, err);
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
	struct hk_mem *m = lhk_check(L, 1, LHK_BUFFER);
	struct hk_err err = {0};
	struct lhk_box *box = lhk_new(L, LHK_SINK, 0);

	return made_sink(L, box, hk_sink_mem(m, &err), &err);
}

static int buffer_data(lua_State *L)
{
	const struct hk_buf *b = hk_mem_buf(lhk_check(L, 1, LHK_BUFFER));

	luaL_argcheck(L, b, 1, "it is being filled: finish or close its sink first");
	lua_pushlstring(L, b->data ? b->data : "", b->len);
	return 1;
}

static int buffer_close(lua_State *L)
{
	struct lhk_box *box = luaL_checkudata(L, 1, LHK_BUFFER);

	hk_mem_unref(box->p);
	box->p = NULL;
	return 0;
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
	struct hk_meter *m = lhk_check(L, 1, LHK_METER);
	struct hk_err err = {0};
	struct lhk_box *box = lhk_new(L, LHK_SINK, 0);

	return made_sink(L, box, hk_meter_sink(m, &err), &err);
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

static int meter_close(lua_State *L)
{
	struct lhk_box *box = luaL_checkudata(L, 1, LHK_METER);

	hk_meter_unref(box->p);
	box->p = NULL;
	return 0;
}

/* --- pipe ------------------------------------------------------------------------------------- */

int lhk_new_pipe(lua_State *L)
{
	lua_Integer bytes = luaL_checkinteger(L, 1);
	struct lhk_box *box;
	struct hk_err err = {0};

	luaL_argcheck(L, bytes > 0 && bytes <= 1 << 30, 1, "not a sensible size");
	box = lhk_new(L, LHK_PIPE, 0);
	box->p = hk_pipe_new((size_t)bytes, &err);
	return lhk_must(L, box, &err);
}

static int pipe_sink(lua_State *L)
{
	struct hk_pipe *p = lhk_check(L, 1, LHK_PIPE);
	struct hk_err err = {0};
	struct lhk_box *box = lhk_new(L, LHK_SINK, 0);

	return made_sink(L, box, hk_pipe_sink(p, &err), &err);
}

/* pipe:read(): bytes; or false where there are none now; or nil at the end; or nil and an error. */
static int pipe_read(lua_State *L)
{
	struct hk_pipe *p = lhk_check(L, 1, LHK_PIPE);
	struct hk_err err = {0};
	const void *data;
	size_t len;
	int rc = hk_pipe_peek(p, &data, &len, &err);

	if (rc == HK_AGAIN) {
		lua_pushboolean(L, false);
		return 1;
	}
	if (rc != HK_OK)
		return lhk_fail(L, &err);
	if (len == 0) {
		luaL_pushfail(L);
		return 1;
	}
	lua_pushlstring(L, data, len);
	hk_pipe_drop(p, len);
	return 1;
}

static int pipe_close(lua_State *L)
{
	struct lhk_box *box = luaL_checkudata(L, 1, LHK_PIPE);

	hk_pipe_unref(box->p);
	box->p = NULL;
	return 0;
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
	struct hk_file *f = lhk_check(L, 1, LHK_FILE);
	struct hk_err err = {0};
	struct lhk_box *box = lhk_new(L, LHK_SINK, 0);

	return made_sink(L, box, hk_sink_file(f, &err), &err);
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

static int file_close(lua_State *L)
{
	struct lhk_box *box = luaL_checkudata(L, 1, LHK_FILE);

	hk_file_unref(box->p);
	box->p = NULL;
	return 0;
}

/* --- tar -------------------------------------------------------------------------------------- */

int lhk_new_tar(lua_State *L)
{
	struct hk_file *f = lhk_check(L, 1, LHK_FILE);
	struct lhk_box *box = lhk_new(L, LHK_TAR, 0);
	struct hk_err err = {0};

	box->p = hk_tar_new(f, &err);
	return lhk_made(L, box, &err);
}

static int tar_member(lua_State *L)
{
	struct hk_tar *t = lhk_check(L, 1, LHK_TAR);
	const char *name = lhk_check_text(L, 2);
	lua_Integer size = luaL_optinteger(L, 3, -1);
	struct lhk_box *box;
	struct hk_err err = {0};
	size_t index;

	luaL_argcheck(L, size >= 0 || lua_isnoneornil(L, 3), 3, "not a size");
	box = lhk_new(L, LHK_SINK, 0);
	if (hk_tar_add(t, name, size, &index, &err) == HK_OK)
		box->p = hk_tar_sink(t, index, &err);
	return lhk_made(L, box, &err);
}

static int tar_sink(lua_State *L)
{
	struct hk_tar *t = lhk_check(L, 1, LHK_TAR);
	lua_Integer index = luaL_checkinteger(L, 2);
	struct lhk_box *box;
	struct hk_err err = {0};

	luaL_argcheck(L, index > 0, 2, "not a member");
	box = lhk_new(L, LHK_SINK, 0);
	box->p = hk_tar_sink(t, (size_t)index - 1, &err);
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
	struct hk_tar *t = lhk_check(L, 1, LHK_TAR);
	const char *name = lhk_check_text(L, 2), *data;
	struct hk_err err = {0};
	size_t len;

	data = luaL_checklstring(L, 3, &len);
	return lhk_result(L, hk_tar_put(t, name, data, len, &err), &err);
}

static int tar_finish(lua_State *L)
{
	struct hk_tar *t = lhk_check(L, 1, LHK_TAR);
	struct hk_err err = {0};

	return lhk_result(L, hk_tar_finish(t, &err), &err);
}

static int tar_close(lua_State *L)
{
	struct lhk_box *box = luaL_checkudata(L, 1, LHK_TAR);

	hk_tar_unref(box->p);
	box->p = NULL;
	return 0;
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
	struct hk_tar_stream *t = lhk_check(L, 1, LHK_STREAM);
	const char *name = lhk_check_text(L, 2);
	lua_Integer size = luaL_checkinteger(L, 3);
	struct lhk_box *box;
	struct hk_err err = {0};
	size_t index;

	luaL_argcheck(L, size >= 0, 3, "not a size");
	box = lhk_new(L, LHK_SINK, 0);
	if (hk_tar_stream_add(t, name, size, &index, &err) == HK_OK)
		box->p = hk_tar_stream_sink(t, index, &err);
	return lhk_made(L, box, &err);
}

static int stream_put(lua_State *L)
{
	struct hk_tar_stream *t = lhk_check(L, 1, LHK_STREAM);
	const char *name = lhk_check_text(L, 2), *data;
	struct hk_err err = {0};
	size_t len;

	data = luaL_checklstring(L, 3, &len);
	return lhk_result(L, hk_tar_stream_put(t, name, data, len, &err), &err);
}

static int stream_finish(lua_State *L)
{
	struct hk_tar_stream *t = lhk_check(L, 1, LHK_STREAM);
	struct hk_err err = {0};

	return lhk_result(L, hk_tar_stream_finish(t, &err), &err);
}

static int stream_close(lua_State *L)
{
	struct lhk_box *box = luaL_checkudata(L, 1, LHK_STREAM);

	hk_tar_stream_unref(box->p);
	box->p = NULL;
	return 0;
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
	struct hk_dir *d = lhk_check(L, 1, LHK_DIR);
	const char *name = lhk_check_text(L, 2);
	struct hk_err err = {0};

	return lhk_result(L, hk_dir_read(d, name, lhk_take(L, 3, LHK_SINK), &err), &err);
}

static int dir_sink(lua_State *L)
{
	struct hk_dir *d = lhk_check(L, 1, LHK_DIR);
	const char *name = lhk_check_text(L, 2);
	struct lhk_box *box = lhk_new(L, LHK_SINK, 0);
	struct hk_err err = {0};

	box->p = hk_dir_sink(d, name, &err);
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

static int dir_close(lua_State *L)
{
	struct lhk_box *box = luaL_checkudata(L, 1, LHK_DIR);

	hk_dir_unref(box->p);
	box->p = NULL;
	return 0;
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
	lhk_kind(L, LHK_BUFFER, buffer_methods, buffer_close);
	lhk_kind(L, LHK_METER, meter_methods, meter_close);
	lhk_kind(L, LHK_PIPE, pipe_methods, pipe_close);
	lhk_kind(L, LHK_FILE, file_methods, file_close);
	lhk_kind(L, LHK_TAR, tar_methods, tar_close);
	lhk_kind(L, LHK_STREAM, stream_methods, stream_close);
	lhk_kind(L, LHK_DIR, dir_methods, dir_close);
}
