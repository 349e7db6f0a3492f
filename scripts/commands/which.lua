local core = require "hocker.core"
local log = require "hocker.log"
local scripts = require "hocker.scripts"

local KINDS <const> = { "commands", "policies", "templates/nix", "templates", "hocker" }

-- A command is named alone, and a module as `require` has it.
local function full_name(what)
  if what:find("/", 1, true) then return what end
  if what:find("^hocker%.") then return (what:gsub("%.", "/")) end
  return "commands/" .. what
end

-- What may be meant: the same name of another kind, or a name that is like it.
local function hint(name)
  local kind, last = name:match("^(.*)/([^/]*)$")
  for _, other in ipairs(KINDS) do
    local script = scripts.find(other .. "/" .. last)
    if script then return ("; did you mean '%s'?"):format(script.name) end
  end
  local like = scripts.hint(kind, last)
  return like ~= "" and like or "; hocker paths tells where it may be"
end

return {
  usage = "WHAT",
  summary = "print the file of a command, template, policy or module of the library that is used",
  args = {
    { words = "what", count = "1",
      help = "such as commands/image, or image; templates/nix/fetchdocker; policies/allow; "
        .. "hocker/registry, or hocker.registry" },
  },
  run = function(ctx, args)
    local name = full_name(args.what)
    local script, err = scripts.find(name)
    if script then
      ctx.out:write(log.printable(script.path), "\n")
      return true
    elseif err.code == "not_found" then
      err = core.error("not_found", err.message .. hint(name))
    end
    return nil, err
  end,
}
