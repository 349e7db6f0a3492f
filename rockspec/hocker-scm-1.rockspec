rockspec_format = "3.0"
package = "hocker"
version = "scm-1"
source = { url = "." }
description = {
  summary = "Fetches docker and OCI images from registries, verified, without a daemon",
  license = "Apache-2.0",
}
dependencies = { "lua >= 5.4, < 5.5", "lua-cjson >= 2.1" }
-- The C libraries are found by pkg-config; README.md lists them.
build = {
  type = "make",
  build_variables = { CFLAGS = "$(CFLAGS)", LUA = "$(LUA)" },
  install_variables = {
    PREFIX = "$(PREFIX)", LUADIR = "$(LUADIR)", LUACDIR = "$(LIBDIR)", MANDIR = "$(PREFIX)/man",
    LUA = "$(LUA)",
  },
}
test = { type = "busted" }
