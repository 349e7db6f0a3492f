--- What a C program asks of a state that it embeds hocker in (bindings/host.h).

local M = {}

--- Runs a text as a script.
---@param name string for messages
---@param words string[] its arguments
---@param text string
---@return integer exit_code
function M.script(name, words, text)
  local function run(...)
    local chunk, why = load(text, "@" .. name, "t")
    if not chunk then return nil, require("hocker.core").error("internal", why) end
    return chunk(...)
  end
  return require("hocker.command").call(name, run, words)
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
  local guard <close> = setmetatable({}, { __close = function()
    io.stdout, io.stderr, print = before[1], before[2], before[3]
    io.output(before[4])
  end })
  io.stdout, io.stderr, print = stdout, stderr, require("hocker.output").printer(stdout)
  io.output(stdout)
  return f(...)
end

return M
