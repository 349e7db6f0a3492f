--- Images from files of this machine: a configuration, and layers as a registry stores them.
---
--- Such an image has no manifest, so the files are read twice: once to learn their sizes and digests,
--- when all is verified by the configuration, and once to be archived. The second time what was
--- learnt is verified too.

local archive = require "hocker.archive"
local core = require "hocker.core"
local json = require "hocker.json"
local layers = require "hocker.archive.layers"
local manifest = require "hocker.manifest"

local M = {}

local CONFIG_TYPE <const> = "application/vnd.oci.image.config.v1+json"
local QUEUE <const> = 512 << 10
local LAYER_TYPE <const> = "application/vnd.oci.image.layer.v1.tar"
local SUFFIXES <const> = { ["\31\139"] = "+gzip", ["\40\181\47\253"] = "+zstd" }

---@class hocker.archive.Files: hocker.archive.Source, hocker.archive.Runner
---@field paths table<string, string> by digest
local methods = {}
local mt = { __name = "hocker.archive.Files", __index = methods }

---@class hocker.archive.Pieces What an image is made of, as a table that can be kept.
---@field config { path: string, digest: string, size: integer }
---@field layers { path: string, digest: string, size: integer, mediaType: string, contentSize: integer }[]

-- Reading -----------------------------------------------------------------------------------------

local function not_there(err)
  if err.code ~= "not_found" then return err end
  return core.error("io", err.message) -- "not found" is what a registry says
end

local function read(path, sink)
  local ok, err = core.system.read(path, sink)
  return ok, err and not_there(err)
end

--- Reads a small file.
---@param path string
---@param max integer most bytes
---@return string? text, hocker.Error? err
function M.read_text(path, max)
  local buffer <close> = core.buffer(max)
  local ok, err = read(path, core.sink.verify(buffer:sink(), { max = max, name = path }))
  if not ok then return nil, err end
  return buffer:data()
end

local function read_config(path)
  return M.read_text(path, manifest.limits.config)
end

local function media_type(path)
  local f <close> = io.open(path, "rb")
  local start = f and f:read(4) or ""
  return LAYER_TYPE .. (SUFFIXES[start:sub(1, 2)] or SUFFIXES[start] or "")
end

-- Learns what a layer is, and verifies its content.
local function measure(path, diff_id)
  local stored <close> = core.meter(true)
  local content <close> = core.meter()
  local unpacked = layers.content(content:sink(),
    { diff_id = diff_id, name = path, queue = QUEUE })
  local ok, err = read(path, core.sink.queue(core.sink.tee(unpacked, stored:sink()), QUEUE))
  if not ok then return nil, err end
  return {
    path = path, digest = stored:digest(), size = stored:size(), mediaType = media_type(path),
    contentSize = content:size(),
  }
end

local function check_config(bytes, promised, list)
  local descriptor = { mediaType = CONFIG_TYPE, digest = promised.digest, size = promised.size }
  return manifest.config(bytes, { kind = "image", config = descriptor, layers = list })
end

-- A layer that is there several times is read once.
local function measure_all(paths, diff_ids)
  local list, known, err = json.array {}, {}
  for i, path in ipairs(paths) do
    local key = diff_ids[i] .. path
    if not known[key] then
      known[key], err = measure(path, diff_ids[i])
      if not known[key] then return nil, err end
    end
    list[i] = known[key]
  end
  return list
end

--- Reads the files of an image, and verifies them by its configuration.
---@param config string path
---@param paths string[] of the layers, the base first
---@param id string? the image's id: the digest that the configuration must have
---@return hocker.archive.Pieces? pieces, hocker.Error? err
function M.read(config, paths, id)
  local bytes, err = read_config(config)
  if not bytes then return nil, err end
  local promised = { path = config, digest = id or core.digest.of(bytes), size = #bytes }
  local document, list
  document, err = check_config(bytes, promised, paths)
  if not document then return nil, err end
  list, err = measure_all(paths, document.diff_ids)
  if not list then return nil, err end
  return { config = promised, layers = list }
end

-- The source ---------------------------------------------------------------------------------------

--- Writes a layer into a sink, which is taken, and verifies that it is still what it was.
---@param descriptor hocker.Descriptor
---@param sink hocker.core.Sink|fun(): hocker.core.Sink?, hocker.Error?
---@param opts { queue: integer? }?
---@return true? ok, hocker.Error? err
function methods:blob(descriptor, sink, _, opts)
  local target, err = sink, nil
  if type(sink) == "function" then target, err = sink() end
  if not target then return nil, err end
  local path = self.paths[descriptor.digest]
  local chain = core.sink.verify(target,
    { size = descriptor.size, digest = descriptor.digest, name = "layer " .. path })
  return read(path, core.sink.queue(chain, opts and opts.queue))
end

function methods.starts_over() return false end

--- Runs jobs one after the other: a file is read without waiting.
---@param jobs (fun(): true?, hocker.Error?)[]
---@return true? ok, hocker.Error? err
function methods.run(_, jobs)
  for _, job in ipairs(jobs) do
    local ok, err = job()
    if not ok then return nil, err end
  end
  return true
end

local function image_of(pieces, names)
  local bytes, err = read_config(pieces.config.path)
  if not bytes then return nil, err end
  local config
  config, err = check_config(bytes, pieces.config, pieces.layers)
  if not config then return nil, err end
  local paths, sizes, descriptors = {}, {}, {}
  for i, layer in ipairs(pieces.layers) do
    paths[layer.digest], sizes[i] = layer.path, layer.contentSize
    descriptors[i] = { mediaType = layer.mediaType, digest = layer.digest, size = layer.size }
  end
  return {
    source = setmetatable({ paths = paths }, mt), image = { manifest = { layers = descriptors } },
    config = config, names = names, sizes = sizes,
  }
end

--- Writes the docker-archive of some pieces.
---@param pieces hocker.archive.Pieces
---@param opts { names: hocker.archive.Name[], output: hocker.archive.Output, compressed: boolean }
---@return true? ok, hocker.Error? err
function M.write(pieces, opts)
  local image, err = image_of(pieces, opts.names)
  if not image then return nil, err end
  return archive.write { session = image.source, images = { image }, output = opts.output,
    format = "docker-archive", compressed = opts.compressed }
end

return M
