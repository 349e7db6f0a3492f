local certs = require "support.certs"
local faulty = require "support.faulty"
local image = require "support.image"
local port = require "support.port"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local served = require "support.served"
local tmp = require "support.tmp"

local function base64(text)
  return process.check({ "base64", "-w0" }, { stdin = text })
end

local function words(reg, mirrors, ...)
  local list = { "--registry", reg:url(), "demo/app", "v1" }
  for _, mirror in ipairs(mirrors) do
    list[#list + 1] = "--mirror"
    list[#list + 1] = type(mirror) == "string" and mirror or mirror:url()
  end
  return table.move({ ... }, 1, select("#", ...), #list + 1, list)
end

-- What was asked of a server, but for pings, in the order of the words.
local function paths(server)
  local list = {}
  for _, request in ipairs(server:requests()) do
    if request.path ~= "/v2/" then list[#list + 1] = request.path end
  end
  table.sort(list)
  return list
end

local function all_paths(img)
  local list = { served.manifest(), served.blob(img.config) }
  for _, layer in ipairs(img.layers) do list[#list + 1] = served.blob(layer) end
  table.sort(list)
  return list
end

describe("--mirror", function()
  local img, origin, mirror
  local dead = ("http://127.0.0.1:%d"):format(port.free())

  lazy_setup(function()
    img = image.build()
    origin = faulty.start {}
    mirror = faulty.start {}
  end)
  lazy_teardown(function()
    mirror:stop()
    origin:stop()
  end)
  before_each(function()
    for _, server in ipairs { origin, mirror } do
      server:set(served.routes(img))
      server:forget()
    end
  end)

  local function fetch(mirrors, ...)
    local out = tmp.path("image.tar")
    local _, stderr = program.check("hocker-image", words(origin, mirrors, "--out", out, ...))
    return tmp.read(out), stderr
  end

  local function expected(...)
    local bytes = fetch({}, ...)
    origin:forget()
    return bytes
  end

  it("is asked for everything, and the registry for nothing", function()
    local want = expected("--layers", "compressed")
    assert.equal(want, (fetch({ mirror }, "--layers", "compressed")))
    assert.same({}, origin:requests())
    assert.same(all_paths(img), paths(mirror))
    for _, request in ipairs(mirror:requests()) do
      assert.equal("ns=127.0.0.1%3A" .. origin.port, (request.target:match("%?(.*)$")))
    end
  end)

  it("is passed over when it is not there, or has nothing", function()
    local want = expected()
    mirror:set {}
    local got, stderr = fetch({ dead, mirror })
    assert.equal(want, got)
    assert.not_matches("passed over", stderr)
    got, stderr = fetch({ dead, mirror }, "-v")
    assert.equal(want, got)
    assert.matches("mirror 127.0.0.1:%d+ passed over: ", stderr)
  end)

  it("is passed over when it fails, for that alone", function()
    local want = expected("--layers", "compressed")
    local routes = served.routes(img)
    routes[served.blob(img.config)] = { status = 500 }
    mirror:set(routes)
    assert.equal(want, (fetch({ mirror }, "--layers", "compressed")))
    assert.same({ served.blob(img.config) }, paths(origin))
  end)

  it("leaves a registry of this machine to be found out when blobs need it", function()
    local want = expected()
    local routes = served.routes(img)
    for _, layer in ipairs(img.layers) do routes[served.blob(layer)] = nil end
    mirror:set(routes)
    local out = tmp.path("image.tar")
    program.check("hocker-image", { "--mirror", mirror:url(), "--out", out,
      "--repo-tag", origin:host() .. "/demo/app:v1", origin:host() .. "/demo/app:v1" })
    local list = { process.check { "tar", "-tf", out }, process.check { "tar", "-tf",
      tmp.file(want) } }
    assert.equal(list[2], list[1])
  end)

  it("is tried in order", function()
    local second = faulty.start { routes = served.routes(img) }
    finally(function() second:stop() end)
    mirror:set {}
    assert.equal(img.oci.bytes, program.check("hocker-manifest", words(origin, { mirror, second })))
    assert.equal(1, #mirror:requests())
    assert.equal(1, #second:requests())
    assert.same({}, origin:requests())
  end)

  -- What a mirror may do to a layer's bytes.
  local lies = {
    ["wrong bytes"] = { flip = 100 },
    ["too few bytes"] = { truncate = 1000 },
    ["other bytes, and more of them"] = { body = ("x"):rep(1 << 20) },
  }
  local forms = {
    ["docker-archive"] = {}, ["docker-archive, compressed"] = { "--layers", "compressed" },
    ["oci-archive"] = { "--format", "oci-archive" },
  }

  for what, lie in pairs(lies) do
    for form, more in pairs(forms) do
      it(("is not believed: %s, %s"):format(what, form), function()
        local want = expected(table.unpack(more))
        local routes = served.routes(img)
        for _, layer in ipairs(img.layers) do
          local reply = { file = layer.file, range = lie.flip and true or nil }
          for key, value in pairs(lie) do reply[key] = value end
          if reply.body then reply.file = nil end
          routes[served.blob(layer)] = reply
        end
        mirror:set(routes)
        assert.equal(want, (fetch({ mirror }, table.unpack(more))))
      end)
    end
  end

  it("that lies is warned of", function()
    local routes = served.routes(img)
    routes[served.blob(img.layers[1])].flip = 100
    mirror:set(routes)
    local _, stderr = fetch({ mirror }, "--layers", "compressed")
    assert.matches("mirror 127.0.0.1:%d+ passed over: layer " .. img.layers[1].digest, stderr)
  end)

  it("that lies spoils no directory, stream, layer, configuration or manifest", function()
    local layer = img.layers[1]
    local routes = served.routes(img)
    routes[served.blob(layer)].flip = 100
    routes[served.blob(img.config)].flip = 10
    routes[served.manifest()] = { body = img.oci.bytes, flip = 10, headers = {
      ["Content-Type"] = img.oci.media_type, ["Docker-Content-Digest"] = img.oci.digest } }
    mirror:set(routes)
    local opts = words(origin, { mirror })
    assert.equal(img.oci.bytes, program.check("hocker-manifest", opts))
    assert.equal(img.config.bytes, program.check("hocker-config", opts))
    assert.equal(tmp.read(layer.file), program.check("hocker-layer",
      words(origin, { mirror }, "--layer", layer.digest:sub(8), "--out", "-")))
    local dir = tmp.path("layout")
    program.check("hocker-image", words(origin, { mirror }, "--format", "oci", "--out", dir))
    assert.equal(tmp.read(layer.file), tmp.read(dir .. "/blobs/sha256/" .. layer.digest:sub(8)))
    assert.equal(expected("--layers", "compressed"), program.check("hocker-image",
      words(origin, { mirror }, "--layers", "compressed", "--out", "-")))
  end)

  it("gives way to the registry's error when all fail", function()
    origin:set {}
    mirror:set {}
    local line = program.refuses(3, "hocker-manifest", words(origin, { mirror }))
    assert.matches("demo/app:v1: ", line, 1, true)
  end)

  it("must be a registry's URI", function()
    local line = program.refuses(2, "hocker-manifest", words(origin, { "mirror.example" }))
    assert.matches("--mirror 'mirror.example' has no scheme", line, 1, true)
  end)

  describe("with credentials", function()
    local ca = certs.shared()
    local ORIGIN = "Basic " .. base64("alice:of-origin")
    local MIRROR = "Basic " .. base64("bob:of-mirror")
    local reg, near

    lazy_setup(function()
      local function guarded(header)
        local routes = served.routes(img)
        for key, reply in pairs(routes) do
          reply.when = { authorization = "^" .. header:gsub("%W", "%%%0") .. "$" }
          routes[key] = { reply, { status = 401,
            headers = { ["WWW-Authenticate"] = 'Basic realm="x"' } } }
        end
        return routes
      end
      reg = faulty.start { tls = ca:server(), routes = guarded(ORIGIN) }
      near = faulty.start { tls = ca:server(), routes = guarded(MIRROR) }
    end)
    lazy_teardown(function()
      near:stop()
      reg:stop()
    end)
    before_each(function()
      reg:forget()
      near:forget()
    end)

    local function seen(server)
      local set = {}
      for _, request in ipairs(server:requests()) do
        set[#set + 1] = request.headers.authorization
      end
      return set
    end

    local function check_own(...)
      local out = program.check("hocker-manifest", words(reg, { near }, "--cacert", ca.cert, ...))
      assert.equal(img.oci.bytes, out)
    end

    it("of the registry, sends the mirror none", function()
      check_own("-u", "alice", "-p", "of-origin")
      assert.is_true(#near:requests() > 0)
      assert.same({}, seen(near))
      assert.same({ ORIGIN }, seen(reg))
    end)

    it("of the environment, sends the mirror none", function()
      local out = program.check("hocker-manifest", words(reg, { near }, "--cacert", ca.cert),
        { env = { NIX_BUILD_TOP = "/build", DOCKER_USER = "alice", DOCKER_PASS = "of-origin" } })
      assert.equal(img.oci.bytes, out)
      assert.same({}, seen(near))
      assert.same({ ORIGIN }, seen(reg))
    end)

    it("of its own, sends these, and only to it", function()
      local path = tmp.file(('{"auths":{"%s":{"auth":"%s"},"%s":{"auth":"%s"}}}'):format(
        reg:host(), ORIGIN:sub(7), near:host(), MIRROR:sub(7)))
      check_own("--authfile", path)
      assert.same({ MIRROR }, seen(near))
      assert.same({}, reg:requests())
    end)
  end)

  it("may keep the images below a path of its own, as the projects of a cache do", function()
    local reg = registry.start()
    finally(function() reg:stop() end)
    local pushed = img:push(reg, "hub-cache/demo/app", "v1")
    local out = tmp.path("image.tar")
    program.check("hocker-image", words(origin, { reg:url() .. "/v2/hub-cache" }, "--out", out))
    assert.is_true(tmp.exists(out))
    assert.equal(pushed.bytes, program.check("hocker-manifest",
      words(origin, { reg:url() .. "/v2/hub-cache/" })))
    assert.same({}, origin:requests())
    assert.equal(pushed.bytes, program.check("hocker-manifest",
      { "--registry", reg:url() .. "/v2/hub-cache/demo", "app", "v1" }))
  end)

  it("may be docker-registry as a proxy", function()
    local reg = registry.start()
    local pushed = image.build():push(reg, "demo/app", "v1")
    local cache = registry.start { proxy = reg:url() }
    finally(function()
      cache:stop()
      reg:stop()
    end)
    for _ = 1, 2 do
      local out = tmp.path("image.tar")
      program.check("hocker-image", words(reg, { cache }, "--out", out))
      assert.is_true(tmp.exists(out))
    end
    assert.equal(pushed.bytes, program.check("hocker-manifest", words(reg, { cache })))
    for _, request in ipairs(reg:requests()) do
      assert.not_matches("^hocker/", request.agent)
    end
    local asked = 0
    for _, request in ipairs(cache:requests()) do
      if request.agent:find("^hocker/") then
        asked = asked + 1
        assert.is_true(request.status < 300)
      end
    end
    assert.is_true(asked >= 7)
  end)
end)
