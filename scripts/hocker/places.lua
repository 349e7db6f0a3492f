--- The places that have a repository, its mirrors and the registry itself: which is asked, and how it is
--- spoken to.

local core = require "hocker.core"

local M = {}

-- Codes of errors that are not a place's fault.
local OURS <const> = { interrupted = true, io = true }

--- Whether an error is no better elsewhere, or in another way: ours, or what a policy says.
---@param err hocker.Error
---@return boolean
function M.is_final(err)
  return OURS[err.code] or err.policy ~= nil
end

local function pass_over(self, mirror, err, response)
  if err.code == "network" and not response then mirror.dead = true end
  if not self.log then return end
  local say = err.code == "verification" and self.log.warn or self.log.debug
  say(self.log, ("mirror %s passed over: %s"):format(mirror.ref.host, err.message))
end

--- Asks one place, as nobody in particular where that may do; and again if the place would rather know.
---@param place hocker.Registry.Place
---@param attempt fun(place: hocker.Registry.Place): any, hocker.Error?, hocker.Response?
---@return any result, hocker.Error? err, hocker.Response? last
function M.ask(place, attempt)
  local result, err, response = attempt(place)
  if result or err.policy then return result, err, response end
  local again, problem = place.auth:ask_anyway(response)
  if again then return attempt(place) end
  if problem and problem.policy then return nil, problem end
  if problem then
    err = core.error(problem.code, ("%s: %s"):format(tostring(place.ref), problem.message),
      { ref = place.ref })
  end
  return nil, err, response
end

--- Asks the mirrors in their order, then the registry itself, whose error counts.
---@param self hocker.Registry
---@param attempt fun(place: hocker.Registry.Place): any, hocker.Error?, hocker.Response?
---@return any result, hocker.Error? err, hocker.Response? last
function M.anywhere(self, attempt)
  for _, mirror in ipairs(self.mirrors) do
    if not mirror.dead then
      local result, err, response = M.ask(mirror, attempt)
      if result or M.is_final(err) then return result, err end
      pass_over(self, mirror, err, response)
    end
  end
  return M.ask(self, attempt)
end

--- A mirror of many registries tells them apart by this parameter, as containerd sends it.
---@param place hocker.Registry.Place
---@param url string
---@return string
function M.url(place, url)
  if not place.namespace then return url end
  return core.url.add_query(url, "ns", place.namespace)
end

-- --- plain http ------------------------------------------------------------------------------------

-- A certificate that is not trusted is one: its server speaks TLS (core/err.h has the words).
local function untrusted(err)
  return err.message:find("the server's certificate is not trusted: ", 1, true) ~= nil
end

--- A registry of this machine that was named without a scheme may speak plain http: https is tried
--- first, and a server that does not speak TLS is believed, as docker does. Another host is with
--- --insecure alone, and that is said.
---@param place hocker.Registry.Place
---@param attempt fun(retries: integer): any, hocker.Error?, hocker.Response?
---@return any result, hocker.Error? err, hocker.Response? last
function M.with_scheme(place, attempt)
  local ref = place.ref
  if not ref.plain_ok then return attempt(place.retries) end
  local result, err, response = attempt(0)
  if result or response or err.policy or err.code ~= "network" or untrusted(err) then
    ref.plain_ok = false
    return result, err, response
  end
  local tls_api, tls_err = ref.api, err
  ref.api, ref.plain_ok = ref.api:gsub("^https:", "http:"), false
  result, err, response = attempt(place.retries)
  if result then
    ref.registry = ref.api
    if place.log and not core.url.parse(ref.api).loopback then
      place.log:warn(ref.host .. " speaks plain http")
    end
    return result, err
  end
  -- 400 is what servers that speak TLS, but not with us, say to plain http.
  if not response or response.status == 400 then ref.api = tls_api end
  if response and response.status == 400 then return nil, tls_err end
  return nil, err, response
end

--- For a blob that is fetched before any document: its sink can't be tried twice, so a request
--- without one finds the scheme out.
---@param session hocker.Session
---@param place hocker.Registry.Place
---@return true? ok, hocker.Error? err that is final
function M.settle_scheme(session, place)
  if not place.ref.plain_ok then return true end
  local _, err = M.with_scheme(place, function()
    return session:fetch { url = place.ref.api, redirects = false, retries = 0 }
  end)
  if err and M.is_final(err) then return nil, err end
  return true
end

return M
