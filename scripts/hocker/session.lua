--- Transfers as straight-line code: `session:fetch` returns when its exchange is over, and many
--- can be under way at once, each in a task of `session:run`.
---
--- This is the one place that answers the core's events. A task that waits for its transfer is a
--- coroutine that has yielded, so whatever answers may take its time and fetch something else (a
--- token, say) in between.

local core = require "hocker.core"
local notices = require "hocker.notices"

local M = {}

---@class hocker.Session
---@field core hocker.core.Session
---@field retries integer
---@field log hocker.Log?
---@field notices hocker.Notices? what registries tell, where there is a log
---@field tick fun()? called a few times a second while waiting: the progress display
local methods = {}
local mt = { __name = "hocker.lua.Session", __index = methods }

local TICK = 0.2 -- seconds between two looks at the progress

---@class hocker.FetchOptions: hocker.SessionOptions
---@field retries integer? failures in a row, without progress, that are retried
---@field log hocker.Log?
---@field tick fun()?

--- Opens a session.
---@param opts hocker.FetchOptions?
---@return hocker.Session? session, hocker.Error? err
function M.new(opts)
  local rest = {}
  for key, value in pairs(opts or {}) do rest[key] = value end
  local self = setmetatable({
    retries = rest.retries or 3,
    log = rest.log,
    notices = rest.log and notices.new(rest.log),
    tick = rest.tick,
    tasks = {},   -- coroutine -> its group
    waiting = {}, -- transfer -> the coroutine that waits for its next event
    shared = {},  -- key of `once` -> the coroutines that wait for it
    ready = {},   -- { coroutine, what it waited for }: to be resumed
  }, mt)
  rest.retries, rest.log, rest.tick = nil, nil, nil
  local err
  self.core, err = core.session(rest)
  if not self.core then return nil, err end
  return self
end

--- Stops what is under way and closes the connections.
function methods:close()
  self.core:close()
end
mt.__close = methods.close

-- --- tasks ---------------------------------------------------------------------------------

-- Runs a task until it waits or ends, and tells its group how it ended.
local function resume(self, co, ...)
  local group = self.tasks[co]
  local ok, result, err = coroutine.resume(co, ...)
  if coroutine.status(co) ~= "dead" then return end
  self.tasks[co] = nil
  group.active[co] = nil
  group.running = group.running - 1
  if not ok then
    local fault = type(result) == "string" and debug.traceback(co, result) or result
    group.fault = group.fault or fault or "a task raised " .. tostring(result)
    coroutine.close(co) -- its variables too: an error alone leaves them open
  elseif not result then
    group.err = group.err or err or core.error("internal", "a task failed without saying why")
  end
end

-- Resumes the tasks whose shared work is done. One that was stopped meanwhile is none of ours.
local function resume_ready(self)
  local list = self.ready
  self.ready = {}
  for _, item in ipairs(list) do
    if self.tasks[item[1]] then resume(self, table.unpack(item, 1, 3)) end
  end
  return #list > 0
end

-- One step of the loop: hands an event to the task that waits for it. An event of a transfer that
-- nobody in a task waits for is returned.
local function step(self)
  if resume_ready(self) then return end
  local event, err = self.core:step(TICK)
  if self.tick then self.tick() end
  if not event then return nil, err end
  local co = self.waiting[event.transfer]
  if not co then return event end
  self.waiting[event.transfer] = nil
  resume(self, co, event)
end

-- The next event of a transfer: by yielding in a task, by running the loop outside of one.
local function next_event(self, transfer)
  local co = coroutine.running()
  if self.tasks[co] then
    self.waiting[transfer] = co
    return coroutine.yield()
  end
  while true do
    local event, err = step(self)
    if err then return nil, err end
    if event and event.transfer == transfer then return event end
  end
end

-- Starts jobs of the group while there is room; stops starting at the first failure.
local function launch(self, group)
  while group.running < group.limit and group.next <= #group.jobs do
    if group.err or group.fault then return end
    local co = coroutine.create(group.jobs[group.next])
    group.next, group.running = group.next + 1, group.running + 1
    group.active[co] = true
    self.tasks[co] = group
    resume(self, co)
  end
end

-- Ends what still runs: closing a coroutine closes its transfer.
local function cancel(self, group)
  for co in pairs(group.active) do
    self.tasks[co] = nil
    for transfer, waiter in pairs(self.waiting) do
      if waiter == co then self.waiting[transfer] = nil end
    end
    coroutine.close(co)
  end
  group.active, group.running = {}, 0
end

--- Runs functions at the same time, at most `limit` of them. Each returns `true` or `nil, err`; at
--- the first failure the others are stopped.
---@param jobs (fun(): true?, hocker.Error?)[]
---@param limit integer?
---@return true? ok, hocker.Error? err the first failure
function methods:run(jobs, limit)
  assert(not self.tasks[coroutine.running()], "session:run can't be called from one of its tasks")
  local group = { jobs = jobs, limit = limit or #jobs, next = 1, running = 0, active = {} }
  local guard <close> = setmetatable({}, { __close = function() cancel(self, group) end })
  launch(self, group)
  while group.running > 0 and not (group.err or group.fault) do
    local _, err = step(self)
    group.err = group.err or err
    launch(self, group)
  end
  if group.fault then error(group.fault, 0) end
  if group.err then return nil, group.err end
  return true
end

--- Does a piece of work once: tasks that want the same while it is being done wait, and get what it
--- returns.
---@param key any names the work
---@param work fun(): any, hocker.Error?
---@return any result, hocker.Error? err
function methods:once(key, work)
  local waiters = self.shared[key]
  if waiters then
    assert(self.tasks[coroutine.running()], "only tasks can wait for one another")
    waiters[#waiters + 1] = coroutine.running()
    return coroutine.yield()
  end
  waiters = {}
  self.shared[key] = waiters
  local result, err = nil, core.error("internal", "what this task waited for was stopped")
  local guard <close> = setmetatable({}, { __close = function()
    self.shared[key] = nil
    for _, co in ipairs(waiters) do self.ready[#self.ready + 1] = { co, result, err } end
  end })
  result, err = work()
  return result, err
end

-- --- one exchange ----------------------------------------------------------------------------

---@class hocker.Fetch: hocker.Request
---@field auth hocker.Auth? answers challenges
---@field redirects boolean? false: a redirect is an error
---@field on_start fun(transfer: hocker.core.Transfer)? for a progress display

local answers = {}

function answers.challenge(self, transfer, request, state)
  local header, err
  if request.auth then header, err = request.auth:answer(transfer:response(), state) end
  if header then
    state.sent = header
    return transfer:authorize(header)
  end
  return transfer:fail(err or transfer:error())
end

function answers.redirect(self, transfer, request)
  if request.redirects == false then
    return transfer:fail(core.error("protocol", "a redirect, where none is followed"))
  end
  if self.log then self.log:debug("redirected to " .. core.url.redact(transfer:target())) end
  return transfer:follow()
end

function answers.retry(self, transfer, _, state)
  local seconds, failures = transfer:delay()
  state.answers = 0 -- by the next try a token that was good may be over
  if self.log then
    self.log:warn(("%s; retry %d in %.1f s"):format(transfer:error().message, failures, seconds))
  end
  return transfer:retry(seconds)
end

-- The fields that the core takes; the others are for this module.
local function core_request(self, request, sent)
  return {
    url = request.url, method = request.method, headers = request.headers, body = request.body,
    content_type = request.content_type, range = request.range, sink = request.sink,
    retries = request.retries or self.retries, authorization = sent,
  }
end

--- Does one exchange, whatever it takes, and returns the last response. On failure the response
--- that said no comes third: its body may say why.
---@param request hocker.Fetch
---@return hocker.Response? response, hocker.Error? err, hocker.Response? last
function methods:fetch(request)
  local sent = request.authorization or request.auth and request.auth:current()
  local state = { sent = sent, answers = 0 }
  local transfer <close>, err = self.core:start(core_request(self, request, sent))
  if not transfer then return nil, err end
  if self.log then
    self.log:debug((request.method or "GET") .. " " .. core.url.redact(request.url))
  end
  if request.on_start then request.on_start(transfer) end
  while true do
    local event, interrupted = next_event(self, transfer)
    if not event then return nil, interrupted end
    if self.notices then self.notices:show(transfer:response(), request.url) end
    if event.type == "done" then break end
    local ok, problem = answers[event.type](self, transfer, request, state)
    if not ok then return nil, problem end
  end
  err = transfer:error()
  local response = transfer:response()
  if not err then return response end
  return nil, err, response.status > 0 and response or nil
end

--- Fetches a small body into memory.
---@param request hocker.Fetch without a sink
---@param max integer most bytes
---@return string? body, hocker.Response|hocker.Error response_or_err, hocker.Response? last
function methods:fetch_text(request, max)
  local buffer <close> = core.buffer(max)
  local copy = {}
  for key, value in pairs(request) do copy[key] = value end
  copy.sink = core.sink.verify(buffer:sink(), { max = max, name = request.name or "the answer" })
  copy.name = nil
  local response, err, last = self:fetch(copy)
  if not response then return nil, err, last end
  return buffer:data(), response
end

return M
