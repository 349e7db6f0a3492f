local clients = require "support.clients"
local image = require "support.image"
local lua = require "support.lua"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local tmp = require "support.tmp"

describe("examples/layers.lua", function()
  local reg, pushed, img

  setup(function()
    reg = registry.start()
    img = image.build { layers = { { a = "1" }, { random = 5000 }, { b = "2" } } }
    pushed = img:push(reg, "demo/app", "v1")
  end)
  teardown(function() reg:stop() end)

  local function run(...)
    return lua.run { "examples/layers.lua", ... }
  end

  it("prints what skopeo sees", function()
    local seen = process.check({ "skopeo", "--insecure-policy", "inspect", "--raw",
      "--tls-verify=false", ("docker://%s/demo/app:v1"):format(reg:host()) },
      { env = { HOME = tmp.root() } })
    local want = { image.digest(seen) }
    local _, layers = seen:match('"layers"()(.*)')
    for size, digest in layers:gmatch('"size":%s*(%d+),%s*"digest":%s*"([^"]*)"') do
      want[#want + 1] = digest .. "\t" .. size
    end
    assert.equal(4, #want)
    for _, words in ipairs { { reg:host() .. "/demo/app:v1" }, { "demo/app:v1", reg:url() },
      { "demo/app@" .. pushed.digest, reg:url() } } do
      local result = run(table.unpack(words))
      assert.equal(0, result.code, result.stderr)
      assert.equal(table.concat(want, "\n") .. "\n", result.stdout)
      assert.equal("", result.stderr)
    end
  end)

  it("says what went wrong", function()
    local result = run("demo/app:none", reg:url())
    assert.equal(1, result.code)
    assert.equal("", result.stdout)
    assert.matches("demo/app:none: .*MANIFEST_UNKNOWN", result.stderr)
    result = run("Not valid")
    assert.equal(1, result.code)
    assert.matches("lua[%d.]*: ", result.stderr)
  end)
end)

describe("examples/dockerfile.lua", function()
  local reg, img, index

  setup(function()
    reg = registry.start()
    img = image.build { architecture = "arm64" }
    img:upload(reg, "demo/app", nil, { format = "oci" })
    index = image.index { img }
    image.put_manifest(reg, "demo/app", "v1", index)
  end)
  teardown(function() reg:stop() end)

  local function print(...)
    return program.check("docker2nix", { "--template", "examples/dockerfile.lua", ... },
      { stdin = img.oci.bytes })
  end

  it("prints a line that docker pins by", function()
    local name = reg:host() .. "/demo/app"
    assert.equal(("FROM %s:v1@%s\n"):format(name, index.digest),
      print("--fetch", "--platform", "linux/arm64", name .. ":v1"))
    assert.equal(("FROM %s@%s\n"):format(name, img.oci.digest),
      print("--fetch", name .. "@" .. img.oci.digest))
    assert.equal(("FROM docker.io/library/debian:12@%s\n"):format(img.oci.digest),
      print "debian:12")
  end)

  it("prints what podman reads", function()
    clients.need(clients.podman)
    local dir = tmp.dir("context")
    local line = print("--fetch", "--platform", "linux/arm64", reg:host() .. "/demo/app:v1")
    tmp.write(dir .. "/Dockerfile", line)
    local result = clients.podman.new():run { "build", "--tls-verify=false", "--quiet",
      "--platform=linux/arm64", dir }
    assert.equal(0, result.code, result.stderr)
  end)
end)
