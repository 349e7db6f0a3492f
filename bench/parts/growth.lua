--- How time and memory grow with an image.

local corpus = require "bench.corpus"
local images = require "bench.images"
local measure = require "bench.measure"
local program = require "support.program"
local text = require "bench.text"
local tmp = require "support.tmp"
local tools = require "bench.tools"

---@class bench.Series
---@field title string
---@field unit string what grows
---@field points {[1]: number, [2]: bench.Command}[] how much of it, and the command for so much

local function line(results, points, what)
  local xs, ys = {}, {}
  for i, point in ipairs(points) do
    xs[i], ys[i] = point[1], results[i][what].median
  end
  return measure.fit(xs, ys)
end

local FIT = "wall = %.1f ms + %.3f ms a %s, R² = %.4f; peak = %.1f MiB + %.4f MiB a %s.\n"

-- The table of a series, and the lines through its points.
local function report(series, results)
  local rows = {}
  for i, result in ipairs(results) do
    local units = series.points[i][1]
    rows[i] = { ("%.0f"):format(units), text.spread(result.wall), text.time(result.cpu.median),
      ("%.1f MiB"):format(result.peak.high), text.time(result.wall.median / units) }
  end
  local head = { series.unit, "wall", "CPU", "peak", "wall a " .. series.unit }
  local wall, peak = line(results, series.points, "wall"), line(results, series.points, "peak")
  return ("%s:\n\n%s\n"):format(series.title, text.table(head, rows)) .. FIT:format(
    wall.base * 1e3, wall.slope * 1e3, series.unit, wall.r2, peak.base, peak.slope, series.unit)
end

local function fetch(bench, made)
  return { name = made.name,
    make = tools.hocker(tools.variants[1].build, bench.corpus.registry:url(), made, {}) }
end

local function by_layers(bench, title, counts, size_of)
  local points = {}
  for i, count in ipairs(counts) do
    points[i] = { count, fetch(bench, images.uniform(bench, count, size_of(count))) }
  end
  return { title = title, unit = "layer", points = points }
end

local function by_size(bench, sizes)
  local points = {}
  for i, size in ipairs(sizes) do
    local made = images.uniform(bench, 1, size)
    local _, content = corpus.sizes(made)
    points[i] = { content / 1e6, fetch(bench, made) }
  end
  return { title = "One layer of more and more content", unit = "MB", points = points }
end

local DESCRIPTOR = '{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":1,' ..
  '"digest":"sha256:%064x"}'

local function manifest(layers)
  local list = {}
  for i = 0, layers do
    list[i] = DESCRIPTOR:format(i)
  end
  return ('{"schemaVersion":2,"config":%s,"layers":[%s]}'):format(
    list[0]:gsub("layer.v1.tar%+gzip", "config.v1+json"), table.concat(list, ","))
end

local function docker2nix(counts)
  local points = {}
  for i, count in ipairs(counts) do
    local path = tmp.file(manifest(count), "manifest")
    points[i] = { count, { name = "docker2nix", make = function()
      return program.command("docker2nix", { "--manifest", path, "demo", "v1" })
    end } }
  end
  return { title = "docker2nix of a manifest with more and more layers", unit = "layer",
    points = points }
end

---@param bench bench.Context
---@return bench.Series[]
local function all_series(bench)
  local small = bench.small
  return {
    by_layers(bench, "Layers of 2 MB each", small and { 1, 2, 4 } or
      { 1, 5, 10, 20, 40, 60, 80, 120 }, function() return 2 end),
    by_layers(bench, "120 MB in more and more layers", small and { 1, 2, 4 } or
      { 1, 10, 30, 60, 120 }, function(count) return 120 / count end),
    by_size(bench, { 10, 50, 250, 1000, 2000 }),
    by_layers(bench, "Many layers of 10 kB", small and { 1, 20 } or { 10, 100, 250, 500 },
      function() return 0.01 end),
    docker2nix(small and { 10, 100 } or { 1000, 2500, 5000, 10000 }),
  }
end

---@param bench bench.Context
---@return string
return function(bench)
  local parts = {}
  for i, series in ipairs(all_series(bench)) do
    local commands = {}
    for j, point in ipairs(series.points) do
      commands[j] = point[2]
    end
    parts[i] = report(series, measure.rounds(commands, bench.times))
  end
  return table.concat(parts, "\n")
end
