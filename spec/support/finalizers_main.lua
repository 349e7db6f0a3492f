--- Calls everything in hocker.core while a finalizer closes what the call works with, and empties its
--- tables: at each point in turn where C asks Lua for memory. It is a process of its own, with little in
--- it, because all garbage is collected at each of these points.
---
---     lua5.4 spec/support/finalizers_main.lua URL     (which asks for credentials)
---
--- Prints how many points there were.

local border = require "support.border"
local core = require "hocker.core"

local url = arg[1]
local count = 0
local made -- the objects of a call

-- A string that nothing else holds, so that it goes with its table.
local function fresh(text)
  count = count + 1
  return text .. count
end

-- Objects with something in them to tell.
local function filled(object)
  local sink <close> = object:sink()
  assert(sink:write("hello") and sink:finish())
  return object
end

local make = border.make
function make.Buffer() return filled(core.buffer(100)) end
function make.Pipe() return filled(core.pipe(100)) end
function make.Meter() return filled(core.meter(true)) end
function make.Transfer()
  local session = make.Session()
  local transfer = assert(session:start { url = url })
  assert(session:step(20).type == "challenge")
  return transfer
end
for kind, new in pairs(make) do
  make[kind] = function()
    local object = new()
    made[#made + 1] = object
    return object
  end
end

border.tables["hocker.Request"] = function()
  return { url = fresh(url), headers = { fresh "A: " }, sink = make.Sink() }
end
border.tables["hocker.Trust"] = function()
  return { origin = url, cacerts = { fresh "/nonexistent" }, cert = fresh "/nonexistent" }
end
border.tables["hocker.core.Command"] = function() return { argv = { fresh "/nonexistent" } } end

local function empty(t)
  for key, value in pairs(t) do
    if type(value) == "table" then empty(value) end
    t[key] = nil
  end
end

local function spoil(arguments)
  for _, object in ipairs(made) do object:close() end
  for _, value in ipairs(arguments) do
    if type(value) == "table" then empty(value) end
  end
end

-- Numbers where strings are wanted: to make strings of them takes memory.
local function argument(param)
  local value = border.right(param)
  if value == "x" then return tonumber(fresh "1") end
  return value
end

--- Calls a function; the finalizer number `at` that runs meanwhile spoils all. Returns whether there was one.
local function call(entry, f, at)
  made = {}
  local arguments = { entry.kind and make[entry.kind]() }
  for _, param in ipairs(entry.params) do arguments[#arguments + 1] = argument(param) end
  local seen, over, mt = 0, false, {}
  function mt.__gc()
    if over then return end
    seen = seen + 1
    if seen == at then spoil(arguments) end
    setmetatable({}, mt)
  end
  -- No pause between cycles, and a cycle in a step.
  collectgarbage("incremental", 1, 1000, 40)
  collectgarbage()
  setmetatable({}, mt)
  pcall(f, table.unpack(arguments))
  over = true
  spoil(arguments)
  return seen >= at
end

local points = 0
for _, entry in ipairs(border.functions) do
  made = {}
  local f, at = border.find(entry), 1
  while call(entry, f, at) do at = at + 1 end
  points = points + at - 1
end
print(points)
