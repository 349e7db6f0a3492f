--- Blobs in pieces, and files in layers as they stream by.

require "support.helper"
local core = require "hocker.core"
local faulty = require "support.faulty"
local hocker = require "hocker"
local image = require "support.image"
local process = require "support.process"
local program = require "support.program"
local reference = require "hocker.reference"
local registry = require "hocker.registry"
local registries = require "support.registry"
local session = require "hocker.session"
local tmp = require "support.tmp"

local function open(uri, name, more)
  local opts = more or {}
  opts.session = assert(session.new { retries = 0 })
  opts.ref = assert(reference.parse({ name }, { registry = uri }))
  return registry.new(opts)
end

-- Reads all and returns it, or nil and what was raised.
local function collect(repository, descriptor, opts)
  local parts = {}
  local ok, err = pcall(function()
    for chunk in repository:chunks(descriptor, opts) do parts[#parts + 1] = chunk end
  end)
  if ok then return table.concat(parts), parts end
  return nil, err
end

describe("content", function()
  local reg, img, repository, layers

  setup(function()
    reg = registries.start()
    img = image.build { layers = { { random = 3000000 }, { ["etc/motd"] = "hello\n" } } }
    img:push(reg, "demo/app", "v1")
    repository = open(reg:url(), "demo/app:v1")
    layers = assert(repository:image()).manifest.layers
  end)
  teardown(function()
    repository.session:close()
    reg:stop()
  end)

  it("comes in pieces, as it is stored or inflated", function()
    local bytes, parts = collect(repository, layers[1])
    assert.equal(layers[1].digest, core.digest.of(bytes))
    assert.is_true(#parts > 3)
    local content = collect(repository, layers[1], { inflate = true,
      diff_id = img.layers[1].diff_id })
    assert.equal(tmp.read(img.layers[1].tar), content)
  end)

  it("is read while other tasks go on", function()
    local got = {}
    assert(repository.session:run {
      function() got[1] = collect(repository, layers[1]); return true end,
      function() got[2] = collect(repository, layers[1]); return true end,
      function() got[3] = collect(repository, layers[2], { inflate = true }); return true end,
    })
    assert.equal(got[1], got[2])
    assert.equal(layers[1].digest, core.digest.of(got[1]))
    assert.equal(tmp.read(img.layers[2].tar), got[3])
  end)

  it("stops where the loop is left", function()
    local pieces = 0
    for _ in repository:chunks(layers[1]) do
      pieces = pieces + 1
      if pieces == 2 then break end
    end
    assert.equal(0, repository.session.core:active())
    assert.equal("hello\n", (function()
      for entry in repository:entries(layers[2], img.layers[2].diff_id) do
        if entry.path == "etc/motd" then return entry:read() end
      end
    end)())
    assert.equal(0, repository.session.core:active())
  end)

  -- Reads all blobs a piece each in turn, as a script that merges them does, and returns their digests.
  local function in_turns(readers)
    local hashes, open_ones = {}, #readers
    for i = 1, #readers do hashes[i] = hocker.digest.new() end
    while open_ones > 0 do
      for i, reader in ipairs(readers) do
        local chunk = reader and reader()
        if chunk then hashes[i]:update(chunk)
        elseif reader then readers[i], open_ones = false, open_ones - 1 end
      end
    end
    for i, hash in ipairs(hashes) do hashes[i] = hash:final() end
    return hashes
  end

  it("is read by turns, of more blobs than there are connections", function()
    local readers, digests = {}, {}
    for i = 1, 10 do readers[i], digests[i] = repository:chunks(layers[1]), layers[1].digest end
    assert.same(digests, in_turns(readers))
    local in_task
    assert(repository.session:run { function()
      readers = {}
      for i = 1, 10 do readers[i] = repository:chunks(layers[1]) end
      in_task = in_turns(readers)
      return true
    end })
    assert.same(digests, in_task)
  end)

  it("is garbage where nobody reads on", function()
    for _ = 1, 12 do
      local next_chunk = repository:chunks(layers[1])
      assert.is_string(next_chunk())
    end
    assert(repository.session:run { function()
      local next_entry = repository:entries(layers[1])
      return next_entry() and true
    end })
    assert.is_true(repository.session.core:active() < 10)
    collectgarbage()
    assert.equal(0, repository.session.core:active())
    assert.is_nil(next(repository.session.tasks))
  end)

  it("is whole in memory, up to a limit", function()
    assert.equal(tmp.read(img.layers[2].file), repository:read(layers[2]))
    local bytes, err = repository:read(layers[1], 1000)
    assert.is_nil(bytes)
    assert.equal("refused", err.code)
    assert.is_string(repository:read(layers[2], layers[2].size))
  end)

  it("raises, where it was called, for what is no descriptor", function()
    for _, call in ipairs { function() repository:read(layers[1].digest) end,
      function() repository:read(nil) end, function() repository:chunks {} end,
      function() repository:entries(nil) end } do
      local ok, raised = pcall(call)
      assert.is_false(ok)
      assert.matches("^%S*content_spec.lua:%d+: a descriptor is a table with a digest", raised)
    end
  end)

  it("may be in its descriptor", function()
    local bytes = tmp.read(img.layers[2].file)
    local descriptor = { digest = layers[2].digest, size = #bytes, content = bytes }
    assert.equal(bytes, collect(repository, descriptor))
    assert.equal(tmp.read(img.layers[2].tar), collect(repository, descriptor, { inflate = true }))
  end)

  it("raises when its content is not the configuration's", function()
    local content, err = collect(repository, layers[1],
      { inflate = true, diff_id = core.digest.of("other") })
    assert.is_nil(content)
    assert.equal("verification", err.code)
    content, err = collect(repository, layers[1], { inflate = true, max = 100000 })
    assert.is_nil(content)
    assert.equal("verification", err.code)
    content, err = collect(repository, { digest = core.digest.of("nothing"), size = 7 })
    assert.is_nil(content)
    assert.equal("not_found", err.code)
  end)

  it("raises an error that goes through a task", function()
    local ok, err = pcall(repository.session.run, repository.session, { function()
      for _ in repository:chunks { digest = core.digest.of("nothing"), size = 7 } do end
      return true
    end })
    assert.is_false(ok)
    assert.equal("not_found", err.code)
  end)

  it("takes little memory, whatever it inflates to", function()
    local root = tmp.dir("zeros")
    process.check { "truncate", "-s", "200M", root .. "/zeros" }
    image.build { layers = { image.layer(image.tar(root), { "gzip", "-1nc" }) } }
      :push(reg, "demo/zeros", "v1")
    local script = [[
      local repository = assert(require("hocker").open(arg[1]))
      local bytes = 0
      for entry in repository:entries(assert(repository:image()).manifest.layers[1]) do
        for chunk in entry:chunks() do bytes = bytes + #chunk end
      end
      print(bytes, io.open("/proc/self/status"):read("a"):match("VmHWM:%s*(%d+) kB"))]]
    local bytes, peak = program.check("hocker", { "run", "-", reg:host() .. "/demo/zeros:v1" },
      { stdin = script }):match("^(%d+)\t(%d+)\n$")
    assert.equal(200 << 20, tonumber(bytes))
    local most = program.sanitized and 4 << 20 or 48 << 10 -- KiB; a sanitizer takes memory of its own
    assert.is_true(tonumber(peak) < most, peak)
  end)

  describe("of a server that lies", function()
    local server, blob, path
    setup(function()
      blob = tmp.read(img.layers[1].file)
      path = "/v2/team/app/blobs/" .. img.layers[1].digest
      server = faulty.start {}
    end)

    local function descriptor() return { digest = img.layers[1].digest, size = #blob } end

    it("is an error, whatever was read before", function()
      for _, reply in ipairs { { flip = 2999999 }, { truncate = 2000000 } } do
        reply.file = img.layers[1].file
        server:set { [path] = reply }
        local lying = open(server:url(), "team/app:v1")
        local bytes, err = collect(lying, descriptor())
        assert.is_nil(bytes)
        assert.matches("^[vn]", err.code)
      end
    end)

    it("is not begun anew when part of it was handed out", function()
      server:set { [path] = { file = img.layers[1].file, flip = 2999999 } }
      local ref = assert(reference.parse { "team/app:v1" })
      local lying = open(reg:url(), "demo/app:v1", { mirrors = {
        { ref = assert(reference.at_mirror(ref, server:url())) } } })
      local bytes, err = collect(lying, descriptor())
      assert.is_nil(bytes)
      assert.matches("a part of it was read already", err.message, 1, true)
    end)

    it("is had from elsewhere before that", function()
      server:set { [path] = { status = 500 } }
      local ref = assert(reference.parse { "team/app:v1" })
      local other = open(reg:url(), "demo/app:v1", { mirrors = {
        { ref = assert(reference.at_mirror(ref, server:url())) } } })
      assert.equal(blob, (collect(other, descriptor())))
    end)
  end)
end)

describe("hocker.open", function()
  it("refuses options that there are not", function()
    assert.has_error(function() hocker.open("debian:12", { nonsense = 1 }) end,
      "unknown option 'nonsense'")
    local none, err = hocker.open("Debian")
    assert.is_nil(none)
    assert.equal("usage", err.code)
  end)

  it("takes options as a configuration says them", function()
    for _, opts in ipairs { { jobs = "many" }, { jobs = 0 }, { retries = -1 }, { retries = {} },
      { insecure = "no" }, { platform = {} }, { mirror = { {} } }, { connect_timeout = "soon" },
      { username = false } } do
      local none, err = hocker.open("debian:12", opts)
      assert.is_nil(none)
      assert.equal("usage", err.code)
      assert.matches("^" .. next(opts) .. ": ", err.message)
    end
    local one = assert(hocker.open("debian:12", { mirror = "https://mirror.example", jobs = "4" }))
    assert.equal("mirror.example", one.mirrors[1].ref.host)
    local none, err = hocker.open("debian:12", { policy = "allow:digests" })
    assert.is_nil(none)
    assert.equal("refused", err.code)
  end)

  it("raises for a name that is none", function()
    for _, call in ipairs { function() hocker.open(nil) end, function() hocker.open {} end,
      function() hocker.open_all { "debian:12", 12 } end } do
      local ok, raised = pcall(call)
      assert.is_false(ok)
      assert.matches("content_spec.lua:%d+: an image's name is a string, not ", raised)
    end
    assert.has_error(function() hocker.open_all "debian:12" end,
      "a list of images' names is needed")
  end)

  it("knows the platform that is asked for", function()
    local repository = assert(hocker.open("debian:12", { platform = "linux/arm64" }))
    assert.same({ "linux", "arm64" }, { repository.platform.os, repository.platform.architecture })
    assert.equal("docker.io/library/debian", repository.ref.name)
    local list = assert(hocker.open_all { "debian:12", "alpine:3" })
    assert.equal(list[1].session, list[2].session)
  end)
end)
