local commands = require "hocker.commands"
local log = require "hocker.log"

return {
  usage = "",
  summary = "print all commands, what they do, and where they are",
  args = {},
  run = function(ctx)
    for _, entry in ipairs(commands.all()) do
      local text = entry.command and ("%s (%s)"):format(entry.command.summary, entry.path)
        or "broken: " .. entry.err.message
      ctx.out:write(("%-12s %s\n"):format(entry.name, log.printable(text)))
    end
    return true
  end,
}
