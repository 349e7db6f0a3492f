--- Credentials, and those that a user gives by hand: with flags, or in a file that flags point
--- to. Those that are kept somewhere are found by hocker.keyring.
---
--- A secret stays in its field: no message holds one, and printing the object shows where it
--- came from.

local core = require "hocker.core"

---@class hocker.Credentials
---@field kind "basic"|"bearer"|"identity" a user's password, a token for the registry, or one for its token server
---@field username string? basic; of an identity where it is known
---@field password string? basic
---@field token string? bearer, identity
---@field source string where they come from, for messages
local mt = { __name = "hocker.Credentials" }

function mt:__tostring()
  if self.kind == "bearer" then return "the token of " .. self.source end
  if self.kind == "identity" then return "the identity token of " .. self.source end
  return ("user '%s' (%s)"):format(self.username, self.source)
end

local M = {}

local SIZE_MAX <const> = 64 << 10 -- registry tokens reach some KiB

local function usage(message, ...)
  return nil, core.error("usage", message:format(...))
end

-- A header cannot carry these, and a line cannot be meant to.
local function has_control(text)
  return text:find("[\0-\31\127]") ~= nil
end

--- Basic credentials. RFC 7617 separates the two by the first ":".
---@param username string
---@param password string
---@param source string
---@return hocker.Credentials? credentials, hocker.Error? err "usage"
function M.basic(username, password, source)
  local fault = username == "" and "the user name is empty"
    or password == "" and "the password is empty"
    or username:find(":", 1, true) and "the user name has a ':'"
    or has_control(username) and "there is a control character in the user name"
    or password:find("\0", 1, true) and "there is a zero byte in the password"
  if fault then return usage("credentials from %s: %s", source, fault) end
  return setmetatable({ kind = "basic", username = username, password = password,
    source = source }, mt)
end

local function of_token(kind, token, source)
  local fault = token == "" and "the token is empty"
    or token:find("[^\33-\126]") and "the token has a space or a character that is not ASCII"
  if fault then return usage("credentials from %s: %s", source, fault) end
  return setmetatable({ kind = kind, token = token, source = source }, mt)
end

--- A token that the registry takes as it is.
---@param token string
---@param source string
---@return hocker.Credentials? credentials, hocker.Error? err "usage"
function M.bearer(token, source)
  return of_token("bearer", token, source)
end

--- A token that the registry's token server gives other tokens for (OAuth 2's refresh token).
---@param token string
---@param source string
---@param username string?
---@return hocker.Credentials? credentials, hocker.Error? err "usage"
function M.identity(token, source, username)
  local cred, err = of_token("identity", token, source)
  if cred and username ~= "" then cred.username = username end
  return cred, err
end

-- Files ------------------------------------------------------------------------------------

--- Reads a whole file that holds secrets.
---@param path string
---@param what string what it is, for messages: "credentials file"
---@param max integer most bytes
---@return string? text
---@return hocker.Error? err "io" with `sys`, "usage"
function M.read(path, what, max)
  local file, message, sys = io.open(path, "rb")
  if not file then
    local why = message:gsub("^.*: ", "")
    return nil, core.error("io", ("%s %s: %s"):format(what, path, why), { sys = sys })
  end
  local text
  text, message, sys = file:read(max + 1)
  file:close()
  if message then
    return nil, core.error("io", ("%s %s: %s"):format(what, path, message), { sys = sys })
  end
  if text and #text > max then
    return usage("%s %s: has more than %d bytes", what, path, max)
  end
  return text or ""
end

local KEYS <const> = { USERNAME = true, PASSWORD = true, BEARER_TOKEN = true }
local NIX_KEYS <const> = { DOCKER_USER = true, DOCKER_PASS = true, DOCKER_TOKEN = true }

--- Lines KEY=VALUE as a table. A line that is wrong is named by its number only: it may be a
--- part of a secret.
local function read_lines(text, source)
  local found, number = {}, 0
  for line in (text .. "\n"):gmatch("(.-)\r?\n") do
    number = number + 1
    local key, value = line:match("^([^=]*)=(.*)$")
    if key and KEYS[key] then
      if found[key] then return usage("%s: line %d: %s is there twice", source, number, key) end
      found[key] = value
    elseif line ~= "" then
      return usage("%s: line %d: begins with none of USERNAME=, PASSWORD= and BEARER_TOKEN=",
        source, number)
    end
  end
  return found
end

--- Reads a credentials file: two lines USERNAME=... and PASSWORD=... in any order, or one line
--- BEARER_TOKEN=... . A value is all that follows the first "=". Empty lines and CRs at the ends
--- of lines are passed over; anything else is refused.
---@param path string
---@return hocker.Credentials? credentials
---@return hocker.Error? err "io", "usage"
function M.from_file(path)
  local text, err = M.read(path, "credentials file", SIZE_MAX)
  if not text then return nil, err end
  local source = "credentials file " .. path
  local found
  found, err = read_lines(text, source)
  if not found then return nil, err end
  local username, password, token = found.USERNAME, found.PASSWORD, found.BEARER_TOKEN
  if token and not username and not password then
    return M.bearer(token, path)
  elseif username and password and not token then
    return M.basic(username, password, path)
  end
  return usage("%s: needs USERNAME= and PASSWORD= lines, or one BEARER_TOKEN= line", source)
end

--- Reads a file of credentials for Nix builds, as nixpkgs' fetchdocker has them: a line
--- DOCKER_TOKEN=..., or lines DOCKER_USER=... and DOCKER_PASS=... . Other lines are passed over.
---@param path string
---@return hocker.Credentials? credentials
---@return hocker.Error? err "io" with `sys`, "usage"
function M.from_nix_file(path)
  local text, err = M.read(path, "credentials file", SIZE_MAX)
  if not text then return nil, err end
  local found = {}
  for line in text:gmatch("[^\r\n]+") do
    local key, value = line:match("^([^=]*)=(.*)$")
    if NIX_KEYS[key] then found[key] = value end
  end
  if found.DOCKER_TOKEN then return M.bearer(found.DOCKER_TOKEN, path) end
  if found.DOCKER_USER and found.DOCKER_PASS then
    return M.basic(found.DOCKER_USER, found.DOCKER_PASS, path)
  end
  return usage("credentials file %s: needs DOCKER_USER= and DOCKER_PASS= lines, or DOCKER_TOKEN=",
    path)
end

-- Flags ------------------------------------------------------------------------------------

---@class hocker.CredentialFlags
---@field username string?
---@field password string?
---@field password_stdin boolean?
---@field token string?
---@field credentials_file string?

local FLAGS <const> = {
  username = "string", password = "string", password_stdin = "boolean", token = "string",
  credentials_file = "string",
}

local function check_flags(flags)
  for name, value in pairs(flags) do
    if not FLAGS[name] then
      error(("credentials.from_flags: unknown flag '%s'"):format(tostring(name)), 3)
    elseif type(value) ~= FLAGS[name] then
      error(("credentials.from_flags: %s must be a %s"):format(name, FLAGS[name]), 3)
    end
  end
end

--- The password is all of the input but for one newline at its end.
local function read_password(input)
  local text = input:read(SIZE_MAX + 1)
  if not text then return usage("--password-stdin: nothing came on standard input") end
  if #text > SIZE_MAX then return usage("--password-stdin: more than %d bytes", SIZE_MAX) end
  return (text:gsub("\r?\n$", ""))
end

local function from_basic_flags(flags, input)
  if flags.password and flags.password_stdin then
    return usage("--password and --password-stdin exclude each other")
  elseif not flags.username then
    return usage("--password and --password-stdin need --username")
  elseif flags.password then
    return M.basic(flags.username, flags.password, "--username and --password")
  elseif not flags.password_stdin then
    return usage("--username needs --password-stdin or --password")
  end
  local password, err = read_password(input)
  if not password then return nil, err end
  return M.basic(flags.username, password, "--username and --password-stdin")
end

--- Credentials from the command line: a user name and a password, or a token, or a file.
---@param flags hocker.CredentialFlags
---@param input file*? where --password-stdin reads; standard input
---@return hocker.Credentials? credentials nil alone when no flag is given
---@return hocker.Error? err "usage", "io"
function M.from_flags(flags, input)
  check_flags(flags)
  local named = (flags.username or flags.password or flags.password_stdin) and true
  local given = {}
  if named then given[#given + 1] = "--username" end
  if flags.token then given[#given + 1] = "--token" end
  if flags.credentials_file then given[#given + 1] = "--credentials-file" end
  if #given == 0 then return nil end
  if #given > 1 then return usage("%s exclude each other", table.concat(given, " and ")) end
  if flags.token then return M.bearer(flags.token, "--token") end
  if flags.credentials_file then return M.from_file(flags.credentials_file) end
  return from_basic_flags(flags, input or io.stdin)
end

return M
