local certs = require "support.certs"
local cqueues = require "cqueues"
local faulty = require "support.faulty"
local image = require "support.image"
local port = require "support.port"
local program = require "support.program"
local proxy = require "support.proxy"
local registry = require "support.registry"
local served = require "support.served"
local tmp = require "support.tmp"

local NAMES = { "hocker-manifest", "hocker-config", "hocker-layer", "hocker-image" }

-- The words that let a program fetch demo/app:v1 into a file that is not there yet, and its path.
local function words(name, url, img, ...)
  local list = { "--registry", url, "demo/app", "v1", "--out", tmp.path() }
  if name == "hocker-layer" then
    table.move({ "--layer", img and img.layers[1].digest or ("0"):rep(64) }, 1, 2, #list + 1, list)
  end
  return table.move({ ... }, 1, select("#", ...), #list + 1, list), list[6]
end

describe("a registry", function()
  local reg, img

  lazy_setup(function()
    reg = registry.start()
    img = image.build()
    img:upload(reg, "demo/app", "v1")
  end)
  lazy_teardown(function() reg:stop() end)

  for _, name in ipairs(NAMES) do
    it("that lacks the name: " .. name .. " ends with 3", function()
      local list = words(name, reg:url())
      list[3] = "demo/other"
      local line = program.refuses(3, name, list)
      assert.matches("demo/other", line, 1, true)
      assert.matches("404", line, 1, true)
      assert.is_false(tmp.exists(list[6]))
    end)
  end

  it("that lacks the tag is quoted, and there is advice", function()
    local words_of = { "--registry", reg:url(), "demo/app", "v2" }
    local line = program.refuses(3, "hocker-manifest", words_of)
    assert.matches("demo/app:v2", line, 1, true)
    assert.matches("MANIFEST_UNKNOWN: manifest unknown", line, 1, true)
    assert.matches("check the name", line, 1, true)
  end)

  it("that lacks the digest ends with 3", function()
    program.refuses(3, "hocker-manifest",
      { ("%s/demo/app@sha256:%s"):format(reg:host(), ("0"):rep(64)) })
  end)

  it("that is named by a reference is quoted too", function()
    local line = program.refuses(3, "hocker-manifest", { reg:host() .. "/demo/app:v2" })
    assert.matches(reg:host() .. "/demo/app:v2", line, 1, true)
  end)
end)

describe("a server", function()
  local img, server

  lazy_setup(function()
    img = image.build { layers = { { random = 300000 } } }
    server = faulty.start {}
  end)
  lazy_teardown(function() server:stop() end)
  before_each(function() server:forget() end)

  -- Runs `name` with more words; the manifest's reply is the first one, the others are right.
  local function run(name, ...)
    local list, path = words(name, server:url(), img, ...)
    return program.run(name, list), path
  end

  local function refuses(code, name, ...)
    local list, path = words(name, server:url(), img, ...)
    local line = program.refuses(code, name, list)
    assert.is_false(tmp.exists(path))
    return line
  end

  -- Only the layer's reply is not right.
  local function serve_layer(...)
    local routes = served.routes(img)
    routes[served.blob(img.layers[1])] = { ... }
    server:set(routes)
  end

  local function layer_requests()
    local list = {}
    for _, request in ipairs(server:requests()) do
      if request.path == served.blob(img.layers[1]) then list[#list + 1] = request end
    end
    return list
  end

  -- The right reply, but for what is given.
  local function layer_reply(more)
    local reply = { file = img.layers[1].file, range = true }
    for key, value in pairs(more or {}) do
      reply[key] = value
    end
    return reply
  end

  describe("that answers", function()
    local HTML = "<html>\27[31m\7<h1>oh no</h1>\n</html>"
    -- reply, exit code, requests, part of the message
    local replies = {
      ["400"] = { { status = 400, body = HTML }, 1, 1, "HTTP 400" },
      ["403"] = { { status = 403 }, 4, 2, "HTTP 403" }, -- and the ping
      ["404"] = { { status = 404, body = HTML }, 3, 1, "HTTP 404" },
      ["405"] = { { status = 405 }, 1, 1, "HTTP 405" },
      ["410"] = { { status = 410 }, 3, 1, "HTTP 410" },
      ["418"] = { { status = 418 }, 1, 1, "HTTP 418" },
      ["204"] = { { status = 204 }, 1, 1, "204" },
      ["500"] = { { status = 500, body = HTML }, 6, 2, "HTTP 500" },
      ["502"] = { { status = 502 }, 6, 2, "HTTP 502" },
      ["503"] = { { status = 503 }, 6, 2, "HTTP 503" },
      ["504"] = { { status = 504 }, 6, 2, "HTTP 504" },
      ["429"] = { { status = 429 }, 6, 2, "HTTP 429" },
      ["501"] = { { status = 501 }, 6, 1, "HTTP 501" },
      ["nothing"] = { { drop = true }, 6, 2, "after 1 retr" },
      ["a redirect to nowhere"] = { { status = 302 }, 1, 1, "redirect" },
      ["a redirect to a file"] = { { status = 302, headers = { Location = "file:///etc/passwd" } },
        1, 1, "" },
      ["a redirect with a password"] = { { status = 302,
        headers = { Location = "http://a:b@127.0.0.1/" } }, 1, 1, "" },
      ["redirects without end"] = { { status = 307,
        headers = { Location = served.manifest() .. "?again" } }, 1, 11, "redirects" },
      ["a web page"] = { { body = HTML }, 1, 1, "web page" },
      ["nothing at all"] = { { body = "" }, 1, 1, "empty" },
      ["far too much"] = { { body = (" "):rep(5000000) }, 5, 1, "bytes" },
      ["far too many headers"] = { { headers = { ["X-Y"] = (function()
        local values = {}
        for i = 1, 2000 do values[i] = ("x"):rep(200) end
        return values
      end)() } }, 1, 1, "header" },
    }
    for what, case in pairs(replies) do
      it(what .. ", makes an end with " .. case[2], function()
        local routes = served.routes(img)
        routes[served.manifest()] = case[1]
        routes[served.manifest() .. "?again"] = case[1]
        server:set(routes)
        local line = refuses(case[2], "hocker-manifest", "--retries", "1")
        assert.matches(case[4], line, 1, true)
        assert.not_matches("<", line, 1, true)
        assert.is_true(#line < 1000)
        assert.equal(case[3], #server:requests())
      end)
    end

    it("in a terminal's language, is quoted without it", function()
      local hostile = "\\u001b[31mred\\u0007\\r\\n\\u009b2J second line \\u202e"
      local replies_of = {
        { status = 403, body = '{"errors":[{"code":"A","message":"' .. hostile .. '"}]}' },
        { status = 404, reason = "\27[31mNot\7 Found" },
        { status = 307, headers = { Location = "ftp://a/\27[31m" } },
        { status = 401, headers = { ["WWW-Authenticate"] = 'Bearer realm="\27[31m://x\7"' } },
        { status = 401, headers = { ["WWW-Authenticate"] = "\27[31m" } },
        { headers = { ["Docker-Content-Digest"] = "sha256:\27[31m" }, body = img.oci.bytes },
        { headers = { ["Content-Type"] = "text/\27[31m" }, body = img.oci.bytes },
        { body = '{"errors":[{"message":"' .. hostile .. '"}]}' },
        { body = '{"schemaVersion":2,"mediaType":"' .. hostile .. '","layers":[]}' },
        { body = '{"schemaVersion":2,"' .. hostile .. '":1,"' .. hostile .. '":2}' },
      }
      for _, reply in ipairs(replies_of) do
        server:set { [served.manifest()] = reply }
        local result = run("hocker-manifest")
        assert.not_equal(0, result.code)
        assert.equal("", result.stdout)
        program.line(result, "hocker-manifest")
        local verbose = run("hocker-manifest", "-v")
        assert.is_nil(verbose.stderr:find("[%z\1-\9\11-\31\127]"))
      end
    end)

    it("with an error of a megabyte, is quoted briefly", function()
      server:set { [served.manifest()] = { status = 403,
        body = ('{"errors":[{"code":"DENIED","message":"%s"}]}'):format(("x"):rep(50000)) } }
      local line = refuses(4, "hocker-manifest")
      assert.matches("DENIED: xxx", line, 1, true)
      assert.is_true(#line < 1000)
    end)

    it("an index of nothing for this platform, makes an end with 3", function()
      server:set { [served.manifest()] = served.document(
        image.index { image.build { architecture = "mips64le", os = "plan9" } }) }
      local line = refuses(3, "hocker-image")
      assert.matches("plan9/mips64le", line, 1, true)
    end)

    it("indexes in indexes for ever, makes an end", function()
      local inner, routes = image.index { img }, {}
      for _ = 1, 8 do
        routes[served.manifest(inner.digest)] = served.document(inner)
        inner = image.index { { oci = inner, platform = img.platform } }
      end
      routes[served.manifest()] = served.document(inner)
      server:set(routes)
      assert.matches("deep", refuses(1, "hocker-manifest"), 1, true)
    end)

    it("schema 1, makes an end that says what it is", function()
      server:set { [served.manifest()] = served.document {
        bytes = '{"schemaVersion":1,"name":"a","tag":"b","fsLayers":[],"history":[]}',
        media_type = "application/vnd.docker.distribution.manifest.v1+prettyjws" } }
      assert.matches("schema version 1", refuses(1, "hocker-image"), 1, true)
    end)
  end)

  describe("in trouble", function()
    for _, name in ipairs(NAMES) do
      it("for ever: " .. name .. " ends with 6 after the retries", function()
        server:set { ["*"] = { status = 503 } }
        local line = refuses(6, name, "--retries", "2")
        assert.matches("HTTP 503 (after 2 retries)", line, 1, true)
        assert.equal(3, #server:requests())
      end)
    end

    it("is not asked again with --retries 0", function()
      server:set { ["*"] = { status = 503 } }
      refuses(6, "hocker-manifest", "--retries", "0")
      assert.equal(1, #server:requests())
    end)

    it("for a while is waited for, and that is said", function()
      local routes = served.routes(img)
      local right = routes[served.manifest()]
      routes[served.manifest()] = { { drop = true, times = 1 }, { status = 503, times = 1 }, right }
      server:set(routes)
      local result, path = run("hocker-manifest")
      assert.equal(0, result.code, result.stderr)
      assert.equal(img.oci.bytes, tmp.read(path))
      assert.matches("; retry 1 in", result.stderr, 1, true)
      assert.matches("HTTP 503; retry 2 in", result.stderr, 1, true)
    end)

    it("is waited for in silence with -q", function()
      local routes = served.routes(img)
      routes[served.manifest()] = { { status = 503, times = 1 }, routes[served.manifest()] }
      server:set(routes)
      local result = run("hocker-manifest", "-q")
      assert.equal(0, result.code)
      assert.equal("", result.stderr)
    end)

    it("says its error even with -q", function()
      server:set { ["*"] = { status = 404 } }
      refuses(3, "hocker-manifest", "-q")
    end)

    for status, what in pairs { [429] = "that limits its rate", [503] = "that is down" } do
      it(what .. " is asked again when it said, not before", function()
        local routes = served.routes(img)
        routes[served.manifest()] = {
          { status = status, headers = { ["Retry-After"] = 2 }, times = 1 },
          routes[served.manifest()] }
        server:set(routes)
        local began = cqueues.monotime()
        local result = run("hocker-manifest")
        assert.equal(0, result.code, result.stderr)
        assert.is_true(cqueues.monotime() - began >= 2)
        assert.matches("retry 1 in 2.0 s", result.stderr, 1, true)
        assert.equal(2, #server:requests())
      end)
    end

    it("that wants to be left alone for a day is", function()
      server:set { ["*"] = { status = 429, headers = { ["Retry-After"] = 86400 } } }
      local line = refuses(6, "hocker-manifest")
      assert.matches("86400 seconds", line, 1, true)
      assert.equal(1, #server:requests())
    end)
  end)

  describe("whose body breaks off", function()
    it("is asked for the rest by one range", function()
      serve_layer(layer_reply { truncate = 100000, times = 1 }, layer_reply())
      local result, path = run("hocker-layer")
      assert.equal(0, result.code, result.stderr)
      assert.equal(img.layers[1].digest, image.digest_of_file(path))
      local requests = layer_requests()
      assert.equal(2, #requests)
      assert.is_nil(requests[1].headers.range)
      local first = tonumber(requests[2].headers.range:match("^bytes=(%d+)%-$"))
      assert.equal(100000, first)
    end)

    it("again and again is continued as long as there is progress", function()
      local replies = {}
      for i = 1, 6 do
        replies[i] = layer_reply { truncate = 40000, times = 1 }
      end
      replies[7] = layer_reply()
      serve_layer(table.unpack(replies))
      local result, path = run("hocker-layer", "--retries", "1")
      assert.equal(0, result.code, result.stderr)
      assert.equal(img.layers[1].digest, image.digest_of_file(path))
      assert.equal(7, #layer_requests())
    end)

    it("without progress is given up", function()
      serve_layer(layer_reply { truncate = 100000, times = 1 }, layer_reply { truncate = 0 })
      refuses(6, "hocker-layer", "--retries", "2")
      assert.equal(3, #layer_requests())
    end)

    it("and that knows no ranges is read from the start", function()
      serve_layer(layer_reply { truncate = 100000, times = 1, range = false },
        layer_reply { range = false })
      local result, path = run("hocker-layer")
      assert.equal(0, result.code, result.stderr)
      assert.equal(img.layers[1].digest, image.digest_of_file(path))
      assert.equal(2, #layer_requests())
    end)

    it("and that continues with something else is found out", function()
      serve_layer(layer_reply { truncate = 100000, times = 1 }, layer_reply { flip = 200000 })
      assert.matches("digest is", refuses(5, "hocker-layer"), 1, true)
    end)

    it("and that continues elsewhere is not believed", function()
      serve_layer(layer_reply { truncate = 100000, times = 1 },
        { status = 206, body = "x", headers = { ["Content-Range"] = "bytes 5-5/300000" } })
      refuses(1, "hocker-layer")
    end)

    it("in chunks, or without a length, is continued as well", function()
      for _, way in ipairs { { chunked = true }, { chunked = true, range = false } } do
        way.truncate, way.times = 100000, 1
        serve_layer(layer_reply(way), layer_reply())
        local result, path = run("hocker-layer")
        assert.equal(0, result.code, result.stderr)
        assert.equal(img.layers[1].digest, image.digest_of_file(path))
      end
    end)

    it("does so for hocker-image and every document", function()
      local routes = served.routes(img)
      for path, reply in pairs(routes) do
        local broken = { times = 1, truncate = path:find("manifests") and 200 or 100 }
        for key, value in pairs(reply) do
          broken[key] = value
        end
        reply.range = true
        routes[path] = { broken, reply }
      end
      -- The first request for the layer is for its last bytes.
      server:set(routes)
      local result = run("hocker-image")
      assert.equal(0, result.code, result.stderr)
    end)

    it("is asked at the first address again, where it had redirected", function()
      local blob = served.blob(img.layers[1])
      server:set { [blob] = {
          { status = 307, headers = { Location = "/signed?1" }, times = 1 },
          { status = 307, headers = { Location = "/signed?2" } } },
        ["/signed?1"] = layer_reply { truncate = 100000 }, ["/signed?2"] = layer_reply() }
      local result, path = run("hocker-layer")
      assert.equal(0, result.code, result.stderr)
      assert.equal(img.layers[1].digest, image.digest_of_file(path))
      local targets = {}
      for i, request in ipairs(server:requests()) do
        targets[i] = request.target
      end
      assert.same({ blob, "/signed?1", blob, "/signed?2" }, targets)
    end)
  end)

  describe("that stalls", function()
    it("in a body is asked for the rest", function()
      serve_layer(layer_reply { stall = 100000, times = 1 }, layer_reply())
      local result, path = run("hocker-layer", "--stall-timeout", "1")
      assert.equal(0, result.code, result.stderr)
      assert.equal(img.layers[1].digest, image.digest_of_file(path))
      local requests = layer_requests()
      assert.equal(2, #requests)
      assert.equal("bytes=100000-", requests[2].headers.range)
    end)

    it("in a body again and again is given up", function()
      serve_layer(layer_reply { stall = 0 })
      refuses(6, "hocker-layer", "--stall-timeout", "1", "--retries", "1")
      assert.equal(2, #layer_requests())
    end)

    it("before its answer is given up", function()
      server:set { ["*"] = { delay = 600 } }
      refuses(6, "hocker-manifest", "--stall-timeout", "1", "--retries", "0")
    end)

    it("for less than that is waited for", function()
      serve_layer(layer_reply { delay = 1.5 })
      local result = run("hocker-layer", "--stall-timeout", "30")
      assert.equal(0, result.code, result.stderr)
      assert.equal(1, #layer_requests())
    end)
  end)

  describe("that redirects", function()
    local other
    lazy_setup(function() other = faulty.start {} end)
    lazy_teardown(function() other:stop() end)

    for _, status in ipairs { 301, 302, 303, 307, 308 } do
      it(("with %d is followed to another host"):format(status), function()
        local routes, moved = served.routes(img), {}
        for path in pairs(routes) do
          moved[path] = { status = status, headers = { Location = other:url("localhost") .. path } }
        end
        server:set(moved)
        other:set(routes)
        for _, name in ipairs(NAMES) do
          local result = run(name)
          assert.equal(0, result.code, result.stderr)
        end
      end)
    end

    it("from https to http is not followed", function()
      local ca = certs.shared()
      local tls = faulty.start { tls = ca:server(), routes = { ["*"] = { status = 307,
        headers = { Location = server:url() .. served.manifest() } } } }
      finally(function() tls:stop() end)
      server:set(served.routes(img))
      program.refuses(8, "hocker-manifest", { "--registry", tls:url(), "demo/app", "v1",
        "--cacert", ca.cert })
      assert.same({}, server:requests())
    end)
  end)

  it("that sends in chunks, or without a length, is read", function()
    for _, way in ipairs { { chunked = true }, { length = false } } do
      local routes = served.routes(img)
      for _, reply in pairs(routes) do
        for key, value in pairs(way) do
          reply[key] = value
        end
      end
      server:set(routes)
      for _, name in ipairs(NAMES) do
        local result = run(name)
        assert.equal(0, result.code, result.stderr)
      end
    end
  end)
end)

describe("a host", function()
  for _, name in ipairs(NAMES) do
    it("that nothing listens on: " .. name .. " ends with 6 after the retries", function()
      local dead = "127.0.0.1:" .. port.free()
      local line = program.refuses(6, name, (words(name, "http://" .. dead, nil, "--retries", "1")))
      assert.matches(dead, line, 1, true)
      assert.matches("after 1 retr", line, 1, true)
    end)
  end

  it("that is named by a reference and does not answer is named in the error", function()
    local dead = "localhost:" .. port.free()
    local line = program.refuses(6, "hocker-manifest", { dead .. "/demo/app:v1", "--retries", "0" })
    assert.matches(dead, line, 1, true)
  end)

  it("that there is none of ends with 6", function()
    local line = program.refuses(6, "hocker-manifest",
      { "--registry", "https://registry.invalid", "a/b", "1", "--retries=0" })
    assert.matches("registry.invalid", line, 1, true)
  end)

  it("behind a proxy that refuses it ends with 6", function()
    local way = proxy.start {}
    finally(function() way:stop() end)
    local line = program.refuses(6, "hocker-manifest",
      { "--registry", "https://registry.example.com", "a/b", "1", "--retries=0" },
      { env = way:env() })
    assert.matches("502", line, 1, true)
  end)
end)
