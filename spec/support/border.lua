--- Right arguments for everything in hocker.core, made from what docs/api/core.lua says.

local api = require "support.api"
local core = require "hocker.core"
local tmp = require "support.tmp"

local border = {}

local NOWHERE <const> = "http://127.0.0.1:1/" -- nobody answers

local functions, classes = api.read()
border.functions, border.classes = functions, classes

--- New objects, by their kinds.
border.make = {
  Hash = core.digest.new,
  Sink = core.sink.null,
  Buffer = function() return core.buffer(1) end,
  Meter = core.meter,
  Join = function() return core.join(core.sink.null()) end,
  Pipe = function() return core.pipe(1) end,
  File = function() return assert(core.file(tmp.path("file"))) end,
  Tar = function() return assert(core.tar(assert(core.file(tmp.path("tar"))))) end,
  TarStream = function() return core.tar_stream(core.sink.null()) end,
  Dir = function() return assert(core.dir(tmp.path("dir"))) end,
  Session = function() return assert(core.session()) end,
  Transfer = function() return assert(assert(core.session()):start { url = NOWHERE }) end,
}

--- What a function takes where its type alone does not tell.
local RIGHT <const> = {
  code = "io", path = "/dev/null/x", max = 100, base = NOWHERE, url = NOWHERE, fd = 0, bytes = 1000,
  text = "return {}", chunk_name = "=x", index = 1, seconds = 0,
}
border.tables = {
  ["hocker.Request"] = function() return { url = NOWHERE } end,
  ["hocker.Trust"] = function() return { origin = NOWHERE } end,
  ["hocker.core.Command"] = function() return { argv = { "/nonexistent" } } end,
  ["hocker.Error"] = function() return core.error("io", "why") end,
}

---@param param support.api.Param
function border.is_table(param)
  return param.type:find("^{") or param.type:find("%[%]$") or param.type == "table"
    or border.tables[param.type] or classes[param.type] and not border.object_kind(param)
end

--- The kind of object that it is, if any.
---@param param support.api.Param
---@return string? kind
function border.object_kind(param)
  local kind = param.type:match("^hocker%.core%.(%u%w*)$")
  return border.make[kind] and kind
end

--- A new value that the function takes.
---@param param support.api.Param
function border.right(param)
  local kind = border.object_kind(param)
  if kind then return border.make[kind]() end
  if border.tables[param.type] then return border.tables[param.type]() end
  if border.is_table(param) then return {} end
  if param.type:find('^"') then return param.type:match('^"([^"]*)"') end
  if RIGHT[param.name] ~= nil and param.type ~= "boolean" then return RIGHT[param.name] end
  return ({ string = "x", integer = 1, number = 1, boolean = true })[param.type]
end

--- The function itself.
---@param entry support.api.Function
---@return function
function border.find(entry)
  if entry.kind then
    return debug.getmetatable(border.make[entry.kind]()).__index[entry.name:match(":(.*)")]
  end
  local value = core
  for part in entry.name:gmatch("[^.]+") do value = value[part] end
  return value
end

return border
