--- An OCI image layout in a directory, as a place to look into before a registry is asked: what
--- `hocker-image --format oci` and `skopeo copy ... oci:DIR` write.
---
--- Nothing that is in it is believed: its documents and blobs are verified as those of a registry are.

local core = require "hocker.core"
local json = require "hocker.json"
local manifest = require "hocker.manifest"
local reference = require "hocker.reference"

local M = {}

local INDEX_MAX <const> = 4 << 20
local NAMES <const> = { "io.containerd.image.name", "org.opencontainers.image.ref.name" }

---@class hocker.Layout
---@field path string
local methods = {}
local mt = { __name = "hocker.Layout", __index = methods }

--- Reads nothing yet.
---@param path string of the directory
---@return hocker.Layout
function M.new(path)
  return setmetatable({ path = path }, mt)
end

-- The text of a file; nil alone where there is none.
local function read_text(path, max)
  local buffer <close> = core.buffer(max)
  local ok, err = core.system.read(path,
    core.sink.verify(buffer:sink(), { max = max, name = path }))
  if ok then return buffer:data() end
  return nil, err.code ~= "not_found" and err or nil
end

local function blob_path(self, digest)
  local algorithm, hex = digest:match("^(%w+):(%x+)$")
  return ("%s/blobs/%s/%s"):format(self.path, algorithm, hex)
end

-- The descriptors of index.json, which is read once.
local function entries(self)
  if self.entries then return self.entries end
  local path = self.path .. "/index.json"
  local text, err = read_text(path, INDEX_MAX)
  if err then return nil, err end
  local index = { manifests = {} }
  if text then index, err = manifest.parse(text) end
  if not index then return nil, core.error(err.code, ("%s: %s"):format(path, err.message)) end
  self.entries = index.manifests
  return self.entries
end

-- Whether a name in the index is that of an image. One that is a tag alone is any image's.
local function names(text, ref)
  local found = type(text) == "string" and text:find("[:/]") and reference.parse { text }
  return found and found.name == ref.name and found.tag == ref.tag
end

local function find(self, ref)
  local list, err = entries(self)
  for _, entry in ipairs(list or {}) do
    local notes = json.is_object(entry.annotations) and entry.annotations or {}
    for _, key in ipairs(NAMES) do
      if names(notes[key], ref) then return entry.digest end
    end
  end
  return nil, err
end

--- A manifest or an index: of a digest, or of a reference's tag.
---@param ref hocker.Reference
---@param which string? a digest
---@return hocker.Manifest? document nil alone when it is not there, hocker.Error? err
function methods:document(ref, which)
  local digest, err = which or ref.digest, nil
  if not digest then digest, err = find(self, ref) end
  if not digest then return nil, err end
  local path = blob_path(self, digest)
  local text, document
  text, err = read_text(path, manifest.limits.manifest)
  if not text then return nil, err end
  document, err = manifest.parse(text, nil, digest)
  return document, err and core.error(err.code, ("%s: %s"):format(path, err.message))
end

--- Whether there is a file of a blob that can be read. What is no file, and might keep us waiting, is none.
---@param digest string
---@return boolean
function methods:has(digest)
  local ok, err = core.system.read(blob_path(self, digest),
    core.sink.verify(core.sink.null(), { max = 0 }))
  return ok or err.code == "verification"
end

--- Writes a blob into a chain, which is taken and has to verify it.
---@param digest string
---@param chain hocker.core.Sink
---@return true? ok, hocker.Error? err
function methods:read(digest, chain)
  local path = blob_path(self, digest)
  local ok, err = core.system.read(path, chain)
  if ok then return true end
  return nil, core.error(err.code == "not_found" and "io" or err.code,
    ("%s: %s"):format(path, err.message))
end

--- Its last bytes, not verified.
---@param digest string
---@param count integer
---@return string?
function methods:tail(digest, count)
  if not self:has(digest) then return nil end
  local f <close> = io.open(blob_path(self, digest), "rb")
  return f and f:seek("end", -count) and f:read(count)
end

return M
