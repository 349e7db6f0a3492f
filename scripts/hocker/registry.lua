--- One repository of a registry: its manifests, and its blobs by digest.
---
--- What comes out of here is verified: by the core while it streams (blobs), by hocker.manifest
--- (documents). By tag the digest is learnt once, and everything else is fetched by digest.

local auth = require "hocker.auth"
local core = require "hocker.core"
local json = require "hocker.json"
local manifest = require "hocker.manifest"
local platform = require "hocker.platform"

local M = {}

---@class hocker.Registry
---@field session hocker.Session
---@field ref hocker.Reference
---@field auth hocker.Auth
---@field retries integer
---@field mirrors hocker.Registry.Place[]
---@field log hocker.Log?
local methods = {}
local mt = { __name = "hocker.Registry", __index = methods }

---@class hocker.Registry.Place A registry that has the repository: a mirror, or the registry itself.
---@field ref hocker.Reference
---@field auth hocker.Auth
---@field retries integer
---@field namespace string? for a mirror: whose content is asked for
---@field dead boolean? it does not answer

---@class hocker.Registry.Mirror
---@field ref hocker.Reference the same image there
---@field credentials hocker.Credentials? its own

local MIRROR_RETRIES = 1 -- there are others to ask
local INDEX_DEPTH = 4 -- indexes in indexes; real ones have one level
local ACCEPT = "Accept: " .. table.concat(manifest.media_types, ", ")

---@class hocker.Image What a manifest is of: enough to fetch all the rest.
---@field ref hocker.Reference pinned to the manifest's digest
---@field manifest hocker.Manifest
---@field index hocker.Manifest? the index it was chosen from

---@class hocker.Registry.Options
---@field session hocker.Session
---@field ref hocker.Reference
---@field credentials hocker.Credentials?
---@field mirrors hocker.Registry.Mirror[]? in the order to try them
---@field insecure boolean?
---@field log hocker.Log?

--- A registry's repository, as `ref` names it. Makes no request.
---@param opts hocker.Registry.Options
---@return hocker.Registry
function M.new(opts)
  local function new_auth(at)
    return auth.new { session = opts.session, ref = at.ref, credentials = at.credentials,
      insecure = opts.insecure }
  end
  local mirrors, retries = {}, opts.session.retries
  for i, mirror in ipairs(opts.mirrors or {}) do
    mirrors[i] = { ref = mirror.ref, auth = new_auth(mirror), namespace = opts.ref.host,
      retries = math.min(retries, MIRROR_RETRIES) }
  end
  return setmetatable({ session = opts.session, ref = opts.ref, log = opts.log,
    auth = new_auth(opts), retries = retries, mirrors = mirrors }, mt)
end

-- --- errors --------------------------------------------------------------------------------------

-- The registry's own words, from an error body of distribution-spec's form; nil for any other.
local function registry_says(response)
  local doc = response and json.decode(response.body)
  local list = json.is_object(doc) and doc.errors
  local first = json.is_array(list) and list[1]
  if not json.is_object(first) then return nil end
  local words = {}
  for _, key in ipairs { "code", "message" } do
    if type(first[key]) == "string" and first[key] ~= "" then words[#words + 1] = first[key] end
  end
  return #words > 0 and table.concat(words, ": "):sub(1, 300) or nil
end

local ADVICE = {
  not_found = "check the name and the tag",
  unauthorized = "these credentials may not pull it, or it does not exist",
}

-- An error that says what was wanted, what the registry answered, and what to do.
local function explain(self, what, err, response)
  if err.code == "interrupted" then return err end
  local said = registry_says(response)
  local message = ("%s: %s"):format(what, err.message)
  if said then message = message .. ": " .. said end
  if response and ADVICE[err.code] then message = message .. " (" .. ADVICE[err.code] .. ")" end
  return core.error(err.code, message, { http = err.http, ref = self.ref })
end

-- --- mirrors -------------------------------------------------------------------------------------

-- Not a mirror's fault, and no better elsewhere.
local OURS = { interrupted = true, io = true }

local function pass_over(self, mirror, err, response)
  if err.code == "network" and not response then mirror.dead = true end
  if not self.log then return end
  local say = err.code == "verification" and self.log.warn or self.log.debug
  say(self.log, ("mirror %s passed over: %s"):format(mirror.ref.host, err.message))
end

-- Asks the mirrors in their order, then the registry itself, whose error counts.
local function anywhere(self, attempt)
  for _, mirror in ipairs(self.mirrors) do
    if not mirror.dead then
      local result, err, response = attempt(mirror)
      if result or OURS[err.code] then return result, err end
      pass_over(self, mirror, err, response)
    end
  end
  return attempt(self)
end

-- A mirror of many registries tells them apart by this parameter, as containerd sends it.
local function url_at(place, url)
  if not place.namespace then return url end
  return core.url.add_query(url, "ns", place.namespace)
end

-- --- plain http on this machine -----------------------------------------------------------------

-- A certificate that is not trusted is one: its server speaks TLS (core/err.h has the words).
local function untrusted(err)
  return err.message:find("the server's certificate is not trusted: ", 1, true) ~= nil
end

-- A registry of this machine that was named without a scheme may speak plain http: https is tried
-- first, and a server that does not speak TLS is believed, as docker does. No other host is.
local function with_scheme(place, attempt)
  local ref = place.ref
  if not ref.plain_ok then return attempt(place.retries) end
  local result, err, response = attempt(0)
  if result or response or err.code ~= "network" or untrusted(err) then
    ref.plain_ok = false
    return result, err, response
  end
  local tls_api, tls_err = ref.api, err
  ref.api, ref.plain_ok = ref.api:gsub("^https:", "http:"), false
  result, err, response = attempt(place.retries)
  if result then return result, err end
  -- 400 is what servers that speak TLS, but not with us, say to plain http.
  if not response or response.status == 400 then ref.api = tls_api end
  if response and response.status == 400 then return nil, tls_err end
  return nil, err, response
end

-- For a blob that is fetched before any document: its sink can't be tried twice, so a request
-- without one finds the scheme out.
local function settle_scheme(self, place)
  if not place.ref.plain_ok then return end
  with_scheme(place, function()
    return self.session:fetch { url = place.ref.api, redirects = false, retries = 0 }
  end)
end

-- --- documents -----------------------------------------------------------------------------------

-- A tag's manifest is what its registry says it is: a header that claims another digest means that
-- something on the way changed one of them (distribution-spec: if it is used it must be verified).
local function check_claim(document, response)
  local claim = response.headers["docker-content-digest"]
  if not claim or claim:sub(1, 7) ~= "sha256:" or claim == document.digest then return document end
  return nil, core.error("verification", ("manifest: its digest is %s, but the registry says %s")
    :format(document.digest, core.digest.check(claim) or "something else"))
end

local function fetch_document(self, place, which)
  local digest = which or self.ref.digest
  local what = tostring(which and self.ref:with_digest(which) or self.ref)
  local body, answer, last = with_scheme(place, function(retries)
    local url, err = place.ref:manifest_url(which)
    if not url then return nil, err end
    return self.session:fetch_text({
      url = url_at(place, url), headers = { ACCEPT }, auth = place.auth, retries = retries,
      name = "manifest",
    }, manifest.limits.manifest)
  end)
  if not body then return nil, explain(self, what, answer, last), last end
  local document, err = manifest.parse(body, answer.headers["content-type"], digest)
  if document and not digest then document, err = check_claim(document, answer) end
  if not document then return nil, explain(self, what, err), answer end
  return document
end

--- Fetches a manifest or an index, by what the reference says or by a digest.
---@param which string? a digest
---@return hocker.Manifest? document, hocker.Error? err
function methods:document(which)
  local document, err = anywhere(self, function(place)
    return fetch_document(self, place, which)
  end)
  return document, err
end

--- The manifest of one image: an index is resolved for the platform.
---@param want hocker.Platform? the host's by default
---@return hocker.Image? image, hocker.Error? err
function methods:image(want)
  local document, err = self:document()
  local index = document and document.kind == "index" and document or nil
  for _ = 1, INDEX_DEPTH do
    if not document then return nil, err end
    if document.kind == "image" then
      return { ref = self.ref:with_digest(document.digest), manifest = document, index = index }
    end
    local entry
    entry, err = platform.select(document.manifests, want or M.host_platform())
    if not entry then return nil, explain(self, tostring(self.ref), err) end
    document, err = self:document(entry.digest)
  end
  return nil, core.error("unsupported", ("%s: indexes in indexes, more than %d deep")
    :format(tostring(self.ref), INDEX_DEPTH))
end

--- The platform of this machine.
---@return hocker.Platform
function M.host_platform()
  local f <close> = io.open("/proc/cpuinfo")
  return platform.host(core.system.machine(), f and f:read("a"))
end

--- The configuration of an image.
---@param image hocker.Image
---@return hocker.Config? config, hocker.Error? err
function methods:config(image)
  local descriptor = image.manifest.config
  local buffer
  local ok, err = self:blob(descriptor, function()
    buffer = core.buffer(manifest.limits.config)
    return buffer:sink()
  end, "config")
  if not ok then return nil, err end
  local config
  config, err = manifest.config(buffer:data(), image.manifest)
  if not config then return nil, explain(self, tostring(self.ref), err) end
  return config
end

-- --- blobs ---------------------------------------------------------------------------------------

local function fetch_blob(self, place, digest, what, request)
  settle_scheme(self, place)
  local url, err = place.ref:blob_url(digest)
  if not url then return nil, err end
  request.url, request.auth, request.retries = url_at(place, url), place.auth, place.retries
  local response, last
  response, err, last = self.session:fetch(request)
  if not response then
    if request.on_start then request.on_start(nil) end
    return nil, explain(self, what .. " of " .. tostring(self.ref), err, last), last
  end
  return true
end

--- Streams a blob into a sink, which is taken, and verifies it: the digest, and the size where it is
--- known. What the sink's end holds is good only after this has returned true.
---
--- A sink that a mirror filled with wrong bytes is spent. So mirrors are asked only where there is a
--- function to make another one from the start; a sink alone is filled by the registry itself.
---@param descriptor { digest: string, size: integer? }
---@param sink hocker.core.Sink|fun(): hocker.core.Sink?, hocker.Error?
---@param kind string? for messages: "layer", "config"
---@param opts { on_start: fun(transfer: hocker.core.Transfer?)?, threaded: boolean?, max: integer? }? on_start gets nil when what it was told of was in vain
---@return true? ok, hocker.Error? err
function methods:blob(descriptor, sink, kind, opts)
  opts = opts or {}
  local what = ("%s %s"):format(kind or "blob", descriptor.digest)
  local function fill(place, target)
    local chain = core.sink.verify(target, {
      size = descriptor.size, max = opts.max, digest = descriptor.digest, name = what,
    })
    if opts.threaded then chain = core.sink.queue(chain) end
    return fetch_blob(self, place, descriptor.digest, what, {
      sink = chain, on_start = opts.on_start,
    })
  end
  local ok, err
  if type(sink) ~= "function" then
    ok, err = fill(self, sink)
  else
    ok, err = anywhere(self, function(place)
      local target, problem = sink()
      if not target then return nil, problem end
      return fill(place, target)
    end)
  end
  return ok, err
end

--- The last bytes of a blob, not verified: a hint. nil when the registry can't do ranges.
---@param descriptor hocker.Descriptor
---@param count integer
---@return string? bytes, hocker.Error? err
function methods:tail(descriptor, count)
  if descriptor.size < count then return nil end
  local what = "layer " .. descriptor.digest
  local bytes, err = anywhere(self, function(place)
    local buffer <close> = core.buffer(count)
    local ok, problem, last = fetch_blob(self, place, descriptor.digest, what, {
      range = { first = descriptor.size - count, last = descriptor.size - 1 },
      sink = buffer:sink(),
    })
    if ok then return buffer:data() end
    -- For a hint alone a mirror is not passed over.
    if problem.code == "unsupported" then return "", problem end
    return nil, problem, last
  end)
  if bytes == "" then return nil, err end
  return bytes, err
end

return M
