--- core.url: the binding. The rules are tested in spec/c/test_url.c.

local core = require "hocker.core"

local url = core.url

describe("core.url.parse", function()
  it("tells the parts", function()
    assert.same({
      scheme = "https", host = "example.org", port = 5000, path = "/a/b", query = "c=d",
      origin = "https://example.org:5000", loopback = false, userinfo = false,
    }, url.parse("https://Example.org:5000/a/b?c=d"))
    assert.same({
      scheme = "http", host = "[::1]", port = 80, path = "/", origin = "http://[::1]",
      loopback = true, userinfo = true,
    }, url.parse("http://user:secret@[::1]"))
    assert.equal("https://h", url.parse("https://h:443/x").origin)
    assert.equal("https://h:80", url.parse("https://h:80/x").origin)
    assert.equal("integer", math.type(url.parse("https://h").port))
  end)

  it("returns an error for all else", function()
    for _, text in ipairs { "", "a", "/a", "ftp://a/", "http://", "http://a b/", "http://a/\n" } do
      local parsed, err = url.parse(text)
      assert.is_nil(parsed, text)
      assert.equal("usage", err.code)
    end
  end)
end)

describe("core.url.join", function()
  it("resolves a reference", function()
    assert.equal("http://h/b", url.join("http://h/a/c?x", "/b"))
    assert.equal("http://h/a/b?q", url.join("http://h/a/c", "b?q"))
    assert.equal("https://other/", url.join("http://h/a", "https://other/"))
  end)

  it("returns an error for what is no web address", function()
    local joined, err = url.join("http://h/", "javascript:alert(1)")
    assert.is_nil(joined)
    assert.equal("protocol", err.code)
    joined, err = url.join("nothing", "/a")
    assert.is_nil(joined)
    assert.equal("usage", err.code)
  end)
end)

describe("core.url.add_query", function()
  it("adds to a URL with and without a query", function()
    assert.equal("http://h/?a=b", url.add_query("http://h/", "a", "b"))
    assert.equal("http://h/?x&a%20b=%C3%A9%26%2F", url.add_query("http://h/?x", "a b", "é&/"))
    assert.equal("http://h/?a=", url.add_query("http://h/", "a", ""))
  end)

  it("returns an error for one that gets too long, or has a fragment", function()
    local longer, err = url.add_query("http://h/", "a", ("x"):rep(9000))
    assert.is_nil(longer)
    assert.equal("protocol", err.code)
    longer, err = url.add_query("http://h/#f", "a", "b")
    assert.is_nil(longer)
    assert.equal("usage", err.code)
  end)
end)

describe("core.url", function()
  it("compares origins and sites", function()
    assert.is_true(url.same_origin("http://H:80/a", "http://h/b"))
    assert.is_false(url.same_origin("http://h/", "https://h/"))
    assert.is_false(url.same_origin("nothing", "nothing"))
    assert.is_true(url.same_site("registry.example.org", "auth.example.org"))
    assert.is_false(url.same_site("a.co.uk", "b.co.uk"))
    assert.is_true(url.same_site("127.0.0.1", "127.0.0.1"))
  end)

  it("redacts", function()
    assert.equal("https://h/a?...", url.redact("https://user:secret@h/a?signature=secret"))
    assert.equal("(unreadable URL)", url.redact("secret"))
    assert.equal("(unreadable URL)", url.redact("https://h/" .. ("x"):rep(9000)))
  end)

  local functions = {
    parse = 1, join = 2, add_query = 3, same_origin = 2, same_site = 2, redact = 1,
  }
  for name, count in pairs(functions) do
    it("raises in " .. name .. " for a wrong type, a missing argument and a zero byte", function()
      for at = 1, count do
        local arguments = { "http://h/", "b", "c" }
        for _, wrong in ipairs { {}, true, "http://h/\0x" } do
          arguments[at] = wrong
          assert.error_matches(function() url[name](table.unpack(arguments, 1, count)) end,
            "bad argument #" .. at)
        end
        arguments[at] = nil
        assert.error_matches(function() url[name](table.unpack(arguments, 1, count)) end,
          "bad argument #" .. at)
      end
    end)
  end
end)
