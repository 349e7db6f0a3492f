--- Credentials that a user gives by hand: with flags, or in a file that flags point to.
---
--- A secret stays in its field: no message holds one, and printing the object shows where it
--- came from.

local core = require "hocker.core"

---@class hocker.Credentials
---@field kind "basic"|"bearer"
---@field username string? basic
---@field password string? basic
---@field token string? bearer
---@field source string where they come from, for messages
local mt = { __name = "hocker.Credentials" }

function mt:__tostring()
  if self.kind == "bearer" then return "the token of " .. self.source end
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
local function basic(username, password, source)
  local fault = username == "" and "the user name is empty"
    or password == "" and "the password is empty"
    or username:find(":", 1, true) and "the user name has a ':'"
    or has_control(username) and "there is a control character in the user name"
    or password:find("\0", 1, true) and "there is a zero byte in the password"
  if fault then return usage("credentials from %s: %s", source, fault) end
  return setmetatable({ kind = "basic", username = username, password = password,
    source = source }, mt)
end

local function bearer(token, source)
  local fault = token == "" and "the token is empty"
    or token:find("[^\33-\126]") and "the token has a space or a character that is not ASCII"
  if fault then return usage("credentials from %s: %s", source, fault) end
  return setmetatable({ kind = "bearer", token = token, source = source }, mt)
end

-- Files ------------------------------------------------------------------------------------

local function read_all(path)
  local file, message, sys = io.open(path, "rb")
  if not file then
    local why = message:gsub("^.*: ", "")
    return nil, core.error("io", ("credentials file %s: %s"):format(path, why), { sys = sys })
  end
  local text
  text, message, sys = file:read(SIZE_MAX + 1)
  file:close()
  if message then
    return nil, core.error("io", ("credentials file %s: %s"):format(path, message), { sys = sys })
  end
  if text and #text > SIZE_MAX then
    return usage("credentials file %s: has more than %d bytes", path, SIZE_MAX)
  end
  return text or ""
end

local KEYS <const> = { USERNAME = true, PASSWORD = true, BEARER_TOKEN = true }

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
  local text, err = read_all(path)
  if not text then return nil, err end
  local source = "credentials file " .. path
  local found
  found, err = read_lines(text, source)
  if not found then return nil, err end
  local username, password, token = found.USERNAME, found.PASSWORD, found.BEARER_TOKEN
  if token and not username and not password then
    return bearer(token, path)
  elseif username and password and not token then
    return basic(username, password, path)
  end
  return usage("%s: needs USERNAME= and PASSWORD= lines, or one BEARER_TOKEN= line", source)
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
    return basic(flags.username, flags.password, "--username and --password")
  elseif not flags.password_stdin then
    return usage("--username needs --password-stdin or --password")
  end
  local password, err = read_password(input)
  if not password then return nil, err end
  return basic(flags.username, password, "--username and --password-stdin")
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
  if flags.token then return bearer(flags.token, "--token") end
  if flags.credentials_file then return M.from_file(flags.credentials_file) end
  return from_basic_flags(flags, input or io.stdin)
end

return M
