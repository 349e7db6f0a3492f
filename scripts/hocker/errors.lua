--- Error objects of whatever somebody's Lua has raised, or returned behind nil. hocker.core makes error objects; a script may
--- raise a string, a table, nil, or something that fails when it is looked at.

local core = require "hocker.core"

-- A script may have replaced these.
local getmetatable, pcall, rawget, tostring, type = getmetatable, pcall, rawget, tostring, type
local getinfo, match, new, traceback = debug.getinfo, string.match, core.error, debug.traceback

local M = {}

local error_mt <const> = getmetatable(new("internal", ""))

--- Whether it is an error object, as hocker.core makes them.
---@param value any
---@return boolean
function M.is(value)
  return type(value) == "table" and getmetatable(value) == error_mt
end

--- What it says, as Lua itself would print it.
---@param value any
---@return string
function M.text(value)
  local kind, mt = type(value), getmetatable(value)
  if kind == "string" or kind == "number" then return value .. "" end
  if type(mt) == "table" and rawget(mt, "__tostring") then
    local ok, text = pcall(tostring, value)
    if ok then return text .. "" end
  end
  return "(error object is a " .. kind .. " value)"
end

--- An error object of one, or of a table that has what one has.
---@param value any
---@return hocker.Error? err nil: it is nothing of the kind
function M.known(value)
  local message = type(value) == "table" and rawget(value, "message")
  if type(message) ~= "string" then return nil end
  local ok, err = pcall(new, rawget(value, "code"), message)
  if ok and M.is(value) then return value end
  return ok and err or new("internal", message)
end

--- An error object of anything.
---@param value any
---@return hocker.Error err "internal" of what is none
function M.of(value)
  return M.known(value) or new("internal", M.text(value))
end

--- For xpcall: what was raised if it is an error object, else a text that says where it was raised, as Lua has it in those
--- of its own errors.
---@param raised any
---@return hocker.Error|string
function M.placed(raised)
  local err = M.known(raised)
  if err or type(raised) == "string" then return err or raised end
  local text, level = M.text(raised), 2
  local info = getinfo(level, "Sl")
  while info and info.currentline <= 0 do
    level = level + 1
    info = getinfo(level, "Sl")
  end
  return info and info.short_src .. ":" .. info.currentline .. ": " .. text or text
end

--- As `of`, for xpcall: what is no error object is a bug, and gets a traceback.
---@param raised any
---@return hocker.Error
function M.caught(raised)
  local err = M.known(raised)
  if err then return err end
  local message, rest = match(M.text(raised), "^([^\n]*)(.*)$")
  return new("internal", message, { traceback = traceback(rest, 2) })
end

return M
