--- core.auth: the binding. The grammar is tested in spec/c/test_auth.c.

local core = require "hocker.core"

local auth = core.auth

describe("core.auth.challenges", function()
  it("reads one value or several", function()
    assert.same({}, auth.challenges {})
    assert.same({}, auth.challenges { "" })
    assert.same({ { scheme = "basic", params = { realm = "x" } } },
      auth.challenges { 'Basic Realm="x"' })
    assert.same({
      { scheme = "bearer", params = { realm = "https://a/t", scope = 'a,"b', service = "s" } },
      { scheme = "basic", params = { realm = "y" } },
      { scheme = "negotiate", params = { [""] = "abc==" } },
    }, auth.challenges {
      [[Bearer realm="https://a/t",service=s,scope="a,\"b", Basic realm=y]], "Negotiate abc==",
    })
  end)

  it("keeps what stood before a break, else returns an error", function()
    local list = assert(auth.challenges { "Basic realm=x", 'Bearer realm="' })
    assert.equal("basic", list[1].scheme)
    local none, err = auth.challenges { "=" }
    assert.is_nil(none)
    assert.equal("protocol", err.code)
  end)

  -- A server sends as many as it likes: that is no misuse of ours.
  it("drops what is beyond its limits", function()
    local values = {}
    for i = 1, 256 do values[i] = "Scheme" .. i .. " a=b" end
    local list = assert(auth.challenges(values))
    assert.equal(16, #list)
    assert.equal("scheme16", list[16].scheme)
  end)

  it("raises for what is no list of strings", function()
    for _, wrong in ipairs { "Basic", { {} }, { true }, { "a\0b" }, 1 } do
      assert.error(function() auth.challenges(wrong) end)
    end
    assert.error(function() auth.challenges() end)
  end)
end)

describe("core.auth", function()
  it("makes the values of Authorization", function()
    assert.equal("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", auth.basic("Aladdin", "open sesame"))
    assert.equal("Basic Og==", auth.basic("", ""))
    assert.equal("Bearer abc", auth.bearer("abc"))
  end)

  local refused = {
    { "basic", "a:b", "c" }, { "basic", "a\n", "c" },
    { "basic", "a\0b", "c" }, { "basic", "a", "b\0c" },
    { "bearer", "" }, { "bearer", "a\nb" }, { "bearer", "a\r\nX: y" }, { "bearer", "a\0b" },
  }
  for _, case in ipairs(refused) do
    it(("refuses %s of %q, %q"):format(case[1], case[2], case[3] or ""), function()
      local value, err = auth[case[1]](case[2], case[3])
      assert.is_nil(value)
      assert.equal("usage", err.code)
      assert.is_nil(err.message:find("a:b", 1, true))
    end)
  end

  it("raises for a wrong type", function()
    for _, wrong in ipairs { {}, true } do
      assert.error(function() auth.basic(wrong, "x") end)
      assert.error(function() auth.basic("x", wrong) end)
      assert.error(function() auth.bearer(wrong) end)
    end
    assert.error(function() auth.basic("x") end)
    assert.error(function() auth.bearer() end)
  end)
end)
