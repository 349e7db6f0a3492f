--- Lua in an interpreter of its own, the same that runs the specs, with the modules under test.
---
---     local result = lua.run { "-e", 'print(require("hocker.core").version)' }

local core = require "hocker.core"
local process = require "support.process"
local tmp = require "support.tmp"

local lua = {}

--- The library of the sanitizer, when this interpreter runs with it: what loads the modules of such
--- a build needs it too.
local sanitizer = tmp.read("/proc/self/maps"):match("(/%S*/libasan%.so%S*)")

--- The words that run the interpreter.
---@param words string[]
---@return string[] argv
function lua.command(words)
  local argv = sanitizer and { "env", "LD_PRELOAD=" .. sanitizer } or {}
  argv[#argv + 1] = core.system.program()
  return table.move(words, 1, #words, #argv + 1, argv)
end

local function options(opts)
  local copy = { env = { LUA_PATH = package.path, LUA_CPATH = package.cpath } }
  for key, value in pairs(opts or {}) do
    if key ~= "env" then copy[key] = value end
  end
  for name, value in pairs(opts and opts.env or {}) do copy.env[name] = value end
  return copy
end

---@param words string[]
---@param opts support.process.Options?
---@return support.Result
function lua.run(words, opts)
  return process.run(lua.command(words), options(opts))
end

--- Runs what has to succeed.
---@param words string[]
---@param opts support.process.Options?
---@return string stdout
function lua.check(words, opts)
  return process.check(lua.command(words), options(opts))
end

return lua
