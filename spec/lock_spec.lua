local core = require "hocker.core"
local lock = require "hocker.lock"
local lfs = require "lfs"
local platform = require "hocker.platform"
local reference = require "hocker.reference"
local tmp = require "support.tmp"

local function blob(text)
  return { mediaType = "m", digest = core.digest.of(text), size = #text, annotations = { a = "b" } }
end

local function document(text)
  return { kind = "image", media_type = "manifest", bytes = text, digest = core.digest.of(text),
    config = blob "config", layers = { blob(text .. "1"), blob(text .. "1") } }
end

local function image(text, name)
  return { manifest = document(text), platform = name and assert(platform.parse(name)) }
end

local function wants(...)
  local list = {}
  for i, name in ipairs { ... } do list[i] = assert(platform.parse(name)) end
  return list
end

describe("the entry of an image", function()
  local ref = assert(reference.parse { "debian:12" })
  local index = { media_type = "index", bytes = "index", digest = core.digest.of "index" }

  it("has its platforms, and of each what a lock keeps", function()
    local entry = assert(lock.entry(ref, { index = index,
      images = { image("b", "linux/arm64/v8"), image("a", "linux/amd64") } }))
    assert.equal("docker.io/library/debian:12", entry.reference)
    assert.equal("https://registry-1.docker.io/v2/", entry.registry)
    assert.equal("library/debian", entry.repository)
    assert.same({ mediaType = "index", digest = index.digest, size = 5 }, entry.index)
    assert.same({ "linux/amd64", "linux/arm64" }, lock.platforms(entry))
    local found = entry.manifests["linux/arm64"]
    assert.same({ mediaType = "manifest", digest = core.digest.of "b", size = 1 }, found.manifest)
    assert.same({ mediaType = "m", digest = core.digest.of "b1", size = 2 }, found.layers[2])
    assert.is_nil(lock.wants(entry))
    assert.is_false(lock.is_pinned(entry))
  end)

  it("keeps what was asked for, once and in order", function()
    local entry = assert(lock.entry(ref, { index = index, images = { image("a", "linux/arm/v6") } },
      wants("linux/arm/v7", "linux/arm", "linux/arm/v6")))
    assert.same({ "linux/arm/v6", "linux/arm/v7" }, entry.platforms)
    assert.same(wants("linux/arm/v6", "linux/arm/v7"), lock.wants(entry))
    assert.same({ "linux/arm/v6" }, lock.platforms(entry))
  end)

  it("is of the platform that it is said to be, where nothing else says", function()
    local alone = { images = { image "a" } }
    assert.same({ "any" }, lock.platforms(assert(lock.entry(ref, alone))))
    assert.same({ "linux/s390x" }, lock.platforms(assert(lock.entry(ref, alone, wants "s390x"))))
    alone.images[2] = alone.images[1]
    local entry, err = lock.entry(ref, alone, wants("amd64", "arm64"))
    assert.is_nil(entry)
    assert.equal("usage", err.code)
  end)

  it("says where its registry answered", function()
    local near = assert(reference.parse { "127.0.0.1:5000/a@" .. core.digest.of "a" })
    near.api = "http://127.0.0.1:5000/v2/"
    local entry = assert(lock.entry(near, { images = { image "a" } }))
    assert.equal("http://127.0.0.1:5000/v2/", entry.registry)
    assert.equal("127.0.0.1:5000/a@" .. core.digest.of "a", entry.reference)
    assert.is_true(lock.is_pinned(entry))
    assert.equal(near.api, lock.reference(entry).api)
    local port = assert(reference.parse { "quay.io:443/a/b:1" })
    assert.equal("quay.io/a/b:1", assert(lock.entry(port, { images = { image "a" } })).reference)
  end)
end)

describe("the file of a lock", function()
  local ref = assert(reference.parse { "debian:12" })
  local path

  before_each(function() path = tmp.dir("lock") .. "/hocker.lock" end)

  local function put(name)
    return function(doc)
      doc.images[name] = assert(lock.entry(ref, { images = { image "a" } }))
      return true
    end
  end

  it("is made, read and changed", function()
    assert(lock.edit(path, put "b", true))
    assert(lock.edit(path, put "a"))
    assert.same({ "a", "b" }, lock.names(assert(lock.read(path))))
    assert.same({ "hocker.lock" }, tmp.list(path:match("^(.*)/")))
  end)

  it("is not written when nothing is new, however it is laid out", function()
    assert(lock.edit(path, put "a", true))
    local text = tmp.read(path):gsub("%s+", " ")
    tmp.write(path, text)
    assert(lock.edit(path, put "a"))
    assert.equal(text, tmp.read(path))
  end)

  it("stays as it is when the change fails", function()
    assert(lock.edit(path, put "a", true))
    local text = tmp.read(path)
    local ok, err = lock.edit(path, function(doc)
      doc.images = {}
      return nil, core.error("network", "why")
    end)
    assert.is_nil(ok)
    assert.equal("why", err.message)
    assert.equal(text, tmp.read(path))
    assert.same({ "hocker.lock" }, tmp.list(path:match("^(.*)/")))
  end)

  it("is missed, but for who may make it", function()
    for _, f in ipairs { lock.read, lock.edit } do
      local found, err = f(path, put "a")
      assert.is_nil(found)
      assert.same({ "io", 2 }, { err.code, err.sys })
    end
    assert.same({}, tmp.list(path:match("^(.*)/")))
  end)

  it("is an error where it can't be read", function()
    assert(lfs.mkdir(path))
    local found, err = lock.read(path)
    assert.is_nil(found)
    assert.equal("io", err.code)
    assert.matches(path, err.message, 1, true)
  end)
end)
