--- The error object, made by Lua and by C alike.

local core = require "hocker.core"

describe("core.error", function()
  it("holds a code, a message and further fields", function()
    local err = core.error("io", "no room", { sys = 28, path = "/x" })
    assert.equal("io", err.code)
    assert.equal("no room", err.message)
    assert.equal(28, err.sys)
    assert.equal("/x", err.path)
    assert.equal("no room", tostring(err))
  end)

  it("copies the fields, which do not replace the code and the message", function()
    local fields = { code = "usage", message = "other", http = 404 }
    local err = core.error("io", "why", fields)
    assert.same({ "io", "why", 404 }, { err.code, err.message, err.http })
    err.http = 1
    assert.same({ code = "usage", message = "other", http = 404 }, fields)
  end)

  it("prints when it is raised", function()
    local ok, raised = pcall(error, core.error("refused", "no"))
    assert.is_false(ok)
    assert.equal("no", tostring(raised))
    assert.equal("refused", raised.code)
  end)

  it("prints even what somebody has spoiled", function()
    local err = core.error("io", "why")
    err.message = nil
    assert.equal("nil", tostring(err))
  end)

  it("raises for what is no error", function()
    for _, arguments in ipairs { {}, { "io" }, { nil, "why" }, { "io", {} }, { "io", "why", 1 },
      { "full_moon", "why" } } do
      assert.error(function() core.error(table.unpack(arguments, 1, 3)) end)
    end
  end)

  it("looks the same when it comes from C", function()
    local _, err = core.file("/does/not/exist")
    assert.equal("io", err.code)
    assert.equal(2, err.sys)
    assert.equal(err.message, tostring(err))
    assert.equal(getmetatable(core.error("io", "x")), getmetatable(err))
    _, err = core.digest.check("x")
    assert.is_nil(err.sys)
    assert.is_nil(err.http)
  end)
end)
