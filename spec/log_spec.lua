local log = require "hocker.log"

--- What a function writes to a stream.
local function written(f)
  local stream <close> = assert(io.tmpfile())
  f(stream)
  stream:seek("set")
  return stream:read("a")
end

describe("log.printable", function()
  local cases = {
    { "", "" },
    { "plain text, é, 漢字, 😀", "plain text, é, 漢字, 😀" },
    { "a\nb", "a\\x0ab" },
    { "a\r\tb\0", "a\\x0d\\x09b\\x00" },
    { "\27[31mred\27[0m", "\\x1b[31mred\\x1b[0m" },
    { "\7\8\127", "\\x07\\x08\\x7f" },
    { "\xc2\x9b31m", "\\xc2\\x9b31m" }, -- U+009B is a terminal's ESC [
    { "\xc2\x80\xc2\x9f\xc2\xa0", "\\xc2\\x80\\xc2\\x9f\xc2\xa0" },
    { "100%", "100%" },
  }
  for _, case in ipairs(cases) do
    it(("makes %q fit for a terminal"):format(case[1]), function()
      assert.equal(case[2], log.printable(case[1]))
      assert.equal(1, select("#", log.printable(case[1])))
    end)
  end
end)

describe("a log", function()
  local levels = {
    { nil, "me: e\nme: w\n" },
    { 0, "me: e\n" },
    { 1, "me: e\nme: w\n" },
    { 2, "me: e\nme: w\nme: d\n" },
  }
  for _, case in ipairs(levels) do
    it("of level " .. tostring(case[1]) .. " has its lines", function()
      assert.equal(case[2], written(function(stream)
        local notes = log.new("me", case[1], stream)
        notes:error("e")
        notes:warn("w")
        notes:debug("d")
      end))
    end)
  end

  it("is made printable, but for a traceback", function()
    assert.equal("me: a\\x0ab\nstack\n\tframe\nme: \\x1b\nme: \\x1b\n", written(function(stream)
      local notes = log.new("me", 2, stream)
      notes:error("a\nb", "\nstack\n\tframe")
      notes:warn("\27")
      notes:debug("\27")
    end))
  end)

  it("makes room for its lines, and for no others", function()
    assert.equal("-me: w\n", written(function(stream)
      local notes = log.new("me", 1, stream)
      notes.before = function() stream:write("-") end
      notes:debug("d")
      notes:warn("w")
    end))
  end)

  it("goes to standard error, if nothing else is said", function()
    assert.equal(io.stderr, log.new("me").stream)
  end)
end)
