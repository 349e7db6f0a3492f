--- What runs somebody's Lua: `hocker run`, `hocker repl`, and a program in C (bindings/host.h).

local core = require "hocker.core"
local hocker = require "hocker"

local M = {}

local LOOK <const> = 100000 -- instructions between two looks for a signal

local function look()
  local problem = core.system.interrupted()
  if problem then error(problem, 0) end
end

-- `print`, which does not forget that it has failed.
local function printer(ctx)
  return function(...)
    local texts = table.pack(...)
    for i = 1, texts.n do texts[i] = tostring(texts[i]) end
    ctx.out:write(table.concat(texts, "\t"), "\n")
  end
end

--- Prepares the state, until the value is closed: `hocker.open` works with the command's context, if there is a
--- command, and a signal ends a script that waits for nothing, unless a program has a hook of its own.
---@param ctx hocker.Context | { out: file* }
---@param globals table<string, any> for the script
---@return table guard to be closed
function M.prepare(ctx, globals)
  local before, used = {}, hocker.use(ctx.log and ctx)
  globals.print = printer(ctx)
  for name, value in pairs(globals) do
    before[name] = rawget(_G, name)
    rawset(_G, name, value)
  end
  local hooked = debug.gethook() == nil
  if hooked then debug.sethook(look, "", LOOK) end
  return setmetatable({}, { __close = function()
    if hooked then debug.sethook() end
    for name in pairs(globals) do rawset(_G, name, before[name]) end
    hocker.use(used)
  end })
end

-- What a script has returned, as a command would: nothing at all is fine.
local function outcome(...)
  local result, err = ...
  if select("#", ...) == 0 then return true end
  if type(result) == "boolean" then return result end
  if math.type(result) == "integer" then
    if result >= 0 and result <= 255 then return result end
    return nil, core.error("usage", ("the script returned %d, no exit code"):format(result))
  elseif result then
    return nil, core.error("usage", ("the script returned a %s, and may return a boolean, an exit "
      .. "code, or nil and an error"):format(type(result)))
  end
  return nil, err
end

--- Runs a script, and returns what a command would.
---@param ctx hocker.Context
---@param chunk function
---@param words string[] its arguments; [0] is its name
---@return boolean|integer? result, hocker.Error? err
function M.run(ctx, chunk, words)
  local guard <close> = M.prepare(ctx, { arg = words })
  return outcome(chunk(table.unpack(words)))
end

return M
