local core = require "hocker.core"
local jessie = require "support.jessie"
local json = require "hocker.json"

local fetchdocker = dofile("templates/nix/fetchdocker.lua")

local have_nix = os.execute("nix-instantiate --version >/dev/null 2>&1")

local CONFIG = "sha256:054abe38b1e6f863befa4258cbfaf127b1cc9440d2e2e349b15d22e676b591e7"
local LAYER = "sha256:cd0a524342efac6edff500c17e625735bbe479c926439b263bbe3c8518a0849c"

local GOLDEN = jessie.expression

local function descriptor(digest)
  return { mediaType = "a/b", digest = digest, size = 1 }
end

--- A description; the fields given replace the usual ones.
local function image(fields)
  local all = {
    name = "docker.io/library/debian", digest = "sha256:" .. ("d"):rep(64),
    registry = "https://registry-1.docker.io/v2/", repository = "library", image_name = "debian",
    tag = "jessie", config = descriptor(CONFIG), layers = { descriptor(LAYER) },
  }
  for name, value in pairs(fields or {}) do all[name] = value end
  return all
end

local function squeeze(text)
  return (text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""))
end

local function instantiate(text, arguments)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  local pipe = assert(io.popen(
    ("nix-instantiate --store dummy:// %s - < %s 2>&1"):format(arguments, path)))
  local output = pipe:read("a")
  local ok = pipe:close()
  os.remove(path)
  assert(ok, output)
  return output
end

--- The arguments of `fetchdocker`, evaluated.
local function evaluate(text)
  local call = ("((%s) { fetchDockerConfig = a: a; fetchDockerLayer = a: a; fetchdocker = a: a; })")
  return assert(json.decode(instantiate(call:format(text), "--eval --strict --json")))
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
    assert.equal(instantiate(GOLDEN, "--parse"), instantiate(text, "--parse"))
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

  it("refuses a name of one part, which the fetchers can't express", function()
    local one = image { image_name = "app" }
    one.repository = nil
    local text, err = fetchdocker(one)
    assert.is_nil(text)
    assert.equal("unsupported", err.code)
    assert.matches("'app' has one part", err.message)
  end)

  it("lets no name break out of its string", function()
    local evil = [["; x = builtins.readFile /etc/passwd; "${abort "no"}\]] .. "\n''${z}"
    local text = assert(fetchdocker(image { alt_name = evil, tag = evil, registry = evil }))
    if not have_nix then pending("nix-instantiate is not installed") return end
    local got = evaluate(text)
    assert.same({ evil, evil, evil, evil },
      { got.name, got.tag, got.registry, got.imageConfig.tag })
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
