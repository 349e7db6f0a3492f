--- Prints the lock that nix2container's `pullImageFromManifest` takes as `imageManifest`: the manifest
--- itself, byte for byte.

local core = require "hocker.core"

local function check(blob)
  if blob.digest:find("^sha256:") then return true end
  return nil, core.error("unsupported", "nix2container takes sha256 only, but here is "
    .. blob.digest)
end

---@param image hocker.Description see hocker.template
---@return string? text, hocker.Error? err
return function(image)
  local one = image.images[1]
  local ok, err = check(one.config)
  for _, layer in ipairs(one.layers) do
    if ok then ok, err = check(layer) end
  end
  if not ok then return nil, err end
  return one.bytes
end
