--- What the Nix library makes of a lock.

local cjson = require "cjson"
local clients = require "support.clients"
local image = require "support.image"
local nixlib = require "support.nixlib"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local tmp = require "support.tmp"

local function hex(digest) return digest:match("%x+$") end

describe("fromLock", function()
  local reg, file, amd, arm, single

  lazy_setup(function()
    reg = registry.start()
    amd = image.build { architecture = "amd64", layers = { { shared = "1" }, { cpu = "amd" } } }
    arm = image.build { architecture = "arm", variant = "v6", layers = { { cpu = "arm" } } }
    single = image.build { layers = { { shared = "1" }, { single = "1" } } }
    amd:upload(reg, "demo/app", nil, { format = "oci" })
    arm:upload(reg, "demo/app", nil, { format = "oci" })
    image.put_manifest(reg, "demo/app", "v1", image.index { amd, arm })
    single:upload(reg, "single", "v1")
    single:upload(reg, "demo/two", "v1")
    file = tmp.dir("locked") .. "/hocker.lock"
    local words = { app = "demo/app:v1", single = "single:v1",
      digest = "single@" .. single.v2s2.digest }
    for name, text in pairs(words) do
      program.check("hocker", { "lock", "add", "--file", file, name, reg:host() .. "/" .. text })
    end
  end)
  lazy_teardown(function() reg:stop() end)

  local nix
  before_each(function()
    clients.need(clients.nix)
    nix = nix or clients.nix.new()
  end)

  local function expression(rest, system)
    return ("(%s.fromLock %s)%s"):format(nixlib.library(("system = %q;"):format(system
      or "x86_64-linux")), file, rest)
  end

  local function eval(rest, system)
    local result = nix:run { "nix-instantiate", "--eval", "--strict", "--json", "--expr",
      expression(rest, system) }
    return result.code == 0 and cjson.decode(result.stdout) or nil, result.stderr
  end

  -- The digest of an image's configuration.
  local function config_of(rest, system)
    local got, err = eval(rest .. ".imageConfig.outputHash", system)
    assert.is_truthy(got, err)
    return got
  end

  it("takes the image for the system", function()
    for system, img in pairs { ["x86_64-linux"] = amd, ["x86_64-darwin"] = amd,
      ["armv7l-linux"] = arm, ["armv6l-linux"] = arm } do
      assert.equal(img.config.digest, config_of(".app", system))
      assert.equal(single.config.digest, config_of(".single", system))
    end
    assert.equal(arm.config.digest, config_of('.app.platforms."linux/arm/v6"'))
  end)

  it("says so where there is none", function()
    for system, text in pairs {
      ["aarch64-linux"] = "'app' has no image for aarch64-linux, which is linux/arm64; there is " ..
        "linux/amd64, linux/arm/v6.",
      ["armv5tel-linux"] = "which is linux/arm/v5",
      ["vax-netbsd"] = "no platform is known for the system 'vax-netbsd'",
    } do
      local got, err = eval(".app.drvPath", system)
      assert.is_nil(got)
      assert.matches(text, err, 1, true)
    end
  end)

  it("knows the systems that hocker's own platforms are for", function()
    local platform = require "hocker.platform"
    local text = tmp.read(nixlib.path .. "/fromLock.nix")
    local count = 0
    for machine, name in text:gmatch('\n    ([%w_]+) = %[ "(linux/[^"]+)" %]') do
      assert.equal(platform.format(platform.host(machine)), name)
      count = count + 1
    end
    assert.is_true(count > 9)
  end)

  it("builds what docker loads by the reference that was locked", function()
    local script = nix:build("--expr", expression(".app.stream"))
    local path = nixlib.print(script)
    local entry = cjson.decode(process.check { "tar", "-xOf", path, "manifest.json" })[1]
    assert.same({ reg:host() .. "/demo/app:v1" }, entry.RepoTags)
    assert.equal(hex(amd.config.digest) .. ".json", entry.Config)
    local want = tmp.path("want.tar")
    program.check("hocker-image", { reg:host() .. "/demo/app:v1", "--platform", "amd64", "-q",
      "--out", want })
    assert.equal(image.digest_of_file(want), image.digest_of_file(path))
  end)

  it("builds a name of one part, a digest, and other names", function()
    local function names(rest)
      local path = nixlib.print(nix:build("--expr", "(" .. expression(rest) .. ").stream"))
      return cjson.decode(process.check { "tar", "-xOf", path, "manifest.json" })[1].RepoTags
    end
    assert.same({ reg:host() .. "/single:v1" }, names ".single")
    assert.equal(cjson.null, names ".digest")
    assert.same({ "mine:1" }, names '.digest.override { repoTags = [ "mine:1" ]; }')
  end)

  it("has the same store paths as docker2nix's images", function()
    local other = nixlib.image(nixlib.file(reg, "demo/two", "v1"))
    local paths = "(map (layer: layer.outPath) %s.imageLayers ++ [ %s.imageConfig.outPath ])"
    local both = nix:run { "nix-instantiate", "--eval", "--strict", "--json", "--expr",
      ("[ %s %s ]"):format(paths:format(other, other),
        paths:format(expression(".single"), expression(".single"))) }
    assert.equal(0, both.code, both.stderr)
    local got = cjson.decode(both.stdout)
    assert.equal(3, #got[1])
    assert.same(got[1], got[2])
  end)

  it("refuses what is no lock of its version", function()
    local good = tmp.read(file)
    finally(function() tmp.write(file, good) end)
    for _, text in ipairs { '{"images":{},"version":2}', '{"images":{}}', "{}" } do
      tmp.write(file, text)
      local got, err = eval ".app"
      assert.is_nil(got)
      assert.matches("is no lock of version 1", err, 1, true)
    end
  end)
end)
