--- The calls of Nix's `fetchdocker`, `fetchDockerConfig` and `fetchDockerLayer` for an image, as
--- expressions of hocker.nix. A registry's digest is a fixed output's hash, so nothing has to be
--- fetched to write them.

local core = require "hocker.core"
local nix = require "hocker.nix"

local M = {}

--- The arguments of a function that calls the fetchers.
M.formals = { "fetchDockerConfig", "fetchDockerLayer", "fetchdocker" }

--- A hash as the fetchers take it.
local function sha256(descriptor, what)
  local digest = descriptor.digest
  if not digest:find("^sha256:") then
    return nil, core.error("unsupported",
      ("%s: the Nix fetchers take sha256 only, but its digest is %s"):format(what, digest))
  end
  return core.digest.nix32(digest)
end

local function fetch_config(config)
  local hash, err = sha256(config, "config")
  if not hash then return nil, err end
  return nix.call("fetchDockerConfig", nix.attrs {
    nix.inherit { "tag", "registry", "repository", "imageName" },
    { "sha256", hash },
  })
end

local function fetch_layer(layer, what)
  local hash, err = sha256(layer, what)
  if not hash then return nil, err end
  return nix.call("fetchDockerLayer", nix.attrs {
    nix.inherit { "registry", "repository", "imageName" },
    { "layerDigest", core.digest.hex(layer.digest) },
    { "sha256", hash },
  })
end

local function fetch_layers(layers)
  local bindings, names = {}, {}
  for i, layer in ipairs(layers) do
    local name = "layer" .. i - 1
    local call, err = fetch_layer(layer, "layer " .. i)
    if not call then return nil, err end
    bindings[i], names[i] = { name, call }, nix.id(name)
  end
  return nix.let(bindings, nix.list(names))
end

--- The call of fetchdocker for the image of one platform.
---@param image hocker.Description its names
---@param one hocker.Description.Image
---@return hocker.nix.Node? call
---@return hocker.Error? err "unsupported" when a digest is not sha256
function M.call(image, one)
  local config, layers, err
  config, err = fetch_config(one.config)
  if not config then return nil, err end
  layers, err = fetch_layers(one.layers)
  if not layers then return nil, err end
  return nix.call("fetchdocker", nix.rec {
    { "name", image.alt_name or image.image_name },
    { "registry", image.registry },
    { "repository", image.repository },
    { "imageName", image.image_name },
    { "tag", image.tag or one.digest },
    { "imageConfig", config },
    { "imageLayers", layers },
  })
end

return M
