--- The configuration: the files config.lua in the folders of scripts, all of them. A file is data, a Lua
--- table that is made where there is nothing else (core.script.data):
---
---     return {
---       options = { jobs = 8 },                                -- of all commands that have them
---       commands = { image = { format = "oci-archive" } },     -- of one command
---       mirrors = { ["docker.io"] = { "https://mirror.example" } },
---       realms = { ["registry.example"] = { "auth.example.net" } },
---       policies = { "audit", { "allow", registries = { "docker.io" } } },
---     }
---
--- Policies are those of all files, the farthest first. Of what several files say, the nearest counts, for each key by itself.

local core = require "hocker.core"
local lazy = require "hocker.lazy"
local scripts = require "hocker.scripts"

local reference = lazy "hocker.reference"
local similar = lazy "hocker.similar"

local M = {}

local URI_MAX <const> = 16 -- mirrors of one registry

---@class hocker.Configuration
---@field files hocker.Configuration.File[] the nearest first
local methods = {}
local mt = { __name = "hocker.Configuration", __index = methods }

---@class hocker.Configuration.File
---@field path string
---@field options table<string, any>
---@field commands table<string, table<string, any>>
---@field mirrors table<string, string[]> by host[/path], as references are normalised
---@field realms table<string, string[]> by host
---@field policies (string|table)[] names, and lists of one with parameters

-- --- checks ----------------------------------------------------------------------------------------

local function fault(message, ...)
  return nil, core.error("usage", message:format(...))
end

local function is_list(value)
  if type(value) ~= "table" then return false end
  local count = 0
  for _ in pairs(value) do count = count + 1 end
  return count == #value
end

local function each_text(list, check)
  for i, text in ipairs(list) do
    if type(text) ~= "string" then return fault("entry %d is no string", i) end
    local ok, err = check(text)
    if not ok then return nil, err end
  end
  return list
end

local function check_option(value)
  if type(value) ~= "table" then return value end
  if not is_list(value) then return fault("it is neither a value nor a list") end
  return each_text(value, function(text) return text end)
end

-- A registry, and maybe a path there: what the names of its images begin with.
local function check_prefix(text)
  local ref, err = reference.parse { text .. "/a/b" }
  if not ref then return nil, err end
  if ref.path == text .. "/a/b" then
    return fault("it begins with no registry; Docker Hub is docker.io")
  end
  return ref.name:sub(1, -5)
end

local function check_registry(text)
  local prefix, err = check_prefix(text)
  if not prefix or not prefix:find("/", 1, true) then return prefix, err end
  return fault("it must be a registry alone, host[:port]")
end

local function check_mirrors(list)
  if not is_list(list) then return fault("it must be a list of URIs") end
  if #list > URI_MAX then return fault("more than %d mirrors", URI_MAX) end
  return each_text(list, function(uri)
    local why = reference.uri_fault(uri)
    if why then return fault("%s", why) end
    return uri
  end)
end

local function check_realms(list)
  if not is_list(list) then return fault("it must be a list of hosts") end
  return each_text(list, function(host)
    if host:find("^[%l%d][%l%d.-]*$") then return host end
    return fault("'%s' is not a host name in lower case, without a port", host)
  end)
end

-- A table whose keys are `key`s and whose values are `value`s; each check returns what is kept.
local function table_of(key, value)
  return function(given)
    if type(given) ~= "table" then return fault("it must be a table") end
    local kept = {}
    for name, item in pairs(given) do
      if type(name) ~= "string" then return fault("%s is no name", tostring(name)) end
      local as, what, err
      as, err = key(name)
      if as then what, err = value(item) end
      if err then return nil, core.error("usage", ("%s: %s"):format(name, err.message)) end
      kept[as] = what
    end
    return kept
  end
end

local function check_policy(item)
  local name = type(item) == "table" and item[1] or item
  if type(name) ~= "string" then
    return fault("a policy is a name, or a table with one first and its parameters")
  elseif scripts.is_path(name) and name:sub(1, 1) ~= "/" then
    return fault("'%s' is not an absolute path", name)
  end
  for key in pairs(type(item) == "table" and item or {}) do
    if key ~= 1 and type(key) ~= "string" then
      return fault("the parameters of '%s' need names", name)
    end
  end
  return true
end

local function check_policies(list)
  if not is_list(list) then return fault("it must be a list") end
  for i, item in ipairs(list) do
    local ok, err = check_policy(item)
    if not ok then return fault("entry %d: %s", i, err.message) end
  end
  return list
end

local function any(name)
  return name
end

local check_options = table_of(any, check_option)

local CHECKS <const> = {
  options = check_options,
  commands = table_of(any, check_options),
  mirrors = table_of(check_prefix, check_mirrors),
  realms = table_of(check_registry, check_realms),
  policies = check_policies,
}

--- Reads one file.
---@param text string
---@param path string
---@return hocker.Configuration.File? file, hocker.Error? err "usage", with the path and the key
function M.parse(text, path)
  local data, err = core.script.data(scripts.source(text), "@" .. path)
  if not data then return fault("%s", scripts.locate(path, err.message)) end
  local file = { path = path, options = {}, commands = {}, mirrors = {}, realms = {},
    policies = {} }
  for key, value in pairs(data) do
    local check = CHECKS[key]
    if not check then
      return fault("%s: there is no setting '%s'%s", path, tostring(key),
        similar.hint(tostring(key), CHECKS))
    end
    file[key], err = check(value)
    if err then return fault("%s: %s: %s", path, key, err.message) end
  end
  return file
end

--- Reads all files.
---@return hocker.Configuration? configuration, hocker.Error? err "usage", "refused", "io"
function M.load()
  local files = {}
  local found, err = scripts.find_all("config")
  if not found then return nil, err end
  for i, script in ipairs(found) do
    files[i], err = M.parse(script.text, script.path)
    if not files[i] then return nil, err end
  end
  return M.new(files)
end

---@param files hocker.Configuration.File[]? the nearest first
---@return hocker.Configuration
function M.new(files)
  return setmetatable({ files = files or {} }, mt)
end

-- --- what it says ------------------------------------------------------------------------------------

--- The value of an option: in each file that of the command comes before that of all.
---@param command string?
---@param key string "connect_timeout"
---@return any? value, string? path of the file
function methods:option(command, key)
  for _, file in ipairs(self.files) do
    local own = file.commands[command]
    local value = own and own[key]
    if value == nil then value = file.options[key] end
    if value ~= nil then return value, file.path end
  end
end

-- What the nearest file says of a key.
local function nearest(self, section, key)
  for _, file in ipairs(self.files) do
    if file[section][key] then return file[section][key], file.path end
  end
end

--- All keys of a section, sorted, and what the nearest file says of each.
---@param section string "mirrors", "realms"
---@return { key: string, value: string[], path: string }[]
function methods:all(section)
  local list, seen = {}, {}
  for _, file in ipairs(self.files) do
    for key, value in pairs(file[section]) do
      if not seen[key] then list[#list + 1] = { key = key, value = value, path = file.path } end
      seen[key] = true
    end
  end
  table.sort(list, function(a, b) return a.key < b.key end)
  return list
end

--- The mirrors of an image: those of the longest part of its name that has any.
---@param ref hocker.Reference
---@return string[] uris
function methods:mirrors(ref)
  local prefix = ref.name
  while prefix do
    local uris = nearest(self, "mirrors", prefix)
    if uris then return uris end
    prefix = prefix:match("^(.*)/")
  end
  return {}
end

--- The policies of all files, the farthest first: what the system asks for comes before the user's.
---@return (string|table)[] specs for hocker.policy
---@return string[] paths of the file of each
function methods:policies()
  local specs, paths = {}, {}
  for i = #self.files, 1, -1 do
    for _, spec in ipairs(self.files[i].policies) do
      specs[#specs + 1], paths[#paths + 1] = spec, self.files[i].path
    end
  end
  return specs, paths
end

--- The hosts that may see a registry's credentials, beside its own.
---@param ref hocker.Reference
---@return string[] hosts
function methods:realms(ref)
  return nearest(self, "realms", ref.host) or {}
end

return M
