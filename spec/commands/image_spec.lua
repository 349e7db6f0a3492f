local cjson = require "cjson"
local clients = require "support.clients"
local image = require "support.image"
local lfs = require "lfs"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local tmp = require "support.tmp"

local function hex(digest) return digest:match(":(%x+)$") end

local function members(path)
  local names = {}
  for name in process.check({ "tar", "-tf", path }):gmatch("[^\n]+") do
    names[#names + 1] = name
  end
  return names
end

local function member(path, name)
  return process.check { "tar", "-xOf", path, name }
end

local function bytes_of(path, first, last)
  return tmp.read(path):sub(first or 1, last or -1)
end

local function gzip(bytes)
  return process.check({ "gzip", "-nc" }, { stdin = bytes })
end

-- Ways to store a layer's content that are right, but not as `image.build` does it.
local STORED = {
  ["gzip of two members"] = function(tar)
    return gzip(bytes_of(tar, 1, 5000)) .. gzip(bytes_of(tar, 5001))
  end,
  ["gzip whose last member is small, so that its ISIZE is"] = function(tar)
    return gzip(bytes_of(tar, 1, -2)) .. gzip(bytes_of(tar, -1))
  end,
  ["gzip whose last member is empty"] = function(tar) return gzip(bytes_of(tar)) .. gzip("") end,
  ["gzip with zeros behind it"] = function(tar) return gzip(bytes_of(tar)) .. ("\0"):rep(700) end,
  ["zstd that the manifest calls gzip"] = function(tar)
    return process.check({ "zstd", "-qc" }, { stdin = bytes_of(tar) })
  end,
  ["zstd of two frames, one to skip"] = function(tar)
    local function zstd(bytes) return process.check({ "zstd", "-qc" }, { stdin = bytes }) end
    return zstd(bytes_of(tar, 1, 700)) .. "\x50\x2a\x4d\x18\4\0\0\0skip" .. zstd(bytes_of(tar, 701))
  end,
  ["a plain tar that the manifest calls gzip"] = function(tar) return bytes_of(tar) end,
}

-- Puts an image of one layer whose blob is `bytes`.
local function upload_stored(img, reg, name, bytes)
  local layer, path = img.layers[1], tmp.file(bytes, "stored")
  local manifest = img.v2s2.bytes:gsub(layer.digest, image.digest_of_file(path))
    :gsub('"size": ' .. layer.size, '"size": ' .. #bytes)
  image.put_blob(reg, name, path)
  image.put_blob(reg, name, img.config.file)
  image.put_manifest(reg, name, "v1", { bytes = manifest, media_type = img.v2s2.media_type })
end

describe("hocker-image", function()
  local reg, img

  lazy_setup(function()
    reg = registry.start()
    img = image.build { layers = {
      { ["etc/motd"] = "hello\n", ["bin/sh"] = ("#!"):rep(5000) }, { random = 200000 },
      { ["etc/motd"] = "goodbye\n", ["link"] = { symlink = "etc/motd" } },
    } }
    img:upload(reg, "demo/app", "v1")
  end)
  lazy_teardown(function() reg:stop() end)

  local function fetch(words, opts)
    local path = tmp.path("image.tar")
    assert.equal(path .. "\n", program.check("hocker-image",
      table.move(words, 1, #words, 3, { "--out", path }), opts))
    return path
  end

  local function fetch_tag(name, ...)
    return fetch({ ("%s/%s"):format(reg:host(), name), ... })
  end

  describe("writes a tar", function()
    local path

    lazy_setup(function() path = fetch_tag("demo/app:v1") end)

    it("of manifest.json, the configuration, a tar a layer, and repositories", function()
      assert.same({ "manifest.json", hex(img.config.digest) .. ".json",
        hex(img.layers[1].diff_id) .. ".tar", hex(img.layers[2].diff_id) .. ".tar",
        hex(img.layers[3].diff_id) .. ".tar", "repositories" }, members(path))
    end)

    it("with the configuration byte for byte", function()
      assert.equal(img.config.bytes, member(path, hex(img.config.digest) .. ".json"))
    end)

    it("with the layers uncompressed", function()
      for _, layer in ipairs(img.layers) do
        assert.equal(tmp.read(layer.tar), member(path, hex(layer.diff_id) .. ".tar"))
      end
    end)

    it("with exactly this manifest.json", function()
      assert.equal(('[{"Config":"%s.json","Layers":["%s.tar","%s.tar","%s.tar"],' ..
        '"RepoTags":["%s/demo/app:v1"]}]'):format(hex(img.config.digest),
        hex(img.layers[1].diff_id), hex(img.layers[2].diff_id), hex(img.layers[3].diff_id),
        reg:host()), member(path, "manifest.json"))
    end)

    it("with the topmost layer in repositories", function()
      assert.equal(('{"%s/demo/app":{"v1":"%s"}}'):format(reg:host(), hex(img.layers[3].diff_id)),
        member(path, "repositories"))
    end)

    it("whose members are nobody's, read-only to others and of 1970", function()
      local listing = process.check({ "tar", "--numeric-owner", "-tvf", path },
        { env = { TZ = "UTC0" } })
      for line in listing:gmatch("[^\n]+") do
        assert.matches("^%-rw%-r%-%-r%-%- 0/0 +%d+ 1970%-01%-01 00:00 ", line)
      end
    end)

    it("that ends with two blocks of zeros", function()
      local bytes = tmp.read(path)
      assert.equal(0, #bytes % 512)
      assert.equal(("\0"):rep(1024), bytes:sub(-1024))
      assert.not_equal(("\0"):rep(512), bytes:sub(-1536, -1025))
    end)
  end)

  describe("names the image", function()
    local function names(words)
      return cjson.decode(member(fetch(words), "manifest.json"))[1].RepoTags
    end

    -- %H is the registry's host and port, %D the digest.
    local forms = {
      { "NAME TAG by the registry and the name", { "--registry", "http://%H", "demo/app", "v1" },
        { "%H/demo/app:v1" } },
      { "NAME TAG by the registry as it was written",
        { "--registry", "http://%H/v2/", "demo/app", "v1" }, { "%H/v2/demo/app:v1" } },
      { "a reference by the reference", { "%H/demo/app:v1" }, { "%H/demo/app:v1" } },
      { "a path at --registry by the reference", { "--registry=http://%H/v2/", "demo/app:v1" },
        { "%H/demo/app:v1" } },
      { "a tag and a digest by the tag", { "%H/demo/app:v1@%D" }, { "%H/demo/app:v1" } },
      { "as --repo-tag says", { "%H/demo/app:v1", "--repo-tag", "mine:1" }, { "mine:1" } },
      { "as each --repo-tag says", { "%H/demo/app@%D", "--repo-tag=mine:1", "--repo-tag",
        "localhost:5000/a/b:2", "--repo-tag", "mine:3", "--repo-tag", "other" },
        { "mine:1", "localhost:5000/a/b:2", "mine:3", "other:latest" } },
    }
    for _, form in ipairs(forms) do
      local what, words, expected = table.unpack(form)
      it(what, function()
        local function fill(list)
          local filled = {}
          for i, word in ipairs(list) do
            filled[i] = word:gsub("%%[HD]", { ["%H"] = reg:host(), ["%D"] = img.v2s2.digest })
          end
          return filled
        end
        assert.same(fill(expected), names(fill(words)))
      end)
    end

    it("not at all when it was asked for by digest", function()
      for _, words in ipairs { { ("%s/demo/app@%s"):format(reg:host(), img.v2s2.digest) },
        { "--registry", reg:url(), "demo/app", img.v2s2.digest } } do
        local path = fetch(words)
        assert.matches('"RepoTags":null}]', member(path, "manifest.json"), 1, true)
        assert.equal("{}", member(path, "repositories"))
      end
    end)

    it("never by a --repo-tag that is none", function()
      for _, name in ipairs { "UPPER:1", "a:b:c", "a@" .. img.v2s2.digest, ":1", "a:", "" } do
        local line = program.refuses(2, "hocker-image", { reg:host() .. "/demo/app:v1", "--out",
          tmp.path(), "--repo-tag", name })
        assert.matches("--repo-tag", line, 1, true)
      end
    end)
  end)

  describe("writes the same bytes", function()
    local reference

    lazy_setup(function() reference = image.digest_of_file(fetch_tag("demo/app:v1")) end)

    local runs = {
      ["again"] = {},
      ["in another time zone"] = { env = { TZ = "Asia/Tokyo" } },
      ["in another locale"] = { env = { LC_ALL = "C.UTF-8", LANG = "tr_TR.UTF-8" } },
      ["with another TMPDIR"] = { env = { TMPDIR = "/var/tmp" } },
      ["with one job"] = { words = { "--jobs", "1" } },
      ["with eight jobs"] = { words = { "--jobs", "8" } },
      ["in silence"] = { words = { "--quiet" } },
    }
    for what, run in pairs(runs) do
      it(what, function()
        local words = { reg:host() .. "/demo/app:v1", table.unpack(run.words or {}) }
        assert.equal(reference, image.digest_of_file(fetch(words, { env = run.env })))
      end)
    end

    it("under another umask", function()
      local path = tmp.path()
      process.check { "sh", "-c", 'umask 077 && exec "$0" "$@"', program.path("hocker-image"),
        reg:host() .. "/demo/app:v1", "--out", path }
      assert.equal(reference, image.digest_of_file(path))
    end)

    it("to standard output", function()
      local path = tmp.path()
      program.check("hocker-image", { reg:host() .. "/demo/app:v1", "--out", "-" },
        { stdout = path })
      assert.equal(reference, image.digest_of_file(path))
    end)

    it("from a Docker and an OCI manifest, however the layers are compressed", function()
      local layers, first = { { a = ("a"):rep(99999) }, { random = 50000 } }, nil
      for _, format in ipairs { "v2s2", "oci" } do
        for _, compression in ipairs { "gzip", "zstd", "none" } do
          image.build { layers = layers, compression = compression }
            :upload(reg, "demo/formats", "v1", { format = format })
          local digest = image.digest_of_file(fetch_tag("demo/formats:v1"))
          first = first or digest
          assert.equal(first, digest, format .. " " .. compression)
        end
      end
    end)

    for what, store in pairs(STORED) do
      it("from a layer that is " .. what, function()
        local one = image.build { layers = { { a = ("b"):rep(300000), b = "x" } } }
        one:upload(reg, "demo/stored", "v1")
        local usual = fetch_tag("demo/stored:v1")
        upload_stored(one, reg, "demo/stored", store(one.layers[1].tar))
        assert.equal(image.digest_of_file(usual),
          image.digest_of_file(fetch_tag("demo/stored:v1")))
      end)
    end
  end)

  describe("takes", function()
    it("a repeated layer once, and names it each time", function()
      local one, two = { a = "1" }, { b = "2" }
      local repeated = image.build { layers = { one, two, one, one } }
      repeated:upload(reg, "demo/repeated", "v1")
      local before = #reg:requests()
      local path = fetch_tag("demo/repeated:v1")
      local a = hex(repeated.layers[1].diff_id) .. ".tar"
      local b = hex(repeated.layers[2].diff_id) .. ".tar"
      assert.same({ "manifest.json", hex(repeated.config.digest) .. ".json", a, b, "repositories" },
        members(path))
      assert.same({ a, b, a, a }, cjson.decode(member(path, "manifest.json"))[1].Layers)
      local whole = 0
      for i, request in ipairs(reg:requests()) do
        if i > before and request.path:find(repeated.layers[1].digest, 1, true)
          and request.status == 200 then
          whole = whole + 1
        end
      end
      assert.equal(1, whole)
    end)

    it("an image without layers", function()
      image.build({ layers = {} }):upload(reg, "demo/none", "v1")
      local path = fetch_tag("demo/none:v1")
      assert.equal(3, #members(path))
      assert.matches('"Layers":[]', member(path, "manifest.json"), 1, true)
    end)

    it("more layers than there are jobs", function()
      local layers = {}
      for i = 1, 12 do
        layers[i] = { ["file" .. i] = tostring(i) }
      end
      image.build({ layers = layers }):upload(reg, "demo/many", "v1")
      assert.equal(15, #members(fetch_tag("demo/many:v1", "--jobs=3")))
    end)

    it("the image of an index for --platform", function()
      local images = {}
      for i, architecture in ipairs { "amd64", "arm64" } do
        images[i] = image.build { architecture = architecture,
          layers = { { arch = architecture } } }
        images[i]:upload(reg, "demo/multi", nil, { format = "oci" })
      end
      image.put_manifest(reg, "demo/multi", "v1", image.index(images))
      for i, platform in ipairs { "linux/amd64", "linux/arm64" } do
        local path = fetch_tag("demo/multi:v1", "--platform", platform)
        assert.equal(images[i].config.bytes, member(path, hex(images[i].config.digest) .. ".json"))
        assert.matches('"RepoTags":["' .. reg:host() .. '/demo/multi:v1"]',
          member(path, "manifest.json"), 1, true)
      end
    end)
  end)

  it("refuses the image of another platform that no index names, if one is asked for", function()
    local one = image.build { architecture = "arm" }
    one:upload(reg, "demo/alone", "v1")
    for _, name in ipairs { "hocker-image", "hocker-config" } do
      local words = { reg:host() .. "/demo/alone:v1", "--out", tmp.path() }
      program.check(name, words)
      for _, good in ipairs { "linux/arm", "arm/v6", "armhf" } do
        program.check(name, { words[1], "--out", tmp.path(), "--platform", good })
      end
      local line = program.refuses(3, name, { words[1], "--out", tmp.path(), "--platform",
        "linux/amd64", "-q" })
      assert.matches("no image for linux/amd64; there is linux/arm/v7", line, 1, true)
    end
  end)

  it("with --layers compressed keeps the blobs as they are stored", function()
    local path = fetch_tag("demo/app:v1", "--layers", "compressed")
    local listed = {}
    for _, name in ipairs(members(path)) do
      listed[name] = true
    end
    local document = cjson.decode(member(path, "manifest.json"))[1]
    assert.equal(#img.layers, #document.Layers)
    for i, layer in ipairs(img.layers) do
      assert.is_true(listed[document.Layers[i]])
      assert.equal(tmp.read(layer.file), member(path, document.Layers[i]))
    end
  end)

  it("says on standard error which layers it wrote", function()
    local _, stderr = program.check("hocker-image",
      { reg:host() .. "/demo/app:v1", "--out", tmp.path() })
    for _, layer in ipairs(img.layers) do
      assert.matches(("Downloading layer: %s => wrote %s\n"):format(
        hex(layer.digest):sub(1, 7), hex(layer.diff_id):sub(1, 7)), stderr, 1, true)
    end
  end)

  it("is `hocker image` by another name", function()
    local path = tmp.path()
    assert.equal(path .. "\n", program.check("hocker",
      { "image", reg:host() .. "/demo/app:v1", "--out", path }))
    assert.equal(6, #members(path))
  end)

  describe("makes an archive that", function()
    local docker

    lazy_teardown(function()
      if docker then docker:stop() end
    end)

    local function load(client, path)
      local said = client:load(path)
      local result = client:run { "image", "inspect", said:match("Loaded image[^:]*: (%S+)") }
      local found = cjson.decode(result.stdout)[1]
      local layers = found.RootFS.Layers
      return said, "sha256:" .. found.Id:match("%x+$"), type(layers) == "table" and layers or {}
    end

    -- Each loads a file, and returns what was said, the id and the layers' diffIDs.
    local loaders = {
      docker = function(path)
        clients.need(clients.docker)
        docker = docker or clients.docker.start()
        return load(docker, path)
      end,
      podman = function(path)
        clients.need(clients.podman)
        return load(clients.podman.new(), path)
      end,
      skopeo = function(path)
        local raw = process.check { "skopeo", "inspect", "--raw", "docker-archive:" .. path }
        local config = process.check { "skopeo", "inspect", "--config", "--raw",
          "docker-archive:" .. path }
        local layers = {}
        for i, layer in ipairs(cjson.decode(raw).layers) do
          layers[i] = layer.digest
        end
        return nil, image.digest(config), layers
      end,
    }

    local function diff_ids(one)
      local list = {}
      for i, layer in ipairs(one.layers) do
        list[i] = layer.diff_id
      end
      return list
    end

    local A, B = { a = "1", ["dir/b"] = ("b"):rep(20000) }, { random = 100000 }
    local variants = {
      ["of gzip layers"] = { layers = { A, B } },
      ["of zstd layers"] = { layers = { A, B }, compression = "zstd", format = "oci" },
      ["of uncompressed layers"] = { layers = { A, B }, compression = "none" },
      ["of an OCI image"] = { layers = { A, B }, format = "oci" },
      ["of repeated layers"] = { layers = { A, B, A } },
      ["of gzip layers kept compressed"] = { layers = { A, B }, words = { "--layers=compressed" } },
      ["of repeated layers kept compressed"] = { layers = { A, B, A },
        words = { "--layers=compressed" } },
      ["of no layers"] = { layers = {} },
      -- docker knows zstd since 23.0.
      ["of zstd layers kept compressed"] = { layers = { A, B }, compression = "zstd",
        format = "oci", words = { "--layers=compressed" }, never = "docker" },
    }

    -- The image of a variant and the archive that was made of it, once for all loaders.
    local made = {}
    local function make(variant)
      if not made[variant] then
        local one = image.build(variant)
        one:upload(reg, "demo/load", "v1", { format = variant.format })
        local path = fetch_tag("demo/load:v1", table.unpack(variant.words or {}))
        made[variant] = { one, path }
      end
      return table.unpack(made[variant])
    end

    local function check_loaded(name, variant)
      local one, path = make(variant)
      local said, id, layers = loaders[name](path)
      assert.equal(one.config.digest, id)
      if said then
        assert.same(diff_ids(one), layers)
        assert.matches(("Loaded image[^:]*: %s/demo/load:v1"):format(reg:host()), said)
      else
        assert.equal(#one.layers, #layers)
      end
    end

    for name in pairs(loaders) do
      for what, variant in pairs(variants) do
        if variant.never ~= name then
          it(name .. " takes, " .. what, function() check_loaded(name, variant) end)
        end
      end
    end

    for _, name in ipairs { "docker", "podman" } do
      it(name .. " takes by its digest, without a name", function()
        local path = fetch({ ("%s/demo/app@%s"):format(reg:host(), img.v2s2.digest) })
        local _, id = loaders[name](path)
        assert.equal(img.config.digest, id)
      end)

      it(name .. " takes with several names", function()
        local path = fetch_tag("demo/app:v1", "--repo-tag=mine:1", "--repo-tag=yours/too:2")
        local said = loaders[name](path)
        assert.matches("mine:1", said, 1, true)
        assert.matches("yours/too:2", said, 1, true)
      end)
    end

    it("docker takes by the name of the two words", function()
      clients.need(clients.docker)
      docker = docker or clients.docker.start()
      local said = docker:load(fetch { "--registry", reg:url() .. "/v2/", "demo/app", "v1" })
      assert.equal(("Loaded image: %s/v2/demo/app:v1\n"):format(reg:host()), said)
    end)

    it("docker takes from a pipe", function()
      clients.need(clients.docker)
      docker = docker or clients.docker.start()
      local said = process.check { "sh", "-c", '"$0" "$1" --out - -q | docker --host "$2" load',
        program.path("hocker-image"), reg:host() .. "/demo/app:v1", docker.host }
      assert.equal(("Loaded image: %s/demo/app:v1\n"):format(reg:host()), said)
    end)

    it("skopeo copies, layer by layer the same", function()
      local dir = tmp.dir()
      process.check { "skopeo", "--insecure-policy", "copy", "--quiet",
        "docker-archive:" .. fetch_tag("demo/app:v1"), "dir:" .. dir }
      for _, layer in ipairs(img.layers) do
        assert.equal(lfs.attributes(layer.tar, "size"),
          lfs.attributes(dir .. "/" .. hex(layer.diff_id), "size"))
      end
    end)
  end)
end)
