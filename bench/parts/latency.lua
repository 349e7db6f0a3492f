--- A tiny image over a link with a delay: how many round trips a program waits for.

local images = require "bench.images"
local link = require "support.link"
local measure = require "bench.measure"
local text = require "bench.text"
local tools = require "bench.tools"

local ROUND_TRIP = 0.05

-- Each program over both links: `direct` has no delay.
local function commands(made, direct, delayed)
  local list = {}
  local function add(name, make)
    list[#list + 1] = { name = name, make = make(direct) }
    list[#list + 1] = { name = name, make = make(delayed) }
  end
  local build = tools.variants[1].build
  add("hocker docker-archive", function(way) return tools.hocker(build, way:url(), made, {}) end)
  add("hocker oci", function(way)
    return tools.hocker(build, way:url(), made, { "--format", "oci" })
  end)
  for _, transport in ipairs { "docker-archive", "oci" } do
    add("skopeo " .. transport, function(way) return tools.skopeo(way:host(), made, transport) end)
  end
  return list
end

---@param bench bench.Context
---@return string
return function(bench)
  local made = images.get(bench, "tiny")
  local direct = link.start(bench.corpus.registry.port, 0)
  local delayed = link.start(bench.corpus.registry.port, ROUND_TRIP)
  local results = measure.rounds(commands(made, direct, delayed), bench.times)
  direct:stop()
  delayed:stop()
  local rows = {}
  for i = 1, #results, 2 do
    local near, far = results[i].wall, results[i + 1].wall
    rows[#rows + 1] = { results[i].name, text.spread(near), text.spread(far),
      ("%.1f"):format((far.median - near.median) / ROUND_TRIP) }
  end
  return ("%d layers, %.0f ms there and back.\n\n"):format(#made.layers, ROUND_TRIP * 1000) ..
    text.table({ "", "without delay", "with delay", "round trips" }, rows)
end
