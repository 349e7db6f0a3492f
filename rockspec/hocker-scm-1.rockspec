rockspec_format = "3.0"
package = "hocker"
version = "scm-1"
source = { url = "." }
description = {
  summary = "Fetches docker and OCI images from registries, verified, without a daemon",
  license = "Apache-2.0",
}
dependencies = { "lua >= 5.4, < 5.5", "lua-cjson >= 2.1" }
-- The module and the scripts; the programs are scripts over them, which run in any Lua 5.4. The C
-- libraries are found by pkg-config; README.md lists them.
build = {
  type = "make",
  build_target = "module",
  build_variables = {
    BUILD = "build/rock", CFLAGS = "$(CFLAGS)", CPPFLAGS = "-I$(LUA_INCDIR)", LUA = "$(LUA)",
    LUA_PKGS = "",
  },
  install_target = "install-rock",
  install_variables = {
    BUILD = "build/rock", CPPFLAGS = "-I$(LUA_INCDIR)", CFLAGS = "$(CFLAGS)", LUA = "$(LUA)",
    LUA_PKGS = "", PREFIX = "$(PREFIX)", LUADIR = "$(LUADIR)", LUACDIR = "$(LIBDIR)",
  },
  install = {
    bin = {
      ["hocker"] = "bindings/main.lua",
      ["hocker-image"] = "bindings/main.lua",
      ["hocker-layer"] = "bindings/main.lua",
      ["hocker-config"] = "bindings/main.lua",
      ["hocker-manifest"] = "bindings/main.lua",
      ["docker2nix"] = "bindings/main.lua",
    },
  },
}
test = { type = "busted" }
