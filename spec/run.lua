--- The test runner behind `make test`.
---
---     lua5.4 spec/run.lua [RUN...] [SPEC FILE...]
---
--- Without names all runs are done, in order, "assertions" only if $LUA_SOURCE names directories with the
--- source of a Lua, or with CI=true or ALL=1; files narrow the runs "spec" and "asan" to them.
--- Each run is made of child processes that end with the line "N passed, N failed, N skipped";
--- the last line printed here is their sum. With CI=true or ALL=1 a skipped test fails the run.

local lfs = require "lfs"

local LUA = os.getenv("LUA") or "lua5.4"
local MAKE = (os.getenv("MAKE") or "make") .. " --no-print-directory -j$(nproc) WERROR=1"
local STRICT = os.getenv("CI") == "true" or os.getenv("ALL") == "1"
local SANITIZE = " SANITIZE=address,undefined"
local LIMIT = "timeout --foreground -k 10 3600 "

local total = { passed = 0, failed = 0, skipped = 0 }
local files = {}

--- Runs a shell command, shows what it prints, and returns whether it succeeded, and that text.
local function run(title, command)
  print("-- " .. title)
  local pipe = assert(io.popen("{ " .. command .. "; } 2>&1 </dev/null"))
  local text = {}
  for char in pipe:lines(1) do
    text[#text + 1] = char
    io.stdout:write(char)
    io.stdout:flush()
  end
  return pipe:close() == true, table.concat(text)
end

local function fail(why)
  print("not ok: " .. why)
  total.failed = total.failed + 1
end

--- A command that has to succeed for what comes after it.
local function need(title, command)
  local ok = run(title, command)
  if not ok then
    fail(title)
  end
  return ok
end

--- A command that runs tests.
local function test(title, command)
  local ok, text = run(title, LIMIT .. command)
  local passed, failed, skipped = text:match("(%d+) passed, (%d+) failed, (%d+) skipped\n?$")
  if not passed and ok then
    passed, failed, skipped = text:match("(%d+) inputs\n$"), 0, 0
  end
  if not passed then
    return fail(title .. ": it died, leaked, or told no result")
  end
  total.passed = total.passed + passed
  total.failed = total.failed + failed
  total.skipped = total.skipped + skipped
  if tonumber(passed) + failed + skipped == 0 then
    fail(title .. ": it ran no test")
  elseif not ok and tonumber(failed) == 0 then
    fail(title .. ": all tests passed, but then it failed")
  end
end

--- Names in a directory that match, sorted, the match of each.
local function names(directory, pattern)
  local found = {}
  for name in lfs.dir(directory) do
    found[#found + 1] = name:match(pattern)
  end
  table.sort(found)
  return found
end

local function output_of(command)
  local pipe <close> = assert(io.popen(command))
  return pipe:read("l") or ""
end

--- Builds the unit tests into a directory of their own, and runs each.
local function unit(build, flags, prefix)
  if need("build " .. build, MAKE .. " unit BUILD=" .. build .. flags) then
    for _, name in ipairs(names("spec/c", "^(test_.*)%.c$")) do
      test(build .. " " .. name, ("%s%s/spec/%s"):format(prefix or "", build, name))
    end
  end
end

local function specs(build, env)
  test("specs, " .. build, ("env HOCKER_BUILD=%s %s %s spec/support/main.lua %s"):format(build,
    env, LUA, table.concat(files, " ")))
end

local runs = {}

function runs.lint()
  test("lint", LUA .. " spec/support/lint.lua")
end

function runs.unit()
  -- Tiny blocks, so that every boundary is crossed; then without ISA-L, in blocks as they are.
  unit("build/unit", " CPPFLAGS=-DHK_CHUNK=7" .. SANITIZE)
  unit("build/unit-zlib", " ISAL=" .. SANITIZE)
end

function runs.tsan()
  -- Address space randomisation can put things where the sanitizer wants its own.
  local fixed = os.execute("setarch -R true 2>/dev/null") and "setarch -R " or ""
  unit("build/tsan", " SANITIZE=thread", fixed)
end

function runs.spec()
  if need("build", MAKE .. " all BUILD=build") then
    specs("build", "")
  end
end

function runs.asan()
  local build = "build/asan"
  local cc = os.getenv("CC") or "cc"
  local shim = build .. "/unpreload.so"
  if need("build " .. build, MAKE .. " all BUILD=" .. build .. SANITIZE) and
    need("build " .. shim, cc .. " -shared -fPIC -o " .. shim .. " spec/support/unpreload.c") then
    -- The interpreter is not instrumented itself, so the library has to be there first.
    local preload = output_of(cc .. " -print-file-name=libasan.so") .. ":" .. lfs.currentdir() ..
      "/" .. shim
    specs(build, "LD_PRELOAD=" .. preload)
  end
end

local ASSERTING = "rm -rf %s && mkdir -p %s && cp -r %s/src %s && "
  .. "make -s -j$(nproc) -C %s/src linux MYCFLAGS='-g -fPIC -DLUAI_ASSERT -DLUA_USE_APICHECK'"

-- What is mostly Lua's: its API, errors, coroutines and numbers, and the program that has it in itself.
local OF_LUA = "spec/core spec/session_spec.lua spec/json_spec.lua spec/scripts_spec.lua "
  .. "spec/tar_spec.lua spec/commands/run_spec.lua spec/commands/repl_spec.lua "
  .. "spec/commands/docker2nix_template_spec.lua spec/examples_spec.lua"

-- All of hocker in a Lua that checks what is asked of it, of the source in that directory.
local function assertions(source)
  local build = "build/assertions/" .. source:match("([^/]+)/*$")
  local lua, units = build .. "/src/lua", { "test_bindings", "test_host" }
  if not need("build " .. lua, ASSERTING:format(build, build, source, build, build)) then return end
  local version = output_of(lua .. " -v"):match("^Lua %S+")
  local libs = ("-Wl,-E %s/src/liblua.a -Wl,-Bstatic -llua5.4-cjson -Wl,-Bdynamic -lm -ldl")
    :format(build)
  if not need("build with " .. version, ("%s BUILD=%s CFLAGS=-O0 CPPFLAGS=-I%s/src LUA=%s "
    .. "LUA_STATIC= LUA_LIBS='%s' programs module %s/spec/%s %s/spec/%s")
    :format(MAKE, build, build, lua, libs, build, units[1], build, units[2])) then return end
  for _, name in ipairs(units) do test(version .. " " .. name, build .. "/spec/" .. name) end
  test("specs, " .. version,
    ("env HOCKER_BUILD=%s LUA_PATH=%q LUA_CPATH=%q %s spec/support/main.lua %s"):format(build,
      package.path, package.cpath, lua, OF_LUA))
  return version
end

-- The directories of $LUA_SOURCE, or else the source of each Lua that Debian has.
local function sources()
  local given, list = os.getenv("LUA_SOURCE"), {}
  if given then
    for directory in given:gmatch("%S+") do list[#list + 1] = directory end
    return list
  end
  local _, text = run("fetch Lua", ".ci/lua build/lua-sources")
  for directory in ("\n" .. text):gmatch("\n(/[^\n]*)") do list[#list + 1] = directory end
  return list
end

-- That of this system can always be had; others where the mirror has them.
function runs.assertions()
  local own, done = output_of(LUA .. " -v"):match("^Lua %S+"), {}
  for _, source in ipairs(sources()) do
    local version = assertions(source)
    if version then done[#done + 1], done[version] = version, true end
  end
  if not done[own] and not os.getenv("LUA_SOURCE") then fail("no source of " .. own) end
  print("checked with: " .. table.concat(done, ", "))
end

function runs.fuzz()
  local build = "build/asan"
  if need("build fuzz targets", MAKE .. " replay BUILD=" .. build .. SANITIZE) then
    for _, name in ipairs(names("fuzz", "^fuzz_(.*)%.c$")) do
      test("corpus of " .. name, ("%s/fuzz/fuzz_%s fuzz/corpus/%s/*"):format(build, name, name))
    end
  end
end

local ORDER = { "lint", "unit", "tsan", "spec", "asan", "assertions", "fuzz" }

local chosen = {}
for _, word in ipairs(arg) do
  if runs[word] then
    chosen[word] = true
  elseif lfs.attributes(word) then
    files[#files + 1] = word
  else
    io.stderr:write(("%s: neither a run (%s) nor a file\n"):format(word,
      table.concat(ORDER, ", ")))
    os.exit(2)
  end
end
if #files > 0 and not next(chosen) then
  chosen.spec = true
end

-- Without names: what takes a while, and sources from elsewhere, is for CI.
local function by_default(name)
  return name ~= "assertions" or STRICT or os.getenv("LUA_SOURCE")
end

for _, name in ipairs(ORDER) do
  if chosen[name] or not next(chosen) and by_default(name) then runs[name]() end
end

local good = total.failed == 0 and total.passed > 0
if STRICT and total.skipped > 0 then
  print(("%d skipped, and nothing may be skipped here (CI or ALL is set): failed")
    :format(total.skipped))
  good = false
end
print(("%d passed, %d failed, %d skipped"):format(total.passed, total.failed, total.skipped))
os.exit(good)
