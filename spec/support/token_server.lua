--- A token server: signs tokens that docker-registry checks, for anybody or for its users.
---
---     local tokens = token_server.start { users = { alice = "secret" } }
---     local reg = registry.start { auth = "token", token = tokens }

local certs = require "support.certs"
local service = require "support.service"

local token_server = {}

---@class support.token_server.Options
---@field users table<string, string>? names and passwords; a user may do anything
---@field anonymous boolean? whether anybody may pull, true by default
---@field private string[]? Lua patterns of repositories that anonymous may not pull
---@field field "token"|"access_token"|"both"|nil what the answer calls the token, "token" by default
---@field expires_in integer|false|nil seconds, 300 by default; false leaves it out (60 then)
---@field refresh_tokens table<string, string>? identity tokens, and the users they stand for
---@field post boolean? whether POST (OAuth 2) is known, true by default
---@field failures integer? how many requests are answered 503 first
---@field tls support.Cert?
---@field port integer?

---@class support.TokenServer: support.Service
---@field service string
---@field issuer string
---@field cert string the certificate that signs: the registry's rootcertbundle
local methods = setmetatable({}, { __index = service.methods })
local mt = { __name = "support.TokenServer", __index = methods }

--- Starts a token server.
---@param opts support.token_server.Options?
---@return support.TokenServer
function token_server.start(opts)
  local signer = certs.authority("rsa")
  local config = { service = "hocker specs", issuer = "hocker token server", cert = signer.cert,
    key = signer.key, users = {}, anonymous = true, private = {}, field = "token",
    expires_in = 300, refresh_tokens = {}, post = true, failures = 0 }
  for name, value in pairs(opts or {}) do
    config[name] = value
  end
  local self = service.start("token_server", config)
  self.service, self.issuer, self.cert = config.service, config.issuer, config.cert
  return setmetatable(self, mt)
end

--- What a challenge names as realm.
---@return string
function methods:realm()
  return self:url() .. "/token"
end

return token_server
