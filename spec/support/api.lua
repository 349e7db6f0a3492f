--- What docs/api/core.lua says of arguments, for specs that go through all of them.

local tmp = require "support.tmp"

local api = {}

---@class support.api.Param
---@field name string
---@field type string without what says that it may be left out
---@field optional boolean

---@class support.api.Function
---@field name string "url.parse", "Sink:write"
---@field kind string? of the object, for a method
---@field params support.api.Param[]

local function param(name, rest)
  local kind = rest:match("^(%b{}%??)") or rest:match("^(%S+)")
  return { name = name:gsub("%?$", ""), type = (kind:gsub("%?$", "")),
    optional = name:sub(-1) == "?" or kind:sub(-1) == "?" }
end

--- All functions, and the fields of all classes by their names.
---@return support.api.Function[] functions, table<string, support.api.Param[]> classes
function api.read()
  local functions, classes, params, class = {}, {}, {}, nil
  for line in (tmp.read("docs/api/core.lua") .. "\n"):gmatch("([^\n]*)\n") do
    local name, rest = line:match("^%-%-%-@param (%S+) (.+)$")
    local field, of = line:match("^%-%-%-@field (%S+) (.+)$")
    local called = line:match("^function core%.([%w_.]+)%(") or
      line:match("^function (%u%w*:[%w_]+)%(")
    class = line:match("^%-%-%-@class (%S+)") or class
    if name then params[#params + 1] = param(name, rest) end
    if field then
      classes[class] = classes[class] or {}
      table.insert(classes[class], param(field, of))
    end
    if called then
      functions[#functions + 1] = { name = called, kind = called:match("^(%u%w*):"),
        params = params }
    end
    if line == "" or called then params = {} end
  end
  return functions, classes
end

return api
