local core = require "hocker.core"
local described = require "support.described"
local json = require "hocker.json"
local process = require "support.process"

local template = dofile("templates/nix/json.lua")

local LONG = "sha512:" .. ("9"):rep(128)

local function facts(digest, size, media_type)
  return { digest = digest, hex = core.digest.hex(digest), nix32 = core.digest.nix32(digest),
    sri = core.digest.sri(digest), size = size, mediaType = media_type }
end

describe("the json template", function()
  it("prints one line, the same for the same image, with its keys sorted", function()
    local text = template.print(described.image())
    assert.matches("^{[^\n]*}\n$", text)
    assert.equal(text, template.print(described.image()))
    assert.equal(text, json.encode(json.decode(text)) .. "\n")
    assert.equal("all", template.platforms)
  end)

  it("has all keys, and null for what is not known", function()
    local object = json.decode(template.print(described.image()))
    local one = facts("sha256:" .. ("d"):rep(64), 7, "m/t")
    one.platform = json.null
    one.config = facts(described.config, 1, "a/b")
    one.layers = { facts(described.layer, 1, "a/b") }
    assert.same({ name = "docker.io/library/debian", repository = "library", imageName = "debian",
      registry = "https://registry-1.docker.io/v2/", tag = "jessie", altName = json.null,
      index = json.null, images = { one } }, object)
  end)

  it("has the index and all platforms", function()
    local image = described.image({
      index = { digest = LONG, media_type = "i/x", size = 5, bytes = "x" }, alt_name = "mine",
    }, described.one { platform = { os = "linux", architecture = "arm", variant = "v7" } },
      described.one { platform = { os = "windows", architecture = "amd64",
        ["os.version"] = "10.0.1" }, layers = {} })
    image.tag = nil
    local object = json.decode(template.print(image))
    assert.same(facts(LONG, 5, "i/x"), object.index)
    assert.same({ "mine", json.null }, { object.altName, object.tag })
    assert.same({ name = "linux/arm/v7", os = "linux", architecture = "arm", variant = "v7",
      ["os.version"] = json.null }, object.images[1].platform)
    assert.same({ name = "windows(10.0.1)/amd64", os = "windows", architecture = "amd64",
      variant = json.null, ["os.version"] = "10.0.1" }, object.images[2].platform)
    assert.same({}, object.images[2].layers)
    assert.matches('"layers":[]', template.print(image), 1, true)
  end)

  it("keeps repeated layers, and any text as it is", function()
    local layer = described.descriptor(LONG)
    local object = json.decode(template.print(described.image({ tag = described.evil },
      described.one { layers = { layer, layer } })))
    assert.equal(described.evil, object.tag)
    assert.same({ facts(LONG, 1, "a/b"), facts(LONG, 1, "a/b") }, object.images[1].layers)
  end)

  it("has the hashes that nix makes of the digests", function()
    if not process.which("nix-hash") then pending("nix-hash is not installed") return end
    local object = json.decode(template.print(described.image({}, described.one {
      layers = { described.descriptor(LONG) } })))
    for _, got in ipairs { object.images[1].config, object.images[1].layers[1] } do
      local kind = got.digest:match("^%w+")
      assert.equal(got.nix32 .. "\n",
        process.check { "nix-hash", "--type", kind, "--to-base32", got.hex })
      assert.equal(got.sri .. "\n",
        process.check { "nix", "--extra-experimental-features", "nix-command", "hash", "to-sri",
          "--type", kind, got.hex })
    end
  end)
end)
