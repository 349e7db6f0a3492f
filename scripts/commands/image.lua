local archive = require "hocker.archive"
local core = require "hocker.core"
local options = require "hocker.options"
local reference = require "hocker.reference"

-- The names inside the archive: those asked for, normalised, or the one it was fetched by.
local function repo_tags(args, ref)
  if #args.repo_tag == 0 then return ref.repo_tags or {} end
  local tags = {}
  for _, text in ipairs(args.repo_tag) do
    local named, err = reference.parse({ text })
    if not named then return nil, core.error(err.code, "--repo-tag: " .. err.message) end
    if not named.tag or named.digest then
      return nil, core.error("usage", ("--repo-tag must be NAME:TAG, not '%s'"):format(text))
    end
    tags[#tags + 1] = text:find(":[^/]+$") and text or text .. ":" .. named.tag
  end
  return tags
end

return {
  name = "image",
  summary = "fetch a whole image as an archive that docker and podman load",
  args = {
    options.image, options.out, options.platform,
    { names = "--layers", value = "FORM", default = "uncompressed",
      choices = { "uncompressed", "compressed" },
      help = "layers inside the archive: uncompressed (as docker save), or compressed as stored" },
    { names = "--repo-tag", value = "NAME:TAG", many = true,
      help = "name inside the archive; may be repeated" },
    options.jobs, options.progress, options.fetch,
  },
  run = function(ctx, args)
    if not args.out then
      return nil, core.error("usage", "where to? give --out PATH, or --out - for standard output")
    end
    local registry, err = ctx:registry(args)
    if not registry then return nil, err end
    local tags, want
    tags, err = repo_tags(args, registry.ref)
    if not tags then return nil, err end
    want, err = ctx:platform(args)
    if not want then return nil, err end
    local file <close>, problem = core.file(args.out)
    if not file then return nil, problem end
    local image, config, ok
    image, err = registry:image(want)
    if not image then return nil, err end
    config, err = registry:config(image)
    if not config then return nil, err end
    ok, err = archive.write {
      registry = registry, image = image, config = config, file = file, repo_tags = tags,
      compressed = args.layers == "compressed", jobs = args.jobs,
      progress = ctx:show_progress(args),
    }
    if not ok then return nil, err end
    return ctx:commit(args, file)
  end,
}
