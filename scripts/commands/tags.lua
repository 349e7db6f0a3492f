local core = require "hocker.core"
local options = require "hocker.options"
local reference = require "hocker.reference"

-- Whether a name brings a tag or a digest of its own: one that does not has got `latest`.
local function has_version(text, ref)
  return ref.digest ~= nil or text:sub(-#ref.tag - 1) == ":" .. ref.tag
end

return {
  name = "tags",
  summary = "print the tags of a repository, one a line, in the registry's order",
  args = {
    { words = "image", count = "1",
      help = "a name without a tag: [host[:port]/]path" },
    options.fetch,
  },
  run = function(ctx, args)
    local ref, err = reference.parse({ args.image }, { registry = args.registry })
    if not ref then return nil, err end
    if has_version(args.image, ref) then
      return nil, core.error("usage", "all tags are printed; leave that of the name out")
    end
    local registries
    registries, err = ctx:open(args, { ref })
    if not registries then return nil, err end
    local registry = registries[1]
    registry.ref.tag = nil
    local tags
    tags, err = registry:tags()
    if not tags then return nil, err end
    for _, tag in ipairs(tags) do ctx.out:write(tag, "\n") end
    return true
  end,
}
