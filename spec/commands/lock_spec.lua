local cjson = require "cjson"
local faulty = require "support.faulty"
local image = require "support.image"
local lfs = require "lfs"
local program = require "support.program"
local registry = require "support.registry"
local scripts = require "support.scripts"
local served = require "support.served"
local tmp = require "support.tmp"
local token_server = require "support.token_server"

local PLATFORMS = { "linux/amd64", "linux/arm64" }

-- Pushes an index of two platforms, each with a layer of its own and what else is asked for.
local function push_index(reg, name, tag, content)
  local images = {}
  for i, text in ipairs(PLATFORMS) do
    local arch = text:match("/(.*)")
    images[i] = image.build { architecture = arch,
      layers = { { ["etc/arch"] = arch }, { ["etc/motd"] = content } } }
    images[i]:upload(reg, name, nil, { format = "oci" })
  end
  local index = image.index(images)
  image.put_manifest(reg, name, tag, index)
  return { images = images, index = index }
end

describe("hocker lock", function()
  local reg, app, one, dir

  lazy_setup(function()
    reg = registry.start()
    app = push_index(reg, "demo/app", "v1", "hello\n")
    one = image.build()
    one:upload(reg, "demo/one", "v1")
  end)
  lazy_teardown(function() reg:stop() end)
  before_each(function() dir = tmp.dir("lock") end)

  local function run(...)
    return program.run("hocker", { "lock", ... }, { cwd = dir })
  end

  local function check(...)
    local stdout, stderr = program.check("hocker", { "lock", ... }, { cwd = dir })
    assert.equal("", stderr)
    return stdout
  end

  -- Runs a command that has to fail, and returns its line and what it printed.
  local function fails(code, command, ...)
    local result = run(command, ...)
    assert.equal(code, result.code, result.stderr)
    return program.line(result, "hocker lock " .. command), result.stdout
  end

  local function text()
    return tmp.read(dir .. "/hocker.lock")
  end

  local function entry(name)
    return cjson.decode(text()).images[name]
  end

  local function at(name)
    return ("%s/demo/%s"):format(reg:host(), name)
  end

  -- Replaces a text of the lock, which has to be there.
  local function tamper(from, to)
    local bytes = text()
    local first, last = bytes:find(from, 1, true)
    assert(first, from)
    tmp.write(dir .. "/hocker.lock", bytes:sub(1, first - 1) .. to .. bytes:sub(last + 1))
  end

  -- What the registry is asked for while something is done.
  local function asked(action)
    local before = #reg:requests()
    action()
    local list = {}
    for i, request in ipairs(reg:requests()) do
      if i > before and request.path ~= "/v2/" then
        list[#list + 1] = request.method .. " " .. request.path
      end
    end
    table.sort(list)
    return list
  end

  describe("add", function()
    it("writes what the manifests of all platforms say, and fetches no more than these", function()
      local list = asked(function()
        assert.equal(("app: %s:v1@%s linux/amd64 linux/arm64\n"):format(at "app", app.index.digest),
          check("add", "app", at "app:v1"))
      end)
      assert.equal(3, #list)
      for _, request in ipairs(list) do assert.matches("^GET /v2/demo/app/manifests/", request) end
      local found = entry "app"
      assert.same({ digest = app.index.digest, size = #app.index.bytes,
        mediaType = app.index.media_type }, found.index)
      assert.equal(at "app:v1", found.reference)
      assert.equal("demo/app", found.repository)
      assert.equal(reg:url() .. "/v2/", found.registry)
      assert.is_nil(found.platforms)
      for i, name in ipairs(PLATFORMS) do
        local locked, img = found.manifests[name], app.images[i]
        assert.equal(img.oci.digest, locked.manifest.digest)
        assert.equal(#img.oci.bytes, locked.manifest.size)
        local doc = cjson.decode(img.oci.bytes)
        assert.same({ doc.config, doc.layers }, { locked.config, locked.layers })
      end
    end)

    it("writes a line a layer, and the same bytes again", function()
      check("add", "app", at "app:v1")
      local bytes, inode = text(), lfs.attributes(dir .. "/hocker.lock", "ino")
      assert.matches("\n}\n$", bytes)
      for _, img in ipairs(app.images) do
        for _, layer in ipairs(img.layers) do
          assert.matches('\n +{ "digest": "' .. layer.digest .. '", [^\n]*},?\n', bytes)
        end
      end
      check("add", "app", at "app:v1")
      check("update")
      assert.equal(bytes, text())
      assert.equal(inode, lfs.attributes(dir .. "/hocker.lock", "ino"))
      assert.same({ "hocker.lock" }, tmp.list(dir))
    end)

    it("is in the order of the names, whatever the order of adding", function()
      for _, name in ipairs { "b", "a", "c" } do check("add", name, at "one:v1") end
      local bytes = text()
      os.remove(dir .. "/hocker.lock")
      for _, name in ipairs { "c", "b", "a" } do
        check("add", name, "--registry", reg:url(), "demo/one", "v1")
      end
      assert.equal(bytes, text())
    end)

    it("takes the platforms that are asked for", function()
      check("add", "app", at "app:v1", "--platform", "aarch64")
      local found = entry "app"
      assert.same({ "linux/arm64" }, found.platforms)
      assert.is_nil(found.manifests["linux/amd64"])
      assert.equal(app.images[2].oci.digest, found.manifests["linux/arm64"].manifest.digest)
      assert.equal(app.index.digest, found.index.digest)
      check("add", "app", at "app:v1", "--platform=linux/arm64/v8", "--platform=amd64")
      assert.same(PLATFORMS, entry("app").platforms)
      fails(3, "add", "app", at "app:v1", "--platform", "linux/s390x")
      fails(2, "add", "app", at "app:v1", "--platform", "//")
      assert.same(PLATFORMS, entry("app").platforms)
    end)

    it("takes an image without an index for what it is said to be", function()
      local list = asked(function() check("add", "one", at "one:v1") end)
      assert.same({ "GET /v2/demo/one/manifests/v1" }, list)
      assert.equal(one.v2s2.digest, entry("one").manifests.any.manifest.digest)
      assert.is_nil(entry("one").index)
      check("add", "one", at "one:v1", "--platform", "s390x")
      assert.equal(one.v2s2.digest, entry("one").manifests["linux/s390x"].manifest.digest)
      assert.matches("of one platform", fails(2, "add", "one", at "one:v1", "--platform", "amd64",
        "--platform", "arm64"), 1, true)
    end)

    it("keeps a name for its image", function()
      check("add", "app", at "app:v1")
      local bytes = text()
      local line = fails(2, "add", "app", at "one:v1")
      assert.matches("'app' is " .. at "app:v1" .. " already", line, 1, true)
      assert.equal(bytes, text())
    end)

    for _, name in ipairs { "", "a.b", "a/b", "../a", "1a", "-", "let", "a'", "a b", "a${b}", 'a"',
      "\27[31m", ("a"):rep(129) } do
      it(("refuses the name %q, and writes nothing"):format(name), function()
        fails(2, "add", "--", name, at "one:v1")
        assert.same({}, tmp.list(dir))
      end)
    end

    it("writes nothing when there is no such image, or the file can't be written", function()
      fails(3, "add", "none", at "none:v1")
      fails(7, "add", "one", at "one:v1", "--file", dir .. "/none/hocker.lock")
      assert.same({}, tmp.list(dir))
    end)

    it("may be done by several at once", function()
      local children = {}
      for i = 1, 6 do
        children[i] = program.spawn("hocker", { "lock", "add", "one" .. i, at "one:v1" },
          { cwd = dir })
      end
      for _, child in ipairs(children) do assert.equal(0, child:wait().code) end
      for i = 1, 6 do assert.is_table(entry("one" .. i)) end
      assert.same({ "hocker.lock" }, tmp.list(dir))
    end)
  end)

  describe("of a tag that moves", function()
    local before, after

    lazy_setup(function()
      before = push_index(reg, "demo/moving", "v1", "before\n")
      after = push_index(reg, "demo/moving", "v1", "after, and longer\n")
    end)
    before_each(function()
      image.put_manifest(reg, "demo/moving", "v1", before.index)
      check("add", "moving", at "moving:v1")
      check("add", "one", at "one:v1")
      check("add", "pinned", at "moving@" .. before.index.digest, "--platform", "amd64")
      image.put_manifest(reg, "demo/moving", "v1", after.index)
    end)

    local function expected_lines()
      local lines = { ("%s:v1 is now %s, and was %s"):format(at "moving", after.index.digest,
        before.index.digest) }
      for i, name in ipairs(PLATFORMS) do
        local old, new = before.images[i], after.images[i]
        lines[#lines + 1] = ("%s: 1 layer added, 1 removed, %d bytes to fetch"):format(name,
          new.layers[2].size + new.config.size)
        lines[#lines + 1] = ("%s: + %s %d"):format(name, new.layers[2].digest, new.layers[2].size)
        lines[#lines + 1] = ("%s: - %s %d"):format(name, old.layers[2].digest, old.layers[2].size)
      end
      return "moving: " .. table.concat(lines, "\nmoving: ") .. "\n"
    end

    it("outdated tells what changed, and changes nothing", function()
      local bytes = text()
      local line, stdout = fails(1, "outdated")
      assert.equal(expected_lines(), stdout)
      assert.matches("1 of 2 tags moved", line, 1, true)
      assert.equal(bytes, text())
      assert.equal("", check("outdated", "one", "pinned"))
    end)

    it("update takes what is there now, and leaves the rest alone", function()
      local one_before, pinned = entry "one", entry "pinned"
      assert.equal("", check("update", "one"))
      assert.equal(before.index.digest, entry("moving").index.digest)
      assert.equal(expected_lines(), check("update"))
      assert.equal(after.index.digest, entry("moving").index.digest)
      assert.equal(after.images[2].oci.digest,
        entry("moving").manifests["linux/arm64"].manifest.digest)
      assert.same({ one_before, pinned }, { entry "one", entry "pinned" })
      local bytes = text()
      assert.equal("", check("update"))
      assert.equal("", check("outdated"))
      assert.equal(bytes, text())
    end)

    it("a tag that has not moved is asked for its digest alone, and a digest not at all", function()
      local list = asked(function() check("update", "one", "pinned") end)
      assert.same({ "HEAD /v2/demo/one/manifests/v1" }, list)
    end)

    it("nothing else may have changed for what is locked", function()
      check("add", "part", at "moving:v1", "--platform", "amd64")
      image.put_manifest(reg, "demo/moving", "v1", image.index { after.images[1] })
      assert.matches("\npart: nothing else, for its platforms\n",
        select(2, fails(1, "outdated")), 1, true)
    end)

    it("platforms that come and go are told", function()
      local new = image.build { architecture = "s390x" }
      new:upload(reg, "demo/moving", nil, { format = "oci" })
      image.put_manifest(reg, "demo/moving", "v1", image.index { before.images[1], new })
      local stdout = check("update", "moving")
      assert.not_matches("linux/amd64: ", stdout)
      assert.matches("moving: linux/arm64: gone, 0 layers added, 2 removed, 0 bytes", stdout, 1,
        true)
      assert.matches("moving: linux/s390x: new, 1 layer added, 0 removed, ", stdout, 1, true)
      check("verify")
    end)

    it("one that can't be asked does not hide the others, and nothing is updated", function()
      check("add", "away", at "one:v1")
      tamper('one:v1', 'one:v0')
      local bytes = text()
      local line, stdout = fails(3, "outdated")
      assert.matches("demo/one:v0: ", line, 1, true)
      assert.equal(expected_lines(), stdout)
      fails(3, "update")
      assert.equal(bytes, text())
    end)
  end)

  describe("verify", function()
    before_each(function()
      check("add", "app", at "app:v1")
      check("add", "one", at "one:v1", "--platform", "amd64")
    end)

    it("fetches the manifests by digest, and finds them as locked", function()
      local list = asked(function()
        assert.equal("app: verified\none: verified\n", check("verify"))
      end)
      assert.equal(4, #list)
      for _, request in ipairs(list) do assert.matches("^GET .*/manifests/sha256:%x+$", request) end
      assert.equal("one: verified\n", check("verify", "one", "one"))
    end)

    -- what is in the lock, what comes in its place, and what is said
    local other = "sha256:" .. ("0"):rep(64)
    local function layer() return app.images[1].layers[2] end
    local faults = {
      ["a layer's digest"] = { function() return layer().digest, other end,
        "app: manifests.linux/amd64.layers[2].digest: the lock has " .. other },
      ["a layer's size"] = { function() return layer().digest .. '", "mediaType": "application/' ..
        'vnd.oci.image.layer.v1.tar+gzip", "size": ' .. layer().size, layer().digest ..
        '", "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "size": 1' end,
        "app: manifests.linux/amd64.layers[2].size: the lock has 1, the registry " },
      ["a configuration's digest"] = { function() return one.config.digest, other end,
        "one: manifests.linux/amd64.config.digest: the lock has " .. other },
      ["a media type"] = { function() return "tar+gzip", "tar+zstd" end,
        "layers[1].mediaType: the lock has application/vnd.oci.image.layer.v1.tar+zstd" },
      ["a manifest's digest"] = { function() return app.images[2].oci.digest, other end,
        "app: manifests.linux/arm64.manifest.digest: the lock has " .. other },
      ["an index's size"] = { function() return '"size": ' .. #app.index.bytes, '"size": 7' end,
        "app: index.size: the lock has 7, the registry " .. "" },
      ["a layer too many"] = { function()
        local line = text():match('\n( +{ "digest": "' .. layer().digest .. '"[^\n]*)')
        return line, line .. ",\n" .. line
      end, "app: manifests.linux/amd64.layers[3]: the lock has one, the registry none" },
      ["a platform's name"] = { function() return "linux/arm64", "linux/ppc64le" end,
        "app: manifests.linux/ppc64le: the lock has one, the registry none" },
    }
    for what, fault in pairs(faults) do
      it("finds out " .. what, function()
        tamper(fault[1]())
        local line, stdout = fails(5, "verify")
        assert.matches(fault[2], stdout, 1, true)
        assert.matches("1 of 2 images are not as the lock says", line, 1, true)
      end)
    end

    it("finds out what the registry lacks", function()
      tamper(app.index.digest, other)
      local _, stdout = fails(5, "verify")
      assert.matches("^app: " .. at "app:v1@" .. other .. ": [^\n]*HTTP 404[^\n]*\n"
        .. "one: verified\n$", stdout)
    end)

    it("goes on where one can't be asked", function()
      check("add", "last", at "one:v1")
      tamper(reg:url() .. "/v2/", "http://127.0.0.1:1/v2/")
      tamper(at "app:v1", "127.0.0.1:1/demo/app:v1")
      local line, stdout = fails(6, "verify", "--retries", "0")
      assert.matches("127.0.0.1:1/demo/app:v1@", line, 1, true)
      assert.equal("last: verified\none: verified\n", stdout)
    end)
  end)

  describe("list and remove", function()
    it("print, and take out", function()
      check("add", "b", at "one:v1")
      check("add", "a", at "app@" .. app.index.digest)
      assert.equal(("a: %s@%s linux/amd64 linux/arm64\nb: %s:v1@%s any\n"):format(at "app",
        app.index.digest, at "one", one.v2s2.digest), check "list")
      local bytes = text()
      assert.matches("no image 'c'", fails(3, "remove", "a", "c"), 1, true)
      assert.equal(bytes, text())
      check("remove", "a", "b")
      assert.equal('{\n  "images": {},\n  "version": 1\n}\n', text())
      assert.equal("", check "list" .. check "update" .. check "outdated" .. check "verify")
    end)

    it("take a file by another name, and a link for its target", function()
      local target = dir .. "/sub.lock"
      check("add", "a", at "one:v1", "--file", target)
      assert(lfs.link("sub.lock", dir .. "/hocker.lock", true))
      check("add", "b", at "one:v1")
      assert.equal("link", lfs.symlinkattributes(dir .. "/hocker.lock", "mode"))
      assert.equal(check("list"), check("list", "--file", "sub.lock"))
      assert.matches("^a: .*\nb: ", check "list")
    end)
  end)

  describe("a file that is no lock", function()
    local bad = {
      ["empty"] = { "", 5, "not valid JSON" },
      ["a merge's leftovers"] = { "{\n<<<<<<< HEAD\n", 5, "not valid JSON" },
      ["of another version"] = { '{"images":{},"version":2}', 1, "a newer one is needed" },
      ["of no version"] = { '{"images":{}}', 5, "there is none: no lock" },
      ["too large"] = { (" "):rep((16 << 20) + 1), 8, "more than 16 MiB" },
    }
    for what, case in pairs(bad) do
      it("is refused and left alone: " .. what, function()
        tmp.write(dir .. "/hocker.lock", case[1])
        for _, words in ipairs { { "add", "x", at "one:v1" }, { "update" }, { "outdated" },
          { "verify" }, { "list" }, { "remove", "x" } } do
          local line, stdout = fails(case[2], table.unpack(words))
          assert.matches("hocker.lock: ", line, 1, true)
          assert.matches(case[3], line, 1, true)
          assert.equal("", stdout)
        end
        assert.equal(case[1], text())
      end)
    end

    it("is made by add alone", function()
      for _, words in ipairs { { "update" }, { "outdated" }, { "verify" }, { "list" },
        { "remove", "x" } } do
        assert.matches("hocker lock add makes it", fails(7, table.unpack(words)), 1, true)
      end
      assert.same({}, tmp.list(dir))
    end)
  end)

  it("keeps credentials out of the lock", function()
    local tokens = token_server.start { users = { alice = "s3cret" }, anonymous = false }
    local private = registry.start { auth = "token", token = tokens }
    finally(function()
      private:stop()
      tokens:stop()
    end)
    one:push(private, "demo/app", "v1", { user = "alice:s3cret" })
    local name, login = private:host() .. "/demo/app:v1", { "-u", "alice", "-p", "s3cret" }
    fails(4, "add", "app", name)
    check("add", "app", name, table.unpack(login))
    assert.not_matches("s3cret", text())
    assert.not_matches("alice", text())
    image.build({ layers = { { ["new"] = "new" } } }):push(private, "demo/app", "v1",
      { user = "alice:s3cret" })
    fails(4, "outdated")
    local line = fails(1, "outdated", table.unpack(login))
    assert.matches("1 of 1 tags moved", line, 1, true)
    check("update", table.unpack(login))
    check("verify", table.unpack(login))
    fails(2, "add", "app", "--registry", "http://alice:s3cret@127.0.0.1:1", "demo/app", "v1")
    assert.not_matches("alice", text())
  end)

  it("has options in a configuration, but for what is said anew each time", function()
    check("add", "one", at "one:v1")
    local function list(options)
      local folder = scripts.folder { ["config.lua"] = ("return { commands = { lock = %s } }")
        :format(options) }
      return program.run("hocker", { "lock", "list" },
        { cwd = dir, env = { HOCKER_PATH = folder } })
    end
    assert.equal(0, list("{ retries = 1 }").code) -- an option, though not of list
    for _, options in ipairs { '{ file = "x" }', '{ platform = "arm64" }', "{ no_such = 1 }" } do
      local result = list(options)
      assert.equal(2, result.code)
      program.line(result, "hocker lock list")
    end
  end)

  describe("of a registry that", function()
    local server

    lazy_setup(function() server = faulty.start {} end)
    lazy_teardown(function() server:stop() end)

    -- what is said to HEAD
    local heads = {
      ["refuses HEAD"] = { status = 405 },
      ["tells no digest"] = { status = 200 },
      ["tells none that is one"] = { headers = { ["Docker-Content-Digest"] = "sha256:../../x" } },
      ["tells another one"] = { headers = {
        ["Docker-Content-Digest"] = "sha256:" .. ("0"):rep(64) } },
    }
    for what, reply in pairs(heads) do
      it(what .. " is asked for the document", function()
        local routes = served.routes(one)
        routes["HEAD " .. served.manifest()] = reply
        server:set(routes)
        check("add", "one", "--registry", server:url(), "demo/app", "v1")
        server:forget()
        assert.equal("", check("outdated"))
        assert.equal(2, #server:requests())
        local changed = served.changed(one.oci, { ["schemaVersion"] = "schemaVersion" })
        changed.bytes = changed.bytes .. "\n"
        routes[served.manifest()] = served.document(changed)
        server:set(routes)
        fails(1, "outdated", "--retries", "0")
      end)
    end
  end)
end)
