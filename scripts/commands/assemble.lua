local archive = require "hocker.archive"
local archive_name = require "hocker.archive.name"
local core = require "hocker.core"
local files = require "hocker.archive.files"
local hash = require "hocker.hash"
local options = require "hocker.options"
local script = require "hocker.archive.script"

-- Everything that can be wrong with the words alone.
local function read_arguments(args)
  if not args.out then
    return nil, core.error("usage", "where to? give --out PATH, or --out - for standard output")
  end
  local names, err = archive_name.parse_all(args.repo_tag)
  if not names then return nil, err end
  local id
  if args.id then
    id, err = hash.digest(args.id)
    if not id then return nil, core.error("usage", "--id: " .. err.message) end
  end
  if args.create_dirs and args.out ~= "-" then
    local ok
    ok, err = core.system.make_folders(args.out)
    if not ok then return nil, err end
  end
  return { names = names, id = id, compressed = args.layers == "compressed" }
end

local function write_script(ctx, args, pieces, compressed)
  local text, err = script.print({ pieces = pieces, names = args.repo_tag,
    compressed = compressed }, args.script)
  if not text then return nil, err end
  return ctx:deliver(args, text, true)
end

return {
  name = "assemble",
  usage = "CONFIG [LAYER...]",
  summary = "make an archive from files: a configuration, and layers as registries have them",
  args = {
    { words = "files", count = "+",
      help = "the configuration, and the layers, the base first" },
    options.out,
    { names = "--create-dirs", flag = true, per_run = true,
      help = "make the folders on the way to --out" },
    { names = "--id", value = "DIGEST", per_run = true,
      help = "what the image's id must be, which is the configuration's digest" },
    options.layer_form, options.repo_tags,
    { names = "--script", value = "HOCKER", per_run = true,
      help = "write a program instead, that prints the archive by the hocker at this path" },
    options.verbosity,
  },
  run = function(ctx, args)
    local want, err = read_arguments(args)
    if not want then return nil, err end
    local config = table.remove(args.files, 1)
    local pieces, ok
    pieces, err = files.read(config, args.files, want.id)
    if not pieces then return nil, err end
    if args.script then return write_script(ctx, args, pieces, want.compressed) end
    local output <close>, problem = archive.open("docker-archive", args.out)
    if not output then return nil, problem end
    ok, err = files.write(pieces,
      { names = want.names, output = output, compressed = want.compressed })
    if not ok then return nil, err end
    return ctx:commit(args, output)
  end,
}
