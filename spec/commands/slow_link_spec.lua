local certs = require "support.certs"
local faulty = require "support.faulty"
local image = require "support.image"
local nginx = require "support.nginx"
local program = require "support.program"
local registry = require "support.registry"
local served = require "support.served"
local tmp = require "support.tmp"
local token_server = require "support.token_server"

local ca = certs.shared()

local RATE <const> = 1500000 -- bytes a second that a connection gets
local PROBE <const> = { range = "^bytes=(%d+)%-%1$" }
local PART <const> = { range = "^bytes=%d+%-%d+$" }

-- What was asked for of a layer: the whole, one byte, or a part; by the statuses of the answers.
local function count(requests, path)
  local counts = { whole = 0, probe = 0, part = 0, rest = 0, refused = 0 }
  for _, request in ipairs(requests) do
    local range = request.path == path and (request.range or "")
    local kind = range and (range == "" and "whole" or range:find(PROBE.range) and "probe"
      or range:find(PART.range) and "part" or "rest")
    if kind and request.status ~= 401 then
      if request.status >= 400 then kind = "refused" end
      counts[kind] = counts[kind] + 1
    end
  end
  return counts
end

local function fetch(name, ...)
  local out = tmp.path(name .. ".tar")
  local words = { "demo/app", "v1", "--cacert", ca.cert, "--layers", "compressed", "--out", out }
  return out, table.move({ ... }, 1, select("#", ...), #words + 1, words)
end

-- Fetches the image from all of them at the same time: most of it is waiting.
local function fetch_all(places)
  local running, files = {}, {}
  for name, words in pairs(places) do
    local out, all = fetch(name, table.unpack(words))
    running[name], files[name] = program.spawn("hocker-image", all), out
  end
  for name, child in pairs(running) do
    local result = child:wait(60)
    assert.equal(0, result.code, name .. ": " .. result.stderr)
    files[name] = tmp.read(files[name])
  end
  return files
end

describe("a link that gives each connection little", function()
  local img, reg, private, tokens, want, files
  local fronts, target = {}, nil

  -- nginx before the registry, whose bodies come slowly.
  local function front(opts)
    opts.server = ("limit_rate %d; %s"):format(RATE, opts.server or "")
    return nginx.start(opts)
  end

  local function start_fronts()
    local to, zone = reg:url(), "limit_conn_zone $server_port zone=all:1m;"
    fronts.plain = front { to = to }
    fronts.http2 = front { to = to, tls = ca:server() }
    fronts.basic = front { to = to, users = { alice = "secret" } }
    fronts.token = front { to = private:url() }
    fronts.ignoring = front { server = ([[location / { proxy_pass %s; proxy_http_version 1.1;
      proxy_set_header Host $http_host; proxy_set_header Range ""; }]]):format(to) }
    fronts.one = front { to = to, http = zone, server = "limit_conn all 1;" }
    fronts.two = front { to = to, http = zone, server = "limit_conn all 2;" }
    target = front { to = to }
    fronts.elsewhere = front { to = to, server = ([[location ~ /blobs/ { return 307
      %s$request_uri; }]]):format(target:url("localhost")) }
  end

  lazy_setup(function()
    img = image.build { layers = { { random = 4000000 } } }
    tokens = token_server.start { users = { alice = "secret" }, private = { "^demo/" } }
    reg = registry.start()
    private = registry.start { auth = "token", token = tokens }
    img:push(reg, "demo/app", "v1")
    img:push(private, "demo/app", "v1", { user = "alice:secret" })
    start_fronts()
    local out, words = fetch("direct", "--registry", reg:url(), "--repo-tag", "demo/app:v1")
    program.check("hocker-image", words)
    want = tmp.read(out)
    local places = {}
    for name, server in pairs(fronts) do
      places[name] = { "--registry", server:url(), "--repo-tag", "demo/app:v1" }
    end
    for _, name in ipairs { "basic", "token" } do
      table.move({ "-u", "alice", "-p", "secret" }, 1, 4, #places[name] + 1, places[name])
    end
    files = fetch_all(places)
  end)
  lazy_teardown(function()
    for _, server in pairs(fronts) do server:stop() end
    target:stop()
    private:stop()
    reg:stop()
    tokens:stop()
  end)

  -- What came is what comes without the limit.
  local function counted(name)
    assert.is_true(files[name] == want, name)
    return count(fronts[name]:requests(), served.blob(img.layers[1]))
  end

  for _, name in ipairs { "plain", "http2", "basic", "token", "elsewhere" } do
    it("is used several times over: " .. name, function()
      local counts = counted(name)
      assert.is_true(counts.part >= 4)
      assert.same({ 1, 0, 0 }, { counts.probe, counts.rest, counts.refused })
    end)
  end

  it("is several connections, not streams of one", function()
    for _, request in ipairs(fronts.http2:requests()) do
      assert.equal(request.range and "HTTP/1.1" or "HTTP/2.0", request.protocol)
    end
  end)

  it("is used once where ranges are ignored", function()
    assert.same({ whole = 1, probe = 1, part = 0, rest = 0, refused = 0 }, counted "ignoring")
  end)

  it("is used as often as a server allows", function()
    local one, two = counted "one", counted "two"
    assert.same({ 1, 0, 1 }, { one.whole, one.part, one.refused })
    assert.is_true(two.part >= 4 and two.refused >= 1)
  end)
end)

describe("ranges with wrong bytes in them", function()
  local img, server, good

  lazy_setup(function()
    img = image.build { layers = { { random = 4000000 } } }
    local routes = served.routes(img)
    good = faulty.start { routes = routes }
    local path, file = served.blob(img.layers[1]), img.layers[1].file
    routes[path] = { { when = PART, file = file, range = true, flip = img.layers[1].size - 1 },
      { file = file, rate = RATE } }
    server = faulty.start { routes = routes }
  end)
  lazy_teardown(function()
    server:stop()
    good:stop()
  end)
  before_each(function() server:forget() end)

  local function parts()
    local n = 0
    for _, request in ipairs(server:requests()) do
      if (request.headers.range or ""):find(PART.range) then n = n + 1 end
    end
    return n
  end

  it("are a failed verification, and leave no file", function()
    local out, words = fetch("wrong", "--registry", server:url())
    program.refuses(5, "hocker-image", words)
    assert.is_false(tmp.exists(out))
    assert.is_true(parts() > 2)
  end)

  it("are a reason to pass a mirror over", function()
    local out, words = fetch("right", "--registry", good:url(), "--repo-tag", "demo/app:v1")
    program.check("hocker-image", words)
    local again, more = fetch("mirrored", "--registry", good:url(), "--mirror", server:url(),
      "--repo-tag", "demo/app:v1")
    local _, stderr = program.check("hocker-image", more)
    assert.matches("passed over: ", stderr)
    assert.is_true(tmp.read(out) == tmp.read(again))
    assert.is_true(parts() > 2)
  end)
end)
