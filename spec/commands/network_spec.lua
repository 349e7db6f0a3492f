local certs = require "support.certs"
local cjson = require "cjson"
local faulty = require "support.faulty"
local image = require "support.image"
local nginx = require "support.nginx"
local port = require "support.port"
local process = require "support.process"
local program = require "support.program"
local proxy = require "support.proxy"
local registry = require "support.registry"
local served = require "support.served"
local tmp = require "support.tmp"

local ca = certs.shared()

describe("a proxy", function()
  -- This machine, by an address that nobody takes for it.
  local HERE = "0.0.0.0"
  local img, server, way

  lazy_setup(function()
    img = image.build()
    local routes = served.routes(img)
    for key, reply in pairs(routes) do
      reply.when = { authorization = "^Basic " }
      routes[key] = { reply, { status = 401,
        headers = { ["WWW-Authenticate"] = 'Basic realm="x"' } } }
    end
    server = faulty.start { tls = ca:server { "IP:0.0.0.0" }, routes = routes }
    way = proxy.start { [server:host(HERE)] = server.port }
  end)
  lazy_teardown(function()
    way:stop()
    server:stop()
  end)
  before_each(function()
    way:forget()
    server:forget()
  end)

  local function fetch(env)
    return program.check("hocker-manifest", { "--registry", server:url(HERE), "demo/app", "v1",
      "--cacert", ca.cert, "-u", "alice", "-p", "s3cret", "--retries", "0" }, { env = env })
  end

  for _, name in ipairs { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" } do
    it("of $" .. name .. " is used, and sees no credentials", function()
      assert.equal(img.oci.bytes, fetch { [name] = way:url() })
      local requests = way:requests()
      assert.is_true(#requests > 0)
      for _, request in ipairs(requests) do
        assert.equal("CONNECT", request.method)
        assert.is_nil(request.headers.authorization)
        assert.is_nil(request.headers["proxy-authorization"])
      end
      assert.is_true(#server:requests() > 0)
    end)
  end

  for _, name in ipairs { "no_proxy", "NO_PROXY" } do
    it("is not used for what is in $" .. name, function()
      for _, hosts in ipairs { HERE, "reg.example," .. HERE, "*" } do
        assert.equal(img.oci.bytes, fetch { https_proxy = way:url(), [name] = hosts })
      end
      assert.same({}, way:requests())
      assert.equal(img.oci.bytes, fetch { https_proxy = way:url(), [name] = "reg.example" })
      assert.is_true(#way:requests() > 0)
    end)
  end

  -- Go's forms, and libcurl's
  it("is not used for what $NO_PROXY says in other forms", function()
    local number = server.port
    for _, list in ipairs { ("reg.example, %s:%d"):format(HERE, number), "0.0.0.0/8",
      ("%s:1,%s:%d,"):format(HERE, HERE, number), "reg.example\t" .. HERE, " ,, " .. HERE } do
      assert.equal(img.oci.bytes, fetch { https_proxy = way:url(), NO_PROXY = list })
    end
    assert.same({}, way:requests())
    for _, list in ipairs { HERE .. ":1", ("1%s:%d"):format(HERE, number), ("x:%d"):format(number),
      "10.0.0.0/8", "*.0.0.1", "[::]", ("[::]:%d"):format(number), ":" .. number, "*:", "," } do
      way:forget()
      assert.equal(img.oci.bytes, fetch { https_proxy = way:url(), NO_PROXY = list })
      assert.is_true(#way:requests() > 0, list)
    end
  end)

  it("is not used for names of $NO_PROXY", function()
    local words = { "reg.invalid/demo/app:v1", "--retries", "0" }
    for list, used in pairs { ["*.invalid"] = false, ["invalid"] = false, [".invalid"] = false,
      ["*.invalid:443"] = false, ["REG.invalid:443"] = false, ["reg.invalid:5000"] = true,
      ["*.reg.example"] = true, ["xreg.invalid"] = true, ["[2001:db8::1]"] = true } do
      way:forget()
      program.refuses(6, "hocker-manifest", words,
        { env = { https_proxy = way:url(), NO_PROXY = list } })
      assert.equal(used, #way:requests() > 0, list)
    end
    for list, used in pairs { ["[2001:db8::1]"] = false,
      ["[2001:db8::1]:443"] = false, ["2001:db8::1"] = false, ["[2001:db8::1]:5000"] = true,
      ["2001:db8::1:443"] = true } do
      way:forget()
      program.refuses(6, "hocker-manifest",
        { "[2001:db8::1]/demo/app:v1", "--retries", "0", "--connect-timeout", "0.2" },
        { env = { https_proxy = way:url(), NO_PROXY = list } })
      assert.equal(used, #way:requests() > 0, list)
    end
  end)

  it("of $HTTP_PROXY is used for plain http, but not in a CGI program", function()
    local url = "http://reg.invalid/v2/demo/app/manifests/v1"
    local plain = faulty.start { routes = { [url] = served.document(img.oci) } }
    finally(function() plain:stop() end)
    local words = { "--registry", "http://reg.invalid", "demo/app", "v1", "--retries", "0" }
    local function env(more)
      local all = { HTTP_PROXY = plain:url() }
      for name, value in pairs(more or {}) do all[name] = value end
      return { env = all }
    end
    assert.equal(img.oci.bytes, program.check("hocker-manifest", words, env()))
    program.refuses(6, "hocker-manifest", words, env { REQUEST_METHOD = "GET" })
    program.refuses(6, "hocker-manifest", words, env { NO_PROXY = "*.invalid:80" })
    program.refuses(6, "hocker-manifest", words, env { http_proxy = way:url() .. "0" })
  end)

  it("of $http_proxy is used for plain http, and is sent no credentials", function()
    local url = "http://reg.example/v2/demo/app/manifests/v1"
    local plain = faulty.start { routes = { [url] = served.document(img.oci) } }
    finally(function() plain:stop() end)
    local words = { "--registry", "http://reg.example", "demo/app", "v1" }
    local env = { env = { http_proxy = plain:url() } }
    assert.equal(img.oci.bytes, program.check("hocker-manifest", words, env))
    plain:set { ["*"] = { status = 401, headers = { ["WWW-Authenticate"] = 'Basic realm="x"' } } }
    plain:forget()
    table.move({ "-u", "alice", "-p", "s3cret" }, 1, 4, #words + 1, words)
    program.refuses(2, "hocker-manifest", words, env)
    for _, request in ipairs(plain:requests()) do
      assert.is_nil(request.headers.authorization)
    end
  end)

  it("is not used for this machine", function()
    local near = faulty.start { routes = served.routes(img) }
    local other = faulty.start {}
    finally(function()
      near:stop()
      other:stop()
    end)
    for _, host in ipairs { "127.0.0.1", "localhost" } do
      assert.equal(img.oci.bytes, program.check("hocker-manifest",
        { "--registry", near:url(host), "demo/app", "v1", "-u", "alice", "-p", "s3cret" },
        { env = { http_proxy = other:url(), all_proxy = other:url() } }))
    end
    assert.same({}, other:requests())
  end)

  it("that does not answer is a network error", function()
    local dead = ("http://127.0.0.1:%d"):format(port.free())
    program.refuses(6, "hocker-manifest", { "--registry", server:url(HERE), "demo/app", "v1",
      "--cacert", ca.cert, "--retries", "0" }, { env = { https_proxy = dead } })
  end)
end)

describe("a registry on an IPv6 address", function()
  local plain, secure, bytes

  lazy_setup(function()
    local reg = registry.start() -- skopeo can't push to an IPv6 address
    bytes = image.build():push(reg, "demo/app", "v1").bytes
    reg:stop()
    plain = registry.start { ipv6 = true, root = reg.root }
    secure = registry.start { ipv6 = true, root = reg.root, tls = ca:server() }
  end)
  lazy_teardown(function()
    secure:stop()
    plain:stop()
  end)

  it("is named in both forms, over plain http and TLS", function()
    for _, reg in ipairs { plain, secure } do
      assert.matches("^%[::1%]:%d+$", reg:host())
      for _, words in ipairs { { "--registry", reg:url(), "demo/app", "v1" },
          { reg:host() .. "/demo/app:v1" }, { reg:host() .. "/demo/app", "v1" } } do
        table.move({ "--cacert", ca.cert }, 1, 2, #words + 1, words)
        assert.equal(bytes, program.check("hocker-manifest", words))
      end
    end
  end)

  it("names an image by its reference", function()
    local out = tmp.path("image.tar")
    program.check("hocker-image", { plain:host() .. "/demo/app:v1", "--out", out })
    local list = cjson.decode(process.check { "tar", "-xOf", out, "manifest.json" })
    assert.same({ plain:host() .. "/demo/app:v1" }, list[1].RepoTags)
  end)
end)

describe("a registry of another machine that speaks plain http", function()
  local img, here, words

  lazy_setup(function()
    img = image.build()
    here = faulty.start { routes = served.routes(img) }
    words = { here:host("0.0.0.0") .. "/demo/app:v1" } -- nobody takes that for this machine
  end)
  lazy_teardown(function() here:stop() end)

  it("is believed with --insecure, and that is said", function()
    local out, stderr = program.check("hocker-manifest", { words[1], "--insecure" })
    assert.equal(img.oci.bytes, out)
    assert.matches("0.0.0.0:%d+ speaks plain http\n", stderr)
    program.check("hocker-layer", { "--layer", img.layers[1].digest, words[1], "--insecure",
      "--out", tmp.path("layer") })
  end)

  it("is not without, but named with its scheme", function()
    here:forget()
    program.refuses(6, "hocker-manifest", { words[1], "--retries", "0" })
    assert.same({}, here:requests())
    assert.equal(img.oci.bytes, program.check("hocker-manifest",
      { "--registry", here:url("0.0.0.0"), "demo/app", "v1" }))
  end)

  it("gets advice where it can be told", function()
    local front = nginx.start { to = here:url() }
    finally(function() front:stop() end)
    local line = program.refuses(6, "hocker-manifest",
      { "--registry", "https://" .. front:host(), "demo/app", "v1", "--retries", "0" })
    assert.matches("--registry http://" .. front:host(), line, 1, true)
  end)
end)

describe("HTTP/2", function()
  it("is spoken where TLS offers it, for a whole image", function()
    local reg = registry.start()
    image.build():push(reg, "demo/app", "v1")
    local front = nginx.start { to = reg:url(), tls = ca:server() }
    local plain = nginx.start { to = reg:url() }
    finally(function()
      plain:stop()
      front:stop()
      reg:stop()
    end)
    for server, protocol in pairs { [front] = "HTTP/2.0", [plain] = "HTTP/1.1" } do
      program.check("hocker-image", { "--registry", server:url(), "demo/app", "v1",
        "--cacert", ca.cert, "--out", tmp.path("image.tar") })
      local requests = server:requests()
      assert.is_true(#requests > 2)
      for _, request in ipairs(requests) do assert.equal(protocol, request.protocol) end
    end
  end)
end)
