--- Whether something leaves descriptors or threads behind.

local lfs = require "lfs"
local luassert = require "luassert"

local leaks = {}

--- The entries of a directory of /proc/self.
local function count(name)
  local n = 0
  for _ in lfs.dir("/proc/self/" .. name) do n = n + 1 end
  return n
end

--- Runs a function, collects all garbage, and fails if more descriptors or threads are there than
--- before.
---@param f fun()
function leaks.none(f)
  collectgarbage()
  collectgarbage()
  local descriptors, threads = count("fd"), count("task")
  f()
  collectgarbage()
  collectgarbage()
  luassert.equal(descriptors, count("fd"), "descriptors")
  luassert.equal(threads, count("task"), "threads")
end

return leaks
