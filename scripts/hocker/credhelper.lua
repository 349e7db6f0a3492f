--- Asks docker's credential helpers: programs docker-credential-NAME that keep secrets for others.
---
--- The protocol: `docker-credential-NAME get`, the server on standard input, and on standard output
--- {"ServerURL", "Username", "Secret"}, or words that say what is wrong and exit status 1. A helper
--- that fails is an error. To go on without it would fetch as nobody in particular, which fails
--- further from the cause, or gives something else than was meant.

local core = require "hocker.core"
local credentials = require "hocker.credentials"
local json = require "hocker.json"
local log = require "hocker.log"

local M = {}

local TIMEOUT <const> = 30 -- seconds; a keychain may ask its user
local OUTPUT_MAX <const> = 64 << 10
local QUOTE_MAX <const> = 200

-- How a helper says that it has nothing for this server.
local NOT_FOUND <const> = "credentials not found in native keychain"

-- What a helper calls the user when the secret is an identity token.
local IDENTITY <const> = "<token>"

-- The first line of a helper's complaint. What looks like an answer may hold a secret.
local function complaint(result)
  local text = result.errors:match("[^\r\n]+")
  if not text and not result.output:find("[{\"]") then text = result.output:match("[^\r\n]+") end
  if not text then return "" end
  text = log.printable(text)
  return ": " .. (#text > QUOTE_MAX and text:sub(1, QUOTE_MAX) .. "..." or text)
end

local function read_answer(program, result, source)
  local answer = json.decode(result.output)
  local user, secret
  if json.is_object(answer) then user, secret = answer.Username, answer.Secret end
  if type(user) ~= "string" or type(secret) ~= "string" then
    return nil, core.error("unauthorized", ("%s of %s gave no answer with a Username and a Secret")
      :format(program, source))
  end
  if user == "" and secret == "" then return nil end
  source = ("%s of %s"):format(program, source)
  if user == IDENTITY then return credentials.identity(secret, source) end
  return credentials.basic(user, secret, source)
end

--- What a helper has for a server.
---@param name string as a file names it
---@param server string
---@param source string the file, for messages
---@return hocker.Credentials? credentials nil alone when it has none
---@return hocker.Error? err "usage"; "io": it can't be run, or takes too long; "unauthorized"; "interrupted"
function M.get(name, server, source)
  if not name:find("^[A-Za-z0-9_.-]+$") then
    return nil, core.error("usage", ("%s: '%s' is no name of a credential helper: letters, " ..
      "digits, '.', '_' and '-'"):format(source, log.printable(name:sub(1, QUOTE_MAX))))
  end
  local program = "docker-credential-" .. name
  local result, err = core.system.run {
    argv = { program, "get" }, input = server, timeout = TIMEOUT, max = OUTPUT_MAX,
  }
  if not result then
    if err.code == "interrupted" then return nil, err end
    return nil, core.error(err.code == "protocol" and "unauthorized" or err.code,
      ("the credential helper that %s names: %s"):format(source, err.message))
  elseif result.status == 0 then
    return read_answer(program, result, source)
  elseif result.output:find(NOT_FOUND, 1, true) then
    return nil
  end
  return nil, core.error("unauthorized", ("%s of %s failed for %s (exit status %d)%s"):format(
    program, source, server, result.status, complaint(result)))
end

return M
