--- Prints the expression of the original docker2nix: a function that calls `fetchdocker` with
--- one `fetchDockerLayer` a layer.

local fetchers = require "hocker.fetchers"
local nix = require "hocker.nix"

---@param image hocker.Description see hocker.template
---@return string? text, hocker.Error? err
return function(image)
  local call, err = fetchers.call(image, image.images[1])
  if not call then return nil, err end
  return nix.print(nix.fn(fetchers.formals, call)) .. "\n"
end
