local faulty = require "support.faulty"
local image = require "support.image"
local log = require "hocker.log"
local notices = require "hocker.notices"
local program = require "support.program"
local served = require "support.served"

describe("notices.warnings", function()
  local cases = {
    { '299 - "one"', { "one" } },
    { '299 - "one", 299 - "two"', { "one", "two" } },
    { '299 - "a \\"quoted\\" \\\\ text, 299 - in it"', { 'a "quoted" \\ text, 299 - in it' } },
    { '110 - "stale", 299 - "one", 299 proxy "two"', { "one" } },
    { '299 - "dated" "Sat, 01 Jan 2000 00:00:00 GMT", 299 - "one"', { "one" } },
    { '299 - "one", 299 - "open', { "one" } },
    { '299 - "one" nonsense 299 - "two"', { "one" } },
    { '299 - ""', {} }, { '299 - " "', {} }, { "", {} }, { "299", {} }, { '299 - one', {} },
    { '299 - "\\', {} },
  }
  for _, case in ipairs(cases) do
    it(("of %q"):format(case[1]), function()
      assert.same(case[2], notices.warnings(case[1]))
    end)
  end
end)

describe("notices.limit", function()
  local cases = {
    { "100;w=21600", "100 in 6 h" }, { "5;w=90", "5 in 90 s" }, { "5;w=120", "5 in 2 min" },
    { "100", "100" }, { ("9"):rep(40) .. ";w=1", ("9"):rep(40) .. ";w=1" },
  }
  for _, case in ipairs(cases) do
    it("of " .. case[1], function()
      assert.equal(case[2], notices.limit { ["ratelimit-limit"] = case[1] })
    end)
  end

  it("of none", function() assert.is_nil(notices.limit {}) end)
end)

describe("notices", function()
  -- What a server's headers, one table an answer, make a log say.
  local function shown(level, ...)
    local stream <close> = assert(io.tmpfile())
    local list = notices.new(log.new("me", level, stream))
    for _, headers in ipairs { ... } do
      list:show({ status = 200, headers = headers, url = headers.url or "https://a/v2/" },
        "https://a/v2/x")
    end
    stream:seek("set")
    return stream:read("a")
  end

  it("are shown once", function()
    assert.equal("me: a warns: one\nme: a warns: two\n", shown(1, { warning = '299 - "one"' },
      { warning = '299 - "one", 299 - "two"' }, { warning = '299 - "two"' }))
  end)

  it("are printable, and not too long", function()
    assert.equal("me: a warns: \\x1b[31m\n", shown(1, { warning = '299 - "\27[31m"' }))
    local line = shown(1, { warning = ('299 - "%s"'):format(("x"):rep(9999)) })
    assert.is_true(#line < 4200)
    assert.matches("x%.%.%.\n$", line)
  end)

  it("have an end", function()
    local answers = {}
    for i = 1, 200 do answers[i] = { warning = ('299 - "%d"'):format(i) } end
    local _, lines = shown(1, table.unpack(answers)):gsub("\n", "")
    assert.equal(64, lines)
  end)

  it("of another server than the one that was asked are not shown", function()
    assert.equal("", shown(2, { url = "https://cdn.a/", warning = '299 - "one"',
      ["ratelimit-limit"] = "1" }))
  end)

  it("of limits are for those who ask", function()
    local headers = { ["ratelimit-limit"] = "100;w=21600", ["ratelimit-remaining"] = "76;w=21600",
      ["docker-ratelimit-source"] = "192.0.2.1" }
    assert.equal("", shown(1, headers))
    assert.equal("me: a: pulls left: 76; limit: 100 in 6 h; counted for 192.0.2.1\n",
      shown(2, headers, headers))
  end)
end)

describe("the programs", function()
  it("show a registry's warnings once, its limits under -v, and neither under -q", function()
    local img = image.build()
    local routes = served.routes(img)
    for _, reply in pairs(routes) do
      reply.headers = reply.headers or {}
      reply.headers["Warning"] = { '299 - "old"', '299 - "older"' }
      reply.headers["RateLimit-Limit"] = "100;w=21600"
      reply.headers["RateLimit-Remaining"] = "7;w=21600"
    end
    local server = faulty.start { routes = routes }
    finally(function() server:stop() end)
    local words = { "--registry", server:url(), "demo/app", "v1" }
    local out, notes = program.check("hocker-config", words)
    assert.equal(img.config.bytes, out)
    assert.equal("hocker-config: 127.0.0.1 warns: old\nhocker-config: 127.0.0.1 warns: older\n",
      notes)
    words[5] = "-v"
    out, notes = program.check("hocker-config", words)
    local _, count = notes:gsub("pulls left: 7; limit: 100 in 6 h\n", "")
    assert.equal(1, count)
    assert.equal(img.config.bytes, out)
    words[5] = "-q"
    out, notes = program.check("hocker-config", words)
    assert.equal(img.config.bytes .. "", out .. notes)
  end)
end)
