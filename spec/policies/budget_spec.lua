local image = require "support.image"
local policy = require "hocker.policy"
local program = require "support.program"
local registry = require "support.registry"
local tmp = require "support.tmp"

describe("the policy budget", function()
  local function open(parameters)
    parameters[1] = "budget"
    return policy.compose { assert(policy.load(parameters)) }
  end

  it("limits the layers of an image", function()
    local p = open { layers = 2 }
    assert.is_true(p:ask("manifest", { layers = { {}, {} }, size = 10 }))
    assert.is_true(p:ask("manifest", { manifests = { {}, {}, {} } }))
    local ok, err = p:ask("manifest", { reference = "a", layers = { {}, {}, {} }, size = 1 })
    assert.is_nil(ok)
    assert.same({ "refused", "policy 'budget': a has 3 layers, more than 2" },
      { err.code, err.message })
  end)

  it("limits the bytes of an image, before they are fetched", function()
    local p = open { bytes = "1KiB" }
    assert.is_true(p:ask("manifest", { layers = {}, size = 1024 }))
    assert.is_nil(p:ask("manifest", { reference = "a", layers = {}, size = 1025 }))
  end)

  it("limits what is fetched, each blob once", function()
    local p = open { bytes = 100 }
    assert.is_true(p:ask("layer", { digest = "a", size = 60, kind = "layer" }))
    assert.is_true(p:ask("layer", { digest = "a", size = 60, kind = "layer" }))
    local ok, err = p:ask("layer", { digest = "b", size = 41, kind = "layer" })
    assert.is_nil(ok)
    assert.equal("policy 'budget': layer b has 41 bytes, and 40 of 100 are left", err.message)
    assert.is_true(p:ask("layer", { digest = "c", size = 40, kind = "layer" }))
  end)

  it("leaves a blob of unknown size the rest", function()
    local p, max = open { bytes = 100 }, nil
    assert.is_true(p:ask("layer", { digest = "a", size = 60, kind = "layer" }))
    assert.is_true(p:ask("layer", { digest = "b", kind = "layer" },
      function(answer) max = answer.max end))
    assert.equal(40, max)
  end)

  it("knows units, and nothing else", function()
    for _, wrong in ipairs { "1.5", "-1", "10X", "", "9999999999T", {}, true } do
      local one, err = policy.load { "budget", bytes = wrong }
      assert.is_nil(one)
      assert.matches("parameter 'bytes' must be a whole number", err.message)
    end
    for _, right in ipairs { 1, "0", "5K", "5 MiB", "2GB", "1T" } do
      assert(policy.load { "budget", bytes = right })
    end
  end)

  it("holds for several images and for a layer alone", function()
    local reg = registry.start()
    finally(function() reg:stop() end)
    local one = image.build { layers = { { random = 30000 } } }
    local two = image.build { layers = { { random = 30000 }, { random = 30000 } } }
    one:push(reg, "demo/one", "v1")
    two:push(reg, "demo/two", "v1")
    local function run(code, bytes, ...)
      local out = tmp.path("image.tar")
      local list = { "--policy", "budget:bytes=" .. bytes, "--out", out, ... }
      local words = table.move(list, 1, #list, 2, { "image" })
      if code == 0 then return program.check("hocker", words) end
      local result = program.run("hocker", words)
      assert.equal(code, result.code, result.stderr)
      assert.is_false(tmp.exists(out))
    end
    run(0, "100K", reg:host() .. "/demo/one:v1")
    run(8, "20K", reg:host() .. "/demo/one:v1")
    run(0, "70K", reg:host() .. "/demo/two:v1", reg:host() .. "/demo/one:v1") -- one layer is shared
    run(8, "50K", reg:host() .. "/demo/two:v1", reg:host() .. "/demo/one:v1")
    local layer = { "--layer", one.layers[1].digest, "--out", tmp.path("l"), "--policy",
      "budget:bytes=20K", reg:host() .. "/demo/one:v1" }
    assert.matches("20480", program.refuses(5, "hocker-layer", layer))
  end)
end)
