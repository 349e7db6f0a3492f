local cjson = require "cjson"
local clients = require "support.clients"
local image = require "support.image"
local jessie = require "support.jessie"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local tmp = require "support.tmp"

local MANIFEST, EXPRESSION = jessie.manifest, jessie.expression

local DIGEST = image.digest(MANIFEST)
local A, B = "sha256:" .. ("a"):rep(64), "sha256:" .. ("b"):rep(64)

-- White space is never significant here: no string has any.
local function squeeze(text) return (text:gsub("%s+", "")) end

local function docker2nix(words, input)
  return program.check("docker2nix", words, { stdin = input or MANIFEST })
end

-- A binding of the outermost set.
local function value(expression, name)
  return expression:match("\n  " .. name .. " = (\"[^\n]*\");\n")
end

describe("docker2nix prints the README's expression", function()
  local expected = squeeze(EXPRESSION)

  it("from a manifest on standard input", function()
    assert.equal(expected, squeeze(docker2nix { "library/debian", "jessie" }))
  end)

  it("from --manifest FILE, and reads no standard input then", function()
    local path = tmp.file(MANIFEST, "manifest.json")
    for _, words in ipairs { { "--manifest", path }, { "--manifest=" .. path } } do
      table.move({ "library/debian", "jessie" }, 1, 2, #words + 1, words)
      assert.equal(expected, squeeze(docker2nix(words, "not a manifest")))
    end
  end)

  it("from --manifest -", function()
    assert.equal(expected, squeeze(docker2nix { "--manifest", "-", "library/debian", "jessie" }))
  end)

  it("for the same image by other words", function()
    for _, words in ipairs {
      { "debian", "jessie" }, { "debian:jessie" }, { "docker.io/library/debian:jessie" },
      { "library/debian", "jessie", "--registry", "https://registry-1.docker.io/v2/" },
      { "library/debian", "jessie", "+RTS", "-N2", "-RTS" }, { "debian:jessie@" .. DIGEST },
    } do
      assert.equal(expected, squeeze(docker2nix(words)))
    end
  end)

  it("as a file: with a newline at its end, and as `hocker docker2nix` too", function()
    local text = docker2nix { "library/debian", "jessie" }
    assert.equal("}\n", text:sub(-2))
    assert.equal(text, program.check("hocker", { "docker2nix", "debian", "jessie" },
      { stdin = MANIFEST }))
  end)
end)

describe("docker2nix names the image", function()
  -- words, repository, imageName, tag, registry
  local names = {
    { { "debian", "12" }, "library", "debian", "12" },
    { { "bitnami/nginx", "1" }, "bitnami", "nginx", "1" },
    { { "a/b/c", "1" }, "a", "b/c", "1" },
    { { "a/b/c/d", "1" }, "a", "b/c/d", "1" },
    { { "ghcr.io/a/b/c:1" }, "a", "b/c", "1", "https://ghcr.io/v2/" },
    { { "debian" }, "library", "debian", "latest" },
    { { "debian", DIGEST }, "library", "debian", DIGEST },
    { { "debian@" .. DIGEST }, "library", "debian", DIGEST },
    { { "--registry", "https://example.org:5000", "a/b", "1" }, "a", "b", "1",
      "https://example.org:5000" },
    { { "--registry", "http://example.org/x/v2/", "a/b/c", "1" }, "a", "b/c", "1",
      "http://example.org/x/v2/" },
    { { "ghcr.io/a:1" }, "", "a", "1", "https://ghcr.io/v2/" },
  }
  for _, case in ipairs(names) do
    local words, repository, name, tag, uri = table.unpack(case)
    it(table.concat(words, " "), function()
      local text = docker2nix(words)
      assert.equal(('"%s"'):format(repository), value(text, "repository"))
      assert.equal(('"%s"'):format(name), value(text, "imageName"))
      assert.equal(('"%s"'):format(name), value(text, "name"))
      assert.equal(('"%s"'):format(tag), value(text, "tag"))
      assert.equal(('"%s"'):format(uri or "https://registry-1.docker.io/v2/"),
        value(text, "registry"))
    end)
  end

  it("as --altImageName or --altName says, and quotes that", function()
    for given, printed in pairs {
      ["plain"] = '"plain"', ['a"b'] = [["a\"b"]], ["${x}"] = [["\${x}"]], ["a\\b"] = [["a\\b"]],
      ["a\nb"] = [["a\nb"]], ["$x''"] = [["\$x''"]],
    } do
      for _, option in ipairs { "--altImageName", "--altName" } do
        local text = docker2nix { "debian", "12", option, given }
        assert.equal(printed, value(text, "name"))
        assert.equal('"debian"', value(text, "imageName"))
      end
    end
  end)

  it("so that nix reads the very names", function()
    clients.need(clients.nix)
    local nix = clients.nix.new()
    for _, name in ipairs { "plain", 'q"${1 + 1}\\"', "tab\there\nand $${there}", "''${x}''" } do
      local path = tmp.file(docker2nix { "a/b/c", "1.0", "--altName", name }, "image.nix")
      local result = nix:run { "nix-instantiate", "--eval", "--strict", "--json", "--expr", ([[
        let id = x: x; in import %s { fetchDockerConfig = id; fetchDockerLayer = id;
          fetchdocker = id; }]]):format(path) }
      assert.equal(0, result.code, result.stderr)
      local set = cjson.decode(result.stdout)
      assert.equal(name, set.name)
      assert.equal("b/c", set.imageName)
      assert.equal("1.0", set.imageConfig.tag)
      assert.same({ registry = "https://registry-1.docker.io/v2/", repository = "a",
        imageName = "b/c", sha256 = "1744l0c8ag5y7ck9nhr6r5wy9frmaxi7xh80ypgnxb7g891m42nd",
        layerDigest = "cd0a524342efac6edff500c17e625735bbe479c926439b263bbe3c8518a0849c" },
        set.imageLayers[1])
    end
  end)
end)

describe("docker2nix lists the layers", function()
  local function manifest(...)
    local layers = {}
    for i, digest in ipairs { ... } do
      layers[i] = ('{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":1,' ..
        '"digest":"%s"}'):format(digest)
    end
    return ('{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json"' ..
      ',"size":1,"digest":"%s"},"layers":[%s]}'):format(A, table.concat(layers, ","))
  end

  it("in their order, repeated ones again", function()
    local text = docker2nix({ "a/b", "1" }, manifest(A, B, A))
    local digests = {}
    for digest in text:gmatch('layerDigest = "(%x+)"') do
      digests[#digests + 1] = "sha256:" .. digest
    end
    assert.same({ A, B, A }, digests)
    assert.matches("in[layer0layer1layer2];", squeeze(text), 1, true)
  end)

  it("when there is none", function()
    assert.matches("imageLayers=[];", squeeze(docker2nix({ "a/b", "1" }, manifest())), 1, true)
  end)

  it("when there are very many", function()
    local all = {}
    for i = 1, 10000 do all[i] = ("sha256:%064x"):format(i) end
    local text = docker2nix({ "a/b", "1" }, manifest(table.unpack(all)))
    assert.equal(10000, select(2, text:gsub('layerDigest = "%x+"', "")))
    assert.matches("\n    layer9999\n  ];\n", text, 1, true)
  end)

  it("of a real registry's image, with nix's own hashes", function()
    clients.need(clients.nix)
    local reg = registry.start()
    finally(function() reg:stop() end)
    local img = image.build { layers = { { a = "1" }, { b = "2" } } }
    img:upload(reg, "demo/app", "v1")
    local bytes = program.check("hocker-manifest", { reg:host() .. "/demo/app:v1" })
    local text = docker2nix({ "--registry", reg:url(), "demo/app", "v1" }, bytes)
    for _, digest in ipairs { img.config.digest, img.layers[1].digest, img.layers[2].digest } do
      local hash = process.check { "nix-hash", "--type", "sha256", "--to-base32",
        digest:match("%x+$") }
      assert.matches(('sha256 = "%s";'):format(hash:match("%S+")), text, 1, true)
    end
  end)
end)

describe("docker2nix refuses", function()
  local index = ('{"schemaVersion":2,"manifests":[{"mediaType":' ..
    '"application/vnd.oci.image.manifest.v1+json","size":2,"digest":"%s"}]}'):format(A)
  local schema1 = '{"schemaVersion":1,"name":"a/b","tag":"1","architecture":"amd64",' ..
    '"fsLayers":[{"blobSum":"' .. A .. '"}],"history":[]}'
  local function broken(pattern, replacement)
    return (MANIFEST:gsub(pattern, replacement, 1))
  end

  -- input, exit code, part of the message
  local inputs = {
    ["nothing"] = { "", 2, "empty" },
    ["one newline"] = { "\n", 1, "JSON" },
    ["words"] = { "hello\n", 1, "JSON" },
    ["a web page"] = { "<!DOCTYPE html><html></html>", 1, "web page" },
    ["gzip"] = { "\31\139\8\0\0\0", 1, "gzip" },
    ["a list"] = { "[]", 1, "list" },
    ["a string"] = { '"manifest"', 1, "object" },
    ["an object of nothing"] = { "{}", 1, "schemaVersion" },
    ["half a manifest"] = { MANIFEST:sub(1, 300), 1, "JSON" },
    ["two manifests"] = { MANIFEST .. MANIFEST, 1, "JSON" },
    ["a NUL behind the manifest"] = { MANIFEST .. "\0x", 1, "binary" },
    ["a key twice"] = { broken('"schemaVersion": 2,', '%0 %0'), 1, "twice" },
    ["an index"] = { index, 1, "index" },
    ["an index that is also a manifest"] = { index:gsub("}$", ',"layers":[]}'), 5, "kind" },
    ["schema 1"] = { schema1, 1, "schema version 1" },
    ["another schema"] = { broken('"schemaVersion": 2', '"schemaVersion": 3'), 1, "schemaVersion" },
    ["a configuration"] = { '{"rootfs":{"type":"layers","diff_ids":[]}}', 1, "configuration" },
    ["a registry's error"] = { '{"errors":[{"code":"DENIED","message":"no \\u001b[31mway"}]}', 1,
      "error" },
    ["a manifest without a configuration"] = { broken('"config"', '"other"'), 1, "config" },
    ["a manifest without layers"] = { broken('"layers"', '"other"'), 1, "layers" },
    ["a digest that is too short"] = { broken("49c\"", '49"'), 5, "digest" },
    ["a digest in capital letters"] = { broken("cd0a", "CD0A"), 5, "digest" },
    ["a digest that leads elsewhere"] = { broken('"sha256:cd0a%x+"', '"sha256:../../etc/passwd"'),
      5, "digest" },
    ["a digest with a quote"] = { broken("49c\"", '49\\""'), 5, "digest" },
    ["a negative size"] = { broken("52550276", "-1"), 1, "size" },
    ["a size that is no number"] = { broken("52550276", '"many"'), 1, "size" },
    ["more than a manifest may be"] = { MANIFEST .. (" "):rep(4 << 20), 8, "bytes" },
  }
  for what, case in pairs(inputs) do
    it(what, function()
      local line = program.refuses(case[2], "docker2nix", { "a/b", "1" }, { stdin = case[1] })
      assert.matches(case[3], line, 1, true)
    end)
  end

  it("a manifest that is not the one of the digest", function()
    for _, words in ipairs { { "debian@" .. A }, { "debian", A }, { "debian:1@" .. A } } do
      local line = program.refuses(5, "docker2nix", words, { stdin = MANIFEST })
      assert.matches(DIGEST, line, 1, true)
      assert.matches(A, line, 1, true)
    end
  end)

  it("a manifest that can't be read", function()
    local line = program.refuses(7, "docker2nix", { "--manifest", "/nonexistent/m", "a/b", "1" })
    assert.matches("/nonexistent/m", line, 1, true)
    program.refuses(7, "docker2nix", { "--manifest", tmp.dir(), "a/b", "1" })
  end)

  it("a command line that is wrong", function()
    for _, words in ipairs { {}, { "a", "b", "c" }, { "A/B", "1" }, { "a/b", "1", "--out", "x" },
      { "a/b", "1", "--manifest" }, { "--registry", "example.org", "a/b", "1" } } do
      program.refuses(2, "docker2nix", words, { stdin = MANIFEST })
    end
  end)
end)
