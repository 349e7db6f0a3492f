--- The docker-archive: what `docker save` made until version 24, and every `docker load` takes.

local core = require "hocker.core"
local json = require "hocker.json"
local plan = require "hocker.archive.plan"

local M = {}

local EXTENSIONS <const> = { gzip = ".tar.gz", zstd = ".tar.zst" }

local function hex(digest)
  return assert(core.digest.hex(digest))
end

local function namer(compressed)
  return function(descriptor, diff_id)
    local extension = compressed and EXTENSIONS[descriptor.mediaType:match("%a+$")]
    if extension then return hex(descriptor.digest) .. extension, true end
    return hex(diff_id) .. ".tar", compressed
  end
end

--- The text of manifest.json, which says to docker what is in an archive: an entry an image, with
--- the names of all that are the same.
---@param images hocker.archive.Image[]
---@param config_names string[] the member of each configuration
---@param layer_names string[][] the members of each image's layers
---@return string text
function M.manifest_json(images, config_names, layer_names)
  local entries, known = json.array {}, {}
  for i, one in ipairs(images) do
    local key = config_names[i] .. " " .. table.concat(layer_names[i], " ")
    local entry = known[key]
    if not entry then
      entry = {
        Config = config_names[i], Layers = json.array(layer_names[i]), RepoTags = json.null,
      }
      entries[#entries + 1], known[key] = entry, entry
    end
    for _, name in ipairs(one.names) do
      if entry.RepoTags == json.null then entry.RepoTags = json.array {} end
      table.insert(entry.RepoTags, name.repo_tag)
    end
  end
  return json.encode(entries)
end

-- For loaders from before manifest.json: each tag's topmost layer.
local function repositories(images)
  local result = {}
  for _, one in ipairs(images) do
    local ids = one.config.diff_ids
    for _, name in ipairs(one.names) do
      local path, tag = name.repo_tag:match("^(.*):([^:/]+)$")
      result[path] = result[path] or {}
      result[path][tag] = #ids > 0 and hex(ids[#ids]) or ""
    end
  end
  return json.encode(result)
end

--- What the archive of some images is made of.
---@param images hocker.archive.Image[]
---@param compressed boolean whether layers stay as they are stored
---@return hocker.archive.Plan
function M.plan(images, compressed)
  local layers, names = plan.layers(images, namer(compressed))
  local configs, entries, seen = {}, {}, {}
  for i, one in ipairs(images) do configs[i] = hex(one.config.digest) .. ".json" end
  plan.add_document(entries, seen, "manifest.json", M.manifest_json(images, configs, names))
  for i, one in ipairs(images) do plan.add_document(entries, seen, configs[i], one.config.bytes) end
  plan.add_layers(entries, layers)
  plan.add_document(entries, seen, "repositories", repositories(images))
  return { entries = entries, layers = layers }
end

return M
