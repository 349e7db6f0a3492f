--- An image as routes of the faulty server, all of them right; a spec puts one wrong.
---
---     local routes = served.routes(img)
---     routes[served.blob(img.layers[1])].flip = 100
---     server:set(routes)
---     program.refuses(5, "hocker-image", { "--registry", server:url(), "demo/app", "v1", ... })

local image = require "support.image"

local served = {}

local ROOT = "/v2/demo/app"

--- Where the manifest of a tag or a digest is.
---@param reference string? "v1" by default
---@return string route
function served.manifest(reference)
  return ROOT .. "/manifests/" .. (reference or "v1")
end

--- Where a blob is.
---@param blob string|{digest: string}
---@return string route
function served.blob(blob)
  return ROOT .. "/blobs/" .. (type(blob) == "table" and blob.digest or blob)
end

--- A document as the registry would send it.
---@param made {bytes: string, media_type: string}
---@return support.faulty.Reply
function served.document(made)
  return { body = made.bytes, headers = { ["Content-Type"] = made.media_type } }
end

--- The routes of demo/app:v1.
---@param img support.Image
---@return support.faulty.Routes
function served.routes(img)
  local routes = {
    [served.manifest()] = served.document(img.oci),
    [served.manifest(img.oci.digest)] = served.document(img.oci),
    [served.blob(img.config)] = { body = img.config.bytes },
  }
  for _, layer in ipairs(img.layers) do
    routes[served.blob(layer)] = { file = layer.file, range = true }
  end
  return routes
end

--- The same manifest with some text replaced, which changes its digest.
---@param made {bytes: string, media_type: string}
---@param changes table<string, string> plain text to plain text; each has to be there
---@return support.image.Manifest
function served.changed(made, changes)
  local bytes = made.bytes
  for from, to in pairs(changes) do
    local first, last = bytes:find(from, 1, true)
    assert(first, from)
    bytes = bytes:sub(1, first - 1) .. to .. bytes:sub(last + 1)
  end
  return { bytes = bytes, media_type = made.media_type, digest = image.digest(bytes) }
end

return served
