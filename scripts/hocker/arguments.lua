--- Reads command lines: what the words mean by a command's `args`.
---
--- Options and other words come in any order. A value is the next word, or the rest of its option's, as in
--- --out=PATH and -oPATH; options of one letter share a dash, as in -qv. After -- nothing is an option.

local core = require "hocker.core"
local lazy = require "hocker.lazy"
local options = require "hocker.options"

local help = lazy "hocker.help"
local similar = lazy "hocker.similar"

local M = {}

---@class hocker.Reader A command line, as far as it is read. The functions below return what is wrong with it, or nil.
---@field words string[] all of them
---@field at integer the one to read next
---@field known table<string, table> options by their names, all they have
---@field rest string[] those that are no options
---@field args table the values
---@field helped boolean? whether help was asked for

local function looks_like_option(word)
  return #word > 1 and word:sub(1, 1) == "-"
end

-- --- options -----------------------------------------------------------------------------------------

local function set(r, spec, name, text)
  local value, why = options.value(spec, text)
  if value == nil then return ("%s: %s"):format(name, why) end
  local key = options.key(spec)
  if spec.many then table.insert(r.args[key], value)
  else r.args[key] = value end
end

-- One that has a value in the words that follow. What looks like an option is none: more often
-- the value was forgotten.
local function set_next(r, spec, name, joint)
  local text = r.words[r.at]
  if text and not looks_like_option(text) then
    r.at = r.at + 1
    return set(r, spec, name, text)
  end
  local hint = text and (" (%s%s... if it begins with a dash)"):format(name, joint) or ""
  return ("option '%s' requires an argument%s"):format(name, hint)
end

local function set_flag(r, spec)
  if spec == options.help then r.helped = true
  else r.args[options.key(spec)] = true end
end

local function long_names(known)
  local names = {}
  for name in pairs(known) do
    if name:find("^%-%-") then names[name] = true end
  end
  return names
end

-- --example, --example V, --example=V
local function read_long(r, word)
  local name, text = word:match("^([^=]*)=(.*)$")
  name = name or word
  local spec = r.known[name]
  if not spec then
    return ("unknown option '%s'%s"):format(name, similar.hint(name, long_names(r.known)))
  elseif spec.flag then
    if text then return ("option '%s' does not take an argument"):format(name) end
    return set_flag(r, spec)
  elseif text then
    return set(r, spec, name, text)
  end
  return set_next(r, spec, name, "=")
end

-- -x, -xy, -x V, -xV
local function read_short(r, word)
  for at = 2, #word do
    local letter = word:match("^" .. utf8.charpattern, at) or word:sub(at, at)
    local name = "-" .. letter
    local spec = r.known[name]
    if not spec then return ("unknown option '%s'"):format(name) end
    if not spec.flag then
      if at < #word then return set(r, spec, name, word:sub(at + 1)) end
      return set_next(r, spec, name, "")
    end
    set_flag(r, spec)
    if r.helped then return end
  end
end

local function read_words(r)
  local last, why = #r.words, nil
  while r.at <= last and not why and not r.helped do
    local word = r.words[r.at]
    r.at = r.at + 1
    if word == "--" then
      table.move(r.words, r.at, last, #r.rest + 1, r.rest)
      return nil
    elseif not looks_like_option(word) then
      r.rest[#r.rest + 1] = word
    elseif word:sub(1, 2) == "--" then
      why = read_long(r, word)
    else
      why = read_short(r, word)
    end
  end
  return why
end

-- --- what is there, and what must be -----------------------------------------------------------------

local function too_few(spec, count, least, most)
  if count == 0 then return ("missing argument '%s'"):format(spec.words) end
  local at_least = least < most and "at least " or ""
  return ("argument '%s' requires %s%d words"):format(spec.words, at_least, least)
end

-- Each takes as many words as it may; what may be one alone is no list.
local function deal_words(r, specs)
  local at = 1
  for _, spec in ipairs(specs) do
    if spec.words then
      local least, most = options.count(spec)
      local count = math.min(most, #r.rest - at + 1)
      if count < least then return too_few(spec, count, least, most) end
      local taken = table.move(r.rest, at, at + count - 1, 1, {})
      r.args[spec.words] = most > 1 and taken or taken[1]
      at = at + count
    end
  end
  return at <= #r.rest and "too many arguments" or nil
end

local function check_required(r, specs)
  for _, spec in ipairs(specs) do
    if spec.required and r.args[options.key(spec)] == nil then
      return ("missing option '%s'"):format(spec.names:match("%S+"))
    end
  end
end

local function new_reader(specs, words)
  local r = { words = words, at = 1, known = {}, rest = {}, args = {} }
  for _, spec in ipairs(specs) do
    for name in (spec.names or ""):gmatch("%S+") do r.known[name] = spec end
    if spec.many then r.args[options.key(spec)] = {} end
  end
  return r
end

--- Reads the words of a command line. Defaults are not looked for: hocker.settings knows what comes before them.
---@param program string for messages
---@param command hocker.Command
---@param words string[]
---@return table? args
---@return hocker.Error? err "usage"
---@return string? help its text, when that was asked for
function M.read(program, command, words)
  local specs = options.flatten { command.args, options.scripts, options.help }
  local r = new_reader(specs, words)
  local why = read_words(r)
  if r.helped then return nil, nil, help.text(program, command, specs) end
  why = why or deal_words(r, specs) or check_required(r, specs)
  if why then return nil, core.error("usage", ("%s; see %s --help"):format(why, program)) end
  r.args.scripts, r.args.no_user_scripts = nil, nil -- read already, see hocker.command
  return r.args
end

return M
