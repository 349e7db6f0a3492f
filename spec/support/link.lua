--- A link that takes its time: TCP to a port of this machine, with a round trip of so many seconds.
--- Like a real one it is as wide as it is long: only waiting for answers costs. A connection
--- costs one round trip before its first byte.
---
---     local far = link.start(reg.port, 0.05)
---     program.check("hocker-image", { "--registry", far:url(), ... })

local service = require "support.service"

local link = {}

---@class support.Link: support.Service its requests are not looked at
local mt = { __name = "support.Link", __index = service.methods }

---@param port integer
---@param round_trip number seconds
---@return support.Link
function link.start(port, round_trip)
  return setmetatable(service.start("link", { to = port, round_trip = round_trip }), mt)
end

return link
