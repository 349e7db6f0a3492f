/*
 * lsignature: verifies signatures.
 */
#include "lhk.h"

static struct hk_bytes check_bytes(lua_State *L, int arg)
{
	struct hk_bytes bytes;

	bytes.data = luaL_checklstring(L, arg, &bytes.len);
	return bytes;
}

static int signature_verify(lua_State *L)
{
	struct hk_err err = {0};
	struct hk_bytes pem = check_bytes(L, 1), data = check_bytes(L, 2);
	struct hk_bytes sig = check_bytes(L, 3);

	return lhk_result(L, hk_signature_verify(&pem, &data, &sig, &err), &err);
}

static const luaL_Reg functions[] = {
	{"verify", signature_verify},
	{NULL, NULL},
};

int lhk_open_signature(lua_State *L)
{
	luaL_newlib(L, functions);
	return 1;
}
