--- Where credentials are kept, and in which order they are looked for: the first place that has some
--- for the repository is taken, so that a file for one registry hides no other.
---
---  1. in a Nix build, $DOCKER_TOKEN, else $DOCKER_USER and $DOCKER_PASS, which Nix's fetchers are
---     given; else the same in the file of $DOCKER_CREDENTIALS, else in that of M.nix_file. They name
---     no registry, so that of the build gets them.
---  2. the file of --authfile
---  3. $REGISTRY_AUTH_FILE
---  4. containers/auth.json in $XDG_RUNTIME_DIR (else /run/containers/UID/auth.json), where podman,
---     skopeo and buildah log in; then in $XDG_CONFIG_HOME, which is ~/.config by default
---  5. config.json in $DOCKER_CONFIG, which is ~/.docker by default; then ~/.dockercfg
---  6. $NETRC, which is ~/.netrc by default
---
--- A file that was named has to be there. Of the others one that is missing or not ours to read is
--- passed over. One that is broken is always an error: what is in it was meant to be used.

local authfile = require "hocker.authfile"
local core = require "hocker.core"
local credentials = require "hocker.credentials"
local netrc = require "hocker.netrc"

local M = {}

--- Where a machine keeps credentials for all its Nix builds.
M.nix_file = "/etc/nix-docker-credentials.txt"

local NETRC_MAX <const> = 1 << 20
local NETRC_HUB <const> = {
  "docker.io", "index.docker.io", "registry-1.docker.io", "auth.docker.io",
}

local ABSENT <const> = { [2] = true, [20] = true } -- ENOENT, ENOTDIR
local DENIED <const> = 13 -- EACCES

---@class hocker.Keyring.Place
---@field path string
---@field kind "auth"|"dockercfg"|"netrc"
---@field named boolean? by the user: it has to be there

-- The value of a variable; an empty one is as good as none.
local function value(getenv, name)
  local text = getenv(name)
  return text ~= "" and text or nil
end

-- The value of a variable that has to be an absolute path, as XDG's have, else the default.
local function folder(getenv, name, default)
  local text = value(getenv, name)
  return text and text:sub(1, 1) == "/" and text or default
end

--- The files that are looked into, in order.
---@param path string? of --authfile
---@param getenv fun(name: string): string?
---@return hocker.Keyring.Place[]
function M.places(path, getenv)
  local places = {}
  local function add(kind, text, named)
    if text then places[#places + 1] = { kind = kind, path = text, named = named } end
  end
  local home = folder(getenv, "HOME")
  local function below(base, rest) return base and base .. rest end
  local runtime = folder(getenv, "XDG_RUNTIME_DIR")
  local config = folder(getenv, "XDG_CONFIG_HOME", below(home, "/.config"))
  local docker = value(getenv, "DOCKER_CONFIG")
  local rc = value(getenv, "NETRC")
  add("auth", path, true)
  add("auth", value(getenv, "REGISTRY_AUTH_FILE"), true)
  add("auth", below(runtime, "/containers/auth.json")
    or ("/run/containers/%d/auth.json"):format(core.system.user()))
  add("auth", below(config, "/containers/auth.json"))
  add("auth", below(docker or below(home, "/.docker"), "/config.json"))
  add("dockercfg", below(home, "/.dockercfg"))
  add("netrc", rc or below(home, "/.netrc"), rc ~= nil)
  return places
end

local function from_environment(getenv)
  local token = value(getenv, "DOCKER_TOKEN")
  if token then return credentials.bearer(token, "$DOCKER_TOKEN") end
  local user, password = value(getenv, "DOCKER_USER"), value(getenv, "DOCKER_PASS")
  -- One alone is another program's: the names are not ours.
  if not user or not password then return nil end
  return credentials.basic(user, password, "$DOCKER_USER and $DOCKER_PASS")
end

--- Whether this is a Nix build. A nix-shell looks like one, but a user types there.
---@param getenv fun(name: string): string?
---@return boolean
function M.in_build(getenv)
  return value(getenv, "NIX_BUILD_TOP") ~= nil and value(getenv, "IN_NIX_SHELL") == nil
end

-- By the host's name, with the port first; netrc itself knows no ports.
local function from_netrc(path, host)
  local text, err = credentials.read(path, "the credentials in", NETRC_MAX)
  if not text then return nil, err end
  local entries
  entries, err = netrc.parse(text, path)
  if not entries then return nil, err end
  local names = { [host] = true, [host:gsub(":%d+$", "")] = true }
  if host == "docker.io" then
    for _, name in ipairs(NETRC_HUB) do names[name] = true end
  end
  local entry = netrc.find(entries, names)
  if not entry then return nil end
  return credentials.basic(entry.login, entry.password, path)
end

local function look_into(place, ref)
  if place.kind == "netrc" then return from_netrc(place.path, ref.host) end
  return authfile.find(place.path, ref.host, ref.path, place.kind == "dockercfg")
end

---@class hocker.Keyring.Options
---@field authfile string? the path of --authfile
---@field named_only boolean? nothing from $DOCKER_TOKEN and its like, which name no registry
---@field getenv (fun(name: string): string?)? os.getenv
---@field log hocker.Log?

local OPTIONS <const> = { authfile = "string", named_only = "boolean",
  getenv = "function", log = "table" }

local function check_options(opts)
  for name, item in pairs(opts) do
    if not OPTIONS[name] then
      error(("keyring.find: unknown option '%s'"):format(tostring(name)), 3)
    elseif type(item) ~= OPTIONS[name] then
      error(("keyring.find: %s must be a %s"):format(name, OPTIONS[name]), 3)
    end
  end
end

-- Whether the search goes on after this error. Only what reading the file itself met has a `sys`.
local function may_pass(place, err, notes)
  if place.named then return false end
  if err.sys == DENIED and notes then notes:warn(err.message .. "; passed over") end
  return ABSENT[err.sys] or err.sys == DENIED
end

-- In a Nix build only. Elsewhere they may be meant for any registry, and the one that is asked now
-- would be handed another's.
local function from_build(getenv, log)
  if not M.in_build(getenv) then return nil end
  local cred, err = from_environment(getenv)
  if cred or err then return cred, err end
  local named = value(getenv, "DOCKER_CREDENTIALS")
  cred, err = credentials.from_nix_file(named or M.nix_file)
  if err and may_pass({ named = named }, err, log) then return nil end
  return cred, err
end

--- Searches all places for a repository's credentials.
---@param ref hocker.Reference
---@param opts hocker.Keyring.Options?
---@return hocker.Credentials? credentials nil alone when there are none
---@return hocker.Error? err "usage", "io", "unauthorized", "interrupted"
function M.find(ref, opts)
  opts = opts or {}
  check_options(opts)
  local getenv = opts.getenv or os.getenv
  local cred, err
  if not opts.named_only then cred, err = from_build(getenv, opts.log) end
  if cred or err then return cred, err end
  for _, place in ipairs(M.places(opts.authfile, getenv)) do
    cred, err = look_into(place, ref)
    if cred or (err and not may_pass(place, err, opts.log)) then return cred, err end
  end
end

return M
