--- What a command needs that runs somebody's Lua: `hocker run` and `hocker repl`.

local core = require "hocker.core"
local hocker = require "hocker"

local M = {}

--- Prepares the state: `hocker.open` works with the command's context, a signal ends a script that waits for
--- nothing, `print` does not forget that it has failed, and `os.exit` leaves no file half made.
---@param ctx hocker.Context
function M.prepare(ctx)
  hocker.use(ctx)
  core.system.heed()
  local exit = os.exit
  function os.exit(code, close)
    return exit(code, close ~= false)
  end
  function _G.print(...)
    local texts = table.pack(...)
    for i = 1, texts.n do texts[i] = tostring(texts[i]) end
    ctx.out:write(table.concat(texts, "\t"), "\n")
  end
end

return M
