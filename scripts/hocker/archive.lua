--- Writes a docker-archive: what `docker save` makes and `docker load` takes.
---
--- All layers are fetched at the same time and written straight to their places in one file. The
--- place of a layer depends on the sizes of those before it, and an uncompressed size is not in the
--- manifest; a gzip layer's last four bytes tell it (RFC 1952: ISIZE), so these are asked for first.
--- They are a hint: the core puts a member right whose size was a lie.

local core = require "hocker.core"
local json = require "hocker.json"

local M = {}

--- Most bytes that one layer may unpack to. Against bombs: real layers are far below it.
M.max_layer = 256 << 30

-- Layers: what goes into the archive -----------------------------------------------------------

---@class hocker.archive.Layer A member of the archive.
---@field descriptor hocker.Descriptor
---@field diff_id string
---@field name string of the member
---@field size integer? of the member, where it is known or claimed

local COMPRESSED_NAMES = { gzip = ".tar.gz", zstd = ".tar.zst" }

-- "gzip", "zstd" or "none" by the media type; layers that lie are found out when they stream.
local function compression(media_type)
  if media_type:find("gzip$") then return "gzip" end
  if media_type:find("zstd$") then return "zstd" end
  return "none"
end

local function member_name(descriptor, diff_id, compressed)
  local extension = compressed and COMPRESSED_NAMES[compression(descriptor.mediaType)]
  local hex = assert(core.digest.hex(extension and descriptor.digest or diff_id))
  return hex .. (extension or ".tar")
end

-- The distinct layers in the order of the image, and the names in that order, repeats included.
local function distinct_layers(image, config, compressed)
  local layers, names, seen = {}, {}, {}
  for i, descriptor in ipairs(image.manifest.layers) do
    local diff_id = config.diff_ids[i]
    local name = member_name(descriptor, diff_id, compressed)
    local key = name .. (compressed and diff_id or "")
    names[i] = name
    if not seen[key] then
      seen[key] = true
      layers[#layers + 1] = { descriptor = descriptor, diff_id = diff_id, name = name }
    end
  end
  return layers, names
end

-- Sizes ------------------------------------------------------------------------------------------

local function learn_size(registry, layer, compressed)
  local kind = compression(layer.descriptor.mediaType)
  if compressed or kind == "none" then
    layer.size = layer.descriptor.size
  elseif kind == "gzip" then
    local tail, err = registry:tail(layer.descriptor, 4)
    if not tail and err and err.code ~= "unsupported" and err.code ~= "protocol" then return nil, err end
    layer.size = tail and #tail == 4 and string.unpack("<I4", tail) or nil
  end
  return true
end

-- The documents of the archive -------------------------------------------------------------------

-- "name:tag" -> name, tag. A tag has no "/", a port's colon is followed by one.
local function split_tag(repo_tag)
  return repo_tag:match("^(.*):([^:/]+)$")
end

local function manifest_json(config_name, names, repo_tags)
  return json.encode(json.array { {
    Config = config_name,
    Layers = json.array(names),
    RepoTags = #repo_tags > 0 and json.array(repo_tags) or json.null,
  } })
end

-- For loaders from before manifest.json: each tag's topmost layer.
local function repositories(diff_ids, repo_tags)
  local top = #diff_ids > 0 and core.digest.hex(diff_ids[#diff_ids]) or ""
  local result = {}
  for _, repo_tag in ipairs(repo_tags) do
    local name, tag = split_tag(repo_tag)
    result[name] = result[name] or {}
    result[name][tag] = top
  end
  return json.encode(result)
end

-- Streams --------------------------------------------------------------------------------------------

-- The chain behind a layer's own verification: what ends in the member is what diff_id promises.
local function layer_sink(layer, member, compressed)
  local name = "content of layer " .. layer.descriptor.digest
  local content = core.sink.verify(compressed and core.sink.null() or member,
    { digest = layer.diff_id, name = name })
  local inflated = core.sink.inflate(content, { max = M.max_layer, name = name })
  return compressed and core.sink.tee(member, inflated) or inflated
end

local function fetch_layer(registry, layer, sink, progress)
  local ok, err = registry:blob(layer.descriptor, sink, "layer", {
    threaded = true,
    on_start = progress and function(transfer) progress:start(layer, transfer) end,
  })
  if ok and progress then progress:done(layer) end
  return ok, err
end

local function each(list, f)
  local jobs = {}
  for i, item in ipairs(list) do jobs[i] = function() return f(item) end end
  return jobs
end

---@class hocker.archive.Options
---@field registry hocker.Registry
---@field image hocker.Image
---@field config hocker.Config
---@field file hocker.core.File the caller commits it
---@field repo_tags string[] "name:tag"
---@field compressed boolean? keep the layers compressed as they are stored
---@field jobs integer? layers at the same time; 6
---@field progress hocker.Progress?

--- Fetches an image's layers into an archive. Nothing is visible until the caller commits the file.
---@param opts hocker.archive.Options
---@return true? ok, hocker.Error? err
function M.write(opts)
  local registry, config, session = opts.registry, opts.config, opts.registry.session
  local layers, names = distinct_layers(opts.image, config, opts.compressed)
  local jobs = opts.jobs or 6
  local ok, err = session:run(each(layers, function(layer)
    return learn_size(registry, layer, opts.compressed)
  end), jobs)
  if not ok then return nil, err end

  local tar <close>, problem = core.tar(opts.file)
  if not tar then return nil, problem end
  local config_name = assert(core.digest.hex(config.digest)) .. ".json"
  ok, err = tar:put("manifest.json", manifest_json(config_name, names, opts.repo_tags))
  if ok then ok, err = tar:put(config_name, config.bytes) end
  if not ok then return nil, err end
  local sinks = {}
  for _, layer in ipairs(layers) do
    sinks[layer], err = tar:member(layer.name, layer.size)
    if not sinks[layer] then return nil, err end
  end
  ok, err = tar:put("repositories", repositories(config.diff_ids, opts.repo_tags))
  if not ok then return nil, err end

  if opts.progress then opts.progress:plan(layers) end
  ok, err = session:run(each(layers, function(layer)
    return fetch_layer(registry, layer, layer_sink(layer, sinks[layer], opts.compressed), opts.progress)
  end), jobs)
  if not ok then return nil, err end
  return tar:finish()
end

return M
