local commands = require "hocker.commands"
local configuration = require "hocker.configuration"
local log = require "hocker.log"
local options = require "hocker.options"
local settings = require "hocker.settings"

local function sorted(specs)
  local keys = {}
  for key in pairs(specs) do
    if type(key) == "string" then keys[#keys + 1] = key end
  end
  table.sort(keys)
  return keys
end

-- A field, as it is written behind its table; without the dot, as it is written in one.
local function field(key)
  return key:find("^[%a_][%w_]*$") and "." .. key or ("[%q]"):format(key)
end

local function show(value)
  if type(value) == "string" then return (("%q"):format(value):gsub("\n", "n")) end
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for i, item in ipairs(value) do parts[i] = show(item) end
  for _, key in ipairs(sorted(value)) do
    parts[#parts + 1] = ("%s = %s"):format(field(key):gsub("^%.", ""), show(value[key]))
  end
  return #parts > 0 and ("{ %s }"):format(table.concat(parts, ", ")) or "{}"
end

-- A line that could stand in a configuration, and where it comes from.
local function add_line(lines, name, value, from)
  local line = log.printable(("%s = %s"):format(name, show(value)))
  lines[#lines + 1] = ("%-40s -- %s\n"):format(line, log.printable(from or "not set"))
end

-- The options that can be set: of each command, and those that several have.
local function collect(list)
  local count, own, shared = {}, {}, {}
  for _, entry in ipairs(list) do
    own[entry.name] = {}
    for key, spec in pairs(options.by_key(entry.command and entry.command.args or {})) do
      if not spec.per_run then
        own[entry.name][key] = spec
        count[spec] = (count[spec] or 0) + 1
        if count[spec] > 1 then shared[key] = spec end
      end
    end
  end
  return own, shared
end

local function add_shared(lines, found, shared)
  for _, key in ipairs(sorted(shared)) do
    local value, from, err = settings.lookup(found, nil, shared[key])
    if err then return nil, err end
    if from or not shared[key].configured_by then
      add_line(lines, "options" .. field(key), value, from)
    end
  end
  return true
end

-- What is of one command alone, or is another for it.
local function add_own(lines, found, name, own, shared)
  for _, key in ipairs(sorted(own)) do
    local value, from, err = settings.lookup(found, name, own[key])
    if err then return nil, err end
    local common, common_from = settings.lookup(found, nil, own[key])
    if own[key] ~= shared[key] or not settings.same(common, value) or common_from ~= from then
      add_line(lines, "commands" .. field(name) .. field(key), value, from)
    end
  end
  return true
end

local function check(found, list)
  for _, entry in ipairs(list) do
    local ok, err = true, nil
    if entry.command then ok, err = settings.check(found, entry.command) end
    if not ok then return nil, err end
  end
  return true
end

return {
  usage = "",
  summary = "print the value of each setting, and where it comes from",
  args = {},
  run = function(ctx)
    local list = commands.all()
    local found, err = configuration.load()
    if not found then return nil, err end
    local ok
    ok, err = check(found, list)
    if not ok then return nil, err end
    local own, shared = collect(list)
    local lines = {}
    ok, err = add_shared(lines, found, shared)
    if not ok then return nil, err end
    for _, entry in ipairs(list) do
      ok, err = add_own(lines, found, entry.name, own[entry.name], shared)
      if not ok then return nil, err end
    end
    for _, section in ipairs { "mirrors", "realms" } do
      for _, item in ipairs(found:all(section)) do
        add_line(lines, ("%s[%q]"):format(section, item.key), item.value, item.path)
      end
    end
    local specs, paths = found:policies()
    for i, spec in ipairs(specs) do add_line(lines, ("policies[%d]"):format(i), spec, paths[i]) end
    ctx.out:write(table.concat(lines))
    return true
  end,
}
