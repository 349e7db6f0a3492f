local changes = require "hocker.lock.changes"
local json = require "hocker.json"

local function blob(name, size)
  return { mediaType = "m", digest = name, size = size }
end

local function manifest(name, layers)
  return { manifest = blob(name, 1), config = blob("config of " .. name, 10),
    layers = json.array(layers) }
end

local function entry(manifests)
  return { manifests = manifests }
end

describe("what an update brings", function()
  local a, b, c = blob("a", 100), blob("b", 200), blob("c", 300)

  it("is nothing where the manifests are the same", function()
    local one = entry { ["linux/amd64"] = manifest("m", { a }) }
    assert.same({}, changes.between(one, one))
  end)

  it("is told by platform, each layer once", function()
    local old = entry { ["linux/amd64"] = manifest("m1", { a, b, a }),
      ["linux/386"] = manifest("m2", { a }), ["linux/s390x"] = manifest("same", { a }) }
    local new = entry { ["linux/amd64"] = manifest("m3", { a, c, c }),
      ["linux/arm64"] = manifest("m4", { b, c }), ["linux/s390x"] = manifest("same", { a }) }
    assert.same({
      "linux/386: gone, 0 layers added, 1 removed, 0 bytes to fetch",
      "linux/386: - a 100",
      "linux/amd64: 1 layer added, 1 removed, 310 bytes to fetch",
      "linux/amd64: + c 300",
      "linux/amd64: - b 200",
      "linux/arm64: new, 2 layers added, 0 removed, 510 bytes to fetch",
      "linux/arm64: + b 200",
      "linux/arm64: + c 300",
    }, changes.between(old, new))
  end)

  it("may be another order, or notes, of the same layers", function()
    local old, new = manifest("m1", { a, b }), manifest("m2", { b, a })
    new.config = old.config
    assert.same({ "any: 0 layers added, 0 removed, 0 bytes to fetch" },
      changes.between(entry { any = old }, entry { any = new }))
  end)
end)

describe("what is wrong in a lock", function()
  it("is each field that differs, and where", function()
    local function made() return entry { any = manifest("m", { blob("a", 1), blob("b", 2) }) } end
    assert.same({}, changes.faults(made(), made()))
    local locked, actual = made(), made()
    locked.manifests.any.layers[2].size = 3
    locked.manifests.any.layers[3] = blob("c", 1)
    locked.manifests.any.config.mediaType = "other"
    actual.index = blob("i", 1)
    assert.same({
      "index: the lock has none, the registry one",
      "manifests.any.config.mediaType: the lock has other, the registry m",
      "manifests.any.layers[2].size: the lock has 3, the registry 2",
      "manifests.any.layers[3]: the lock has one, the registry none",
    }, changes.faults(locked, actual))
  end)
end)
