/*
 * lhk: what all bindings share. A binding checks its arguments, calls the core, converts the
 * result, and holds no rule of its own.
 *
 * Memory: a userdata is made first, empty and with its metatable, and the C object put in after,
 * so that an error in between leaks nothing. __gc, __close and :close() are one idempotent
 * function. No core function is on the C stack while Lua may raise. Lua needs memory to call a
 * finalizer, and calls none of an object that is made while the state closes; so all objects are in
 * a list too, and what is left of it goes with the state.
 *
 * Wherever Lua allocates, converts or indexes, a finalizer or a metamethod may run, which may close
 * any object and change any table. So an object's pointer is fetched last, in the call that it is for,
 * after a check that tells misuse first; what C lends is copied before Lua is asked for more; and
 * what C borrows from Lua stays on the stack.
 */
#ifndef LHK_H
#define LHK_H

#include <lauxlib.h>
#include <lua.h>

#include "../core/hocker.h"

#define LHK_ERROR    "hocker.Error"
#define LHK_BUF	     "hocker.buf"
#define LHK_HASH     "hocker.Hash"
#define LHK_SINK     "hocker.Sink"
#define LHK_JOIN     "hocker.Join"
#define LHK_BUFFER   "hocker.Buffer"
#define LHK_METER    "hocker.Meter"
#define LHK_PIPE     "hocker.Pipe"
#define LHK_FILE     "hocker.File"
#define LHK_TAR	     "hocker.Tar"
#define LHK_STREAM   "hocker.TarStream"
#define LHK_DIR	     "hocker.Dir"
#define LHK_SESSION  "hocker.Session"
#define LHK_TRANSFER "hocker.Transfer"

/* Every object is one pointer; NULL is closed, given away, or not yet made. */
struct lhk_box {
	void *p;
	void (*free)(void *p);
	struct lhk_box *next, **at; /* in the state's list, newest first */
};

/* [-0, +1] A new, empty userdata of that kind with `nuv` user values. */
struct lhk_box *lhk_new(lua_State *L, const char *kind, int nuv);

/* The pointer of the open object at `arg`; raises for another type or a closed one. */
void *lhk_check(lua_State *L, int arg, const char *kind);

/* That pointer, or NULL for anything else. */
void *lhk_test(lua_State *L, int arg, const char *kind);

/* The pointer of the object at `arg`, which is NULL from now on: the object is spent. */
void *lhk_take(lua_State *L, int arg, const char *kind);

/* [-0, +1] The error object. */
void lhk_push_error(lua_State *L, const struct hk_err *err);

/* The code whose stable name is at `arg`; raises for another string. */
int lhk_check_code(lua_State *L, int arg);

/* nil, err; but no memory is raised, as Lua does: nobody expects a URL, say, to be wrong for that. */
int lhk_fail(lua_State *L, const struct hk_err *err);

/* Raises the error object. */
int lhk_raise(lua_State *L, const struct hk_err *err);

/* true, or nil, err */
int lhk_result(lua_State *L, int rc, const struct hk_err *err);

/* The object on the top, or nil, err when it stayed empty. */
int lhk_made(lua_State *L, const struct lhk_box *box, const struct hk_err *err);

/* The object on the top; raises the error object when it stayed empty: for constructors that
 * only fail when memory or threads run out. */
int lhk_must(lua_State *L, const struct lhk_box *box, const struct hk_err *err);

/* [-0, +1] A growing buffer that Lua frees whatever happens, cleansed if it is secret. */
struct hk_buf *lhk_new_buf(lua_State *L, size_t max, bool secret);

/* What is in the buffer, as a string, or nil, err; the buffer's memory is given back. */
int lhk_buf_result(lua_State *L, int rc, struct hk_buf *b, const struct hk_err *err);

/* The string at `arg`; raises for another type and for a NUL, which C would cut it at. */
const char *lhk_check_text(lua_State *L, int arg);

/* Raises unless `arg` is a table (or absent) whose keys are all in the NULL-terminated list. */
void lhk_check_options(lua_State *L, int arg, const char *const *names);

/* [-0, +1] The field of the table (or nothing) at `arg`, and its type. Raw: an option has to be in
 * its table. */
int lhk_field(lua_State *L, int arg, const char *name);

/* [-0, +1] That field, a string without a zero byte, or `absent`. A wrong type raises. */
const char *lhk_opt_string(lua_State *L, int arg, const char *name, const char *absent);

/* [-0, +1] That field, a list of such strings, as C wants it, with its NULL; or NULL. A wrong type
 * raises. */
const char **lhk_opt_strings(lua_State *L, int arg, const char *name);

/* Fields of the table at `arg`; absent ones give the default. A wrong type raises. */
lua_Integer lhk_opt_integer(lua_State *L, int arg, const char *name, lua_Integer absent);
long lhk_opt_ms(lua_State *L, int arg, const char *name);
int lhk_opt_boolean(lua_State *L, int arg, const char *name);

/* The descriptor that is standard output (1) or standard error (2) to this state; others are what
 * they are. Never raises. */
int lhk_descriptor(lua_State *L, int fd);

/* Lets `other` be that descriptor. */
void lhk_set_descriptor(lua_State *L, int fd, int other);

/* Parses the digest at `arg`; HK_EVERIFY for another string. */
int lhk_to_digest(lua_State *L, int arg, struct hk_digest *d, struct hk_err *err);

/* [-0, +0] Makes the metatable of a kind: methods, and `close` for __gc, __close, :close(), which is
 * lhk_close or calls it. `free` frees the pointer. */
void lhk_kind(lua_State *L, const char *kind, const luaL_Reg *methods, lua_CFunction close,
	void (*free)(void *p));
int lhk_close(lua_State *L);

/* [-0, +1] Each pushes its part of hocker.core, or nothing and only makes its kinds. */
void lhk_open_base(lua_State *L);
int lhk_open_digest(lua_State *L);
int lhk_open_url(lua_State *L);
int lhk_open_auth(lua_State *L);
int lhk_open_script(lua_State *L);
int lhk_open_signature(lua_State *L);
int lhk_open_sink(lua_State *L);
int lhk_open_system(lua_State *L);
int lhk_new_error(lua_State *L);
void lhk_add_data(lua_State *L); /* [-0, +0] to the table on the top */
int lhk_new_join(lua_State *L);
int lhk_new_buffer(lua_State *L);
int lhk_new_meter(lua_State *L);
int lhk_new_pipe(lua_State *L);
int lhk_new_file(lua_State *L);
int lhk_new_tar(lua_State *L);
int lhk_new_tar_stream(lua_State *L);
int lhk_new_dir(lua_State *L);
int lhk_new_session(lua_State *L);
void lhk_open_join(lua_State *L);
void lhk_open_output(lua_State *L);
void lhk_open_session(lua_State *L);

HK_API int luaopen_hocker_core(lua_State *L);

#endif
