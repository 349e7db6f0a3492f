--- Finds a repository's credentials in one file of docker's or podman's: config.json, auth.json,
--- and ~/.dockercfg, which is only the `auths` of the others.
---
--- Only what is looked at is checked: these files hold much else, and are other programs'.

local base64 = require "hocker.base64"
local core = require "hocker.core"
local credentials = require "hocker.credentials"
local credhelper = require "hocker.credhelper"
local json = require "hocker.json"

local M = {}

local SIZE_MAX <const> = 1 << 20

local HUB <const> = "docker.io"
local HUB_NAMES <const> = {
  ["docker.io"] = true, ["index.docker.io"] = true, ["registry-1.docker.io"] = true,
}
-- What docker calls its Hub, to helpers and in its files.
local HUB_SERVER <const> = "https://index.docker.io/v1/"

local function fault(source, message, ...)
  return nil, core.error("usage", source .. ": " .. message:format(...))
end

-- Fields -----------------------------------------------------------------------------------

-- A field of a type; nil alone when it is absent or null.
local function field(object, name, kind, source)
  local value = object[name]
  if value == nil or value == json.null then return nil end
  local good = kind == "object" and json.is_object(value) or type(value) == kind
  if not good then return fault(source, "'%s' is not %s", name, "of type " .. kind) end
  return value
end

-- User name and password of the field `auth`. Some programs fill it up with NULs.
local function split_auth(text, source)
  local pair = base64.decode(text)
  local user, password = (pair or ""):gsub("%z+$", ""):match("^([^:]*):(.*)$")
  if not user then return fault(source, "'auth' is not user:password in base 64") end
  return user, password
end

-- Entries ----------------------------------------------------------------------------------

local function user_of(entry, source)
  local auth, err = field(entry, "auth", "string", source)
  if err then return nil, err end
  if auth and auth ~= "" then return split_auth(auth, source) end
  local user, password
  user, err = field(entry, "username", "string", source)
  if err then return nil, err end
  password, err = field(entry, "password", "string", source)
  if err then return nil, err end
  return user or "", password or ""
end

-- The credentials of one entry of `auths`; nil alone for one that is empty, as those are whose
-- secrets a helper keeps.
local function read_entry(entry, key, path)
  local source = ("%s: the entry of %s"):format(path, key)
  if not json.is_object(entry) then return fault(source, "it is no object") end
  local registry, identity, err
  registry, err = field(entry, "registrytoken", "string", source)
  if err then return nil, err end
  identity, err = field(entry, "identitytoken", "string", source)
  if err then return nil, err end
  if (registry or "") ~= "" then return credentials.bearer(registry, path) end
  local user, password = user_of(entry, source)
  if not user then return nil, password end
  if (identity or "") ~= "" then return credentials.identity(identity, path, user) end
  if user == "" and password == "" then return nil end
  return credentials.basic(user, password, path)
end

--- A key as host/path: without a scheme, a slash at its end, and the version of the API, which
--- docker used to write. The host is in lower case, and Docker Hub has one name.
---@param key string
---@return string
function M.normalize(key)
  local rest = key:match("^%a+://(.*)$")
  local text = (rest or key):gsub("/+$", "")
  if rest or text ~= key then text = text:gsub("/v[12]$", ""):gsub("/+$", "") end
  local host, path = text:match("^([^/]*)(.*)$")
  host = host:lower()
  return (HUB_NAMES[host] and HUB or host) .. path
end

-- The keys of an object whose normal form is `name`, that very name first.
local function keys_of(object, name)
  local keys = {}
  for key in pairs(object) do
    if M.normalize(key) == name then keys[#keys + 1] = key end
  end
  table.sort(keys, function(a, b)
    if (a == name) ~= (b == name) then return a == name end
    return a < b
  end)
  return keys
end

-- What a repository's entry may be called, the longest name first.
local function names_of(host, repository)
  local names, name = {}, host .. "/" .. repository
  while name do
    names[#names + 1] = name
    name = name:match("^(.*)/[^/]*$")
  end
  return names
end

local function search_auths(auths, host, repository, path)
  for _, name in ipairs(names_of(host, repository)) do
    for _, key in ipairs(keys_of(auths, name)) do
      local cred, err = read_entry(auths[key], key, path)
      if cred or err then return cred, err end
    end
  end
end

-- Helpers ----------------------------------------------------------------------------------

-- The helper of this one registry.
local function ask_own_helper(doc, host, path)
  local helpers, err = field(doc, "credHelpers", "object", path)
  if not helpers then return nil, err end
  local key = keys_of(helpers, host)[1]
  if not key then return nil end
  local name
  name, err = field(helpers, key, "string", path .. ": credHelpers")
  if not name or name == "" then return nil, err end
  return credhelper.get(name, key, path)
end

-- The helper of all registries. It knows them by what docker calls them, which is the key of the
-- empty entry where there is one.
local function ask_store(doc, auths, host, path)
  local name, err = field(doc, "credsStore", "string", path)
  if not name or name == "" then return nil, err end
  local server = auths and keys_of(auths, host)[1] or (host == HUB and HUB_SERVER or host)
  return credhelper.get(name, server, path)
end

-- ------------------------------------------------------------------------------------------

--- What a file has for a repository: by the registry's own helper, else in the file, else by the
--- helper of all. One that is not there is an error.
---@param path string
---@param host string "docker.io", "localhost:5000"
---@param repository string "library/debian"
---@param old boolean? the file is a ~/.dockercfg
---@return hocker.Credentials? credentials nil alone when it has none
---@return hocker.Error? err "io" with `sys`: the file can't be read; "usage": it is wrong; those of hocker.credhelper
function M.find(path, host, repository, old)
  local text, err = credentials.read(path, "the credentials in", SIZE_MAX)
  if not text then return nil, err end
  if not text:find("%S") then return nil end
  local doc
  doc, err = json.decode(text, path)
  if err then return nil, core.error("usage", err.message) end
  if not json.is_object(doc) then return fault(path, "it is no JSON object") end
  if old then doc = { auths = doc } end
  host = M.normalize(host)
  local cred
  cred, err = ask_own_helper(doc, host, path)
  if cred or err then return cred, err end
  local auths
  auths, err = field(doc, "auths", "object", path)
  if err then return nil, err end
  cred, err = search_auths(auths or {}, host, repository, path)
  if cred or err then return cred, err end
  return ask_store(doc, auths, host, path)
end

return M
