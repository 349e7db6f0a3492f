--- The OCI image layout (image-spec, image-layout.md): blobs by their digests, as the registry has
--- them, and an index that names the images.

local core = require "hocker.core"
local docker = require "hocker.archive.docker"
local json = require "hocker.json"
local plan = require "hocker.archive.plan"

local M = {}

local INDEX_TYPE <const> = "application/vnd.oci.image.index.v1+json"
local REF_NAME <const> = "org.opencontainers.image.ref.name"
local FULL_NAME <const> = "io.containerd.image.name"

--- The file oci-layout.
M.marker = '{"imageLayoutVersion":"1.0.0"}'

---@param digest string
---@return string name of the blob's file
function M.blob_name(digest)
  return ("blobs/%s/%s"):format(digest:match("^%w+"), assert(core.digest.hex(digest)))
end

-- The index's entries for an image: one a name, as containerd and docker write them.
local function descriptors(one)
  local manifest = one.image.manifest
  local list = {}
  for i, name in ipairs(one.names) do
    list[i] = {
      mediaType = manifest.media_type, digest = manifest.digest, size = #manifest.bytes,
      annotations = { [REF_NAME] = name.tag, [FULL_NAME] = name.full },
    }
  end
  if #list > 0 then return list end
  return { { mediaType = manifest.media_type, digest = manifest.digest, size = #manifest.bytes } }
end

local function note(entry, name)
  return json.is_object(entry.annotations) and entry.annotations[name] or nil
end

-- Whether a new entry takes the place of an old one: the same name, or the same image without one.
-- An entry of a tool that writes no full name has its whole name in the reference's.
local function replaces(new, old)
  if not json.is_object(old) or note(old, REF_NAME) ~= note(new, REF_NAME) then return false end
  if not note(new, REF_NAME) then return old.digest == new.digest end
  return note(old, FULL_NAME) == nil or note(old, FULL_NAME) == note(new, FULL_NAME)
end

--- Adds entries to an index, in the place of those of the same names; what else it says stays.
---@param index table? the decoded index.json; a new one
---@param entries table[]
---@return string text
function M.index_json(index, entries)
  index = index or { schemaVersion = 2, mediaType = INDEX_TYPE, manifests = json.array {} }
  local list = index.manifests
  for _, new in ipairs(entries) do
    local kept = json.array {}
    for _, old in ipairs(list) do
      if not replaces(new, old) then kept[#kept + 1] = old end
    end
    kept[#kept + 1] = new
    list = kept
  end
  index.manifests = list
  return json.encode(index)
end

---@class hocker.oci.Plan: hocker.archive.Plan
---@field index table[] entries for the index

--- The blobs of some images, the documents first.
---@param images hocker.archive.Image[]
---@return hocker.oci.Plan plan, string[][] layer_names
function M.plan(images)
  local layers, names = plan.layers(images, function(descriptor)
    return M.blob_name(descriptor.digest), true
  end)
  local entries, seen, index = {}, {}, {}
  for _, one in ipairs(images) do
    local manifest = one.image.manifest
    plan.add_document(entries, seen, M.blob_name(manifest.digest), manifest.bytes)
    plan.add_document(entries, seen, M.blob_name(one.config.digest), one.config.bytes)
    table.move(descriptors(one), 1, math.max(#one.names, 1), #index + 1, index)
  end
  plan.add_layers(entries, layers)
  return { entries = entries, layers = layers, index = index }, names
end

--- The same as a tar, with a manifest.json, so that `docker load` takes it too.
---@param images hocker.archive.Image[]
---@return hocker.archive.Plan
function M.archive_plan(images)
  local blobs, names = M.plan(images)
  local configs = {}
  for i, one in ipairs(images) do configs[i] = M.blob_name(one.config.digest) end
  local entries = {
    { name = "oci-layout", bytes = M.marker },
    { name = "index.json", bytes = M.index_json(nil, blobs.index) },
    { name = "manifest.json", bytes = docker.manifest_json(images, configs, names) },
  }
  table.move(blobs.entries, 1, #blobs.entries, #entries + 1, entries)
  return { entries = entries, layers = blobs.layers }
end

return M
