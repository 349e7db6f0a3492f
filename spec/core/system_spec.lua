--- core.system: the little that Lua needs of the operating system.

local core = require "hocker.core"
local leaks = require "support.leaks"
local lua = require "support.lua"
local process = require "support.process"
local tmp = require "support.tmp"

local system = core.system

describe("core.system", function()
  it("has a clock that goes on", function()
    local before = system.clock()
    assert.equal("float", math.type(before))
    assert.is_true(system.clock() >= before)
  end)

  it("knows the machine", function()
    assert.equal(process.check({ "uname", "-m" }), system.machine() .. "\n")
  end)

  it("lists a folder", function()
    local dir = tmp.dir("list")
    assert.same({}, system.list(dir))
    tmp.write(dir .. "/b", "")
    tmp.write(dir .. "/.a", "")
    local names = system.list(dir)
    table.sort(names)
    assert.same({ ".a", "b" }, names)
    local none, err = system.list(dir .. "/b")
    assert.is_nil(none)
    assert.equal("io", err.code)
    assert.equal(20, err.sys)
  end)

  it("makes the folders on the way to a file", function()
    local dir = tmp.dir("folders")
    for _, path in ipairs { dir .. "/a/b/c", dir .. "/a/b/d", dir .. "//x//y", "file" } do
      assert.is_true(system.make_folders(path))
    end
    assert.same({ "a", "x" }, tmp.list(dir))
    assert.same({ "b" }, tmp.list(dir .. "/a"))
    assert.same({}, tmp.list(dir .. "/a/b"))
    tmp.write(dir .. "/file", "")
    local ok, err = system.make_folders(dir .. "/file/x/y")
    assert.is_nil(ok)
    assert.equal("io", err.code)
  end)

  describe("reads a file", function()
    it("into a sink, to its end", function()
      for _, text in ipairs { "", "hello", ("x"):rep(1000000) } do
        local buffer = core.buffer(1 << 20)
        assert.is_true(system.read(tmp.file(text), core.sink.queue(buffer:sink())))
        assert.equal(text, buffer:data())
      end
    end)

    it("that is a regular one", function()
      local fifo = tmp.path()
      process.check { "mkfifo", fifo }
      for path, code in pairs { [tmp.path()] = "not_found", [tmp.dir()] = "io", [fifo] = "io",
        [tmp.file("") .. "/x"] = "io", ["/dev/zero"] = "io" } do
        leaks.none(function()
          local ok, err = system.read(path, core.buffer(10):sink())
          assert.is_nil(ok)
          assert.equal(code, err.code)
          assert.matches(path, err.message, 1, true)
        end)
      end
    end)

    it("as far as the sink takes it", function()
      local sink = core.sink.verify(core.sink.null(), { size = 3, name = "it" })
      local ok, err = system.read(tmp.file("hello"), sink)
      assert.is_nil(ok)
      assert.equal("verification", err.code)
      assert.error_matches(function() sink:finish() end, "given away")
    end)
  end)

  it("was not interrupted", function()
    assert.is_nil(system.interrupted())
  end)

  it("knows that a file is no terminal", function()
    local code = 'print(require("hocker.core").system.columns(1))'
    assert.equal("nil\n", lua.check { "-e", code })
    assert.is_nil(system.columns(-1))
    assert.is_nil(system.columns(1 << 20))
    assert.error(function() system.columns("x") end)
    assert.error(function() system.columns() end)
  end)

  it("knows the width of a terminal", function()
    for columns, want in pairs { [40] = "40", [0] = "80" } do
      local words = lua.command { "-e", '"print(require[[hocker.core]].system.columns(1))"' }
      local command = ("stty cols %d; %s"):format(columns, table.concat(words, " "))
      local text = process.check({ "script", "-qec", command, "/dev/null" },
        { env = { LUA_CPATH = package.cpath } })
      assert.equal(want, text:match("%d+"))
    end
  end)
end)
