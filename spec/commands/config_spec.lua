local image = require "support.image"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local tmp = require "support.tmp"

describe("hocker-config", function()
  local reg, img, spaced

  lazy_setup(function()
    reg = registry.start()
    img = image.build { config = '{"Cmd":["/bin/true"],"Labels":{"weiß":"ja \\u00fc"}}' }
    img:upload(reg, "demo/app", "v1")
    img:upload(reg, "demo/app", "oci", { format = "oci" })
    spaced = image.build { config = '\n{ "Cmd" : [\r\n\t"/bin/true" ] }\n' }
    spaced:upload(reg, "demo/spaced", "v1")
  end)
  lazy_teardown(function() reg:stop() end)

  describe("prints the configuration byte for byte", function()
    local forms = {
      ["for a reference"] = { "%H/demo/app:v1" },
      ["for NAME TAG"] = { "--registry", "http://%H/v2/", "demo/app", "v1" },
      ["for a digest"] = { "%H/demo/app@%D" },
      ["for NAME and a digest"] = { "demo/app", "%D", "--registry=http://%H" },
      ["of an OCI image"] = { "%H/demo/app:oci" },
      ["with the options of a Haskell runtime"] = { "%H/demo/app:v1", "+RTS", "-N2", "-RTS" },
    }
    for what, form in pairs(forms) do
      it(what, function()
        local words = {}
        for i, word in ipairs(form) do
          words[i] = word:gsub("%%[HD]", { ["%H"] = reg:host(), ["%D"] = img.v2s2.digest })
        end
        assert.equal(img.config.bytes, program.check("hocker-config", words))
      end)
    end

    it("as curl gets the blob, and as its digest says", function()
      local printed = program.check("hocker-config", { reg:host() .. "/demo/spaced:v1" })
      assert.equal(spaced.config.bytes, printed)
      assert.equal(spaced.config.digest, image.digest(printed))
      assert.equal(process.check { "curl", "-sSf",
        ("%s/v2/demo/spaced/blobs/%s"):format(reg:url(), spaced.config.digest) }, printed)
    end)
  end)

  it("of an index prints that of the platform's image", function()
    local images = {}
    for i, architecture in ipairs { "amd64", "arm64" } do
      images[i] = image.build { architecture = architecture }
      images[i]:upload(reg, "demo/multi", nil, { format = "oci" })
    end
    image.put_manifest(reg, "demo/multi", "v1", image.index(images))
    for i, platform in ipairs { "linux/amd64", "arm64" } do
      assert.equal(images[i].config.bytes, program.check("hocker-config",
        { "--platform", platform, reg:host() .. "/demo/multi:v1" }))
    end
  end)

  it("with --out writes the exact bytes there and prints the path", function()
    local path = tmp.dir() .. "/config.json"
    assert.equal(path .. "\n", program.check("hocker-config",
      { reg:host() .. "/demo/spaced:v1", "--out", path }))
    assert.equal(spaced.config.bytes, tmp.read(path))
  end)

  it("is `hocker config` by another name", function()
    assert.equal(img.config.bytes,
      program.check("hocker", { "config", reg:host() .. "/demo/app:v1" }))
  end)
end)
