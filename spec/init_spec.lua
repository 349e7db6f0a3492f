local hocker = require "hocker"
local lua = require "support.lua"
local process = require "support.process"

describe("require \"hocker\"", function()
  it("has every module as a field", function()
    local count = 0
    for path in process.check({ "sh", "-c", "ls scripts/hocker/*.lua" }):gmatch("[^\n]+") do
      local name = path:match("([^/]*)%.lua$")
      if name ~= "init" then
        count = count + 1
        assert.equal(require("hocker." .. name), hocker[name])
      end
    end
    assert.is_true(count > 10)
    assert.equal(require "hocker.core", hocker.core)
  end)

  it("loads a module when it is first used, once", function()
    local code = [[
      local hocker = require "hocker"
      assert(not package.loaded["hocker.reference"] and not package.loaded["hocker.core"])
      local reference = hocker.reference
      assert(reference == package.loaded["hocker.reference"])
      assert(rawget(hocker, "reference") == reference)
    ]]
    lua.check { "-e", code }
  end)

  it("raises for a field that is no module", function()
    assert.error_matches(function() return hocker.nothing_such end, "module 'hocker.nothing_such'")
  end)

  it("opens an image as its policies allow", function()
    local words = { policy = { "allow:registries=quay.io" } }
    assert.is_table(hocker.open("quay.io/a/b:1", words))
    local repository, err = hocker.open("debian:12", words)
    assert.is_nil(repository)
    assert.equal("refused", err.code)
  end)
end)
