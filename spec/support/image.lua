--- Small images, the same bytes on every run: built by tar, gzip, zstd and sha256sum, and pushed
--- by skopeo or, byte for byte, by curl.
---
---     local img = image.build { layers = { { ["etc/motd"] = "hello\n" }, { random = 100000 } } }
---     local pushed = img:push(reg, "demo/app", "v1")

local lfs = require "lfs"
local process = require "support.process"
local tmp = require "support.tmp"

local image = {}

---@class support.image.Options
---@field layers (table<string, string|{symlink: string}>|{random: integer}|support.image.Layer)[]? each a map of paths to contents, random bytes, or as made
---@field compression "gzip"|"zstd"|"none"|nil "gzip" by default
---@field architecture string? the machine's by default
---@field os string? "linux" by default
---@field variant string?
---@field config string? JSON of the configuration's `config`, `{"Cmd":["/bin/true"]}` by default

---@class support.image.Layer
---@field file string the blob
---@field digest string
---@field size integer
---@field diff_id string
---@field tar string the content as a file

---@class support.image.Manifest
---@field bytes string
---@field digest string
---@field media_type string

---@class support.Image
---@field layers support.image.Layer[]
---@field config {bytes: string, file: string, digest: string, size: integer}
---@field platform string JSON, as an index has it
---@field oci support.image.Manifest
---@field v2s2 support.image.Manifest
---@field dir string an OCI image layout; its tag is "spec"
local methods = {}
local mt = { __name = "support.Image", __index = methods }

local MEDIA = {
  oci = {
    manifest = "application/vnd.oci.image.manifest.v1+json",
    index = "application/vnd.oci.image.index.v1+json",
    config = "application/vnd.oci.image.config.v1+json",
    layer = { gzip = "application/vnd.oci.image.layer.v1.tar+gzip",
      zstd = "application/vnd.oci.image.layer.v1.tar+zstd",
      none = "application/vnd.oci.image.layer.v1.tar" },
  },
  v2s2 = {
    manifest = "application/vnd.docker.distribution.manifest.v2+json",
    index = "application/vnd.docker.distribution.manifest.list.v2+json",
    config = "application/vnd.docker.container.image.v1+json",
    layer = { gzip = "application/vnd.docker.image.rootfs.diff.tar.gzip",
      zstd = "application/vnd.docker.image.rootfs.diff.tar.zstd",
      none = "application/vnd.docker.image.rootfs.diff.tar" },
  },
}

local ARCHITECTURES = { x86_64 = "amd64", aarch64 = "arm64", armv7l = "arm", i686 = "386" }

--- The machine's architecture, as images name it.
---@return string
function image.architecture()
  local machine = process.check({ "uname", "-m" }):gsub("%s", "")
  return ARCHITECTURES[machine] or machine
end

--- The sha256 digest of a file.
---@param path string
---@return string
function image.digest_of_file(path)
  return "sha256:" .. process.check({ "sha256sum", path }):match("^\\?(%x+)")
end

--- The sha256 digest of a string.
---@param bytes string
---@return string
function image.digest(bytes)
  return "sha256:" .. process.check({ "sha256sum" }, { stdin = bytes }):match("^%x+")
end

--- A file of so many bytes that don't compress, the same for the same seed.
---@param path string
---@param size integer
---@param seed integer?
function image.random_file(path, size, seed)
  process.check { "sh", "-c", [[openssl enc -aes-128-ctr -nosalt -iv 00 -K "$1" </dev/zero \
    2>/dev/null | head -c "$2" >"$0"]], path, ("%032x"):format(seed or 1), size }
end

local function make_directories(root, path)
  for at in path:gmatch("()/") do
    lfs.mkdir(root .. "/" .. path:sub(1, at - 1))
  end
end

local function write_tree(files, number)
  local root = tmp.dir("layer")
  if files.random then
    image.random_file(root .. "/random", files.random, number)
    return root
  end
  for path, content in pairs(files) do
    make_directories(root, path)
    if type(content) == "table" then
      assert(lfs.link(content.symlink, root .. "/" .. path, true))
    else
      tmp.write(root .. "/" .. path, content)
    end
  end
  return root
end

--- A tar of a directory's content that depends on nothing else.
---@param root string
---@return string path
function image.tar(root)
  local path = tmp.path("layer.tar")
  local argv = { "tar", "--format=gnu", "--sort=name", "--mtime=@0", "--owner=0", "--group=0",
    "--numeric-owner", "--mode=u=rwX,go=rX", "-C", root, "-cf", path, "--" }
  local names = tmp.list(root)
  if #names == 0 then
    argv[#argv] = "--files-from=/dev/null"
  end
  process.check(table.move(names, 1, #names, #argv + 1, argv))
  return path
end

local COMPRESS = { gzip = { "gzip", "-nc" }, zstd = { "zstd", "-qc" }, none = { "cat" } }

--- A layer of a tar, compressed by a command.
---@param tar string
---@param compress string[]
---@return support.image.Layer
function image.layer(tar, compress)
  local layer = { tar = tar, file = tmp.path("layer") }
  local argv = table.move(compress, 1, #compress, 1, {})
  argv[#argv + 1] = layer.tar
  process.check(argv, { stdout = layer.file, timeout = 600 })
  layer.diff_id = image.digest_of_file(layer.tar)
  layer.digest = image.digest_of_file(layer.file)
  layer.size = lfs.attributes(layer.file, "size")
  return layer
end

local function config_json(opts, layers)
  local diff_ids, history = {}, {}
  for i, layer in ipairs(layers) do
    diff_ids[i] = ('"%s"'):format(layer.diff_id)
    history[i] = ('{"created":"1970-01-01T00:00:00Z","created_by":"layer %d"}'):format(i)
  end
  local variant = opts.variant and (',"variant":"%s"'):format(opts.variant) or ""
  return ('{"architecture":"%s"%s,"config":%s,"created":"1970-01-01T00:00:00Z",' ..
    '"history":[%s],"os":"%s","rootfs":{"diff_ids":[%s],"type":"layers"}}'):format(
    opts.architecture or image.architecture(), variant,
    opts.config or '{"Cmd":["/bin/true"]}', table.concat(history, ","), opts.os or "linux",
    table.concat(diff_ids, ","))
end

local DESCRIPTOR = [[{
      "mediaType": "%s",
      "size": %d,
      "digest": "%s"
   }]]

local function manifest(media, config, layers, compression)
  local list = {}
  for i, layer in ipairs(layers) do
    list[i] = DESCRIPTOR:format(media.layer[compression], layer.size, layer.digest)
      :gsub("\n", "\n   ")
  end
  local bytes = ([[{
   "schemaVersion": 2,
   "mediaType": "%s",
   "config": %s,
   "layers": [
      %s
   ]
}]]):format(media.manifest, DESCRIPTOR:format(media.config, config.size, config.digest),
    table.concat(list, ",\n      "))
  return { bytes = bytes, digest = image.digest(bytes), media_type = media.manifest }
end

local function write_layout(self)
  self.dir = tmp.dir("oci")
  lfs.mkdir(self.dir .. "/blobs")
  lfs.mkdir(self.dir .. "/blobs/sha256")
  local function put(digest, path)
    process.check { "cp", path, self.dir .. "/blobs/sha256/" .. digest:match("%x+$") }
  end
  put(self.config.digest, self.config.file)
  put(self.oci.digest, tmp.file(self.oci.bytes))
  for _, layer in ipairs(self.layers) do
    put(layer.digest, layer.file)
  end
  tmp.write(self.dir .. "/oci-layout", '{"imageLayoutVersion":"1.0.0"}')
  tmp.write(self.dir .. "/index.json", ('{"schemaVersion":2,"manifests":[{"mediaType":"%s",' ..
    '"size":%d,"digest":"%s","annotations":{"org.opencontainers.image.ref.name":"spec"}}]}')
    :format(self.oci.media_type, #self.oci.bytes, self.oci.digest))
end

--- Builds an image: of one layer with one small file, if nothing else is said.
---@param opts support.image.Options?
---@return support.Image
function image.build(opts)
  opts = opts or {}
  local compression = opts.compression or "gzip"
  local layers = {}
  for i, made in ipairs(opts.layers or { { ["etc/motd"] = "hello\n" } }) do
    layers[i] = made.diff_id and made or
      image.layer(image.tar(write_tree(made, i)), COMPRESS[compression])
  end
  local bytes = config_json(opts, layers)
  local config = { bytes = bytes, file = tmp.file(bytes, "config"), digest = image.digest(bytes),
    size = #bytes }
  local self = setmetatable({ layers = layers, config = config }, mt)
  self.oci = manifest(MEDIA.oci, config, layers, compression)
  self.v2s2 = manifest(MEDIA.v2s2, config, layers, compression)
  self.platform = ('{"architecture":"%s","os":"%s"%s}'):format(
    opts.architecture or image.architecture(), opts.os or "linux",
    opts.variant and (',"variant":"%s"'):format(opts.variant) or "")
  write_layout(self)
  return self
end

--- An index (manifest list) of images.
---@param images support.Image[]
---@param format "oci"|"v2s2"|nil "oci" by default
---@return support.image.Manifest
function image.index(images, format)
  format = format or "oci"
  local list = {}
  for i, one in ipairs(images) do
    local m = one[format]
    list[i] = ('{"mediaType":"%s","size":%d,"digest":"%s","platform":%s}'):format(m.media_type,
      #m.bytes, m.digest, one.platform)
  end
  local bytes = ('{"schemaVersion":2,"mediaType":"%s","manifests":[%s]}'):format(
    MEDIA[format].index, table.concat(list, ","))
  return { bytes = bytes, digest = image.digest(bytes), media_type = MEDIA[format].index }
end

---@class support.image.Push
---@field format "v2s2"|"oci"|nil "v2s2" by default
---@field user string? "name:password"
---@field token string? of `upload`: a bearer token

--- Pushes with skopeo, and returns the manifest as the registry has it then.
---@param registry support.Registry|support.Nginx
---@param name string
---@param tag string
---@param opts support.image.Push?
---@return support.image.Manifest
function methods:push(registry, name, tag, opts)
  opts = opts or {}
  local target = ("docker://%s/%s:%s"):format(registry:host(), name, tag)
  local env = { HOME = tmp.root(), REGISTRY_AUTH_FILE = false }
  local copy = { "skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false",
    "--format", opts.format or "v2s2", "oci:" .. self.dir .. ":spec", target }
  local inspect = { "skopeo", "--insecure-policy", "inspect", "--raw", "--tls-verify=false",
    target }
  if opts.user then
    table.insert(copy, 4, "--dest-creds=" .. opts.user)
    table.insert(inspect, 4, "--creds=" .. opts.user)
  end
  process.check(copy, { env = env })
  local bytes = process.check(inspect, { env = env })
  return { bytes = bytes, digest = image.digest(bytes),
    media_type = MEDIA[opts.format or "v2s2"].manifest }
end

local function curl(registry, path, opts, argv)
  local words = { "curl", "-sS", "--fail-with-body", "--insecure", "-i" }
  if opts.user then
    table.move({ "-u", opts.user }, 1, 2, #words + 1, words)
  elseif opts.token then
    table.move({ "-H", "Authorization: Bearer " .. opts.token }, 1, 2, #words + 1, words)
  end
  table.move(argv, 1, #argv, #words + 1, words)
  words[#words + 1] = path:find("^https?:") and path or registry:url() .. path
  return process.check(words)
end

--- Uploads a file as a blob.
---@param registry support.Registry
---@param name string
---@param file string
---@param opts support.image.Push?
---@return string digest
function image.put_blob(registry, name, file, opts)
  opts = opts or {}
  local digest = image.digest_of_file(file)
  local reply = curl(registry, ("/v2/%s/blobs/uploads/"):format(name), opts, { "-X", "POST" })
  local location = reply:match("\n[Ll]ocation: (%S+)")
  location = location .. (location:find("?", 1, true) and "&" or "?") .. "digest=" .. digest
  curl(registry, location, opts, { "-X", "PUT", "--data-binary", "@" .. file,
    "-H", "Content-Type: application/octet-stream" })
  return digest
end

--- Puts a manifest of exactly these bytes.
---@param registry support.Registry
---@param name string
---@param reference string a tag or a digest
---@param made {bytes: string, media_type: string}
---@param opts support.image.Push?
---@return string digest
function image.put_manifest(registry, name, reference, made, opts)
  curl(registry, ("/v2/%s/manifests/%s"):format(name, reference), opts or {},
    { "-X", "PUT", "-H", "Content-Type: " .. made.media_type,
      "--data-binary", "@" .. tmp.file(made.bytes, "manifest") })
  return image.digest(made.bytes)
end

--- Pushes with curl: the manifest is `oci` or `v2s2` of this image, byte for byte.
---@param registry support.Registry
---@param name string
---@param reference string? a tag; the digest by default, as the images of an index are put
---@param opts support.image.Push?
---@return support.image.Manifest
function methods:upload(registry, name, reference, opts)
  opts = opts or {}
  local made = self[opts.format or "v2s2"]
  image.put_blob(registry, name, self.config.file, opts)
  for _, layer in ipairs(self.layers) do
    image.put_blob(registry, name, layer.file, opts)
  end
  image.put_manifest(registry, name, reference or made.digest, made, opts)
  return made
end

return image
