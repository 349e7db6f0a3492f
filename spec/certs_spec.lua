local authority = require "support.certs"
local certs = require "hocker.certs"
local faulty = require "support.faulty"
local image = require "support.image"
local nginx = require "support.nginx"
local program = require "support.program"
local reference = require "hocker.reference"
local registry = require "support.registry"
local served = require "support.served"
local tmp = require "support.tmp"

local function ref(name, uri)
  return assert(reference.parse({ name }, { registry = uri }))
end

-- A folder certs.d: { ["host:port"] = { ["a.crt"] = text } }.
local function root(hosts, dir)
  dir = dir or tmp.dir("certs.d")
  for host, files in pairs(hosts) do
    assert(os.execute(("mkdir -p '%s/%s'"):format(dir, host)))
    for name, text in pairs(files) do tmp.write(("%s/%s/%s"):format(dir, host, name), text) end
  end
  return dir
end

describe("certs", function()
  local roots = {
    { { HOME = "/h", XDG_CONFIG_HOME = "/x" }, "/x/containers/certs.d" },
    { { HOME = "/h" }, "/h/.config/containers/certs.d" },
    { { HOME = "/h", XDG_CONFIG_HOME = "rel" }, "/h/.config/containers/certs.d" },
    { {}, nil },
    { { HOME = "rel" }, nil },
  }

  it("are looked for where the user keeps them, then for all of podman and docker", function()
    for _, case in ipairs(roots) do
      local found = certs.roots(function(name) return case[1][name] end)
      assert.same({ "/etc/containers/certs.d", "/etc/docker/certs.d" },
        table.move(found, #found - 1, #found, 1, {}))
      assert.equal(case[2], #found == 3 and found[1] or nil)
    end
  end)

  local names = {
    { "docker.io", "debian" },
    { "reg.example:5000", "reg.example:5000/a/b" },
    { "[::1]:5000", "[::1]:5000/a/b" },
    { "reg.example:443", "a/b", "https://reg.example:443/v2" },
    { "reg.example", "a/b", "https://reg.example/prefix/v2/" },
    { "localhost:5000", "a/b", "http://localhost:5000" },
  }

  it("are called as the user called the registry", function()
    for _, case in ipairs(names) do assert.equal(case[1], certs.name(ref(case[2], case[3]))) end
  end)

  it("are authorities and a pair, of the first folder that is there", function()
    local one = root { other = { ["x.crt"] = "" } }
    local two = root { ["reg.example"] = { ["b.crt"] = "", ["a.crt"] = "", ["c.cert"] = "",
      ["c.key"] = "", ["README"] = "" } }
    local three = root { ["reg.example"] = { ["d.crt"] = "" } }
    local dir = two .. "/reg.example/"
    assert.same({ cacerts = { dir .. "a.crt", dir .. "b.crt" }, cert = dir .. "c.cert",
      key = dir .. "c.key" }, certs.find(ref("reg.example/a/b"), { one, two, three }))
    assert.is_nil(certs.find(ref("else.example/a/b"), { one, two, three }))
  end)

  it("are refused when half of a pair is missing", function()
    for there, missing in pairs { ["c.cert"] = "c.key", ["c.key"] = "c.cert" } do
      local none, err = certs.find(ref("reg.example/a/b"),
        { root { ["reg.example"] = { [there] = "" } } })
      assert.is_nil(none)
      assert.equal("io", err.code)
      assert.matches(there .. ": there is no " .. missing, err.message, 1, true)
    end
  end)

  describe("of a registry", function()
    local ca, other_ca = authority.authority(), authority.authority()
    local client = ca:client()
    local inner, front, bytes
    local CA, PAIR = { ["ca.crt"] = tmp.read(ca.cert), ["z.crt"] = tmp.read(other_ca.cert) }, {
      ["ca.crt"] = tmp.read(ca.cert), ["client.cert"] = tmp.read(client.cert),
      ["client.key"] = tmp.read(client.key) }

    lazy_setup(function()
      inner = registry.start()
      bytes = image.build():push(inner, "demo/app", "v1").bytes
      front = nginx.start { to = inner:url(), tls = ca:server(), client_ca = ca.cert }
    end)
    lazy_teardown(function()
      front:stop()
      inner:stop()
    end)

    -- The environment of a user who has these.
    local function env(hosts)
      local config = tmp.dir("config")
      root(hosts, config .. "/containers/certs.d")
      return { env = { XDG_CONFIG_HOME = config } }
    end

    it("are used, in both forms of a name", function()
      local opts = env { [front:host()] = PAIR, [front:host("localhost")] = PAIR }
      assert.equal(bytes, program.check("hocker-manifest",
        { "--registry", front:url(), "demo/app", "v1" }, opts))
      assert.equal(bytes, program.check("hocker-manifest",
        { front:host("localhost") .. "/demo/app:v1" }, opts))
    end)

    it("may be several authorities", function()
      local server = nginx.start { to = inner:url(), tls = other_ca:server() }
      finally(function() server:stop() end)
      assert.equal(bytes, program.check("hocker-manifest",
        { server:host("localhost") .. "/demo/app:v1" }, env { [server:host("localhost")] = CA }))
    end)

    it("are not another's", function()
      local line = program.refuses(6, "hocker-manifest",
        { front:host("localhost") .. "/demo/app:v1", "--retries", "0" },
        env { [front:host()] = PAIR })
      assert.matches("not trusted", line, 1, true)
    end)

    it("give way to the command line", function()
      local opts = env { [front:host()] = PAIR }
      program.refuses(6, "hocker-manifest", { "--registry", front:url(), "demo/app", "v1",
        "--retries", "0", "--cacert", other_ca.cert }, opts)
      assert.equal(bytes, program.check("hocker-manifest", { "--registry", front:url(), "demo/app",
        "v1", "--cert", client.cert, "--key", client.key }, opts))
    end)

    it("are used for a mirror, whatever the command line has for the registry", function()
      assert.equal(bytes, program.check("hocker-manifest", { "--registry", inner:url(), "demo/app",
        "v1", "--cacert", other_ca.cert, "--mirror", front:url() }, env { [front:host()] = PAIR }))
      local requests = front:requests()
      assert.matches("^hocker/", requests[#requests].agent)
      assert.equal("ns=127.0.0.1%3A" .. inner.port, requests[#requests].query)
    end)

    it("that are missing, or a stranger's, are told as such", function()
      local go = registry.start { tls = ca:server(), client_ca = ca.cert }
      finally(function() go:stop() end)
      local stranger = other_ca:client("mallory")
      local pairs_tried = { {} }
      -- How far a request gets before the server hangs up is a matter of luck.
      for i = 2, 12 do pairs_tried[i] = { "--cert", stranger.cert, "--key", stranger.key } end
      for _, server in ipairs { go, front } do
        for _, pair in ipairs(pairs_tried) do
          local words = { "--registry", server:url(), "demo/app", "v1", "--cacert", ca.cert, "-q" }
          local line = program.refuses(4, "hocker-manifest",
            table.move(pair, 1, #pair, #words + 1, words))
          assert.matches("(give another with --cert and --key", line, 1, true)
        end
      end
    end)

    it("are an error when they are broken", function()
      local line = program.refuses(2, "hocker-manifest", { front:host() .. "/demo/app:v1" },
        env { [front:host()] = { ["a.crt"] = "no certificate" } })
      assert.matches("a.crt: there is no PEM certificate in it", line, 1, true)
    end)

    it("are not for the target of a redirect", function()
      local img = image.build()
      local target = faulty.start { tls = ca:server(), routes = served.routes(img) }
      local from = faulty.start { tls = ca:server(), routes = {
        [served.manifest()] = { status = 307, headers = {
          Location = target:url() .. served.manifest() } } } }
      finally(function()
        target:stop()
        from:stop()
      end)
      local words = { "--registry", from:url(), "demo/app", "v1", "--retries", "0" }
      local line = program.refuses(6, "hocker-manifest", words, env { [from:host()] = CA })
      assert.matches("not trusted", line, 1, true)
      assert.same({}, target:requests())
      table.move({ "--cacert", ca.cert }, 1, 2, #words + 1, words)
      assert.equal(img.oci.bytes, program.check("hocker-manifest", words))
    end)
  end)
end)
