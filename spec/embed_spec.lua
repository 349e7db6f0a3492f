local image = require "support.image"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local tmp = require "support.tmp"

local core = require "hocker.core"

local EXAMPLE <const> = "examples/embed.c"
local FLAGS <const> = program.sanitized and { "-fsanitize=address,undefined" } or {}

--- Installs below `prefix`, or takes it away: what the runner has built, with the same flags.
local function make(target, prefix, ...)
  local argv = { os.getenv("MAKE") or "make", "--silent", "WERROR=1", "PREFIX=" .. prefix,
    "BUILD=" .. (os.getenv("HOCKER_BUILD") or "build"), target, ... }
  if program.sanitized then argv[#argv + 1] = "SANITIZE=address,undefined" end
  return process.check(argv, { env = { MAKEFLAGS = "" } })
end

local function files(dir)
  return process.check { "sh", "-c", 'cd "$0" && find . -type f -o -type l | sort', dir }
end

describe("libhocker", function()
  local prefix, reg, pushed, layer

  lazy_setup(function()
    prefix = tmp.dir("prefix")
    make("install", prefix)
    reg = registry.start()
    local img = image.build()
    pushed, layer = img:push(reg, "demo/app", "v1"), img.layers[1]
    image.build():push(reg, "forbidden/app", "v1")
  end)
  lazy_teardown(function() reg:stop() end)

  local function words(text)
    local list = {}
    for word in text:gmatch("%S+") do list[#list + 1] = word end
    return list
  end

  local function pkg_config(...)
    return words(process.check({ "pkg-config", ... },
      { env = { PKG_CONFIG_PATH = prefix .. "/lib/pkgconfig" } }))
  end

  local function compile(source, ...)
    local binary = tmp.path("embed")
    local argv = { "cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-o", binary, source }
    for _, list in ipairs { FLAGS, ... } do table.move(list, 1, #list, #argv + 1, argv) end
    process.check(argv)
    return binary
  end

  local function run(binary, name)
    local _, opts = program.command("hocker", {}, { cwd = tmp.root(),
      env = { LD_LIBRARY_PATH = prefix .. "/lib" } })
    return process.run({ binary, reg:host() .. name }, opts)
  end

  local function needed(binary)
    return process.check { "readelf", "-d", binary }
  end

  --- What examples/embed.c promises.
  local function works(binary)
    local result = run(binary, "/demo/app:v1")
    assert.same({ "exit code 0\n" .. pushed.digest .. "\n", "", 0 },
      { result.stdout, result.stderr, result.code })
    result = run(binary, "/forbidden/app:v1")
    assert.same({ "exit code 8\nhocker digest: forbidden/app is not for this house\n", 8 },
      { result.stdout, result.code })
    result = run(binary, "/demo/none:v1")
    assert.matches("^exit code 3\nhocker digest: [^\n]*\n$", result.stdout)
  end

  it("does what docs/embedding.md says", function()
    local source = tmp.read("docs/embedding.md"):match("\n```c\n(.-)\n```\n")
    local name = reg:host() .. "/demo/app:v1"
    local file = tmp.file(source:gsub("debian:12", name), "fetch.c")
    local binary = compile(file, pkg_config("--cflags", "--libs", "hocker"))
    local _, opts = program.command("hocker", {}, { env = { LD_LIBRARY_PATH = prefix .. "/lib" } })
    assert.equal("0: " .. program.check("hocker-manifest", { name }),
      process.check({ binary }, opts))
  end)

  it("fetches as core/hocker.h says", function()
    local source = tmp.read("core/hocker.h"):match("\n %* A fetch with [^\n]*(\n.-)\n %* Owner")
    local binary = compile(tmp.file(([[
      #include <hocker/hocker.h>
      #include <stdio.h>
      #include <string.h>
      %s
      int main(int argc, char **argv)
      {
        struct hk_digest digest;
        struct hk_err err = {0};
        int rc = argc == 3 ? hk_digest_parse(&digest, argv[2], strlen(argv[2]), &err) : 1;
        if (rc == HK_OK)
          rc = fetch(argv[1], &digest, &err);
        puts(rc == HK_OK ? "fine" : rc == err.code ? hk_err_name(rc) : "?");
        return 0;
      }]]):format(source:gsub("\n %*", "\n"):gsub("retries = 5", "retries = 1")), "fetch.c"),
      pkg_config("--cflags", "--libs", "hocker"))
    local dir = tmp.dir("fetched")
    local path = reg:url() .. "/v2/demo/app/blobs/" .. layer.digest
    local function fetch(url, digest)
      local _, opts = program.command("hocker", {}, { cwd = dir,
        env = { LD_LIBRARY_PATH = prefix .. "/lib" } })
      return process.check({ binary, url, digest or layer.digest }, opts)
    end
    assert.equal("verification\n", fetch(path, "sha256:" .. ("0"):rep(64)))
    assert.equal("not_found\n", fetch(reg:url() .. "/none"))
    assert.equal("network\n", fetch("http://127.0.0.1:1/x"))
    assert.same({}, tmp.list(dir))
    assert.equal("fine\n", fetch(path))
    assert.equal(layer.digest, require("hocker.digest").of(tmp.read(dir .. "/layer.tgz")))
  end)

  it("has all functions of its host in docs/embedding.md", function()
    local text = tmp.read("docs/embedding.md")
    for name in tmp.read("bindings/host.h"):gmatch("(hk_host_[%w_]+)%(") do
      assert.matches("\n| `" .. name .. "` | ", text, 1, true)
    end
  end)

  it("is linked into the example", function()
    local binary = compile(EXAMPLE, pkg_config("--cflags", "--libs", "hocker"))
    assert.matches("[libhocker.so.0]", needed(binary), 1, true)
    works(binary)
  end)

  it("is linked into the example statically", function()
    local alone = tmp.dir("static")
    process.check { "cp", prefix .. "/lib/libhocker.a", alone }
    local private = pkg_config("--print-requires-private", "hocker")
    local binary = compile(EXAMPLE, pkg_config("--cflags", "hocker"), { "-L" .. alone },
      pkg_config("--define-variable=libdir=" .. alone, "--libs", "hocker", table.unpack(private)))
    assert.is_nil(needed(binary):find("libhocker", 1, true))
    works(binary)
  end)

  it("has pkg-config tell all that a static program is linked with", function()
    local libs = table.concat(pkg_config("--static", "--libs", "hocker"), " ") .. " "
    for _, name in ipairs { "hocker", "lua5.4", "lua5.4-cjson", "curl", "ssl", "crypto", "z",
      "zstd", "psl" } do
      assert.matches(" -l" .. name .. " ", libs, 1, true)
    end
    assert.same({ "-L" .. prefix .. "/lib", "-lhocker", "-llua5.4" },
      pkg_config("--libs", "hocker"))
    assert.same({ core.version }, pkg_config("--modversion", "hocker"))
  end)

  it("has headers that stand alone", function()
    for _, name in ipairs(tmp.list(prefix .. "/include/hocker")) do
      local source = tmp.file("#include <hocker/" .. name .. ">\n", "alone.c")
      local argv = { "cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", source }
      local flags = pkg_config("--cflags", "hocker")
      process.check(table.move(flags, 1, #flags, #argv + 1, argv))
    end
  end)

  it("is linked into a program in C++", function()
    local source = tmp.file(([[
      #include <hocker/host.h>
      #include <hocker/hocker.h>
      int main()
      {
        const char *argv[] = {"hocker", "--version"};
        hk_host_output got;
        lua_State *L = hk_host_new();
        int code = L ? hk_host_run(L, 2, argv, &got) : 9;
        hk_host_free(L);
        return code == 0 && !hk_interrupted() && got.out_len == %d ? 0 : 1;
      }
    ]]):format(#("hocker " .. core.version .. "\n")), "fetch.cc")
    local binary = tmp.path("fetch")
    local argv = { "c++", "-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-o", binary,
      source }
    for _, list in ipairs { FLAGS, pkg_config("--cflags", "--libs", "hocker") } do
      table.move(list, 1, #list, #argv + 1, argv)
    end
    process.check(argv)
    process.check({ binary }, { env = { LD_LIBRARY_PATH = prefix .. "/lib" } })
  end)

  it("shows nothing but its interface", function()
    for _, file in ipairs { "libhocker.so", "libhocker.a" } do
      local list = process.check { "nm", "--defined-only", "--extern-only", "--format=posix",
        file:find("so$") and "--dynamic" or "--extern-only", prefix .. "/lib/" .. file }
      local count = 0
      for name, kind in list:gmatch("([^\n ]+) (%a) ") do
        if not name:find("^__") then -- the sanitizer's
          assert.equal("T", kind, name)
          assert.truthy(name:find("^hk_") or name == "luaopen_hocker_core", name)
          count = count + 1
        end
      end
      assert.is_true(count > 100, file)
    end
  end)

  it("opens no library late, since to miss one would end another's program", function()
    local names = needed(prefix .. "/lib/libhocker.so")
    for _, name in ipairs { "libcurl", "libcrypto", "liblua5.4", "liblua5.4-cjson" } do
      assert.matches("NEEDED[^\n]*%[" .. name:gsub("%p", "%%%0") .. "%.so", names)
    end
    assert.matches("SONAME[^\n]*%[libhocker%.so%.0%]", names)
  end)

  it("goes where packagers want it, and tells that place", function()
    local root = tmp.dir("root") .. "/a package"
    make("install", "/usr", "DESTDIR=" .. root, "LIBDIR=/usr/lib/x86_64", "INCLUDEDIR=/opt/include")
    assert.is_true(tmp.exists(root .. "/usr/lib/x86_64/libhocker.so." .. core.version))
    assert.is_true(tmp.exists(root .. "/opt/include/hocker/host.h"))
    local pc = tmp.read(root .. "/usr/lib/x86_64/pkgconfig/hocker.pc")
    assert.matches("\nlibdir=${prefix}/lib/x86_64\nincludedir=/opt/include\n", pc, 1, true)
    assert.is_nil(pc:find(root, 1, true))
    make("uninstall", "/usr", "DESTDIR=" .. root, "LIBDIR=/usr/lib/x86_64",
      "INCLUDEDIR=/opt/include")
    assert.equal("", files(root))
  end)

  it("leaves nothing when it is uninstalled, and what others have put there", function()
    local other = tmp.dir("prefix")
    process.check { "mkdir", "-p", other .. "/share/hocker/commands", other .. "/lib" }
    tmp.write(other .. "/share/hocker/commands/mine.lua", "")
    tmp.write(other .. "/lib/libhocker2.so", "")
    local before = files(other)
    make("install", other)
    assert.is_true(#files(other) > #before + 1000)
    make("uninstall", other)
    assert.equal(before, files(other))
  end)
end)
