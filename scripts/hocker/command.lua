--- Runs commands: finds the one that is meant, reads its options, and turns how it ended into one line
--- and an exit code. This is the only place that knows exit codes, and the only one that prints errors.
---
--- hocker.commands says what a command looks like. Most of the library is loaded when it is known which
--- scripts may take the place of its modules.

local core = require "hocker.core"
local lazy = require "hocker.lazy"

local arguments = lazy "hocker.arguments"
local commands = lazy "hocker.commands"
local configuration = lazy "hocker.configuration"
local context = lazy "hocker.context"
local errors = lazy "hocker.errors"
local guard = lazy "hocker.guard"
local help = lazy "hocker.help"
local log = lazy "hocker.log"
local output = lazy "hocker.output"
local scripts = lazy "hocker.scripts"
local settings = lazy "hocker.settings"

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
  { name = "run" },
  { name = "repl" },
  { name = "assemble" },
  { name = "stream" },
  { name = "commands" },
  { name = "paths" },
  { name = "settings" },
  { name = "which" },
  { name = "lock" },
}

local function exit_code(err)
  if err.code == "interrupted" and err.sys then return 128 + err.sys end
  return M.exit_codes[err.code] or 1
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

local BOOLEANS <const> = { [""] = false, ["0"] = false, ["1"] = true }

-- HOCKER_NO_USER_SCRIPTS=1 is --no-user-scripts. What can't be read does not open a door.
local function scripts_variable()
  local value = BOOLEANS[os.getenv("HOCKER_NO_USER_SCRIPTS") or ""]
  if value ~= nil then return { folders = {}, user = not value } end
  return nil, core.error("usage", "HOCKER_NO_USER_SCRIPTS must be 1 or 0")
end

-- Takes --scripts and --no-user-scripts out of the words: they decide which command is run, and so count
-- wherever they stand before `--`.
local function scripts_options(words)
  local found, err = scripts_variable()
  local kept, at, last = {}, 1, #words
  while found and at <= last and words[at] ~= "--" do
    local word = words[at]
    local folder = word == "--scripts" and (words[at + 1] or "") or word:match("^%-%-scripts=(.*)$")
    if folder and folder:sub(1, 1) ~= "/" then
      return nil, core.error("usage", ("--scripts needs an absolute path, not '%s': nothing is "
        .. "taken from the current directory"):format(folder))
    elseif folder then
      found.folders[#found.folders + 1] = folder
      if word == "--scripts" then at = at + 1 end
    elseif word == "--no-user-scripts" then
      found.user = false
    else
      kept[#kept + 1] = word
    end
    at = at + 1
  end
  return found, err or table.move(words, at, last, #kept + 1, kept)
end

-- --- running -----------------------------------------------------------------------------------------

-- What a command may return; of all else it is told that it may not.
local function check_result(result, err)
  local is_code = math.type(result) == "integer"
  if result == nil or (result == false and err ~= nil) then
    if err ~= nil then return nil, errors.of(err) end
    return nil, core.error("internal", "the command failed without saying why")
  elseif type(result) == "boolean" or (is_code and result >= 0 and result <= 255) then
    return result
  elseif is_code then
    return nil, core.error("usage", ("it returned %d, no exit code"):format(result))
  end
  return nil, core.error("usage", ("it returned a %s, and may return true, false, an exit code, "
    .. "or nil and an error"):format(type(result)))
end

-- Ends what xpcall has run: its result, or an error.
local function conclude(ctx, out, ok, result, err)
  if ctx.progress then ctx.progress:clear() end
  if ok then result, err = check_result(result, err)
  else result, err = nil, result end
  if not err then
    local printed, problem = output.print_all(out, "")
    if printed then return result end
    err = problem
  end
  -- What fails after a signal fails because of it: a read that ended early, say.
  return nil, core.system.interrupted() or err
end

-- The program has stopped the collector: until here there is nothing to collect.
local function begin()
  collectgarbage("restart")
  collectgarbage("step", -1024) -- nor after the first MiB: as if so much had been given back
end

local function perform(ctx, command, args)
  local out = ctx.out -- a command may put another in its place
  begin()
  return conclude(ctx, out, guard.call(xpcall, command.run, errors.caught, ctx, args))
end

-- The options that are not on the command line, and what else is configured: for a command, or for the
-- one that it belongs to.
local function configure(command, owner, args, notes)
  if not settings.matter(command) then return configuration.new() end
  for _, variable in ipairs(settings.ignored(command)) do
    notes:warn(variable .. " is not read: that option is for the command line alone")
  end
  local found, err = configuration.load()
  local ok = found
  if ok then ok, err = settings.check(found, owner) end
  if ok then ok, err = settings.fill(found, { name = owner.name, args = command.args }, args) end
  return ok and found, err
end

local function set_level(notes, args)
  notes.level = args.quiet and 0 or args.verbose and 2 or 1
end

local function warn_of_places(notes)
  for _, place in ipairs(scripts.places()) do
    if place.problem then notes:warn(("%s: %s"):format(place.from, place.problem)) end
  end
end

-- --- commands of commands -----------------------------------------------------------------------------

local function fail(program, err)
  log.new(program):error(err.message, err.traceback)
  return exit_code(err)
end

local function print_line(program, text)
  local ok, err = output.print_all(io.stdout, text .. "\n")
  return ok and 0 or fail(program, err)
end

local function sub_usage(command, program)
  local rows = {}
  for i, sub in ipairs(command.commands) do rows[i] = { sub.name, log.printable(sub.summary) } end
  return help.overview(program, command.summary:gsub("^%l", string.upper) .. ".", rows, "")
end

-- Runs what the first word names.
local function run_sub(command, program, words)
  local name = table.remove(words, 1)
  if name == "--help" or name == "-h" or name == "help" then
    return print_line(program, sub_usage(command, program))
  elseif not name then
    return fail(program, core.error("usage", "which command? see " .. program .. " --help"))
  end
  for _, sub in ipairs(command.commands) do
    if sub.name == name then return M.run(sub, program .. " " .. name, words, command) end
  end
  return fail(program, core.error("usage",
    ("there is no command '%s'; see %s --help"):format(name, program)))
end

-- The options of a command that hands words on end at the first of these.
local function end_options(words)
  for i, word in ipairs(words) do
    if word == "--" then break end
    if word == "-" or word:sub(1, 1) ~= "-" then
      table.insert(words, i, "--")
      break
    end
  end
end

-- The code of a command that has done what it is for.
local function done_code(result)
  if math.type(result) == "integer" then return result end
  return result == false and 1 or 0
end

--- Runs one command and returns its exit code.
---@param command hocker.Command
---@param program string the name for messages
---@param words string[]
---@param owner hocker.Command? the one that it is a command of
---@return integer exit_code
function M.run(command, program, words, owner)
  if command.commands then return run_sub(command, program, words) end
  local notes = log.new(program)
  if command.hands_on then end_options(words) end
  local args, err, text = arguments.read(program, command, words)
  local ok, configured
  if text then
    ok, err = output.print_all(io.stdout, text)
  elseif args then
    set_level(notes, args)
    configured, err = configure(command, owner or command, args, notes)
  end
  if configured then
    set_level(notes, args)
    warn_of_places(notes)
    local out = output.new(io.stdout)
    local ctx = context.new { program = program, log = notes, out = out,
      configuration = configured }
    ok, err = perform(ctx, command, args)
  end
  if ok or not err then return done_code(ok) end
  notes:error(err.message, err.traceback)
  return exit_code(err)
end

-- --- the program -------------------------------------------------------------------------------------

local function overview()
  local rows = {}
  for i, entry in ipairs(commands.all()) do
    local what = entry.command and entry.command.summary or "broken: " .. entry.err.message
    rows[i] = { entry.name, log.printable(what) }
  end
  return help.overview("hocker", "Fetches docker and OCI images from registries, without a daemon.",
    rows, "; hocker --version, the version")
end

local function command_of(program)
  for _, entry in ipairs(M.programs) do
    if entry.program == program then return entry.name end
  end
end

local function run_named(name, program, words)
  local entry = commands.entry(name)
  if entry.command then return M.run(entry.command, program, words) end
  if entry.err.code ~= "not_found" and entry.err.code ~= "usage" then
    return fail(program:match("^%S+"), entry.err)
  end
  warn_of_places(log.new("hocker"))
  local message = ("there is no command '%s'; see hocker --help"):format(name)
  return fail("hocker", core.error("usage", message))
end

-- A folder that somebody names is meant to be there. Who may not use it is not told either whether it is.
local function check_folders(where)
  if core.script.elevated() then return true end
  for _, folder in ipairs(where.user and where.folders or {}) do
    local ok, err = core.script.folder(folder)
    if not ok then
      local code = err.code == "not_found" and "usage" or err.code
      return nil, core.error(code, "--scripts: " .. err.message)
    end
  end
  return true
end

local function run_words(name, program, words)
  if name then return run_named(name, program, words) end
  name = table.remove(words, 1)
  if name == "--help" or name == "-h" or name == "help" then
    return print_line("hocker", overview())
  elseif not name then
    return fail("hocker", core.error("usage", "which command? see hocker --help"))
  end
  return run_named(name, "hocker " .. name, words)
end

local function asks_version(name, words)
  return words[1] == "--version" or (not name and words[1] == "-V")
end

--- Runs a function as a command is run: how it ends is at most one line, and an exit code.
---@param program string the name for messages
---@param run fun(...: string): boolean?, hocker.Error? true or nothing when all is well
---@param words string[] its arguments
---@return integer exit_code
function M.call(program, run, words)
  local function task()
    local result, err = run(table.unpack(words))
    if result == nil and not err then result = true end
    return result, err
  end
  begin()
  local ok, err = conclude({}, io.stdout, xpcall(task, errors.caught))
  if err then return fail(program, err) end
  return ok and 0 or 1
end

--- What the program `hocker`, or a link to it, does.
---@param program string argv[0]
---@param words string[] the rest
---@return integer exit_code
function M.main(program, words)
  program = program:match("([^/]*)$")
  local name = command_of(program)
  if not name then program = "hocker" end
  local where, rest = scripts_options(without_rts(words))
  local ok, err = where, rest
  if ok then ok, err = check_folders(where) end
  if not ok then return fail(program, err) end
  if asks_version(name, rest) then return print_line(program, program .. " " .. core.version) end
  scripts.setup(where)
  scripts.override_modules()
  -- Modules of the library may be the user's, and broken.
  local ran, code = xpcall(run_words, errors.caught, name, program, rest)
  return ran and code or fail(program, code)
end

return M
