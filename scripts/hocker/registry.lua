--- One repository of a registry: its manifests, and its blobs by digest.
---
--- What comes out of here is verified: by the core while it streams (blobs), by hocker.manifest
--- (documents). By tag the digest is learnt once, and everything else is fetched by digest.
---
---     local hocker = require "hocker"
---     local repository = assert(hocker.open "debian:12")
---     local image = assert(repository:image())
---     local config = assert(repository:config(image))
---     for i, layer in ipairs(image.manifest.layers) do
---       for entry in repository:entries(layer, config.diff_ids[i]) do
---         if entry.path == "etc/os-release" then print(entry:read()) end
---       end
---     end

local auth = require "hocker.auth"
local base64 = require "hocker.base64"
local complaint = require "hocker.complaint"
local core = require "hocker.core"
local images = require "hocker.images"
local lazy = require "hocker.lazy"
local manifest = require "hocker.manifest"
local notices = require "hocker.notices"
local parts = require "hocker.parts"
local platform = require "hocker.platform"
local reference = require "hocker.reference"
local tags = require "hocker.tags"

local content = lazy "hocker.content"
local decisions = lazy "hocker.policy.decisions"
local layout = lazy "hocker.layout"
local tar = lazy "hocker.tar"

local M = {}

---@class hocker.Registry
---@field session hocker.Session
---@field ref hocker.Reference
---@field auth hocker.Auth
---@field retries integer
---@field mirrors hocker.Registry.Place[]
---@field log hocker.Log?
---@field foreign_layers boolean?
---@field layouts hocker.Layout[] that are looked into first
---@field accepted table<string, integer|false> the blobs that policies have accepted, by digest: most bytes of each
---@field platform hocker.Platform? which image of an index, where nobody says another
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
---@field realms string[]? further hosts that may see these

local MIRROR_RETRIES = 1 -- there are others to ask
local ACCEPT = "Accept: " .. table.concat(manifest.media_types, ", ")

---@class hocker.RegistryOptions
---@field session hocker.Session
---@field ref hocker.Reference
---@field credentials hocker.Credentials?
---@field realms string[]? further hosts that may see these, beside the registry's own
---@field mirrors hocker.Registry.Mirror[]? in the order to try them
---@field insecure boolean? accepts that credentials go over plain http
---@field log hocker.Log?
---@field layouts string[]? paths of OCI layouts that are looked into first
---@field foreign_layers boolean? whether layers that it lacks are fetched from their urls

--- A registry's repository, as `ref` names it. Makes no request.
---@param opts hocker.RegistryOptions
---@return hocker.Registry
function M.new(opts)
  local function new_auth(at)
    return auth.new { session = opts.session, ref = at.ref, credentials = at.credentials,
      realms = at.realms, insecure = opts.insecure }
  end
  local mirrors, retries = {}, opts.session.retries
  for i, mirror in ipairs(opts.mirrors or {}) do
    mirrors[i] = { ref = mirror.ref, auth = new_auth(mirror), namespace = opts.ref.host,
      retries = math.min(retries, MIRROR_RETRIES) }
  end
  local layouts = {}
  for i, path in ipairs(opts.layouts or {}) do layouts[i] = layout.new(path) end
  return setmetatable({
    session = opts.session, ref = opts.ref, log = opts.log, auth = new_auth(opts),
    retries = retries, mirrors = mirrors, foreign_layers = opts.foreign_layers, layouts = layouts,
    accepted = {},
  }, mt)
end

-- --- errors --------------------------------------------------------------------------------------

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

-- An error that says what was wanted, what the registry answered, and what to do.
local function explain(self, what, err, response)
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

-- --- mirrors -------------------------------------------------------------------------------------

-- Not a mirror's fault, and no better elsewhere. Nor is what a policy says.
local OURS = { interrupted = true, io = true }

local function pass_over(self, mirror, err, response)
  if err.code == "network" and not response then mirror.dead = true end
  if not self.log then return end
  local say = err.code == "verification" and self.log.warn or self.log.debug
  say(self.log, ("mirror %s passed over: %s"):format(mirror.ref.host, err.message))
end

-- Asks one place, as nobody in particular where that may do; and again if the place would rather know.
local function ask(place, attempt)
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

-- Asks the mirrors in their order, then the registry itself, whose error counts.
local function anywhere(self, attempt)
  for _, mirror in ipairs(self.mirrors) do
    if not mirror.dead then
      local result, err, response = ask(mirror, attempt)
      if result or OURS[err.code] or err.policy then return result, err end
      pass_over(self, mirror, err, response)
    end
  end
  return ask(self, attempt)
end

-- A mirror of many registries tells them apart by this parameter, as containerd sends it.
local function url_at(place, url)
  if not place.namespace then return url end
  return core.url.add_query(url, "ns", place.namespace)
end

-- --- plain http ------------------------------------------------------------------------------------

-- A certificate that is not trusted is one: its server speaks TLS (core/err.h has the words).
local function untrusted(err)
  return err.message:find("the server's certificate is not trusted: ", 1, true) ~= nil
end

-- A registry of this machine that was named without a scheme may speak plain http: https is tried
-- first, and a server that does not speak TLS is believed, as docker does. Another host is with
-- --insecure alone, and that is said.
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

-- What a layout has; nil alone when none has it.
local function local_document(self, which)
  for _, place in ipairs(self.layouts) do
    local document, err = place:document(self.ref, which)
    if document or err then return document, err end
  end
end

--- Fetches a manifest or an index, by what the reference says or by a digest.
---@param which string? a digest
---@return hocker.Manifest? document, hocker.Error? err
function methods:document(which)
  local document, err = local_document(self, which)
  if err then return nil, err end
  if not document then
    document, err = anywhere(self, function(place) return fetch_document(self, place, which) end)
  end
  if document and self.session.policies then
    local ok
    ok, err = decisions.manifest(self, document, which)
    if not ok then return nil, err end
  end
  return document, err
end

--- The same repository at another tag, which may be no image: where signatures are kept, say.
---@param tag string
---@return hocker.Registry? registry, hocker.Error? err
function methods:tagged(tag)
  local function at(place)
    local ref, err = reference.versioned(place.ref, tag)
    if not ref then return nil, err end
    return setmetatable({ ref = ref }, { __index = place })
  end
  local mirrors = {}
  for i, mirror in ipairs(self.mirrors) do mirrors[i] = at(mirror) end
  local other, err = at(self)
  if not other then return nil, err end
  other.mirrors, other.accepted = mirrors, {}
  return other
end

--- Tells the policies that an image is whole; one that they refuse must not get its name.
---@param image hocker.Image
---@return true? ok, hocker.Error? err
function methods:finished(image)
  if not self.session.policies then return true end
  return decisions.image(self, image)
end

-- The digest in the answer to a HEAD request, which is tried once; what is none is not there.
local function head_digest(self, place)
  local response = with_scheme(place, function()
    local url, err = place.ref:manifest_url()
    if not url then return nil, err end
    return self.session:fetch { url = url_at(place, url), method = "HEAD", headers = { ACCEPT },
      auth = place.auth, retries = 0 }
  end)
  return response and core.digest.check(response.headers["docker-content-digest"] or "")
end

--- The digest of what the name stands for now. Registries tell it without sending the document, which
--- those that count pulls don't count; one that does not tell is asked for the document.
---@return string? digest, hocker.Error? err
function methods:digest()
  if self.ref.digest then return self.ref.digest end
  local digest, err = anywhere(self, function(place)
    local told = head_digest(self, place)
    if told then return told end
    local document, problem, response = fetch_document(self, place)
    return document and document.digest, problem, response
  end)
  return digest, err
end

--- The manifest of one image: an index is resolved for the platform.
---@param want hocker.Platform? the registry's `platform` by default, else the host's
---@return hocker.Image? image, hocker.Error? err
function methods:image(want)
  return images.one(self, want or self.platform or M.host_platform())
end

--- The images of several platforms, or all of an index.
---@param wants hocker.Platform[]? nil: all
---@param opts { manifests_only: boolean? }? manifests_only: an image's platform may stay unknown
---@return hocker.Images? found in the order of `wants`, or of the index
---@return hocker.Error? err
function methods:images(wants, opts)
  return images.several(self, wants, { host = M.host_platform(),
    manifests_only = opts and opts.manifests_only })
end

--- All tags of the repository, in the registry's order.
---@return string[]? tags, hocker.Error? err
function methods:tags()
  local list, err, response = tags.collect(self.ref, function(url)
    return ask(self, function()
      return with_scheme(self, function(retries)
        return self.session:fetch_text({
          url = url or tags.url(self.ref), auth = self.auth, retries = retries,
          name = "the list of tags",
        }, tags.limits.page)
      end)
    end)
  end)
  if not list then return nil, explain(self, tostring(self.ref), err, response) end
  return list
end

--- The platform of this machine.
---@return hocker.Platform
function M.host_platform()
  local f <close> = io.open("/proc/cpuinfo")
  return platform.host(core.system.machine(), f and f:read("a"))
end

--- The configuration of an image.
---@param image hocker.Image
---@param want hocker.Platform? that it has to be for
---@return hocker.Config? config, hocker.Error? err
function methods:config(image, want)
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
  if want then ok, err = images.check(self, image, config, want) end
  if not ok then return nil, err end
  return config
end

-- --- blobs ---------------------------------------------------------------------------------------

-- What there is of its content with a descriptor, not verified; nil alone when it has nothing.
local function embedded(descriptor, what)
  if descriptor.content or not descriptor.data then return descriptor.content end
  local bytes = base64.decode(descriptor.data)
  if bytes then return bytes end
  return nil, core.error("protocol", what .. ": its 'data' is not base 64")
end

-- Writes a whole blob into a chain that verifies it.
local function write_all(open, bytes)
  local sink <close>, err = open()
  if not sink then return nil, err end
  local ok
  ok, err = sink:write(bytes)
  if ok then ok, err = sink:finish() end
  return ok and true, err
end

-- A large body may come over several connections, a part or a small one over one.
local function exchange(self, descriptor, request)
  local small = descriptor.size and descriptor.size < parts.least
  if request.range or small then return self.session:fetch(request) end
  return parts.fetch(self.session, request)
end

local function fetch_blob(self, place, descriptor, what, request)
  settle_scheme(self, place)
  local url, err = place.ref:blob_url(descriptor.digest)
  if not url then return nil, err end
  request.url, request.auth, request.retries = url_at(place, url), place.auth, place.retries
  local response, last
  response, err, last = exchange(self, descriptor, request)
  if not response then
    if request.on_start then request.on_start(nil) end
    return nil, explain(self, what .. " of " .. tostring(self.ref), err, last), last
  end
  return true
end

-- --- foreign layers -------------------------------------------------------------------------

local URLS_MAX = 8 -- of a layer that are tried

local function is_foreign(descriptor)
  return descriptor.urls ~= nil and #descriptor.urls > 0
end

-- One byte of a blob: whether it is there, before its sink is given away, which can't be tried twice.
local function probe(self, url, more)
  local buffer <close> = core.buffer(1)
  local response, err = self.session:fetch {
    url = url, auth = more and more.auth, redirects = more and more.redirects,
    range = { first = 0, last = 0 }, sink = buffer:sink(), retries = more and more.retries,
  }
  return response ~= nil, err
end

-- Whether a layer is to be had by its urls: foreign, asked for, and not at the registry.
local function is_elsewhere(self, descriptor)
  if not (self.foreign_layers and is_foreign(descriptor)) then return false end
  settle_scheme(self, self)
  local _, err = probe(self, assert(self.ref:blob_url(descriptor.digest)),
    { auth = self.auth, redirects = false })
  return err ~= nil and err.code == "not_found"
end

-- The urls that may be asked: https alone, unless the registry itself is not.
local function safe_urls(self, descriptor)
  local plain, list = self.ref.api:find("^http:") ~= nil, {}
  for _, text in ipairs(descriptor.urls) do
    local url = not text:find("\0", 1, true) and core.url.parse(text)
    if url and not url.userinfo and (plain or url.scheme == "https") and #list < URLS_MAX then
      list[#list + 1] = text
    end
  end
  return list
end

-- The first of them that has the layer. Whether the last one has it, its transfer will tell.
local function choose_url(self, list)
  for i = 1, #list - 1 do
    local there, err = probe(self, list[i], { retries = 0 })
    if there or err.code == "unsupported" or err.code == "protocol" then return list[i] end
    if err.code == "interrupted" then return nil, err end
  end
  return list[#list]
end

-- Fetches from one of the urls, as nobody: they are the manifest's word, and no registry.
local function fetch_elsewhere(self, _, descriptor, what, request)
  local list = safe_urls(self, descriptor)
  what = ("%s of %s, a foreign layer"):format(what, tostring(self.ref))
  if #list == 0 then
    return nil, core.error("refused", what .. ": none of its urls is https")
  end
  local url, err = choose_url(self, list)
  if not url then return nil, err end
  local response
  request.url = url
  response, err = exchange(self, descriptor, request)
  if response then return true end
  if err.code == "interrupted" then return nil, err end
  return nil, core.error(err.code, what .. ": " .. err.message, { http = err.http })
end

-- What the registry does not have may be elsewhere, and that must be asked for.
local function name_option(self, descriptor, err)
  if err.code ~= "not_found" or not is_foreign(descriptor) then return err end
  return core.error("not_found", err.message .. "; it is a foreign layer, which is kept elsewhere: "
    .. "--foreign-layers fetches it from there", { http = err.http, ref = self.ref })
end

---@class hocker.Registry.BlobOptions
---@field on_start fun(transfer: hocker.core.Transfer?)? gets nil when what it was told of was in vain
---@field queue integer? bytes of a queue to put before the sink: another thread does the work
---@field max integer? most bytes, where the size is not known

-- Asks the policies about a blob, once.
local function accept(self, descriptor, kind)
  if not self.session.policies then return false end
  local max, err = self.accepted[descriptor.digest], nil
  if max == nil then
    max, err = decisions.layer(self, descriptor, kind)
    self.accepted[descriptor.digest] = max
  end
  return max, err
end

-- Fills a chain from a layout. One that went wrong is had from elsewhere, where another chain can be
-- made; nil alone when no layout has it.
local function from_layout(self, descriptor, open, again)
  for _, place in ipairs(self.layouts) do
    if place:has(descriptor.digest) then
      local chain, err = open()
      if not chain then return nil, err end
      local ok
      ok, err = place:read(descriptor.digest, chain)
      if ok or not again or OURS[err.code] then return ok, err end
      if self.log then self.log:warn(err.message .. "; passed over") end
    end
  end
end

--- Streams a blob into a sink, which is taken, and verifies it: the digest, and the size where it is
--- known. One that is in its descriptor (`data`) is not asked for. What the sink's end holds is good
--- only after this has returned true.
---
--- A sink that a mirror filled with wrong bytes is spent. So mirrors are asked only where there is a
--- function to make another one from the start; a sink alone is filled by the registry itself.
---@param descriptor { digest: string, size: integer?, data: string?, urls: string[]? }
---@param sink hocker.core.Sink|fun(): hocker.core.Sink?, hocker.Error?
---@param kind string? for messages: "layer", "config"
---@param opts hocker.Registry.BlobOptions?
---@return true? ok, hocker.Error? err
function methods:blob(descriptor, sink, kind, opts)
  opts = opts or {}
  local what = ("%s %s"):format(kind or "blob", descriptor.digest)
  local again = type(sink) == "function"
  local most, refused = accept(self, descriptor, kind or "blob")
  if most == nil then
    if not again then sink:close() end
    return nil, refused
  end
  local max = opts.max and most and math.min(opts.max, most) or opts.max or most or nil
  local function open(queue)
    local target, err = sink, nil
    if again then target, err = sink() end
    if not target then return nil, err end
    local chain = core.sink.verify(target, {
      size = descriptor.size, max = max, digest = descriptor.digest, name = what,
    })
    return queue and core.sink.queue(chain, queue) or chain
  end
  local bytes, err = embedded(descriptor, what)
  if err then return nil, err end
  if bytes then return write_all(open, bytes) end
  local function fill(fetch, place)
    local chain, problem = open(opts.queue)
    if not chain then return nil, problem end
    return fetch(self, place, descriptor, what, { sink = chain, on_start = opts.on_start })
  end
  local ok
  ok, err = from_layout(self, descriptor, open, again)
  if ok or err then return ok, err end
  if is_elsewhere(self, descriptor) then return fill(fetch_elsewhere) end
  if again then
    ok, err = anywhere(self, function(place) return fill(fetch_blob, place) end)
  else
    ok, err = fill(fetch_blob, self)
  end
  if not ok then return nil, name_option(self, descriptor, err) end
  return true
end

--- Fetches a blob into memory, verified.
---@param descriptor hocker.Descriptor
---@param max integer? most bytes; 64 MiB
---@return string? bytes, hocker.Error? err
function methods:read(descriptor, max)
  return content.read(self, descriptor, max)
end

--- The content of a blob in pieces, as it comes and in bounded memory:
---
---     for chunk in registry:chunks(descriptor) do file:write(chunk) end
---
--- It is verified when the loop has ended; until then it is what the server says. What goes wrong raises the error object,
--- as `io.lines` does, so that no loop ends early unnoticed. Leaving the loop stops the transfer.
---@param descriptor hocker.Descriptor
---@param opts hocker.ChunkOptions?
---@return fun(): string?
function methods:chunks(descriptor, opts)
  return content.chunks(self, descriptor, opts)
end

--- The files in a layer, while it is fetched, and without unpacking it:
---
---     for entry in registry:entries(layer) do print(entry.path, entry.size) end
---
--- `hocker.tar` tells what an entry is. Verified, and raising, as `chunks`.
---@param layer hocker.Descriptor
---@param diff_id string? the digest of its content, from the configuration
---@return fun(): hocker.tar.Entry?
function methods:entries(layer, diff_id)
  return tar.entries(content.chunks(self, layer, { inflate = true, diff_id = diff_id }))
end

--- Whether a blob that went wrong at one place is fetched from another.
---@return boolean
function methods:starts_over()
  return #self.mirrors + #self.layouts > 0
end

--- The last bytes of a blob, not verified: a hint. nil when the registry can't do ranges,
--- or may not have it.
---@param descriptor hocker.Descriptor
---@param count integer
---@return string? bytes, hocker.Error? err
function methods:tail(descriptor, count)
  if descriptor.size < count or is_foreign(descriptor) then return nil end
  local what = "layer " .. descriptor.digest
  local bytes, err = embedded(descriptor, what)
  if bytes or err then return bytes and bytes:sub(-count), err end
  for _, place in ipairs(self.layouts) do
    bytes = place:tail(descriptor.digest, count)
    if bytes then return bytes end
  end
  local _, refused = accept(self, descriptor, "layer")
  if refused then return nil, refused end
  bytes, err = anywhere(self, function(place)
    local buffer <close> = core.buffer(count)
    local ok, problem, last = fetch_blob(self, place, descriptor, what, {
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
