local core = require "hocker.core"
local options = require "hocker.options"
local parts = require "hocker.parts"
local session = require "hocker.session"

--- All options of a list of lists.
local function flatten(list, into)
  into = into or {}
  for _, item in ipairs(list) do
    if item.names or item.words then into[#into + 1] = item else flatten(item, into) end
  end
  return into
end

--- The option of that name, in any of the lists.
local function find(name)
  for _, list in pairs(options) do
    for _, item in ipairs(type(list) == "table" and flatten(list) or {}) do
      for word in (item.names or ""):gmatch("%S+") do
        if word == name then return item end
      end
    end
  end
  error("no option " .. name)
end

describe("options", function()
  it("have names, help, and a value unless they are flags", function()
    for list, items in pairs(options) do
      for _, item in ipairs(type(items) == "table" and flatten(items) or {}) do
        assert.is_string(item.help, list)
        assert.is_truthy(item.words or item.flag or item.value, list)
        for word in (item.names or ""):gmatch("%S+") do assert.matches("^%-%-?%a[%w-]*$", word) end
      end
    end
  end)

  it("have names that are theirs alone", function()
    local all = { options.images, options.fetch, options.platform, options.out, options.progress,
      options.jobs }
    local seen = {}
    for _, item in ipairs(flatten(all)) do
      for word in (item.names or ""):gmatch("%S+") do
        assert.is_nil(seen[word], word)
        seen[word] = true
      end
    end
  end)

  local numbers = {
    { "--retries", "0", 0 }, { "--retries", "12", 12 }, { "--retries", "-1" }, { "--retries", "" },
    { "--retries", "1.5" }, { "--retries", "many" }, { "--retries", "inf" },
    { "--jobs", "1", 1 }, { "--jobs", "0" }, { "--jobs", "x" },
    { "--connect-timeout", "0.5", 0.5 }, { "--connect-timeout", "86400", 86400 },
    { "--connect-timeout", "0" }, { "--connect-timeout", "-1" }, { "--connect-timeout", "86401" },
    { "--connect-timeout", "nan" }, { "--connect-timeout", "1s" },
    { "--stall-timeout", "60", 60 }, { "--stall-timeout", "0" },
  }
  for _, case in ipairs(numbers) do
    local name, text, want = table.unpack(case)
    it(("read %s %s"):format(name, text), function()
      local value, message = find(name).convert(text)
      assert.equal(want, value)
      if not want then
        assert.matches("it must be a ", message, 1, true)
        assert.matches(("not '%s'"):format(text), message, 1, true)
      end
    end)
  end

  local counts = {
    { nil, 1, 2 }, { "1", 1, 1 }, { 3, 3, 3 }, { "0-4", 0, 4 }, { "2-2", 2, 2 }, { "?", 0, 1 },
    { "*", 0, math.maxinteger }, { "+", 1, math.maxinteger },
    { "" }, { "2-1" }, { "0" }, { "0-0" }, { "x" }, { "1-" }, { "-1" }, { "1.5" }, { 1.5 }, { {} },
    { ("9"):rep(30) },
  }
  for _, case in ipairs(counts) do
    it("count words: " .. tostring(case[1]), function()
      local least, most = options.count { words = "w", count = case[1] }
      assert.same({ case[2], case[3] }, { least, most })
    end)
  end

  it("have values by a text, or tell why they have none", function()
    local function digits(text) return tonumber(text), text == "-" and "why" or nil end
    local spec = { names = "-x", value = "X", choices = { "1", "2", "a", "-" }, convert = digits }
    for _, case in ipairs {
      { "1", 1 }, { "3", nil, "'3' is none of 1, 2, a, -" }, { "a", nil, "malformed value 'a'" },
      { "-", nil, "why" },
    } do
      assert.same({ case[2], case[3] }, { options.value(spec, case[1]) })
    end
    assert.equal("", options.value({ names = "-x", value = "X" }, ""))
    assert.is_false(options.value({ names = "-x", convert = function() return false end }, "x"))
  end)

  it("have defaults that their own conversion takes", function()
    for _, item in ipairs(flatten { options.fetch, options.jobs, options.progress }) do
      if item.default and item.convert then assert.is_number(item.convert(item.default)) end
    end
  end)
end)

describe("options.session", function()
  it("is what a session takes", function()
    local opts = options.session {
      cacert = "/ca", cert = "/cert", key = "/key", insecure = true, retries = 4,
      connect_timeout = 5, stall_timeout = 6.5, jobs = 17, username = "not for it",
    }
    assert.same({
      cacert = "/ca", cert = "/cert", key = "/key", insecure = true, retries = 4,
      connect_timeout = 5, stall_timeout = 6.5, connections = 19,
      user_agent = "hocker/" .. core.version,
    }, opts)
  end)

  it("has connections for parts, too", function()
    for _, jobs in ipairs { 1, 3, parts.connections } do
      assert.equal(parts.connections + 2, options.session({ jobs = jobs }).connections)
    end
  end)

  it("leaves what was not said to the session", function()
    local mine <close> = assert(session.new(options.session {}))
    assert.equal(3, mine.retries)
  end)
end)
