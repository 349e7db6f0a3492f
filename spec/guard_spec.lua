local guard = require "hocker.guard"

local function call(text)
  return guard.call(pcall, assert(load(text)))
end

describe("guard", function()
  lazy_setup(guard.arm)

  it("keeps nothing before anybody's Lua is loaded, and then what is there", function()
    local fresh = dofile(package.searchpath("hocker.guard", package.path))
    local format, upper = string.format, string.upper
    fresh.call(function()
      rawset(string, "format", "ours")
      fresh.arm()
      rawset(string, "format", format)
      rawset(string, "upper", "another's")
    end)
    local after = { string.format, string.upper }
    rawset(string, "format", format)
    assert.same({ "ours", upper }, after)
  end)

  local breaks = {
    "string.format = nil", "print = nil require = 5", "os.exit, io = print, nil",
    "getmetatable('').__index = nil", "debug.setmetatable('', nil)",
    "setmetatable(_G, { __index = error, __newindex = error })",
    "for name in pairs(table) do table[name] = nil end",
    "debug.sethook, debug.gethook, debug.setmetatable, rawset, next = nil",
    "for name in next, _G do if name ~= '_G' then _G[name] = nil end end",
  }
  for _, text in ipairs(breaks) do
    it("puts back what is broken by " .. text, function()
      local before = { _G, print, require, os.exit, io, string.format, table.sort, debug.sethook,
        rawset, next, getmetatable(""), getmetatable("").__index, getmetatable(_G) }
      local ok, why = call(text)
      local after = { _G, print, require, os.exit, io, string.format, table.sort, debug.sethook,
        rawset, next, getmetatable(""), getmetatable("").__index, getmetatable(_G) }
      assert.is_true(ok, why)
      assert.same(before, after)
    end)
  end

  it("leaves what is new, and passes on what is given and returned", function()
    local ok, a, b = guard.call(pcall, assert(load "string.mine = 5 return ..."), nil, 2)
    local mine = rawget(string, "mine")
    rawset(string, "mine", nil)
    assert.same({ true, nil, 2, 5 }, { ok, a, b, mine })
  end)

  local function loading(text)
    return guard.load(pcall, assert(load(text, "=x")))
  end

  it("lets a file that is loaded neither end the program nor go on forever", function()
    local exit = os.exit
    assert.same({ false, "x:1: it calls os.exit" }, { loading "os.exit(0)" })
    assert.equal(exit, os.exit)
    assert.same({ false, "x:1: it takes too long to load" }, { loading "while true do end" })
    assert.same({ true, 3 }, { loading "for i = 1, 1000000 do end return 3" })
  end)

  it("lets what is confined not end the program, while others wait too", function()
    local exit = os.exit
    local function begin(answer)
      return coroutine.wrap(function()
        return guard.confine(pcall, function()
          coroutine.yield()
          if answer then return answer end
          os.exit(0)
        end)
      end)
    end
    local a, b, c = begin("a"), begin(), begin()
    a() b() c()
    assert.same({ true, "a" }, { a() })
    for _, other in ipairs { b, c } do
      local ok, why = other()
      assert.is_false(ok)
      assert.matches("it calls os.exit$", why)
    end
    assert.equal(exit, os.exit)
  end)

  it("keeps another's hook", function()
    local hook = function() end
    debug.sethook(hook, "", 1000)
    local ok = loading ""
    local after = debug.gethook()
    debug.sethook()
    assert.is_true(ok)
    assert.equal(hook, after)
  end)

  it("may be in another's way", function()
    local inner = "return require('hocker.guard').load(pcall, load 'os.exit(0)')"
    assert.is_false(select(2, loading(inner)))
    assert.is_false(loading(inner .. " and 1 or os.exit(0)"))
  end)
end)
