--- Runs commands: finds the one that is meant, reads its options, and turns how it ended into one line
--- and an exit code. This is the only place that knows exit codes, and the only one that prints errors.
---
--- A command is a file scripts/commands/NAME.lua that returns a table:
---
---     return {
---       name = "config",                    -- `hocker config`, and the program hocker-config
---       summary = "print an image's configuration",
---       args = { options.image, options.fetch, { names = "-x --extra", flag = true, help = ... } },
---       run = function(ctx, args) ... return true end,  -- or nil, err
---     }

local core = require "hocker.core"
local lazy = require "hocker.lazy"

local context = lazy "hocker.context"
local log = lazy "hocker.log"
local scripts = lazy "hocker.scripts"

local M = {}

--- Exit codes by err.code; what is not here is 1.
M.exit_codes = {
  usage = 2, not_found = 3, unauthorized = 4, verification = 5, network = 6, io = 7, refused = 8,
}

---@class hocker.Program A command, and the program that it is under a name of its own, if it is one.
---@field program string?
---@field name string of the command

---@type hocker.Program[]
M.programs = {
  { program = "hocker-image", name = "image" },
  { program = "hocker-layer", name = "layer" },
  { program = "hocker-config", name = "config" },
  { program = "hocker-manifest", name = "manifest" },
  { program = "docker2nix", name = "docker2nix" },
  { name = "tags" },
}

local function exit_code(err)
  if err.code == "interrupted" and err.sys then return 128 + err.sys end
  return M.exit_codes[err.code] or 1
end

-- --- standard output ---------------------------------------------------------------------------------

-- Writes, and flushes: what waits in a buffer may still fail, for a full disk or a closed pipe.
local function print_all(out, text)
  local ok, why, errno = out:write(text)
  if ok then ok, why, errno = out:flush() end
  if ok then return true end
  return nil, core.error("io", "writing to standard output: " .. tostring(why), { sys = errno })
end

-- Standard output for a command, which need not look whether a write failed: that is remembered. The
-- stream forgets it, and its next flush is fine.
local out_methods = {}
local out_mt = { __name = "hocker.Output", __index = out_methods }

function out_methods:write(...)
  local ok, why, errno = self.stream:write(...)
  if ok then return self end
  self.fault = self.fault or { why, errno }
  return nil, why, errno
end

function out_methods:flush()
  if self.fault then return nil, table.unpack(self.fault) end
  return self.stream:flush()
end

-- --- the command line ------------------------------------------------------------------------------

-- The Nix fetchers pass options for the Haskell runtime: +RTS ... -RTS, wherever they like.
local function without_rts(words)
  local kept, inside = {}, false
  for i = 1, #words do
    if words[i] == "+RTS" then inside = true
    elseif inside and words[i] == "-RTS" then inside = false
    elseif not inside then kept[#kept + 1] = words[i] end
  end
  return kept
end

local function add_option(parser, spec)
  if spec.words then
    return parser:argument(spec.words, spec.help):args(spec.count or "1-2"):argname("<image>")
  end
  if spec.flag then return parser:flag(spec.names, spec.help) end
  local option = parser:option(spec.names, spec.help):argname(spec.value)
  if spec.many then option:count("*") end
  if spec.required then option:count("1") end
  if spec.default then option:default(spec.default):show_default(false) end
  if spec.convert then option:convert(spec.convert) end
  if spec.choices then option:choices(spec.choices) end
  return option
end

-- `args` is a list of options and of lists of options.
local function add_options(parser, list)
  for _, item in ipairs(list) do
    if item.names or item.words then add_option(parser, item) else add_options(parser, item) end
  end
end

-- --help ends the reading of options at once: `on_help` raises.
local function make_parser(program, command, on_help)
  local argparse = require "argparse"
  local parser = argparse(program, command.summary):add_help(false)
    :usage(("Usage: %s [options] %s"):format(program, command.usage or "IMAGE"))
    :help_max_width(90):help_description_margin(32)
  add_options(parser, command.args)
  parser:flag("-h --help", "show this help"):action(on_help)
  return parser
end

-- The arguments, or nil and an error; nil alone after --help.
local function read_words(program, command, words, out)
  local help = false
  local parser = make_parser(program, command, function()
    help = true
    error("help")
  end)
  local ok, parsed, result = pcall(parser.pparse, parser, words)
  if help then
    local _, err = print_all(out, parser:get_help() .. "\n")
    return nil, err
  end
  if not ok then error(parsed, 0) end
  if not parsed then
    result = result:gsub("\nDid you mean", "; did you mean") -- argparse's own hints
    return nil, core.error("usage", ("%s; see %s --help"):format(result, program))
  end
  return result
end

-- --- running -----------------------------------------------------------------------------------------

-- An error object, whatever was raised: what is none is a bug, and keeps its traceback.
local function as_error(raised)
  if type(raised) == "table" and raised.code then return raised end
  local message, trace = tostring(raised):match("^([^\n]*)(.*)$")
  return core.error("internal", message, { traceback = debug.traceback(trace, 2) })
end

local function perform(ctx, command, args)
  local ok, result, err = xpcall(command.run, as_error, ctx, args)
  if ctx.progress then ctx.progress:clear() end
  if not ok then result, err = nil, result end
  if result then result, err = print_all(ctx.out, "") end
  if result then return true end
  -- What fails after a signal fails because of it: a read that ended early, say.
  return nil, core.system.interrupted() or err or
    core.error("internal", "the command failed without saying why")
end

--- Runs one command and returns its exit code.
---@param command table what the command's file returned
---@param program string the name for messages
---@param words string[]
---@return integer exit_code
function M.run(command, program, words)
  local notes = log.new(program)
  local args, err = read_words(program, command, words, io.stdout)
  local ok
  if args then
    if args.quiet then notes.level = 0 elseif args.verbose then notes.level = 2 end
    local out = setmetatable({ stream = io.stdout }, out_mt)
    ok, err = perform(context.new { program = program, log = notes, out = out }, command, args)
  end
  if ok or not err then return 0 end
  notes:error(err.message, err.traceback)
  return exit_code(err)
end

-- --- the program -------------------------------------------------------------------------------------

local function usage()
  local lines = { "Usage: hocker COMMAND [options] ...", "",
    "Fetches docker and OCI images from registries, without a daemon.", "", "Commands:" }
  for _, entry in ipairs(M.programs) do
    local command = assert(scripts.load("commands/" .. entry.name))
    lines[#lines + 1] = ("   %-12s %s"):format(entry.name, command.summary)
  end
  lines[#lines + 1] = "\n`hocker COMMAND --help` tells the rest; hocker --version, the version."
  return table.concat(lines, "\n")
end

local function fail(program, err)
  log.new(program):error(err.message)
  return exit_code(err)
end

local function print_line(program, text)
  local ok, err = print_all(io.stdout, text .. "\n")
  return ok and 0 or fail(program, err)
end

local function command_of(program)
  for _, entry in ipairs(M.programs) do
    if entry.program == program then return entry.name end
  end
end

--- What the program `hocker`, or a link to it, does.
---@param program string argv[0]
---@param words string[] the rest
---@return integer exit_code
function M.main(program, words)
  program, words = program:match("([^/]*)$"), without_rts(words)
  local name = command_of(program)
  if not name then
    name = table.remove(words, 1)
    if name == "--version" or name == "-V" then
      return print_line("hocker", "hocker " .. core.version)
    elseif name == "--help" or name == "-h" or name == "help" then
      return print_line("hocker", usage())
    elseif not name then
      return fail("hocker", core.error("usage", "which command? see hocker --help"))
    end
    program = "hocker " .. name
  elseif words[1] == "--version" then
    return print_line(program, program .. " " .. core.version)
  end
  local command, err = scripts.load("commands/" .. name)
  if command then return M.run(command, program, words) end
  if err.code ~= "not_found" and err.code ~= "usage" then return fail("hocker", err) end
  local message = ("there is no command '%s'; see hocker --help"):format(name)
  return fail("hocker", core.error("usage", message))
end

return M
