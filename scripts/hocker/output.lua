--- Standard output for commands and scripts.

local core = require "hocker.core"

local M = {}

---@class hocker.Output What a command prints to. It need not look whether a write failed: that is
--- remembered, which C's streams don't do; the next flush of one is fine.
---@field stream file*
---@field fault { [1]: string, [2]: integer }? what the first write that failed said
local methods = {}
local mt = { __name = "hocker.Output", __index = methods }

---@param stream file*
---@return hocker.Output
function M.new(stream)
  return setmetatable({ stream = stream }, mt)
end

local function remember(self, ok, why, errno)
  if ok then return self end
  self.fault = self.fault or { why, errno }
  return nil, why, errno
end

--- As a file's.
function methods:write(...)
  return remember(self, self.stream:write(...))
end

--- As a file's, but a write that failed before fails it too.
function methods:flush()
  if self.fault then return nil, table.unpack(self.fault) end
  return remember(self, self.stream:flush())
end

--- Writes, and flushes: what waits in a buffer may still fail, for a full disk or a closed pipe.
---@param out hocker.Output|file*
---@param text string
---@return true? ok, hocker.Error? err
function M.print_all(out, text)
  local ok, why, errno = out:write(text)
  if ok then ok, why, errno = out:flush() end
  if ok then return true end
  return nil, core.error("io", "writing to standard output: " .. tostring(why), { sys = errno })
end

--- Lua's `print`, to something else than C's standard output.
---@param out hocker.Output|file*
---@return fun(...: any)
function M.printer(out)
  return function(...)
    local texts = table.pack(...)
    for i = 1, texts.n do texts[i] = tostring(texts[i]) end
    out:write(table.concat(texts, "\t"), "\n")
  end
end

return M
