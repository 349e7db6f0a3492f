require "support.helper"
local docker = require "hocker.archive.docker"
local json = require "hocker.json"
local oci = require "hocker.archive.oci"
local archive = require "hocker.archive"
local reference = require "hocker.reference"

local function digest(n) return "sha256:" .. ("%064x"):format(n) end

local GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"

-- An image whose layers are { blob, content } by number.
local function image(config, layers, ...)
  local names, descriptors, diff_ids = {}, {}, {}
  for i, name in ipairs { ... } do
    local path, tag = name:match("^(.*):(.*)$")
    names[i] = { repo_tag = name, full = "docker.io/library/" .. path .. ":" .. tag, tag = tag }
  end
  for i, layer in ipairs(layers) do
    descriptors[i] = {
      mediaType = layer[4] or GZIP, digest = digest(layer[1]), size = layer[3] or 10,
    }
    diff_ids[i] = digest(layer[2])
  end
  return {
    names = names, config = { digest = digest(config), bytes = "{}", diff_ids = diff_ids },
    image = { manifest = { layers = descriptors, digest = digest(config + 1000), bytes = "manifest",
      media_type = "application/vnd.oci.image.manifest.v1+json" } },
  }
end

local function names_of(plan)
  local list = {}
  for i, entry in ipairs(plan.entries) do list[i] = entry.name:gsub("0000+", "") end
  return list
end

describe("archive", function()
  it("has its formats", function()
    assert.same({ "docker-archive", "oci-archive", "oci" }, archive.formats)
    assert.has_error(function() archive.open("zip", "x") end)
  end)

  it("of docker keeps a layer once, by its content", function()
    local plan = docker.plan({ image(1, { { 5, 6 }, { 7, 8 }, { 9, 6 } }, "a:1"),
      image(2, { { 11, 8 } }, "b:1") }, false)
    assert.same({ "manifest.json", "1.json", "2.json", "6.tar", "8.tar", "repositories" },
      names_of(plan))
    assert.same({ false, false }, { plan.layers[1].exact, plan.layers[2].exact })
  end)

  it("of docker keeps compressed layers by their digests", function()
    local plan = docker.plan({
      image(1, { { 5, 6 }, { 7, 8, 10, "x.tar.zstd" }, { 9, 9, 10, "x.tar" } }, "a:1"),
    }, true)
    assert.same({ "manifest.json", "1.json", "5.tar.gz", "7.tar.zst", "9.tar", "repositories" },
      names_of(plan))
  end)

  it("is exact where a layer is its own content", function()
    local plan = docker.plan({ image(1, { { 5, 5, 77 } }) }, false)
    assert.is_true(plan.layers[1].exact)
    assert.equal(77, plan.layers[1].size)
  end)

  it("fetches what is promised differently each way", function()
    local plan = oci.plan { image(1, { { 5, 6 }, { 5, 7 }, { 5, 6, 11 }, { 5, 6 } }) }
    assert.equal(3, #plan.layers)
  end)

  it("of OCI has documents before layers", function()
    local plan = oci.archive_plan { image(1, { { 5, 6 } }, "a:1"), image(2, { { 5, 6 } }, "b:1") }
    assert.same({ "oci-layout", "index.json", "manifest.json", "blobs/sha256/3e9", "blobs/sha256/1",
      "blobs/sha256/3ea", "blobs/sha256/2", "blobs/sha256/5" }, names_of(plan))
  end)

  it("names blobs by any algorithm", function()
    assert.equal("blobs/sha512/" .. ("a"):rep(128), oci.blob_name("sha512:" .. ("a"):rep(128)))
  end)

  describe("index", function()
    local REF, FULL = "org.opencontainers.image.ref.name", "io.containerd.image.name"

    local function entry(n, tag, full)
      return { digest = digest(n), annotations = tag and { [REF] = tag, [FULL] = full } or nil }
    end

    local function merged(old, new)
      local text = oci.index_json({ schemaVersion = 2, manifests = json.array(old) }, new)
      local list = {}
      for i, one in ipairs(json.decode(text).manifests) do
        list[i] = tonumber(one.digest:match("%x%x%x%x$"), 16)
      end
      return list
    end

    local cases = {
      { "another name is added", entry(1, "1", "a:1"), entry(2, "2", "a:2"), { 1, 2 } },
      { "the same name is replaced", entry(1, "1", "a:1"), entry(2, "1", "a:1"), { 2 } },
      { "the same tag of another image stays", entry(1, "1", "a:1"), entry(2, "1", "b:1"),
        { 1, 2 } },
      { "a name of another tool is replaced", entry(1, "1"), entry(2, "1", "b:1"), { 2 } },
      { "without a name, the same image is replaced", entry(1), entry(1), { 1 } },
      { "without a name, another image stays", entry(1), entry(2), { 1, 2 } },
      { "a name does not replace what has none", entry(1), entry(1, "1", "a:1"), { 1, 1 } },
    }
    for _, case in ipairs(cases) do
      it(case[1], function() assert.same(case[4], merged({ case[2] }, { case[3] })) end)
    end

    it("keeps what it does not know", function()
      local index = json.decode('{"manifests":["odd",{"annotations":3}],"other":[]}')
      local text = oci.index_json(index, { { digest = "x" } })
      assert.equal('{"manifests":["odd",{"annotations":3},{"digest":"x"}],"other":[]}', text)
    end)
  end)

  describe("words", function()
    local hex = ("a"):rep(64)
    local cases = {
      { { "a" }, { { "a" } } },
      { { "a", "1" }, { { "a", "1" } } },
      { { "a", "b" }, { { "a", "b" } } },
      { { "a", "sha256:" .. hex }, { { "a", "sha256:" .. hex } } },
      { { "a", "sha512:bad" }, { { "a", "sha512:bad" } } },
      { { "a", "1@sha256:" .. hex }, { { "a", "1@sha256:" .. hex } } },
      { { "a", "b:1" }, { { "a" }, { "b:1" } } },
      { { "a", "x/b" }, { { "a" }, { "x/b" } } },
      { { "a:1", "b:1@sha256:" .. hex }, { { "a:1" }, { "b:1@sha256:" .. hex } } },
      { { "a", "b", "c" }, { { "a" }, { "b" }, { "c" } } },
    }
    for _, case in ipairs(cases) do
      it(table.concat(case[1], " "):gsub("a+$", "aa") .. " are images", function()
        assert.same(case[2], reference.split_images(case[1]))
      end)
    end
  end)
end)
