--- Fetches a body over several connections where one is slow.
---
--- It begins with one plain request, which is all that a fast link needs. When that one would take its
--- time although its sink waits for it, and the server is seen to give ranges, it is stopped where it is
--- and the rest comes in parts, several at the same time; the join puts them in order in front of the
--- chain that verifies them. Connections that bring nothing are done without, and the last one that is
--- left does as it would have done alone: a server that gives no ranges, or no further connections,
--- loses nothing.

local core = require "hocker.core"
local places = require "hocker.places"

local M = {}

local LOOK <const> = 0.2            -- seconds between two looks at the speed
local WINDOW <const> = 1            -- seconds over which it is taken
local LONG <const> = 1              -- seconds to the end that are worth a split
local PART_MIN <const> = 512 << 10  -- bytes
local PART_MAX <const> = 1 << 20
local AHEAD <const> = 12 << 20      -- bytes that may wait in memory
local LAGGARD <const> = 4           -- how many times slower than others a part may come
local YOUNG <const> = 2             -- seconds in which it may be slower

--- Bytes that are worth it.
M.least = 2 << 20

--- Most connections of all bodies of a session together, where some are split.
M.connections = 8

--- Seconds after which a part that nothing comes of is given to a connection that has nothing to do.
M.patience = 5

local PASSING <const> = { network = true, protocol = true, unsupported = true, unauthorized = true,
  not_found = true }

--- Whether a failed request for a part says nothing of the whole: some servers give no ranges, or only so
--- many connections. Any other failure is the end of all.
---@param err hocker.Error
---@return boolean
function M.is_passing(err)
  return PASSING[err.code] == true and not err.policy
end

---@class hocker.parts.Fetch One body.
---@field session hocker.Session
---@field request hocker.Fetch
---@field join hocker.core.Join
---@field running integer connections
---@field total integer? bytes, once it is split
---@field part integer bytes
---@field refused hocker.Error? what ends it, whatever has come
---@field speed number? bytes a second of parts that came: the mean, in which the last count most
---@field parts table<hocker.core.Transfer, hocker.parts.Part> those that are under way

---@class hocker.parts.Part
---@field size integer
---@field began number
---@field received integer when something came last
---@field held number
---@field since number

-- The request with some of its fields changed. Its sink is the join's, and who watches it watches that.
local function request_of(self, changes)
  local request = {}
  for key, value in pairs(self.request) do request[key] = value end
  request.sink, request.on_start = nil, nil
  for key, value in pairs(changes) do request[key] = value end
  return request
end

-- How many more connections there may be now.
local function room(session)
  return M.connections - (session.streams or 0)
end

local function count(self, by)
  self.running = self.running + by
  self.session.streams = (self.session.streams or 0) + by
end

-- --- when ----------------------------------------------------------------------------------------

-- Bytes a second between two samples of { time, received, held }; nil where the sink was the slow one.
local function speed_of(old, new)
  local seconds, bytes, held = new[1] - old[1], new[2] - old[2], new[3] - old[3]
  if seconds < LOOK * 1.5 or held > seconds / 3 or bytes == 0 then return nil end
  return bytes / seconds
end

-- Waits until the transfer is seen to be slow; returns its speed, or nil when there is nothing to gain.
-- The speed is that of the last second, after the first byte: many servers send in bursts.
local function wait_until_slow(session, transfer)
  local samples = {}
  while true do
    session:sleep(LOOK)
    local received, total, held = transfer:progress()
    local rest = total and total - received
    if rest and rest < M.least then return nil end
    local sample = { core.system.clock(), received, held }
    if received == 0 then samples = {} end
    samples[#samples + 1] = sample
    local speed = rest and room(session) > 0 and speed_of(samples[1], sample)
    if speed and rest / speed > LONG then return speed end
    if sample[1] - samples[1][1] > WINDOW then table.remove(samples, 1) end
  end
end

-- Whether the server gives ranges. The byte is dropped.
local function gives_ranges(self, at)
  local response, err = self.session:fetch(request_of(self, { range = { first = at, last = at },
    apart = true, retries = 0 }))
  if err and places.is_final(err) then self.refused = err end
  return response ~= nil
end

-- --- how -----------------------------------------------------------------------------------------

local function note_speed(self, part, came)
  local speed = came / math.max(core.system.clock() - part.began, 0.001)
  self.speed = self.speed and (3 * self.speed + speed) / 4 or speed
end

-- Fetches one part; returns how many bytes came of it.
local function fetch_part(self, sink, first, last)
  local mine
  local response, err, refusal = self.session:fetch(request_of(self, {
    range = { first = first, last = last }, apart = true, sink = sink, retries = 0,
    on_start = function(transfer)
      mine = transfer
      local now, size = core.system.clock(), last - first + 1
      self.parts[mine] = { size = size, began = now, received = 0, held = 0, since = now }
    end,
  }))
  response = response or refusal
  local came = response and response.received or 0
  if came > 0 then note_speed(self, self.parts[mine], came) end
  if mine then self.parts[mine] = nil end
  return came, err
end

-- Fetches all the rest over the last connection.
local function go_on(self, sink, from)
  local response, err = self.session:fetch(request_of(self, { sink = sink, from = from }))
  if not response then return nil, err end
  if self.join:progress() == self.total then return true end
  return nil, core.error("protocol", ("the body ended after %d bytes, of %d that were promised")
    :format(self.join:progress(), self.total))
end

-- Whether a part comes so slowly that another connection would be through before it.
local function lags(self, part, now)
  local seconds = now - part.began - part.held
  return self.speed and part.received > 0 and seconds > YOUNG
    and part.received * LAGGARD < self.speed * seconds
    and (part.size - part.received) * seconds > part.received * LONG
end

-- Stops what nothing has come of for a while, though its sink waits, and what lags.
local function stop_stuck(self)
  local now = core.system.clock()
  for transfer, part in pairs(self.parts) do
    local received, _, held = transfer:progress()
    if received > part.received or held > part.held then
      part.received, part.held, part.since = received, held, now
    end
    if now - part.since > M.patience or lags(self, part, now) then transfer:stop() end
  end
end

-- Fetches parts one after another, over one connection, until the body is whole. One that brings nothing
-- is given up, and its part left to the others.
local function work(self)
  while true do
    local alone = self.running == 1
    local sink, first, last = self.join:part(not alone and self.part or nil, alone and 0 or AHEAD)
    if sink and alone then
      local ok, err = go_on(self, sink, first)
      if not ok then return nil, err end
    elseif sink then
      local came, err = fetch_part(self, sink, first, last)
      if err and not M.is_passing(err) then return nil, err end
      if came == 0 and self.running > 1 then break end
      if err then self.session:sleep(LOOK) end
    else
      local over, err = self.join:finish()
      if over ~= false then return over, err end
      stop_stuck(self)
      self.session:sleep(LOOK / 4)
    end
  end
  count(self, -1)
  return true
end

-- Stops the first transfer and fetches the rest in parts; false where that is no longer possible.
local function split(self, group, transfer, speed)
  local received, total = transfer:progress()
  local rest = total - received
  local connections = math.min(1 + room(self.session), math.ceil(rest / PART_MIN))
  if connections < 2 or not self.join:set_size(total) or not transfer:stop() then return false end
  self.total = total
  self.part = math.max(PART_MIN, math.min(PART_MAX, math.floor(speed), rest // (2 * connections)))
  if self.session.log then
    self.session.log:debug(("slow: the rest from byte %d on comes over %d connections")
      :format(received, connections))
  end
  count(self, connections - 1)
  for _ = 1, connections do group:start(function() return work(self) end) end
  return true
end

-- Splits when it is time.
local function watch(self, group, transfer)
  repeat
    local speed = wait_until_slow(self.session, transfer)
    if not speed then return true end
    local ranges = gives_ranges(self, (transfer:progress()))
    if self.refused then transfer:stop() end
    if not ranges then return true end
  until split(self, group, transfer, speed)
  return true
end

--- Does the exchange of a GET whose body may be large, as `session:fetch` does.
---@param session hocker.Session
---@param request hocker.Fetch with a sink and without a range
---@return hocker.Response? response, hocker.Error? err, hocker.Response? last
function M.fetch(session, request)
  local join <close> = core.join(request.sink)
  local self = { session = session, request = request, join = join, running = 0, parts = {} }
  local group <close> = session:group()
  local guard <close> = setmetatable({}, { __close = function() count(self, -self.running) end })
  count(self, 1)
  local response, err, last = session:fetch(request_of(self, {
    sink = join:part(),
    on_start = function(transfer)
      if request.on_start then request.on_start(join) end
      group:start(function() return watch(self, group, transfer) end)
    end,
  }))
  if self.refused then return nil, self.refused end
  if not response or not self.total then return response, err, last end
  local ok
  ok, err = group:wait()
  return ok and response or nil, err
end

--- Does the exchange of a blob: one that is large, or may be, as above; a part or a small one simply.
---@param session hocker.Session
---@param request hocker.Fetch
---@param size integer? bytes, where they are known
---@return hocker.Response? response, hocker.Error? err, hocker.Response? last
function M.exchange(session, request, size)
  local simple = request.range or size and size < M.least
  return (simple and session.fetch or M.fetch)(session, request)
end

return M
