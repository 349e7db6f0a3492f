/*
 * ldigest: digests and hashes. A digest is a string in Lua; the strict parser stands at every
 * entrance.
 */
#include "lhk.h"

static const char *const algorithms[] = {"sha256", "sha512", NULL};

static int digest_check(lua_State *L)
{
	struct hk_err err = {0};
	struct hk_digest d;

	if (lhk_to_digest(L, 1, &d, &err) != HK_OK)
		return lhk_fail(L, &err);
	lua_settop(L, 1);
	return 1;
}

static int spell(lua_State *L, void (*format)(const struct hk_digest *, char *))
{
	struct hk_err err = {0};
	struct hk_digest d;
	char text[HK_DIGEST_TEXT];

	if (lhk_to_digest(L, 1, &d, &err) != HK_OK)
		return lhk_fail(L, &err);
	format(&d, text);
	lua_pushstring(L, text);
	return 1;
}

static int digest_hex(lua_State *L)
{
	return spell(L, hk_digest_hex);
}

static int digest_nix32(lua_State *L)
{
	return spell(L, hk_digest_nix32);
}

static int digest_sri(lua_State *L)
{
	return spell(L, hk_digest_sri);
}

static void hash_free(void *p)
{
	hk_hash_free(p);
}

static int digest_new(lua_State *L)
{
	enum hk_alg alg = (enum hk_alg)luaL_checkoption(L, 1, "sha256", algorithms);
	struct lhk_box *box = lhk_new(L, LHK_HASH, 0);
	struct hk_err err = {0};

	box->p = hk_hash_new(alg, &err);
	return lhk_must(L, box, &err);
}

static int hash_update(lua_State *L)
{
	struct hk_err err = {0};
	const char *data;
	size_t len;

	lhk_check(L, 1, LHK_HASH);
	data = luaL_checklstring(L, 2, &len);
	if (hk_hash_update(lhk_check(L, 1, LHK_HASH), data, len, &err) != HK_OK)
		return lhk_raise(L, &err);
	lua_settop(L, 1);
	return 1;
}

static int hash_final(lua_State *L)
{
	struct hk_hash *h = lhk_check(L, 1, LHK_HASH);
	struct hk_err err = {0};
	struct hk_digest d;
	char text[HK_DIGEST_TEXT];

	if (hk_hash_final(h, &d, &err) != HK_OK)
		return lhk_raise(L, &err);
	hk_hash_free(lhk_take(L, 1, LHK_HASH));
	hk_digest_text(&d, text);
	lua_pushstring(L, text);
	return 1;
}

/* digest.of(data, algorithm): new, update, final in one. */
static int digest_of(lua_State *L)
{
	luaL_checkstring(L, 1);
	luaL_checkoption(L, 2, "sha256", algorithms);
	lua_settop(L, 2);
	lua_pushcfunction(L, digest_new);
	lua_pushvalue(L, 2);
	lua_call(L, 1, 1);
	lua_replace(L, 2);
	lua_insert(L, 1); /* hash data */
	hash_update(L);
	return hash_final(L);
}

static const luaL_Reg hash_methods[] = {
	{"update", hash_update},
	{"final", hash_final},
	{NULL, NULL},
};

static const luaL_Reg functions[] = {
	{"check", digest_check},
	{"hex", digest_hex},
	{"nix32", digest_nix32},
	{"sri", digest_sri},
	{"new", digest_new},
	{"of", digest_of},
	{NULL, NULL},
};

int lhk_open_digest(lua_State *L)
{
	lhk_kind(L, LHK_HASH, hash_methods, lhk_close, hash_free);
	luaL_newlib(L, functions);
	return 1;
}
