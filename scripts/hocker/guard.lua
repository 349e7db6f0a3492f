--- Calls somebody's Lua so that what it breaks is broken for itself alone: what it replaces in Lua's own library is put back
--- afterwards. What it adds there stays.

local core = require "hocker.core"

-- A script may have replaced these.
local error, ipairs, next, rawset, type = error, ipairs, next, rawset, type
local gethook, sethook, getmetatable, setmetatable =
  debug.gethook, debug.sethook, debug.getmetatable, debug.setmetatable

local M = {}

local LIBRARIES <const> = { _G, coroutine, debug, io, math, os, package, string, table, utf8,
  getmetatable "" }

-- A script that is loaded makes a table; this is far more than it could need.
local STEP <const> = 1000000 -- instructions between two looks
local LOOKS_MAX <const> = 100

-- Those that may not end the program now: several, where one waits and another begins.
local confined, exit = 0, nil

local function no_exit()
  error("it calls os.exit", 2)
end

local function keep()
  local kept = {}
  for i, library in ipairs(LIBRARIES) do
    local fields = {}
    for name, value in next, library do fields[name] = value end
    if library == os and confined > 0 then fields.exit = exit end
    kept[i] = { fields = fields, metatable = getmetatable(library) }
  end
  return kept
end

local function restore(kept, ...)
  for i, was in ipairs(kept) do
    local library = LIBRARIES[i]
    setmetatable(library, was.metatable)
    for name, value in next, was.fields do
      if library[name] ~= value then rawset(library, name, value) end
    end
  end
  setmetatable("", LIBRARIES[#LIBRARIES])
  if confined > 0 then rawset(os, "exit", no_exit) end
  return ...
end

local armed, scope = false, nil -- whether anybody's Lua was loaded; the call that is under way

--- Tells that somebody's Lua is about to be loaded. Until then there is nothing to be kept.
function M.arm()
  armed = true
  if scope and not scope.kept then scope.kept = keep() end
end

local function leave(mine, outer, ...)
  scope = outer
  if mine.kept then return restore(mine.kept, ...) end
  return ...
end

--- Calls a function that does not raise: pcall, say.
---@param f function
---@return any ... what it returns
function M.call(f, ...)
  local outer, mine = scope, { kept = armed and keep() or nil }
  scope = mine
  return leave(mine, outer, f(...))
end

local function release(kept, ...)
  confined = confined - 1
  return restore(kept, ...)
end

--- As `call`, for what is asked by a program that goes on after it, and so may not end that.
---@param f function
---@return any ... what it returns
function M.confine(f, ...)
  if not armed then return f(...) end
  local kept = keep()
  if confined == 0 then exit = os.exit end
  confined = confined + 1
  rawset(os, "exit", no_exit)
  return release(kept, f(...))
end

local function watch()
  local looks = 0
  return function()
    local problem = core.system.interrupted()
    if problem then error(problem, 0) end
    looks = looks + 1
    if looks > LOOKS_MAX then error("it takes too long to load", 2) end
  end
end

local function unwatch(hook, mask, count, ...)
  sethook(hook, mask, count)
  return ...
end

-- A hook of a host's own, which is a string here, can't be put back, and so is left alone.
local function call_watched(f, ...)
  local hook, mask, count = gethook()
  if type(hook) == "string" then return f(...) end
  sethook(watch(), "", STEP)
  return unwatch(hook, mask, count, f(...))
end

--- As `confine`, for a file that is loaded, which may not go on forever either.
---@param f function
---@return any ... what it returns
function M.load(f, ...)
  return M.confine(call_watched, f, ...)
end

return M
