local core = require "hocker.core"
local options = require "hocker.options"

-- The document that is asked for: what the name stands for as it is, or the image of a platform.
local function find(ctx, args, registry)
  if args.index then return registry:document() end
  local want, image, err
  want, err = ctx:platform(args)
  if not want then return nil, err end
  image, err = registry:image(want)
  return image and image.manifest, err
end

return {
  name = "manifest",
  summary = "print an image's manifest, byte for byte as the registry sent it",
  args = {
    options.image, options.out, options.platform,
    { names = "--index", flag = true, per_run = true,
      help = "print the index of all platforms itself, where there is one" },
    options.fetch,
  },
  run = function(ctx, args)
    if args.index and args.platform then
      return nil, core.error("usage", "--index is of all platforms; leave --platform out")
    end
    local registry, err = ctx:registry(args)
    if not registry then return nil, err end
    local document
    document, err = find(ctx, args, registry)
    if not document then return nil, err end
    return ctx:deliver(args, document.bytes)
  end,
}
