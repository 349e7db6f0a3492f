--- One large layer over a link that is slow per connection: nginx's limit_rate.

local corpus = require "bench.corpus"
local images = require "bench.images"
local measure = require "bench.measure"
local nginx = require "support.nginx"
local text = require "bench.text"
local tools = require "bench.tools"

local SECONDS = 5 -- that one connection takes

local function commands(made, front)
  local layer = made.layers[1]
  local stored, unpacked = tools.holds { layer.digest }, tools.holds { layer.diff_id }
  local build = tools.variants[1].build
  return {
    { name = "curl, one connection", check = tools.joins { layer }, make = function(out)
      return { "curl", "-sSf", "-o", out,
        ("%s/v2/bench/%s/blobs/%s"):format(front:url(), made.name, layer.digest) }
    end },
    { name = "skopeo oci", check = stored, make = tools.skopeo(front:host(), made, "oci") },
    { name = "hocker docker-archive", check = unpacked,
      make = tools.hocker(build, front:url(), made, {}) },
    { name = "hocker oci", check = stored,
      make = tools.hocker(build, front:url(), made, { "--format", "oci" }) },
  }
end

---@param bench bench.Context
---@return string
return function(bench)
  local made = images.get(bench, "slow")
  local size = corpus.sizes(made)
  local rate = size // (bench.small and 0.5 or SECONDS)
  local front = nginx.start { to = bench.corpus.registry:url(),
    server = ("limit_rate %.0f; proxy_max_temp_file_size 0;"):format(rate) }
  local results = measure.rounds(commands(made, front), bench.times)
  front:stop()
  local rows = {}
  for i, result in ipairs(results) do
    rows[i] = { result.name, text.spread(result.wall), text.time(result.cpu.median),
      i > 1 and text.ratio(results[1].wall, result.wall) or "" }
  end
  return ("One layer, %s compressed, at %s a second and connection.\n\n"):format(
    text.bytes(size), text.bytes(rate)) ..
    text.table({ "", "wall", "CPU", "curl / wall" }, rows)
end
