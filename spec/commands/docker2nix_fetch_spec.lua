local certs = require "support.certs"
local faulty = require "support.faulty"
local image = require "support.image"
local json = require "hocker.json"
local nix = require "support.nix"
local port = require "support.port"
local program = require "support.program"
local registry = require "support.registry"
local tmp = require "support.tmp"

local ARCHITECTURES = { "amd64", "arm64", "s390x" }

local function docker2nix(...)
  -- What is on standard input is not looked at.
  return program.check("docker2nix", { "--fetch", ... }, { stdin = "not a manifest" })
end

local function refuses(code, ...)
  return program.refuses(code, "docker2nix", { ... }, { stdin = "not a manifest" })
end

describe("docker2nix --fetch", function()
  local reg, img, index
  local images = {}

  lazy_setup(function()
    reg = registry.start()
    img = image.build { architecture = "amd64", layers = { { a = "1" }, { b = "2" } } }
    img:upload(reg, "demo/app", "v1")
    for i, architecture in ipairs(ARCHITECTURES) do
      images[i] = image.build { architecture = architecture, layers = { { a = architecture } } }
      images[i]:upload(reg, "demo/multi", nil, { format = "oci" })
    end
    index = image.index(images)
    image.put_manifest(reg, "demo/multi", "v1", index)
  end)
  lazy_teardown(function() reg:stop() end)

  -- What comes out of `hocker-manifest ... | docker2nix ...`.
  local function piped(words, ...)
    local from = table.move({ ... }, 1, select("#", ...), #words + 1, { table.unpack(words) })
    return program.check("docker2nix", words, { stdin = program.check("hocker-manifest", from) })
  end

  it("prints what a manifest from hocker-manifest gives, by tag and by digest", function()
    for _, words in ipairs {
      { "--registry", reg:url(), "demo/app", "v1" }, { "--registry", reg:url(), "demo/app:v1" },
      { "--registry", reg:url(), "demo/app@" .. img.v2s2.digest },
      { "--registry", reg:url(), "demo/app", img.v2s2.digest },
      { "--registry", reg:url(), "demo/app:x@" .. img.v2s2.digest, "--altName", "mine" },
    } do
      local with_fetch = table.move(words, 1, #words, 1, {})
      if words[#words] == "mine" then
        words = { table.unpack(words, 1, #words - 2) }
        assert.equal((piped(words):gsub('name = "app"', 'name = "mine"', 1)),
          docker2nix(table.unpack(with_fetch)))
      else
        assert.equal(piped(words), docker2nix(table.unpack(with_fetch)))
      end
    end
  end)

  it("names the registry as it was reached", function()
    local text = docker2nix(reg:host() .. "/demo/app:v1")
    assert.matches(('registry = "%s/v2/";'):format(reg:url()), text, 1, true)
  end)

  it("takes a name of one part", function()
    img:upload(reg, "app", "v1")
    local text = docker2nix(reg:host() .. "/app:v1")
    assert.matches('repository = "";', text, 1, true)
    assert.matches('imageName = "app";', text, 1, true)
  end)

  it("chooses from an index, by its tag and its digest", function()
    for i, architecture in ipairs(ARCHITECTURES) do
      local wanted = "linux/" .. architecture
      for _, name in ipairs { "demo/multi:v1", "demo/multi@" .. index.digest } do
        local text = docker2nix("--registry", reg:url(), "--platform", wanted, name)
        local hex = images[i].layers[1].digest:match("%x+$")
        assert.matches(('layerDigest = "%s";'):format(hex), text, 1, true)
      end
      assert.equal(piped({ "--registry", reg:url(), "demo/multi", "v1" }, "--platform", wanted),
        docker2nix("--registry", reg:url(), "demo/multi", "v1", "--platform", wanted))
    end
  end)

  it("says which platforms there are", function()
    local line = refuses(3, "--fetch", reg:host() .. "/demo/multi:v1", "--platform",
      "linux/riscv64")
    assert.matches("no image for linux/riscv64; there is linux/amd64, linux/arm64, linux/s390x",
      line, 1, true)
    refuses(3, "--fetch", reg:host() .. "/demo/multi:none")
    refuses(3, "--fetch", reg:host() .. "/demo/app:v1", "--template", "multi", "--platform",
      "linux/arm64")
  end)

  local function platforms(text)
    local list = {}
    for _, one in ipairs(json.decode(text).images) do list[#list + 1] = one.platform.name end
    return list
  end

  it("gives a template of several platforms all, or those that are asked for", function()
    local name = reg:host() .. "/demo/multi:v1"
    assert.same({ "linux/amd64", "linux/arm64", "linux/s390x" },
      platforms(docker2nix("--template", "json", name)))
    assert.same({ "linux/s390x", "linux/amd64" }, platforms(docker2nix("--template=json", name,
      "--platform", "linux/s390x", "--platform", "x86_64", "--platform", "linux/amd64")))
    assert.same({ "linux/amd64" },
      platforms(docker2nix("--template", "json", reg:host() .. "/demo/app:v1")))
  end)

  it("gives the digests that the registry has", function()
    local object = json.decode(docker2nix("--template", "json", reg:host() .. "/demo/multi:v1"))
    assert.same({ index.digest, #index.bytes, index.media_type },
      { object.index.digest, object.index.size, object.index.mediaType })
    for i, one in ipairs(images) do
      local got = object.images[i]
      assert.same({ one.oci.digest, #one.oci.bytes, one.config.digest, one.layers[1].digest },
        { got.digest, got.size, got.config.digest, got.layers[1].digest })
    end
  end)

  it("prints one expression for several platforms", function()
    if not nix.available() then pending("nix-instantiate is not installed") return end
    local text = docker2nix("--template", "multi", reg:host() .. "/demo/multi:v1")
    for i, system in ipairs { "x86_64-linux", "aarch64-linux", "s390x-linux" } do
      local got = nix.evaluate(([[(%s) { fetchDockerConfig = a: a; fetchDockerLayer = a: a;
        fetchdocker = a: a; stdenv.hostPlatform.system = "%s"; }]]):format(text, system))
      assert.equal(images[i].layers[1].digest:match("%x+$"), got.imageLayers[1].layerDigest)
      assert.equal("v1", got.tag)
    end
  end)

  it("prints the lock of nix2container, and the arguments of pullImage", function()
    local name = reg:host() .. "/demo/multi:v1"
    assert.equal(images[3].oci.bytes,
      docker2nix("--template", "nix2container", name, "--platform", "linux/s390x"))
    local text = docker2nix("--template", "dockerTools", name, "--platform", "linux/s390x")
    assert.matches(('imageDigest = "%s";'):format(images[3].oci.digest), text, 1, true)
    assert.matches('arch = "s390x";', text, 1, true)
    assert.matches("tlsVerify = false;", text, 1, true)
  end)

  it("takes credentials, a private authority and a mirror", function()
    local authority = certs.authority()
    local closed = registry.start { auth = "htpasswd", tls = authority:server() }
    local mirror = registry.start()
    finally(function()
      mirror:stop()
      closed:stop()
    end)
    img:upload(closed, "demo/app", "v1", { user = "alice:secret" })
    local name, ca = closed:host() .. "/demo/app:v1", { "--cacert", authority.cert }
    local want = piped({ "--registry", reg:url(), "demo/app", "v1" })
      :gsub('registry = "[^"]*"', ('registry = "%s/v2/"'):format(closed:url()))
    assert.equal(want, docker2nix(name, ca[1], ca[2], "-u", "alice", "-p", "secret"))
    assert.equal(want, (program.check("docker2nix", { "--fetch", name, ca[1], ca[2], "-u", "alice",
      "--password-stdin" }, { stdin = "secret\n" })))
    assert.equal(want, docker2nix(name, ca[1], ca[2], "--credentials-file",
      tmp.file("USERNAME=alice\nPASSWORD=secret\n")))
    refuses(4, "--fetch", name, ca[1], ca[2])
    refuses(6, "--fetch", name, "-u", "alice", "-p", "secret", "--retries", "0")
    img:upload(mirror, "demo/app", "v1")
    assert.equal(want, docker2nix(name, ca[1], ca[2], "--mirror", mirror:url()))
  end)

  it("refuses what is not of the digest, and tells when there is no server", function()
    local server = faulty.start { routes = { ["*"] = { body = img.oci.bytes .. "\n",
      headers = { ["Content-Type"] = img.oci.media_type } } } }
    finally(function() server:stop() end)
    local line = refuses(5, "--fetch", ("%s/demo/app@%s"):format(server:host(), img.oci.digest))
    assert.matches(img.oci.digest, line, 1, true)
    refuses(6, "--fetch", ("127.0.0.1:%d/a/b:1"):format(port.free()), "--retries", "0")
  end)

  it("leaves what is configured for fetching alone where nothing is fetched", function()
    local env = { HOCKER_PLATFORM = "linux/s390x", HOCKER_RETRIES = "1", HOCKER_CACERT = "/none" }
    local words = { "--registry", reg:url(), "demo/app", "v1" }
    assert.equal(program.check("docker2nix", words, { stdin = img.v2s2.bytes }),
      (program.check("docker2nix", words, { stdin = img.v2s2.bytes, env = env })))
    assert.matches(images[3].layers[1].digest:match("%x+$"), program.check("docker2nix",
      { "--fetch", reg:host() .. "/demo/multi:v1" }, { env = { HOCKER_PLATFORM = "linux/s390x" } }),
      1, true)
  end)

  it("refuses a command line that is wrong", function()
    local name = reg:host() .. "/demo/multi:v1"
    for _, case in ipairs {
      { "leave --manifest out", "--fetch", name, "--manifest", "x" },
      { "'fetchdocker' prints one platform, and --platform names 2", "--fetch", name,
        "--platform", "linux/amd64", "--platform", "linux/arm64" },
      { "is not a platform", "--fetch", name, "--platform", "linux/" },
      { "there is no template 'none'", "--fetch", name, "--template", "none" },
      { "--platform is for fetching: add --fetch", name, "--platform", "linux/amd64" },
      { "--mirror is for fetching", name, "--mirror", reg:url() },
      { "--username is for fetching", name, "-u", "alice", "-p", "secret" },
      { "--password-stdin is for fetching", name, "--password-stdin" },
      { "--authfile is for fetching", name, "--authfile", "x" },
      { "--cacert is for fetching", name, "--cacert", "x" },
      { "--insecure is for fetching", name, "--insecure" },
      { "--retries is for fetching", name, "--retries", "1" },
      { "--stall-timeout is for fetching", name, "--stall-timeout", "1" },
    } do
      assert.matches(case[1], refuses(2, table.unpack(case, 2)), 1, true)
    end
  end)
end)
