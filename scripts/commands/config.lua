local core = require "hocker.core"
local hash = require "hocker.hash"
local manifest = require "hocker.manifest"
local options = require "hocker.options"

-- A configuration that is known by its digest: what the tag stands for does not matter.
local function fetch_blob(registry, text)
  local digest, err = hash.digest(text)
  if not digest then return nil, core.error("usage", "--digest: " .. err.message) end
  local buffer, ok
  ok, err = registry:blob({ digest = digest }, function()
    buffer = core.buffer(manifest.limits.config)
    return buffer:sink()
  end, "config", { max = manifest.limits.config })
  if not ok then return nil, err end
  return buffer:data()
end

local function fetch(ctx, args, registry)
  if args.digest then return fetch_blob(registry, args.digest) end
  local want, image, config, err
  want, err = ctx:platform(args)
  if not want then return nil, err end
  image, err = registry:image(want)
  if not image then return nil, err end
  config, err = registry:config(image, args.platform and want)
  return config and config.bytes, err
end

return {
  name = "config",
  summary = "print an image's configuration JSON, byte for byte",
  args = {
    options.image, options.out, options.platform,
    { names = "--digest", value = "DIGEST", per_run = true,
      help = "fetch the configuration of this digest; the manifest is not asked for" },
    options.fetch,
  },
  run = function(ctx, args)
    if args.digest and args.platform then
      return nil, core.error("usage", "--digest names one configuration; leave --platform out")
    end
    local registry, bytes, err
    registry, err = ctx:registry(args)
    if not registry then return nil, err end
    bytes, err = fetch(ctx, args, registry)
    if not bytes then return nil, err end
    return ctx:deliver(args, bytes)
  end,
}
