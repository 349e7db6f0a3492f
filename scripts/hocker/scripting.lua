--- What a command needs that runs somebody's Lua: `hocker run` and `hocker repl`.

local core = require "hocker.core"
local hocker = require "hocker"
local output = require "hocker.output"

local M = {}

--- Prepares the state: `hocker.open` works with the command's context, a signal ends a script that waits for
--- nothing, `print` does not forget that it has failed, and `os.exit` leaves no file half made.
---@param ctx hocker.Context
function M.prepare(ctx)
  hocker.use(ctx)
  core.system.heed()
  _G.print = output.printer(ctx.out)
  local exit = os.exit
  function os.exit(code, close)
    return exit(code, close ~= false)
  end
end

return M
