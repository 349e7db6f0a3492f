--- Finds commands, those of hocker and those of the user. A command is a file commands/NAME.lua in a folder
--- of scripts, that returns a table:
---
---     return {
---       summary = "print an image's configuration",
---       args = { options.image, options.fetch, { names = "-x --extra", flag = true, help = ... } },
---       run = function(ctx, args) ... return true end,  -- or nil, err; false: the answer is no
---     }
---
--- `usage` is what follows the options in its usage, IMAGE by default. A command that has commands of its own,
--- as `hocker lock add`, has `commands`, a list of such tables with a `name`, in the place of `args` and `run`.

local core = require "hocker.core"
local errors = require "hocker.errors"
local options = require "hocker.options"
local scripts = require "hocker.scripts"

local M = {}

---@class hocker.Command
---@field name string as the file is called
---@field summary string
---@field usage string?
---@field args table of a command that has commands: those of all
---@field hands_on boolean? whether its options end at its first word: what follows is for somebody else
---@field run (fun(ctx: hocker.Context, args: table): boolean|integer|nil, hocker.Error?)? false: the answer is no; an integer: the exit code
---@field commands hocker.Command[]?

local DEPTH_MAX <const> = 8 -- of lists in lists

local function words_fault(item)
  if type(item.words) ~= "string" then
    return "'words' must be a string"
  elseif not options.count(item) then
    return ([[%s: 'count' must be like "1" or "1-2", or "?", "*" or "+"]]):format(item.words)
  end
end

-- The types of an option's fields, where they are there.
local FIELDS <const> = { value = "string", help = "string", default = "string", choices = "table",
  convert = "function" }

local function option_fault(item)
  if type(item.names) ~= "string" or not item.names:find("^%-%S+") then
    return "'names' must be a string like \"-x --example\""
  elseif not item.flag and type(item.value) ~= "string" then
    return ("%s must have 'flag = true', or 'value', what to call its value"):format(item.names)
  end
  for name, kind in pairs(FIELDS) do
    if item[name] ~= nil and type(item[name]) ~= kind then
      return ("%s: '%s' must be a %s"):format(item.names, name, kind)
    end
  end
end

-- One option, or the words, or a list of them.
local function args_fault(item, depth)
  if type(item) ~= "table" then return "an option must be a table" end
  if item.words ~= nil then return words_fault(item) end
  if item.names ~= nil then return option_fault(item) end
  if depth > DEPTH_MAX then return "'args' has too many lists in lists" end
  for _, inner in ipairs(item) do
    local why = args_fault(inner, depth + 1)
    if why then return why end
  end
end

local function own_fault(command)
  if type(command.run) ~= "function" then return "'run' must be a function" end
  if type(command.summary) ~= "string" then return "'summary' must be a string" end
  if command.usage ~= nil and type(command.usage) ~= "string" then
    return "'usage' must be a string"
  end
  if command.args == nil then command.args = {} end
  return args_fault(command.args, 1)
end

-- Its `args` become those of its commands.
local function commands_fault(command)
  if type(command.commands) ~= "table" then return "'commands' must be a list" end
  if type(command.summary) ~= "string" then return "'summary' must be a string" end
  command.args = {}
  for i, sub in ipairs(command.commands) do
    if type(sub) ~= "table" or type(sub.name) ~= "string" then return "a command has no 'name'" end
    local why = own_fault(sub)
    if why then return sub.name .. ": " .. why end
    command.args[i] = sub.args
  end
end

local function command_fault(command, name)
  if type(command) ~= "table" then return "a command must return a table" end
  command.name = name
  return (command.commands == nil and own_fault or commands_fault)(command)
end

---@class hocker.CommandEntry
---@field name string
---@field path string? nil when the file can't be used
---@field command hocker.Command? nil when it is broken
---@field err hocker.Error? then

--- Looks one up.
---@param name string
---@return hocker.CommandEntry
function M.entry(name)
  local script, err = scripts.find("commands/" .. name)
  if not script then return { name = name, err = err } end
  local entry = { name = name, path = script.path }
  entry.command, entry.err = scripts.run(script)
  if entry.err then return entry end
  local ok, why = pcall(command_fault, entry.command, name)
  if why then
    entry.command = nil
    entry.err = core.error("internal", ok and ("%s: %s"):format(script.path, why)
      or scripts.locate(script.path, errors.text(why)))
  end
  return entry
end

--- All of them, sorted by name, also the broken ones.
---@return hocker.CommandEntry[]
function M.all()
  local list = {}
  for i, name in ipairs(scripts.list("commands")) do list[i] = M.entry(name) end
  return list
end

--- The options of all commands that can be loaded, by their keys. Of several that are called the same, one that can
--- be set elsewhere than on the command line comes first.
---@param own table<string, table>? those of a command that may be none of these
---@return table<string, table> specs
---@return boolean broken whether a command could not be loaded
function M.all_options(own)
  local specs, broken = {}, false
  local function add(more)
    for key, spec in pairs(more) do
      if not specs[key] or specs[key].per_run then specs[key] = spec end
    end
  end
  add(own or {})
  add(options.by_key(options.scripts))
  for _, entry in ipairs(M.all()) do
    if entry.command then add(options.by_key(entry.command.args)) end
    broken = broken or entry.command == nil
  end
  return specs, broken
end

return M
