--- What hocker.archive writes, from a registry that is a table here: names, order, repeats, and sizes
--- that lie. spec/archive_spec.lua has what is planned, spec/commands what docker makes of it.

local archive = require "hocker.archive"
local cjson = require "cjson"
local core = require "hocker.core"
local process = require "support.process"
local session = require "hocker.session"
local tmp = require "support.tmp"

local TYPE = "application/vnd.oci.image.layer.v1.tar"
local MEDIA = { gzip = TYPE .. "+gzip", zstd = TYPE .. "+zstd", none = TYPE }
local PROGRAMS = { gzip = { "gzip", "-nc" }, zstd = { "zstd", "-qc" }, none = { "cat" } }

local function hex(digest) return assert(core.digest.hex(digest)) end

--- A layer: what it holds, how it is stored, and what the registry claims of it.
local function layer(content, compression, claim)
  compression = compression or "gzip"
  local stored = process.check(PROGRAMS[compression], { stdin = content })
  return { stored = stored, content = content, diff_id = core.digest.of(content),
    descriptor = {
      mediaType = MEDIA[compression], digest = core.digest.of(stored), size = #stored,
    },
    claim = claim or string.pack("<I4", #content) }
end

--- A registry that holds layers, and counts what it is asked for. What it claims of a layer is the
--- answer to a request for its tail: bytes, or the code of an error.
local function registry_of(layers)
  local self, by_digest = { fetched = {}, tails = {} }, {}
  for _, one in ipairs(layers) do by_digest[one.descriptor.digest] = one end
  function self.starts_over() return false end
  function self.tail(_, descriptor)
    table.insert(self.tails, descriptor.digest)
    local claim = by_digest[descriptor.digest].claim
    if #claim > 4 then return nil, core.error(claim, "no tail") end
    return claim
  end
  function self.blob(_, descriptor, sink, kind, opts)
    assert(kind == "layer" and opts.queue > 0)
    table.insert(self.fetched, descriptor.digest)
    local broken = by_digest[descriptor.digest].broken
    if broken then return nil, core.error(broken, "no layer") end
    local chain <close> = core.sink.queue(core.sink.verify(assert(sink()), {
      size = descriptor.size, digest = descriptor.digest, name = "layer",
    }))
    if opts.on_start then opts.on_start("transfer") end
    local ok, err = chain:write(by_digest[descriptor.digest].stored)
    if ok then ok, err = chain:finish() end
    return ok, err
  end
  return self
end

--- An image of layers, as hocker.archive takes it.
local function image_of(layers, tags, registry)
  local descriptors, diff_ids, names = {}, {}, {}
  for i, one in ipairs(layers) do
    descriptors[i], diff_ids[i] = one.descriptor, one.diff_id
  end
  local bytes = cjson.encode { n = #layers, diff_ids = diff_ids }
  for i, tag in ipairs(tags or { "demo:v1" }) do
    names[i] = { repo_tag = tag, full = "docker.io/library/" .. tag, tag = tag:match("[^:]*$") }
  end
  return {
    source = registry or registry_of(layers), names = names,
    image = { manifest = { layers = descriptors, bytes = "{}", digest = core.digest.of("{}"),
      media_type = "application/vnd.oci.image.manifest.v1+json" } },
    config = { bytes = bytes, digest = core.digest.of(bytes), diff_ids = diff_ids },
  }
end

describe("an archive", function()
  local s

  before_each(function() s = assert(session.new()) end)
  after_each(function() s:close() end)

  --- Writes images; the path of what was committed, or nil and the error.
  local function write(images, opts)
    opts = opts or {}
    local path, format = tmp.path("out"), opts.format or "docker-archive"
    local output <close> = assert(archive.open(format, path))
    local ok, err = archive.write { session = s, images = images, output = output,
      format = format, compressed = opts.compressed, jobs = opts.jobs, progress = opts.progress }
    if ok then ok, err = output:commit() end
    if ok then return path end
    output:close()
    assert.is_false(tmp.exists(path))
    return nil, err
  end

  local function members(path)
    local list = {}
    for name in process.check({ "tar", "-tf", path }):gmatch("[^\n]+") do list[#list + 1] = name end
    return list
  end

  local function content(path, name) return process.check { "tar", "-xOf", path, name } end
  local function document(path, name) return cjson.decode(content(path, name)) end

  local A, B, C = layer("content of a"), layer(("b"):rep(5000), "zstd"), layer("c", "none")

  describe("for docker", function()
    it("holds its documents and its layers, in order", function()
      local one = image_of { A, B, C }
      local path = assert(write { one })
      local config = hex(one.config.digest) .. ".json"
      local names = { hex(A.diff_id) .. ".tar", hex(B.diff_id) .. ".tar", hex(C.diff_id) .. ".tar" }
      assert.same({ "manifest.json", config, names[1], names[2], names[3], "repositories" },
        members(path))
      assert.same({ { Config = config, Layers = names, RepoTags = { "demo:v1" } } },
        document(path, "manifest.json"))
      assert.same({ demo = { v1 = hex(C.diff_id) } }, document(path, "repositories"))
      assert.equal(one.config.bytes, content(path, config))
      for i, want in ipairs { A, B, C } do assert.equal(want.content, content(path, names[i])) end
      assert.same({ A.descriptor.digest }, one.source.tails)
    end)

    it("holds a layer once, and names it as often as the image does", function()
      local again = layer(A.content, "none") -- the same, stored in another way
      local one = image_of({ A, C, A, again })
      local path = assert(write { one })
      local a, c = hex(A.diff_id) .. ".tar", hex(C.diff_id) .. ".tar"
      assert.same({ a, c, a, a }, document(path, "manifest.json")[1].Layers)
      assert.same({ "manifest.json", hex(one.config.digest) .. ".json", a, c, "repositories" },
        members(path))
      local want = { A.descriptor.digest, C.descriptor.digest }
      table.sort(one.source.fetched)
      table.sort(want)
      assert.same(want, one.source.fetched)
    end)

    it("may keep layers as they are stored", function()
      local one = image_of { A, B, C }
      local path = assert(write({ one }, { compressed = true }))
      local names = { hex(A.descriptor.digest) .. ".tar.gz", hex(B.descriptor.digest) .. ".tar.zst",
        hex(C.diff_id) .. ".tar" }
      assert.same(names, document(path, "manifest.json")[1].Layers)
      for i, want in ipairs { A, B, C } do assert.equal(want.stored, content(path, names[i])) end
      assert.same({}, one.source.tails)
    end)

    it("can be of an image without layers, and without names", function()
      local one = image_of({}, {})
      local path, config = assert(write { one }), hex(one.config.digest)
      assert.equal("{}", content(path, "repositories"))
      assert.equal(('[{"Config":"%s.json","Layers":[],"RepoTags":null}]'):format(config),
        content(path, "manifest.json"))
      path = assert(write { image_of({}, { "demo:v1" }) })
      assert.equal('{"demo":{"v1":""}}', content(path, "repositories"))
    end)

    it("has all names", function()
      local tags = { "demo:v1", "demo:v2", "localhost:5000/a/b:c", "[::1]:80/x:y" }
      local path, top = assert(write { image_of({ A }, tags) }), hex(A.diff_id)
      assert.same(tags, document(path, "manifest.json")[1].RepoTags)
      assert.same({ demo = { v1 = top, v2 = top }, ["localhost:5000/a/b"] = { c = top },
        ["[::1]:80/x"] = { y = top } }, document(path, "repositories"))
    end)

    it("can be of several images, which share what they have in common", function()
      local registry = registry_of { A, B, C }
      local path = assert(write { image_of({ A, B }, { "one:1" }, registry),
        image_of({ A, C }, { "two:2" }, registry), image_of({ A, B }, { "three:3" }, registry) })
      local list = document(path, "manifest.json")
      assert.equal(2, #list)
      assert.same({ "one:1", "three:3" }, list[1].RepoTags)
      assert.same({ "two:2" }, list[2].RepoTags)
      assert.equal(3, #registry.fetched)
      assert.equal(1 + 2 + 3 + 1, #members(path))
    end)
  end)

  describe("is the same, byte for byte,", function()
    local want

    local function digest_of(layers, opts)
      return core.digest.of(tmp.read(assert(write({ image_of(layers) }, opts))))
    end

    before_each(function() want = digest_of { A, B, C } end)

    it("on every run, however many layers are fetched at the same time", function()
      for _, jobs in ipairs { 1, 2, 6, 100 } do
        assert.equal(want, digest_of({ A, B, C }, { jobs = jobs }))
      end
    end)

    -- A registry may claim what it likes.
    for _, claim in ipairs { string.pack("<I4", 0), string.pack("<I4", 1), string.pack("<I4", 511),
      string.pack("<I4", 100000), "\255\255\255\255", "", "abc", "unsupported", "protocol",
      "network", "not_found", "unauthorized" } do
      it(("whatever size is claimed of a layer: %q"):format(claim), function()
        local liar = layer(A.content, "gzip", claim)
        assert.equal(want, digest_of { liar, B, C })
        assert.equal(digest_of { B, A }, digest_of { B, liar })
      end)
    end
  end)

  describe("is not made", function()
    local function refused(code, layers, opts)
      local path, err = write({ image_of(layers) }, opts)
      assert.is_nil(path)
      assert.equal(code, err.code)
      return err
    end

    --- A layer that is not what its image promises.
    local function changed(one, changes)
      local copy = {}
      for _, from in ipairs { one, changes } do
        for key, value in pairs(from) do copy[key] = value end
      end
      return copy
    end

    for _, compressed in ipairs { false, true } do
      local opts = { compressed = compressed }
      local how = compressed and ", stored" or ", unpacked"

      it("when a layer's content is another" .. how, function()
        local err = refused("verification", { A, changed(B, { diff_id = C.diff_id }) }, opts)
        assert.matches("^content of layer sha256:", err.message)
      end)

      it("when a layer is broken" .. how, function()
        local cut = A.stored:sub(1, -5)
        refused("verification", { changed(A, { stored = cut, descriptor = {
          mediaType = MEDIA.gzip, digest = core.digest.of(cut), size = #cut } }) }, opts)
      end)

      it("when a layer is not what was asked for" .. how, function()
        refused("verification", { B, changed(A, { stored = B.stored }) }, opts)
      end)

      it("when one layer stands for two contents" .. how, function()
        refused("verification", { A, changed(A, { diff_id = C.diff_id }) }, opts)
      end)
    end

    it("when the network fails", function()
      refused("network", { changed(A, { broken = "network" }) })
    end)

    it("when asking for a layer's size was refused, or interrupted", function()
      for _, code in ipairs { "refused", "interrupted" } do
        refused(code, { layer(A.content, "gzip", code) })
      end
    end)

    it("of no images", function()
      local path, err = write {}
      assert.is_nil(path)
      assert.equal("usage", err.code)
    end)

    it("where it can't be", function()
      for _, format in ipairs(archive.formats) do
        local output, err = archive.open(format, "/does/not/exist")
        assert.is_nil(output)
        assert.equal("io", err.code)
      end
    end)

    it("in a format that is none", function()
      assert.error_matches(function() archive.open("zip", tmp.path()) end, "no format 'zip'")
      assert.error_matches(function() archive.open(nil, tmp.path()) end, "no format 'nil'")
    end)
  end)

  it("tells its progress", function()
    local events = {}
    local function note(name)
      return function(_, ...) events[#events + 1] = { name, ... } end
    end
    assert(write({ image_of { A, C, A } }, { jobs = 1,
      progress = { plan = note "plan", start = note "start", done = note "done" } }))
    local planned = events[1][2]
    assert.same({ A.descriptor, C.descriptor }, { planned[1].descriptor, planned[2].descriptor })
    assert.same({ "plan", "start", "done", "start", "done" },
      { events[1][1], events[2][1], events[3][1], events[4][1], events[5][1] })
    assert.equal(planned[1], events[2][2])
    assert.equal("transfer", events[2][3])
    assert.equal(planned[2], events[5][2])
  end)

  describe("of the OCI layout", function()
    local function blob(digest) return "blobs/sha256/" .. hex(digest) end

    it("is a tar that docker can load too", function()
      local one = image_of { A, B, A }
      local path = assert(write({ one }, { format = "oci-archive" }))
      local manifest = one.image.manifest
      local names = { blob(A.descriptor.digest), blob(B.descriptor.digest) }
      assert.same({ "oci-layout", "index.json", "manifest.json", blob(manifest.digest),
        blob(one.config.digest), names[1], names[2] }, members(path))
      assert.equal("1.0.0", document(path, "oci-layout").imageLayoutVersion)
      local entry = document(path, "index.json").manifests[1]
      assert.same({ manifest.digest, #manifest.bytes, manifest.media_type },
        { entry.digest, entry.size, entry.mediaType })
      assert.equal("v1", entry.annotations["org.opencontainers.image.ref.name"])
      assert.same({ { Config = blob(one.config.digest), RepoTags = { "demo:v1" },
        Layers = { names[1], names[2], names[1] } } }, document(path, "manifest.json"))
      assert.equal(A.stored, content(path, names[1]))
      assert.same({}, one.source.tails)
    end)

    it("is a directory, to which more can be added", function()
      local path = tmp.path("layout")
      for i, layers in ipairs { { A, B }, { A, C } } do
        local one = image_of(layers, { "demo:v" .. i })
        one.image.manifest.bytes = '{"n":' .. i .. "}"
        one.image.manifest.digest = core.digest.of(one.image.manifest.bytes)
        local output <close> = assert(archive.open("oci", path))
        assert(archive.write { session = s, images = { one }, output = output, format = "oci" })
        assert(output:commit())
        assert.equal(i == 1 and 2 or 1, #one.source.fetched)
      end
      local index = cjson.decode(tmp.read(path .. "/index.json"))
      assert.equal(2, #index.manifests)
      for _, want in ipairs { A, B, C } do
        assert.equal(want.stored, tmp.read(path .. "/" .. blob(want.descriptor.digest)))
      end
    end)
  end)
end)
