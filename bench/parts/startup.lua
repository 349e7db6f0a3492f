--- Programs that have next to nothing to do, beside an empty Lua program.

local images = require "bench.images"
local measure = require "bench.measure"
local program = require "support.program"
local text = require "bench.text"
local tmp = require "support.tmp"

---@param bench bench.Context
---@return string
return function(bench)
  local manifest = tmp.file(images.get(bench, "tiny").manifest, "manifest")
  local commands = {
    { name = "lua5.4 -e ''", make = function() return { "lua5.4", "-e", "" } end },
    { name = "hocker --version", make = function()
      return program.command("hocker", { "--version" })
    end },
    { name = "docker2nix, a small manifest", make = function()
      return program.command("docker2nix", { "--manifest", manifest, "demo", "v1" })
    end },
  }
  local results = measure.rounds(commands, bench.times * 40)
  local rows = {}
  for i, result in ipairs(results) do
    rows[i] = { result.name, text.spread(result.wall), text.time(result.cpu.median),
      ("%.1f MiB"):format(result.peak.high),
      i > 1 and text.ratio(result.wall, results[1].wall) or "" }
  end
  return text.table({ "", "wall", "CPU", "peak", "wall / lua5.4" }, rows)
end
