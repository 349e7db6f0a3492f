local core = require "hocker.core"
local faulty = require "support.faulty"
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

  describe("by its digest", function()
    it("is printed in every spelling of that, and no manifest is asked for", function()
      local digest, before = img.config.digest, #reg:requests()
      for _, text in ipairs { digest, digest:sub(8), core.digest.nix32(digest),
        core.digest.sri(digest) } do
        assert.equal(img.config.bytes, program.check("hocker-config",
          { "--registry", reg:url(), "--digest", text, "demo/app", "no-such-tag" }))
      end
      for i, request in ipairs(reg:requests()) do
        if i > before then assert.not_matches("/manifests/", request.path, 1, true) end
      end
    end)

    it("has to be that, be there, and be small", function()
      local at = { "--registry", "", "demo/app", "v1", "--digest" }
      local huge = image.digest((" "):rep(9 << 20))
      local server = faulty.start { routes = {
        ["/v2/demo/app/blobs/" .. img.config.digest] = { body = "{}" },
        ["/v2/demo/app/blobs/" .. huge] = { body = (" "):rep(9 << 20) },
      } }
      finally(function() server:stop() end)
      at[2] = server:url()
      local function refuses(code, digest)
        at[6] = digest
        return program.refuses(code, "hocker-config", at)
      end
      assert.matches(img.config.digest, refuses(5, img.config.digest), 1, true)
      assert.matches("longer than", refuses(5, huge), 1, true)
      assert.matches("404", refuses(3, spaced.config.digest), 1, true)
      assert.matches("--digest", refuses(2, "sha256:x"), 1, true)
      program.refuses(2, "hocker-config", { "--digest", huge, "--platform", "linux/arm64", "a:1" })
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
