--- The server process of support/proxy.lua.

local cjson = require "cjson"
local cqueues = require "cqueues"
local httpd = require "support.httpd"
local socket = require "cqueues.socket"

local file <close> = assert(io.open(arg[1]))
local config = cjson.decode(file:read("a"))

local PIECE = -65536 -- up to so many bytes, as they come

--- Copies until one end has no more.
local function copy(from, to)
  for piece in function() return from:read(PIECE) end do
    if not (to:write(piece) and to:flush()) then
      break
    end
  end
  to:shutdown("w")
end

local function handle(request, connection)
  local port = request.method == "CONNECT" and config.hosts[request.target]
  if not port then
    httpd.answer(connection, 502, {}, "no such host\n")
    return true
  end
  local server = socket.connect("127.0.0.1", math.tointeger(port))
  server:onerror(function(_, _, code) return code end)
  server:setmode("b", "bf")
  connection:write("HTTP/1.1 200 Connected\r\n\r\n")
  connection:flush()
  -- The one that reads what the client sends is left behind when the server has ended.
  cqueues.running():wrap(pcall, copy, connection, server)
  copy(server, connection)
  server:close()
  return false
end

httpd.serve(config, handle)
