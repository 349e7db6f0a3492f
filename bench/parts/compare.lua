--- hocker-image, skopeo and the floor, on each image of the corpus.

local corpus = require "bench.corpus"
local images = require "bench.images"
local measure = require "bench.measure"
local text = require "bench.text"
local tools = require "bench.tools"

local IMAGES = {
  { "layers", "Layers of unequal size" },
  { "single", "One large layer" },
  { "sixty", "Sixty small layers" },
  { "tiny", "A tiny image" },
}

-- `like`: which of skopeo's outputs it is compared with.
local FORMATS = {
  { name = "docker-archive", words = {}, like = "docker-archive" },
  { name = "docker-archive, compressed", words = { "--layers", "compressed" }, like = "oci" },
  { name = "oci-archive", words = { "--format", "oci-archive" }, like = "oci" },
  { name = "oci", words = { "--format", "oci" }, like = "oci" },
}

-- What has to be among the members of an output: layers unpacked, or as stored. The configuration
-- is left out: skopeo writes it anew for another format.
local function digests(made, unpacked)
  local list = {}
  for _, layer in ipairs(made.layers) do
    list[#list + 1] = unpacked and layer.diff_id or layer.digest
  end
  return list
end

local function pieces(made, unpacked)
  local list = {}
  for i, layer in ipairs(made.layers) do
    list[i] = unpacked and { size = layer.content, digest = layer.diff_id } or
      { size = layer.size, digest = layer.digest }
  end
  return list
end

-- The commands of one image. Those that others are compared with come first.
local function commands(reg, made)
  local stored, unpacked = tools.holds(digests(made)), tools.holds(digests(made, true))
  local list = {}
  local function add(command)
    list[#list + 1] = command
  end
  add { name = "floor, compressed, unchecked", check = tools.joins(pieces(made)),
    make = tools.floor(tools.variants[1].build, reg.port, made, "-c") }
  for _, variant in ipairs(tools.variants) do
    add { name = "floor, compressed, " .. variant.name, check = tools.joins(pieces(made)),
      make = tools.floor(variant.build, reg.port, made, "-k") }
    add { name = "floor, " .. variant.name, check = tools.joins(pieces(made, true)),
      make = tools.floor(variant.build, reg.port, made) }
  end
  for _, transport in ipairs { "docker-archive", "oci", "dir" } do
    add { name = "skopeo " .. transport, make = tools.skopeo(reg:host(), made, transport),
      check = transport == "docker-archive" and unpacked or stored }
  end
  for _, variant in ipairs(tools.variants) do
    for _, format in ipairs(FORMATS) do
      local whole = format.like == "docker-archive"
      add { name = ("hocker %s, %s"):format(format.name, variant.name),
        make = tools.hocker(variant.build, reg:url(), made, format.words),
        check = whole and unpacked or stored, skopeo = "skopeo " .. format.like,
        floor = (whole and "floor, " or "floor, compressed, ") .. variant.name }
    end
  end
  return list
end

local HEAD = { "", "wall", "CPU", "peak", "wall / floor", "skopeo / wall", "CPU / skopeo" }

local function rows(list, results)
  local by_name, lines = {}, {}
  for i, result in ipairs(results) do
    by_name[result.name] = result
    local line = { result.name, text.spread(result.wall), text.time(result.cpu.median),
      ("%.1f MiB"):format(result.peak.high) }
    local floor, skopeo = by_name[list[i].floor], by_name[list[i].skopeo]
    if floor then
      line[5] = text.ratio(result.wall, floor.wall)
      line[6] = text.ratio(skopeo.wall, result.wall)
      line[7] = text.ratio(result.cpu, skopeo.cpu)
    end
    lines[i] = line
  end
  return lines
end

---@param bench bench.Context
---@return string
return function(bench)
  local parts = {}
  for _, each in ipairs(IMAGES) do
    local name, title = table.unpack(each)
    local made = images.get(bench, name)
    local list = commands(bench.corpus.registry, made)
    local stored, content = corpus.sizes(made)
    parts[#parts + 1] = ("%s: %d, %s compressed, %s unpacked.\n\n%s"):format(title,
      #made.layers, text.bytes(stored), text.bytes(content),
      text.table(HEAD, rows(list, measure.rounds(list, bench.times))))
  end
  return table.concat(parts, "\n")
end
