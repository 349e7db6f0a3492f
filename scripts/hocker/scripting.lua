--- What runs somebody's Lua needs: `hocker run`, `hocker repl`, and a program that embeds hocker.

local core = require "hocker.core"
local guard = require "hocker.guard"
local hocker = require "hocker"
local output = require "hocker.output"

local M = {}

--- Prepares the state, until the value is closed: `hocker.open` works with the command's context, if there is a
--- command; a signal ends a script that waits for nothing, unless a program has a hook of its own; `print` does not
--- forget that it has failed, and `os.exit` leaves no file half made.
---@param ctx hocker.Context | { out: hocker.Output }
---@param globals table<string, any> for the script
---@return table scope to be closed
function M.prepare(ctx, globals)
  guard.arm()
  local before, used, exit = {}, hocker.use(ctx.log and ctx), os.exit
  globals.print = output.printer(ctx.out)
  for name, value in pairs(globals) do
    before[name] = rawget(_G, name)
    rawset(_G, name, value)
  end
  function os.exit(code, close) return exit(code, close ~= false) end
  local heeds = debug.gethook() == nil
  if heeds then core.system.heed() end
  return setmetatable({}, { __close = function()
    if heeds then debug.sethook() end
    os.exit = exit
    for name in pairs(globals) do rawset(_G, name, before[name]) end
    hocker.use(used)
  end })
end

-- What a script has returned, as a command would: nothing at all is fine. One that has passed over a signal, since
-- its input only seemed to end, or in a `pcall`, was interrupted all the same.
local function outcome(...)
  local problem = core.system.interrupted()
  if problem then return nil, problem end
  if select("#", ...) == 0 then return true end
  return ...
end

--- Runs a script, and returns what a command would.
---@param ctx hocker.Context | { out: hocker.Output }
---@param chunk function
---@param words string[] its arguments; [0] is its name
---@return boolean|integer|nil result, hocker.Error? err
function M.run(ctx, chunk, words)
  local scope <close> = M.prepare(ctx, { arg = words })
  return outcome(chunk(table.unpack(words)))
end

return M
