-- A new command, with options of its own: hocker --scripts "$PWD/examples" pin IMAGE
--
-- In ~/.config/hocker/commands it is there without --scripts.
local options = require "hocker.options"

return {
  summary = "print an image's name with its digest",
  args = {
    options.image, options.platform, options.fetch,
    { names = "--form", value = "FORM", default = "reference",
      choices = { "reference", "digest", "dockerfile", "compose" }, help = "what to print" },
  },
  run = function(ctx, args)
    local registry, err = ctx:registry(args)
    if not registry then return nil, err end
    local digest, found
    if args.platform then
      local want
      want, err = ctx:platform(args)
      if not want then return nil, err end
      found, err = registry:image(want)
      digest = found and found.manifest.digest
    else
      found, err = registry:document()
      digest = found and found.digest
    end
    if not digest then return nil, err end
    local pinned = tostring(registry.ref:with_digest(digest))
    local forms = { reference = pinned, digest = digest, dockerfile = "FROM " .. pinned,
      compose = "image: " .. pinned }
    ctx.out:write(forms[args.form], "\n")
    return true
  end,
}
