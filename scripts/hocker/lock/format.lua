--- The text of hocker.lock, to and from a table.
---
---     { "images": { NAME: ENTRY, ... }, "version": 1 }
---
--- The file is foreign: whoever edits it, or merges two of it, may have made something else of it.
--- Every field is checked when it is read, and one that is not known is refused, since it would be
--- lost when the file is written.

local core = require "hocker.core"
local descriptor = require "hocker.descriptor"
local json = require "hocker.json"
local log = require "hocker.log"
local nix = require "hocker.nix"
local platform = require "hocker.platform"
local reference = require "hocker.reference"

local M = {}

---@class hocker.Lock
---@field images table<string, hocker.Lock.Entry>

---@class hocker.Lock.Entry
---@field reference string normalised; with a digest it never moves
---@field registry string the registry's URI
---@field repository string the path there
---@field platforms string[]? those that were asked for; nil: all of the index
---@field index hocker.Lock.Descriptor? what the reference stands for, if it is an index
---@field manifests table<string, hocker.Lock.Manifest> by platform

---@class hocker.Lock.Descriptor
---@field mediaType string
---@field digest string
---@field size integer

---@class hocker.Lock.Manifest
---@field manifest hocker.Lock.Descriptor
---@field config hocker.Lock.Descriptor
---@field layers hocker.Lock.Descriptor[] one an entry of the manifest, the base first

M.version = 1

--- The key of a manifest whose platform nobody tells: only its configuration would.
M.any = "any"

--- Most of a lock: bytes, and characters of a name.
M.limits = { bytes = 16 << 20, name = 128 }

local function invalid(where, message, ...)
  return nil, core.error("verification", ("%s: %s"):format(where, message:format(...)))
end

--- A name is an attribute in Nix, without quotes, and part of a store path.
---@param name string
---@return string? name, hocker.Error? err "usage"
function M.check_name(name)
  local plain = #name <= M.limits.name and not name:find("[%c']")
  if plain and nix.attribute(name) == name then return name end
  return nil, core.error("usage", ("'%s' is not a name for an image: letters, digits, '_' and '-', "
    .. "a letter or '_' first, at most %d, and no keyword of Nix"):format(log.shorten(name, 80),
    M.limits.name))
end

-- That an object has these fields and no others: true means that a field must be there.
local function check_fields(object, where, fields)
  if not json.is_object(object) then return invalid(where, "is not an object") end
  for key in pairs(object) do
    if fields[key] == nil then
      return invalid(where, "has a field '%s', which version %d does not know",
        log.shorten(key, 40), M.version)
    end
  end
  for key, needed in pairs(fields) do
    if needed and object[key] == nil then return invalid(where, "has no '%s'", key) end
  end
  return true
end

local function check_text(object, where, ...)
  for _, key in ipairs { ... } do
    local text = object[key]
    if type(text) ~= "string" or text == "" or text:find("%c") then
      return invalid(where, "its '%s' is not a text", key)
    end
  end
  return true
end

local function check_descriptor(value, where)
  local ok, err = check_fields(value, where, { mediaType = true, digest = true, size = true })
  if ok then ok, err = check_text(value, where, "mediaType", "digest") end
  if not ok then return nil, err end
  ok, err = descriptor.read(value, where)
  return ok and true, err and core.error("verification", err.message)
end

local function check_manifest(value, where)
  local ok, err = check_fields(value, where, { manifest = true, config = true, layers = true })
  if ok then ok, err = check_descriptor(value.manifest, where .. ".manifest") end
  if ok then ok, err = check_descriptor(value.config, where .. ".config") end
  if not ok then return nil, err end
  if not json.is_array(value.layers) then return invalid(where .. ".layers", "is not a list") end
  for i, layer in ipairs(value.layers) do
    ok, err = check_descriptor(layer, ("%s.layers[%d]"):format(where, i))
    if not ok then return nil, err end
  end
  return true
end

-- The platform that a normal form is of.
local function read_platform(text)
  local found = type(text) == "string" and platform.parse(text)
  return found and platform.format(found) == text and found or nil
end

local function check_manifests(entry, where)
  if not json.is_object(entry.manifests) or not next(entry.manifests) then
    return invalid(where .. ".manifests", "has no manifest")
  end
  for name, value in pairs(entry.manifests) do
    local at = ("%s.manifests.%s"):format(where, name)
    if name ~= M.any and not read_platform(name) then
      return invalid(at, "is not a platform as in linux/arm64")
    end
    local ok, err = check_manifest(value, at)
    if not ok then return nil, err end
  end
  local one = entry.manifests[M.any] or not entry.index
  if one and next(entry.manifests, next(entry.manifests)) then
    return invalid(where .. ".manifests", "has several, but there is no index that says of which "
      .. "platform each is")
  end
  return true
end

-- Each platform that was asked for is there.
local function check_platforms(entry, where)
  if entry.platforms == nil then return true end
  where = where .. ".platforms"
  if not descriptor.is_strings(entry.platforms) or #entry.platforms == 0 then
    return invalid(where, "is not a list of platforms")
  end
  local there = {}
  for name in pairs(entry.manifests) do
    there[#there + 1] = { platform = name ~= M.any and platform.parse(name) or nil }
  end
  for _, text in ipairs(entry.platforms) do
    local want = read_platform(text)
    if not want then return invalid(where, "'%s' is not a platform as in linux/arm64", text) end
    if not platform.select(there, want) then return invalid(where, "%s has no manifest", text) end
  end
  return true
end

--- The reference that the parts of an entry make: its registry and the path there, the tag and the
--- digest. A host in the name has no say.
---@param registry string
---@param repository string
---@param tag string?
---@param digest string?
---@return hocker.Reference? reference, hocker.Error? err
function M.locate(registry, repository, tag, digest)
  local version = (tag and ":" .. tag or "") .. (digest and "@" .. digest or "")
  return reference.parse({ repository .. version }, { registry = registry })
end

--- The reference of an entry, ready for its registry.
---@param entry hocker.Lock.Entry
---@return hocker.Reference? reference, hocker.Error? err
function M.reference(entry)
  local bare, digest = entry.reference:match("^([^@]*)@?(.*)$")
  return M.locate(entry.registry, entry.repository, bare:match(":([^/:]+)$"),
    digest ~= "" and digest or nil)
end

--- What the reference of an entry stands for: its index, or its only manifest.
---@param entry hocker.Lock.Entry
---@return hocker.Lock.Descriptor
function M.top(entry)
  return entry.index or select(2, next(entry.manifests)).manifest
end

local function check_reference(entry, where)
  local ref, err = M.reference(entry)
  if not ref then return invalid(where, "%s", err.message) end
  if tostring(ref) ~= entry.reference then
    return invalid(where, "its reference is %s, but its registry and repository say %s",
      entry.reference, tostring(ref))
  elseif ref.digest and ref.digest ~= M.top(entry).digest then
    return invalid(where, "its reference is by another digest than that of its %s",
      entry.index and "index" or "manifest")
  end
  return true
end

local ENTRY <const> = {
  reference = true, registry = true, repository = true, manifests = true, index = false,
  platforms = false,
}

local function check_entry(name, entry)
  local where = "images." .. name
  local ok, err = M.check_name(name)
  if not ok then return invalid("images", "%s", err.message) end
  ok, err = check_fields(entry, where, ENTRY)
  if ok then ok, err = check_text(entry, where, "reference", "registry", "repository") end
  if ok and entry.index ~= nil then ok, err = check_descriptor(entry.index, where .. ".index") end
  if ok then ok, err = check_manifests(entry, where) end
  if ok then ok, err = check_platforms(entry, where) end
  if ok then ok, err = check_reference(entry, where) end
  return ok and true, err
end

local function check_version(doc)
  local version = json.is_object(doc) and doc.version
  if version == M.version then return true end
  if math.type(version) ~= "integer" then return invalid("version", "there is none: no lock") end
  return nil, core.error("unsupported", ("version: it is %d, and this hocker knows %d: a newer one "
    .. "is needed"):format(version, M.version))
end

local function check_images(doc)
  local ok, err = check_fields(doc, "the lock", { images = true, version = true })
  if not ok then return nil, err end
  if not json.is_object(doc.images) then return invalid("images", "is not an object") end
  for _, name in ipairs(json.keys(doc.images)) do
    ok, err = check_entry(name, doc.images[name])
    if not ok then return nil, err end
  end
  return true
end

--- Reads the text of a lock.
---@param text string
---@return hocker.Lock? lock
---@return hocker.Error? err "verification", "unsupported" for another version, "refused"
function M.parse(text)
  if #text > M.limits.bytes then
    return nil, core.error("refused", ("has more than %d MiB"):format(M.limits.bytes >> 20))
  end
  local doc, err = json.decode(text, "the lock")
  if err then return invalid("the lock", "%s", (err.message:gsub("^the lock: ", ""))) end
  local ok
  ok, err = check_version(doc)
  if ok then ok, err = check_images(doc) end
  return ok and doc, err
end

--- The text of a lock: the same for the same lock.
---@param lock hocker.Lock
---@return string
function M.print(lock)
  return json.pretty { images = lock.images, version = M.version }
end

return M
