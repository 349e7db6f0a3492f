--- Templates: functions from an image's description to text.
---
---     local hocker = require "hocker"
---     local repository = assert(hocker.open "debian:12")
---     local found = assert(repository:images())
---     local description = hocker.template.describe(repository.ref, found)
---     local template = assert(hocker.template.load "json")
---     print(assert(hocker.template.print(template, description)))
---
--- A function prints one platform, and finds it first in `image.images`. One that prints several says so, and is
--- given all platforms of an index when none is asked for: `{ platforms = "all", print = function(image) ... end }`.

local core = require "hocker.core"
local errors = require "hocker.errors"
local lazy = require "hocker.lazy"
local scripts = require "hocker.scripts"

local platform = lazy "hocker.platform"

local M = {}

---@class hocker.Description What a template is given: an image's names, and what is known of its content.
---@field name string the normalised name, without tag: "docker.io/library/debian"
---@field registry string URI of the registry: "https://registry-1.docker.io/v2/"
---@field repository string the path there up to its first "/": "library"; "" when it has none
---@field image_name string the rest of it: "debian"
---@field tag string? nil when the image was asked for by digest alone
---@field alt_name string? what to call it instead of `image_name`
---@field digest string of what the name stands for: the index, where that is known, or the manifest
---@field index hocker.Description.Document? what the images were chosen from
---@field images hocker.Description.Image[] one a platform, at least one

---@class hocker.Description.Document
---@field digest string of `bytes`
---@field media_type string
---@field size integer
---@field bytes string as the registry sent them

---@class hocker.Description.Image: hocker.Description.Document The manifest of one platform.
---@field platform hocker.Platform? nil when nothing told it
---@field config hocker.Descriptor
---@field layers hocker.Descriptor[] one an entry of the manifest, repeated ones repeated, the base first

---@alias hocker.Template.Print fun(image: hocker.Description): string?, hocker.Error?

---@class hocker.Template
---@field name string for messages
---@field print hocker.Template.Print
---@field platforms "all"|nil it prints several, and all when none is asked for

-- A document is hashed when its digest is read: few templates print it, and OpenSSL is opened for it.
local function with_digest(fields, document)
  return setmetatable(fields, { __index = function(_, key)
    return key == "digest" and document.digest or nil
  end })
end

local function describe_document(document)
  return with_digest({
    media_type = document.media_type, size = #document.bytes, bytes = document.bytes,
  }, document)
end

-- Of two images for the same platform the first counts, as in an index.
local function describe_images(images)
  local list, seen = {}, {}
  for _, image in ipairs(images) do
    local name = image.platform and platform.format(image.platform) or ""
    if not seen[name] then
      seen[name] = true
      local one = describe_document(image.manifest)
      one.platform, one.config, one.layers =
        image.platform, image.manifest.config, image.manifest.layers
      list[#list + 1] = one
    end
  end
  return list
end

--- Describes an image by its reference and what it stands for.
---@param ref hocker.Reference
---@param found hocker.Images
---@param alt_name string?
---@return hocker.Description
function M.describe(ref, found, alt_name)
  local repository, image_name = ref:split()
  return with_digest({
    name = ref.name, registry = ref.registry, repository = repository or "",
    image_name = image_name, tag = ref.tag, alt_name = alt_name,
    index = found.index and describe_document(found.index), images = describe_images(found.images),
  }, found.index or found.images[1].manifest)
end

local function fail(name, code, message)
  return nil, core.error(code, ("template '%s': %s"):format(name, message))
end

--- Finds a template.
---@param name string "fetchdocker"; or a file's path, which has a "/" in it or ends in ".lua"
---@return hocker.Template? template, hocker.Error? err
function M.load(name)
  local value, err = scripts.load_named("template", name, { "templates", "templates/nix" })
  if value == nil then return nil, err end
  if type(value) == "function" then return { name = name, print = value } end
  if type(value) == "table" and type(value.print) == "function" and value.platforms == "all" then
    return { name = name, print = value.print, platforms = "all" }
  end
  return fail(name, "usage", "it returns neither a function nor { platforms = \"all\", print = "
    .. "function }")
end

--- Prints a description.
---@param template hocker.Template
---@param image hocker.Description
---@return string? text, hocker.Error? err whatever the template raised or returned
function M.print(template, image)
  local ok, text, err = pcall(template.print, image)
  if ok and type(text) == "string" then return text end
  if not ok then text, err = nil, text end
  if text ~= nil then
    return fail(template.name, "internal", "it returned a " .. type(text) .. ", not a string")
  elseif err == nil then
    return fail(template.name, "internal", "it printed nothing")
  end
  err = errors.of(err)
  return fail(template.name, err.code, err.message)
end

return M
