--- What a command needs that runs somebody's Lua: `hocker run` and `hocker repl`.

local core = require "hocker.core"
local hocker = require "hocker"
local output = require "hocker.output"

local M = {}

--- Prepares the state: `hocker.open` works with the command's context, a signal ends a script that waits for
--- nothing, and `print` does not forget that it has failed.
---@param ctx hocker.Context
function M.prepare(ctx)
  hocker.use(ctx)
  core.system.heed()
  _G.print = output.printer(ctx.out)
end

return M
