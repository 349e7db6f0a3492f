--- The hooks that a policy may have, and the fields of what each may answer with. One without fields can
--- only refuse. What is not here can't be decided by a policy: no answer turns verification off.

local M = {}

local function text(value)
  return type(value) == "string" and value ~= "" or "must be a string"
end

local function yes(value)
  return value == true or "must be true"
end

local function no(value)
  return value == false or "must be false"
end

local function list(value)
  if type(value) ~= "table" then return "must be a list of strings" end
  local count = 0
  for _ in next, value do count = count + 1 end
  for i = 1, count do
    if text(value[i]) ~= true then return "must be a list of strings" end
  end
  return true
end

local function paths(value)
  local why = list(value)
  if why ~= true then return why end
  for _, path in ipairs(value) do
    if path:sub(1, 1) ~= "/" then return "must be a list of absolute paths" end
  end
  return true
end

local function count(value)
  return math.type(value) == "integer" and value >= 0 or "must be a whole number, 0 or more"
end

local function seconds(value)
  return type(value) == "number" and value >= 0 and value <= 86400
    or "must be a number of seconds, a day at most"
end

--- In the order of a fetch.
M.order = {
  "resolve", "credentials", "request", "redirect", "challenge", "platform", "manifest", "layer",
  "retry", "image",
}

---@type table<string, table<string, fun(value: any): true|string>>
M.answers = {
  resolve = { name = text, tag = text, digest = text, mirrors = list, layouts = paths },
  credentials = { none = yes, username = text, password = text, token = text, identity = text },
  request = { retries = count },
  redirect = {},
  challenge = { answer = no },
  platform = { platform = text },
  manifest = {},
  layer = { max = count },
  retry = { give_up = yes, seconds = seconds },
  image = {},
  decision = {}, -- is told of each decision when it has been made
}

local function sorted(fields)
  local names = {}
  for name in pairs(fields) do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- A value without what may be behind it: a policy may change its tables later, and metatables say one
-- thing to who looks and another to who takes.
local function plain(value)
  if type(value) ~= "table" then return value end
  local new = {}
  for key, item in next, value do new[key] = item end
  return new
end

--- Takes an answer: a copy, in which everything is what it has to be.
---@param hook string
---@param answer any
---@return table<string, any>? taken, string? fault
function M.read(hook, answer)
  if type(answer) ~= "table" then
    return nil, ("it answered with a %s; an answer is a table, nil or policy.refuse(reason)")
      :format(type(answer))
  elseif getmetatable(answer) ~= nil then
    return nil, "it answered with a table that has a metatable; an answer is a plain one"
  end
  local fields, taken = M.answers[hook], {}
  for name, value in next, answer do
    local check = fields[name]
    if not check then
      local known = sorted(fields)
      return nil, ("its answer has a field '%s'; %s"):format(tostring(name), #known > 0
        and "there is " .. table.concat(known, ", ")
        or "it can answer with nil or policy.refuse(reason) alone")
    end
    taken[name] = plain(value)
    local why = check(taken[name])
    if why ~= true then return nil, ("'%s' of its answer %s"):format(name, why) end
  end
  return taken
end

return M
