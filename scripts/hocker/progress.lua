--- Shows how far a fetch is, on standard error.
---
---  bar    one line that is rewritten: layers done, bytes, speed; for terminals
---  plain  a line a layer, when it is done; for logs
---  json   one JSON object a line: {"event":"layer","digest":...}; for programs
---  none   nothing
---  auto   bar on a terminal, else plain

local core = require "hocker.core"
local json = require "hocker.json"

local M = {}

---@class hocker.Progress
---@field mode "bar"|"plain"|"json"|"none"
local methods = {}
local mt = { __name = "hocker.Progress", __index = methods }

local STDERR = 2

---@param mode "auto"|"bar"|"plain"|"json"|"none"
---@param stream file*? standard error
---@return hocker.Progress
function M.new(mode, stream)
  local columns = core.system.columns(STDERR)
  if mode == "auto" then mode = columns and "bar" or "plain" end
  return setmetatable({
    mode = mode, stream = stream or io.stderr, columns = columns or 80, began = core.system.clock(),
    transfers = {}, finished = 0, count = 0, total = 0, bytes = 0, drawn = false,
  }, mt)
end

--- What will be fetched.
---@param layers hocker.archive.Layer[]
function methods:plan(layers)
  self.count = #layers
  for _, layer in ipairs(layers) do self.total = self.total + layer.descriptor.size end
  if self.mode == "json" then
    self:event { event = "plan", layers = self.count, bytes = self.total }
  end
end

---@param layer hocker.archive.Layer
---@param transfer hocker.core.Transfer? nil when what it fetched was in vain
function methods:start(layer, transfer)
  self.transfers[layer] = transfer
end

local function short(digest)
  return digest:match(":(%x%x%x%x%x%x%x)")
end

---@param layer hocker.archive.Layer
function methods:done(layer)
  self.transfers[layer] = nil
  self.finished = self.finished + 1
  self.bytes = self.bytes + layer.descriptor.size
  if self.mode == "plain" then
    self.stream:write(("Downloading layer: %s => wrote %s\n")
      :format(short(layer.descriptor.digest), short(layer.diff_id or layer.descriptor.digest)))
  elseif self.mode == "json" then
    self:event { event = "layer", digest = layer.descriptor.digest, bytes = layer.descriptor.size }
  end
end

function methods:event(fields)
  self.stream:write(json.encode(fields), "\n")
end

local UNITS = { "B", "kB", "MB", "GB", "TB" }

local function human(bytes)
  local unit = 1
  while bytes >= 1000 and unit < #UNITS do bytes, unit = bytes / 1000, unit + 1 end
  return (unit == 1 and "%d %s" or "%.1f %s"):format(bytes, UNITS[unit])
end

--- Redraws the bar.
function methods:tick()
  if self.mode ~= "bar" or self.count == 0 then return end
  local bytes = self.bytes
  for _, transfer in pairs(self.transfers) do bytes = bytes + transfer:progress() end
  local speed = bytes / math.max(core.system.clock() - self.began, 0.001)
  local text = ("layers %d/%d  %s of %s  %s/s"):format(self.finished, self.count, human(bytes),
    human(self.total), human(speed))
  self.stream:write("\r\27[K", text:sub(1, self.columns - 1))
  self.stream:flush()
  self.drawn = true
end

--- Takes the bar away, before other output and at the end.
function methods:clear()
  if not self.drawn then return end
  self.stream:write("\r\27[K")
  self.stream:flush()
  self.drawn = false
end

return M
