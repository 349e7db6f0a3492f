--- core.script: files that will be obeyed. spec/scripts_spec.lua tries who may have written them.

local core = require "hocker.core"
local lfs = require "lfs"
local lua = require "support.lua"
local process = require "support.process"
local scripts = require "support.scripts"
local tmp = require "support.tmp"

local script = core.script

describe("core.script", function()
  it("reads files of up to so many bytes", function()
    local path = tmp.file("text\0\n")
    process.check { "chmod", "600", path }
    assert.equal("text\0\n", script.read(path, 6))
    local text, err = script.read(path, 5)
    assert.is_nil(text)
    assert.equal("refused", err.code)
    assert.error(function() script.read(path) end)
    assert.error(function() script.read(path, -1) end)
    assert.error(function() script.read("a\0b", 1) end)
  end)

  it("reads by a path from the current directory too", function()
    local dir = scripts.folder { ["a/x"] = "here" }
    for _, path in ipairs { "a/x", "./a/..//a/x", "a/./x" } do
      local code = ([[io.write(require("hocker.core").script.read(%q, 9))]]):format(path)
      local cpath = package.searchpath("hocker.core", package.cpath)
      if cpath:sub(1, 1) ~= "/" then cpath = lfs.currentdir() .. "/" .. cpath end
      assert.equal("here", lua.check({ "-e", code }, { cwd = dir, env = { LUA_CPATH = cpath } }))
    end
  end)

  it("tells what is not there from what can't be used", function()
    local dir = scripts.folder {}
    for path, code in pairs { [dir .. "/none"] = "not_found", [dir .. "/none/x"] = "not_found",
      [tmp.file("") .. "/x"] = "not_found", [dir] = "refused", ["/dev/null"] = "refused",
      [dir .. "/" .. ("x"):rep(256)] = "io", [("/x"):rep(5000)] = "io" } do
      local text, err = script.read(path, 1)
      assert.is_nil(text)
      assert.equal(code, err.code, path)
    end
  end)

  it("judges folders", function()
    local dir = scripts.folder {}
    assert.is_true(script.folder(dir))
    assert.equal("not_found", select(2, script.folder(dir .. "/none")).code)
    assert.equal("refused", select(2, script.folder(tmp.file(""))).code)
    process.check { "chmod", "g+w", dir }
    assert.equal("refused", select(2, script.folder(dir)).code)
    process.check { "chmod", "1777", dir }
    assert.is_true(script.folder(dir))
  end)

  it("is not elevated here", function()
    assert.is_false(script.elevated())
  end)
end)

describe("core.script.data", function()
  local function fault(text)
    local data, err = script.data(text, "@/some/where.lua")
    assert.is_nil(data)
    assert.equal("usage", err.code)
    return err.message
  end

  it("is what a text computes", function()
    assert.same({}, script.data("return {}", "=x"))
    assert.same({ 1, 2.5, "a\1b", { true, [3] = false, key = { "deep" } } }, script.data([[
      local list = { 1, 2.5, "a\1b", { true, [3] = false } }
      local function put(t) t.key = { "deep" } end
      for i = 1, 100 do put(list[4]) end
      return list]], "=x"))
    assert.equal("integer", math.type(script.data("return { 3 }", "=x")[1]))
  end)

  it("has nothing to do anything with", function()
    for _, name in ipairs { "print", "require", "os", "io", "load", "string", "pcall", "error",
      "_G", "setmetatable", "collectgarbage", "getmetatable", "debug", "package" } do
      assert.same({}, script.data(("return { %s }"):format(name), "=x"))
    end
    assert.matches(":1: attempt to index a string value", fault("return { ('x'):rep(9) }"), 1, true)
    assert.matches("where.lua:2: attempt to call a nil value", fault("\nprint()"), 1, true)
  end)

  local wrong = {
    ["x ="] = "/some/where.lua:1: unexpected symbol", ["return"] = "it must return a table",
    ["return { 'a\\0b' }"] = "zero byte", ["return { ['a\\0b'] = 1 }"] = "zero byte",
    ["return 1"] = "it must return a table", ["return { function() end }"] = "function",
    ["local t = {} t[1] = t return t"] = "too deep", ["return { [{}] = 1 }"] = "too deep",
    ["\27Lua"] = "binary", ["while true do end"] = "where.lua:1: it runs too long",
    ["for i = 1, 1 << 60 do end"] = "it runs too long",
    ["goto a ::a:: goto a"] = "it runs too long",
    ["local s = 'xx' while true do s = s .. s end"] = "too much memory",
    ["local t = {} for i = 1, 1 << 40 do t[i] = i end"] = "it runs too long",
    ["local function f() return 1 + f() end f()"] = "",
    ["local a = {} for i = 1, 999 do a[i] = a end return a"] = "",
    ["local a, b = {}, {} for i = 1, 999 do a[i], b[i] = b, 1 end return a"] = "too many values",
  }
  for text, why in pairs(wrong) do
    it("ends, and says why: " .. text:sub(1, 40), function()
      assert.matches(why, fault(text), 1, true)
    end)
  end

  it("leaves nothing behind", function()
    collectgarbage()
    local before = collectgarbage("count")
    local text = "local s = 'x' for i = 1, 18 do s = s .. s end return { #s }"
    for _ = 1, 200 do script.data(text, "=x") end
    collectgarbage()
    assert.is_true(collectgarbage("count") - before < 100)
  end)
end)
