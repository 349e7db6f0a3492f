--- Free TCP ports of the loopback interface.

local socket = require "cqueues.socket"

local port = {}

local given = {}

--- A port that nothing listens on and that was not given before. For servers that can't choose
--- one themselves; those that can are told port 0.
---@param address string? 127.0.0.1 by default
---@return integer
function port.free(address)
  repeat
    local listener = assert(socket.listen { host = address or "127.0.0.1", port = 0 })
    assert(listener:listen())
    local _, _, number = listener:localname()
    listener:close()
    if not given[number] then
      given[number] = true
      return number
    end
  until false
end

return port
