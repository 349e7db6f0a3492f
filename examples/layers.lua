-- Prints the layers of an image, from its verified manifest: lua layers.lua IMAGE [REGISTRY]
local hocker = require "hocker"

local session = assert(hocker.session.new())
local ref = assert(hocker.reference.parse({ arg[1] }, { registry = arg[2] }))
local registry = hocker.registry.new { session = session, ref = ref }
local image = assert(registry:image())
print(image.manifest.digest)
for _, layer in ipairs(image.manifest.layers) do
  print(layer.digest, layer.size)
end
