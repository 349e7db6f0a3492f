local options = require "hocker.options"

return {
  name = "manifest",
  summary = "print an image's manifest, byte for byte as the registry sent it",
  args = { options.image, options.out, options.platform, options.fetch },
  run = function(ctx, args)
    local registry, err = ctx:registry(args)
    if not registry then return nil, err end
    local want, image
    want, err = ctx:platform(args)
    if not want then return nil, err end
    image, err = registry:image(want)
    if not image then return nil, err end
    return ctx:deliver(args, image.manifest.bytes)
  end,
}
