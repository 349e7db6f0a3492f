--- What a C program asks of a state that it embeds hocker in (bindings/host.h).

local lazy = require "hocker.lazy"

local command = lazy "hocker.command"
local core = require "hocker.core"
local output = lazy "hocker.output"
local scripting = lazy "hocker.scripting"
local scripts = lazy "hocker.scripts"

local M = {}

--- Runs a text as a script.
---@param name string for messages
---@param words string[] its arguments
---@param text string
---@return integer exit_code
function M.script(name, words, text)
  words[0] = name
  return command.call(name, function(ctx)
    local chunk, err = scripts.compile { path = name, text = text }
    if not chunk then return nil, err end
    return scripting.run(ctx, chunk, words)
  end)
end

-- Lua's own ends the process, which is the program's.
local function leave(code)
  if type(code) ~= "number" then code = code == false and 1 or 0 end
  code = math.tointeger(code) or 1
  error(core.error("internal", "the script called os.exit", { exit = code & 0xff }), 0)
end

--- Calls a function while the state's standard output and error are other descriptors, and `os.exit` ends what
--- is run.
---@param out integer open for appending
---@param err integer open for appending
---@param f function
---@return any value of the function
function M.redirected(out, err, f, ...)
  local stdout <close> = assert(io.open("/proc/self/fd/" .. out, "ab"))
  local stderr <close> = assert(io.open("/proc/self/fd/" .. err, "ab"))
  stderr:setvbuf "no"
  local before = { io.stdout, io.stderr, print, io.output(), os.exit }
  local guard <close> = setmetatable({}, { __close = function()
    io.stdout, io.stderr, print, os.exit = before[1], before[2], before[3], before[5]
    io.output(before[4])
  end })
  io.stdout, io.stderr, print, os.exit = stdout, stderr, output.printer(stdout), leave
  io.output(stdout)
  return f(...)
end

return M
