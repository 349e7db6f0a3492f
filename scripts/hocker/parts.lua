--- Fetches a body over several connections where one is slow.
---
--- It begins with one plain request, which is all that a fast link needs. When that one would take its
--- time although its sink waits for it, and the server is seen to give ranges, it is stopped where it is
--- and the rest comes in parts, several at the same time; the join puts them in order in front of the
--- chain that verifies them. A server that gives no ranges, or no further connections, loses nothing.

local core = require "hocker.core"

local M = {}

local LOOK <const> = 0.2            -- seconds between two looks at the speed
local WINDOW <const> = 1            -- seconds over which it is taken
local LONG <const> = 1              -- seconds to the end that are worth a split
local PART <const> = 512 << 10      -- bytes
local AHEAD <const> = 2             -- parts a connection that may wait in memory

--- Bytes that are worth it.
M.least = 2 << 20

--- Most connections of all bodies of a session together, where some are split.
M.connections = 8

-- What a connection's failure ends: some servers allow only so many. Anything else is the end of all.
local PASSING = { network = true, protocol = true, unsupported = true, unauthorized = true,
  not_found = true }

-- A request for a range, as the first one was.
local function request_of(request, range, sink, retries)
  return {
    url = request.url, headers = request.headers, auth = request.auth, range = range, sink = sink,
    retries = retries, apart = true,
  }
end

-- --- when ----------------------------------------------------------------------------------------

-- How many more connections there may be now.
local function room(session)
  return M.connections - (session.streams or 0)
end

local function count(session, by)
  session.streams = (session.streams or 0) + by
end

-- Whether the network alone makes it long between two samples of { time, received, held }.
local function is_slow(old, new, rest)
  local seconds, bytes, held = new[1] - old[1], new[2] - old[2], new[3] - old[3]
  return seconds > LOOK * 1.5 and held < seconds / 3 and bytes > 0 and rest / bytes * seconds > LONG
end

-- Waits until the transfer is seen to be slow; returns the bytes that are missing, or nil when there is
-- nothing to gain. The speed is that of the last second: many servers send in bursts.
local function wait_until_slow(session, transfer)
  local samples = { { core.system.clock(), 0, 0 } }
  while true do
    session:sleep(LOOK)
    local received, total, held = transfer:progress()
    local rest = total and total - received
    if rest and rest < M.least then return nil end
    local sample = { core.system.clock(), received, held }
    if rest and room(session) > 0 and is_slow(samples[1], sample, rest) then return rest end
    samples[#samples + 1] = sample
    if sample[1] - samples[1][1] > WINDOW then table.remove(samples, 1) end
  end
end

-- Whether the server gives ranges. The byte is dropped.
local function gives_ranges(session, request, at)
  return session:fetch(request_of(request, { first = at, last = at }, nil, 0)) ~= nil
end

-- --- how -----------------------------------------------------------------------------------------

---@class hocker.parts.Split
---@field session hocker.Session
---@field request hocker.Fetch
---@field join hocker.core.Join
---@field retries integer
---@field running integer connections
---@field planned integer connections at the beginning

-- Fetches parts one after another, over one connection. While there are others, one that fails is given
-- up and its part left to them; the last one is as patient as any transfer.
local function work(self)
  local session, join = self.session, self.join
  local ahead = AHEAD * PART * self.planned
  while true do
    local sink, first, last = join:part(PART, ahead)
    if sink then
      local alone = self.running == 1
      local response, err = session:fetch(request_of(self.request, { first = first, last = last },
        sink, alone and self.retries or math.min(1, self.retries)))
      if not response and (alone or not PASSING[err.code]) then return nil, err end
      if not response and self.running > 1 then break end
    elseif first then
      session:sleep(LOOK / 4) -- others have to catch up
    else
      break
    end
  end
  self.running = self.running - 1
  return true
end

-- Stops the first transfer and fetches the rest in parts.
local function split(self, group, transfer, rest)
  local received, total = transfer:progress()
  local ok, err = self.join:set_size(total)
  if not ok then return nil, err end
  self.planned = math.min(1 + room(self.session), math.ceil(rest / PART))
  self.running = self.planned
  count(self.session, self.planned - 1)
  if self.session.log then
    self.session.log:debug(("slow: the rest from byte %d on comes over %d connections")
      :format(received, self.planned))
  end
  transfer:stop()
  for _ = 1, self.planned do group:start(function() return work(self) end) end
  return true
end

--- Does the exchange of a GET whose body may be large, as `session:fetch` does.
---@param session hocker.Session
---@param request hocker.Fetch with a sink and without a range
---@return hocker.Response? response, hocker.Error? err, hocker.Response? last
function M.fetch(session, request)
  local join <close> = core.join(request.sink)
  local self = { session = session, request = request, join = join, planned = 1,
    retries = request.retries or session.retries }
  local group <close> = session:group()
  count(session, 1)
  local guard <close> = setmetatable({}, { __close = function() count(session, -self.planned) end })
  local first = {}
  for key, value in pairs(request) do first[key] = value end
  first.sink = join:part()
  function first.on_start(transfer)
    if request.on_start then request.on_start(join) end
    group:start(function()
      local rest = wait_until_slow(session, transfer)
      if not rest or not gives_ranges(session, request, transfer:progress()) then return true end
      return split(self, group, transfer, rest)
    end)
  end
  local response, err, last = session:fetch(first)
  if not response or self.planned == 1 then return response, err, last end
  local ok
  ok, err = group:wait()
  return ok and response or nil, err
end

return M
