local core = require "hocker.core"
local json = require "hocker.json"
local jessie = require "support.jessie"
local manifest = require "hocker.manifest"

local DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
local OCI = "application/vnd.oci.image.manifest.v1+json"
local LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
local INDEX = "application/vnd.oci.image.index.v1+json"
local LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

local function digest(n)
  return ("sha256:%064x"):format(n)
end

--- JSON of a descriptor; `more` is further text.
local function descriptor(n, media_type, more)
  return ('{"mediaType":"%s","digest":"%s","size":%d%s}'):format(media_type or LAYER, digest(n), n,
    more or "")
end

local CONFIG = descriptor(1, "application/vnd.oci.image.config.v1+json")

--- JSON of an image's manifest; the fields given replace or add to the usual ones, false drops one.
local function document(base, fields)
  local all = {}
  for name, text in pairs(base) do all[name] = text end
  for name, text in pairs(fields or {}) do all[name] = text or nil end
  local parts = {}
  for name, text in pairs(all) do parts[#parts + 1] = ('"%s":%s'):format(name, text) end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

local function image(fields)
  return document({ schemaVersion = "2", mediaType = '"' .. OCI .. '"', config = CONFIG,
    layers = "[" .. descriptor(2) .. "," .. descriptor(3) .. "]" }, fields)
end

local function index(fields)
  return document({ schemaVersion = "2", mediaType = '"' .. INDEX .. '"',
    manifests = "[" .. descriptor(4, OCI, ',"platform":{"os":"linux","architecture":"amd64"}')
      .. "," .. descriptor(5, OCI) .. "]" }, fields)
end

local function refused(code, text, bytes, ...)
  local value, err = manifest.parse(bytes, ...)
  assert.is_nil(value)
  assert.is_truthy(err.message:find(text, 1, true), err.message)
  assert.equal(code, err.code)
end

describe("manifest.parse", function()
  it("reads the manifest of the quick start", function()
    local bytes = jessie.manifest
    local m = assert(manifest.parse(bytes, DOCKER))
    assert.equal("image", m.kind)
    assert.equal(DOCKER, m.media_type)
    assert.equal(bytes, m.bytes)
    assert.equal(core.digest.of(bytes), m.digest)
    assert.equal("sha256:054abe38b1e6f863befa4258cbfaf127b1cc9440d2e2e349b15d22e676b591e7",
      m.config.digest)
    assert.equal(1528, m.config.size)
    assert.equal(1, #m.layers)
    assert.equal(52550276, m.layers[1].size)
    assert.equal("integer", math.type(m.layers[1].size))
    assert.equal(52551804, m.content_size)
    assert.is_nil(m.manifests)
  end)

  it("reads an index", function()
    local m = assert(manifest.parse(index(), INDEX))
    assert.equal("index", m.kind)
    assert.equal(INDEX, m.media_type)
    assert.equal(2, #m.manifests)
    assert.same({ os = "linux", architecture = "amd64" }, m.manifests[1].platform)
    assert.is_nil(m.manifests[2].platform)
    assert.is_nil(m.layers)
  end)

  it("keeps what descriptors carry", function()
    local m = assert(manifest.parse(image { layers = "[" .. descriptor(2, LAYER,
      ',"urls":["https://x.example/a"],"data":"e30=","annotations":{"a":"b"},"org.example":[1]')
      .. "]" }))
    assert.same({ mediaType = LAYER, digest = digest(2), size = 2, urls = { "https://x.example/a" },
      data = "e30=", annotations = { a = "b" }, ["org.example"] = { 1 } }, m.layers[1])
  end)

  it("keeps what manifests carry", function()
    local m = assert(manifest.parse(image { annotations = '{"a":"b"}', artifactType = '"x/y"',
      subject = descriptor(7, OCI), other = "[]" }))
    assert.same({ a = "b" }, m.annotations)
    assert.equal("x/y", m.artifact_type)
    assert.equal(digest(7), m.subject.digest)
    assert.is_true(json.is_array(m.doc.other))
  end)

  it("drops optional fields that are null", function()
    local m = assert(manifest.parse(index { annotations = "null", subject = "null", config = "null",
      manifests = "[" .. descriptor(2, OCI,
        ',"urls":null,"annotations":null,"platform":{"os":"linux","variant":null}') .. "]" }))
    assert.same({ mediaType = OCI, digest = digest(2), size = 2, platform = { os = "linux" } },
      m.manifests[1])
    assert.is_nil(m.annotations)
    assert.is_nil(m.subject)
  end)

  local types = {
    -- own mediaType, fields, Content-Type, kind and type
    { OCI, image, OCI, "image", OCI },
    { DOCKER, image, DOCKER, "image", DOCKER },
    { INDEX, index, INDEX, "index", INDEX },
    { LIST, index, LIST, "index", LIST },
    { DOCKER, image, nil, "image", DOCKER },
    { DOCKER, image, "", "image", DOCKER },
    { DOCKER, image, "application/json", "image", DOCKER },
    { DOCKER, image, "text/plain; charset=utf-8", "image", DOCKER },
    { DOCKER, image, "application/octet-stream", "image", DOCKER },
    { DOCKER, image, "binary/octet-stream", "image", DOCKER },
    { DOCKER, image, DOCKER .. "; charset=utf-8", "image", DOCKER },
    { DOCKER, image, "  " .. DOCKER:upper() .. " ;x=y", "image", DOCKER },
    { OCI:upper(), image, OCI, "image", OCI },
    { nil, image, OCI, "image", OCI },
    { nil, image, DOCKER, "image", DOCKER },
    { nil, image, nil, "image", OCI },
    { nil, image, "application/json", "image", OCI },
    { nil, index, nil, "index", INDEX },
    { nil, index, LIST, "index", LIST },
  }
  for _, case in ipairs(types) do
    it(("takes %s sent as %s"):format(case[1] or "no type", case[3] or "nothing"), function()
      local bytes = case[2] { mediaType = case[1] and '"' .. case[1] .. '"' or false }
      local m = assert(manifest.parse(bytes, case[3]))
      assert.equal(case[4], m.kind)
      assert.equal(case[5], m.media_type)
    end)
  end

  local disagreements = {
    { OCI, image, DOCKER }, { DOCKER, image, OCI }, { INDEX, index, LIST }, { OCI, image, INDEX },
    { OCI, image, "text/html" }, { OCI, image, OCI .. ", " .. INDEX }, { OCI, image, "image/png" },
    { INDEX, image, nil }, { OCI, index, nil }, { INDEX, image, INDEX }, { OCI, index, OCI },
    { nil, image, INDEX }, { nil, image, LIST }, { nil, index, OCI }, { nil, index, DOCKER },
  }
  for _, case in ipairs(disagreements) do
    local fields = case[2] == image and "image" or "index"
    it(("refuses the fields of an %s as %s sent as %s"):format(fields, case[1] or "no type",
        case[3] or "nothing"), function()
      local bytes = case[2] { mediaType = case[1] and '"' .. case[1] .. '"' or false }
      refused("verification", "manifest: ", bytes, case[3])
    end)
  end

  describe("refuses", function()
    local deep = "[" .. descriptor(2) .. "]"
    local mixed = {
      { "an image with manifests", image { manifests = deep } },
      { "an image with an empty list of manifests", image { manifests = "[]" } },
      { "an index with layers", index { layers = deep } },
      { "an index with empty layers", index { layers = "[]" } },
      { "an index with a config", index { config = CONFIG } },
      { "an image with fsLayers", image { fsLayers = "[]" } },
      { "an index with fsLayers", index { fsLayers = "[]" } },
      { "all of them", index { fsLayers = "[]", layers = deep, config = CONFIG } },
    }
    for _, case in ipairs(mixed) do
      for _, sent in ipairs { OCI, INDEX, "" } do
        it(case[1] .. " sent as " .. sent, function()
          refused("verification", "more than one kind of document", case[2], sent)
        end)
      end
    end

    it("a key twice", function()
      refused("protocol", "the key 'layers' is there twice",
        image():gsub("}$", ',"layers":[]}'))
      refused("protocol", "twice", image { config = '{"digest":"a","digest":"b"}' })
    end)

    local letters = {
      { "Layers", image { Layers = "[]" } },
      { "LAYERS", image { LAYERS = "[]" } },
      { "Manifests", image { Manifests = "[]" } },
      { "MediaType", image { MediaType = '"' .. INDEX .. '"' } },
      { "layer\u{17f}", image { ["layer\u{17f}"] = "[]" } },
      { "Digest", image { layers = "[" .. descriptor(2, LAYER, ',"Digest":"x"') .. "]" } },
      { "\u{17f}ize", image { config = CONFIG:gsub("}", ',"\u{17f}ize":1}') } },
      { "Config", index { Config = "{}" } },
    }
    for _, case in ipairs(letters) do
      it("the field " .. case[1], function()
        refused("verification", ("the field '%s', which others read as"):format(case[1]), case[2])
      end)
    end

    local old = {
      { "schema 1", '{"schemaVersion":1,"name":"a","fsLayers":[],"history":[]}' },
      { "schema 1 by its fields", '{"fsLayers":[{"blobSum":"x"}]}' },
      { "schema 1 by its number", '{"schemaVersion":1}' },
      { "schema 1 by its own word",
        '{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v1+json"}' },
      { "schema 1 by Content-Type", '{"a":1}',
        "application/vnd.docker.distribution.manifest.v1+prettyjws" },
    }
    for _, case in ipairs(old) do
      it(case[1], function()
        refused("unsupported", "push the image again", case[2], case[3])
      end)
    end

    local other = {
      { "nothing", "", "it is empty" },
      { "white space", " \n", "not valid JSON" },
      { "a web page", "<!DOCTYPE html><html>", "it looks like a web page" },
      { "a web page after blank lines", "\n\n <html>", "it looks like a web page" },
      { "words with brackets", "a <b>", "not valid JSON" },
      { "gzip", "\31\139\8\0", "it is gzip data" },
      { "zstd", "\40\181\47\253\0", "it is zstd data" },
      { "a tar", "manifest.json" .. ("\0"):rep(499), "it is binary data" },
      { "a byte order mark", "\239\187\191{}", "byte order mark" },
      { "words", "404 page not found", "not valid JSON" },
      { "half a manifest", image():sub(1, 100), "not valid JSON" },
      { "a number", "2", "a JSON object is needed" },
      { "a string", '"x"', "a JSON object is needed" },
      { "null", "null", "a JSON object is needed" },
      { "an archive's manifest.json", '[{"Config":"a.json","RepoTags":null,"Layers":[]}]',
        "manifest.json of an image archive" },
      { "docker inspect", '[{"Id":"sha256:0","RepoTags":[]}]', "what 'docker inspect' prints" },
      { "an empty list", "[]", "this is a list" },
      { "a list of lists", "[[]]", "this is a list" },
      { "an empty object", "{}", "there is no 'schemaVersion': this is not a manifest" },
      { "a configuration", '{"architecture":"amd64","config":{},"rootfs":{"type":"layers"}}',
        "there is no 'schemaVersion': this is an image's configuration" },
      { "oci-layout", '{"imageLayoutVersion":"1.0.0"}', "the oci-layout file" },
      { "skopeo inspect", '{"Name":"a","Digest":"b","RepoTags":[],"Layers":[]}', "--raw" },
      { "docker manifest inspect -v", '{"Ref":"a","SchemaV2Manifest":{}}', "leave --verbose out" },
      { "a token", '{"token":"hunter2"}', "the answer of a token server" },
      { "an error", '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no such thing"}]}',
        "a registry's error message: no such thing" },
      { "an error without words", '{"errors":[{"code":"DENIED"}]}', "error message: DENIED" },
      { "an error with null words", '{"errors":[{"code":"DENIED","message":null}]}', "DENIED" },
      { "an empty error", '{"errors":[]}', "a registry's error message" },
      { "an odd error", '{"errors":{"x":[]}}', "a registry's error message" },
      { "no schemaVersion", image { schemaVersion = false }, "there is no 'schemaVersion'" },
      { "schemaVersion null", image { schemaVersion = "null" }, "there is no 'schemaVersion'" },
      { "a mediaType that is no string", image { mediaType = "2" }, "'mediaType' is not a string" },
      { "neither kind", '{"schemaVersion":2}', "neither layers nor a list of manifests" },
      { "neither kind, typed", ('{"schemaVersion":2,"mediaType":"%s"}'):format(OCI), "neither" },
      { "no config", image { config = false }, "there is no 'config'" },
      { "config null", image { config = "null" }, "there is no 'config'" },
      { "no layers", image { layers = false }, "there are no 'layers'" },
      { "layers null", image { layers = "null" }, "there are no 'layers'" },
      { "layers that are an object", image { layers = "{}" }, "'layers' is not a list" },
      { "layers that are a string", image { layers = '"x"' }, "'layers' is not a list" },
      { "manifests that are an object", index { manifests = "{}" }, "'manifests' is not a list" },
      { "a layer that is a string", image { layers = '["x"]' }, "layer 1: is not a descriptor" },
      { "a layer that is null", image { layers = "[null]" }, "layer 1: is not a descriptor" },
      { "a layer that is a list", image { layers = "[[]]" }, "layer 1: is not a descriptor" },
      { "a config that is a list", image { config = "[]" }, "config: is not a descriptor" },
      { "a layer without fields", image { layers = "[{}]" }, "layer 1: has no mediaType" },
      { "a subject that is none", image { subject = "{}" }, "subject: has no mediaType" },
      { "annotations that are a list", image { annotations = "[]" }, "'annotations'" },
      { "annotations that are numbers", image { annotations = '{"a":1}' }, "'annotations'" },
      { "an artifactType that is a number", image { artifactType = "1" }, "'artifactType'" },
      { "levels without end", ('{"a":'):rep(100000), "nested deeper" },
    }
    for _, case in ipairs(other) do
      it(case[1], function()
        refused("protocol", case[3], case[2])
      end)
    end

    it("schema versions to come", function()
      refused("unsupported", "'schemaVersion' is 3", image { schemaVersion = "3" })
      refused("unsupported", [['schemaVersion' is "2"]], image { schemaVersion = '"2"' })
      refused("unsupported", "'schemaVersion' is 2.5", image { schemaVersion = "2.5" })
      refused("unsupported", "'schemaVersion' is [2]", image { schemaVersion = "[2]" })
    end)

    it("documents of other types", function()
      refused("unsupported", "application/vnd.oci.artifact.manifest.v1+json", image {
        mediaType = '"application/vnd.oci.artifact.manifest.v1+json"' })
      refused("unsupported", "text/html", image { mediaType = false }, "text/html")
    end)

    local A = '"mediaType":"a/b"'
    local G = '"digest":"' .. digest(2) .. '"'
    local fields = {
      { "no mediaType", G .. ',"size":1', "has no mediaType" },
      { "an empty mediaType", '"mediaType":"",' .. G .. ',"size":1', "has no mediaType" },
      { "a mediaType null", '"mediaType":null,' .. G .. ',"size":1', "has no mediaType" },
      { "a mediaType that is a number", '"mediaType":1,' .. G .. ',"size":1', "has no mediaType" },
      { "no digest", A .. ',"size":1', "has no digest" },
      { "a digest that is a number", A .. ',"digest":1,"size":1', "has no digest" },
      { "no size", A .. "," .. G, "its size" },
      { "a size null", A .. "," .. G .. ',"size":null', "its size" },
      { "a negative size", A .. "," .. G .. ',"size":-1', "its size" },
      { "a broken size", A .. "," .. G .. ',"size":1.5', "its size" },
      { "a size that is text", A .. "," .. G .. ',"size":"1"', "its size" },
      { "a size of 2^53", A .. "," .. G .. ',"size":9007199254740992', "its size" },
      { "a size of 2^63", A .. "," .. G .. ',"size":9223372036854775808', "its size" },
      { "a huge size", A .. "," .. G .. ',"size":1e300', "its size" },
      { "urls that are text", ',"urls":"x"', "'urls' is not a list" },
      { "urls that are an object", ',"urls":{}', "'urls' is not a list" },
      { "urls of numbers", ',"urls":[1]', "'urls' is not a list" },
      { "annotations that are a list", ',"annotations":[]', "'annotations' is not" },
      { "annotations of lists", ',"annotations":{"a":[]}', "'annotations' is not" },
      { "a platform that is text", ',"platform":"linux/amd64"', "'platform' is not" },
      { "a platform that is a list", ',"platform":[]', "'platform' is not" },
      { "a platform of numbers", ',"platform":{"os":1}', "'platform' is not" },
      { "a platform with odd features", ',"platform":{"os.features":"x"}', "'platform' is not" },
      { "data that are an object", ',"data":{}', "'data' is not" },
      { "an artifactType of a number", ',"artifactType":1', "'artifactType' is not" },
    }
    for _, case in ipairs(fields) do
      it("a descriptor with " .. case[1], function()
        local text = case[2]
        if text:sub(1, 1) == "," then text = A .. "," .. G .. ',"size":1' .. text end
        text = "{" .. text .. "}"
        refused("protocol", "layer 1: " .. case[3], image { layers = "[" .. text .. "]" })
        refused("protocol", "config: " .. case[3], image { config = text })
        refused("protocol", "entry 2: " .. case[3],
          index { manifests = "[" .. descriptor(1, OCI) .. "," .. text .. "]" })
      end)
    end

    for _, text in ipairs { "", "latest", "sha256:", "sha256:abc", "../../../etc/passwd",
      "md5:d41d8cd98f00b204e9800998ecf8427e", digest(1):upper(), digest(1) .. "0",
      digest(1) .. "/..",
      "sha512:" .. ("0"):rep(64), "blake3:" .. ("0"):rep(64), digest(1) .. "\\n" } do
      it("the digest '" .. text:sub(1, 30) .. "'", function()
        refused("verification", "layer 2: ", image { layers = "[" .. descriptor(1) .. ","
          .. descriptor(2):gsub(digest(2), text) .. "]" })
      end)
    end

    it("an index's entry, but passes over one whose digest's algorithm is not known", function()
      local unknown = "blake3:" .. ("0"):rep(64)
      local list = ("[%s,%s]"):format(descriptor(1, OCI):gsub(digest(1), unknown),
        descriptor(2, OCI))
      local m = assert(manifest.parse(index { manifests = list }))
      assert.equal(1, #m.manifests)
      assert.equal(digest(2), m.manifests[1].digest)
      refused("verification", "entry 1: ", index { manifests =
        (list:gsub(unknown, "sha256:00")) })
    end)

    it("too many layers", function()
      local list = (descriptor(1) .. ","):rep(16384)
      local m = assert(manifest.parse(image { layers = "[" .. list:sub(1, -2) .. "]" }))
      assert.equal(16384, #m.layers)
      refused("refused", "16385 entries", image { layers = "[" .. list .. descriptor(1) .. "]" })
      refused("refused", "16385 entries", index { manifests = "[" .. list .. descriptor(1) .. "]" })
    end)

    it("sizes that add up to more than a number holds", function()
      local huge = descriptor(1):gsub('"size":1', '"size":9007199254740991')
      refused("refused", "add up to too much", image { layers = "[" .. huge .. "]" })
      local m = assert(manifest.parse(image { layers = "[" .. huge .. "]", config =
        CONFIG:gsub('"size":1', '"size":0') }))
      assert.equal((1 << 53) - 1, m.content_size)
    end)

    it("more bytes than the limit", function()
      local most = image() .. (" "):rep(manifest.limits.manifest - #image())
      assert.is_table((manifest.parse(most)))
      refused("refused", "more than 4194304 bytes", most .. " ")
    end)
  end)

  it("hashes", function()
    local bytes = image()
    assert.equal(core.digest.of(bytes), assert(manifest.parse(bytes)).digest)
    for _, algorithm in ipairs { "sha256", "sha512" } do
      local own = core.digest.of(bytes, algorithm)
      assert.equal(own, assert(manifest.parse(bytes, OCI, own)).digest)
      refused("verification", "its digest is " .. core.digest.of(bytes .. " ", algorithm),
        bytes .. " ", OCI, own)
    end
    refused("verification", "", bytes, OCI, "sha256:x")
  end)

  it("takes an image of no layers, and an index of nothing", function()
    assert.same({}, assert(manifest.parse(image { layers = "[]" })).layers)
    assert.same({}, assert(manifest.parse(index { manifests = "[]" })).manifests)
  end)

  it("raises when it is not given bytes", function()
    assert.has_error(function() manifest.parse(nil) end)
  end)
end)

describe("manifest.config", function()
  local TYPE = "application/vnd.docker.container.image.v1+json"

  --- The manifest whose configuration these bytes are.
  local function owner(bytes, layers, media_type)
    local list = {}
    for i = 1, layers do list[i] = descriptor(i) end
    return assert(manifest.parse(image {
      config = ('{"mediaType":"%s","digest":"%s","size":%d}'):format(media_type or TYPE,
        core.digest.of(bytes), #bytes),
      layers = "[" .. table.concat(list, ",") .. "]",
    }))
  end

  local function ids(...)
    local list = {}
    for i, n in ipairs { ... } do list[i] = '"' .. digest(n) .. '"' end
    return ('{"type":"layers","diff_ids":[%s]}'):format(table.concat(list, ","))
  end

  local function config(fields)
    return document({ os = '"linux"', architecture = '"arm64"', rootfs = ids(1, 2) }, fields)
  end

  it("reads a configuration", function()
    local bytes = config { variant = '"v8"', config = '{"Cmd":["/hello"]}', history = "[]" }
    local c = assert(manifest.config(bytes, owner(bytes, 2)))
    assert.equal(bytes, c.bytes)
    assert.equal(core.digest.of(bytes), c.digest)
    assert.same({ os = "linux", architecture = "arm64", variant = "v8" }, c.platform)
    assert.same({ digest(1), digest(2) }, c.diff_ids)
    assert.same({ "/hello" }, c.doc.config.Cmd)
  end)

  local good = {
    { "repeated layers", config { rootfs = ids(1, 1, 1) }, 3, nil },
    { "no layers", config { rootfs = ids() }, 0 },
    { "diff_ids null and no layers", config { rootfs = '{"type":"layers","diff_ids":null}' }, 0 },
    { "no diff_ids and no layers", config { rootfs = '{"type":"layers"}' }, 0 },
    { "no platform", config { os = false, architecture = "null" }, 2 },
    { "another type", config(), 2, "application/octet-stream" },
    { "a version of Windows", config { ["os.version"] = '"10.0"', ["os.features"] = '["a"]' }, 2 },
  }
  for _, case in ipairs(good) do
    it("takes " .. case[1], function()
      local c = assert(manifest.config(case[2], owner(case[2], case[3], case[4])))
      assert.equal(case[3], #c.diff_ids)
    end)
  end

  local bad = {
    { "protocol", "not JSON", "hello", 0, nil, "not valid JSON" },
    { "protocol", "nothing", "", 0, nil, "it is empty" },
    { "protocol", "a list", "[]", 0, nil, "this is a list" },
    { "protocol", "a key twice", '{"a":1,"a":2}', 0, nil, "twice" },
    { "protocol", "no rootfs", "{}", 0, nil, "there is no 'rootfs'" },
    { "protocol", "no rootfs in OCI's", "{}", 0, "application/vnd.oci.image.config.v1+json",
      "there is no 'rootfs'" },
    { "protocol", "rootfs null", config { rootfs = "null" }, 2, nil, "there is no 'rootfs'" },
    { "protocol", "a rootfs that is a list", config { rootfs = "[]" }, 2, nil, "no 'rootfs'" },
    { "unsupported", "a rootfs of no type", config { rootfs = "{}" }, 0, nil, "made of layers" },
    { "unsupported", "a rootfs of another type", config { rootfs = '{"type":"x"}' }, 0, nil,
      "not made of layers" },
    { "protocol", "diff_ids that are text", config { rootfs = '{"type":"layers","diff_ids":"x"}' },
      1, nil, "'diff_ids' is not a list of strings" },
    { "protocol", "diff_ids of numbers", config { rootfs = '{"type":"layers","diff_ids":[1]}' },
      1, nil, "'diff_ids' is not a list of strings" },
    { "protocol", "diff_ids that are an object",
      config { rootfs = '{"type":"layers","diff_ids":{}}' }, 0, nil,
      "'diff_ids' is not a list of strings" },
    { "verification", "diff_ids that are no digests",
      config { rootfs = '{"type":"layers","diff_ids":["../x"]}' }, 1, nil, "diff_id 1: " },
    { "verification", "too few layers", config(), 1, nil,
      "has 2 diff_ids, but the image has 1 layers" },
    { "verification", "too many layers", config(), 3, nil,
      "has 2 diff_ids, but the image has 3 layers" },
    { "protocol", "an os that is a number", config { os = "1" }, 2, nil, "are not strings" },
    { "protocol", "an architecture that is a list", config { architecture = "[]" }, 2, nil,
      "are not strings" },
    { "unsupported", "an artifact", "{}", 0, "application/vnd.oci.empty.v1+json", "an artifact" },
    { "unsupported", "an artifact that is not JSON", "name: x", 0,
      "application/vnd.cncf.helm.config.v1+json", "application/vnd.cncf.helm.config.v1+json" },
  }
  for _, case in ipairs(bad) do
    it("refuses " .. case[2], function()
      local c, err = manifest.config(case[3], owner(case[3], case[4], case[5]))
      assert.is_nil(c)
      assert.is_truthy(err.message:find(case[6], 1, true), err.message)
      assert.matches("^config: ", err.message)
      assert.equal(case[1], err.code)
    end)
  end

  it("refuses bytes of another size or digest", function()
    local bytes = config()
    local m = owner(bytes, 2)
    local c, err = manifest.config(bytes .. " ", m)
    assert.is_nil(c)
    assert.equal("verification", err.code)
    assert.matches("but the manifest says " .. #bytes, err.message)
    c, err = manifest.config((bytes:gsub("linux", "linus")), m)
    assert.is_nil(c)
    assert.equal("verification", err.code)
    assert.matches("its digest is", err.message)
  end)

  it("refuses more bytes than the limit", function()
    local bytes = config() .. (" "):rep(manifest.limits.config)
    local c, err = manifest.config(bytes, owner(bytes, 2))
    assert.is_nil(c)
    assert.equal("refused", err.code)
  end)

  it("raises for an index", function()
    assert.has_error(function() manifest.config("{}", assert(manifest.parse(index()))) end)
  end)
end)
