local described = require "support.described"
local nix = require "support.nix"

local template = dofile("templates/nix/dockerTools.lua")

local D = "sha256:" .. ("d"):rep(64)
local FAKE = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

-- The arguments of nixpkgs' dockerTools.pullImage.
local FUNCTION = [[({ imageName, imageDigest, hash, os ? "linux", arch ? "x",
  finalImageName ? imageName, finalImageTag ? "latest", tlsVerify ? true, name ? "x" }@all: all)]]

local function evaluate(image)
  return nix.evaluate(("%s (%s)"):format(FUNCTION, template(image)))
end

describe("the dockerTools template", function()
  it("prints what pullImage takes, with the manifest's digest", function()
    assert.equal(([[
{
  imageName = "docker.io/library/debian";
  imageDigest = "%s";
  # No registry knows this hash: build once, and put here what Nix then got.
  hash = "%s";
  finalImageName = "docker.io/library/debian";
  finalImageTag = "jessie";
}
]]):format(D, FAKE), template(described.image()))
  end)

  it("names the platform where it is known, and the digest of that image", function()
    if not nix.available() then pending("nix-instantiate is not installed") return end
    local index = "sha256:" .. ("1"):rep(64)
    assert.same({ imageName = "docker.io/library/debian", imageDigest = D, hash = FAKE,
      finalImageName = "docker.io/library/debian", finalImageTag = "jessie", os = "linux",
      arch = "arm64" }, evaluate(described.image({ digest = index, index = { digest = index } },
        described.one { platform = { os = "linux", architecture = "arm64", variant = "v8" } })))
  end)

  it("says that a registry speaks no TLS, and what to call the result", function()
    if not nix.available() then pending("nix-instantiate is not installed") return end
    local got = evaluate(described.image { registry = "http://h:5000/v2/", alt_name = "mine" })
    assert.is_false(got.tlsVerify)
    assert.equal("mine", got.name)
  end)

  it("refuses a registry that is not at the root of its host", function()
    for uri, good in pairs { ["https://h/v2/"] = true, ["https://h"] = true, ["http://h:1/"] = true,
      ["https://h/v2"] = true, ["https://h/x/v2/"] = false, ["https://h/x"] = false } do
      local text, err = template(described.image { registry = uri })
      assert.equal(good, text ~= nil, uri)
      assert.equal(good and "" or "unsupported", err and err.code or "")
    end
  end)

  it("has the tag latest where there is none", function()
    local image = described.image()
    image.tag = nil
    assert.matches('finalImageTag = "latest";', template(image), 1, true)
  end)

  it("lets no name break out of its string", function()
    if not nix.available() then pending("nix-instantiate is not installed") return end
    local evil = described.evil
    local got = evaluate(described.image({ name = evil, tag = evil, alt_name = evil },
      described.one { platform = { os = evil, architecture = evil } }))
    assert.same({ evil, evil, evil, evil, evil, evil }, { got.imageName, got.finalImageName,
      got.finalImageTag, got.name, got.os, got.arch })
  end)
end)
