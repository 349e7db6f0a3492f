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

local advice = require "hocker.advice"
local auth = require "hocker.auth"
local base64 = require "hocker.base64"
local core = require "hocker.core"
local foreign = require "hocker.foreign"
local images = require "hocker.images"
local lazy = require "hocker.lazy"
local manifest = require "hocker.manifest"
local parts = require "hocker.parts"
local places = require "hocker.places"
local platform = require "hocker.platform"
local reference = require "hocker.reference"
local tags = require "hocker.tags"

local content = lazy "hocker.content"
local decisions = lazy "hocker.policy.decisions"
local layout = lazy "hocker.layout"
local policy = lazy "hocker.policy"
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
  local body, answer, last = places.with_scheme(place, function(retries)
    local url, err = place.ref:manifest_url(which)
    if not url then return nil, err end
    return self.session:fetch_text({
      url = places.url(place, url), headers = { ACCEPT }, auth = place.auth, retries = retries,
      name = "manifest",
    }, manifest.limits.manifest)
  end)
  if not body then return nil, advice.explain(self, what, answer, last), last end
  local document, err = manifest.parse(body, answer.headers["content-type"], digest)
  if document and not digest then document, err = check_claim(document, answer) end
  if not document then return nil, advice.explain(self, what, err), answer end
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
    document, err = places.anywhere(self, function(place)
      return fetch_document(self, place, which)
    end)
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

-- The digest in the answer to a HEAD request, which is tried once; nil alone where it tells none.
local function head_digest(self, place)
  local response, err = places.with_scheme(place, function()
    local url, err = place.ref:manifest_url()
    if not url then return nil, err end
    return self.session:fetch { url = places.url(place, url), method = "HEAD", headers = { ACCEPT },
      auth = place.auth, retries = 0 }
  end)
  if not response then return nil, places.is_final(err) and err or nil end
  return (core.digest.check(response.headers["docker-content-digest"] or ""))
end

--- The digest of what the name stands for now. Registries tell it without sending the document, which
--- those that count pulls don't count; one that does not tell is asked for the document.
---@return string? digest, hocker.Error? err
function methods:digest()
  if self.ref.digest then return self.ref.digest end
  local document, err = local_document(self)
  if document or err then return document and document.digest, err end
  local digest
  digest, err = places.anywhere(self, function(place)
    local told, refused = head_digest(self, place)
    if told or refused then return told, refused end
    local fetched, problem, response = fetch_document(self, place)
    return fetched and fetched.digest, problem, response
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
    return places.ask(self, function()
      return places.with_scheme(self, function(retries)
        return self.session:fetch_text({
          url = url or tags.url(self.ref), auth = self.auth, retries = retries,
          name = "the list of tags",
        }, tags.limits.page)
      end)
    end)
  end)
  if not list then return nil, advice.explain(self, tostring(self.ref), err, response) end
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
  local bytes, err = content.read(self, image.manifest.config,
    { max = manifest.limits.config, kind = "config" })
  if not bytes then return nil, err end
  local config
  config, err = manifest.config(bytes, image.manifest)
  if not config then return nil, advice.explain(self, tostring(self.ref), err) end
  local ok = true
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

local function fetch_blob(self, descriptor, what, request, place)
  local ok, err = places.settle_scheme(self.session, place)
  if not ok then return nil, err end
  local url
  url, err = place.ref:blob_url(descriptor.digest)
  if not url then return nil, err end
  request.url, request.auth, request.retries = places.url(place, url), place.auth, place.retries
  local response, last
  response, err, last = parts.exchange(self.session, request, descriptor.size)
  if not response then
    if request.on_start then request.on_start(nil) end
    return nil, advice.explain(self, what .. " of " .. tostring(self.ref), err, last), last
  end
  return true
end

---@class hocker.Registry.BlobOptions
---@field on_start fun(transfer: hocker.core.Transfer?)? gets nil when what it was told of was in vain
---@field queue integer? bytes of a queue to put before the sink: another thread does the work
---@field max integer? most bytes, where the size is not known

-- Asks the policies about a blob, once. Where one of them fetches it, that one was not asked, and what the
-- others say holds for this alone.
local function accept(self, descriptor, kind)
  if not self.session.policies then return false end
  local max, err = self.accepted[descriptor.digest], nil
  if max == nil then
    max, err = decisions.layer(self, descriptor, kind)
    if not policy.at_work(self.session) then self.accepted[descriptor.digest] = max end
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
      if ok or not again or places.is_final(err) then return ok, err end
      if self.log then self.log:warn(err.message .. "; passed over") end
    end
  end
end

local function check(descriptor)
  if type(descriptor) == "table" and type(descriptor.digest) == "string" then return end
  error("a descriptor is a table with a digest, not " .. tostring(descriptor), 3)
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
  check(descriptor)
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
  local function fill(fetch, ...)
    local chain <close>, problem = open(opts.queue)
    if not chain then return nil, problem end
    return fetch(self, descriptor, what, { sink = chain, on_start = opts.on_start }, ...)
  end
  local ok
  ok, err = from_layout(self, descriptor, open, again)
  if ok or err then return ok, err end
  local elsewhere
  elsewhere, err = foreign.is_elsewhere(self, descriptor)
  if err then
    if not again then sink:close() end
    return nil, err
  elseif elsewhere then
    return fill(foreign.fetch)
  end
  if again then
    ok, err = places.anywhere(self, function(place) return fill(fetch_blob, place) end)
  else
    ok, err = fill(fetch_blob, self)
  end
  if not ok then return nil, foreign.name_option(self, descriptor, err) end
  return true
end

--- Fetches a blob into memory, verified.
---@param descriptor hocker.Descriptor
---@param max integer? most bytes; 64 MiB
---@return string? bytes, hocker.Error? err "refused": it is larger
function methods:read(descriptor, max)
  check(descriptor)
  return content.read(self, descriptor, { max = max })
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
  check(descriptor)
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
  check(layer)
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
  if descriptor.size < count or foreign.is_foreign(descriptor) then return nil end
  local what = "layer " .. descriptor.digest
  local bytes, err = embedded(descriptor, what)
  if bytes or err then return bytes and bytes:sub(-count), err end
  for _, place in ipairs(self.layouts) do
    bytes = place:tail(descriptor.digest, count)
    if bytes then return bytes end
  end
  local _, refused = accept(self, descriptor, "layer")
  if refused then return nil, refused end
  bytes, err = places.anywhere(self, function(place)
    local buffer <close> = core.buffer(count)
    local ok, problem, last = fetch_blob(self, descriptor, what, {
      range = { first = descriptor.size - count, last = descriptor.size - 1 },
      sink = buffer:sink(),
    }, place)
    if ok then return buffer:data() end
    -- For a hint alone a mirror is not passed over.
    if problem.code == "unsupported" and not problem.policy then return "", problem end
    return nil, problem, last
  end)
  if bytes == "" then return nil, err end
  return bytes, err
end

return M
