--- Prints the facts as JSON, for programs: each hash as the registry writes it, and as Nix does. All
--- keys are always there; what is not known is null.

local core = require "hocker.core"
local json = require "hocker.json"
local platform = require "hocker.platform"

local function or_null(value)
  if value == nil then return json.null end
  return value
end

---@param bytes { digest: string, size: integer }
local function facts(bytes, media_type)
  local digest = bytes.digest
  return { digest = digest, hex = core.digest.hex(digest), nix32 = core.digest.nix32(digest),
    sri = core.digest.sri(digest), size = bytes.size, mediaType = media_type }
end

local function platform_facts(found)
  if not found then return json.null end
  return { name = platform.format(found), os = found.os, architecture = found.architecture,
    variant = or_null(found.variant), ["os.version"] = or_null(found["os.version"]) }
end

local function image_facts(one)
  local object, layers = facts(one, one.media_type), json.array {}
  for i, layer in ipairs(one.layers) do layers[i] = facts(layer, layer.mediaType) end
  object.platform = platform_facts(one.platform)
  object.config, object.layers = facts(one.config, one.config.mediaType), layers
  return object
end

local function print(image)
  local images = json.array {}
  for i, one in ipairs(image.images) do images[i] = image_facts(one) end
  return json.encode {
    name = image.name, registry = image.registry, repository = image.repository,
    imageName = image.image_name, tag = or_null(image.tag), altName = or_null(image.alt_name),
    index = image.index and facts(image.index, image.index.media_type) or json.null,
    images = images,
  } .. "\n"
end

return { platforms = "all", print = print }
