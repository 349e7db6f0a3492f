--- What a registry's errors mean to who asked, and what to do about them.

local complaint = require "hocker.complaint"
local core = require "hocker.core"
local notices = require "hocker.notices"

local M = {}

-- Codes that say, also with a 404, that it is about who asks.
local DENIED = { UNAUTHORIZED = true, DENIED = true }

-- The limit, when it is over, and who has a higher one.
local function advise_waiting(self, err, headers)
  local limit, over = notices.limit(headers), notices.reset(headers)
  local words = { limit and "the limit is " .. limit or "too many requests" }
  if over and not err.message:find("asks to wait", 1, true) then -- the core's own words
    words[2] = "try again " .. over
  end
  if not self.auth.credentials then words[#words + 1] = "a login may raise it" end
  return table.concat(words, "; ")
end

-- Whether it is the client's certificate that is missing or wrong: the core says so of TLS alone
-- (core/err.h has the words), and nginx says it over HTTP, with 400.
local function about_certificate(err, said)
  return err.message:find("the server refuses the client certificate: ", 1, true)
    or err.http == 400 and (said or ""):find("SSL certificate", 1, true)
end

-- What to do about an error.
local function advise(self, err, response)
  if response.status == 429 then return advise_waiting(self, err, response.headers) end
  if err.code == "not_found" then
    return self.ref.tag and "check the name and the tag" or "check the name"
  end
  if err.code ~= "unauthorized" then return nil end
  if self.auth.credentials then
    return "these credentials may not pull it, or it does not exist"
  elseif not err.http then -- hocker.auth has told where credentials may come from
    return "it may be private, or not exist"
  end
  return "it may be private, or not exist: log in, or check the name"
end

-- What OpenSSL says of an answer that is no TLS.
local function advise_scheme(self, err)
  if self.ref.plain_ok or not err.message:find("wrong version number", 1, true) then return nil end
  return ("it may speak plain http: --registry http://%s says that it does"):format(self.ref.host)
end

--- An error that says what was wanted, what the registry answered, and what to do.
---@param self hocker.Registry
---@param what string that was wanted
---@param err hocker.Error
---@param response hocker.Response? the last answer
---@return hocker.Error
function M.explain(self, what, err, response)
  if err.code == "interrupted" or err.policy then return err end
  local said, said_code = complaint.read(response)
  local message = ("%s: %s"):format(what, err.message)
  if said then message = message .. ": " .. said end
  local certificate = about_certificate(err, said)
  if certificate or err.code == "not_found" and said_code and DENIED[said_code:upper()] then
    err = core.error("unauthorized", err.message, { http = err.http })
  end
  local advice = certificate and "give another with --cert and --key, or keep it in certs.d"
    or response and advise(self, err, response) or not response and advise_scheme(self, err)
  if advice then message = ("%s (%s)"):format(message, advice) end
  return core.error(err.code, message, { http = err.http, ref = self.ref })
end

return M
