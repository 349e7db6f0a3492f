local authfile = require "hocker.authfile"
local certs = require "support.certs"
local clients = require "support.clients"
local faulty = require "support.faulty"
local image = require "support.image"
local keyring = require "hocker.keyring"
local lfs = require "lfs"
local process = require "support.process"
local program = require "support.program"
local reference = require "hocker.reference"
local registry = require "support.registry"
local tmp = require "support.tmp"

local SECRET = "s3cret:with=all%the\\rest"

local function base64(text)
  return process.check({ "base64", "-w0" }, { stdin = text })
end

-- An authfile whose entries are user:password of these keys.
local function auths(entries)
  local list = {}
  for key, pair in pairs(entries) do
    list[#list + 1] = ('"%s":{"auth":"%s"}'):format(key, base64(pair))
  end
  return ('{"auths":{%s}}'):format(table.concat(list, ","))
end

local function write(path, text)
  for at in path:gmatch("()/") do lfs.mkdir(path:sub(1, at - 1)) end
  tmp.write(path, text)
end

local function plain(cred)
  if not cred then return nil end
  return ("%s %s %s"):format(cred.kind, cred.username or "-", cred.password or cred.token)
end

-- Searches with these variables alone; HOME is `home` by default.
local function find(name, env, opts)
  local all = { getenv = function(key) return env[key] end }
  for key, value in pairs(opts or {}) do all[key] = value end
  local cred, err = keyring.find(assert(reference.parse { name }), all)
  return plain(cred), err, cred
end

describe("the keyring", function()
  local home
  local nix_file = keyring.nix_file
  before_each(function()
    home = tmp.dir("home")
    keyring.nix_file = home .. "/nix-docker-credentials.txt"
  end)
  after_each(function() keyring.nix_file = nix_file end)

  local function env(more)
    local all = { HOME = home, XDG_RUNTIME_DIR = home .. "/run" }
    for key, value in pairs(more or {}) do all[key] = value end
    return all
  end

  it("is empty where nothing is", function()
    local cred, err = find("reg.example/a/b", env())
    assert.is_nil(cred)
    assert.is_nil(err)
    assert.is_nil(find("reg.example/a/b", {}))
  end)

  it("looks into every place, and the first that has an entry wins", function()
    -- Those of the n-th place and all behind it, so that every file that is named is there.
    local function variables(n)
      local one = n == 1 or nil
      return env { XDG_CONFIG_HOME = n <= 5 and home .. "/xdg" or nil,
        REGISTRY_AUTH_FILE = n <= 3 and home .. "/named" or nil,
        DOCKER_CONFIG = n <= 6 and home .. "/docker" or nil,
        NETRC = n <= 9 and home .. "/rc" or nil,
        NIX_BUILD_TOP = "/build", DOCKER_USER = one and "u1", DOCKER_PASS = one and "p" }
    end
    local paths = { false, "/flag", "/named", "/run/containers/auth.json",
      "/xdg/containers/auth.json", "/docker/config.json", "/.docker/config.json", "/.dockercfg",
      "/rc", "/.netrc" }
    for n = #paths, 1, -1 do
      local user = ("u%d"):format(n)
      local text = auths { ["reg.example"] = user .. ":p", ["other.example"] = "x:y" }
      if n == 8 then text = ('{"reg.example":{"auth":"%s"}}'):format(base64(user .. ":p")) end
      if n > 8 then text = ("machine reg.example login %s password p"):format(user) end
      if paths[n] then write(home .. paths[n], text) end
      local found, err, cred = find("reg.example/a/b", variables(n),
        { authfile = n < 3 and home .. "/flag" or nil })
      assert.equal(("basic %s p"):format(user), found, err)
      assert.equal(n == 1 and "$DOCKER_USER and $DOCKER_PASS" or home .. paths[n], cred.source)
    end
  end)

  it("looks on where a place has nothing for this registry", function()
    local other = auths { ["other.example"] = "x:y" }
    for _, path in ipairs { "/flag", "/run/containers/auth.json", "/.docker/config.json" } do
      write(home .. path, other)
    end
    write(home .. "/.dockercfg", "{}")
    write(home .. "/.netrc", "machine reg.example login u password p")
    assert.equal("basic u p", find("reg.example/a/b", env(), { authfile = home .. "/flag" }))
    assert.equal("basic x y", find("other.example/a", env()))
  end)

  it("takes ~/.config where XDG_CONFIG_HOME is not absolute", function()
    write(home .. "/.config/containers/auth.json", auths { ["reg.example"] = "u:p" })
    assert.equal("basic u p", find("reg.example/a", env()))
    assert.equal("basic u p", find("reg.example/a", env { XDG_CONFIG_HOME = "relative" }))
    assert.is_nil(find("reg.example/a", env { XDG_CONFIG_HOME = home .. "/none" }))
  end)

  it("takes what the environment says for any registry in a Nix build", function()
    local function build(variables)
      variables.NIX_BUILD_TOP = "/build"
      return variables
    end
    assert.equal("bearer - t", find("a.example/a", build { DOCKER_TOKEN = "t", DOCKER_USER = "u",
      DOCKER_PASS = "p" }))
    assert.equal("basic u p", find("debian", build { DOCKER_USER = "u", DOCKER_PASS = "p" }))
    for _, half in ipairs { { DOCKER_USER = "u" }, { DOCKER_PASS = "p" },
      { DOCKER_USER = "", DOCKER_PASS = "p" }, { DOCKER_TOKEN = "" } } do
      assert.is_nil(find("debian", build(half)))
    end
  end)

  it("hands no registry what the environment holds for another", function()
    tmp.write(keyring.nix_file, "DOCKER_TOKEN=t\n")
    for _, shell in ipairs { {}, { NIX_BUILD_TOP = "/run/shell", IN_NIX_SHELL = "impure" } } do
      for _, given in ipairs { { DOCKER_TOKEN = "t" }, { DOCKER_USER = "u", DOCKER_PASS = "p" },
        { DOCKER_CREDENTIALS = keyring.nix_file }, {} } do
        for name, value in pairs(shell) do given[name] = value end
        assert.is_nil(find("debian", given))
      end
    end
  end)

  describe("in a Nix build", function()
    local function build(more)
      local all = env(more)
      all.NIX_BUILD_TOP = "/build"
      return all
    end

    it("reads the file that was named, or else the machine's", function()
      local named = home .. "/named"
      tmp.write(keyring.nix_file, "DOCKER_USER=machine\nDOCKER_PASS=p\n")
      assert.equal("basic machine p", find("a.example/a", build()))
      tmp.write(named, "DOCKER_USER=named\nDOCKER_PASS=" .. SECRET .. "\n")
      local variables = { DOCKER_CREDENTIALS = named }
      local text, _, cred = find("a.example/a", build(variables))
      assert.equal("basic named " .. SECRET, text)
      assert.equal(named, cred.source)
      variables.DOCKER_TOKEN = "t"
      assert.equal("bearer - t", find("a.example/a", build(variables)))
      assert.is_nil(find("a.example/a", build(), { named_only = true }))
    end)

    it("reads its lines, whatever else is there", function()
      for text, want in pairs {
        ["DOCKER_PASS=p=\r\n\r\nDOCKER_USER=u\r\n"] = "basic u p=",
        ["# comment\nDOCKER_TOKEN=a=b\nDOCKER_USER=u\nDOCKER_PASS=p"] = "bearer - a=b",
        ["USERNAME=x\nDOCKER_USER=u\nDOCKER_PASS=p"] = "basic u p",
      } do
        tmp.write(keyring.nix_file, text)
        assert.equal(want, find("a.example/a", build()))
      end
    end)

    it("says what is wrong with it, and no secret", function()
      for _, text in ipairs { "", "DOCKER_USER=u\n", "DOCKER_PASS=" .. SECRET, "DOCKER_TOKEN=\n",
        "DOCKER_TOKEN=a " .. SECRET, "DOCKER_USER=\nDOCKER_PASS=" .. SECRET,
        ("DOCKER_PASS=" .. SECRET .. "\n"):rep(9000) } do
        tmp.write(keyring.nix_file, text)
        local cred, err = find("a.example/a", build())
        assert.is_nil(cred)
        assert.equal("usage", err.code)
        assert.matches(keyring.nix_file, err.message, 1, true)
        assert.not_matches(SECRET, err.message, 1, true)
      end
    end)

    it("wants it where it was named", function()
      local cred, err = find("a.example/a", build { DOCKER_CREDENTIALS = home .. "/none" })
      assert.is_nil(cred)
      assert.equal("io", err.code)
    end)
  end)

  it("wants a file that was named", function()
    for _, way in ipairs { { env(), { authfile = home .. "/none" } },
      { env { REGISTRY_AUTH_FILE = home .. "/none" } }, { env { NETRC = home .. "/none" } } } do
      local cred, err = find("reg.example/a", table.unpack(way))
      assert.is_nil(cred)
      assert.equal("io", err.code)
      assert.matches(home .. "/none: No such file", err.message, 1, true)
    end
  end)

  it("passes over what is not there, wherever that is", function()
    assert.is_nil(find("reg.example/a", { HOME = "/dev/null", DOCKER_CONFIG = "/dev/null/x" }))
    assert.is_nil(find("reg.example/a", { HOME = "/nonexistent",
      XDG_RUNTIME_DIR = "/nonexistent" }))
  end)

  it("knows a netrc's hosts without their ports", function()
    write(home .. "/.netrc", "machine reg.example:5000 login port password p\n" ..
      "machine reg.example login any password p\nmachine index.docker.io login hub password p\n")
    assert.equal("basic port p", find("reg.example:5000/a", env()))
    assert.equal("basic any p", find("reg.example:6000/a", env()))
    assert.equal("basic any p", find("reg.example/a", env()))
    assert.equal("basic hub p", find("debian", env()))
    assert.is_nil(find("other.example/a", env()))
  end)

  it("raises for options that there are none of", function()
    local ref = assert(reference.parse { "debian" })
    assert.error_matches(function() keyring.find(ref, { file = "x" }) end, "unknown option 'file'")
    assert.error_matches(function() keyring.find(ref, { authfile = 1 }) end, "must be a string")
  end)
end)

describe("an authfile", function()
  local function look(text, name)
    local path = tmp.file(text)
    local ref = assert(reference.parse { name or "reg.example/team/app" })
    local cred, err = authfile.find(path, ref.host, ref.path)
    return plain(cred), err, path
  end

  -- key, the image's name, whether it is the image's
  local keys = {
    { "reg.example", "reg.example/a", true }, { "https://reg.example", "reg.example/a", true },
    { "http://reg.example/", "reg.example/a", true }, { "REG.Example", "reg.example/a", true },
    { "https://reg.example/v1/", "reg.example/a", true }, { "reg.example/", "reg.example/a", true },
    { "https://reg.example/v2", "reg.example/a", true },
    { "reg.example/v2/", "reg.example/a", true },
    { "reg.example:443", "reg.example/a", false }, { "reg.example", "reg.example:443/a", false },
    { "reg.example:5000", "reg.example:5000/a", true }, { "reg.example/a", "reg.example/a", true },
    { "reg.example/a", "reg.example/ab", false }, { "reg.example/a", "reg.example/a/b", true },
    { "reg.example/v2", "reg.example/a", false }, { "reg.example/v2", "reg.example/v2/a", true },
    { "reg.example/A", "reg.example/a", false }, { "example", "reg.example/a", false },
    { "reg.example", "sub.reg.example/a", false },
    { "https://index.docker.io/v1/", "debian", true },
    { "docker.io", "debian", true }, { "index.docker.io", "debian", true },
    { "registry-1.docker.io", "debian", true }, { "docker.io/library", "debian", true },
    { "docker.io/me", "debian", false }, { "hub.docker.com", "debian", false },
    { "[::1]:5000", "[::1]:5000/a", true }, { "", "reg.example/a", false },
  }
  for _, case in ipairs(keys) do
    local verb = case[3] and "takes" or "does not take"
    it(("%s '%s' for %s"):format(verb, case[1], case[2]), function()
      assert.equal(case[3] and "basic u p" or nil, look(auths { [case[1]] = "u:p" }, case[2]))
    end)
  end

  it("prefers the longest path", function()
    local all = { ["reg.example"] = "host:p", ["reg.example/team"] = "team:p",
      ["reg.example/team/app"] = "app:p" }
    assert.equal("basic app p", look(auths(all)))
    assert.equal("basic app p", look(auths(all), "reg.example/team/app/sub"))
    assert.equal("basic team p", look(auths(all), "reg.example/team/other"))
    assert.equal("basic host p", look(auths(all), "reg.example/else"))
  end)

  -- entry, what it gives
  local function auth(text) return ('{"auth":"%s"}'):format(base64(text)) end
  local entries = {
    ["a password with colons"] = { auth("u:p:q::"), "basic u p:q::" },
    ["a password that ends in NULs"] = { auth("u:p\0\0\0"), "basic u p" },
    ["UTF-8"] = { auth("ü:é"), "basic ü é" },
    ["username and password"] = { '{"username":"u","password":"p"}', "basic u p" },
    ["all three"] = { ('{"auth":"%s","username":"x","password":"y"}'):format(base64("u:p")),
      "basic u p" },
    ["an identity token"] = { '{"identitytoken":"i"}', "identity - i" },
    ["an identity token and a user"] = { ('{"auth":"%s","identitytoken":"i"}'):format(base64("u:")),
      "identity u i" },
    ["a registry token"] = { '{"registrytoken":"r","auth":"?"}', "bearer - r" },
    ["nothing"] = { "{}", nil },
    ["empty strings"] = { '{"auth":"","username":"","identitytoken":""}', nil },
    ["nulls"] = { '{"auth":null,"identitytoken":null}', nil },
    ["an e-mail address"] = { ('{"auth":"%s","email":[1]}'):format(base64("u:p")), "basic u p" },
  }
  for what, case in pairs(entries) do
    it("reads an entry of " .. what, function()
      local found, err = look(('{"auths":{"reg.example":%s}}'):format(case[1]))
      assert.equal(case[2], found, err)
      assert.is_nil(err)
    end)
  end

  it("takes another key of the same registry where one is empty", function()
    assert.equal("basic u p", look(('{"auths":{"https://index.docker.io/v1/":%s,"docker.io":{}}}')
      :format(auth("u:p")), "debian"))
  end)

  for _, text in ipairs { "", " \n", "{}", '{"auths":{}}', '{"auths":null,"credsStore":""}',
    '{"credHelpers":{}}', '{"HttpHeaders":7,"psFormat":[],"auths":{"other":7}}' } do
    it(("may be %q"):format(text), function()
      local found, err = look(text)
      assert.is_nil(found)
      assert.is_nil(err)
    end)
  end

  -- text, part of the message
  local function entry(text) return ('{"auths":{"reg.example":%s}}'):format(text) end
  local wrong = {
    ["no JSON"] = { "s3cret", "not valid JSON" }, ["a list"] = { "[]", "no JSON object" },
    ["a word"] = { '"s3cret"', "no JSON object" },
    ["auths of a list"] = { '{"auths":[1]}', "auths" },
    ["a helper of a number"] = { '{"credHelpers":{"reg.example":7}}',
      "credHelpers: 'reg.example'" },
    ["helpers of a word"] = { '{"credHelpers":"x"}', "'credHelpers'" },
    ["a store of a list"] = { '{"credsStore":["x"]}', "'credsStore'" },
    ["an entry of a word"] = { entry '"s3cret"', "the entry of reg.example" },
    ["no base 64"] = { entry '{"auth":"s3cret!"}', "base 64" },
    ["base 64 cut short"] = { entry '{"auth":"czNjcmV0OjE"}', "base 64" },
    ["base 64 without a colon"] = { entry(auth("s3cret")), "base 64" },
    ["a number as auth"] = { entry '{"auth":7}', "'auth'" },
    ["no user"] = { entry(auth(":s3cret")), "user name is empty" },
    ["no password"] = { entry(auth("u:")), "password is empty" },
    ["a token with a blank"] = { entry '{"identitytoken":"s3cret x"}', "token has a space" },
    ["a key twice"] = { '{"auths":{},"auths":{}}', "twice" },
    ["a helper of a path"] = { '{"credsStore":"../s3/x"}', "no name of a credential helper" },
    ["a helper of a folder"] = { '{"credHelpers":{"reg.example":"/bin/sh"}}', "no name of a" },
    ["a helper with a blank"] = { '{"credsStore":"a b"}', "no name of a" },
    ["far too much"] = { (" "):rep(2 << 20), "more than" },
  }
  for what, case in pairs(wrong) do
    it("of " .. what .. " is an error that names it, and no secret", function()
      local found, err, path = look(case[1])
      assert.is_nil(found)
      assert.equal("usage", err.code)
      assert.matches(path, err.message, 1, true)
      assert.matches(case[2], err.message, 1, true)
      assert.not_matches("s3cret", err.message, 1, true)
    end)
  end
end)

-- --- with programs ---------------------------------------------------------------------------

describe("a credential helper", function()
  local img = image.build()
  local server, bin

  lazy_setup(function()
    server = faulty.start { routes = { ["*"] = {
      { when = { authorization = "." }, body = img.oci.bytes,
        headers = { ["Content-Type"] = img.oci.media_type } },
      { status = 401, headers = { ["WWW-Authenticate"] = 'Basic realm="x"' } },
    } } }
    bin = tmp.dir("bin")
  end)
  lazy_teardown(function() server:stop() end)
  before_each(function() server:forget() end)

  local function helper(name, script)
    local path = bin .. "/docker-credential-" .. name
    tmp.write(path, "#!/bin/sh\n" .. script)
    process.check { "chmod", "+x", path }
  end

  -- The command's words and environment, with a config.json of this text.
  local function command(text, more)
    local path = tmp.file((text:gsub("HOST", server:host())), "config.json")
    local env = { PATH = bin .. ":" .. os.getenv("PATH") }
    for name, value in pairs(more or {}) do env[name] = value end
    return { "--registry", server:url(), "demo/app", "v1", "--authfile", path }, { env = env }, path
  end

  local function sent()
    local list = {}
    for _, request in ipairs(server:requests()) do
      list[#list + 1] = request.headers.authorization
    end
    return list
  end

  local ANSWER = [[cat >"$SEEN"; echo "$@" >>"$SEEN"
    printf '{"ServerURL":"x","Username":"alice","Secret":"s3cret:with=all%%the\\\\rest"}']]

  for what, case in pairs {
    ["of one registry"] = { '{"credHelpers":{"HOST":"spec"}}', "HOST" },
    ["of one registry, by an odd key,"] = {
      '{"credHelpers":{"https://HOST/v2/":"spec"}}', "https://HOST/v2/" },
    ["of all"] = { '{"credsStore":"spec"}', "HOST" },
    ["of all, for an entry that is empty,"] = {
      '{"auths":{"https://HOST":{}},"credsStore":"spec"}', "https://HOST" },
    ["of one rather than that of all"] = {
      '{"credHelpers":{"HOST":"spec"},"credsStore":"none"}', "HOST" },
    ["before an entry"] = { '{"credHelpers":{"HOST":"spec"},"auths":{"HOST":{"auth":"eDp5"}}}',
      "HOST" },
  } do
    it(what .. " is asked", function()
      local seen = tmp.path("seen")
      helper("spec", ANSWER)
      local words, opts = command(case[1], { SEEN = seen })
      assert.equal(img.oci.bytes, program.check("hocker-manifest", words, opts))
      assert.same({ "Basic " .. base64("alice:" .. SECRET) }, sent())
      assert.equal(case[2]:gsub("HOST", server:host()) .. "get\n", tmp.read(seen))
    end)
  end

  it("is waited for by a program whose parent ignores children", function()
    helper("spec", ANSWER)
    local words, opts = command('{"credsStore":"spec"}', { SEEN = tmp.path("seen") })
    local argv
    argv, opts = program.command("hocker-manifest", words, opts)
    assert.equal(img.oci.bytes, process.check(table.move(argv, 1, #argv, 5,
      { "sh", "-c", 'trap "" CHLD && exec "$@"', "sh" }), opts))
  end)

  it("of all is not asked for an entry with a password", function()
    local words, opts = command('{"credsStore":"none","auths":{"HOST":{"auth":"eDp5"}}}')
    program.check("hocker-manifest", words, opts)
    assert.same({ "Basic eDp5" }, sent())
  end)

  it("of all is asked for Docker Hub by the name that docker has for it", function()
    local seen = tmp.path("seen")
    helper("hub", 'cat >"$SEEN"; echo "credentials not found in native keychain"; exit 1')
    local _, opts, path = command('{"credsStore":"hub"}', { SEEN = seen,
      https_proxy = "http://127.0.0.1:9" })
    program.refuses(6, "hocker-manifest", { "debian", "--retries", "0", "--authfile", path }, opts)
    assert.equal("https://index.docker.io/v1/", tmp.read(seen))
  end)

  it("that has none leaves it to the next place", function()
    helper("empty", 'cat >/dev/null; echo "credentials not found in native keychain"; exit 1')
    local netrc = tmp.file("machine 127.0.0.1 login me password pw")
    local words, opts = command('{"credsStore":"empty"}', { NETRC = netrc })
    program.check("hocker-manifest", words, opts)
    assert.same({ "Basic " .. base64("me:pw") }, sent())
  end)

  -- script, exit code, part of the message
  local wrong = {
    ["is not installed"] = { nil, 7, "is not installed" },
    ["fails"] = { 'echo "no \27[31mkey" >&2; exit 3', 4, "(exit status 3): no \\x1b[31mkey" },
    ["fails and says why on standard output"] = { "echo locked; exit 1", 4, "locked" },
    ["fails with a secret on its lips"] = { [[echo '{"Secret":"s3cret"'; exit 1]], 4, "status 1)" },
    ["dies"] = { "kill -SEGV $$", 4, "exit status 139" },
    ["says nothing"] = { "exit 0", 4, "no answer" },
    ["says something else"] = { "echo s3cret", 4, "no answer" },
    ["says half of it"] = { [[echo '{"Username":"s3cret"}']], 4, "no answer" },
    ["gives no user"] = { [[echo '{"Username":"","Secret":"s3cret"}']], 2, "user name is empty" },
    ["says far too much"] = { "while :; do echo s3crets3crets3crets3cret; done", 4, "more than" },
  }
  for what, case in pairs(wrong) do
    it("that " .. what .. " is an error, and nothing is asked", function()
      os.remove(bin .. "/docker-credential-wrong")
      if case[1] then helper("wrong", case[1]) end
      local words, opts, path = command('{"credsStore":"wrong"}')
      local line = program.refuses(case[2], "hocker-manifest", words, opts)
      assert.matches("docker-credential-wrong", line, 1, true)
      assert.matches(path, line, 1, true)
      assert.matches(case[3], line, 1, true)
      assert.not_matches("s3cret", line, 1, true)
      assert.same({}, server:requests())
    end)
  end

  it("is never looked for in the working directory", function()
    helper("near", ANSWER)
    local words, opts = command('{"credsStore":"near"}', { PATH = ".::" .. os.getenv("PATH") })
    opts.cwd = bin
    assert.matches("is not installed", program.refuses(7, "hocker-manifest", words, opts), 1, true)
  end)

  it("that hangs ends with the program", function()
    local pid = tmp.path("pid")
    helper("slow", ('echo $$ >%s.new; mv %s.new %s; sleep 1000; :'):format(pid, pid, pid))
    local words, opts = command('{"credsStore":"slow"}')
    local child = program.spawn("hocker-manifest", words, opts)
    process.eventually(function() return tmp.exists(pid) end, "the helper's start")
    child:kill("INT")
    assert.equal(130, child:wait(10).code)
    assert.is_false(tmp.exists("/proc/" .. tmp.read(pid):match("%d+") .. "/exe") and
      process.run({ "kill", "-0", tmp.read(pid):match("%d+") }).code == 0)
  end)
end)

describe("what other programs' logins leave", function()
  local ca = certs.shared()
  local reg, bytes

  lazy_setup(function()
    reg = registry.start { auth = "htpasswd", users = { alice = SECRET }, tls = ca:server() }
    bytes = image.build():push(reg, "team/app", "v1", { user = "alice:" .. SECRET }).bytes
  end)
  lazy_teardown(function() reg:stop() end)

  local function fetch(env, ...)
    local out = program.check("hocker-manifest",
      { reg:host() .. "/team/app:v1", "--cacert", ca.cert, ... }, { env = env })
    assert.equal(bytes, out)
  end

  local function login(env, where, ...)
    process.check({ "skopeo", "login", "--tls-verify=false", "--username=alice", "--password-stdin",
      where, ... }, { stdin = SECRET, env = env })
  end

  it("by skopeo, in a file of a name", function()
    local path = tmp.path("auth.json")
    login({ HOME = tmp.dir() }, reg:host(), "--authfile=" .. path)
    fetch({}, "--authfile", path)
    fetch { REGISTRY_AUTH_FILE = path }
  end)

  it("by skopeo, for a part of a registry", function()
    local path = tmp.path("auth.json")
    login({ HOME = tmp.dir() }, reg:host() .. "/team", "--authfile=" .. path)
    assert.matches("/team", tmp.read(path), 1, true)
    fetch({}, "--authfile", path)
    local line = program.refuses(4, "hocker-manifest", { reg:host() .. "/else/app:v1", "--cacert",
      ca.cert, "--authfile", path })
    assert.matches("--authfile", line, 1, true)
  end)

  it("by skopeo, where it keeps them", function()
    local env = { HOME = tmp.dir("home"), XDG_RUNTIME_DIR = tmp.dir("run"),
      REGISTRY_AUTH_FILE = false }
    login(env, reg:host())
    assert.is_true(tmp.exists(env.XDG_RUNTIME_DIR .. "/containers/auth.json"))
    fetch(env)
  end)

  it("by docker", function()
    clients.need(clients.docker)
    local docker = clients.docker.start()
    local plain_reg = registry.start { auth = "htpasswd", users = { alice = SECRET },
      root = reg.root }
    finally(function()
      plain_reg:stop()
      docker:stop()
    end)
    local result = docker:run({ "login", "--username", "alice", "--password-stdin",
      plain_reg:host() }, { stdin = SECRET })
    assert.equal(0, result.code, result.stderr)
    local out = program.check("hocker-manifest",
      { "--registry", plain_reg:url(), "team/app", "v1" }, { env = { DOCKER_CONFIG = docker.dir } })
    assert.equal(bytes, out)
  end)

  it("is told with -v, without the secret", function()
    local path = tmp.path("auth.json")
    login({ HOME = tmp.dir() }, reg:host(), "--authfile=" .. path)
    local result = program.run("hocker-manifest", { reg:host() .. "/team/app:v1", "--cacert",
      ca.cert, "--authfile", path, "-v" })
    assert.matches(("using user 'alice' (%s)"):format(path), result.stderr, 1, true)
    assert.not_matches(SECRET, result.stderr, 1, true)
    assert.not_matches(base64("alice:" .. SECRET), result.stderr, 1, true)
  end)
end)
