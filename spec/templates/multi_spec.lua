local described = require "support.described"
local nix = require "support.nix"
local platform = require "hocker.platform"

local multi = dofile("templates/nix/multi.lua")

local have_nix = nix.available()

-- The image of a platform; its layer is its mark.
local function one(name, mark)
  return described.one { platform = assert(platform.parse(name)),
    layers = { described.descriptor("sha256:" .. mark:rep(64)) } }
end

local function print(...)
  return assert(multi.print(described.image({}, ...)))
end

-- What is evaluated for a call of the function in `text`; `f` is the function there.
local function evaluate(text, call, ...)
  return nix.evaluate(([[
    let
      f = %s;
      pkgs = { fetchDockerConfig = a: a; fetchDockerLayer = a: a; fetchdocker = a: a; };
      callPackage = pkgs: f: f (builtins.intersectAttrs (builtins.functionArgs f) pkgs);
      mark = image: builtins.substring 0 1 (builtins.head image.imageLayers).layerDigest;
    in %s]]):format(text, call), ...)
end

local function on(system)
  return ('mark (f (pkgs // { stdenv.hostPlatform.system = "%s"; }))'):format(system)
end

describe("the multi template", function()
  local text = print(one("linux/amd64", "1"), one("linux/arm64/v8", "2"), one("linux/arm/v7", "3"),
    one("linux/arm/v6", "4"), one("linux/386", "5"), one("windows/amd64", "6"))

  it("is of all platforms", function()
    assert.equal("all", multi.platforms)
  end)

  it("prints one function, with what fetchdocker.lua prints of each platform in it", function()
    local fetchdocker = dofile("templates/nix/fetchdocker.lua")
    local call = assert(fetchdocker(described.image({}, one("linux/arm64", "2"))))
      :match("\n(.*)\n$"):gsub("\n", "\n    ")
    assert.is_truthy(text:find('    "linux/arm64" = ' .. call .. ";\n", 1, true))
    assert.matches("^{ fetchDockerConfig, fetchDockerLayer, fetchdocker, stdenv %? { } }:\nlet\n",
      text)
    assert.matches("[^\n]\n$", text)
    assert.is_nil(text:find("[ \t]\n"))
  end)

  it("is the same text for the same images", function()
    assert.equal(text, print(one("linux/amd64", "1"), one("linux/arm64", "2"),
      one("linux/arm/v7", "3"), one("linux/arm/v6", "4"), one("linux/386", "5"),
      one("windows/amd64", "6")))
  end)

  it("chooses by the system of stdenv, as callPackage gives it", function()
    if not have_nix then pending("nix-instantiate is not installed") return end
    for system, mark in pairs {
      ["x86_64-linux"] = "1", ["aarch64-linux"] = "2", ["armv7l-linux"] = "3",
      ["armv6l-linux"] = "4", ["i686-linux"] = "5", ["x86_64-darwin"] = "1",
      ["aarch64-darwin"] = "2",
    } do
      assert.equal(mark, evaluate(text, on(system)), system)
      assert.equal(mark, evaluate(text, ([[mark (callPackage (pkgs // {
        stdenv.hostPlatform.system = "%s"; system = throw "asked"; lib = { }; }) f)]])
        :format(system)))
    end
  end)

  it("chooses by the system that evaluates where there is no stdenv", function()
    if not have_nix then pending("nix-instantiate is not installed") return end
    for system, mark in pairs { ["x86_64-linux"] = "1", ["aarch64-linux"] = "2" } do
      assert.equal(mark, evaluate(text, "mark (f pkgs)", "--option", "system", system))
    end
  end)

  it("takes a lesser variant where there is none of the system's own", function()
    if not have_nix then pending("nix-instantiate is not installed") return end
    local v6 = print(one("linux/arm/v6", "4"))
    assert.equal("4", evaluate(v6, on "armv7l-linux"))
    assert.equal("4", evaluate(v6, on "armv6l-linux"))
  end)

  it("says which platforms there are when a system has none of them", function()
    if not have_nix then pending("nix-instantiate is not installed") return end
    local few = print(one("linux/amd64", "1"), one("linux/arm64", "2"))
    for _, system in ipairs { "riscv64-linux", "armv7l-linux", "x86_64-windows" } do
      local result = nix.instantiate(("(%s) %s"):format(few, [[{ fetchDockerConfig = a: a;
        fetchDockerLayer = a: a; fetchdocker = a: a; stdenv.hostPlatform.system = "]] .. system ..
        [["; }]]), "--eval")
      assert.not_equal(0, result.code)
      assert.matches("docker.io/library/debian: no image for " .. system ..
        "; there is linux/amd64, linux/arm64", result.stderr, 1, true)
    end
  end)

  it("evaluates no other platform than the one that is chosen", function()
    if not have_nix then pending("nix-instantiate is not installed") return end
    local cut = text:gsub('imageName = "debian";', 'imageName = throw "evaluated";')
    assert.equal("2", evaluate(cut, on "aarch64-linux"))
  end)

  it("lets no name break out of its string", function()
    local evil = described.evil
    local image = described.image({ name = evil, tag = evil, alt_name = evil, registry = evil },
      one("linux/amd64", "1"))
    local strange = described.one { platform = { os = evil, architecture = "x" } }
    image.images[2] = strange
    local evil_text = assert(multi.print(image))
    if not have_nix then pending("nix-instantiate is not installed") return end
    nix.parse(evil_text)
    local got = evaluate(evil_text, 'f (pkgs // { stdenv.hostPlatform.system = "x86_64-linux"; })')
    assert.same({ evil, evil, evil }, { got.name, got.tag, got.registry })
    assert.is_nil(got.x)
  end)

  it("needs the platform of each image", function()
    local printed, err = multi.print(described.image())
    assert.is_nil(printed)
    assert.equal("usage", err.code)
    assert.matches("--fetch", err.message, 1, true)
  end)

  it("refuses digests that the fetchers don't take", function()
    local bad = one("linux/amd64", "1")
    bad.config = described.descriptor("sha512:" .. ("0"):rep(128))
    local printed, err = multi.print(described.image({}, bad))
    assert.is_nil(printed)
    assert.equal("unsupported", err.code)
  end)
end)
