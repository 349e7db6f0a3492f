--- What a registry says an image is: manifests, indexes and configurations, checked whole.
---
--- Bytes come in, a table comes out, or an error that says what the bytes are instead. After
--- this module every digest is one, every size is a number that can be added up, and a document
--- has one meaning only (CVE-2021-41190: one that is a manifest to some and an index to others).
---
---     local hocker = require "hocker"
---     local repository = assert(hocker.open "debian:12")
---     local document = assert(repository:document())
---     local same = assert(hocker.manifest.parse(document.bytes, document.media_type, document.digest))
---     print(same.kind, #(same.layers or same.manifests))

local core = require "hocker.core"
local descriptor = require "hocker.descriptor"
local json = require "hocker.json"

---@class hocker.Manifest
---@field kind "image"|"index"
---@field media_type string
---@field digest string of `bytes`
---@field bytes string as the registry sent them
---@field doc table the decoded document
---@field config hocker.Descriptor an image's
---@field layers hocker.Descriptor[] an image's, the base first
---@field content_size integer an image's configuration and layers, as stored
---@field manifests hocker.Descriptor[] an index's
---@field subject hocker.Descriptor?
---@field artifact_type string?
---@field annotations table<string, string>?

---@class hocker.Config An image's configuration.
---@field digest string
---@field bytes string
---@field doc table the decoded document
---@field platform hocker.Platform as the image has it; what it does not name is nil
---@field diff_ids string[] digests of the layers' content, the base first

local M = {}

--- Most bytes of a document.
M.limits = { manifest = 4 << 20, config = 8 << 20 }

--- What an Accept header should ask for.
M.media_types = {
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
}

local KINDS <const> = {
  [M.media_types[1]] = "image", [M.media_types[2]] = "image",
  [M.media_types[3]] = "index", [M.media_types[4]] = "index",
}
local UNTYPED <const> = { image = M.media_types[1], index = M.media_types[3] }

local SCHEMA1 <const> = {
  ["application/vnd.docker.distribution.manifest.v1+json"] = true,
  ["application/vnd.docker.distribution.manifest.v1+prettyjws"] = true,
}

-- Content-Type values that say nothing: some servers hand out stored files as these.
local VAGUE <const> = {
  ["application/json"] = true, ["text/plain"] = true, ["application/octet-stream"] = true,
  ["binary/octet-stream"] = true, [""] = true,
}

local CONFIG_TYPES <const> = {
  ["application/vnd.oci.image.config.v1+json"] = true,
  ["application/vnd.docker.container.image.v1+json"] = true,
}

local get = descriptor.get

local function fail(code, message, ...)
  return nil, core.error(code, message:format(...))
end

-- What the bytes are instead ---------------------------------------------------------------

local MAGICS <const> = {
  { "^$", "it is empty" },
  { "^\239\187\191", "it begins with a byte order mark" },
  { "^\31\139", "it is gzip data" },
  { "^%(\181/\253", "it is zstd data" },
  { "^%s*<", "it looks like a web page, not a registry's answer" },
  { "\0", "it is binary data" },
}

--- Text that is no JSON: a guess at what it is, or nil.
local function guess(bytes)
  for _, magic in ipairs(MAGICS) do
    if bytes:find(magic[1]) then return magic[2] end
  end
end

-- Documents that users and registries hand us in a manifest's place, by a field of theirs.
local OTHERS <const> = {
  { "rootfs", "this is an image's configuration; hocker-manifest prints the manifest" },
  { "imageLayoutVersion", "this is the oci-layout file of an image directory" },
  { "SchemaV2Manifest", "this is from 'docker manifest inspect --verbose'; leave --verbose out" },
  { "RepoTags", "this is what an inspect command prints; 'skopeo inspect' needs --raw" },
  { "token", "this is the answer of a token server" },
}

local function registry_error(doc)
  local first = json.is_array(doc.errors) and doc.errors[1]
  if not json.is_object(first) then return "this is a registry's error message" end
  local text = first.message ~= json.null and first.message or first.code
  return ("this is a registry's error message: %s"):format(tostring(text))
end

local function name_other(doc)
  if doc.errors then return registry_error(doc) end
  for _, other in ipairs(OTHERS) do
    if doc[other[1]] ~= nil then return other[2] end
  end
end

local function name_list(list)
  local first = json.is_object(list[1]) and list[1] or {}
  if first.Layers then return "this is the manifest.json of an image archive" end
  if first.Id then return "this is what 'docker inspect' prints" end
  return "this is a list; a manifest is an object"
end

-- One meaning ------------------------------------------------------------------------------

--- A media type without its parameters, in lower case.
local function bare_type(text)
  return (text or ""):match("^%s*([^;]*)"):gsub("%s+$", ""):lower()
end

local function schema1()
  return fail("unsupported", "manifest: schema version 1, which names no configuration and cannot "
    .. "be verified; push the image again with docker 1.10 or later")
end

--- The kind by the fields; each kind has its own, and a document those of one kind.
local function kind_by_fields(doc)
  local image = get(doc, "config") ~= nil or get(doc, "layers") ~= nil
  local index = get(doc, "manifests") ~= nil
  local old = get(doc, "fsLayers") ~= nil
  if (image and index) or (old and (image or index)) then
    return fail("verification", "manifest: has the fields of more than one kind of document")
  end
  return old and "old" or index and "index" or image and "image" or "none"
end

--- The document's type: its own word and the Content-Type must agree.
local function agreed_type(doc, content_type)
  local own, sent = get(doc, "mediaType"), bare_type(content_type)
  if own ~= nil and type(own) ~= "string" then
    return fail("protocol", "manifest: 'mediaType' is not a string")
  end
  own = own and own:lower() or ""
  if VAGUE[sent] then return own end
  if own ~= "" and own ~= sent then
    return fail("verification", "manifest: says it is %s, but was sent as %s", own, sent)
  end
  return sent
end

local function check_version(doc)
  local version = get(doc, "schemaVersion")
  if version == nil then
    return fail("protocol", "manifest: there is no 'schemaVersion': %s",
      name_other(doc) or "this is not a manifest")
  elseif version ~= 2 then
    return fail("unsupported", "manifest: its 'schemaVersion' is %s, and must be 2",
      json.encode(version):sub(1, 40))
  end
  return true
end

--- Returns the kind and the media type.
local function judge(doc, content_type)
  local fields, media_type, err
  fields, err = kind_by_fields(doc)
  if not fields then return nil, err end
  media_type, err = agreed_type(doc, content_type)
  if not media_type then return nil, err end
  if fields == "old" or SCHEMA1[media_type] or get(doc, "schemaVersion") == 1 then
    return schema1()
  end
  local ok
  ok, err = check_version(doc)
  if not ok then return nil, err end
  if media_type == "" then media_type = UNTYPED[fields] or "" end
  local kind = KINDS[media_type]
  if media_type ~= "" and not kind then
    return fail("unsupported", "manifest: is of the type %s, which is not an image's", media_type)
  elseif fields == "none" then
    return fail("protocol", "manifest: has neither layers nor a list of manifests")
  elseif fields ~= kind then
    return fail("verification", "manifest: its type is %s, but its fields are those of an %s",
      media_type, fields)
  end
  return kind, media_type
end

-- Manifests --------------------------------------------------------------------------------

local function add_sizes(image)
  local total = image.config.size
  for _, layer in ipairs(image.layers) do
    total = total + layer.size
    if total > descriptor.size_max then
      return fail("refused", "manifest: its sizes add up to too much")
    end
  end
  image.content_size = total
  return image
end

local function read_image(manifest)
  local doc, err = manifest.doc
  if get(doc, "config") == nil then return fail("protocol", "manifest: there is no 'config'") end
  if get(doc, "layers") == nil then return fail("protocol", "manifest: there are no 'layers'") end
  manifest.config, err = descriptor.read(doc.config, "manifest: config")
  if not manifest.config then return nil, err end
  manifest.layers, err = descriptor.read_list(doc.layers, "manifest", "layers", "layer")
  if not manifest.layers then return nil, err end
  return add_sizes(manifest)
end

-- Digests of the algorithms that can be verified here; others may have been registered since.
local KNOWN <const> = { sha256 = true, sha512 = true }

-- The entries without those that nobody could fetch: an index is not worth less for one of them.
local function without_unknown(list)
  if not json.is_array(list) then return list end
  local known = json.array {}
  for _, entry in ipairs(list) do
    local digest = json.is_object(entry) and entry.digest
    local algorithm = type(digest) == "string" and digest:match("^([%l%d+._-]+):[%w=_-]+$")
    if not algorithm or KNOWN[algorithm] then known[#known + 1] = entry end
  end
  return known
end

local function read_index(manifest)
  local err
  local list = without_unknown(manifest.doc.manifests)
  manifest.manifests, err = descriptor.read_list(list, "index", "manifests", "entry")
  if not manifest.manifests then return nil, err end
  return manifest
end

local function read_common(manifest)
  local doc = manifest.doc
  local subject, notes = get(doc, "subject"), get(doc, "annotations")
  local artifact = get(doc, "artifactType")
  if notes ~= nil and not descriptor.is_string_map(notes) then
    return fail("protocol", "manifest: 'annotations' is not an object of strings")
  elseif artifact ~= nil and type(artifact) ~= "string" then
    return fail("protocol", "manifest: 'artifactType' is not a string")
  end
  manifest.annotations, manifest.artifact_type = notes, artifact
  if subject == nil then return manifest end
  local err
  manifest.subject, err = descriptor.read(subject, "manifest: subject")
  return manifest.subject and manifest, err
end

--- Hashes by the algorithm of `digest`, else by sha256.
local function digest_like(bytes, digest)
  return core.digest.of(bytes, digest and digest:match("^%w+"))
end

local function check_digest(bytes, digest, what)
  local ok, err = core.digest.check(digest)
  if not ok then return nil, err end
  local got = digest_like(bytes, digest)
  if got == digest then return digest end
  return fail("verification", "%s: its digest is %s, but %s was asked for", what, got, digest)
end

local function decode(bytes, what)
  local doc, err = json.decode(bytes, what)
  if doc == nil then
    local other = guess(bytes)
    if other then return fail("protocol", "%s: %s", what, other) end
    return nil, err
  elseif json.is_array(doc) then
    return fail("protocol", "%s: %s", what, name_list(doc))
  elseif not json.is_object(doc) then
    return fail("protocol", "%s: a JSON object is needed", what)
  end
  return doc
end

-- One that was parsed by no digest is hashed when somebody wants to know its own.
local mt = { __index = function(self, key)
  if key ~= "digest" then return nil end
  self.digest = digest_like(self.bytes)
  return self.digest
end }

--- Reads a manifest or an index: docker's (schema 2, lists) or OCI's.
---
--- mediaType may be missing, then the fields decide. A Content-Type that names a type must
--- agree with the document; one that says nothing (application/json, text/plain,
--- application/octet-stream, none) is passed over. The bytes are held against `digest` when it
--- is given. Beyond a limit the error is "refused".
---@param bytes string
---@param content_type string? the header's value
---@param digest string? what was asked for
---@return hocker.Manifest? manifest
---@return hocker.Error? err "protocol", "verification"; "unsupported": schema 1 and other types
function M.parse(bytes, content_type, digest)
  if type(bytes) ~= "string" then error("manifest.parse: bytes must be a string", 2) end
  if #bytes > M.limits.manifest then
    return fail("refused", "manifest: has more than %d bytes", M.limits.manifest)
  end
  if digest then
    local ok, err = check_digest(bytes, digest, "manifest")
    if not ok then return nil, err end
  end
  local doc, err = decode(bytes, "manifest")
  if not doc then return nil, err end
  local kind, media_type = judge(doc, content_type)
  if not kind then return nil, media_type end
  local ok
  ok, err = descriptor.check_letters(doc, "manifest")
  if not ok then return nil, err end
  local manifest = setmetatable({ kind = kind, media_type = media_type, bytes = bytes, doc = doc,
    digest = digest }, mt)
  ok, err = read_common(manifest)
  if not ok then return nil, err end
  return (kind == "image" and read_image or read_index)(manifest)
end

-- Configurations ---------------------------------------------------------------------------

local function read_diff_ids(doc)
  local rootfs = get(doc, "rootfs")
  if not json.is_object(rootfs) then return fail("protocol", "config: there is no 'rootfs'") end
  if rootfs.type ~= "layers" then
    return fail("unsupported", "config: its 'rootfs' is not made of layers")
  end
  local list = get(rootfs, "diff_ids")
  if list == nil then list = json.array {} end -- Go prints an empty list as null
  if not descriptor.is_strings(list) then
    return fail("protocol", "config: 'diff_ids' is not a list of strings")
  end
  for i, digest in ipairs(list) do
    local ok, err = core.digest.check(digest)
    if not ok then return fail(err.code, "config: diff_id %d: %s", i, err.message) end
  end
  return list
end

local function check_bytes(bytes, promised)
  if #bytes > M.limits.config then
    return fail("refused", "config: has more than %d bytes", M.limits.config)
  elseif #bytes ~= promised.size then
    return fail("verification", "config: has %d bytes, but the manifest says %d", #bytes,
      promised.size)
  end
  return check_digest(bytes, promised.digest, "config")
end

local function read_platform(doc)
  if not descriptor.is_platform(doc) then
    return fail("protocol", "config: 'os', 'architecture' and 'variant' are not strings")
  end
  return {
    os = get(doc, "os"), architecture = get(doc, "architecture"), variant = get(doc, "variant"),
    ["os.version"] = get(doc, "os.version"), ["os.features"] = get(doc, "os.features"),
  }
end

--- The document; one of an unknown type is a configuration only if it looks like one.
local function read_config(bytes, media_type)
  local doc, err = decode(bytes, "config")
  if CONFIG_TYPES[media_type] or (doc and get(doc, "rootfs") ~= nil) then return doc, err end
  return fail("unsupported", "config: is of the type %s: an artifact, not an image to run",
    media_type)
end

--- Reads an image's configuration, and holds it against the manifest: size, digest, and as many
--- diff_ids as layers.
---@param bytes string
---@param manifest hocker.Manifest an image's
---@return hocker.Config? config
---@return hocker.Error? err "verification", "protocol", "refused"; "unsupported": an artifact
function M.config(bytes, manifest)
  if manifest.kind ~= "image" then error("manifest.config: an image's manifest is needed", 2) end
  local promised = manifest.config
  local ok, err = check_bytes(bytes, promised)
  if not ok then return nil, err end
  local doc, platform, diff_ids
  doc, err = read_config(bytes, promised.mediaType)
  if not doc then return nil, err end
  platform, err = read_platform(doc)
  if not platform then return nil, err end
  diff_ids, err = read_diff_ids(doc)
  if not diff_ids then return nil, err end
  if #diff_ids ~= #manifest.layers then
    return fail("verification", "config: has %d diff_ids, but the image has %d layers",
      #diff_ids, #manifest.layers)
  end
  return { digest = promised.digest, bytes = bytes, doc = doc, platform = platform,
    diff_ids = diff_ids }
end

return M
