local core = require "hocker.core"
local errors = require "hocker.errors"
local hocker = require "hocker"
local inspect = require "hocker.inspect"
local log = require "hocker.log"
local options = require "hocker.options"
local scripting = require "hocker.scripting"
local scripts = require "hocker.scripts"

local SIGINT <const> = 2

-- The next line; nil at the end of the input, and at an interrupt; what can't be read is an error.
local function read_line(self, prompt)
  if self.talks then
    io.stdout:write(prompt)
    io.stdout:flush()
  end
  local line, why, errno = io.read("L")
  if errno then
    self.problem = core.error("io", "reading standard input: " .. why, { sys = errno })
  end
  return line
end

-- What the parser raises, of a text too deep for it, is not for the handler of an xpcall around us.
local function parse(text)
  return select(2, pcall(load, text, "=input", "t"))
end

-- An expression, after "=" too, as lua takes it, or statements. What is wrong with a text that goes on
-- ends at its end.
local function compile(text)
  local chunk = parse("return " .. text:gsub("^=", ""))
  if chunk then return chunk end
  local why
  chunk, why = parse(text)
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
  if errors.is(raised) then return raised end
  local trace = debug.traceback(errors.text(raised), 2)
  return (trace:gsub("\n%s*%[C%]: in function 'xpcall'.*$", "")) -- the rest is ours
end

local function print_values(ctx, values)
  for i = 2, values.n do ctx.out:write(inspect.text(values[i]), i < values.n and "\t" or "\n") end
  ctx.out:flush()
end

-- Ctrl-C ends what runs, and at a terminal no more than that. At the prompt it ends the repl.
local function goes_on(self)
  local problem = core.system.interrupted()
  if not problem then return true end
  if not self.talks or problem.sys ~= SIGINT then return false end
  core.system.go_on()
  return true
end

-- Runs a piece and prints its values; both may raise, since a value may have a `__tostring`.
local function perform(ctx, chunk)
  local values = table.pack(xpcall(chunk, explain))
  if not values[1] then return false, values[2] end
  return xpcall(print_values, explain, ctx, values)
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
    local ok, err = scripts.may_run("standard input")
    if not ok then return nil, err end
    local self = { talks = core.system.columns(0) ~= nil }
    local failed = false
    scripting.prepare(ctx)
    _G.hocker = hocker
    for chunk in function() return read_chunk(self) end do
      local good, raised = perform(ctx, chunk)
      if not goes_on(self) then break end
      if not good then
        print_error(raised)
        failed = true
      end
    end
    local problem = core.system.interrupted() or self.problem
    if problem then return nil, problem end
    if self.talks then ctx.out:write("\n") end
    return failed and not self.talks and 1 or true
  end,
}
