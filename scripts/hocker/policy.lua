--- Policies: scripts that are asked before each decision of a fetch. A policy is a table of hooks, or a
--- function that makes one of parameters:
---
---     local policy = require "hocker.policy"
---     return {
---       manifest = function(image)
---         if image.size > 2 << 30 then return policy.refuse "larger than 2 GiB" end
---       end,
---     }
---
--- A hook is given a plain table, and answers with a table, with nil (no opinion), or with a refusal.
--- hocker.policy.hooks says which hooks there are; hocker.policy.decisions, what each is told and what
--- its answer does.
---
--- Several are asked in their order, each about what those before it have made of the matter; the first
--- refusal counts. What a policy fetches is a matter for the others, who are told `by` whom, and not for
--- itself.

local core = require "hocker.core"
local errors = require "hocker.errors"
local confine = require("hocker.guard").confine
local hooks = require "hocker.policy.hooks"
local scripts = require "hocker.scripts"
local similar = require "hocker.similar"

local M = {}

---@class hocker.Policy
---@field name string for messages
---@field path string of its script
---@field hooks table<string, fun(facts: table, ctx: hocker.PolicyContext): table?, hocker.Error?>

---@class hocker.PolicyContext What a hook may work with, beside the facts.
---@field registry hocker.Registry? the image's repository, where there is one already
---@field log hocker.Log?

-- --- refusals ----------------------------------------------------------------------------------------

local refusal_mt <const> = { __name = "hocker.Refusal" }

--- The answer of a policy that says no.
---@param reason string
---@return table refusal
function M.refuse(reason)
  if type(reason) ~= "string" then error("policy.refuse: a reason must be a string", 2) end
  return setmetatable({ reason = reason }, refusal_mt)
end

-- An error that no other registry is asked after: the field says whose it is.
local function fail(policy, code, message)
  return nil, core.error(code, ("policy '%s': %s"):format(policy.name, message),
    { policy = policy.name })
end

--- The error for an answer that can't be taken.
---@param policy hocker.Policy
---@param message string
---@return hocker.Error
function M.rejected(policy, message)
  local _, err = fail(policy, "refused", message)
  return err
end

-- --- what they raise ----------------------------------------------------------------------------------

-- The error object, or the refusal, that a policy returned or raised; nil for what is none.
local function as_error(value)
  if getmetatable(value) == refusal_mt then
    return core.error("refused", errors.text(value.reason))
  end
  return errors.known(value)
end

-- What was raised, with its traceback if it is no error object. What a task raised has one already.
local function traced(raised)
  return as_error(raised) or errors.caught(raised)
end

-- The error of a call that raised. The traceback is for who wants details.
local function broken(path, raised, log)
  if not raised.traceback then return raised end
  for line in raised.traceback:gmatch(log and "[^\n]+" or "^$") do log:debug(line) end
  return core.error("internal", scripts.locate(path, raised.message))
end

-- --- loading -----------------------------------------------------------------------------------------

local function fault(name, message)
  return nil, core.error("usage", ("policy '%s': %s"):format(name, message))
end

local function check_hooks(name, value)
  if type(value) ~= "table" then
    return fault(name, "it returns neither a table of hooks nor a function that makes one")
  end
  if debug.getmetatable(value) then
    return fault(name, "it returns a table with a metatable, whose hooks would be overlooked")
  end
  local found = {}
  for key, hook in next, value do
    found[key] = hook
    if key == "name" then
      if type(hook) ~= "string" then return fault(name, "'name' must be a string") end
    elseif not hooks.answers[key] then
      return fault(name, ("there is no hook '%s'%s"):format(tostring(key),
        similar.hint(tostring(key), hooks.answers)))
    elseif type(hook) ~= "function" then
      return fault(name, ("hook '%s' must be a function"):format(key))
    end
  end
  return found
end

-- What a function that makes a policy returns: nil and an error, or anything for what is wrong.
local function call_maker(maker, parameters)
  local made, err = maker(parameters)
  if made ~= nil then return made end
  return nil, as_error(err), err ~= nil and errors.text(err) or "it made nothing of its parameters"
end

local function make(name, path, value, parameters, log)
  if type(value) ~= "function" then
    if next(parameters) == nil then return value end
    return fault(name, "it takes no parameters")
  end
  local ok, made, err, why = confine(xpcall, call_maker, traced, value, parameters)
  if not ok then made, err = nil, broken(path, made, log) end
  if made ~= nil then return made end
  if not err then return fault(name, why) end
  return nil, core.error(err.code == "not_found" and "io" or err.code,
    ("policy '%s': %s"):format(name, err.message))
end

--- Loads a policy.
---@param spec string|table "allow"; a file's path, which has a "/" in it or ends in ".lua"; or a list of one of these, whose other fields are parameters
---@param log hocker.Log? gets the traceback of what is raised
---@return hocker.Policy? policy, hocker.Error? err
function M.load(spec, log)
  local name, parameters = spec, {}
  if type(spec) == "table" then
    name = spec[1]
    for key, value in pairs(spec) do
      if key ~= 1 then parameters[key] = value end
    end
  end
  local value, err = scripts.load_named("policy", name, { "policies" })
  if value == nil then return nil, err end
  local script = not scripts.is_path(name) and scripts.find("policies/" .. name)
  local path = script and script.path or name
  value, err = make(name, path, value, parameters, log)
  if value ~= nil then value, err = check_hooks(name, value) end
  if value == nil then return nil, err end
  local short = name:match("([^/]*)%.lua$") or name
  return { name = value.name or short, path = path, hooks = value }
end

--- What the command line says: NAME, NAME:KEY=VALUE,KEY=VALUE, or a file's path. A key that is repeated
--- has a list of values, and one alone is true.
---@param text string
---@return string|table spec for M.load
function M.parse(text)
  local name, rest = text:match("^([%w_][%w_-]*):(.*)$")
  if not name then return text end
  local spec = { name }
  for part in rest:gmatch("[^,]+") do
    local key, value = part:match("^([^=]+)=(.*)$")
    key = key or part
    local before = spec[key]
    if not value then
      spec[key] = true
    elseif type(before) == "table" then
      before[#before + 1] = value
    else
      spec[key] = before and { before, value } or value
    end
  end
  return spec
end

-- --- asking ------------------------------------------------------------------------------------------

---@class hocker.policy.Frame
---@field policy hocker.Policy
---@field set hocker.Policies
---@field outer hocker.policy.Frame?

-- Those that are at work in a coroutine, the last one first.
---@type table<thread, hocker.policy.Frame>
local inside = setmetatable({}, { __mode = "k" })

---@class hocker.Policies
---@field list hocker.Policy[]
---@field hooked table<string, boolean> the hooks that one of them has
local methods = {}
local mt = { __name = "hocker.Policies", __index = methods }

--- Several policies as one.
---@param list hocker.Policy[] in the order in which they are asked
---@return hocker.Policies
function M.compose(list)
  local hooked = {}
  for _, policy in ipairs(list) do
    for hook in pairs(policy.hooks) do hooked[hook] = true end
  end
  return setmetatable({ list = list, hooked = hooked }, mt)
end

--- Loads several.
---@param specs (string|table)[] as M.load takes them
---@param log hocker.Log? as for M.load
---@return hocker.Policies? policies nil alone: of none, hocker.Error? err
function M.open(specs, log)
  local list = {}
  for i, spec in ipairs(specs) do
    local err
    list[i], err = M.load(spec, log)
    if not list[i] then return nil, err end
  end
  return #list > 0 and M.compose(list) or nil
end

local function copy(value)
  if type(value) ~= "table" then return value end
  local new = {}
  for key, item in pairs(value) do new[key] = copy(item) end
  return new
end

--- The policy that this is done on behalf of, the nearest: one at work in this coroutine, or in the one that
--- started this task while it was.
---@param session hocker.Session?
---@return hocker.policy.Frame?
function M.at_work(session)
  return inside[coroutine.running()] or session and session:behalf()
end

-- A policy that opens a repository by hocker.open is loaded for it a second time, from the same script.
local function is_inside(self, policy, session)
  local frame = M.at_work(session)
  while frame do
    local one = frame.policy
    if one == policy or frame.set ~= self and one.path == policy.path then return true end
    frame = frame.outer
  end
  return false
end

-- What a hook answers, checked and copied; or nil and an error. It is called protected as a whole: what a
-- policy returns may raise when it is looked at.
local function consult(policy, hook, facts, ctx)
  local answer, err = policy.hooks[hook](copy(facts), ctx)
  if getmetatable(answer) == refusal_mt then answer, err = nil, answer end
  if answer == nil then
    if err == nil then return nil end
    return nil, as_error(err)
      or core.error("internal", ("hook '%s': %s"):format(hook, errors.text(err)))
  end
  local taken, why = hooks.read(hook, answer)
  return taken, why and core.error("internal", ("hook '%s': %s"):format(hook, why))
end

-- Calls one hook. Nil alone is no answer. What one policy does to the context is not seen by the next.
local function call(self, policy, hook, facts, ctx, session)
  local co = coroutine.running()
  local before = inside[co]
  inside[co] = { policy = policy, set = self, outer = M.at_work(session) }
  -- A signal that the program is sent stops what runs outside of tasks, and this in any of them.
  local heeds = debug.gethook() == nil
  if heeds then core.system.heed() end
  local _ <close> = setmetatable({}, { __close = function()
    if heeds then debug.sethook() end
    inside[co] = before
  end })
  local ok, answer, err = confine(xpcall, consult, traced, policy, hook, facts,
    { registry = ctx.registry, log = ctx.log })
  if not ok then
    err = broken(policy.path, answer, ctx.log)
  elseif not err then
    return answer
  end
  if err.code == "interrupted" then return nil, err end
  return fail(policy, err.code, err.message)
end

local function tell(self, hook, facts, outcome, ctx, session)
  for _, policy in ipairs(self.list) do
    if policy.hooks.decision and not is_inside(self, policy, session) then
      local _, err = call(self, policy, "decision",
        { hook = hook, facts = facts, answered = outcome.answered, refused = outcome.refused,
          reason = outcome.reason }, ctx, session)
      if err then return nil, err end
    end
  end
  return true
end

-- Asks each; returns who has answered.
local function ask_all(self, hook, facts, ctx, apply, session)
  local answered = {}
  for _, policy in ipairs(self.list) do
    if policy.hooks[hook] and not is_inside(self, policy, session) then
      local answer, err = call(self, policy, hook, facts, ctx, session)
      if answer and apply then err = apply(answer, policy) end
      if err then return answered, err end
      if answer then answered[#answered + 1] = policy.name end
    end
  end
  return answered
end

--- Asks for a decision.
---@param hook string
---@param facts table plain, without secrets; `apply` changes it
---@param apply (fun(answer: table, policy: hocker.Policy): hocker.Error?)? takes an answer, or says why not
---@param live { session: hocker.Session?, registry: hocker.Registry?, log: hocker.Log? }?
---@return true? ok, hocker.Error? err
function methods:ask(hook, facts, apply, live)
  if not (self.hooked[hook] or self.hooked.decision) then return true end
  live = live or {}
  local frame = M.at_work(live.session)
  facts.by = frame and frame.policy.name
  local ctx = { registry = live.registry, log = live.log }
  local answered, err = ask_all(self, hook, facts, ctx, apply, live.session)
  if self.hooked.decision then
    local ok, problem = tell(self, hook, facts, { answered = answered,
      refused = err and err.policy, reason = err and err.message }, ctx, live.session)
    if not ok then err = err or problem end
  end
  if err then return nil, err end
  return true
end

return M
