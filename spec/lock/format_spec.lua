local core = require "hocker.core"
local format = require "hocker.lock.format"
local json = require "hocker.json"
local tmp = require "support.tmp"

local function digest(text) return core.digest.of(text) end

local function describe_blob(text, media_type)
  return { mediaType = media_type or "application/octet-stream", digest = digest(text),
    size = #text }
end

local function manifest(text)
  return { manifest = describe_blob(text), config = describe_blob "config",
    layers = json.array { describe_blob "one", describe_blob "two" } }
end

-- A lock as a table, with changes.
local function made(change)
  local doc = { version = 1, images = {
    app = {
      reference = "docker.io/library/app:v1", registry = "https://registry-1.docker.io/v2/",
      repository = "library/app", index = describe_blob "index",
      manifests = { ["linux/amd64"] = manifest "a", ["linux/arm/v7"] = manifest "b" },
    },
    one = {
      reference = "127.0.0.1:5000/team/one@" .. digest "one",
      registry = "http://127.0.0.1:5000/v2/", repository = "team/one",
      platforms = json.array { "linux/arm64" }, manifests = { any = manifest "one" },
    },
  } }
  if change then change(doc.images.app, doc, doc.images.one) end
  return doc
end

describe("the text of a lock", function()
  it("is read and printed, the same bytes each time", function()
    local text = json.pretty(made())
    local lock = assert(format.parse(text))
    assert.equal(text, format.print(lock))
    assert.equal(text, format.print(assert(format.parse(json.encode(made())))))
    assert.equal('{\n  "images": {},\n  "version": 1\n}\n', format.print { images = {} })
  end)

  it("is what docs/lock.md shows", function()
    local text = tmp.read("docs/lock.md"):match("\n```json\n(.-\n)```\n")
    text = text:gsub("sha256:%.%.%.", digest "x")
    assert.equal(text, format.print(assert(format.parse(text))))
  end)

  it("leads to its images", function()
    local lock = assert(format.parse(json.pretty(made())))
    local ref = assert(format.reference(lock.images.app))
    assert.equal("https://registry-1.docker.io/v2/", ref.api)
    assert.same({ "library/app", "v1" }, { ref.path, ref.tag })
    ref = assert(format.reference(lock.images.one))
    assert.equal("http://127.0.0.1:5000/v2/", ref.api)
    assert.same({ "team/one", digest "one" }, { ref.path, ref.digest })
    assert.is_nil(ref.tag)
    assert.equal(digest "index", format.top(lock.images.app).digest)
    assert.equal(digest "one", format.top(lock.images.one).digest)
  end)

  -- what is wrong, how it got so, where it is found
  local wrong = {
    { "a field of the lock", function(_, doc) doc.more = 1 end, "the lock: has a field 'more'" },
    { "no images", function(_, doc) doc.images = nil end, "the lock: has no 'images'" },
    { "a list of images", function(_, doc) doc.images = json.array {} end,
      "images: is not an object" },
    { "a version that is no number", function(_, doc) doc.version = "1" end, "version: " },
    { "a name", function(app, doc) doc.images["a.b"] = app end, "images: 'a.b' is not a name" },
    { "an entry", function(_, doc) doc.images.app = "x" end, "images.app: is not an object" },
    { "a field of an entry", function(app) app.tag = "v1" end, "images.app: has a field 'tag'" },
    { "no reference", function(app) app.reference = nil end, "images.app: has no 'reference'" },
    { "a reference that is no text", function(app) app.reference = 1 end,
      "images.app: its 'reference' is not a text" },
    { "a NUL", function(app) app.registry = "https://a\0b/" end,
      "images.app: its 'registry' is not a text" },
    { "a registry of files", function(app) app.registry = "file:///etc" end, "images.app: " },
    { "a registry with a password", function(app) app.registry = "https://a:b@c/" end,
      "images.app: --registry https://c/ carries credentials" },
    { "a path that goes up", function(app) app.repository = "../app" end, "images.app: " },
    { "a tag of another image", function(app) app.reference = "docker.io/library/b:v1" end,
      "images.app: its reference is docker.io/library/b:v1, but its registry and repository say" },
    { "another registry", function(app) app.registry = "https://evil.example/v2/" end,
      "say evil.example/library/app:v1" },
    { "another digest than it is named by", function(_, _, one)
      one.manifests.any.manifest.digest = digest "other" end, "images.one: its reference is by" },
    { "no manifest", function(app) app.manifests = {} end,
      "images.app.manifests: has no manifest" },
    { "a list of manifests", function(app) app.manifests = json.array { 1 } end,
      "images.app.manifests: " },
    { "a platform", function(app) app.manifests.linux = manifest "c" end,
      "images.app.manifests.linux: is not a platform" },
    { "another spelling", function(app) app.manifests["linux/x86_64"] = manifest "c" end,
      "images.app.manifests.linux/x86_64: is not a platform" },
    { "any of several", function(app) app.manifests.any = manifest "c" end,
      "images.app.manifests: has several" },
    { "several without an index", function(app) app.index = nil end,
      "images.app.manifests: has several" },
    { "a null", function(app) app.index = json.null end, "images.app.index: is not an object" },
    { "an index's digest", function(app) app.index.digest = "sha256:x" end, "images.app.index: " },
    { "an upper-case digest", function(app) app.index.digest = digest("x"):upper() end,
      "images.app.index: " },
    { "a size", function(app) app.index.size = -1 end, "images.app.index: its size" },
    { "half a byte", function(app) app.index.size = 1.5 end, "images.app.index: its size" },
    { "a media type", function(app) app.index.mediaType = "" end, "images.app.index: " },
    { "a layer's field", function(app)
      app.manifests["linux/amd64"].layers[2].urls = json.array {}
    end, "images.app.manifests.linux/amd64.layers[2]: has a field 'urls'" },
    { "layers that are none", function(app) app.manifests["linux/amd64"].layers = {} end,
      "images.app.manifests.linux/amd64.layers: is not a list" },
    { "no config", function(app) app.manifests["linux/amd64"].config = nil end,
      "images.app.manifests.linux/amd64: has no 'config'" },
    { "no platforms", function(app) app.platforms = json.array {} end,
      "images.app.platforms: is not a list of platforms" },
    { "a platform that was asked for", function(app) app.platforms = json.array { "linux" } end,
      "images.app.platforms: 'linux' is not a platform" },
    { "a platform that is not there", function(app)
      app.platforms = json.array { "linux/s390x" }
    end, "images.app.platforms: linux/s390x has no manifest" },
  }
  for _, case in ipairs(wrong) do
    it("is refused for " .. case[1], function()
      local lock, err = format.parse(json.pretty(made(case[2])))
      assert.is_nil(lock)
      assert.equal("verification", err.code)
      assert.matches(case[3], err.message, 1, true)
    end)
  end

  local texts = {
    { "no JSON", "{", "verification" }, { "nothing", "", "verification" },
    { "a list", "[]", "verification" }, { "null", "null", "verification" },
    { "the same name twice", '{"images":{"a":{},"a":{}},"version":1}', "verification" },
    { "another version", '{"version":2,"new":1}', "unsupported" },
    { "too much", (" "):rep(format.limits.bytes + 1), "refused" },
  }
  for _, case in ipairs(texts) do
    it("is refused for " .. case[1], function()
      local lock, err = format.parse(case[2])
      assert.is_nil(lock)
      assert.equal(case[3], err.code)
    end)
  end
end)

describe("a name in a lock", function()
  for _, name in ipairs { "a", "_", "debian-12", "A_b-C", ("a"):rep(128) } do
    it("may be " .. name, function() assert.equal(name, format.check_name(name)) end)
  end
  for _, name in ipairs { "", "1", "-a", "a.b", "a b", "a'", "a\0b", "a\n", "rec", "in", "é",
    ("a"):rep(129) } do
    it(("may not be %q"):format(name), function()
      local ok, err = format.check_name(name)
      assert.is_nil(ok)
      assert.equal("usage", err.code)
    end)
  end
end)
