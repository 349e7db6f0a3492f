local core = require "hocker.core"
local log = require "hocker.log"
local scripts = require "hocker.scripts"

return {
  usage = "WHAT",
  summary = "print the file of a command, template, policy or module of the library that is used",
  args = {
    { words = "what", count = "1",
      help = "such as commands/image, or image; templates/nix/fetchdocker; hocker/registry" },
  },
  run = function(ctx, args)
    local name = args.what:find("/", 1, true) and args.what or "commands/" .. args.what
    local script, err = scripts.find(name)
    if script then
      ctx.out:write(log.printable(script.path), "\n")
      return true
    elseif err.code == "not_found" then
      err = core.error("not_found", err.message .. "; hocker paths tells where it may be")
    end
    return nil, err
  end,
}
