-- A line of JSON for every decision, with what it was about and who decided.
--
--   file   where lines are added; standard error by default

local core = require "hocker.core"
local json = require "hocker.json"
local log = require "hocker.log"
local parameters = require "hocker.policy.parameters"

-- What JSON has no form for, and what is too much for a line.
local function plain(value)
  if type(value) == "string" then
    return utf8.len(value) and value or log.printable(value:gsub("[\x80-\xff]", "?"))
  elseif type(value) ~= "table" then
    return value
  end
  local new = #value > 0 and json.array {} or {}
  for key, item in pairs(value) do
    local empty = type(item) == "table" and next(item) == nil
    if key ~= "bytes" and not empty then new[key] = plain(item) end
  end
  return new
end

-- The stream has no buffer: a line is one write, to the end, which no other process gets into.
local function write(file, line)
  local ok, why = file:write(line .. "\n")
  if ok then return nil end
  return nil, core.error("io", "the log can't be written: " .. why)
end

return function(given)
  local opts, why = parameters.read(given, { file = "path" })
  if not opts then return nil, why end
  local file = io.stderr
  if opts.file then
    file, why = io.open(opts.file, "a")
    if not file then return nil, core.error("io", why) end
    file:setvbuf "no"
  end
  return {
    decision = function(made, ctx)
      if not opts.file and ctx.log and ctx.log.before then ctx.log.before() end
      return write(file, json.encode {
        time = os.date("!%Y-%m-%dT%H:%M:%SZ"), hook = made.hook, facts = plain(made.facts),
        answered = #made.answered > 0 and json.array(made.answered) or nil,
        refused = made.refused, reason = made.reason and plain(made.reason),
      })
    end,
  }
end
