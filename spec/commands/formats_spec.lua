local cjson = require "cjson"
local clients = require "support.clients"
local faulty = require "support.faulty"
local image = require "support.image"
local lfs = require "lfs"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local served = require "support.served"
local tmp = require "support.tmp"

local REF, FULL = "org.opencontainers.image.ref.name", "io.containerd.image.name"

local function hex(digest) return digest:match(":(%x+)$") end
local function blob(digest) return "blobs/sha256/" .. hex(digest) end

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

-- All files below a directory, sorted.
local function files(dir)
  local list = {}
  local found = process.check { "sh", "-c", 'cd "$0" && find . -type f | sort', dir }
  for name in found:gmatch("%./(%S+)") do
    list[#list + 1] = name
  end
  return list
end

local A, B = { a = "1", ["dir/b"] = ("b"):rep(20000) }, { random = 100000 }

describe("hocker-image", function()
  local reg, docker_image, oci_image, base, docker

  lazy_setup(function()
    reg = registry.start()
    docker_image = image.build { layers = { A, B, A } }
    docker_image:upload(reg, "demo/app", "v1")
    oci_image = image.build { layers = { A, { c = "3" } } }
    oci_image:upload(reg, "demo/oci", "v2", { format = "oci" })
    base = image.build { layers = { A } }
    base:upload(reg, "demo/base", "v1", { format = "oci" })
  end)
  lazy_teardown(function()
    if docker then docker:stop() end
    reg:stop()
  end)

  local function at(name) return ("%s/demo/%s"):format(reg:host(), name) end

  local function fetch(words, path)
    path = path or tmp.path("image")
    assert.equal(path .. "\n", program.check("hocker-image",
      table.move(words, 1, #words, 3, { "--out", path })))
    return path
  end

  local function need_docker()
    clients.need(clients.docker)
    docker = docker or clients.docker.start()
    return docker
  end

  local function blobs_asked(one, since)
    local asked = {}
    for i, request in ipairs(reg:requests()) do
      for number, layer in ipairs(one.layers) do
        if i > since and request.status == 200 and request.path:find(layer.digest, 1, true) then
          asked[number] = (asked[number] or 0) + 1
        end
      end
    end
    return asked
  end

  describe("--format oci-archive", function()
    local path

    lazy_setup(function() path = fetch { at "app:v1", "--format", "oci-archive" } end)

    it("holds an OCI layout and a manifest.json, the documents first", function()
      assert.same({ "oci-layout", "index.json", "manifest.json", blob(docker_image.v2s2.digest),
        blob(docker_image.config.digest), blob(docker_image.layers[1].digest),
        blob(docker_image.layers[2].digest) }, members(path))
    end)

    it("keeps all bytes", function()
      assert.equal('{"imageLayoutVersion":"1.0.0"}', member(path, "oci-layout"))
      assert.equal(docker_image.v2s2.bytes, member(path, blob(docker_image.v2s2.digest)))
      assert.equal(docker_image.config.bytes, member(path, blob(docker_image.config.digest)))
      for _, layer in ipairs(docker_image.layers) do
        assert.equal(tmp.read(layer.file), member(path, blob(layer.digest)))
      end
    end)

    it("names the image as containerd and docker do", function()
      local index = cjson.decode(member(path, "index.json"))
      assert.equal(2, index.schemaVersion)
      assert.same({ { mediaType = docker_image.v2s2.media_type, digest = docker_image.v2s2.digest,
        size = #docker_image.v2s2.bytes, annotations = { [REF] = "v1", [FULL] = at "app:v1" } } },
        index.manifests)
      assert.same({ { Config = blob(docker_image.config.digest), RepoTags = { at "app:v1" },
        Layers = { blob(docker_image.layers[1].digest), blob(docker_image.layers[2].digest),
          blob(docker_image.layers[3].digest) } } }, cjson.decode(member(path, "manifest.json")))
    end)

    it("names it by the normalised reference, also in two words", function()
      local other = fetch { "--registry", reg:url() .. "/v2/", "demo/app", "v1",
        "--format=oci-archive" }
      assert.equal(image.digest_of_file(path), image.digest_of_file(other))
    end)

    it("has an entry a --repo-tag", function()
      local other = fetch { at "app:v1", "--format=oci-archive", "--repo-tag=mine:1",
        "--repo-tag=example.org/yours:2" }
      local list = cjson.decode(member(other, "index.json")).manifests
      assert.same({ [REF] = "1", [FULL] = "docker.io/library/mine:1" }, list[1].annotations)
      assert.same({ [REF] = "2", [FULL] = "example.org/yours:2" }, list[2].annotations)
      assert.same({ "mine:1", "example.org/yours:2" },
        cjson.decode(member(other, "manifest.json"))[1].RepoTags)
    end)

    it("has no names when it was asked for by digest", function()
      local other = fetch { at("app@" .. docker_image.v2s2.digest), "--format=oci-archive" }
      assert.is_nil(cjson.decode(member(other, "index.json")).manifests[1].annotations)
    end)

    it("is the same on every run, with any number of jobs, and on a pipe", function()
      for _, jobs in ipairs { "1", "2", "9" } do
        local words = { at "app:v1", "--format=oci-archive", "-q", "--jobs", jobs }
        assert.equal(image.digest_of_file(path), image.digest_of_file(fetch(words)))
        local out = tmp.path()
        program.check("hocker-image", table.move(words, 1, #words, 3, { "--out", "-" }),
          { stdout = out })
        assert.equal(image.digest_of_file(path), image.digest_of_file(out))
      end
    end)

    it("keeps a zstd layer", function()
      local zstd = image.build { layers = { B }, compression = "zstd" }
      zstd:upload(reg, "demo/zstd", "v1", { format = "oci" })
      local other = fetch { at "zstd:v1", "--format=oci-archive" }
      assert.equal(tmp.read(zstd.layers[1].file), member(other, blob(zstd.layers[1].digest)))
    end)

    for _, name in ipairs { "app:v1", "oci:v2" } do
      it("is loaded by docker, " .. name, function()
        local said = need_docker():load(fetch { at(name), "--format=oci-archive" })
        assert.equal(("Loaded image: %s\n"):format(at(name)), said)
      end)

      it("is loaded by podman, " .. name, function()
        clients.need(clients.podman)
        local said = clients.podman.new():load(fetch { at(name), "--format=oci-archive" })
        assert.matches("Loaded image: " .. at(name), said, 1, true)
      end)

      it("is read by skopeo, " .. name, function()
        local one = name == "app:v1" and docker_image.v2s2 or oci_image.oci
        local other = fetch { at(name), "--format=oci-archive" }
        assert.equal(one.bytes,
          process.check { "skopeo", "inspect", "--raw", "oci-archive:" .. other })
        process.check { "skopeo", "--insecure-policy", "copy", "-q", "oci-archive:" .. other,
          "dir:" .. tmp.dir() }
      end)
    end

    it("is loaded by docker from a pipe", function()
      need_docker()
      local said = process.check { "sh", "-c",
        '"$0" "$1" --format oci-archive --out - -q | docker --host "$2" load',
        program.path("hocker-image"), at "app:v1", docker.host }
      assert.equal(("Loaded image: %s\n"):format(at "app:v1"), said)
    end)
  end)

  describe("--format oci", function()
    local function layout_files(...)
      local list, seen = { "index.json", "oci-layout" }, {}
      for _, one in ipairs { ... } do
        local digests = { one.which.digest, one.config.digest }
        for _, layer in ipairs(one.layers) do digests[#digests + 1] = layer.digest end
        for _, digest in ipairs(digests) do
          if not seen[digest] then list[#list + 1] = blob(digest) end
          seen[digest] = true
        end
      end
      table.sort(list)
      return list
    end

    before_each(function()
      oci_image.which, base.which, docker_image.which = oci_image.oci, base.oci, docker_image.v2s2
    end)

    it("writes a layout", function()
      local dir = tmp.dir()
      local path = fetch({ at "oci:v2", "--format=oci" }, dir .. "/layout")
      assert.same({ "layout" }, tmp.list(dir))
      assert.same(layout_files(oci_image), files(path))
      for _, layer in ipairs(oci_image.layers) do
        assert.equal(layer.digest, image.digest_of_file(path .. "/" .. blob(layer.digest)))
      end
      assert.equal(oci_image.oci.bytes, tmp.read(path .. "/" .. blob(oci_image.oci.digest)))
      assert.equal("rwxr-xr-x", lfs.attributes(path, "permissions"))
      assert.equal("rw-r--r--", lfs.attributes(path .. "/index.json", "permissions"))
    end)

    it("fills an empty directory", function()
      local path = fetch({ at "oci:v2", "--format=oci" }, tmp.dir())
      assert.same(layout_files(oci_image), files(path))
    end)

    it("is read by skopeo and umoci", function()
      local path = fetch { at "oci:v2", "--format=oci" }
      assert.equal(oci_image.oci.bytes,
        process.check { "skopeo", "inspect", "--raw", ("oci:%s:v2"):format(path) })
      assert.equal("v2\n", process.check { "umoci", "ls", "--layout", path })
      local bundle = tmp.path()
      process.check { "umoci", "unpack", "--rootless", "--image", path .. ":v2", bundle }
      assert.equal("3", tmp.read(bundle .. "/rootfs/c"))
    end)

    it("keeps a Docker manifest, which skopeo reads when it is alone", function()
      local path = fetch { at "app:v1", "--format=oci" }
      assert.equal(docker_image.v2s2.bytes,
        process.check { "skopeo", "inspect", "--raw", "oci:" .. path })
    end)

    it("adds an image to a layout, and does not fetch what is there", function()
      local path = fetch { at "oci:v2", "--format=oci" }
      local before = #reg:requests()
      fetch({ at "base:v1", "--format=oci" }, path)
      assert.same(layout_files(oci_image, base), files(path))
      assert.same({}, blobs_asked(base, before))
      local list = cjson.decode(tmp.read(path .. "/index.json")).manifests
      assert.equal(2, #list)
      assert.equal("v1\nv2\n", process.check { "sh", "-c", 'umoci ls --layout "$0" | sort', path })
    end)

    it("adds to the layout of another tool, and replaces what has the name", function()
      local path = tmp.dir()
      process.check { "cp", "-r", base.dir .. "/.", path }
      local index = tmp.read(path .. "/index.json"):gsub('"schemaVersion"', '"kept":[1.5,{}],%0')
      tmp.write(path .. "/index.json", index)
      fetch({ at "oci:v2", "--format=oci", "--repo-tag=some:spec" }, path)
      local doc = cjson.decode(tmp.read(path .. "/index.json"))
      assert.equal(1, #doc.manifests)
      assert.equal(oci_image.oci.digest, doc.manifests[1].digest)
      assert.same({ 1.5, {} }, doc.kept)
      fetch({ at "base:v1", "--format=oci" }, path)
      assert.equal(2, #cjson.decode(tmp.read(path .. "/index.json")).manifests)
      fetch({ at "base:v1", "--format=oci" }, path)
      assert.equal(2, #cjson.decode(tmp.read(path .. "/index.json")).manifests)
    end)

    it("fetches a blob anew that is not what its name says, or is no file", function()
      for what, spoil in pairs {
        other = function(path) tmp.write(path, ("x"):rep(lfs.attributes(path, "size"))) end,
        short = function(path) tmp.write(path, "x") end,
        link = function(path)
          os.rename(path, path .. "-")
          assert(lfs.link(path .. "-", path, true))
        end,
        fifo = function(path)
          os.remove(path)
          process.check { "mkfifo", path }
        end,
      } do
        local path = fetch { at "oci:v2", "--format=oci" }
        local file = path .. "/" .. blob(oci_image.layers[1].digest)
        spoil(file)
        local before = #reg:requests()
        fetch({ at "oci:v2", "--format=oci" }, path)
        assert.same({ 1 }, blobs_asked(oci_image, before), what)
        assert.equal("file", lfs.symlinkattributes(file, "mode"))
        assert.equal(oci_image.layers[1].digest, image.digest_of_file(file))
      end
    end)

    it("refuses what is no layout, and changes nothing", function()
      local full, broken = tmp.dir(), tmp.dir()
      tmp.write(full .. "/mine", "mine")
      tmp.write(broken .. "/oci-layout", '{"imageLayoutVersion":"1.0.0"}')
      tmp.write(broken .. "/index.json", "[]")
      for _, dir in ipairs { full, broken } do
        local before = files(dir)
        local line = program.refuses(7, "hocker-image",
          { at "oci:v2", "--format=oci", "--out", dir })
        assert.matches("neither empty nor an OCI image layout", line, 1, true)
        assert.same(before, files(dir))
      end
      assert.matches("Not a directory", program.refuses(7, "hocker-image",
        { at "oci:v2", "--format=oci", "--out", full .. "/mine" }), 1, true)
    end)

    it("can't go to standard output, nor be uncompressed", function()
      program.refuses(2, "hocker-image", { at "oci:v2", "--format=oci", "--out", "-" })
      program.refuses(2, "hocker-image",
        { at "oci:v2", "--format=oci", "--layers=uncompressed", "--out", tmp.path() })
    end)
  end)

  describe("of several images", function()
    it("writes one archive, with what they share once", function()
      local before = #reg:requests()
      local path = fetch { at "app:v1", at "oci:v2", at "base:v1" }
      local asked = {}
      for i, request in ipairs(reg:requests()) do
        if i > before and request.status == 200
          and request.path:find(base.layers[1].digest, 1, true) then
          asked[#asked + 1] = request.path
        end
      end
      assert.equal(1, #asked)
      local function tar(one, i) return hex(one.layers[i].diff_id) .. ".tar" end
      assert.same({ "manifest.json", hex(docker_image.config.digest) .. ".json",
        hex(oci_image.config.digest) .. ".json", hex(base.config.digest) .. ".json",
        tar(docker_image, 1), tar(docker_image, 2), tar(oci_image, 2), "repositories" },
        members(path))
      local document = cjson.decode(member(path, "manifest.json"))
      assert.same({ at "app:v1" }, document[1].RepoTags)
      assert.same({ tar(oci_image, 1), tar(oci_image, 2) }, document[2].Layers)
      assert.equal(hex(base.layers[1].diff_id),
        cjson.decode(member(path, "repositories"))[at "base"].v1)
    end)

    it("gives the same image both its names", function()
      base:upload(reg, "demo/again", "v3", { format = "oci" })
      local path = fetch { at "base:v1", at "again:v3" }
      local document = cjson.decode(member(path, "manifest.json"))
      assert.equal(1, #document)
      assert.same({ at "base:v1", at "again:v3" }, document[1].RepoTags)
    end)

    for _, format in ipairs { "docker-archive", "oci-archive" } do
      it("writes a " .. format .. " that docker loads whole", function()
        local said = need_docker():load(fetch { at "app:v1", at "oci:v2", "--format", format })
        assert.equal(("Loaded image: %s\nLoaded image: %s\n"):format(at "app:v1", at "oci:v2"),
          said)
      end)

      it("writes a " .. format .. " that podman loads whole", function()
        clients.need(clients.podman)
        local said = clients.podman.new():load(fetch { at "app:v1", at "oci:v2",
          "--format", format })
        assert.matches(at "app:v1", said, 1, true)
        assert.matches(at "oci:v2", said, 1, true)
      end)
    end

    it("writes a layout", function()
      local path = fetch { at "base:v1", at "oci:v2", "--format=oci" }
      assert.equal("v1\nv2\n", process.check { "umoci", "ls", "--layout", path })
    end)

    it("takes two words as NAME TAG where they can be", function()
      local function first(...)
        return cjson.decode(member(fetch { ... }, "manifest.json"))[1].RepoTags[1]
      end
      assert.equal(at "app:v1", first("--registry", reg:url(), "demo/app", "v1"))
      assert.equal(at "app:v1", first(at "app", "v1@" .. docker_image.v2s2.digest))
      assert.equal(at "app:v1", first("--registry", reg:url(), "demo/app:v1", "demo/oci:v2"))
    end)

    it("takes no --repo-tag, and no credentials for two registries", function()
      assert.matches("--repo-tag", program.refuses(2, "hocker-image",
        { at "app:v1", at "oci:v2", "--repo-tag=a:1", "--out", tmp.path() }), 1, true)
      assert.matches("one registry", program.refuses(2, "hocker-image", { at "app:v1",
        "localhost:1/a/b:c", "-u", "alice", "-p", "secret", "--out", tmp.path() }), 1, true)
    end)

    it("writes nothing when one is missing", function()
      local path = tmp.path()
      program.refuses(3, "hocker-image", { at "app:v1", at "none:v1", at "oci:v2", "--out", path })
      assert.is_false(tmp.exists(path))
    end)
  end)
end)

describe("hocker-image with a faulty registry", function()
  local img, server

  lazy_setup(function()
    img = image.build { layers = { { random = 300000 }, { random = 300001 }, { random = 300002 } } }
    server = faulty.start { routes = served.routes(img) }
  end)
  lazy_teardown(function() server:stop() end)

  local function words(...)
    return { "--registry", server:url(), "demo/app", "v1", ... }
  end

  local function spoil(number)
    local routes = served.routes(img)
    local layer = img.layers[number]
    routes[served.blob(layer)] = { body = ("x"):rep(layer.size) }
    server:set(routes)
  end

  for number = 1, 3 do
    it(("breaks off inside the tar when layer %d is wrong"):format(number), function()
      spoil(number)
      for _, jobs in ipairs { "1", "6" } do
        local path = tmp.path()
        local result = program.run("hocker-image",
          words("--format=oci-archive", "--out", "-", "-q", "--jobs", jobs), { stdout = path })
        assert.equal(5, result.code, result.stderr)
        -- GNU tar takes an end without blocks of zeros for one, as docker does.
        assert.equal(2, process.run({ "tar", "-tf", path }).code)
      end
    end)
  end

  it("gives up at once when a layer is missing whose turn has not come", function()
    local routes = served.routes(img)
    routes[served.blob(img.layers[1])].stall = 100000
    routes[served.blob(img.layers[3])] = { status = 404, delay = 0.5 }
    server:set(routes)
    local path = tmp.file("")
    local result = program.run("hocker-image",
      words("--format=oci-archive", "--out", "-", "-q"), { stdout = path, timeout = 20 })
    assert.equal(3, result.code, result.stderr)
    assert.is_true(lfs.attributes(path, "size") > 50000)
    assert.equal(2, process.run({ "tar", "-tf", path }).code)
  end)

  it("ends while nobody reads its output, when it is told to", function()
    local big = image.build { layers = { { random = 3000000 }, { random = 3000001 } } }
    server:set(served.routes(big))
    server:forget()
    local argv, opts = program.command("hocker-image",
      words("--format=oci-archive", "--out", "-", "-q"))
    local fifo = tmp.path()
    process.check { "mkfifo", fifo }
    local running = process.spawn({ "bash", "-c", ('exec "$@" 1<>%s'):format(fifo), "bash",
      table.unpack(argv) }, opts)
    finally(function() running:stop() end)
    process.eventually(function() return #server:requests() >= 4 end, "all requests")
    running:kill("INT")
    assert.equal(130, running:wait(10).code)
  end)

  it("leaves no layout behind, and one that was there as it was", function()
    server:set(served.routes(img))
    local dir = tmp.dir()
    local layout = dir .. "/layout"
    spoil(2)
    program.refuses(5, "hocker-image", words("--format=oci", "--out", layout, "-q"))
    assert.same({}, tmp.list(dir))
    process.check { "cp", "-r", image.build({ layers = { { a = "1" } } }).dir, layout }
    local index = tmp.read(layout .. "/index.json")
    program.refuses(5, "hocker-image", words("--format=oci", "--out", layout, "-q"))
    assert.equal(index, tmp.read(layout .. "/index.json"))
    assert.is_false(tmp.exists(layout .. "/" .. blob(img.layers[2].digest)))
    for _, name in ipairs(files(layout)) do
      assert.not_matches("/%.", name)
      local digest = name:match("^blobs/sha256/(%x+)$")
      if digest then
        assert.equal("sha256:" .. digest, image.digest_of_file(layout .. "/" .. name))
      end
    end
  end)
end)
