--- Values as text for people, on few lines and with limits: what `hocker repl` prints.

local log = require "hocker.log"

local M = {}

local DEPTH_MAX <const> = 3
local COUNT_MAX <const> = 40
local TEXT_MAX <const> = 200

local function quoted(text)
  return '"' .. log.printable(log.shorten(text, TEXT_MAX):gsub('[\\"]', "\\%0")) .. '"'
end

local function sorted_keys(value)
  local keys = {}
  for key in next, value do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    if math.type(a) and math.type(b) then return a < b end
    return tostring(a) < tostring(b)
  end)
  return keys
end

local function label(key)
  if type(key) == "string" and key:find("^[%a_][%w_]*$") then return key end
  return "[" .. M.text(key, DEPTH_MAX) .. "]"
end

local function fields(value, depth)
  local parts, indent = {}, ("  "):rep(depth + 1)
  for i, key in ipairs(sorted_keys(value)) do
    if i > COUNT_MAX then
      parts[i] = indent .. "..."
      break
    end
    parts[i] = ("%s%s = %s,"):format(indent, label(key), M.text(rawget(value, key), depth + 1))
  end
  return ("{\n%s\n%s}"):format(table.concat(parts, "\n"), ("  "):rep(depth))
end

--- A value: strings in quotes, tables with their fields, sorted, three deep.
---@param value any
---@param depth integer? of the table that it is in
---@return string
function M.text(value, depth)
  depth = depth or 0
  if type(value) == "string" then return quoted(value) end
  local own = type(value) == "table" and getmetatable(value)
  if type(value) ~= "table" or (type(own) == "table" and own.__tostring) then
    return log.printable(tostring(value))
  end
  if next(value) == nil then return "{}" end
  if depth >= DEPTH_MAX then return "{ ... }" end
  return fields(value, depth)
end

return M
