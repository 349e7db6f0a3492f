--- The parameters of a policy: from a configuration they are values, from a command line texts.

local similar = require "hocker.similar"

local M = {}

local UNITS <const> = { [""] = 1, K = 1 << 10, M = 1 << 20, G = 1 << 30, T = 1 << 40 }

local kinds = {}

function kinds.list(value)
  if type(value) == "string" then value = { value } end
  if type(value) ~= "table" then return nil, "must be a text, or a list of them" end
  local list = {}
  for key, item in pairs(value) do
    if math.type(key) ~= "integer" or type(item) ~= "string" or item == "" then
      return nil, "must be a text, or a list of them"
    end
    list[key] = item
  end
  return list
end

--- Nothing is taken from the current directory, which may be anybody's.
function kinds.path(value)
  if type(value) == "string" and value:sub(1, 1) == "/" then return value end
  return nil, "must be an absolute path"
end

function kinds.paths(value)
  local list, why = kinds.list(value)
  for i, path in ipairs(list or {}) do
    list[i], why = kinds.path(path)
    if why then return nil, why end
  end
  return list, why
end

function kinds.flag(value)
  if value == true or value == "true" then return true end
  if value == false or value == "false" then return false end
  return nil, "must be true or false"
end

--- 1000, "1000", "500M", "2GiB".
function kinds.count(value)
  local digits, unit = tostring(value):match("^(%d+)%s*([KMGT]?)i?B?$")
  local number = digits and #digits < 16 and math.tointeger(tonumber(digits))
  local factor = UNITS[unit]
  if number and number <= math.maxinteger // factor then return number * factor end
  return nil, "must be a whole number, as 1000 or 500MiB"
end

--- Reads parameters.
---@param given table<string, any>
---@param known table<string, "list"|"path"|"paths"|"flag"|"count"> the kind of each
---@return table<string, any>? parameters, string? fault
function M.read(given, known)
  local read = {}
  for name, value in pairs(given) do
    local kind = known[name]
    if not kind then
      return nil, ("there is no parameter '%s'%s"):format(tostring(name),
        similar.hint(tostring(name), known))
    end
    local result, why = kinds[kind](value)
    if why then return nil, ("parameter '%s' %s"):format(name, why) end
    read[name] = result
  end
  return read
end

return M
