--- Finds scripts by name, and loads them: "commands/image", "templates/nix/fetchdocker", "policies/allow",
--- "hocker/auth". The first place that has one counts, and it is loaded only from where others can't
--- have put it (core/script.h).
---
--- The places: what the program that embeds hocker provides itself, the folders of --scripts, those of
--- $HOCKER_PATH, $XDG_CONFIG_HOME/hocker (else ~/.config/hocker), /etc/hocker, share/hocker where hocker is installed, and what is bundled. A
--- script can call the bundled one that it replaces:
---
---     local image = assert(require("hocker.scripts").bundled("commands/image"))

local bundled = require "hocker.bundled"
local core = require "hocker.core"
local errors = require "hocker.errors"
local guard = require "hocker.guard"
local lazy = require "hocker.lazy"

local log = lazy "hocker.log"
local similar = lazy "hocker.similar"

local M = {}

local SIZE_MAX <const> = 1 << 20
local NAME_MAX <const> = 200 -- bytes; longer ones could be no file's
local DENIED <const> = 13 -- EACCES

--- Most bytes of a script.
M.size_max = SIZE_MAX

-- What decides where scripts come from, and keeps others' faults apart, is there before it can be replaced. So are
-- "hocker" itself, and what is C.
local FIXED <const> = {
  ["hocker/bundled"] = true, ["hocker/command"] = true, ["hocker/errors"] = true,
  ["hocker/guard"] = true, ["hocker/host"] = true, ["hocker/lazy"] = true, ["hocker/log"] = true,
  ["hocker/scripts"] = true, ["hocker/init"] = true, ["hocker/core"] = true,
  ["hocker/embedded"] = true,
}

-- What --scripts and --no-user-scripts say; hocker.command sets it.
local given = { folders = {}, user = true }
local places -- made when it is first needed
local module_places = {} -- where modules of the library may lie
local there = {} -- of folders that were looked up, by their paths: "yes", "no" or "denied"

---@class hocker.Script
---@field name string "commands/image"
---@field path string
---@field from string the place: "program", "--scripts", "HOCKER_PATH", "user", "system", "share", "bundled"; "file" for one by its path
---@field text string? of a file
---@field chunk function? of what is bundled or provided, in the place of its text

---@class hocker.ScriptPlace
---@field from string
---@field folder string? nil for what is bundled, and for what the program provides
---@field problem string? why nothing is looked for there

--- Says where to look. To be called before the first script is loaded.
---@param opts { folders: string[]?, user: boolean? } of --scripts; `user` false: bundled scripts only
function M.setup(opts)
  given = { folders = opts.folders or {}, user = opts.user ~= false }
  places, there = nil, {}
end

-- --- the places ----------------------------------------------------------------------------------

local function is_absolute(path)
  return path:sub(1, 1) == "/"
end

local function add(list, from, folder)
  local problem
  if folder == "" then
    problem = "an empty folder name is not looked up"
  elseif not is_absolute(folder) then
    problem = ("'%s' is not an absolute path, and nothing is taken from the current directory")
      :format(folder)
  end
  list[#list + 1] = { from = from, folder = folder, problem = problem }
end

local function add_user(list)
  local config, home = os.getenv("XDG_CONFIG_HOME") or "", os.getenv("HOME") or ""
  if is_absolute(config) then return add(list, "user", config .. "/hocker") end
  if is_absolute(home) then return add(list, "user", home .. "/.config/hocker") end
end

local function find_places()
  local list, path = {}, os.getenv("HOCKER_PATH") or ""
  if given.user and not core.script.elevated() then
    for _, folder in ipairs(given.folders) do add(list, "--scripts", folder) end
    if path ~= "" then
      for folder in (path .. ":"):gmatch("([^:]*):") do add(list, "HOCKER_PATH", folder) end
    end
    add_user(list)
    add(list, "system", "/etc/hocker")
    local share = bundled.share()
    if share then add(list, "share", share) end
  end
  list[#list + 1] = { from = "bundled" }
  return list
end

-- What a program provides that embeds hocker: functions in package.preload, "commands/NAME". A name without a slash is
-- that of a module of its own, "config" say.
local function provided(name)
  local chunk = name:find("/", 1, true) and package.preload[name] or nil
  return chunk and { name = name, path = "program:/" .. name, from = "program", chunk = chunk }
end

-- The files, as it were, of what it provides: of a kind, or of all.
local function list_provided(kind)
  local names = {}
  for name in pairs(package.preload) do
    local folder, last = name:match("^(.*)/([^/]*)$")
    if folder and folder == (kind or folder) then names[#names + 1] = last .. ".lua" end
  end
  return names
end

--- The places in the order in which they are searched. Looks at no file.
---@return hocker.ScriptPlace[]
function M.places()
  places = places or find_places()
  if #list_provided() == 0 then return places end
  return table.move(places, 1, #places, 2, { { from = "program" } })
end

-- --- finding -------------------------------------------------------------------------------------

local function bad_name(name)
  return nil, core.error("usage", ("'%s' is not a script's name"):format(log.shorten(name, 80)))
end

-- Names have no dots, so they lead nowhere else.
local function check_name(name)
  if #name > NAME_MAX then return bad_name(name) end
  for part in (name .. "/"):gmatch("([^/]*)/") do
    if not part:find("^[%w_][%w_-]*$") then return bad_name(name) end
  end
  return name
end

local function none(name)
  return nil, core.error("not_found", ("there is no script '%s'"):format(name))
end

-- Whether there is such a folder: looked up once, since most are not, and many files are asked for. One
-- that can't be used is there, and its files are an error; `lenient` of one where we may not look.
local function is_there(folder, lenient)
  if there[folder] == nil then
    local _, err = core.script.folder(folder)
    there[folder] = err and (err.code == "not_found" and "no" or err.sys == DENIED and "denied")
      or "yes"
  end
  return there[folder] == "yes" or (there[folder] == "denied" and not lenient)
end

-- Nil alone when the place has none.
local function find_at(place, name)
  if place.from == "program" then return provided(name) end
  if not place.folder then
    local chunk, path = bundled.chunk(name)
    return chunk and { name = name, path = path, from = place.from, chunk = chunk }
  end
  -- $HOME may be another's, after sudo or su.
  if place.problem or not is_there(place.folder, place.from == "user") then return nil end
  local path = ("%s/%s.lua"):format(place.folder, name)
  local text, err = core.script.read(path, SIZE_MAX)
  if err and err.code ~= "not_found" then return nil, err end
  return text and { name = name, path = path, from = place.from, text = text }
end

--- Finds a script: which file it is, and from which place.
---@param name string
---@return hocker.Script? script
---@return hocker.Error? err "not_found"; "usage": not a name; "refused", "io": there is a file that can't be used
function M.find(name)
  local ok, err = check_name(name)
  if not ok then return nil, err end
  for _, place in ipairs(FIXED[name] and { { from = "bundled" } } or M.places()) do
    local script
    script, err = find_at(place, name)
    if script or err then return script, err end
  end
  return none(name)
end

--- Finds all scripts of a name, the nearest first.
---@param name string
---@return hocker.Script[]? scripts, hocker.Error? err
function M.find_all(name)
  local list = {}
  for _, place in ipairs(M.places()) do
    local script, err = find_at(place, name)
    if err then return nil, err end
    list[#list + 1] = script
  end
  return list
end

-- The files of a folder; what can't be looked into has none.
local function files_at(place, kind)
  if place.problem then return {} end
  if place.from == "program" then return list_provided(kind) end
  if not place.folder then return bundled.list(kind) end
  return core.system.list(place.folder .. "/" .. kind) or {}
end

--- The names of all scripts of a kind, sorted. Whether they can be loaded is not looked at.
---@param kind string "commands", "templates/nix"
---@return string[] names "image"
function M.list(kind)
  local names, seen = {}, {}
  for _, place in ipairs(M.places()) do
    for _, file in ipairs(files_at(place, kind)) do
      local name = file:match("^([%w_][%w_-]*)%.lua$")
      if name and not seen[name] then
        seen[name] = true
        names[#names + 1] = name
      end
    end
  end
  table.sort(names)
  return names
end

--- The end of a message about a script that is not there: "; did you mean 'image'?", or nothing.
---@param kind string "commands"
---@param name string
---@return string
function M.hint(kind, name)
  local known = {}
  for _, other in ipairs(M.list(kind)) do known[other] = true end
  return similar.hint(name, known)
end

-- --- loading -------------------------------------------------------------------------------------

--- What Lua says of a script, with its whole path: Lua cuts long ones.
---@param path string of the script
---@param message string
---@return string
function M.locate(path, message)
  local short = debug.getinfo(load("", "@" .. path), "S").short_src
  if message:sub(1, #short + 1) == short .. ":" then message = message:sub(#short + 2)
  else message = " " .. message end
  return path .. ":" .. message
end

local function broken(script, raised)
  if errors.is(raised) then return nil, raised end
  return nil, core.error("internal", M.locate(script.path, errors.text(raised)))
end

--- A file's text as Lua takes it: an editor's byte order mark and a first line for the shell are none of Lua's.
---@param text string
---@return string
function M.source(text)
  return (text:gsub("^\xef\xbb\xbf", ""):gsub("^#[^\n]*", ""))
end

--- Whether this process may do what a text says: not if it has more rights than its user (set-user-ID), who
--- would have these rights by writing it.
---@param path string of the text, for the message
---@return true? ok, hocker.Error? err "refused"
function M.may_run(path)
  if not core.script.elevated() then return true end
  return nil, core.error("refused", path .. ": a program with more rights than its user runs only "
    .. "what comes with it")
end

--- Makes a function of a script, which is not run.
---@param script { path: string, text: string }
---@return function? chunk, hocker.Error? err "internal": it is broken, with its file and line; "refused", as of `may_run`
function M.compile(script)
  if script.from ~= "bundled" then guard.arm() end
  if script.chunk then return script.chunk end
  local ok, err = M.may_run(script.path)
  if not ok then return nil, err end
  local text = M.source(script.text)
  if text:sub(1, 1) == "\27" then
    return broken(script, "it is bytecode, and scripts are text")
  end
  -- What the parser raises, of a text too deep for it, is not for the handler of an xpcall around us.
  local _, chunk, why = pcall(load, text, "@" .. script.path, "t")
  if chunk then return chunk end
  return broken(script, why)
end

--- Runs a script that was found.
---@param script hocker.Script
---@param ... any its arguments
---@return any? value, hocker.Error? err
function M.run(script, ...)
  local chunk, err = M.compile(script)
  if not chunk then return nil, err end
  local ok, value
  if script.text then ok, value = guard.load(xpcall, chunk, errors.placed, ...)
  else ok, value = xpcall(chunk, errors.placed, ...) end -- ours, which breaks nothing
  if not ok then return broken(script, value) end
  if value == nil then return broken(script, "it returns nothing") end
  return value
end

--- Runs a script and returns what it returns, which is never nil.
---@param name string
---@return any? value
---@return hocker.Error? err as of `find`; "internal": it is broken, with its file and line
function M.load(name)
  local script, err = M.find(name)
  if not script then return nil, err end
  return M.run(script)
end

--- Runs the script that comes with hocker, whatever there is in its place.
---@param name string
---@return any? value, hocker.Error? err
function M.bundled(name)
  local ok, err = check_name(name)
  if not ok then return nil, err end
  local script = find_at({ from = "bundled" }, name)
  if not script then return none(name) end
  return M.run(script)
end

--- Reads a script that is named by its path. What is said of others who can write holds for it too.
---@param path string
---@return hocker.Script? script, hocker.Error? err
function M.read_file(path)
  local text, err = core.script.read(path, SIZE_MAX)
  if not text then return nil, err end
  return { name = path, path = path, from = "file", text = text }
end

--- Runs a script that is named by its path.
---@param path string
---@param ... any its arguments
---@return any? value, hocker.Error? err
function M.load_file(path, ...)
  local script, err = M.read_file(path)
  if not script then return nil, err end
  return M.run(script, ...)
end

-- --- what a user names ------------------------------------------------------------------------------

--- Whether what a user names is a file's path: it has a "/" in it, or ends in ".lua".
---@param name string
---@return boolean
function M.is_path(name)
  return name:find("/", 1, true) ~= nil or name:find("%.lua$") ~= nil
end

--- Loads what a user names, by a file's path or by a name that is looked for. A text that can be no name
--- has no file either.
---@param kind string for messages: "template"
---@param name string
---@param folders string[] where a name is looked for, in this order: "templates/nix"
---@return any? value, hocker.Error? err
function M.load_named(kind, name, folders)
  if M.is_path(name) then
    local value, err = M.load_file(name)
    if not err or err.code ~= "not_found" then return value, err end
    return nil, core.error("io", ("%s '%s': there is no such file"):format(kind, name))
  end
  for _, folder in ipairs(folders) do
    local value, err = M.load(folder .. "/" .. name)
    if not err or (err.code ~= "not_found" and err.code ~= "usage") then return value, err end
  end
  local hint = ""
  for _, folder in ipairs(folders) do hint = hint ~= "" and hint or M.hint(folder, name) end
  if hint == "" then hint = "; a file is named by its path, with a '/' in it or .lua at its end" end
  return nil, core.error("usage", ("there is no %s '%s'%s"):format(kind, name, hint))
end

-- --- library modules ----------------------------------------------------------------------------

-- The places that may have some; the program has no modules of its own, and most folders are not there. Where we
-- may not look there are none: the script that is looked for there tells it.
local function find_module_places()
  local list = {}
  for _, place in ipairs(M.places()) do
    local folder = not place.problem and place.folder
    if folder and is_there(folder, true) and is_there(folder .. "/hocker", true) then
      list[#list + 1] = place
    end
  end
  return list
end

local function is_replaceable(module)
  return module:find("^hocker%.") and not FIXED[module:gsub("%.", "/")]
end

-- For package.searchers: "hocker.auth" is hocker/auth.lua.
local function search(module)
  local name = module:gsub("%.", "/")
  if not is_replaceable(module) or not check_name(name) then return nil end
  for _, place in ipairs(module_places) do
    local script, err = find_at(place, name)
    if err then error(err, 0) end
    if script then
      return function(...)
        local value, problem = M.run(script, ...)
        if value == nil then error(problem, 0) end
        return value
      end, script.path
    end
  end
end

-- Unloads the modules that scripts can replace.
local function take_modules()
  local taken = {}
  for module, value in pairs(package.loaded) do
    if module == "hocker" or is_replaceable(module) then taken[module] = value end
  end
  for module in pairs(taken) do package.loaded[module] = nil end
  return taken
end

local function remove_searcher()
  for i, searcher in ipairs(package.searchers) do
    if searcher == search then return table.remove(package.searchers, i) end
  end
end

local searching = 0 -- runs, one inside the other

-- Lets scripts replace modules of the library, if there are such: `require` of "hocker.*" looks into the
-- places. What was loaded from other places is put aside. Returns what takes all that back.
local function override_modules()
  module_places = find_module_places()
  if searching == 0 and #module_places == 0 then return function() end end
  local aside = take_modules()
  if searching == 0 then table.insert(package.searchers, 2, search) end
  searching = searching + 1
  return function()
    searching = searching - 1
    if searching == 0 then remove_searcher() end
    take_modules()
    for module, value in pairs(aside) do package.loaded[module] = value end
  end
end

--- Says where to look until the value is closed, and lets scripts replace modules of the library meanwhile. For
--- runs of a program; a library does not change how its host finds modules, and one run not what is there for
--- the next.
---@param opts { folders: string[]?, user: boolean? } as of `setup`
---@return table scope to be closed
function M.enter(opts)
  local before = { given, places, there, module_places }
  M.setup(opts)
  local leave = override_modules()
  return setmetatable({}, { __close = function()
    leave()
    given, places, there, module_places = table.unpack(before, 1, 4)
  end })
end

return M
