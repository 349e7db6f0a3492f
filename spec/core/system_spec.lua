--- core.system: the little that Lua needs of the operating system.

local core = require "hocker.core"
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
