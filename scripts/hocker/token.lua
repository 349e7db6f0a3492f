--- Asks a token server for a token: distribution's token specification, and the part of OAuth 2 that
--- docker uses. Whether it may be asked, and with what, is hocker.auth's to say.
---
--- A user's password goes by GET, as docker sends it, so there is no token server that does not know
--- that way. An identity or refresh token goes by POST, in the body; servers that know no POST, or
--- none of this token, are asked by GET with the token as a password, as containerd does (docker
--- sends those under the user name "<token>").

local complaint = require "hocker.complaint"
local core = require "hocker.core"
local json = require "hocker.json"
local places = require "hocker.places"

local M = {}

local TOKEN_MAX <const> = 128 * 1024
local LIFETIME <const> = 60 -- seconds; the least that a token is good for by the specification
local LIFETIME_MAX <const> = 10 * 365 * 86400
local CLIENT <const> = "hocker"

-- What a token server without POST, or without OAuth 2, answers to one: 404 was gcr.io's and 405 is
-- what it should be, Artifactory says 401, Azure 400.
local NO_POST <const> = { [400] = true, [401] = true, [404] = true, [405] = true }

---@class hocker.TokenRequest
---@field url string the realm
---@field service string?
---@field scope string
---@field credentials hocker.Credentials? basic or identity
---@field refresh string? a refresh token, which the same realm gave before

---@class hocker.Token
---@field header string the value of Authorization
---@field lifetime number seconds from now
---@field refresh string? gets the next one

-- Seconds; a clock that is not ours, in issued_at, does not count.
local function lifetime_of(reply)
  local seconds = tonumber(reply.expires_in) or 0
  if seconds ~= seconds then seconds = 0 end
  return math.min(math.max(seconds, LIFETIME), LIFETIME_MAX)
end

local function text_of(reply, name)
  local value = reply[name]
  return type(value) == "string" and value ~= "" and value or nil
end

local function read_answer(body)
  local reply, err = json.decode(body, "the token server's answer")
  if err then return nil, err end
  if not json.is_object(reply) then reply = {} end
  local token = text_of(reply, "token") or text_of(reply, "access_token")
  if not token then
    return nil, core.error("protocol", "the token server's answer holds no token")
  end
  local header
  header, err = core.auth.bearer(token)
  if not header then
    return nil, core.error("protocol", "the token server's answer: " .. err.message)
  end
  return {
    header = header, lifetime = lifetime_of(reply), refresh = text_of(reply, "refresh_token"),
  }
end

-- One request; the status of a server's refusal comes third. A redirect is followed as any: credentials stay at
-- the realm's own origin, and what was posted is not sent again.
local function exchange(session, request)
  request.name = "the token server's answer"
  local body, answer, last = session:fetch_text(request, TOKEN_MAX)
  if body then return read_answer(body) end
  if places.is_final(answer) or answer.unanswered then return nil, answer end
  if answer.code ~= "unauthorized" then
    local said = complaint.read(last)
    local code = answer.code == "not_found" and "protocol" or answer.code -- it is no image
    answer = core.error(code, "fetching a token: " .. answer.message
      .. (said and ": " .. said or ""), { http = answer.http })
  end
  return nil, answer, last and last.status
end

-- The realm with what is asked for in its query; how long that gets is for the registry to say.
local function query_url(want, username)
  local url, err = want.url, nil
  local function add(key, value)
    if url and value then url, err = core.url.add_query(url, key, value) end
  end
  add("account", username)
  add("service", want.service)
  for scope in want.scope:gmatch("%S+") do add("scope", scope) end
  if url then return url end
  return nil, core.error("protocol", "the registry's challenge: " .. err.message)
end

local function get(session, want, username, password)
  local authorization, err
  if username then
    authorization, err = core.auth.basic(username, password)
    if not authorization then return nil, err end
  end
  local url
  url, err = query_url(want, username)
  if not url then return nil, err end
  return exchange(session, { url = url, authorization = authorization })
end

local function encode(text)
  return (text:gsub("[^%w._~-]", function(c) return ("%%%02X"):format(c:byte()) end))
end

local function post(session, want, token)
  local fields = { "grant_type=refresh_token" }
  if want.service then fields[#fields + 1] = "service=" .. encode(want.service) end
  fields[#fields + 1] = "client_id=" .. CLIENT
  fields[#fields + 1] = "scope=" .. encode(want.scope)
  fields[#fields + 1] = "refresh_token=" .. encode(token)
  return exchange(session, {
    url = want.url, method = "POST", content_type = "application/x-www-form-urlencoded",
    body = table.concat(fields, "&"),
  })
end

local function by_identity(session, want, cred)
  local token, err, status = post(session, want, cred.token)
  if token or not NO_POST[status] then return token, err end
  return get(session, want, cred.username or "<token>", cred.token)
end

--- Gets a token, from a refresh token if there is one, else from the credentials, else as nobody.
---@param session hocker.Session
---@param want hocker.TokenRequest
---@return hocker.Token? token, hocker.Error? err
function M.get(session, want)
  local cred = want.credentials
  if want.refresh then
    local token, err, status = post(session, want, want.refresh)
    if token then token.refresh = token.refresh or want.refresh end
    if token or not status or status >= 500 then return token, err end
  end
  if cred and cred.kind == "identity" then return by_identity(session, want, cred) end
  if cred then return get(session, want, cred.username, cred.password) end
  return get(session, want)
end

return M
