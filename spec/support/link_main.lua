--- The server process of support/link.lua.

local cjson = require "cjson"
local condition = require "cqueues.condition"
local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local file <close> = assert(io.open(arg[1]))
local config = cjson.decode(file:read("a"))

local PIECE = -65536 -- up to so many bytes, as they come

local function errors(_, _, code)
  return code
end

-- Hands on what comes in, each piece when it is due; nothing comes in before `open`.
local function carry(loop, from, to, open)
  local pieces, more = {}, condition.new()
  local function add(piece)
    local due = math.max(cqueues.monotime(), open) + config.round_trip / 2
    pieces[#pieces + 1] = { due = due, bytes = piece }
    more:signal()
  end
  loop:wrap(function()
    for piece in function() return from:read(PIECE) end do
      add(piece)
    end
    add(nil)
  end)
  loop:wrap(function()
    repeat
      while #pieces == 0 do
        more:wait()
      end
      local piece = table.remove(pieces, 1)
      cqueues.sleep(math.max(0, piece.due - cqueues.monotime()))
    until not (piece.bytes and to:write(piece.bytes) and to:flush())
    to:shutdown("w")
  end)
end

local function serve(loop, client)
  local server = socket.connect { host = "127.0.0.1", port = math.tointeger(config.to),
    nodelay = true }
  for _, one in ipairs { client, server } do
    one:onerror(errors)
    one:setmode("b", "bf")
  end
  carry(loop, client, server, cqueues.monotime() + config.round_trip)
  carry(loop, server, client, 0)
end

local listener = assert(socket.listen { host = "127.0.0.1", port = 0 })
assert(listener:listen())
local loop = cqueues.new()
loop:wrap(function()
  for client in listener:clients { nodelay = true } do
    serve(loop, client)
  end
end)
print(("listening %d"):format(select(3, listener:localname())))
io.stdout:flush()
assert(loop:loop())
