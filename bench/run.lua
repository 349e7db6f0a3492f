--- The benchmark behind `make bench`.
---
---     make bench                       all parts, into docs/measurements.md
---     make bench PARTS=growth,latency
---     make bench SIZE=small            in miniature, to see that it works: prints only
---
--- REPEAT=5 is how often each command is measured, in turn with the others. OUT is another
--- document to fill.

package.path = "?.lua;spec/?.lua;" .. package.path

local corpus = require "bench.corpus"
local document = require "bench.document"
local machine = require "bench.machine"
local process = require "support.process"
local tmp = require "support.tmp"

local PARTS = { "compare", "growth", "startup", "latency", "slowlink", "update" }
local SCALES = { full = 1, small = 0.01 }

local function setting(name, default)
  local value = os.getenv(name)
  return value and value ~= "" and value or default
end

local function usage(why)
  io.stderr:write("bench: ", why, "\n")
  os.exit(2)
end

---@class bench.Context What a part is given.
---@field corpus bench.Corpus
---@field small boolean
---@field times integer repetitions
local function context()
  local size = setting("SIZE", "full")
  local scale = SCALES[size] or usage("SIZE is full or small")
  local times = math.tointeger(tonumber(setting("REPEAT", size == "small" and 1 or 5)))
  if not times or times < 1 then
    usage("REPEAT is a number")
  end
  local dir = ("%s/bench/corpus-%s"):format(setting("HOCKER_BUILD", "build"), size)
  return { corpus = corpus.open(dir, scale), small = size == "small", times = times }
end

local function load_parts()
  local all, parts = table.concat(PARTS, ","), {}
  for name in setting("PARTS", all):gmatch("[^%s,]+") do
    if not (("," .. all .. ","):find("," .. name .. ",", 1, true)) then
      usage(("%s: no such part; they are %s"):format(name, all))
    end
    parts[#parts + 1] = { name = name, run = require("bench.parts." .. name) }
  end
  return parts
end

local function main()
  local parts, bench = load_parts(), context()
  local results = { machine = machine.describe() }
  local failed = false
  print(results.machine)
  for _, part in ipairs(parts) do
    io.stderr:write("bench: ", part.name, "\n")
    local good, text = xpcall(part.run, debug.traceback, bench)
    failed = failed or not good
    results[part.name] = good and text or nil
    print(text)
  end
  local out = setting("OUT", not bench.small and "docs/measurements.md")
  local ok, why = true, nil
  if out then
    ok, why = document.update(out, results, PARTS)
  end
  if not ok then
    io.stderr:write("bench: ", why, "\n")
  end
  return ok and not failed
end

local ok, result = xpcall(main, debug.traceback)
process.stop_all()
tmp.remove_all()
if not ok then
  io.stderr:write("bench: ", result, "\n")
end
os.exit(ok and result or false)
