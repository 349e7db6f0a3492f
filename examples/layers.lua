-- Prints the layers of an image, from its verified manifest: hocker run layers.lua IMAGE [REGISTRY]
local hocker = require "hocker"

assert(arg[1], hocker.core.error("usage", "needed: IMAGE [REGISTRY]"))
local repository = assert(hocker.open(arg[1], { registry = arg[2] }))
local image = assert(repository:image())
print(image.manifest.digest)
for _, layer in ipairs(image.manifest.layers) do
  print(layer.digest, layer.size)
end
