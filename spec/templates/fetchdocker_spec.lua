local core = require "hocker.core"
local described = require "support.described"
local jessie = require "support.jessie"
local nix = require "support.nix"

local fetchdocker = dofile("templates/nix/fetchdocker.lua")

local have_nix = nix.available()

local descriptor, LAYER = described.descriptor, described.layer
local GOLDEN = jessie.expression

--- A description; the fields given replace the usual ones, also those of its one image.
local function image(fields)
  local one = described.one()
  for name, value in pairs(fields or {}) do
    if one[name] then one[name] = value end
  end
  return described.image(fields, one)
end

local function squeeze(text)
  return (text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""))
end

--- The arguments of `fetchdocker`, evaluated.
local function evaluate(text)
  return nix.evaluate(("((%s) { fetchDockerConfig = a: a; fetchDockerLayer = a: a; " ..
    "fetchdocker = a: a; })"):format(text))
end

describe("the fetchdocker template", function()
  it("prints the golden expression, white space aside", function()
    assert.equal(squeeze(GOLDEN), squeeze(assert(fetchdocker(image()))))
  end)

  it("ends with one newline, and has no trailing blanks", function()
    local text = assert(fetchdocker(image()))
    assert.matches("[^\n]\n$", text)
    assert.is_nil(text:find("[ \t]\n"))
  end)

  it("prints what Nix reads as the golden expression", function()
    if not have_nix then pending("nix-instantiate is not installed") return end
    local text = assert(fetchdocker(image()))
    assert.equal(nix.parse(GOLDEN), nix.parse(text))
  end)

  it("keeps one binding an entry, also of repeated layers", function()
    local other = "sha256:" .. ("0"):rep(64)
    local text = assert(fetchdocker(image { layers = { descriptor(LAYER), descriptor(other),
      descriptor(LAYER) } }))
    assert.is_truthy(text:find("in [ layer0 layer1 layer2 ];", 1, true))
    assert.equal(2, select(2, text:gsub("layerDigest = \"" .. LAYER:sub(8), "")))
    if not have_nix then pending("nix-instantiate is not installed") return end
    local layers = evaluate(text).imageLayers
    assert.equal(3, #layers)
    for i, digest in ipairs { LAYER, other, LAYER } do
      assert.equal(core.digest.nix32(digest), layers[i].sha256)
      assert.equal(core.digest.hex(digest), layers[i].layerDigest)
    end
  end)

  it("prints an image of no layers", function()
    local text = assert(fetchdocker(image { layers = {} }))
    assert.is_truthy(text:find("imageLayers = [ ];", 1, true))
    if not have_nix then pending("nix-instantiate is not installed") return end
    assert.same({}, evaluate(text).imageLayers)
  end)

  it("prints an image of many layers", function()
    local layers = {}
    for i = 1, 127 do layers[i] = descriptor(("sha256:%064x"):format(i)) end
    local text = assert(fetchdocker(image { layers = layers }))
    if not have_nix then pending("nix-instantiate is not installed") return end
    local printed = evaluate(text).imageLayers
    assert.equal(127, #printed)
    assert.equal(("%064x"):format(127), printed[127].layerDigest)
  end)

  local fields = {
    { "alt_name for the name", { alt_name = "mine" }, 'name = "mine";' },
    { "the image's own name beside it", { alt_name = "mine" }, 'imageName = "debian";' },
    { "a long name", { repository = "a", image_name = "b/c" }, 'name = "b/c";' },
    { "its repository", { repository = "a", image_name = "b/c" }, 'repository = "a";' },
    { "a registry's text", { registry = "http://h:5000/x" }, 'registry = "http://h:5000/x";' },
  }
  for _, case in ipairs(fields) do
    it("prints " .. case[1], function()
      assert.is_truthy(assert(fetchdocker(image(case[2]))):find(case[3], 1, true))
    end)
  end

  it("prints the digest where there is no tag", function()
    local asked = image()
    asked.tag = nil
    local want = ('tag = "%s";'):format(asked.digest)
    assert.is_truthy(assert(fetchdocker(asked)):find(want, 1, true))
  end)

  it("prints a name of one part, which has no repository", function()
    local text = assert(fetchdocker(image { image_name = "app", repository = "" }))
    assert.is_truthy(text:find('repository = "";', 1, true))
    assert.is_truthy(text:find('imageName = "app";', 1, true))
  end)

  it("lets no name break out of its string", function()
    local evil = described.evil
    local text = assert(fetchdocker(image { alt_name = evil, tag = evil, registry = evil }))
    if not have_nix then pending("nix-instantiate is not installed") return end
    local got = evaluate(text)
    assert.same({ evil, evil, evil, evil },
      { got.name, got.tag, got.registry, got.imageConfig.tag })
    assert.is_nil(got.x)
  end)

  it("refuses digests that the fetchers don't take", function()
    local long = "sha512:" .. ("0"):rep(128)
    for _, case in ipairs {
      { image { config = descriptor(long) }, "config: " },
      { image { layers = { descriptor(LAYER), descriptor(long) } }, "layer 2: " },
    } do
      local text, err = fetchdocker(case[1])
      assert.is_nil(text)
      assert.equal("unsupported", err.code)
      assert.is_truthy(err.message:find(case[2], 1, true), err.message)
      assert.matches("take sha256 only", err.message)
    end
  end)
end)
