--- Runs commands in turns, and tells what each took.
---
---     local results = measure.rounds({ { name = "a", make = function(out) ... end } }, 5)
---     print(results[1].wall.median)

local process = require "support.process"
local tmp = require "support.tmp"

local measure = {}

local BUILD = os.getenv("HOCKER_BUILD") or "build"

---@class bench.Command
---@field name string
---@field make fun(out: string): string[], support.process.Options? the command that writes to this path
---@field check (fun(out: string))? raises when what was written is wrong; called once

---@class bench.Sample
---@field wall number seconds
---@field cpu number seconds, user and system, of the command and its children
---@field peak number MiB, of the largest of its processes

---@class bench.Summary
---@field median number
---@field spread number half of the distance between the quartiles
---@field high number

---@class bench.Result
---@field name string
---@field wall bench.Summary
---@field cpu bench.Summary
---@field peak bench.Summary

--- Runs a command once.
---@param argv string[]
---@param opts support.process.Options?
---@return bench.Sample
function measure.once(argv, opts)
  local report = tmp.path("report")
  local copy = { timeout = 1800 }
  for key, value in pairs(opts or {}) do
    copy[key] = value
  end
  process.check(table.move(argv, 1, #argv, 3, { BUILD .. "/bench/measure", report }), copy)
  local wall, cpu, peak = tmp.read(report):match("^(%S+) (%S+) (%S+)")
  os.remove(report)
  return { wall = tonumber(wall), cpu = tonumber(cpu), peak = tonumber(peak) / 1024 }
end

-- What one run left to be written must not slow the next.
local function clean(out)
  if not tmp.exists(out) then
    return
  end
  process.check { "rm", "-rf", out }
  process.check({ "sync", "-f", tmp.root() }, { timeout = 600 })
end

local function run(command, check)
  local out = tmp.path("out")
  local sample = measure.once(command.make(out))
  if check then
    local ok, why = pcall(check, out)
    assert(ok, command.name .. ": " .. tostring(why))
  end
  clean(out)
  return sample
end

local function summary(samples, what)
  local values = {}
  for i, sample in ipairs(samples) do
    values[i] = sample[what]
  end
  table.sort(values)
  local function between(i)
    return values[i], values[#values + 1 - i]
  end
  local low, high = between((#values + 1) // 2)
  local first, third = between((#values + 3) // 4)
  return { median = (low + high) / 2, spread = (third - first) / 2, high = values[#values] }
end

--- Runs all commands once to warm up and to check what they write, then all of them in turn so
--- many times.
---@param commands bench.Command[]
---@param times integer
---@return bench.Result[] results in the order of the commands
function measure.rounds(commands, times)
  local samples = {}
  for i, command in ipairs(commands) do
    run(command, command.check)
    samples[i] = {}
  end
  for round = 1, times do
    for i, command in ipairs(commands) do
      samples[i][round] = run(command)
    end
  end
  local results = {}
  for i, command in ipairs(commands) do
    results[i] = { name = command.name, wall = summary(samples[i], "wall"),
      cpu = summary(samples[i], "cpu"), peak = summary(samples[i], "peak") }
  end
  return results
end

--- The line that fits best through points, by least squares.
---@param xs number[]
---@param ys number[]
---@return {base: number, slope: number, r2: number} fit y = base + slope * x; r2 is 1 when all lie on it
function measure.fit(xs, ys)
  local n, sx, sy, sxx, sxy, syy = #xs, 0, 0, 0, 0, 0
  for i = 1, n do
    local x, y = xs[i], ys[i]
    sx, sy, sxx, sxy, syy = sx + x, sy + y, sxx + x * x, sxy + x * y, syy + y * y
  end
  local dx, dy, dxy = n * sxx - sx * sx, n * syy - sy * sy, n * sxy - sx * sy
  local slope = dxy / dx
  return { base = (sy - slope * sx) / n, slope = slope, r2 = dxy * dxy / (dx * dy) }
end

return measure
