--- Reads command lines: what a command's `args` say, as a parser.

local argparse = require "argparse"
local core = require "hocker.core"
local options = require "hocker.options"

local M = {}

-- Defaults are not the parser's: hocker.settings knows what comes before them.
local function add_option(parser, spec)
  if spec.words then
    return parser:argument(spec.words, spec.help):args(spec.count or "1-2")
      :argname(("<%s>"):format(spec.words))
  end
  if spec.flag then return parser:flag(spec.names, spec.help) end
  local option = parser:option(spec.names, spec.help):argname(spec.value)
  if spec.many then option:count("*") end
  if spec.required then option:count("1") end
  if spec.convert then option:convert(spec.convert) end
  if spec.choices then option:choices(spec.choices) end
  return option
end

-- --help ends the reading of options at once: `on_help` raises.
local function make_parser(program, command, on_help)
  local parser = argparse(program, command.summary):add_help(false)
    :usage(("Usage: %s [options] %s"):format(program, command.usage or "IMAGE"))
    :help_max_width(90):help_description_margin(32)
  for _, spec in ipairs(options.flatten { command.args, options.scripts }) do
    add_option(parser, spec)
  end
  parser:flag("-h --help", "show this help"):action(on_help)
  return parser
end

--- Reads the words of a command line.
---@param program string for messages
---@param command table
---@param words string[]
---@return table? args
---@return hocker.Error? err "usage"
---@return string? help its text, when that was asked for
function M.read(program, command, words)
  local help = false
  local parser = make_parser(program, command, function()
    help = true
    error("help")
  end)
  local ok, parsed, result = pcall(parser.pparse, parser, words)
  if help then return nil, nil, parser:get_help() .. "\n" end
  if not ok then error(parsed, 0) end
  if parsed then
    result.scripts, result.no_user_scripts = nil, nil -- read already, see hocker.command
    return result
  end
  result = result:gsub("\nDid you mean", "; did you mean") -- argparse's own hints
  return nil, core.error("usage", ("%s; see %s --help"):format(result, program))
end

return M
