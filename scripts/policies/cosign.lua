-- Accepts an image only if a key has signed it, as `cosign sign --key` does.
--
--   key   the path of a public key in PEM, as `cosign generate-key-pair` writes cosign.pub, that nobody
--         else can write; or a list of them, of which one is enough
--
-- Signatures are in the image's repository, at the tag sha256-<hex>.sig: a manifest whose layers are
-- what was signed, each with a signature in its annotations. What a name stands for has to be signed,
-- an index or a manifest; an index answers for the manifests that it names, and these for their blobs.
-- What another policy fetches to judge by, as the signatures of another key, is no image that is accepted.

local base64 = require "hocker.base64"
local content = require "hocker.content"
local core = require "hocker.core"
local json = require "hocker.json"
local parameters = require "hocker.policy.parameters"
local policy = require "hocker.policy"

local KEY_MAX <const>, PAYLOAD_MAX <const>, SIGNATURES_MAX <const> = 64 << 10, 64 << 10, 64
local MEDIA_TYPE <const> = "application/vnd.dev.cosign.simplesigning.v1+json"
local ANNOTATION <const> = "dev.cosignproject.cosign/signature"
local SIGNED <const> = "cosign container image signature"

local function read_keys(paths)
  local keys = {}
  for i, path in ipairs(paths) do
    local text, err = core.script.read(path, KEY_MAX)
    if not text then return nil, err end
    local _, fault = core.signature.verify(text, "", "")
    if fault.code ~= "verification" then return nil, ("%s: %s"):format(path, fault.message) end
    keys[i] = text
  end
  return keys
end

-- Whether the payload is about this image.
local function is_about(payload, digest)
  local doc = json.decode(payload, "the payload")
  local critical = json.is_object(doc) and doc.critical
  local image = json.is_object(critical) and critical.image
  return json.is_object(image) and critical.type == SIGNED
    and image["docker-manifest-digest"] == digest
end

local function is_signed(keys, payload, signature)
  for _, key in ipairs(keys) do
    if core.signature.verify(key, payload, signature) then return true end
  end
  return false
end

-- What is wrong with one signature leaves the others as good as they are.
local PASSING <const> = { verification = true, not_found = true, protocol = true }

-- The document at the signatures' tag; nil alone when there is none.
local function find_signatures(registry, digest)
  local document, err = registry:document()
  if document and document.kind == "image" then return document.layers end
  if err and err.code ~= "not_found" then return nil, err end
  return nil, nil, policy.refuse(digest .. " is not signed")
end

local function check(keys, registry, digest)
  local algorithm, hex = digest:match("^(%w+):(%x+)$")
  local at = registry:tagged(("%s-%s.sig"):format(algorithm, hex))
  if not at then return policy.refuse(digest .. " can't be signed: only sha256 can") end
  local layers, err, refusal = find_signatures(at, digest)
  if not layers then return refusal, err end
  for i = 1, math.min(#layers, SIGNATURES_MAX) do
    local layer = layers[i]
    local notes = layer.annotations
    local signature = notes and base64.decode(notes[ANNOTATION] or "")
    if signature and layer.mediaType == MEDIA_TYPE and layer.size <= PAYLOAD_MAX then
      local payload
      payload, err = content.read(at, layer, { max = PAYLOAD_MAX, kind = "signature" })
      if not payload and (err.policy or not PASSING[err.code]) then return nil, err end
      if payload and is_signed(keys, payload, signature) and is_about(payload, digest) then
        return nil
      end
    end
  end
  return policy.refuse(("no signature of %s is by the key"):format(digest))
end

return function(given)
  local opts, why = parameters.read(given, { key = "paths" })
  if not opts then return nil, why end
  if not (opts.key and opts.key[1]) then return nil, "which key? it needs 'key'" end
  local keys
  keys, why = read_keys(opts.key)
  if not keys then return nil, why end
  -- Digests that something signed names, of documents and of blobs.
  local documents, blobs = {}, {}

  local function vouch(image)
    documents[image.digest] = true
    for _, named in ipairs(image.manifests or {}) do documents[named.digest] = true end
    for _, layer in ipairs(image.layers or {}) do blobs[layer.digest] = true end
    if image.config then blobs[image.config.digest] = true end
  end

  return {
    manifest = function(image, ctx)
      if image.by then return nil end
      if not documents[image.digest] then
        local refusal, err = check(keys, ctx.registry, image.digest)
        if refusal or err then return refusal, err end
      end
      vouch(image)
    end,
    layer = function(blob)
      if blob.by or blobs[blob.digest] then return nil end
      return policy.refuse(("%s %s is of no signed manifest that was fetched"):format(blob.kind,
        blob.digest))
    end,
  }
end
