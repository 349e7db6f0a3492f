--- Prints the expression of the original docker2nix: a function that calls `fetchdocker` with
--- one `fetchDockerLayer` a layer. A registry's digest is a fixed output's hash, so nothing has
--- to be fetched to write it.

local core = require "hocker.core"
local nix = require "hocker.nix"

--- A hash as the fetchers take it.
local function sha256(descriptor, what)
  local digest = descriptor.digest
  if not digest:find("^sha256:") then
    return nil, core.error("unsupported",
      ("%s: the Nix fetchers take sha256 only, but its digest is %s"):format(what, digest))
  end
  return core.digest.nix32(digest)
end

local function fetch_config(image)
  local hash, err = sha256(image.config, "config")
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

local function fetch_layers(image)
  local bindings, names = {}, {}
  for i, layer in ipairs(image.layers) do
    local name = "layer" .. i - 1
    local call, err = fetch_layer(layer, "layer " .. i)
    if not call then return nil, err end
    bindings[i], names[i] = { name, call }, nix.id(name)
  end
  return nix.let(bindings, nix.list(names))
end

---@param image hocker.Description see hocker.template
---@return string? text
---@return hocker.Error? err "unsupported" when a digest is not sha256
return function(image)
  if not image.repository then
    return nil, core.error("unsupported", ("'%s' has one part, and fetchdocker needs two: a " ..
      "repository, and a name in it"):format(image.image_name))
  end
  local config, layers, err
  config, err = fetch_config(image)
  if not config then return nil, err end
  layers, err = fetch_layers(image)
  if not layers then return nil, err end
  local call = nix.call("fetchdocker", nix.rec {
    { "name", image.alt_name or image.image_name },
    { "registry", image.registry },
    { "repository", image.repository },
    { "imageName", image.image_name },
    { "tag", image.tag or image.digest },
    { "imageConfig", config },
    { "imageLayers", layers },
  })
  return nix.print(nix.fn({ "fetchDockerConfig", "fetchDockerLayer", "fetchdocker" }, call)) .. "\n"
end
