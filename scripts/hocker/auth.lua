--- Answers a registry's challenges for one repository: which credentials go to whom.
---
--- The rules (docker's token authentication; RFC 6750, RFC 7617; the advisories on realms that
--- steal credentials, CVE-2020-15157 and its kin):
---  * A token that the user gave is sent to the registry as it is.
---  * A Bearer challenge is answered with a token from its realm. User name and password, or an
---    identity token, go there only if the realm belongs to the registry: same host, same
---    registrable domain, a pair that is known, or one that is configured. Any other realm is
---    asked without them.
---  * A Basic challenge is answered to the registry itself.
---  * Nothing secret goes over plain http, unless to this machine or when told so.
---
--- All requests of a repository share one token. When it is refused or over, one of them gets the
--- next, and the others wait for that.

local core = require "hocker.core"
local keyring = require "hocker.keyring"
local token = require "hocker.token"

local M = {}

---@class hocker.Auth
---@field session hocker.Session
---@field ref hocker.Reference
---@field credentials hocker.Credentials?
---@field realms string[] hosts of token servers that are trusted beside the registry's own
---@field insecure boolean
---@field header string? what the registry took last
---@field expires number? when `header` is over, by our clock
---@field asked string? the scope that `header` is for
---@field pinged boolean? by ask_anyway
---@field refresh { realm: string, token: string }? gets the next token, from that realm only
local methods = {}
local mt = { __name = "hocker.Auth", __index = methods }

local RENEW_EARLY = 5 -- seconds
local ANSWERS_MAX = 3 -- of one request, none of which got further

-- Registries whose realm lies in another domain, and is theirs.
local KNOWN_REALMS = { ["registry-1.docker.io"] = "auth.docker.io" }

---@param opts { session: hocker.Session, ref: hocker.Reference, credentials: hocker.Credentials?, realms: string[]?, insecure: boolean? }
---@return hocker.Auth
function M.new(opts)
  return setmetatable({
    session = opts.session, ref = opts.ref, credentials = opts.credentials,
    realms = opts.realms or {}, insecure = opts.insecure or false,
  }, mt)
end

local function unauthorized(message)
  return core.error("unauthorized", message)
end

-- Refuses to send a secret where others can read it.
local function check_secure(self, url)
  local parsed, err = core.url.parse(url)
  if not parsed then return nil, err end
  if parsed.scheme == "https" or parsed.loopback or self.insecure then return parsed end
  return nil, core.error("usage", ("credentials are not sent over plain http to %s; use https, " ..
    "or --insecure if that network is yours"):format(parsed.host))
end

--- The header to begin a request with, if one is known to be good.
---@return string? authorization
function methods:current()
  if self.header and self.expires and core.system.clock() > self.expires then self.header = nil end
  if self.header then return self.header end
  local cred = self.credentials
  if cred and cred.kind == "bearer" and check_secure(self, self.ref.api) then
    return core.auth.bearer(cred.token)
  end
end

-- --- the token of a realm ----------------------------------------------------------------------

-- Whether user name and password may go to the realm.
local function realm_is_trusted(self, registry_host, realm)
  for _, host in ipairs(self.realms) do
    if host == realm.host then return true end
  end
  return core.url.same_site(registry_host, realm.host) or KNOWN_REALMS[registry_host] == realm.host
end

-- The realm's URL and, where they may go there, the credentials for it.
local function check_realm(self, challenge, base)
  local text = challenge.params.realm
  if not text or text == "" then
    return nil, core.error("protocol", "the registry's challenge names no realm")
  end
  local url, err = core.url.join(base, text)
  if not url then return nil, err end
  local realm
  realm, err = core.url.parse(url)
  if not realm then return nil, err end
  local registry = assert(core.url.parse(base))
  if realm.userinfo or (registry.scheme == "https" and realm.scheme ~= "https") then
    return nil, core.error("refused", "the registry's realm is not safe: " .. core.url.redact(url))
  end
  return url, realm_is_trusted(self, registry.host, realm) and self.credentials or nil, realm
end

-- Where credentials may come from. Nobody gives options to the fetchers of a Nix build.
local function places()
  if not keyring.in_build(os.getenv) then
    return "try --username and --password-stdin, --token, --authfile or docker login"
  end
  return ("a Nix build has those of a staticCredentialsFile, of %s, or of $DOCKER_USER and "
    .. "$DOCKER_PASS, which the Nix daemon must have"):format(keyring.nix_file)
end

-- What to tell the user when a realm, or the registry, said no.
local function refusal(self, who, given)
  local cred = self.credentials
  if not cred then
    return unauthorized(("%s wants credentials and none were found: %s; or check the name")
      :format(who, places()))
  elseif not given then
    return unauthorized(("%s wants credentials, but %s does not belong to the registry %s, so " ..
      "it was asked without those of %s; 'realms' in config.lua can say that it does")
      :format(who, who, self.ref.host, cred.source))
  end
  return unauthorized(("%s refused %s"):format(who, tostring(cred)))
end

-- A refresh token goes back to where it came from, and nowhere else.
local function refresh_for(self, url)
  local refresh = self.refresh
  self.refresh = nil
  return refresh and refresh.realm == url and refresh.token or nil
end

-- A parameter that is empty says as much as one that is missing.
local function filled(text)
  return text ~= "" and text or nil
end

local function fetch_token(self, challenge, base)
  local url, cred, realm = check_realm(self, challenge, base)
  if not url then return nil, cred end
  local safe, err = check_secure(self, url)
  if cred and not safe then return nil, err end
  local scope = filled(challenge.params.scope) or self.ref:scope()
  local got, problem = token.get(self.session, {
    url = url, service = filled(challenge.params.service), scope = scope, credentials = cred,
    refresh = safe and refresh_for(self, url),
  })
  if not got then
    if problem.code ~= "unauthorized" then return nil, problem end
    return nil, refusal(self, "the token server " .. realm.host, cred)
  end
  self.expires = core.system.clock() + got.lifetime - RENEW_EARLY
  self.asked = scope
  self.refresh = got.refresh and { realm = url, token = got.refresh } or nil
  return got.header
end

-- --- challenges ------------------------------------------------------------------------------

local function pick(challenges, scheme)
  for _, challenge in ipairs(challenges) do
    if challenge.scheme == scheme then return challenge end
  end
end

-- The challenges of the ping, by which docker begins.
local function ping(self)
  local _, err, response = self.session:fetch({ url = self.ref.api, redirects = false })
  if err and (err.policy or err.unanswered) then return nil, err end
  return core.auth.challenges(response and response.challenges or {})
end

-- The challenges of a response; some registries send them on the ping alone.
local function read_challenges(self, response)
  local list, err = core.auth.challenges(response.challenges)
  if not list then return nil, err end
  if #list > 0 then return list end
  return ping(self)
end

local function answer_basic(self)
  local cred = self.credentials
  if not cred then return nil, refusal(self, "the registry " .. self.ref.host) end
  if cred.kind ~= "basic" then
    return nil, unauthorized(("the registry %s wants a user name and a password, not %s"):format(
      self.ref.host, tostring(cred)))
  end
  local safe, err = check_secure(self, self.ref.api)
  if not safe then return nil, err end
  self.expires = nil
  return core.auth.basic(cred.username, cred.password)
end

local function new_header(self, challenges, base)
  local bearer, basic = pick(challenges, "bearer"), pick(challenges, "basic")
  if bearer then return fetch_token(self, bearer, base) end
  if basic then return answer_basic(self) end
  return nil, unauthorized("the registry says 401 and offers no way to authenticate that is " ..
    "known (Bearer, Basic)")
end

-- The scope that a challenge says the token lacks, if that is another than was asked for (RFC 6750
-- section 3.1).
local function lacking_scope(self, challenges)
  local bearer = pick(challenges, "bearer")
  local params = bearer and bearer.params or {}
  return params.error == "insufficient_scope" and params.scope ~= self.asked and params.scope or nil
end

-- Replaces the header that was sent. Requests that run at the same time share this work.
local function renew(self, response, state)
  local challenges, err = read_challenges(self, response)
  if not challenges then return nil, err end
  local again = state.answers > 1 or (state.sent and state.sent:find("^Basic "))
  local lacking = lacking_scope(self, challenges)
  if response.status == 403 and not lacking then return nil end
  if again and not lacking then
    return nil, refusal(self, "the registry " .. self.ref.host, self.credentials)
  end
  local header
  header, err = new_header(self, challenges, response.url)
  self.header = header
  return header, err
end

--- Answers a 401, or a 403 that comes with a challenge. A header that another request got meanwhile
--- is used; one that was refused just now is replaced, once a request, and once more if the
--- registry says that its scope was too small. For a 403 that asks for nothing, there is neither.
---@param response hocker.Response
---@param state { sent: string?, answers: integer } of the request
---@return string? authorization, hocker.Error? err
function methods:answer(response, state)
  local cred = self.credentials
  state.answers = state.answers + 1
  if cred and cred.kind == "bearer" then
    local safe, err = check_secure(self, self.ref.api)
    if not safe then return nil, err end
    if response.status == 403 then return nil end
    return nil, refusal(self, "the registry " .. self.ref.host, cred)
  end
  if self.header and self.header ~= state.sent then return self.header end
  if state.answers >= ANSWERS_MAX then
    return nil, refusal(self, "the registry " .. self.ref.host, cred)
  end
  return self.session:once(self, function() return renew(self, response, state) end)
end

-- Whether a refusal may be one of who asks, although it comes without a challenge: registries that let
-- anybody read answer so for what is private. Where nobody could be told from another, 404 is the truth.
local function may_be_hidden(self, response)
  local cred = self.credentials
  if self.header or self.pinged or cred and cred.kind == "bearer" then return false end
  return response.status == 403 or cred ~= nil and response.status == 404
end

--- After a refusal of a request that said nothing of who asks: whether it is worth another try, because
--- the registry's ping has a challenge, and that is answered now. Asks once.
---@param response hocker.Response?
---@return string? authorization for that try; those that wait for an answer get it too
---@return hocker.Error? err why the credentials are no answer
function methods:ask_anyway(response)
  if not response or not may_be_hidden(self, response) then return nil end
  return self.session:once(self, function()
    local challenges, err = ping(self)
    if challenges and #challenges > 0 then
      self.header, err = new_header(self, challenges, self.ref.api)
    end
    self.pinged = true
    local tell = err and (self.credentials or err.policy)
    return self.header, tell and err or nil
  end)
end

return M
