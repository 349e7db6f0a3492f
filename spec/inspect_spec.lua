require "support.helper"
local inspect = require "hocker.inspect"

describe("inspect", function()
  it("shows values", function()
    local texts = { ["1"] = 1, ["true"] = true, ['"a\\"\\x0a"'] = 'a"\n', ["{}"] = {} }
    for text, value in pairs(texts) do
      assert.equal(text, inspect.text(value))
    end
    assert.equal("{\n  [1] = 2,\n  a = 1,\n}", inspect.text { a = 1, 2 })
    assert.equal("it", inspect.text(setmetatable({}, { __tostring = function() return "it" end })))
  end)

  it("has limits", function()
    local deep, long = {}, {}
    deep.deep = deep
    for i = 1, 1000 do long[i] = i end
    assert.matches("deep = { ... }", inspect.text(deep), 1, true)
    local _, lines = inspect.text(long):gsub("\n", "")
    assert.equal(42, lines)
    assert.is_true(#inspect.text(("x"):rep(10000)) < 300)
  end)
end)
