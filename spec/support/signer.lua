--- Keys and signatures, made by the openssl program, and cosign's manifests of them.
---
---     local key = signer.new "ecdsa"
---     key:push(reg, "demo/app", digest)

local image = require "support.image"
local process = require "support.process"
local tmp = require "support.tmp"

local signer = {}

signer.kinds = { "ecdsa", "rsa", "ed25519" }

local OPTIONS = {
  ecdsa = { "EC", "-pkeyopt", "ec_paramgen_curve:P-256" },
  rsa = { "RSA", "-pkeyopt", "rsa_keygen_bits:2048" },
  ed25519 = { "ED25519" },
}

---@class support.Signer
---@field kind string
---@field public string PEM text
---@field private string PEM text
---@field path string of a file with the public key
local methods = {}
local mt = { __index = methods }

--- Makes a pair of keys.
---@param kind string one of signer.kinds
---@return support.Signer
function signer.new(kind)
  local private = tmp.path("private.pem")
  process.check { "openssl", "genpkey", "-quiet", "-out", private, "-algorithm",
    table.unpack(OPTIONS[kind]) }
  local public = process.check { "openssl", "pkey", "-in", private, "-pubout" }
  return setmetatable({ kind = kind, file = private, private = tmp.read(private),
    public = public, path = tmp.file(public, "public.pem") }, mt)
end

--- Signs bytes.
---@param data string
---@return string signature
function methods:sign(data)
  local input, output = tmp.file(data, "data"), tmp.path("sig")
  local argv = { "openssl", "dgst", "-sha256", "-sign", self.file, "-out", output, input }
  if self.kind == "ed25519" then
    argv = { "openssl", "pkeyutl", "-sign", "-rawin", "-inkey", self.file, "-in", input, "-out",
      output }
  end
  process.check(argv)
  return tmp.read(output)
end

--- What cosign signs: simple signing's payload.
---@param digest string of the image
---@return string json
function signer.payload(digest)
  return ('{"critical":{"identity":{"docker-reference":"demo"},' ..
    '"image":{"docker-manifest-digest":"%s"},' ..
    '"type":"cosign container image signature"},"optional":null}'):format(digest)
end

local LAYER = '{"mediaType":"application/vnd.dev.cosign.simplesigning.v1+json","size":%d,' ..
  '"digest":"%s","annotations":{"dev.cosignproject.cosign/signature":"%s"}}'

--- Pushes a signature as cosign does: a manifest at the tag of the image's digest.
---@param registry support.Registry
---@param name string
---@param digest string of the image
---@param opts { payload: string?, signature: string?, payloads: string[]?, more: support.Signer? }? others than those that fit; `more`: who signs too
function methods:push(registry, name, digest, opts)
  opts = opts or {}
  local layers = {}
  for _, payload in ipairs(opts.payloads or { opts.payload or signer.payload(digest) }) do
    local stored = image.put_blob(registry, name, tmp.file(payload, "payload"))
    for _, by in ipairs { self, opts.more } do
      local sig = process.check({ "base64", "-w0" },
        { stdin = opts.signature or by:sign(payload) })
      layers[#layers + 1] = LAYER:format(#payload, stored, sig)
    end
  end
  local config = '{"architecture":"","os":"","config":{},"rootfs":{"type":"layers","diff_ids":[]}}'
  local media = "application/vnd.oci.image."
  local bytes = ('{"schemaVersion":2,"mediaType":"%smanifest.v1+json","config":{"mediaType":' ..
    '"%sconfig.v1+json","size":%d,"digest":"%s"},"layers":[%s]}'):format(media, media, #config,
    image.put_blob(registry, name, tmp.file(config, "config")), table.concat(layers, ","))
  image.put_manifest(registry, name, digest:gsub(":", "-") .. ".sig",
    { bytes = bytes, media_type = media .. "manifest.v1+json" })
end

return signer
