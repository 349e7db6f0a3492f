local core = require "hocker.core"
local options = require "hocker.options"
local scripting = require "hocker.scripting"
local scripts = require "hocker.scripts"

local function from_standard_input()
  local text, why, errno = io.read(scripts.size_max + 1)
  if not text and errno then
    return nil, core.error("io", "reading standard input: " .. why, { sys = errno })
  elseif text and #text > scripts.size_max then
    return nil, core.error("refused", "standard input: a script of more than 1 MiB")
  end
  return { path = "standard input", text = text or "" }
end

local function compile(path)
  local script, err
  if path == "-" then script, err = from_standard_input()
  else script, err = scripts.read_file(path) end
  if not script then return nil, err end
  return scripts.compile(script)
end

-- What a script returns, as a command would: nothing at all is fine. One that has passed over a signal, since
-- its input only seemed to end, or in a `pcall`, was interrupted all the same.
local function outcome(...)
  local problem = core.system.interrupted()
  if problem then return nil, problem end
  if select("#", ...) == 0 then return true end
  return ...
end

return {
  name = "run",
  usage = "SCRIPT [ARGUMENT...]",
  summary = "run a Lua script with the whole library",
  hands_on = true,
  args = {
    { words = "script", count = "+",
      help = "a file, or - for standard input; and what it gets as its arguments" },
    options.verbosity,
  },
  run = function(ctx, args)
    local words = args.script
    local path = table.remove(words, 1)
    local chunk, err = compile(path)
    if not chunk then return nil, err end
    scripting.prepare(ctx)
    words[0] = path
    _G.arg = words
    return outcome(chunk(table.unpack(words)))
  end,
}
