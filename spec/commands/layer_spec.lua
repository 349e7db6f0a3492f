local core = require "hocker.core"
local faulty = require "support.faulty"
local image = require "support.image"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local tmp = require "support.tmp"

describe("hocker-layer", function()
  local reg, img, layer, hex

  lazy_setup(function()
    reg = registry.start()
    img = image.build { layers = { { ["hello"] = "hello\n" }, { random = 3000000 } } }
    img:upload(reg, "demo/app", "v1")
    layer = img.layers[2]
    hex = layer.digest:match(":(%x+)$")
  end)
  lazy_teardown(function() reg:stop() end)

  describe("writes the blob as it is stored and prints the path", function()
    -- %H is the registry's host and port, %X the layer's hex digits, %N and %S other spellings.
    local forms = {
      ["for NAME and a TAG that is not used"] = { "--registry", "http://%H", "--layer", "%X",
        "demo/app", "unused" },
      ["for a digest with sha256: before it"] = { "--registry", "http://%H", "--layer",
        "sha256:%X", "demo/app", "unused" },
      ["for a digest as Nix writes it"] = { "--registry", "http://%H", "--layer", "%N",
        "demo/app", "unused" },
      ["for a digest as browsers write it"] = { "--registry", "http://%H", "--layer", "%S",
        "demo/app", "unused" },
      ["with --layer=DIGEST"] = { "--registry=http://%H", "--layer=%X", "demo/app", "v1" },
      ["with -l"] = { "--registry=http://%H/v2/", "-l", "%X", "demo/app", "v1" },
      ["for a reference"] = { "--layer", "%X", "%H/demo/app:v1" },
      ["with options after the words, as the Nix fetchers call it"] = { "demo/app", "unused",
        "--registry", "http://%H/v2/", "--layer", "%X", "+RTS", "-N4", "-RTS" },
    }
    for what, form in pairs(forms) do
      it(what, function()
        local path, words = tmp.dir() .. "/layer", {}
        for i, word in ipairs(form) do
          words[i] = word:gsub("%%[HXNS]", { ["%H"] = reg:host(), ["%X"] = hex,
            ["%N"] = core.digest.nix32(layer.digest), ["%S"] = core.digest.sri(layer.digest) })
        end
        words[#words + 1] = "--out=" .. path
        assert.equal(path .. "\n", program.check("hocker-layer", words))
        assert.equal(layer.digest, image.digest_of_file(path))
      end)
    end

    it("as curl gets it", function()
      local path = tmp.path()
      process.check({ "curl", "-sSf", ("%s/v2/demo/app/blobs/%s"):format(reg:url(), layer.digest) },
        { stdout = path })
      assert.equal(layer.digest, image.digest_of_file(path))
    end)
  end)

  local function words(...)
    return { "--registry", reg:url(), "--layer", hex, "demo/app", "unused", ... }
  end

  it("--out - writes the bytes alone to standard output", function()
    local path = tmp.path()
    program.check("hocker-layer", words("--out", "-"), { stdout = path })
    assert.equal(layer.digest, image.digest_of_file(path))
  end)

  it("asks for nothing but the layer", function()
    local server = faulty.start { routes = {
      ["/v2/demo/app/blobs/" .. layer.digest] = { file = layer.file },
    } }
    finally(function() server:stop() end)
    program.check("hocker-layer", { "--registry", server:url(), "--layer", hex, "demo/app", "none",
      "--out", tmp.path() })
    local requests = server:requests()
    assert.equal(1, #requests)
    assert.equal("GET", requests[1].method)
  end)

  it("makes a layer of no bytes", function()
    local digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    local server = faulty.start { routes = { ["/v2/demo/app/blobs/" .. digest] = { body = "" } } }
    finally(function() server:stop() end)
    local path = tmp.path()
    program.check("hocker-layer",
      { "--registry", server:url(), "--layer", digest, "demo/app", "v1", "--out", path })
    assert.equal("", tmp.read(path))
  end)

  it("takes a sha512 digest", function()
    local digest = "sha512:" .. process.check({ "sha512sum", layer.file }):match("^%x+")
    local server = faulty.start { routes = {
      ["/v2/demo/app/blobs/" .. digest] = { file = layer.file } } }
    finally(function() server:stop() end)
    local path = tmp.path()
    program.check("hocker-layer",
      { "--registry", server:url(), "--layer", digest, "demo/app", "v1", "--out", path })
    assert.equal(layer.digest, image.digest_of_file(path))
  end)

  describe("tells of its progress on standard error", function()
    it("by a line", function()
      local _, stderr = program.check("hocker-layer", words("--out", tmp.path()))
      local short = hex:sub(1, 7)
      assert.equal(("Downloading layer: %s => wrote %s\n"):format(short, short), stderr)
    end)

    it("by JSON", function()
      local _, stderr = program.check("hocker-layer",
        words("--out", tmp.path(), "--progress", "json"))
      local last = stderr:match("([^\n]*)\n$")
      assert.matches('"event":"layer"', last, 1, true)
      assert.matches(layer.digest, last, 1, true)
    end)

    it("by nothing with --progress none, and with -q", function()
      for _, option in ipairs { "--progress=none", "-q" } do
        local _, stderr = program.check("hocker-layer", words("--out", tmp.path(), option))
        assert.equal("", stderr)
      end
    end)
  end)

  it("that the registry lacks is not found", function()
    local missing = ("0"):rep(64)
    local line = program.refuses(3, "hocker-layer", { "--registry", reg:url(), "--layer", missing,
      "demo/app", "v1", "--out", tmp.path() })
    assert.matches(missing, line, 1, true)
    assert.matches("404", line, 1, true)
  end)

  it("is `hocker layer` by another name", function()
    local path = tmp.path()
    assert.equal(path .. "\n", program.check("hocker",
      { "layer", table.unpack(words("--out", path)) }))
    assert.equal(layer.digest, image.digest_of_file(path))
  end)
end)
