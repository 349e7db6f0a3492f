--- Values of header fields, as far as registries need them. They are foreign: what can't be read is
--- not there.

local M = {}

--- Reads a quoted string (RFC 9110 section 5.6.4).
---@param value string
---@param at integer of what follows the opening quote
---@return string? text nil when it has no end
---@return integer? after its end
function M.quoted(value, at)
  local from, parts = at, {}
  while true do
    local stop = value:find('["\\]', at)
    if not stop then return nil end
    parts[#parts + 1] = value:sub(from, stop - 1)
    if value:sub(stop, stop) == '"' then return table.concat(parts), stop + 1 end
    from, at = stop + 1, stop + 2 -- an escaped character is itself
  end
end

-- One parameter of a link, "; name=value"; nil when there is none.
local function read_parameter(value, at)
  local name, after = value:match("^[%s;]*;%s*([^%s=;,<\"]+)()", at)
  if not name then return nil end
  local text, next_at
  local open = value:match('^%s*=%s*"()', after)
  if open then
    text, next_at = M.quoted(value, open)
  else
    text, next_at = value:match("^%s*=%s*([^%s;,<\"]*)()", after)
    if not text then text, next_at = "", after end
  end
  return name:lower(), text, next_at
end

-- Whether a list of relations has this one.
local function has_relation(list, relation)
  for word in list:lower():gmatch("%S+") do
    if word == relation then return true end
  end
  return false
end

--- The first target of a Link field that has a relation (RFC 8288 section 3).
---@param value string
---@param relation string in lower case
---@return string? target as it stands there
function M.link(value, relation)
  local at, target = 1
  while true do
    local rel
    target, at = value:match("^[%s,]*<([^>]*)>()", at)
    if not target then return nil end
    while true do
      local name, text, after = read_parameter(value, at)
      if not name then break end
      if not text then return nil end
      if name == "rel" and not rel then rel = text end -- any further one is passed over
      at = after
    end
    if rel and has_relation(rel, relation) then return target end
    at = value:match("^[%s;]*()", at)
  end
end

return M
