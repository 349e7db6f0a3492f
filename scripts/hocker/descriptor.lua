--- Descriptors, and the other pieces that registry documents are made of.
---
--- Every field that is used is checked here, once: its type, and that no other reader sees another
--- field in its place.

local core = require "hocker.core"
local json = require "hocker.json"

---@class hocker.Descriptor An OCI descriptor: the JSON object itself, its fields checked, the null ones gone.
---@field mediaType string
---@field digest string
---@field size integer
---@field urls string[]? where a foreign layer may also be had
---@field data string? base 64 of the content; not compared with the digest
---@field annotations table<string, string>?
---@field platform hocker.Platform? in an index
---@field artifactType string?
---@field content string? what it is of, once fetched and verified
---@field claim integer|false|nil what a gzip layer says that it unpacks to; false: it was asked for in vain

local M = {}

--- Sizes above this are not exact in JSON.
M.size_max = (1 << 53) - 1

--- Most descriptors in one list.
M.list_max = 16384

local function fail(code, message, ...)
  return nil, core.error(code, message:format(...))
end

--- A field, nil when it is null.
---@param object table
---@param name string
---@return any?
function M.get(object, name)
  local value = object[name]
  if value == json.null then return nil end
  return value
end

-- Names that Go's decoder, and so most other clients, would also take in other letters.
local GUARDED <const> = {
  schemaversion = "schemaVersion", mediatype = "mediaType", config = "config", layers = "layers",
  manifests = "manifests", fslayers = "fsLayers", digest = "digest", size = "size", urls = "urls",
}

--- Refuses a field that is ours but for its letters: others would read another document.
--- Go folds the long s and the Kelvin sign too.
---@param object table
---@param what string for messages
---@return true? ok, hocker.Error? err "verification"
function M.check_letters(object, what)
  for key in pairs(object) do
    local folded = key
    if key:find("[\x80-\xff]") then folded = key:gsub("\u{17F}", "s"):gsub("\u{212A}", "k") end
    folded = folded:lower()
    local name = GUARDED[folded]
    if name and name ~= key then
      return fail("verification", "%s: has the field '%s', which others read as '%s'", what, key,
        name)
    end
  end
  return true
end

---@return boolean whether it is a list of strings
function M.is_strings(value)
  if not json.is_array(value) then return false end
  for _, item in ipairs(value) do
    if type(item) ~= "string" then return false end
  end
  return true
end

---@return boolean whether it is an object of strings
function M.is_string_map(value)
  if not json.is_object(value) then return false end
  for _, item in pairs(value) do
    if type(item) ~= "string" then return false end
  end
  return true
end

local PLATFORM <const> = {
  os = "string", architecture = "string", variant = "string", ["os.version"] = "string",
}

---@return boolean whether it is a platform's object
function M.is_platform(value)
  if not json.is_object(value) then return false end
  for name, kind in pairs(PLATFORM) do
    local field = M.get(value, name)
    if field ~= nil and type(field) ~= kind then return false end
  end
  local features = M.get(value, "os.features")
  return features == nil or M.is_strings(features)
end

local function is_string(value)
  return type(value) == "string"
end

local OPTIONAL <const> = {
  { "urls", M.is_strings, "a list of strings" },
  { "annotations", M.is_string_map, "an object of strings" },
  { "platform", M.is_platform, "a platform" },
  { "data", is_string, "a string" },
  { "artifactType", is_string, "a string" },
}

local function without_nulls(object)
  local copy = {}
  for key, value in pairs(object) do
    if value ~= json.null then copy[key] = value end
  end
  return copy
end

--- Checks a descriptor; `what` names it in messages.
---@param value any
---@param what string
---@return hocker.Descriptor? descriptor, hocker.Error? err
function M.read(value, what)
  if not json.is_object(value) then return fail("protocol", "%s: is not a descriptor", what) end
  local ok, err = M.check_letters(value, what)
  if not ok then return nil, err end
  local descriptor = without_nulls(value)
  local media_type, digest, size = descriptor.mediaType, descriptor.digest, descriptor.size
  if not is_string(media_type) or media_type == "" then
    return fail("protocol", "%s: has no mediaType", what)
  elseif not is_string(digest) then
    return fail("protocol", "%s: has no digest", what)
  elseif math.type(size) ~= "integer" or size < 0 or size > M.size_max then
    return fail("protocol", "%s: its size is not a whole number from 0 to 2^53 - 1", what)
  end
  ok, err = core.digest.check(digest)
  if not ok then return fail(err.code, "%s: %s", what, err.message) end
  for _, field in ipairs(OPTIONAL) do
    local name, fits, shape = table.unpack(field)
    if descriptor[name] ~= nil and not fits(descriptor[name]) then
      return fail("protocol", "%s: '%s' is not %s", what, name, shape)
    end
  end
  if descriptor.platform then descriptor.platform = without_nulls(descriptor.platform) end
  return descriptor
end

--- Checks a list of descriptors.
---@param list any
---@param what string what it is a field of, for messages
---@param field string
---@param noun string one of them, for messages
---@return hocker.Descriptor[]? descriptors, hocker.Error? err
function M.read_list(list, what, field, noun)
  if not json.is_array(list) then
    return fail("protocol", "%s: '%s' is not a list", what, field)
  elseif #list > M.list_max then
    return fail("refused", "%s: '%s' has %d entries, more than %d", what, field, #list,
      M.list_max)
  end
  local descriptors = {}
  for i, value in ipairs(list) do
    local descriptor, err = M.read(value, ("%s: %s %d"):format(what, noun, i))
    if not descriptor then return nil, err end
    descriptors[i] = descriptor
  end
  return descriptors
end

return M
