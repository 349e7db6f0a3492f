local image = require "support.image"
local lua = require "support.lua"
local process = require "support.process"
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
    assert.matches("lua5.4: ", result.stderr, 1, true)
  end)
end)
