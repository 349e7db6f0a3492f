--- hocker.lock: images by name, each with the digests that its reference stood for at one time.

local core = require "hocker.core"
local format = require "hocker.lock.format"
local json = require "hocker.json"
local platform = require "hocker.platform"

local M = {}

M.check_name, M.reference, M.top = format.check_name, format.reference, format.top

--- The names of a lock's images, in the order of their bytes.
---@param lock hocker.Lock
---@return string[]
function M.names(lock)
  return json.keys(lock.images)
end

--- The platforms of an entry, in the order of their bytes.
---@param entry hocker.Lock.Entry
---@return string[]
function M.platforms(entry)
  return json.keys(entry.manifests)
end

--- Whether an entry stays as it is: it is named by a digest.
---@param entry hocker.Lock.Entry
---@return boolean
function M.is_pinned(entry)
  return entry.reference:find("@", 1, true) ~= nil
end

--- The platforms that an entry was asked for.
---@param entry hocker.Lock.Entry
---@return hocker.Platform[]? wants nil: all
function M.wants(entry)
  if not entry.platforms then return nil end
  local wants = {}
  for i, text in ipairs(entry.platforms) do wants[i] = assert(platform.parse(text)) end
  return wants
end

local function describe(media_type, digest, size)
  return { mediaType = media_type, digest = digest, size = size }
end

local function describe_manifest(manifest)
  local layers = json.array {}
  for i, layer in ipairs(manifest.layers) do
    layers[i] = describe(layer.mediaType, layer.digest, layer.size)
  end
  local config = manifest.config
  return {
    manifest = describe(manifest.media_type, manifest.digest, #manifest.bytes),
    config = describe(config.mediaType, config.digest, config.size),
    layers = layers,
  }
end

local function format_wants(wants)
  if not wants then return nil end
  local set = {}
  for _, want in ipairs(wants) do set[platform.format(want)] = true end
  return json.array(json.keys(set))
end

--- Makes the entry of an image.
---@param ref hocker.Reference after its registry has answered
---@param found hocker.Images
---@param wants hocker.Platform[]? nil: all
---@return hocker.Lock.Entry? entry
---@return hocker.Error? err "usage": several platforms of an image that is for one
function M.entry(ref, found, wants)
  local asked, manifests = format_wants(wants), {}
  for _, image in ipairs(found.images) do
    local name = image.platform and platform.format(image.platform)
    if not name and asked and #asked > 1 then
      return nil, core.error("usage", ("%s is one image, of one platform: ask for that alone")
        :format(tostring(ref)))
    end
    manifests[name or asked and asked[1] or format.any] = describe_manifest(image.manifest)
  end
  local index = found.index
  return {
    reference = tostring(assert(format.locate(ref.api, ref.path, ref.tag, ref.digest))),
    registry = ref.api, repository = ref.path, platforms = asked,
    index = index and describe(index.media_type, index.digest, #index.bytes), manifests = manifests,
  }
end

--- Looks an image up, and makes its entry. Only manifests are fetched: what an image without an index is
--- for, its configuration would tell, but that is a blob.
---@param registry hocker.Registry
---@param wants hocker.Platform[]? nil: all
---@param ref hocker.Reference? that the entry is to have; the registry's by default
---@return hocker.Lock.Entry? entry, hocker.Error? err
function M.look_up(registry, wants, ref)
  local found, err = registry:images(wants, { manifests_only = true })
  if not found then return nil, err end
  return M.entry(ref or registry.ref, found, wants)
end

-- Files ------------------------------------------------------------------------------------

-- The text of a file; nil alone where there is none.
local function read_text(path)
  local f <close>, why, errno = io.open(path, "rb")
  if not f then
    if errno == 2 then return nil end
    return nil, core.error("io", why, { sys = errno })
  end
  local text
  text, why, errno = f:read(format.limits.bytes + 1)
  if why then return nil, core.error("io", ("%s: %s"):format(path, why), { sys = errno }) end
  return text or ""
end

local function load_file(path)
  local text, err = read_text(path)
  if not text then return nil, err end
  local lock
  lock, err = format.parse(text)
  return lock, err and core.error(err.code, ("%s: %s"):format(path, err.message))
end

local function missing(path)
  return nil, core.error("io", ("%s: there is no such file; hocker lock add makes it"):format(path),
    { sys = 2 })
end

--- Reads a lock.
---@param path string
---@return hocker.Lock? lock, hocker.Error? err
function M.read(path)
  local lock, err = load_file(path)
  if lock or err then return lock, err end
  return missing(path)
end

local function write(file, text)
  local sink <close> = file:sink()
  local ok, err = sink:write(text)
  if ok then ok, err = sink:finish() end
  if ok then ok, err = file:commit() end
  return ok, err
end

--- Changes a lock in its file, which nobody else changes meanwhile, and which is written only when there
--- is something new, at once and whole.
---@param path string
---@param change fun(lock: hocker.Lock): true?, hocker.Error?
---@param create boolean? whether a file that is not there is an empty lock
---@return true? ok, hocker.Error? err
function M.edit(path, change, create)
  local file <close>, err = core.file(path)
  if not file then return nil, err end
  local ok, lock
  ok, err = file:lock()
  if not ok then return nil, err end
  lock, err = load_file(path)
  if err then return nil, err end
  if not lock and not create then return missing(path) end
  local before = lock and format.print(lock)
  lock = lock or { images = {} }
  ok, err = change(lock)
  if not ok then return nil, err end
  local after = format.print(lock)
  if after == before then return true end
  return write(file, after)
end

return M
