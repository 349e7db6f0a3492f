--- The images that are measured: files of this machine in layers of given sizes, in a registry's
--- storage under the build directory. Each is built when it is first asked for, and kept.

local cjson = require "cjson"
local image = require "support.image"
local lfs = require "lfs"
local process = require "support.process"
local registry = require "support.registry"
local tmp = require "support.tmp"

local corpus = {}

---@class bench.Image
---@field name string
---@field layers {digest: string, diff_id: string, size: integer, content: integer}[]
---@field manifest string its bytes

---@class bench.Corpus
---@field registry support.Registry
---@field dir string
---@field scale number what sizes are multiplied by
local methods = {}
local mt = { __name = "bench.Corpus", __index = methods }

local LARGEST_FILE = 16 << 20 -- larger ones would make layers that differ too much
local HEADER = 512            -- of a file in a tar
local MB = 1000 * 1000

-- In an order that mixes what is alike, and that is the same every time.
local LIST = [[cd / && find usr/bin usr/lib usr/share -xdev -type f -readable -size -%dk \
  -printf '%%s %%p\n' | LC_ALL=C sort -k2 | LC_ALL=C sort -R --random-source=/dev/zero]]

local function files_of_machine()
  local files = {}
  local list = process.check { "sh", "-c", LIST:format(LARGEST_FILE >> 10) }
  for size, path in list:gmatch("(%d+) ([^\n]+)") do
    files[#files + 1] = { path = path, size = math.tointeger(tonumber(size)) + HEADER }
  end
  return files
end

-- Takes the next files that fit into so many bytes; after the last comes the first.
local function pick(self, size)
  self.files = self.files or files_of_machine()
  local names, misses = {}, 0
  while misses < 100 and size > 2 * HEADER do
    self.cursor = self.cursor % #self.files + 1
    local file = self.files[self.cursor]
    if file.size <= size then
      names[#names + 1] = file.path
      size = size - file.size
    else
      misses = misses + 1
    end
  end
  return names
end

local function make_tar(names)
  local path, list = tmp.path("layer.tar"), tmp.file(table.concat(names, "\0"), "names")
  process.check({ "tar", "--format=gnu", "--mtime=@0", "--owner=0", "--group=0",
    "--numeric-owner", "--mode=u=rwX,go=rX", "--hard-dereference", "-C", "/", "-cf", path,
    "--null", "--files-from", list }, { timeout = 600 })
  os.remove(list)
  return path
end

local function make_layer(self, size, level)
  local tar = make_tar(pick(self, size))
  local layer = image.layer(tar, { "gzip", "-nc" .. level })
  layer.content = lfs.attributes(tar, "size")
  os.remove(tar)
  return layer
end

local function describe(name, built, pushed)
  local layers = {}
  for i, layer in ipairs(built.layers) do
    layers[i] = { digest = layer.digest, diff_id = layer.diff_id, size = layer.size,
      content = layer.content }
  end
  return { name = name, layers = layers, manifest = pushed.bytes }
end

local function load_description(path)
  local made = cjson.decode(tmp.read(path))
  for _, layer in ipairs(made.layers) do
    layer.size, layer.content = math.tointeger(layer.size), math.tointeger(layer.content)
  end
  return made
end

--- Opens the corpus of a size, and starts a registry that serves it.
---@param dir string where it is kept
---@param scale number what sizes are multiplied by: 1 for the real thing
---@return bench.Corpus
function corpus.open(dir, scale)
  process.check { "mkdir", "-p", dir .. "/registry" }
  -- The registry has a working directory of its own.
  local root = dir:sub(1, 1) == "/" and dir or lfs.currentdir() .. "/" .. dir
  return setmetatable({ dir = dir, scale = scale,
    registry = registry.start { root = root .. "/registry" } }, mt)
end

--- The image of a name, with layers of so many megabytes of content each.
---@param name string
---@param sizes number[]
---@param level integer? of gzip: 6, which registries are full of, by default
---@return bench.Image
function methods:image(name, sizes, level)
  local path = ("%s/%s.json"):format(self.dir, name)
  if tmp.exists(path) then
    return load_description(path)
  end
  io.stderr:write("bench: building the image ", name, "\n")
  local layers = {}
  self.cursor = 0
  for i, size in ipairs(sizes) do
    layers[i] = make_layer(self, math.max(size * self.scale * MB, 8192), level or 6)
  end
  local built = image.build { layers = layers }
  local made = describe(name, built, built:push(self.registry, "bench/" .. name, "v1"))
  process.check { "rm", "-rf", built.dir }
  for _, layer in ipairs(layers) do
    os.remove(layer.file)
  end
  tmp.write(path, cjson.encode(made))
  return made
end

--- Bytes of all layers, as stored and unpacked.
---@param made bench.Image
---@return integer stored, integer content
function corpus.sizes(made)
  local stored, content = 0, 0
  for _, layer in ipairs(made.layers) do
    stored, content = stored + layer.size, content + layer.content
  end
  return stored, content
end

return corpus
