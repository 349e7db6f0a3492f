--- The Nix library with a private registry behind TLS: credentials from where a builder can have them,
--- and that they are nowhere else afterwards.

local certs = require "support.certs"
local clients = require "support.clients"
local image = require "support.image"
local nixlib = require "support.nixlib"
local process = require "support.process"
local proxy = require "support.proxy"
local registry = require "support.registry"
local tmp = require "support.tmp"

local USER, SECRET = "alice", "s3cret-of-the-registry"

local function base64(text)
  return process.check({ "base64", "-w0" }, { stdin = text })
end

describe("the Nix library and a private registry", function()
  local reg, authority, file, img, environment
  local docker_folder, authfile, static

  lazy_setup(function()
    authority = certs.shared()
    reg = registry.start { auth = "htpasswd", users = { [USER] = SECRET },
      tls = authority:server() }
    img = image.build { layers = { { ["etc/motd"] = "private\n" }, { random = 5000 } } }
    img:upload(reg, "team/app", "v1", { user = USER .. ":" .. SECRET })
    local entry = ('{"auths":{"%s":{"auth":"%s"}}}'):format(reg:host(),
      base64(USER .. ":" .. SECRET))
    docker_folder = tmp.dir("docker")
    tmp.write(docker_folder .. "/config.json", entry)
    authfile = tmp.file(entry, "auth.json")
    static = tmp.file(("# for builds\nDOCKER_USER=%s\nDOCKER_PASS=%s\n"):format(USER, SECRET))
    environment = { DOCKER_USER = USER, DOCKER_PASS = SECRET }
    file = nixlib.file(reg, "team/app", "v1", { fetch = { "--cacert", authority.cert,
      "--authfile", authfile } })
  end)
  lazy_teardown(function() reg:stop() end)

  -- The files that Nix has made and that hold the secret: outputs, derivations, the database, logs.
  local function find_secret(nix)
    local found = {}
    for _, text in ipairs { SECRET, base64(USER .. ":" .. SECRET) } do
      local grep = process.run { "grep", "-rlF", "-e", text, nix.dir }
      assert.equal("", grep.stderr)
      for path in grep.stdout:gmatch("[^\n]+") do found[#found + 1] = path end
    end
    return found
  end

  local function env(more)
    local all = { XDG_RUNTIME_DIR = tmp.dir() }
    for _, name in ipairs { "DOCKER_USER", "DOCKER_PASS", "DOCKER_TOKEN", "DOCKER_CONFIG",
      "REGISTRY_AUTH_FILE", "SSL_CERT_FILE", "NIX_SSL_CERT_FILE", "https_proxy" } do
      all[name] = false
    end
    for name, value in pairs(more or {}) do all[name] = value end
    return all
  end

  -- `before`: words of a program that runs nix-build.
  local function try(nix, arguments, variables, options, before)
    local words = table.move(before or {}, 1, #(before or {}), 1, {})
    table.move({ "nix-build", "--no-out-link", "--expr", nixlib.image(file, arguments) }, 1, 4,
      #words + 1, words)
    table.move(options or {}, 1, #(options or {}), #words + 1, words)
    return nix:run(words, { env = env(variables) })
  end

  -- Builds in a new store, and looks for the secret there.
  local function builds(arguments, variables, ...)
    clients.need(clients.nix)
    local nix = clients.nix.new()
    local result = try(nix, arguments, variables, ...)
    assert.equal(0, result.code, result.stderr)
    assert.not_matches(SECRET, result.stderr, 1, true)
    local path = nixlib.print(result.stdout:match("%S+") .. "/compositeImage.sh")
    assert.matches(img.config.digest:sub(8), process.check { "tar", "-tf", path }, 1, true)
    assert.same({}, find_secret(nix))
  end

  local function refused(arguments, variables, message)
    clients.need(clients.nix)
    local result = try(clients.nix.new(), arguments, variables)
    assert.not_equal(0, result.code)
    assert.matches(message, result.stderr, 1, true)
    assert.not_matches(SECRET, result.stderr, 1, true)
  end

  local function cacert() return ("cacert = %q;"):format(authority.cert) end

  it("is one that keeps its images to itself", function()
    refused(cacert(), {}, "staticCredentialsFile")
    refused(cacert(), { DOCKER_USER = USER, DOCKER_PASS = "wrong" },
      "refused user 'alice'")
    refused("", environment, "certificate is not trusted")
  end)

  it("finds the secret where there is one", function()
    clients.need(clients.nix)
    local nix = clients.nix.new()
    nix:run { "nix-instantiate", "--expr",
      ('derivation { name = "x"; system = "s"; builder = "%s"; }'):format(SECRET) }
    assert.equal(1, #find_secret(nix))
  end)

  describe("takes credentials of", function()
    it("$DOCKER_USER and $DOCKER_PASS", function()
      builds(cacert(), environment)
    end)

    it("a file that is named to the library", function()
      builds(cacert() .. ("staticCredentialsFile = %q;"):format(static))
      builds(cacert() .. ("staticCredentialsFile = %s;"):format(static)) -- a path of Nix
    end)

    it("a file that is named by NIX_PATH", function()
      builds(cacert(), {}, { "-I", "DOCKER_CREDENTIALS=" .. static })
    end)

    it("docker's and podman's files", function()
      builds(cacert(), { DOCKER_CONFIG = docker_folder })
      builds(cacert(), { REGISTRY_AUTH_FILE = authfile })
    end)

    -- In a namespace with another /etc, so that the machine's own stays as it is.
    it("/etc/nix-docker-credentials.txt", function()
      clients.need(clients.nix, clients.sandbox)
      local etc = tmp.dir("etc")
      for _, name in ipairs { "passwd", "group", "hosts", "nsswitch.conf", "ld.so.cache" } do
        process.run { "cp", "/etc/" .. name, etc }
      end
      tmp.write(etc .. "/nix-docker-credentials.txt", tmp.read(static))
      builds(cacert(), {}, {}, { "unshare", "--mount", "sh", "-c",
        'mount --bind "$0" /etc && exec "$@"', etc })
    end)

    it("no file that is not there, and says so", function()
      refused(cacert() .. 'staticCredentialsFile = "/none/such";', {}, "/none/such")
    end)
  end)

  describe("trusts the authority", function()
    it("of a package", function()
      local package = tmp.dir("cacert")
      process.check { "mkdir", "-p", package .. "/etc/ssl/certs" }
      process.check { "cp", authority.cert, package .. "/etc/ssl/certs/ca-bundle.crt" }
      builds(('cacert = { outPath = "%s"; };'):format(package), environment)
    end)

    it("of a path, which gets into the store", function()
      builds(("cacert = %s;"):format(authority.cert), environment)
    end)

    for _, name in ipairs { "SSL_CERT_FILE", "NIX_SSL_CERT_FILE" } do
      it("of $" .. name, function()
        builds("", { [name] = authority.cert, DOCKER_USER = USER, DOCKER_PASS = SECRET })
      end)
    end

    it("of a package also where $NIX_SSL_CERT_FILE leads nowhere", function()
      builds(cacert(), { NIX_SSL_CERT_FILE = "/none", DOCKER_USER = USER, DOCKER_PASS = SECRET })
    end)
  end)

  it("goes through a proxy", function()
    clients.need(clients.nix)
    local named = registry.start { root = reg.root, auth = "htpasswd",
      users = { [USER] = SECRET }, tls = authority:server { "DNS:registry.example" } }
    local way = proxy.start { ["registry.example:443"] = named.port }
    finally(function()
      way:stop()
      named:stop()
    end)
    local text = tmp.read(file):gsub(reg:url():gsub("%W", "%%%0"), "https://registry.example")
    local nix = clients.nix.new()
    local result = nix:run({ "nix-build", "--no-out-link", "--expr",
      nixlib.image(tmp.file(text, "image.nix"), cacert()) },
      { env = env { https_proxy = way:url(), DOCKER_USER = USER, DOCKER_PASS = SECRET } })
    assert.equal(0, result.code, result.stderr)
    assert.is_true(#way:requests() > 0)
    assert.same({}, find_secret(nix))
  end)

  it("builds in Nix's sandbox", function()
    clients.need(clients.nix, clients.sandbox)
    local nix = clients.nix.new { sandbox = { "/lib", "/lib64", "/usr/lib", nixlib.hocker,
      static } }
    local result = try(nix, ("cacert = %s; staticCredentialsFile = %q;")
      :format(authority.cert, static))
    assert.equal(0, result.code, result.stderr)
    nixlib.print(result.stdout:match("%S+") .. "/compositeImage.sh")
    assert.same({}, find_secret(nix))
  end)
end)
