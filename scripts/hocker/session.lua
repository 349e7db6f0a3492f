--- Transfers as straight-line code: `session:fetch` returns when its exchange is over, and many
--- can be under way at once, each in a task of `session:run`.
---
--- This is the one place that answers the core's events. A task that waits for its transfer is a
--- coroutine that has yielded, so whatever answers may take its time and fetch something else (a
--- token, say) in between.
---
---     local hocker = require "hocker"
---     local list = assert(hocker.open_all { "debian:12", "alpine:3" })
---     local images, tasks = {}, {}
---     for i, repository in ipairs(list) do
---       tasks[i] = function()
---         local err
---         images[i], err = repository:image()
---         return images[i] and true, err
---       end
---     end
---     assert(list[1].session:run(tasks))
---     for _, image in ipairs(images) do print(image.ref, #image.manifest.layers) end

local core = require "hocker.core"
local lazy = require "hocker.lazy"
local notices = require "hocker.notices"

local decisions = lazy "hocker.policy.decisions"
local policy = lazy "hocker.policy"

local M = {}

---@class hocker.Session
---@field core hocker.core.Session
---@field retries integer
---@field log hocker.Log?
---@field notices hocker.Notices? what registries tell, where there is a log
---@field policies hocker.Policies? that are asked for each decision
---@field tick fun()? called a few times a second while waiting: the progress display
local methods = {}
local mt = { __name = "hocker.lua.Session", __index = methods }

local TICK = 0.2 -- seconds between two looks at the progress
local WAITS <const> = {} -- what a task yields that waits for one of us

---@class hocker.FetchOptions: hocker.SessionOptions
---@field retries integer? failures in a row, without progress, that are retried
---@field log hocker.Log?
---@field tick fun()?
---@field policies hocker.Policies?

--- Opens a session.
---@param opts hocker.FetchOptions?
---@return hocker.Session? session, hocker.Error? err
function M.new(opts)
  local rest = {}
  for key, value in pairs(opts or {}) do rest[key] = value end
  local weak_keys, weak_values = { __mode = "k" }, { __mode = "v" }
  local self = setmetatable({
    retries = rest.retries or 3,
    log = rest.log,
    notices = rest.log and notices.new(rest.log),
    tick = rest.tick,
    policies = rest.policies,
    -- A group that nobody holds any more is garbage, and ends what it runs. So nothing here holds one.
    tasks = setmetatable({}, weak_keys),     -- coroutine -> its group
    waiting = setmetatable({}, weak_values), -- transfer -> the coroutine that waits for its next event
    readers = setmetatable({}, weak_keys),   -- groups that fetch what a script reads
    shared = {},  -- key of `once` -> work that is being done
    ready = {},   -- coroutines to be resumed
    awaiting = {}, -- coroutines that look again after each step
    asleep = {},  -- { co = coroutine, due = when to resume it }, weak
  }, mt)
  rest.retries, rest.log, rest.tick, rest.policies = nil, nil, nil, nil
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

-- What a task does that waits; `resume` goes on with it.
local function suspend()
  return coroutine.yield(WAITS)
end

-- What is wrong with a task that has yielded by itself.
local function stray(co)
  local at = debug.getinfo(co, 1, "Sl") or debug.getinfo(co, 0, "Sl")
  return ("%s:%d: it yields in a task of a session, and nobody would resume it")
    :format(at.short_src, at.currentline)
end

-- Runs a task until it waits or ends, and tells its group how it ended.
local function resume(self, co, ...)
  local group = self.tasks[co]
  local ok, result, err = coroutine.resume(co, ...)
  if coroutine.status(co) ~= "dead" then
    if result == WAITS then return end
    ok, result = false, stray(co)
  end
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
  if group.waiter then
    self.ready[#self.ready + 1] = group.waiter
    group.waiter = nil
  end
end

-- Moves those that have slept long enough to the others; returns how long the next one still sleeps.
local function wake(self)
  local now, wait, asleep = core.system.clock(), TICK, {}
  for _, item in ipairs(self.asleep) do
    if item.due <= now then
      self.ready[#self.ready + 1] = item.co
    else
      asleep[#asleep + 1], wait = item, math.min(wait, item.due - now)
    end
  end
  self.asleep = asleep
  return wait
end

-- Resumes the tasks whose wait is over. One that was stopped meanwhile is none of ours.
local function resume_ready(self)
  local list = self.ready
  self.ready = {}
  for _, co in ipairs(list) do
    if self.tasks[co] then resume(self, co) end
  end
  return #list > 0
end

-- One step of the loop: hands an event to the task that waits for it. An event of a transfer that
-- nobody in a task waits for is returned. `awake`: whether what a worker does ends it.
local function step(self, awake)
  local wait = wake(self)
  if resume_ready(self) then return end
  local event, err = self.core:step(wait, awake or #self.awaiting > 0)
  table.move(self.awaiting, 1, #self.awaiting, #self.ready + 1, self.ready)
  self.awaiting = {}
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
    return suspend()
  end
  while true do
    local event, err = step(self)
    if err then return nil, err end
    if event and event.transfer == transfer then return event end
  end
end

--- Lets a task wait for a time, while others go on.
---@param seconds number
function methods:sleep(seconds)
  local co = coroutine.running()
  assert(self.tasks[co], "only tasks sleep")
  self.asleep[#self.asleep + 1] = setmetatable({ due = core.system.clock() + seconds, co = co },
    { __mode = "v" })
  suspend()
end

--- Waits until a function returns something that is true, and returns it. It is asked again whenever
--- something has happened, also when a worker has (a pipe has something to read).
---@param check fun(): any
---@return any result, hocker.Error? err
function methods:await(check)
  local co = coroutine.running()
  while true do
    local result = check()
    if result then return result end
    if self.tasks[co] then
      self.awaiting[#self.awaiting + 1] = co
      suspend()
    else
      local _, err = step(self, true)
      if err then return nil, err end
    end
  end
end

---@class hocker.Group Functions that run at the same time. Each returns `true` or `nil, err`.
local Group = {}
local group_mt = { __name = "hocker.Group", __index = Group }

local function failed(group)
  return group.err ~= nil or group.fault ~= nil
end

-- Starts jobs of the group while there is room; none after a failure.
local function launch(group)
  local self = group.session
  while group.running < group.limit and group.next <= #group.jobs and not failed(group) do
    local co = coroutine.create(group.jobs[group.next])
    group.next, group.running = group.next + 1, group.running + 1
    group.active[co] = true
    self.tasks[co] = group
    resume(self, co)
  end
end

--- Adds a function, and starts it if there is room.
---@param job fun(): true?, hocker.Error?
function Group:start(job)
  self.jobs[#self.jobs + 1] = job
  launch(self)
end

--- Waits until all have ended, or one has failed.
---@return true? ok, hocker.Error? err the first failure
function Group:wait()
  local co = coroutine.running()
  local in_task = self.session.tasks[co] ~= nil
  launch(self)
  while self.running > 0 and not failed(self) do
    if in_task then
      self.waiter = co
      suspend()
    else
      local _, err = step(self.session)
      self.err = self.err or err
    end
    launch(self)
  end
  if self.fault then error(self.fault, 0) end
  if self.err then return nil, self.err end
  return true
end

--- Ends what still runs: closing a coroutine closes its transfer. `<close>` works, and so does garbage.
function Group:close()
  local session = self.session
  for co in pairs(self.active) do
    session.tasks[co] = nil
    for transfer, waiter in pairs(session.waiting) do
      if waiter == co then session.waiting[transfer] = nil end
    end
    coroutine.close(co)
  end
  self.active, self.running = {}, 0
end
group_mt.__close = Group.close
group_mt.__gc = Group.close

--- Makes a group of functions that run at the same time, at most `limit` of them. In a task it is a group
--- of its own: it has to be closed before the task ends.
---@param limit integer?
---@return hocker.Group
function methods:group(limit)
  return setmetatable({
    session = self, jobs = {}, limit = limit or math.huge, next = 1, running = 0, active = {},
    owner = coroutine.running(), behalf = self.policies and policy.at_work(self),
  }, group_mt)
end

--- Runs functions at the same time, at most `limit` of them. Each returns `true` or `nil, err`; at
--- the first failure the others are stopped.
---@param jobs (fun(): true?, hocker.Error?)[]
---@param limit integer?
---@return true? ok, hocker.Error? err the first failure
function methods:run(jobs, limit)
  local group <close> = self:group(limit)
  group.jobs = jobs
  return group:wait()
end

-- Waits until shared work is over: by yielding in a task, by running the loop outside of one.
local function wait_until_over(self, shared)
  local co = coroutine.running()
  if self.tasks[co] then
    shared.waiters[#shared.waiters + 1] = co
    suspend()
    return true
  end
  while not shared.over do
    local _, err = step(self)
    if err then return nil, err end
  end
  return true
end

--- The policy at whose work the task that runs now was started; nil for what is no such task.
---@return hocker.policy.Frame?
function methods:behalf()
  local group = self.tasks[coroutine.running()]
  return group and group.behalf
end

--- Does a piece of work once: who wants the same while it is being done waits, and gets what it
--- returns. Where the task that did it was stopped, one of those who waited does it.
---@param key any names the work
---@param work fun(): any, hocker.Error?
---@return any result, hocker.Error? err
function methods:once(key, work)
  local shared = self.shared[key]
  while shared do
    local ok, err = wait_until_over(self, shared)
    if not ok then return nil, err end
    if shared.done then return shared.result, shared.err end
    shared = self.shared[key]
  end
  shared = { waiters = {} }
  self.shared[key] = shared
  local guard <close> = setmetatable({}, { __close = function()
    self.shared[key], shared.over = nil, true
    table.move(shared.waiters, 1, #shared.waiters, #self.ready + 1, self.ready)
  end })
  shared.result, shared.err = work()
  shared.done = true
  return shared.result, shared.err
end

-- --- one exchange ----------------------------------------------------------------------------

---@class hocker.Fetch: hocker.Request
---@field auth hocker.Auth? answers challenges
---@field redirects boolean? false: a redirect is an error
---@field on_start fun(transfer: hocker.core.Transfer)? for a progress display

local answers = {}

-- Ends a transfer. What a policy says is kept as it is: the core knows fewer fields.
local function fail(transfer, state, err)
  if err.policy or err.unanswered then state.err = err end
  return transfer:fail(err)
end

-- A challenge that a policy wants no answer for; nor may it be answered in another way.
local function unanswered(transfer)
  local err = transfer:error()
  return core.error(err.code, err.message, { http = err.http, unanswered = true })
end

function answers.challenge(self, transfer, request, state)
  local header, err
  if self.policies then
    local answer
    answer, err = decisions.challenge(self, request, transfer:response())
    if not answer then return fail(transfer, state, err or unanswered(transfer)) end
  end
  if request.auth then header, err = request.auth:answer(transfer:response(), state) end
  if header then
    state.sent = header
    return transfer:authorize(header)
  end
  return fail(transfer, state, err or transfer:error())
end

function answers.redirect(self, transfer, request, state)
  if request.redirects == false then
    return transfer:fail(core.error("protocol", "a redirect, where none is followed"))
  end
  if self.policies then
    local ok, err = decisions.redirect(self, request, transfer:target())
    if not ok then return fail(transfer, state, err) end
  end
  if self.log then self.log:debug("redirected to " .. core.url.redact(transfer:target())) end
  return transfer:follow()
end

function answers.retry(self, transfer, request, state)
  local seconds, failures = transfer:delay()
  if self.policies then
    local err
    seconds, err = decisions.retry(self, request,
      { err = transfer:error(), count = failures, seconds = seconds })
    if not seconds then return fail(transfer, state, err or transfer:error()) end
  end
  state.answers = 0 -- by the next try a token that was good may be over
  if self.log then
    self.log:warn(("%s; retry %d in %.1f s"):format(transfer:error().message, failures, seconds))
  end
  return transfer:retry(seconds)
end

-- The fields that the core takes; the others are for this module.
local function core_request(retries, request, sent)
  return {
    url = request.url, method = request.method, headers = request.headers, body = request.body,
    content_type = request.content_type, range = request.range, apart = request.apart,
    from = request.from, sink = request.sink,
    retries = retries, authorization = sent,
  }
end

--- Does one exchange, whatever it takes, and returns the last response. On failure the response
--- that said no comes third: its body may say why.
---@param request hocker.Fetch
---@return hocker.Response? response, hocker.Error? err, hocker.Response? last
function methods:fetch(request)
  local retries = request.retries or self.retries
  if self.policies then
    local refused
    retries, refused = decisions.request(self, request)
    if not retries then
      if request.sink then request.sink:close() end
      return nil, refused
    end
  end
  local sent = request.authorization or request.auth and request.auth:current()
  local state = { sent = sent, answers = 0 }
  local transfer <close>, err = self.core:start(core_request(retries, request, sent))
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
  err = state.err or transfer:error()
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
