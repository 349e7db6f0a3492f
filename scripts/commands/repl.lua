local core = require "hocker.core"
local hocker = require "hocker"
local inspect = require "hocker.inspect"
local log = require "hocker.log"
local options = require "hocker.options"
local scripting = require "hocker.scripting"

-- The next line; nil at the end of the input, and at an interrupt.
local function read_line(self, prompt)
  if self.talks then
    io.stdout:write(prompt)
    io.stdout:flush()
  end
  return io.read("L")
end

-- An expression, or statements. What is wrong with a text that goes on ends at its end.
local function compile(text)
  local chunk = load("return " .. text, "=input", "t")
  if chunk then return chunk end
  local why
  chunk, why = load(text, "=input", "t")
  return chunk, why, why ~= nil and why:find("<eof>$") ~= nil
end

-- One piece of input: lines, until they are whole.
local function read_chunk(self)
  local text = read_line(self, "> ")
  if not text then return nil end
  local chunk, why, open = compile(text)
  while open do
    local more = read_line(self, ">> ")
    if not more then break end
    text = text .. more
    chunk, why, open = compile(text)
  end
  return chunk or function() error(core.error("usage", why), 0) end
end

local function explain(raised)
  if type(raised) == "table" and raised.code then return raised end
  local trace = debug.traceback(tostring(raised), 2)
  return (trace:gsub("\n%s*%[C%]: in function 'xpcall'.*$", "")) -- the rest is ours
end

local function print_values(ctx, values)
  for i = 2, values.n do ctx.out:write(inspect.text(values[i]), i < values.n and "\t" or "\n") end
  ctx.out:flush()
end

local function print_error(raised)
  local text = type(raised) == "table" and ("%s (%s)"):format(raised.message, raised.code)
  io.stderr:write(text and log.printable(text) or raised, "\n")
end

return {
  name = "repl",
  usage = "",
  summary = "try the library, line by line",
  args = { options.verbosity },
  run = function(ctx)
    local self = { talks = core.system.columns(0) ~= nil }
    local failed = false
    local guard <close> = scripting.prepare(ctx, { hocker = hocker })
    for chunk in function() return read_chunk(self) end do
      local values = table.pack(xpcall(chunk, explain))
      if core.system.interrupted() then break end
      if values[1] then print_values(ctx, values)
      else
        print_error(values[2])
        failed = true
      end
    end
    local problem = core.system.interrupted()
    if problem then return nil, problem end
    if self.talks then ctx.out:write("\n") end
    return failed and not self.talks and 1 or true
  end,
}
