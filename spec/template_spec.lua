local core = require "hocker.core"
local manifest = require "hocker.manifest"
local reference = require "hocker.reference"
local template = require "hocker.template"
local tmp = require "support.tmp"

local D = "sha256:" .. ("d"):rep(64)

local function parse(layer)
  return assert(manifest.parse(([[{ "schemaVersion": 2,
    "config": { "mediaType": "a/b", "digest": "sha256:%s", "size": 1 },
    "layers": [ { "mediaType": "a/b", "digest": "sha256:%s", "size": 2 },
                { "mediaType": "a/b", "digest": "sha256:%s", "size": 3 } ] }]]):format(
    ("c"):rep(64), ("1"):rep(64), layer:rep(64))))
end

local MANIFEST = parse("2")
local FOUND = { digest = MANIFEST.digest, images = { { manifest = MANIFEST } } }

local function describe_image(words, registry, alt_name)
  local ref = assert(reference.parse(words, registry and { registry = registry }))
  return template.describe(ref, FOUND, alt_name)
end

describe("template.describe", function()
  local HUB = "https://registry-1.docker.io/v2/"
  -- words, registry, and: name, registry, repository, image_name, tag
  local cases = {
    { { "debian:jessie" }, nil, "docker.io/library/debian", HUB, "library", "debian", "jessie" },
    { { "debian" }, nil, "docker.io/library/debian", HUB, "library", "debian", "latest" },
    { { "library/debian", "12" }, nil, "docker.io/library/debian", HUB, "library", "debian", "12" },
    { { "a/b/c:d" }, nil, "docker.io/a/b/c", HUB, "a", "b/c", "d" },
    { { "debian@" .. D }, nil, "docker.io/library/debian", HUB, "library", "debian", nil },
    { { "a/b", "c" }, "http://r:1/v2/", "r:1/a/b", "http://r:1/v2/", "a", "b", "c" },
    { { "r:1/a:b" }, nil, "r:1/a", "https://r:1/v2/", "", "a", "b" },
  }
  for _, case in ipairs(cases) do
    it("tells what a template needs of " .. table.concat(case[1], " "), function()
      local image = describe_image(case[1], case[2])
      assert.same({ table.unpack(case, 3, 7) },
        { image.name, image.registry, image.repository, image.image_name, image.tag })
      assert.is_nil(image.alt_name)
    end)
  end

  it("keeps the name that was given instead", function()
    assert.equal("mine", describe_image({ "debian:12" }, nil, "mine").alt_name)
  end)

  it("tells of a manifest alone what it has", function()
    local image = describe_image { "debian:12" }
    assert.equal(MANIFEST.digest, image.digest)
    assert.is_nil(image.index)
    assert.same({ { digest = MANIFEST.digest, media_type = MANIFEST.media_type,
      size = #MANIFEST.bytes, bytes = MANIFEST.bytes, config = MANIFEST.config,
      layers = MANIFEST.layers } }, image.images)
  end)

  it("tells of an index what it is, and of its images, each platform once", function()
    local index = { digest = D, media_type = "i/x", bytes = "{}" }
    local arm = { os = "linux", architecture = "arm64" }
    local amd = { os = "linux", architecture = "amd64" }
    local image = template.describe(assert(reference.parse { "debian:12" }), {
      digest = D, index = index, images = {
        { manifest = MANIFEST, platform = arm }, { manifest = parse("3"), platform = amd },
        { manifest = parse("4"), platform = arm },
      } })
    assert.equal(D, image.digest)
    assert.same({ digest = D, media_type = "i/x", bytes = "{}", size = 2 }, image.index)
    assert.equal(2, #image.images)
    assert.same({ arm, amd }, { image.images[1].platform, image.images[2].platform })
    assert.equal(MANIFEST.digest, image.images[1].digest)
    assert.equal("sha256:" .. ("3"):rep(64), image.images[2].layers[2].digest)
  end)
end)

describe("template.load", function()
  it("finds what comes with hocker", function()
    for name, platforms in pairs { fetchdocker = "", multi = "all", json = "all", dockerTools = "",
      nix2container = "" } do
      local found = assert(template.load(name))
      assert.equal(name, found.name)
      assert.equal(platforms, found.platforms or "")
      assert.is_string(assert(template.print(found, template.describe(
        assert(reference.parse { "debian:12" }), { digest = D, images = {
          { manifest = MANIFEST, platform = { os = "linux", architecture = "amd64" } } } }))))
    end
  end)

  it("takes a file by its path", function()
    local path = tmp.file("return function(image) return image.name .. '!' end", "own.lua")
    local found = assert(template.load(path))
    assert.equal("docker.io/library/debian!", template.print(found, describe_image { "debian" }))
    local several = tmp.file("return { platforms = 'all', print = function() return 'x' end }",
      "several.lua")
    assert.equal("all", assert(template.load(several)).platforms)
  end)

  it("says that there is none of a name", function()
    for _, name in ipairs { "none", "", ".", "a b", "fetch\0docker", ".lua", "-" } do
      local found, err = template.load(name)
      assert.is_nil(found, name)
      assert.matches("template '" .. name .. "'", err.message, 1, true)
      assert.equal(name == ".lua" and "io" or "usage", err.code)
    end
    for _, path in ipairs { "../nix/fetchdocker", "nix/fetchdocker", "fetchdocker.lua",
      "/nonexistent/t" } do
      local found, err = template.load(path)
      assert.is_nil(found)
      assert.equal("io", err.code)
      assert.equal(("template '%s': there is no such file"):format(path), err.message)
    end
  end)

  it("refuses what is no template, and says why", function()
    for text, want in pairs {
      ["return 1"] = "neither a function", ["return {}"] = "neither a function",
      ["return { print = function() end }"] = "neither a function",
      ["return { platforms = 'one', print = function() end }"] = "neither a function",
      ["return { platforms = 'all', print = 1 }"] = "neither a function",
      ["return"] = "returns nothing", ["return function("] = ":1: ", ["error 'so'"] = "so",
    } do
      local path = tmp.file(text, "wrong.lua")
      local found, err = template.load(path)
      assert.is_nil(found, text)
      assert.matches(want, err.message, 1, true)
      assert.matches(path, err.message, 1, true)
    end
  end)
end)

describe("template.print", function()
  local function print_with(f)
    return template.print({ name = "own", print = f }, describe_image { "debian:12" })
  end

  it("gives the description, and the text back", function()
    local text = print_with(function(image) return image.image_name .. image.images[1].digest end)
    assert.equal("debian" .. MANIFEST.digest, text)
    assert.equal("", print_with(function() return "" end))
  end)

  local failures = {
    { "raises text", function() error("so", 0) end, "internal", "so" },
    { "raises an error object", function() error(core.error("refused", "so"), 0) end, "refused",
      "so" },
    { "raises nil", function() error() end, "internal", "it printed nothing" },
    { "returns nothing", function() end, "internal", "it printed nothing" },
    { "returns nil and an error", function() return nil, core.error("not_found", "so") end,
      "not_found", "so" },
    { "returns nil and a text", function() return nil, "so" end, "internal", "so" },
    { "returns nil and what is no error", function()
      return nil, setmetatable({ code = "x" }, { __tostring = function() return "so" end })
    end, "internal", "so" },
    { "calls os.exit", load("os.exit(0)", "=x"), "internal", "x:1: it calls os.exit" },
    { "breaks strings", load("string.format = nil error('oh', 0)", "=x"), "internal", "oh" },
    { "returns a number", function() return 1 end, "internal",
      "it returned a number, not a string" },
    { "returns false", function() return false end, "internal",
      "it returned a boolean, not a string" },
    { "returns a table", function() return {} end, "internal",
      "it returned a table, not a string" },
  }
  for _, case in ipairs(failures) do
    it("names the template that " .. case[1], function()
      local text, err = print_with(case[2])
      assert.is_nil(text)
      assert.equal(case[3], err.code)
      assert.equal("template 'own': " .. case[4], err.message)
    end)
  end
end)
