local manifest = require "hocker.manifest"
local reference = require "hocker.reference"
local template = require "hocker.template"

local D = "sha256:" .. ("d"):rep(64)
local MANIFEST = manifest.parse(([[{ "schemaVersion": 2,
  "config": { "mediaType": "a/b", "digest": "sha256:%s", "size": 1 },
  "layers": [ { "mediaType": "a/b", "digest": "sha256:%s", "size": 2 },
              { "mediaType": "a/b", "digest": "sha256:%s", "size": 3 } ] }]]):format(
  ("c"):rep(64), ("1"):rep(64), ("2"):rep(64)))

local function describe_image(words, registry, alt_name)
  local ref = assert(reference.parse(words, registry and { registry = registry }))
  return template.describe(ref, MANIFEST, alt_name)
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
  }
  for _, case in ipairs(cases) do
    it("tells what a template needs of " .. table.concat(case[1], " "), function()
      local image = describe_image(case[1], case[2])
      assert.same({ table.unpack(case, 3, 7) },
        { image.name, image.registry, image.repository, image.image_name, image.tag })
      assert.equal(MANIFEST.digest, image.digest)
      assert.equal(MANIFEST.config, image.config)
      assert.equal(MANIFEST.layers, image.layers)
      assert.is_nil(image.alt_name)
    end)
  end

  it("keeps the name that was given instead", function()
    assert.equal("mine", describe_image({ "debian:12" }, nil, "mine").alt_name)
  end)
end)

describe("template.print", function()
  it("prints by a bundled template", function()
    local text = assert(template.print("fetchdocker", describe_image { "debian:12" }))
    assert.matches("^{ fetchDockerConfig, fetchDockerLayer, fetchdocker }:", text)
    assert.matches('imageName = "debian";', text, 1, true)
  end)

  it("returns an error for a name that is none", function()
    for _, name in ipairs { "none", "", "../nix/fetchdocker", "nix/fetchdocker", "/etc/passwd", ".",
      "a b", "fetchdocker.lua", "fetch\0docker" } do
      local text, err = template.print(name, describe_image { "debian:12" })
      assert.is_nil(text, name)
      assert.equal("usage", err.code)
      assert.matches("there is no template '" .. name, err.message, 1, true)
    end
  end)
end)
