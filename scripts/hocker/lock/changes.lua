--- What is different between two entries of a lock, in lines for people: what an update brings, and
--- where an entry is not what its registry says.

local json = require "hocker.json"

local M = {}

local function by_digest(descriptors)
  local set = {}
  for _, item in ipairs(descriptors) do set[item.digest] = item end
  return set
end

-- The descriptors of a list, each once, that another list lacks.
local function beyond(list, other)
  local known, found = by_digest(other), {}
  for _, item in ipairs(list) do
    if not known[item.digest] then found[#found + 1] = item end
    known[item.digest] = item
  end
  return found
end

local function count(number, noun)
  return ("%d %s%s"):format(number, noun, number == 1 and "" or "s")
end

local function add_lines(lines, sign, layers)
  for _, layer in ipairs(layers) do
    lines[#lines + 1] = ("%s %s %d"):format(sign, layer.digest, layer.size)
  end
end

local NONE <const> = { layers = {} }

-- The lines of one platform; `old` or `new` may be nil.
local function compare_manifests(old, new)
  local was, is = old or NONE, new or NONE
  local added, removed = beyond(is.layers, was.layers), beyond(was.layers, is.layers)
  local bytes = 0
  if new and not (old and old.config.digest == new.config.digest) then bytes = new.config.size end
  for _, layer in ipairs(added) do bytes = bytes + layer.size end
  local lines = { ("%s%s added, %d removed, %s to fetch"):format(
    not old and "new, " or not new and "gone, " or "", count(#added, "layer"), #removed,
    count(bytes, "byte")) }
  add_lines(lines, "+", added)
  add_lines(lines, "-", removed)
  return lines
end

local function platforms_of(old, new)
  local both = {}
  for _, entry in ipairs { old, new } do
    for name in pairs(entry.manifests) do both[name] = true end
  end
  return json.keys(both)
end

--- What has changed from one entry to another: for each platform, the layers that came and went, and
--- how many bytes there are to fetch.
---@param old hocker.Lock.Entry
---@param new hocker.Lock.Entry
---@return string[] lines
function M.between(old, new)
  local lines = {}
  for _, platform in ipairs(platforms_of(old, new)) do
    local was, is = old.manifests[platform], new.manifests[platform]
    if not (was and is and was.manifest.digest == is.manifest.digest) then
      for _, line in ipairs(compare_manifests(was, is)) do
        lines[#lines + 1] = ("%s: %s"):format(platform, line)
      end
    end
  end
  return lines
end

local function show(value)
  return value == nil and "none" or type(value) == "table" and "one" or tostring(value)
end

local function join(where, key)
  if type(key) == "number" then return ("%s[%d]"):format(where, key) end
  return where == "" and key or where .. "." .. key
end

local function each_key(locked, actual)
  local keys = {}
  for _, from in ipairs { locked, actual } do
    for key in pairs(from) do keys[key] = true end
  end
  if not json.is_array(locked) then return json.keys(keys) end
  local list = {}
  for key in pairs(keys) do list[#list + 1] = key end
  table.sort(list)
  return list
end

local function compare(locked, actual, where, lines)
  if type(locked) == "table" and type(actual) == "table" then
    for _, key in ipairs(each_key(locked, actual)) do
      compare(locked[key], actual[key], join(where, key), lines)
    end
  elseif locked ~= actual then
    lines[#lines + 1] = ("%s: the lock has %s, the registry %s"):format(where, show(locked),
      show(actual))
  end
end

--- Each field of an entry that is not what it should be.
---@param locked hocker.Lock.Entry
---@param actual hocker.Lock.Entry
---@return string[] lines none when all is well
function M.faults(locked, actual)
  local lines = {}
  compare(locked, actual, "", lines)
  return lines
end

return M
