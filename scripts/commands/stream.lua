local archive = require "hocker.archive"
local archive_name = require "hocker.archive.name"
local files = require "hocker.archive.files"
local options = require "hocker.options"
local script = require "hocker.archive.script"

return {
  name = "stream",
  usage = "SCRIPT",
  summary = "print the archive that a script of hocker assemble stands for",
  args = {
    { words = "script", count = "1",
      help = "what `hocker assemble --script` wrote" },
    options.out, options.repo_tags, options.verbosity,
  },
  run = function(ctx, args)
    local made, err = script.read(args.script)
    if not made then return nil, err end
    local names, ok
    names, err = archive_name.parse_all(#args.repo_tag > 0 and args.repo_tag or made.names)
    if not names then return nil, err end
    local output <close>, problem = archive.open("docker-archive", args.out or "-")
    if not output then return nil, problem end
    ok, err = files.write(made.pieces,
      { names = names, output = output, compressed = made.compressed })
    if not ok then return nil, err end
    return ctx:commit(args, output)
  end,
}
