-- Refuses images that are older than so many days, with exit code 8: hocker run fresh.lua DAYS IMAGE...
--
-- The age is that which the configuration tells, which is verified; whoever built the image chose it.
local hocker = require "hocker"

local DAY <const> = 24 * 60 * 60
local days = math.tointeger(tonumber(arg[1] or ""))
assert(days and #arg >= 2, hocker.core.error("usage", "needed: DAYS IMAGE..."))

-- Seconds since 1970 of "2024-05-06T07:08:09Z", near enough: os.time reads it as local time.
local function seconds(text)
  local year, month, day, hour, min, sec = text:match("^(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)")
  local time = { year = year, month = month, day = day, hour = hour, min = min, sec = sec }
  return year and os.time(time)
end

for _, repository in ipairs(assert(hocker.open_all(table.move(arg, 2, #arg, 1, {})))) do
  local config = assert(repository:config(assert(repository:image())))
  local created = seconds(tostring(config.doc.created))
  local age = created and (os.time() - created) // DAY
  if not age or age > days then
    error(hocker.core.error("refused", ("%s is %s, and %d days are the limit"):format(
      tostring(repository.ref), age and ("%d days old"):format(age) or "of unknown age", days)))
  end
  print(tostring(repository.ref), ("%d days"):format(age))
end
