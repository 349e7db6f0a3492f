local options = require "hocker.options"

return {
  name = "config",
  summary = "print an image's configuration JSON, byte for byte",
  args = { options.image, options.out, options.platform, options.fetch },
  run = function(ctx, args)
    local registry, err = ctx:registry(args)
    if not registry then return nil, err end
    local want, image, config
    want, err = ctx:platform(args)
    if not want then return nil, err end
    image, err = registry:image(want)
    if not image then return nil, err end
    config, err = registry:config(image)
    if not config then return nil, err end
    return ctx:deliver(args, config.bytes)
  end,
}
