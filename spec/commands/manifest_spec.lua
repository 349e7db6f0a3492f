local faulty = require "support.faulty"
local image = require "support.image"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local tmp = require "support.tmp"

local ACCEPT = "Accept: " .. table.concat({
  "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json" }, ", ")

local function curl(reg, name, reference)
  return process.check { "curl", "-sSf", "-H", ACCEPT,
    ("%s/v2/%s/manifests/%s"):format(reg:url(), name, reference) }
end

describe("hocker-manifest", function()
  local reg, made

  lazy_setup(function()
    reg = registry.start()
    made = image.build():push(reg, "demo/app", "v1")
  end)
  lazy_teardown(function() reg:stop() end)

  describe("names an image by", function()
    -- %H is the registry's host and port, %D the digest.
    local forms = {
      ["two words"] = { "--registry", "http://%H", "demo/app", "v1" },
      ["two words, the second a digest"] = { "--registry", "http://%H", "demo/app", "%D" },
      ["two words, the second a tag with a digest"] = { "--registry", "http://%H", "demo/app",
        "v1@%D" },
      ["two words, the first with its host"] = { "%H/demo/app", "v1" },
      ["a reference"] = { "%H/demo/app:v1" },
      ["a reference at localhost"] = { "localhost:%P/demo/app:v1" },
      ["a reference with a digest"] = { "%H/demo/app@%D" },
      ["a reference with a tag and a digest"] = { "%H/demo/app:v1@%D" },
      ["a reference whose tag is gone, but not its digest"] = { "%H/demo/app:gone@%D" },
      ["a path and tag at --registry"] = { "--registry=http://%H", "demo/app:v1" },
      ["--registry with a slash at its end"] = { "--registry", "http://%H/", "demo/app", "v1" },
      ["--registry with /v2"] = { "--registry", "http://%H/v2", "demo/app", "v1" },
      ["--registry with /v2/"] = { "--registry", "http://%H/v2/", "demo/app", "v1" },
      ["--registry after the words"] = { "demo/app", "v1", "--registry", "http://%H" },
      ["--registry between the words"] = { "demo/app", "--registry=http://%H", "v1" },
      ["words after --"] = { "--registry=http://%H", "--", "demo/app", "v1" },
      ["words around the options of a Haskell runtime"] = { "+RTS", "-N2", "-RTS", "demo/app",
        "+RTS", "-A4m", "-N", "-RTS", "v1", "--registry=http://%H", "+RTS", "-N2" },
    }
    for what, form in pairs(forms) do
      it(what, function()
        local words = {}
        local values = { ["%H"] = reg:host(), ["%P"] = tostring(reg.port), ["%D"] = made.digest }
        for i, word in ipairs(form) do
          words[i] = word:gsub("%%[HPD]", values)
        end
        assert.equal(made.bytes, program.check("hocker-manifest", words))
      end)
    end

    it("a registry with a path before /v2", function()
      local deep = registry.start { prefix = "/some/where/" }
      finally(function() deep:stop() end)
      local img = image.build()
      img:upload(deep, "demo/app", "v1")
      for _, ending in ipairs { "", "/", "/v2", "/v2/" } do
        assert.equal(img.v2s2.bytes, program.check("hocker-manifest",
          { "--registry", deep:url() .. ending, "demo/app", "v1" }))
      end
    end)
  end)

  describe("prints, as curl gets it,", function()
    local img

    lazy_setup(function()
      img = image.build()
      img:upload(reg, "demo/bytes")
    end)

    local documents = {
      ["docker's schema 2"] = function() return img.v2s2 end,
      ["OCI's manifest"] = function() return img.oci end,
      ["white space of all kinds"] = function()
        local bytes = img.oci.bytes:gsub('":', '" \r\n\t : '):gsub('",', '"\n\t,')
        return { media_type = img.oci.media_type, bytes = "\n\t " .. bytes .. " \r\n\n" }
      end,
      ["text beyond ASCII"] = function()
        return { media_type = img.oci.media_type,
          bytes = img.oci.bytes:gsub("}$", ',"annotations":{"naïve":"✓ \\u0001"}}') }
      end,
    }
    for what, document in pairs(documents) do
      it(what, function()
        local sent = document()
        local digest = image.put_manifest(reg, "demo/bytes", "v1", sent)
        local printed = program.check("hocker-manifest", { reg:host() .. "/demo/bytes:v1" })
        assert.equal(sent.bytes, printed)
        assert.equal(curl(reg, "demo/bytes", "v1"), printed)
        assert.equal(digest, image.digest(printed))
      end)
    end
  end)

  describe("of an index", function()
    local images, index = {}, nil

    lazy_setup(function()
      for _, architecture in ipairs { "amd64", "arm64", "s390x" } do
        local one = image.build { architecture = architecture }
        one:upload(reg, "demo/multi", nil, { format = "oci" })
        images[architecture] = one
        images[#images + 1] = one
      end
      index = image.index(images)
      image.put_manifest(reg, "demo/multi", "v1", index)
    end)

    it("prints the manifest for --platform", function()
      for _, architecture in ipairs { "amd64", "arm64", "s390x" } do
        assert.equal(images[architecture].oci.bytes, program.check("hocker-manifest",
          { reg:host() .. "/demo/multi:v1", "--platform", "linux/" .. architecture }))
      end
    end)

    it("prints the manifest for this machine by default", function()
      local mine = images[image.architecture()]
      if not mine then pending("no image for a machine like this one") end
      assert.equal(mine.oci.bytes,
        program.check("hocker-manifest", { reg:host() .. "/demo/multi:v1" }))
    end)

    it("chooses from an index by its digest, and takes a manifest by its own", function()
      local by_index = { ("%s/demo/multi@%s"):format(reg:host(), index.digest),
        "--platform=linux/s390x" }
      assert.equal(images.s390x.oci.bytes, program.check("hocker-manifest", by_index))
      local by_manifest = { ("%s/demo/multi@%s"):format(reg:host(), images.s390x.oci.digest),
        "--platform=linux/amd64" }
      assert.equal(images.s390x.oci.bytes, program.check("hocker-manifest", by_manifest))
    end)

    it("that has none for the platform, says which there are", function()
      local line = program.refuses(3, "hocker-manifest",
        { reg:host() .. "/demo/multi:v1", "--platform", "linux/riscv64" })
      assert.matches("no image for linux/riscv64", line, 1, true)
      assert.matches("linux/amd64, linux/arm64, linux/s390x", line, 1, true)
    end)

    it("prints the index itself with --index, by its tag and by its digest", function()
      for _, form in ipairs { "%s/demo/multi:v1", "%s/demo/multi@" .. index.digest } do
        assert.equal(index.bytes,
          program.check("hocker-manifest", { form:format(reg:host()), "--index" }))
      end
      assert.equal(curl(reg, "demo/multi", "v1"), index.bytes)
    end)

    it("prints an image's manifest with --index where there is no index", function()
      assert.equal(made.bytes,
        program.check("hocker-manifest", { "--index", reg:host() .. "/demo/app:v1" }))
    end)

    it("takes --index or --platform, not both", function()
      local line = program.refuses(2, "hocker-manifest",
        { reg:host() .. "/demo/multi:v1", "--index", "--platform", "linux/amd64" })
      assert.matches("leave --platform out", line, 1, true)
    end)

    it("that is not the one asked for is refused with --index", function()
      local server = faulty.start { routes = { ["*"] = { body = index.bytes .. "\n",
        headers = { ["Content-Type"] = index.media_type } } } }
      finally(function() server:stop() end)
      assert.matches("its digest is", program.refuses(5, "hocker-manifest",
        { "--index", ("%s/demo/multi@%s"):format(server:host(), index.digest) }), 1, true)
    end)

    it("of docker's kind chooses too", function()
      for _, one in ipairs(images) do
        one:upload(reg, "demo/list")
      end
      image.put_manifest(reg, "demo/list", "v1", image.index(images, "v2s2"))
      assert.equal(images.arm64.v2s2.bytes, program.check("hocker-manifest",
        { reg:host() .. "/demo/list:v1", "--platform", "linux/aarch64" }))
    end)
  end)

  describe("with --out", function()
    for what, spelling in pairs {
      ["PATH"] = { "--out", "%s" }, ["=PATH"] = { "--out=%s" }, [", short,"] = { "-o", "%s" },
    } do
      it(what .. " writes the exact bytes there and prints the path", function()
        local path = tmp.dir() .. "/manifest.json"
        local words = { reg:host() .. "/demo/app:v1" }
        for _, word in ipairs(spelling) do
          words[#words + 1] = word:format(path)
        end
        assert.equal(path .. "\n", program.check("hocker-manifest", words))
        assert.equal(made.bytes, tmp.read(path))
      end)
    end

    it("in the current directory writes there", function()
      local dir = tmp.dir()
      assert.equal("m.json\n", program.check("hocker-manifest",
        { reg:host() .. "/demo/app:v1", "--out", "m.json" }, { cwd = dir }))
      assert.equal(made.bytes, tmp.read(dir .. "/m.json"))
      assert.same({ "m.json" }, tmp.list(dir))
    end)

    it("- prints the manifest alone", function()
      assert.equal(made.bytes,
        program.check("hocker-manifest", { reg:host() .. "/demo/app:v1", "--out", "-" }))
    end)
  end)

  it("says nothing on standard error, and what it asks for with -v", function()
    local _, quiet = program.check("hocker-manifest", { reg:host() .. "/demo/app:v1" })
    assert.equal("", quiet)
    local bytes, verbose = program.check("hocker-manifest", { reg:host() .. "/demo/app:v1", "-v" })
    assert.equal(made.bytes, bytes)
    assert.matches("/v2/demo/app/manifests/v1", verbose, 1, true)
  end)

  it("is `hocker manifest` by another name", function()
    assert.equal(made.bytes, program.check("hocker", { "manifest", reg:host() .. "/demo/app:v1" }))
  end)
end)
