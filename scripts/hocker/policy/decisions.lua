--- The decisions of a fetch that policies are asked for: what each is told, and what becomes of its
--- answers. Facts are plain and hold no secret. An answer may make a fetch stricter, or lead it
--- elsewhere; what is expected (a digest, https, whose credentials go where) is not theirs to change,
--- and verification comes after all of this.
---
--- Who calls these has seen that there are policies: without any, none of this is loaded.

local core = require "hocker.core"
local credentials = require "hocker.credentials"
local platform = require "hocker.platform"
local policy = require "hocker.policy"
local reference = require "hocker.reference"

local M = {}

local function origin(url)
  local parsed = core.url.parse(url)
  return parsed and parsed.origin
end

-- --- a reference -------------------------------------------------------------------------------------

-- Whether what is asked for there can be read on its way.
local function is_plain(uri)
  local url = core.url.parse(uri)
  return url ~= nil and url.scheme == "http" and not url.loopback
end

local function rewritten(ref, answer)
  local name, tag = answer.name, answer.tag or ref.tag
  local digest = answer.digest or ref.digest
  if ref.digest and digest ~= ref.digest then
    return nil, ("the image was asked for by %s, which can't be changed"):format(ref.digest)
  end
  if not (name or answer.tag or answer.digest) then return ref end
  local new, err
  if name and name ~= ref.name then
    new, err = reference.parse { name .. (tag and ":" .. tag or "")
      .. (digest and "@" .. digest or "") }
  else
    new, err = reference.versioned(ref, tag, digest)
  end
  return new, err and err.message
end

-- A mirror that anybody on the way can read, or change a tag of, is no better than the registry.
local function check_mirrors(asked, uris, insecure)
  local plain_already = asked.api:find("^http:") or insecure
  for _, uri in ipairs(uris) do
    local _, err = reference.at_mirror(asked, uri)
    if err then return err.message end
    if is_plain(uri) and not plain_already then
      return ("the mirror %s is plain http"):format(core.url.redact(uri))
    end
  end
end

-- The user's mirrors. Of a URI that is none it is not known what is secret, so it is told to nobody.
local function mirrors_of(ref, find)
  local uris = find(ref)
  for _, uri in ipairs(uris) do
    local _, err = reference.at_mirror(ref, uri)
    if err then return nil, err end
  end
  return uris
end

local function reference_facts(ref, mirrors)
  return {
    reference = tostring(ref), name = ref.name, host = ref.host, path = ref.path, tag = ref.tag,
    digest = ref.digest, registry = core.url.redact(ref.api), mirrors = mirrors, layouts = {},
  }
end

---@class hocker.Resolved
---@field ref hocker.Reference
---@field mirrors string[] URIs
---@field layouts string[] paths of OCI layouts that are looked into first

--- Which image is meant, and where it is looked for.
---@param policies hocker.Policies
---@param ref hocker.Reference
---@param opts { mirrors: (fun(ref: hocker.Reference): string[]), insecure: boolean?, log: hocker.Log? }
---@return hocker.Resolved? resolved, hocker.Error? err
function M.resolve(policies, ref, opts)
  local mirrors, err = mirrors_of(ref, opts.mirrors)
  if not mirrors then return nil, err end
  local found = { ref = ref, mirrors = mirrors, layouts = {} }
  local facts = reference_facts(ref, mirrors)
  local ok
  ok, err = policies:ask("resolve", facts, function(answer, one)
    local new, why = rewritten(found.ref, answer)
    if not new then return policy.rejected(one, why) end
    why = answer.mirrors and check_mirrors(new, answer.mirrors, opts.insecure)
    if why then return policy.rejected(one, why) end
    if new.name ~= found.ref.name and not answer.mirrors then
      found.mirrors, err = mirrors_of(new, opts.mirrors)
      if err then return err end
    end
    found.ref, found.mirrors = new, answer.mirrors or found.mirrors
    found.layouts = answer.layouts or found.layouts
    for key in pairs(facts) do facts[key] = nil end
    for key, value in pairs(reference_facts(new, found.mirrors)) do facts[key] = value end
    facts.layouts = found.layouts
  end, { log = opts.log })
  if not ok then return nil, err end
  return found
end

-- --- credentials -------------------------------------------------------------------------------------

local function made_credentials(answer, one)
  local source = ("policy '%s'"):format(one.name)
  local kinds = 0
  for _, key in ipairs { "none", "token", "identity", "password" } do
    if answer[key] then kinds = kinds + 1 end
  end
  if kinds ~= 1 or answer.username and not (answer.password or answer.identity)
    or answer.password and not answer.username then
    return nil, "credentials are none, a token, an identity, or a username and a password"
  end
  if answer.none then return nil end
  local cred, err
  if answer.token then cred, err = credentials.bearer(answer.token, source)
  elseif answer.identity then
    cred, err = credentials.identity(answer.identity, source, answer.username)
  else
    cred, err = credentials.basic(answer.username, answer.password, source)
  end
  return cred, err and err.message
end

--- Who asks a registry, or a mirror. Where the credentials may go is hocker.auth's to say all the same.
---@param policies hocker.Policies
---@param ref hocker.Reference there
---@param cred hocker.Credentials? that were found
---@param opts { mirror: boolean, log: hocker.Log? }
---@return hocker.Credentials? credentials, hocker.Error? err
function M.credentials(policies, ref, cred, opts)
  local facts = { origin = origin(ref.api), host = ref.host, repository = ref.path,
    mirror = opts.mirror, kind = cred and cred.kind, source = cred and cred.source }
  local chosen = cred
  local ok, err = policies:ask("credentials", facts, function(answer, one)
    local new, why = made_credentials(answer, one)
    if why then return policy.rejected(one, why) end
    chosen, facts.kind, facts.source = new, new and new.kind, new and new.source
  end, { log = opts.log })
  if not ok then return nil, err end
  return chosen
end

-- --- one exchange ------------------------------------------------------------------------------------

local function live(session)
  return { session = session, log = session.log }
end

local function exchange_facts(request, more)
  more.url, more.origin = core.url.redact(request.url), origin(request.url)
  more.method = request.method or "GET"
  return more
end

--- Before a request.
---@param session hocker.Session
---@param request hocker.Fetch
---@return integer? retries, hocker.Error? err
function M.request(session, request)
  local retries = request.retries or session.retries
  local range = request.range
  local facts = exchange_facts(request, { retries = retries,
    range = range and { first = range.first, last = range.last } })
  local ok, err = session.policies:ask("request", facts, function(answer)
    facts.retries = math.min(facts.retries, answer.retries or facts.retries)
  end, live(session))
  if not ok then return nil, err end
  return facts.retries
end

--- Before a redirect is followed; the core has seen that https is not left.
---@param session hocker.Session
---@param request hocker.Fetch
---@param target string
---@return true? ok, hocker.Error? err
function M.redirect(session, request, target)
  local facts = exchange_facts(request, { target = core.url.redact(target),
    target_origin = origin(target), same_origin = core.url.same_origin(request.url, target) })
  return session.policies:ask("redirect", facts, nil, live(session))
end

--- Before a challenge is answered.
---@param session hocker.Session
---@param request hocker.Fetch
---@param response hocker.Response
---@return boolean? answer, hocker.Error? err
function M.challenge(session, request, response)
  local list, cred = {}, request.auth and request.auth.credentials
  for i, challenge in ipairs(core.auth.challenges(response.challenges) or {}) do
    local params = challenge.params
    local realm = params.realm
    if realm and challenge.scheme == "bearer" then realm = core.url.redact(realm) end
    list[i] = { scheme = challenge.scheme, realm = realm, service = params.service,
      scope = params.scope, error = params.error }
  end
  local facts = exchange_facts(request, { status = response.status, challenges = list,
    kind = cred and cred.kind, source = cred and cred.source })
  local answer = true
  local ok, err = session.policies:ask("challenge", facts, function(given)
    if given.answer == false then answer = false end
  end, live(session))
  if not ok then return nil, err end
  return answer
end

--- Before a failure is tried again, after so many seconds: at least those that the core wants.
---@param session hocker.Session
---@param request hocker.Fetch
---@param failure { err: hocker.Error, count: integer, seconds: number }
---@return number|false|nil seconds false: give up, hocker.Error? err
function M.retry(session, request, failure)
  local facts = exchange_facts(request, { error = failure.err.message, code = failure.err.code,
    status = failure.err.http, failures = failure.count, seconds = failure.seconds })
  local give_up = false
  local ok, err = session.policies:ask("retry", facts, function(answer)
    give_up = give_up or answer.give_up == true
    facts.seconds = math.max(facts.seconds, answer.seconds or 0)
  end, live(session))
  if not ok then return nil, err end
  return not give_up and facts.seconds
end

-- --- what a repository has ---------------------------------------------------------------------------

local function live_registry(registry)
  return { session = registry.session, registry = registry, log = registry.log }
end

local function describe(descriptor)
  return { digest = descriptor.digest, size = descriptor.size, media_type = descriptor.mediaType,
    platform = descriptor.platform and platform.format(descriptor.platform),
    artifact_type = descriptor.artifactType, annotations = descriptor.annotations }
end

local function describe_all(descriptors)
  local list = {}
  for i, descriptor in ipairs(descriptors) do list[i] = describe(descriptor) end
  return list
end

local function name_facts(registry, more)
  more.reference, more.name, more.tag = tostring(registry.ref), registry.ref.name, registry.ref.tag
  return more
end

--- Which image of an index is taken.
---@param registry hocker.Registry
---@param index hocker.Manifest
---@param want hocker.Platform
---@return hocker.Platform? want, hocker.Error? err
function M.platform(registry, index, want)
  local names = {}
  for i, one in ipairs(platform.list(index.manifests)) do names[i] = platform.format(one) end
  local facts = name_facts(registry, { digest = index.digest, platform = platform.format(want),
    platforms = names })
  local chosen = want
  local ok, err = registry.session.policies:ask("platform", facts, function(answer, one)
    local new, why = platform.parse(answer.platform, want)
    if not new then return policy.rejected(one, why.message) end
    chosen, facts.platform = new, platform.format(new)
  end, live_registry(registry))
  if not ok then return nil, err end
  return chosen
end

--- Whether a manifest or an index is accepted. It is what its digest says.
---@param registry hocker.Registry
---@param document hocker.Manifest
---@param which string? the digest that it was asked for by, if not by the reference
---@return true? ok, hocker.Error? err
function M.manifest(registry, document, which)
  local facts = name_facts(registry, {
    digest = document.digest, kind = document.kind, media_type = document.media_type,
    bytes = document.bytes, named = which == nil, annotations = document.annotations,
    artifact_type = document.artifact_type,
  })
  if document.kind == "image" then
    facts.size = document.content_size
    facts.config, facts.layers = describe(document.config), describe_all(document.layers)
  else
    facts.manifests = describe_all(document.manifests)
  end
  return registry.session.policies:ask("manifest", facts, nil, live_registry(registry))
end

--- Whether a blob is fetched: a layer, or a configuration.
---@param registry hocker.Registry
---@param descriptor { digest: string, size: integer? }
---@param kind string
---@return integer|false|nil max most bytes of it; false: whatever is promised, hocker.Error? err
function M.layer(registry, descriptor, kind)
  local facts = name_facts(registry, describe(descriptor))
  facts.kind = kind
  if descriptor.urls then
    facts.urls = {}
    for i, url in ipairs(descriptor.urls) do facts.urls[i] = core.url.redact(url) end
  end
  local ok, err = registry.session.policies:ask("layer", facts, function(answer, one)
    local max = answer.max
    if max and descriptor.size and descriptor.size > max then
      return policy.rejected(one, ("%s %s has %d bytes, more than %d"):format(kind,
        descriptor.digest, descriptor.size, max))
    end
    facts.max = max and math.min(max, facts.max or max) or facts.max
  end, live_registry(registry))
  if not ok then return nil, err end
  return facts.max or false
end

--- Whether an image that is there, whole and verified, gets its name.
---@param registry hocker.Registry
---@param image hocker.Image
---@return true? ok, hocker.Error? err
function M.image(registry, image)
  local facts = name_facts(registry, {
    digest = image.manifest.digest, index = image.index and image.index.digest,
    platform = image.platform and platform.format(image.platform),
    size = image.manifest.content_size, layers = describe_all(image.manifest.layers),
    config = describe(image.manifest.config), annotations = image.manifest.annotations,
  })
  return registry.session.policies:ask("image", facts, nil, live_registry(registry))
end

return M
