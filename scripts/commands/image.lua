local archive = require "hocker.archive"
local archive_name = require "hocker.archive.name"
local core = require "hocker.core"
local options = require "hocker.options"
local reference = require "hocker.reference"

-- The names of each image: those asked for, or its own.
local function all_names(args, registries)
  local lists = {}
  if #args.repo_tag > 0 and #registries > 1 then
    return nil, core.error("usage", "--repo-tag names one image, and here are several")
  end
  local asked, err = archive_name.parse_all(args.repo_tag)
  if not asked then return nil, err end
  for i, registry in ipairs(registries) do
    lists[i] = #asked > 0 and asked or archive_name.own(registry.ref, args.format)
  end
  return lists
end

local function check_form(args)
  if not args.out then
    return nil, core.error("usage", "where to? give --out PATH, or --out - for standard output")
  elseif args.layers == "uncompressed" and args.format ~= "docker-archive" then
    return nil, core.error("usage",
      ("--format %s keeps layers as they are stored"):format(args.format))
  end
  return true
end

-- The manifests of all images at the same time; then their configurations, and with these whatever of
-- the layers can be asked for: a link is slow by its round trips too.
local function fetch_documents(registries, names, want, args, peek)
  local images, tasks, session = {}, {}, registries[1].session
  for i, registry in ipairs(registries) do
    images[i] = { source = registry, names = names[i] }
    tasks[i] = function()
      local err
      images[i].image, err = registry:image(want)
      return images[i].image and true, err
    end
  end
  local ok, err = session:run(tasks)
  if not ok then return nil, err end
  tasks = peek(images)
  for i, one in ipairs(images) do
    table.insert(tasks, i, function()
      local problem
      one.config, problem = one.source:config(one.image, args.platform and want)
      return one.config and true, problem
    end)
  end
  ok, err = session:run(tasks)
  return ok and images, err
end

return {
  name = "image",
  usage = "IMAGE...",
  summary = "fetch whole images as an archive that docker and podman load",
  args = {
    options.images, options.out, options.platform,
    { names = "--format", value = "FORMAT", default = "docker-archive", choices = archive.formats,
      help = "docker-archive (the default), oci-archive, or oci, which is a directory" },
    options.layer_form, options.repo_tags,
    { names = "--foreign-layers", flag = true,
      help = "fetch layers that the registry lacks from the manifest's urls, verified as all" },
    options.jobs, options.progress, options.fetch,
  },
  run = function(ctx, args)
    local ok, err = check_form(args)
    if not ok then return nil, err end
    local registries, names, want, images
    registries, err = ctx:registries(args, reference.split_images(args.image))
    if not registries then return nil, err end
    names, err = all_names(args, registries)
    if not names then return nil, err end
    want, err = ctx:platform(args)
    if not want then return nil, err end
    local output <close>, problem = archive.open(args.format, args.out)
    if not output then return nil, problem end
    images, err = fetch_documents(registries, names, want, args, function(list)
      return archive.peek(args.format, args.layers == "compressed", output, list)
    end)
    if not images then return nil, err end
    ok, err = archive.write {
      session = registries[1].session, images = images, format = args.format, output = output,
      compressed = args.layers == "compressed", jobs = args.jobs,
      progress = ctx:show_progress(args),
    }
    for _, one in ipairs(images) do
      if ok then ok, err = one.source:finished(one.image) end
    end
    if not ok then return nil, err end
    return ctx:commit(args, output)
  end,
}
