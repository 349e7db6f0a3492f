local core = require "hocker.core"
local errors = require "hocker.errors"

local real = core.error("network", "down")

local function raising() error("deep") end

describe("errors", function()
  it("are what hocker.core makes, and no other table", function()
    assert.is_true(errors.is(real))
    for _, other in pairs { "down", 1, false, {}, { code = "network", message = "down" },
      setmetatable({}, { __index = real }) } do
      assert.is_false(errors.is(other))
    end
    assert.is_false(errors.is(nil))
  end)

  local cases = {
    { "nil", nil, "(error object is a nil value)" },
    { "false", false, "(error object is a boolean value)" },
    { "a string", "sorry", "sorry" }, { "a number", 7, "7" },
    { "a table", {}, "(error object is a table value)" },
    { "a function", print, "(error object is a function value)" },
    { "what has a text", setmetatable({}, { __tostring = function() return "t" end }), "t" },
    { "what raises when it is printed", setmetatable({}, { __tostring = raising }),
      "(error object is a table value)" },
    { "what prints no text", setmetatable({}, { __tostring = function() return {} end }),
      "(error object is a table value)" },
    { "what raises when it is read", setmetatable({}, { __index = raising }),
      "(error object is a table value)" },
    { "a table with a code alone", { code = "io" }, "(error object is a table value)" },
    { "a table with a strange message", { code = "io", message = {} },
      "(error object is a table value)" },
    { "a table with a message alone", { message = "m" }, "m" },
    { "a table with a strange code", { code = {}, message = "m" }, "m" },
  }
  for _, case in ipairs(cases) do
    it("are made of " .. case[1], function()
      local err = errors.of(case[2])
      assert.is_true(errors.is(err))
      assert.same({ "internal", case[3] }, { err.code, err.message })
      local _, caught = xpcall(error, errors.caught, case[2], 0)
      assert.same({ "internal", case[3] }, { caught.code, caught.message })
    end)
  end

  it("stay what they are, and so does a table that is like one", function()
    assert.equal(real, errors.of(real))
    assert.equal(real, select(2, xpcall(error, errors.caught, real)))
    assert.equal(real, select(2, xpcall(error, errors.placed, real)))
    local like = errors.of { code = "io", message = "full" }
    assert.same({ "io", "full" }, { like.code, like.message })
  end)

  it("have a traceback where they are bugs", function()
    local _, err = xpcall(raising, errors.caught)
    assert.matches("errors_spec.lua:%d+: deep$", err.message)
    assert.matches("^\nstack traceback:\n", err.traceback)
    _, err = xpcall(error, errors.caught, "one\ntwo", 0)
    assert.equal("one", err.message)
    assert.matches("^\ntwo\nstack", err.traceback)
  end)

  it("tell where they were raised, whatever they are", function()
    local _, text = xpcall(load("\nerror({})", "@x.lua"), errors.placed)
    assert.equal("x.lua:2: (error object is a table value)", text)
    _, text = xpcall(load("\nerror('own', 0)", "@x.lua"), errors.placed)
    assert.equal("own", text)
  end)
end)
