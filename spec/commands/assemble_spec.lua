local cjson = require "cjson"
local clients = require "support.clients"
local core = require "hocker.core"
local image = require "support.image"
local lfs = require "lfs"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local tmp = require "support.tmp"

local NAME = "hocker assemble"

local function hex(digest) return digest:match("%x+$") end

-- The words that name an image's files.
local function files(img)
  local words = { img.config.file }
  for i, layer in ipairs(img.layers) do words[i + 1] = layer.file end
  return words
end

local function with(words, ...)
  local list = { "assemble", ... }
  return table.move(words, 1, #words, #list + 1, list)
end

local function members(path)
  local list = {}
  for name in process.check({ "tar", "-tf", path }):gmatch("[^\n]+") do list[#list + 1] = name end
  return list
end

local function member(path, name) return process.check { "tar", "-xOf", path, name } end

-- The line on standard error of a run that had to fail.
local function refuses(code, words, name)
  local result = program.run("hocker", words)
  assert.equal(code, result.code, result.stderr)
  assert.equal("", result.stdout)
  return program.line(result, name or NAME)
end

-- Changes one byte of a file, in place.
local function spoil(path, at)
  local bytes = tmp.read(path)
  local byte = bytes:byte(at)
  tmp.write(path, bytes:sub(1, at - 1) .. string.char(byte ~ 1) .. bytes:sub(at + 1))
end

describe("hocker assemble", function()
  local images = {}

  lazy_setup(function()
    for _, compression in ipairs { "gzip", "zstd", "none" } do
      images[compression] = image.build { compression = compression, layers = {
        { ["etc/motd"] = "hello\n" }, { random = 300000 }, { ["etc/motd"] = "hello\n" },
      } }
    end
  end)

  for _, compression in ipairs { "gzip", "zstd", "none" } do
    it("makes of " .. compression .. " layers what hocker-image does", function()
      local reg = registry.start()
      finally(function() reg:stop() end)
      local img = images[compression]
      img:upload(reg, "demo/app", "v1", { format = "oci" })
      for _, form in ipairs { "uncompressed", "compressed" } do
        local want, path = tmp.path("want.tar"), tmp.path("got.tar")
        program.check("hocker-image", { reg:host() .. "/demo/app:v1", "--layers", form,
          "--out", want, "-q" })
        assert.equal(path .. "\n", program.check("hocker", with(files(img), "--out", path,
          "--layers", form, "--repo-tag", reg:host() .. "/demo/app:v1")))
        assert.equal(image.digest_of_file(want), image.digest_of_file(path))
        program.run("hocker", with(files(img), "--out", "-", "--layers", form, "--repo-tag",
          reg:host() .. "/demo/app:v1"), { stdout = path })
        assert.equal(image.digest_of_file(want), image.digest_of_file(path))
      end
    end)
  end

  it("names the image as it is told to, or not at all", function()
    local path = tmp.path("a.tar")
    program.check("hocker", with(files(images.gzip), "--out", path))
    assert.equal(cjson.null, cjson.decode(member(path, "manifest.json"))[1].RepoTags)
    program.check("hocker", with(files(images.gzip), "--out", path, "--repo-tag", "a:1",
      "--repo-tag", "reg.example:5000/b/c:2"))
    assert.same({ "a:1", "reg.example:5000/b/c:2" },
      cjson.decode(member(path, "manifest.json"))[1].RepoTags)
    assert.matches("NAME:TAG", refuses(2, with(files(images.gzip), "--out", path,
      "--repo-tag", "a@" .. images.gzip.config.digest)), 1, true)
  end)

  it("takes an image of no layers", function()
    local img = image.build { layers = {} }
    local path = tmp.path("a.tar")
    program.check("hocker", with(files(img), "--out", path))
    assert.same({ "manifest.json", hex(img.config.digest) .. ".json", "repositories" },
      members(path))
  end)

  it("verifies the image's id, in every spelling", function()
    local img, path = images.gzip, tmp.path("a.tar")
    for _, id in ipairs { img.config.digest, hex(img.config.digest),
      core.digest.nix32(img.config.digest), core.digest.sri(img.config.digest) } do
      program.check("hocker", with(files(img), "--out", path, "--id", id))
    end
    os.remove(path)
    local line = refuses(5, with(files(img), "--out", path, "--id", img.layers[1].digest))
    assert.matches(hex(img.config.digest), line, 1, true)
    assert.matches("--id", refuses(2, with(files(img), "--out", path, "--id", "x")), 1, true)
    assert.is_false(tmp.exists(path))
  end)

  it("refuses files that do not belong together, and writes nothing", function()
    local img = images.gzip
    local config, one, two = img.config.file, img.layers[1].file, img.layers[2].file
    local cases = {
      { 5, { config, two, one, one }, "content of layer " .. two },
      { 5, { config, one, two }, "the image has 2 layers" },
      { 5, { config, one, two, one, one }, "the image has 4 layers" },
      { 5, { config, config, two, one }, "content of layer" },
      { 1, { one, one }, "config:" },
      { 1, { tmp.file("{}"), one }, "rootfs" },
      { 7, { config, one, two, "/none" }, "/none" },
      { 7, { config, one, two, tmp.dir() }, "regular file" },
      { 7, { tmp.path(), one }, "no such file" },
      { 5, { config, one, tmp.file(tmp.read(two):sub(1, 1000)), one }, "content of layer" },
    }
    for i, case in ipairs(cases) do
      for _, more in ipairs { {}, { "--script", "/bin/hocker" } } do
        local path = tmp.path("out")
        local line = refuses(case[1], with(case[2], "--out", path, table.unpack(more)))
        assert.matches(case[3], line, 1, true, i)
        assert.is_false(tmp.exists(path))
      end
    end
  end)

  it("asks where to", function()
    assert.matches("--out", refuses(2, with(files(images.gzip))), 1, true)
    local deep = tmp.dir() .. "/a/b/c.tar"
    assert.matches("No such file", refuses(7, with(files(images.gzip), "--out", deep)), 1, true)
    program.check("hocker", with(files(images.gzip), "--out", deep, "--create-dirs"))
    assert.is_true(tmp.exists(deep))
    assert.matches("Not a directory", refuses(7, with(files(images.gzip), "--create-dirs",
      "--out", deep .. "/x/y")), 1, true)
  end)

  describe("--script", function()
    local function script(img, ...)
      local path = tmp.path("image.sh")
      program.check("hocker", with(files(img), "--script", program.path("hocker"), "--out", path,
        ...))
      return path
    end

    for _, compression in ipairs { "gzip", "zstd", "none" } do
      it("prints by itself the archive of " .. compression .. " layers", function()
        local img = images[compression]
        for _, form in ipairs { "uncompressed", "compressed" } do
          local want, got = tmp.path("want.tar"), tmp.path("got.tar")
          local options = { "--layers", form, "--repo-tag", "demo:v1" }
          program.check("hocker", with(files(img), "--out", want, table.unpack(options)))
          local path = script(img, table.unpack(options))
          assert.equal("rwxr-xr-x", lfs.attributes(path, "permissions"))
          process.check({ "env", "-i", path }, { stdout = got })
          assert.equal(image.digest_of_file(want), image.digest_of_file(got))
        end
      end)
    end

    it("is small, the same each time, and copies no layer", function()
      local one, two = script(images.gzip), script(images.gzip)
      assert.equal(tmp.read(one), tmp.read(two))
      assert.is_true(#tmp.read(one) < 4096)
      assert.matches(images.gzip.layers[2].file, tmp.read(one), 1, true)
    end)

    it("takes other names, and another place", function()
      local path, out = script(images.gzip, "--repo-tag", "demo:v1"), tmp.path("a.tar")
      assert.equal(out .. "\n", process.check { path, "--repo-tag", "x:1", "--out", out })
      assert.same({ "x:1" }, cjson.decode(member(out, "manifest.json"))[1].RepoTags)
    end)

    it("gives an image that docker loads, whose id is the configuration's digest", function()
      clients.need(clients.docker)
      local docker = clients.docker.start()
      finally(function() docker:stop() end)
      for compression, img in pairs(images) do
        local name, path = "demo/" .. compression .. ":v1", tmp.path("a.tar")
        process.check({ script(img, "--repo-tag", name) }, { stdout = path })
        docker:load(path)
        assert.equal(img.config.digest .. "\n",
          docker:run({ "inspect", "--format={{.Id}}", name }).stdout)
      end
    end)

    it("breaks off when a file is no more what it was", function()
      local img = image.build { layers = { { random = 3000000 }, { a = "1" } } }
      local path = script(img)
      for _, spoiled in ipairs { img.config.file, img.layers[1].file, img.layers[2].file } do
        local good, out = tmp.read(spoiled), tmp.path("a.tar")
        spoil(spoiled, #good // 2)
        local result = process.run({ path }, { stdout = out })
        assert.equal(5, result.code, result.stderr)
        assert.matches("^hocker stream: ", result.stderr)
        if lfs.attributes(out, "size") > 0 then
          assert.equal(2, process.run({ "tar", "-tf", out }).code)
        end
        tmp.write(spoiled, good:sub(1, -2))
        assert.equal(5, process.run({ path }, { stdout = out }).code)
        os.remove(spoiled)
        result = process.run({ path }, { stdout = out })
        assert.equal(7, result.code)
        assert.matches(spoiled, result.stderr, 1, true)
        tmp.write(spoiled, good)
      end
    end)

    it("ends while nobody reads, when it is told to", function()
      local img = image.build { layers = { { random = 5000000 } } }
      local fifo = tmp.path()
      process.check { "mkfifo", fifo }
      local running = process.spawn { "bash", "-c", ('exec "$0" 1<>%s'):format(fifo), script(img) }
      finally(function() running:stop() end)
      local reader = assert(io.open(fifo, "rb"))
      assert.equal(512, #reader:read(512)) -- so it has begun
      running:kill("INT")
      assert.equal(130, running:wait(10).code)
      reader:close()
    end)

    it("wants paths that a first line can hold", function()
      local out = tmp.path("out")
      for _, path in ipairs { "hocker", "/a b/hocker", "/" .. ("x"):rep(250), "/a\n/hocker" } do
        assert.matches("--script", refuses(2, with(files(images.gzip), "--script", path,
          "--out", out)), 1, true)
      end
      local relative = program.run("hocker", with({ "./config" }, "--script", "/bin/hocker",
        "--out", out), { cwd = (function()
          local dir = tmp.dir()
          tmp.write(dir .. "/config", image.build({ layers = {} }).config.bytes)
          return dir
        end)() })
      assert.equal(2, relative.code)
      assert.matches("absolute", relative.stderr, 1, true)
      assert.is_false(tmp.exists(out))
    end)

    it("is refused by hocker stream when it is something else", function()
      local good = tmp.read(script(images.gzip))
      local first, rest = good:match("^([^\n]*\n)(.*)$")
      local cases = {
        { 2, "" }, { 2, "#!/bin/sh\necho hello\n" }, { 2, rest }, { 2, first },
        { 2, first .. "[]" },
        { 1, first .. "{}" }, { 1, (good:gsub('"version":1', '"version":2')) },
        { 1, (good:gsub('"names":%[%]', '"names":{}')) },
        { 1, (good:gsub('"contentSize":%d+', '"contentSize":-1', 1)) },
        { 1, (good:gsub('"size":%d+', '"size":"1"')) },
        { 5, (good:gsub('"contentSize":%d+', '"contentSize":1')) },
        { 5, (good:gsub('"digest":"sha256:', '"digest":"sha256:../')) },
        { 1, (good:gsub('"path":', '"other":')) },
        { 1, (good:gsub('"path":"', '"path":"\\u0000')) },
      }
      for i, case in ipairs(cases) do
        assert.not_equal(good, case[2])
        local result = program.run("hocker", { "stream", tmp.file(case[2]) },
          { stdout = tmp.path() })
        assert.equal(case[1], result.code, i .. ": " .. result.stderr)
        program.line(result, "hocker stream")
      end
      assert.matches("no such file", refuses(7, { "stream", "/none" }, "hocker stream"), 1, true)
    end)
  end)
end)
