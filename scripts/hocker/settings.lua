--- The values of options that a command line leaves open: from the environment, HOCKER_JOBS for --jobs; else
--- from the configuration; else those that are built in.

local core = require "hocker.core"
local lazy = require "hocker.lazy"
local options = require "hocker.options"
local scripts = require "hocker.scripts"

local commands = lazy "hocker.commands"
local similar = lazy "hocker.similar"

local M = {}

local BOOLEANS <const> = {
  ["1"] = true, ["true"] = true, yes = true, on = true,
  ["0"] = false, ["false"] = false, no = false, off = false,
}

local function fault(origin, message, ...)
  return nil, nil, core.error("usage", ("%s: %s"):format(origin, message:format(...)))
end

-- --- values ----------------------------------------------------------------------------------------

local function convert(spec, text)
  local value, why = options.value(spec, text)
  why = why or spec.fault and spec.fault(text)
  if why then return nil, why end
  return value
end

local function convert_list(spec, list)
  local values = {}
  for i, text in ipairs(list) do
    local value, why = convert(spec, text)
    if value == nil then return nil, why end
    values[i] = value
  end
  return values
end

local function words_of(text)
  local list = {}
  for word in text:gmatch("%S+") do list[#list + 1] = word end
  return list
end

local function from_text(spec, text)
  if spec.many then return convert_list(spec, words_of(text)) end
  if not spec.flag then return convert(spec, text) end
  local value = BOOLEANS[text:lower()]
  if value ~= nil then return value end
  return nil, ("'%s' is neither 1 nor 0"):format(text)
end

--- The value of an option that Lua says: a configuration, or `hocker.open`.
---@param spec table
---@param value any
---@return any? value
---@return string? why there is none
function M.from_data(spec, value)
  if spec.flag then
    if type(value) == "boolean" then return value end
    return nil, "it must be true or false"
  elseif spec.many then
    return convert_list(spec, type(value) == "table" and value or { tostring(value) })
  elseif type(value) == "string" or type(value) == "number" then
    return convert(spec, tostring(value))
  end
  return nil, "it must be a string or a number"
end

-- --- where they come from ------------------------------------------------------------------------------

-- The variable that sets an option, and its text. HOCKER_PATH is where scripts are, whatever options there
-- are. Who has more rights than the user is not told anything by the user's variables.
local function variable(spec)
  local name = "HOCKER_" .. options.key(spec):upper()
  local readable = name ~= "HOCKER_PATH" and not core.script.elevated()
  local text = readable and os.getenv(name) or ""
  return name, text ~= "" and text or nil
end

-- A configuration holds wherever the command is run: nothing is taken from the current directory.
local function from_configuration(spec, value)
  local text = tostring(value)
  if spec.is_file and spec.is_file(text) and text:sub(1, 1) ~= "/" then
    return nil, ("'%s' is not an absolute path"):format(text)
  end
  return M.from_data(spec, value)
end

--- The value of an option that is not on the command line.
---@param configuration hocker.Configuration
---@param command string?
---@param spec table
---@return any? value nil alone when it has none
---@return string? from a variable's name, a path, or "built in"
---@return hocker.Error? err "usage", with the place
function M.lookup(configuration, command, spec)
  local name, text = variable(spec)
  if text then
    local value, why = from_text(spec, text)
    if why then return fault(name, "%s", why) end
    return value, name
  end
  local given, path = configuration:option(command, options.key(spec))
  if given ~= nil then
    local value, why = from_configuration(spec, given)
    if why then return fault(path, "%s: %s", options.key(spec), why) end
    return value, path
  end
  if spec.default then return options.value(spec, spec.default), "built in" end
end

local function is_open(spec, args, given)
  local value = args[options.key(spec)]
  if spec.instead_of and given[spec.instead_of] then return false end
  return value == nil or (spec.many and #value == 0)
end

--- Gives each option that is open the value it has elsewhere.
---@param configuration hocker.Configuration
---@param command hocker.Command
---@param args table of the command line; filled
---@return table? args, hocker.Error? err
function M.fill(configuration, command, args)
  local given = {}
  for key, value in pairs(args) do given[key] = value end
  for _, spec in ipairs(options.flatten(command.args)) do
    if spec.names and not spec.per_run and is_open(spec, args, given) then
      local value, _, err = M.lookup(configuration, command.name, spec)
      if err then return nil, err end
      if value then args[options.key(spec)] = value end
    elseif spec.names and spec.default and is_open(spec, args, given) then
      args[options.key(spec)] = options.value(spec, spec.default)
    end
  end
  return args
end

--- Whether two values of an option are the same.
---@param a any
---@param b any
---@return boolean
function M.same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  return table.concat(a, "\0") == table.concat(b, "\0")
end

--- The first of some options whose value is not the one it has elsewhere: the command line gave it.
---@param configuration hocker.Configuration
---@param command string
---@param args table filled
---@param specs table[] options, and lists of them
---@return string? name "--username"
function M.given(configuration, command, args, specs)
  for _, spec in ipairs(options.flatten(specs)) do
    local value, elsewhere = args[options.key(spec)], nil
    if value and not spec.per_run then elsewhere = M.lookup(configuration, command, spec) end
    if value and not M.same(value, elsewhere or (spec.many and {})) then
      return spec.names:match("%-%-%S+")
    end
  end
end

--- The variables that would set options, but do not.
---@param command hocker.Command
---@return string[] names
function M.ignored(command)
  local names = {}
  for _, spec in pairs(options.by_key(command.args)) do
    if spec.per_run then
      local name, text = variable(spec)
      names[#names + 1] = text and name
    end
  end
  table.sort(names)
  return names
end

--- Whether a command has options that can be set elsewhere.
---@param command hocker.Command
---@return boolean
function M.matter(command)
  for _, spec in ipairs(options.flatten(command.args)) do
    if spec.names and not spec.per_run then return true end
  end
  return false
end

-- --- names of options in a configuration ---------------------------------------------------------------

local function check_name(path, key, spec, known)
  local why
  if not spec then
    why = ("there is no option '%s'%s"):format(key, similar.hint(key, known))
  elseif spec.configured_by then
    why = ("'%s' is set by '%s', beside 'options'"):format(key, spec.configured_by)
  elseif spec.per_run then
    why = ("'%s' is for the command line alone"):format(key)
  end
  return not why, why and core.error("usage", ("%s: %s"):format(path, why)) or nil
end

local function check_names(path, given, known)
  for key in pairs(given) do
    local ok, err = check_name(path, key, known[key], known)
    if not ok then return nil, err end
  end
  return true
end

-- All commands are loaded only for a name that this one does not know, or has for its command line alone. A name that
-- none knows may be of one that is broken, which is no fault of the others.
local function check_shared(file, own)
  local place = file.path .. ": options"
  if check_names(place, file.options, own) then return true end
  local known, broken = commands.all_options(own)
  local given = {}
  for key, value in pairs(file.options) do
    if known[key] or not broken then given[key] = value end
  end
  return check_names(place, given, known)
end

-- One that is there and can't be used is told when it is run.
local function check_command(place, name)
  local _, err = scripts.find("commands/" .. name)
  if not err or (err.code ~= "not_found" and err.code ~= "usage") then return true end
  return nil, core.error("usage", ("%s: there is no such command%s"):format(place,
    scripts.hint("commands", name)))
end

local function check_commands(file, command, own)
  for name, given in pairs(file.commands) do
    local place = ("%s: commands: %s"):format(file.path, name)
    local ok, err = check_command(place, name)
    if ok and name == command.name then ok, err = check_names(place, given, own) end
    if not ok then return nil, err end
  end
  return true
end

--- Checks that a configuration names options that there are: those of one command, and those of all.
---@param configuration hocker.Configuration
---@param command hocker.Command
---@return true? ok, hocker.Error? err "usage"
function M.check(configuration, command)
  local own = options.by_key(command.args)
  for _, file in ipairs(configuration.files) do
    local ok, err = check_shared(file, own)
    if ok then ok, err = check_commands(file, command, own) end
    if not ok then return nil, err end
  end
  return true
end

return M
