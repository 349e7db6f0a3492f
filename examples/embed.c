/*
 * embed: hocker in a C program. Prints the digest of an image, and refuses images that
 * the house has no use for: a policy of the program's own, in the form of a command.
 *
 *     cc -o embed embed.c $(pkg-config --cflags --libs hocker)
 *     ./embed debian:12
 */
#include <hocker/hocker.h>
#include <hocker/host.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

static const char digest_command[] =
	"local house = require 'house'\n"
	"local options = require 'hocker.options'\n"
	"return {\n"
	"  summary = \"print an image's digest\",\n"
	"  args = { options.image, options.fetch },\n"
	"  run = function(ctx, args)\n"
	"    local registry, err = ctx:registry(args)\n"
	"    if not registry then return nil, err end\n"
	"    local ok, why = house.accepts(registry.ref.path)\n"
	"    if not ok then return nil, require('hocker.core').error('refused', why) "
	"end\n"
	"    local document\n"
	"    document, err = registry:document()\n"
	"    if not document then return nil, err end\n"
	"    ctx.out:write(document.digest, '\\n')\n"
	"    return true\n"
	"  end,\n"
	"}\n";

/* accepts(repository): true, or nil and why not */
static int accepts(lua_State *L)
{
	const char *repository = luaL_checkstring(L, 1);

	if (strncmp(repository, "forbidden/", 10) != 0) {
		lua_pushboolean(L, 1);
		return 1;
	}
	luaL_pushfail(L);
	lua_pushfstring(L, "%s is not for this house", repository);
	return 2;
}

/* The module `house`. */
static int open_house(lua_State *L)
{
	static const luaL_Reg functions[] = {{"accepts", accepts}, {NULL, NULL}};

	luaL_newlib(L, functions);
	return 1;
}

int main(int argc, char **argv)
{
	const char *words[] = {"hocker", "digest", "--no-user-scripts",
		argc > 1 ? argv[1] : "debian:12"};
	struct hk_host_output got = {0};
	struct hk_err err = {0};
	lua_State *L = hk_host_new();
	int code = 1;

	if (!L) {
		fputs("embed: out of memory\n", stderr);
		return 1;
	}
	if (hk_host_provide(L, "house", open_house, &err) != HK_OK ||
		hk_host_provide_text(L, "commands/digest", digest_command,
			strlen(digest_command), &err) != HK_OK) {
		fprintf(stderr, "embed: %s\n", err.msg);
	} else {
		code = hk_host_run(L, 4, words, &got);
		printf("exit code %d\n%s%s", code, got.out ? got.out : "",
			got.err ? got.err : "");
		hk_host_output_free(&got);
	}
	hk_host_free(L);
	return code;
}
