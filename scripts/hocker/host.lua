--- What a C program asks of a state that it embeds hocker in (bindings/host.h).

local M = {}

--- Runs a command as the command line does.
---@param words table<integer, string> as of `arg`: [0] tells which program it is
---@return integer exit_code
function M.command(words)
  return require("hocker.command").main(words[0] or "hocker", words)
end

--- Runs a text as a script, with the words as its arguments.
---@param words table<integer, string> [0] is the script's name
---@param text string
---@return integer exit_code
function M.script(words, text)
  local name = words[0] or "script"
  local function run(...)
    local chunk, why = load(text, "@" .. name, "t")
    if not chunk then return nil, require("hocker.core").error("internal", why) end
    return chunk(...)
  end
  return require("hocker.command").call(name, run, words)
end

-- Lua's own writes to C's standard output, whatever io.stdout is.
local function printer(stream)
  return function(...)
    local words = table.pack(...)
    for i = 1, words.n do words[i] = tostring(words[i]) end
    stream:write(table.concat(words, "\t"), "\n")
  end
end

--- Calls a function while the state's standard output and error are other descriptors.
---@param out integer open for appending
---@param err integer open for appending
---@param f function
---@return any value of the function
function M.redirected(out, err, f, ...)
  local stdout <close> = assert(io.open("/proc/self/fd/" .. out, "ab"))
  local stderr <close> = assert(io.open("/proc/self/fd/" .. err, "ab"))
  stderr:setvbuf "no"
  local before = { io.stdout, io.stderr, print, io.output() }
  local back <close> = setmetatable({}, { __close = function()
    io.stdout, io.stderr, print = before[1], before[2], before[3]
    io.output(before[4])
  end })
  io.stdout, io.stderr, print = stdout, stderr, printer(stdout)
  io.output(stdout)
  return f(...)
end

return M
