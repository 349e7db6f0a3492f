local lazy = require "hocker.lazy"

describe("a lazy module", function()
  local loads

  before_each(function()
    loads = 0
    package.loaded["lazy.example"] = nil
    package.preload["lazy.example"] = function()
      loads = loads + 1
      return { answer = 42 }
    end
  end)

  after_each(function()
    package.loaded["lazy.example"], package.preload["lazy.example"] = nil, nil
  end)

  it("is loaded when a field is first read, once", function()
    local example = lazy "lazy.example"
    assert.equal(0, loads)
    assert.equal(42, example.answer)
    assert.is_nil(example.nothing)
    assert.equal(1, loads)
  end)

  it("has the fields that the module has at that time", function()
    local example = lazy "lazy.example"
    require("lazy.example").answer = 43
    assert.equal(43, example.answer)
  end)

  it("raises what loading it raises", function()
    local none = lazy "lazy.none"
    assert.error_matches(function() return none.field end, "module 'lazy.none' not found")
  end)
end)
