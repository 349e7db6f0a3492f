--- hocker.core as a whole: what it offers is what docs/api/core.lua says, and no more.

local core = require "hocker.core"
local tmp = require "support.tmp"

--- The names of the stub: "url.parse", "file", "Sink:write", and "version" for a field.
local function documented()
  local names = {}
  for line in tmp.read("docs/api/core.lua"):gmatch("[^\n]+") do
    local name = line:match("^function core%.([%w_.]+)%(") or
      line:match("^function (%u%w*:[%w_]+)%(")
    if name then names[name] = "function" end
    local field = line:match("^core%.([%w_]+) = {}$")
    if field then names[field] = "table" end
  end
  local head = tmp.read("docs/api/core.lua"):match("^(.-)\nlocal core = {}")
  for name, kind in head:gmatch("%-%-%-@field ([%w_]+) (%w+)") do names[name] = kind end
  return names
end

--- One open object of every kind.
local function objects()
  local file = assert(core.file(tmp.path("file")))
  local session = assert(core.session())
  return {
    Hash = core.digest.new(), Sink = core.sink.null(), Buffer = core.buffer(1), File = file,
    Meter = core.meter(), Join = core.join(core.sink.null()),
    Pipe = core.pipe(1),
    Tar = assert(core.tar(file)), TarStream = core.tar_stream(core.sink.null()),
    Dir = assert(core.dir(tmp.path("dir"))), Session = session,
    Transfer = assert(session:start { url = "http://127.0.0.1:1/" }),
  }
end

--- The same names, of the module itself.
local function exported()
  local names = {}
  for name, value in pairs(core) do
    names[name] = type(value)
    if type(value) == "table" then
      for key, inner in pairs(value) do names[name .. "." .. key] = type(inner) end
    end
  end
  for kind, object in pairs(objects()) do
    for method in pairs(debug.getmetatable(object).__index) do
      names[kind .. ":" .. method] = "function"
    end
  end
  return names
end

describe("hocker.core", function()
  it("offers what its documentation says, and no more", function()
    assert.same(documented(), exported())
  end)

  it("knows its version and what reads gzip", function()
    assert.matches("^%d+%.%d+%.%d+$", core.version)
    assert.is_true(core.inflate_backend == "isa-l" or core.inflate_backend == "zlib")
  end)

  it("hides the metatables of its objects", function()
    for kind, object in pairs(objects()) do
      assert.is_false(getmetatable(object), kind)
      assert.error(function() setmetatable(object, {}) end)
      assert.matches("^hocker%." .. kind .. ": 0x", tostring(object))
    end
  end)

  it("closes every object by close, by <close> and by collection, more than once", function()
    for kind, object in pairs(objects()) do
      local mt = debug.getmetatable(object)
      assert.equal(mt.__close, mt.__gc)
      assert.equal(mt.__index.close, mt.__gc)
      object:close()
      object:close()
      do local again <close> = object end -- luacheck: ignore 211
      mt.__gc(object)
      for name, method in pairs(mt.__index) do
        if name ~= "close" then
          local ok, message = pcall(method, object)
          assert.is_false(ok, kind .. ":" .. name)
          assert.matches("it is closed, or was given away", message, 1, true)
        end
      end
    end
  end)

  it("tells objects of one kind from those of another", function()
    local all = objects()
    for kind, object in pairs(all) do
      for other, stranger in pairs(all) do
        if other ~= kind then
          for name, method in pairs(debug.getmetatable(object).__index) do
            local ok, message = pcall(method, stranger)
            assert.is_false(ok, kind .. "." .. name .. " of a " .. other)
            assert.matches("hocker." .. kind .. " expected, got hocker." .. other, message, 1, true)
          end
        end
      end
    end
  end)

  it("can be loaded a second time into the same state", function()
    local path = assert(package.searchpath("hocker.core", package.cpath))
    local again = assert(package.loadlib(path, "luaopen_hocker_core"))()
    assert.equal(core.version, again.version)
    local sink <close> = again.sink.verify(core.sink.null(), {})
    assert.is_true(sink:finish())
  end)
end)
