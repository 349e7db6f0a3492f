--- Templates: functions from an image's description to text.
---
---     return function(image) return ("FROM %s@%s\n"):format(image.name, image.digest) end

local core = require "hocker.core"
local scripts = require "hocker.scripts"

local M = {}

---@class hocker.Description What a template is given.
---@field name string the normalised name, without tag: "docker.io/library/debian"
---@field digest string the manifest's
---@field registry string URI of the registry: "https://registry-1.docker.io/v2/"
---@field repository string? the path there up to its first "/": "library"
---@field image_name string the rest of it: "debian"
---@field tag string? nil when the image was asked for by digest alone
---@field alt_name string? what to call it instead of `image_name`
---@field config hocker.Descriptor
---@field layers hocker.Descriptor[] one an entry of the manifest, repeated ones repeated

--- Describes an image by its reference and its manifest.
---@param ref hocker.Reference
---@param manifest hocker.Manifest of kind "image"
---@param alt_name string?
---@return hocker.Description
function M.describe(ref, manifest, alt_name)
  local repository, image_name = ref:split()
  return setmetatable({
    name = ref.name, registry = ref.registry, repository = repository, image_name = image_name,
    tag = ref.tag, alt_name = alt_name, config = manifest.config, layers = manifest.layers,
  }, { __index = function(_, key) return key == "digest" and manifest.digest or nil end })
end

--- Prints a description with a template.
---@param name string "fetchdocker"
---@param image hocker.Description
---@return string? text, hocker.Error? err
function M.print(name, image)
  local template, err = scripts.load("templates/nix/" .. name)
  if template then return template(image) end
  if err.code ~= "not_found" and err.code ~= "usage" then return nil, err end
  return nil, core.error("usage", ("there is no template '%s'"):format(name))
end

return M
