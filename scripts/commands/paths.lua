local core = require "hocker.core"
local log = require "hocker.log"
local scripts = require "hocker.scripts"

local function state(place)
  if place.problem then return "refused: " .. place.problem end
  if not place.folder then return "always there" end
  local ok, err = core.script.folder(place.folder)
  if ok then return "exists" end
  return err.code == "not_found" and "does not exist" or "refused: " .. err.message
end

local function title(place)
  if place.from == "program" then return "what the program provides" end
  return place.folder or "what comes with hocker"
end

return {
  usage = "",
  summary = "print where scripts and configuration are looked for, in order",
  args = {},
  run = function(ctx)
    for _, place in ipairs(scripts.places()) do
      ctx.out:write(("%-12s %-30s %s\n"):format(place.from, log.printable(title(place)),
        log.printable(state(place))))
    end
    return true
  end,
}
