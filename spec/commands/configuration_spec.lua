--- Options, mirrors and realms from config.lua and from the environment, and hocker settings.

local faulty = require "support.faulty"
local image = require "support.image"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local scripts = require "support.scripts"
local served = require "support.served"
local tmp = require "support.tmp"

--- A folder with this configuration.
local function config(text)
  return scripts.folder { ["config.lua"] = "return " .. text }
end

local function settings(opts, ...)
  return (program.check("hocker", { "settings", ... }, opts))
end

local function has_setting(text, name, value, from)
  for line in text:gmatch("[^\n]+") do
    local left, right = line:match("^(.-) +%-%- (.*)$")
    if left == ("%s = %s"):format(name, value) then
      assert.equal(from, right)
      return
    end
  end
  error(("no %s = %s in:\n%s"):format(name, value, text))
end

describe("an option", function()
  local near, far = config "{ options = { retries = 5 } }", config [[{ options = { retries = 6,
    connect_timeout = 0.5 }, commands = { image = { jobs = 2, format = "oci-archive" } } }]]
  local both = near .. ":" .. far

  it("is that of the command line, the environment, the nearest file, or built in", function()
    local path = far .. "/config.lua"
    local text = settings { env = { HOCKER_PATH = both, HOCKER_PROGRESS = "json" } }
    has_setting(text, "options.retries", "5", near .. "/config.lua")
    has_setting(text, "options.connect_timeout", "0.5", path)
    has_setting(text, "options.progress", '"json"', "HOCKER_PROGRESS")
    has_setting(text, "options.stall_timeout", "60", "built in")
    has_setting(text, "options.platform", "nil", "not set")
    has_setting(text, "commands.image.jobs", "2", path)
    has_setting(text, "commands.image.format", '"oci-archive"', path)
    text = settings { env = { HOCKER_PATH = both, HOCKER_JOBS = "4", HOCKER_RETRIES = "0" } }
    has_setting(text, "commands.image.jobs", "4", "HOCKER_JOBS")
    has_setting(text, "options.retries", "0", "HOCKER_RETRIES")
    assert.is_nil(text:find("password", 1, true))
  end)

  it("is that of the user before that of --no-user-scripts, which is none", function()
    local path = ".config/hocker/config.lua"
    local home = scripts.folder { [path] = "return { options = { retries = 9 } }" }
    local env = { HOME = home }
    has_setting(settings { env = env }, "options.retries", "9", home .. "/" .. path)
    has_setting(settings({ env = env }, "--no-user-scripts"), "options.retries", "3", "built in")
    has_setting(settings({ env = env }, "--scripts", near), "options.retries", "5",
      near .. "/config.lua")
  end)

  describe("of a fetch", function()
    local img, server

    lazy_setup(function()
      img = image.build()
      server = faulty.start { routes = served.routes(img) }
    end)
    lazy_teardown(function() server:stop() end)

    local function fetch(env, name, ...)
      return program.run(name, { "--registry", server:url(), "demo/app", "v1", ... }, { env = env })
    end

    it("is what is configured, unless the command line says otherwise", function()
      local dir, out = config [[{ commands = { image = { format = "oci-archive" } } }]], tmp.path()
      assert.equal(0, fetch({ HOCKER_PATH = dir }, "hocker-image", "--out", out).code)
      assert.matches("oci%-layout\n", process.check { "tar", "-tf", out })
      for _, more in ipairs { { env = { HOCKER_PATH = dir, HOCKER_FORMAT = "docker-archive" } },
        { env = { HOCKER_PATH = dir }, words = { "--format", "docker-archive" } } } do
        local result = fetch(more.env, "hocker-image", "--out", out, table.unpack(more.words or {}))
        assert.equal(0, result.code, result.stderr)
        assert.not_matches("oci%-layout\n", process.check { "tar", "-tf", out })
      end
    end)

    it("may be the registry", function()
      local opts = { env = { HOCKER_REGISTRY = server:url() } }
      assert.equal(img.oci.bytes, program.check("hocker-manifest", { "demo/app:v1" }, opts))
      local dir = config(("{ options = { registry = %q } }"):format(server:url()))
      opts = { env = { HOCKER_PATH = dir } }
      assert.equal(img.oci.bytes, program.check("hocker-manifest", { "demo/app:v1" }, opts))
    end)

    it("is a flag by 1 and 0, true and false", function()
      local dir = config "{ options = { verbose = true } }"
      assert.matches("GET ", fetch({ HOCKER_PATH = dir }, "hocker-manifest").stderr, 1, true)
      assert.matches("GET ", fetch({ HOCKER_VERBOSE = "1" }, "hocker-manifest").stderr, 1, true)
      local off = { { HOCKER_VERBOSE = "0", HOCKER_PATH = dir }, { HOCKER_VERBOSE = "" } }
      for _, env in ipairs(off) do
        assert.equal("", fetch(env, "hocker-manifest").stderr)
      end
    end)

    it("gives way to its opposite on the command line", function()
      assert.matches("GET ", fetch({ HOCKER_QUIET = "1" }, "hocker-manifest", "-v").stderr, 1, true)
      assert.equal("", fetch({ HOCKER_VERBOSE = "1" }, "hocker-manifest", "-q").stderr)
      local result = fetch({ HOCKER_PLATFORM = "linux/s390x" }, "hocker-manifest", "--index")
      assert.equal(0, result.code, result.stderr)
    end)

    it("that is a secret, or what it is for, is never taken from there", function()
      local result = fetch({ HOCKER_PASSWORD = "s3cret", HOCKER_INSECURE = "1" }, "hocker-manifest")
      assert.equal(img.oci.bytes, result.stdout)
      assert.matches("HOCKER_PASSWORD is not read", result.stderr, 1, true)
      assert.matches("HOCKER_INSECURE is not read", result.stderr, 1, true)
      assert.is_nil(result.stderr:find("s3cret", 1, true))
      local keys = { "password", "token", "username", "credentials_file", "insecure", "out" }
      for _, key in ipairs(keys) do
        result = fetch({ HOCKER_PATH = config(("{ options = { %s = 'x' } }"):format(key)) },
          "hocker-manifest")
        assert.equal(2, result.code)
        assert.matches(("'%s' is for the command line alone"):format(key), result.stderr, 1, true)
      end
    end)
  end)

  local wrong = {
    HOCKER_JOBS = { "0", "x" }, HOCKER_RETRIES = { "-1" }, HOCKER_FORMAT = { "zip" },
    HOCKER_PROGRESS = { "loud" }, HOCKER_VERBOSE = { "maybe" }, HOCKER_LAYERS = { "some" },
    HOCKER_REGISTRY = { "bare.example" }, HOCKER_MIRROR = { "https://a https://u:p@b", "a" },
    HOCKER_PLATFORM = { "a/b/c/d", "nothing" },
  }
  for name, values in pairs(wrong) do
    for _, value in ipairs(values) do
      it(("is refused, with its name: %s=%s"):format(name, value), function()
        local line = program.refuses(2, "hocker-image", { "localhost:1/a", "--out", tmp.path() },
          { env = { [name] = value } })
        assert.matches("hocker-image: " .. name .. ": ", line, 1, true)
      end)
    end
  end

  local broken = {
    ["{ options = { jobs = 0 } }"] = "jobs: it must be a whole number",
    ["{ options = { jobs = true } }"] = "jobs: it must be a string or a number",
    ["{ options = { quiet = 1 } }"] = "quiet: it must be true or false",
    ["{ options = { jbos = 1 } }"] = "there is no option 'jbos'; did you mean 'jobs'?",
    ["{ options = { ['connect-timeout'] = 1 } }"] = "did you mean 'connect_timeout'?",
    ["{ options = { mirror = { 'https://a' } } }"] = "'mirror' is set by 'mirrors'",
    ["{ commands = { image = { index = true } } }"] = "commands: image: there is no option 'index'",
    ["{ commands = { img = {} } }"] = "commands: img: there is no such command",
    ["{ commands = { imgae = {} } }"] = "no such command; did you mean 'image'?",
    ["{ commands = { ['../x'] = {} } }"] = "commands: ../x: there is no such command",
    ["{ options = { ['--jobs'] = 1 } }"] = "did you mean 'jobs'?",
    ["{ options = { scripts = '/x' } }"] = "'scripts' is for the command line alone",
    ["{ options = { registry = 'bare' } }"] = "registry: 'bare' has no scheme",
    ["{ options = { platform = '//' } }"] = "platform: '//' is not a platform",
    ["{ options = { cacert = 'a\\0b' } }"] = "it holds a text with a zero byte",
    ["{ mirrors = { ['docker.io'] = { 'https://a\\0b' } } }"] = "it holds a text with a zero byte",
    ["{ mirror = {} }"] = "there is no setting 'mirror'; did you mean 'mirrors'?",
    ["os.getenv('HOME')"] = "attempt to index a nil value (global 'os')",
    ["(function() while true do end end)()"] = "config.lua:1: it runs too long",
    ["{ 1"] = "config.lua:1: '}' expected near <eof>",
  }
  for text, why in pairs(broken) do
    it("is refused, with its file: " .. text, function()
      local dir = config(text)
      local line = program.refuses(2, "hocker-image", { "localhost:1/a", "--out", tmp.path() },
        { env = { HOCKER_PATH = dir } })
      assert.matches("hocker-image: " .. dir .. "/config.lua:", line, 1, true)
      assert.matches(why, line, 1, true)
      assert.equal(2, program.run("hocker", { "settings" }, { env = { HOCKER_PATH = dir } }).code)
    end)
  end

  it("of one command may stand among those of all", function()
    local dir = config "{ options = { format = 'oci-archive' } }"
    local result = program.run("hocker-manifest", { "localhost:1/a", "--retries", "0" },
      { env = { HOCKER_PATH = dir } })
    assert.equal(6, result.code, result.stderr)
    has_setting(settings { env = { HOCKER_PATH = dir } }, "commands.image.format", '"oci-archive"',
      dir .. "/config.lua")
  end)

  it("of all commands may be one that some have for their command line alone", function()
    local dir = config "{ options = { platform = 'linux/arm64' } }"
    has_setting(settings { env = { HOCKER_PATH = dir } }, "options.platform", '"linux/arm64"',
      dir .. "/config.lua")
    local result = program.run("hocker", { "lock", "list" }, { env = { HOCKER_PATH = dir },
      cwd = tmp.dir() })
    assert.matches("there is no such file", result.stderr, 1, true)
  end)

  it("of a command that is broken, or not safe, harms no other", function()
    local files = {
      ["commands/hi.lua"] = "syn tax",
      ["config.lua"] = [[return { options = { who = "Ada" }, commands = { hi = { whom = 1 } } }]],
    }
    local dir = scripts.folder(files)
    for _, mode in ipairs { "go-w", "g+w" } do
      process.check { "chmod", mode, dir .. "/commands/hi.lua" }
      local result = program.run("hocker-manifest", { "localhost:1/a", "--retries", "0" },
        { env = { HOCKER_PATH = dir } })
      assert.equal(6, result.code, result.stderr)
    end
    files["commands/hi.lua"] = scripts.command("hi")
    dir = scripts.folder(files)
    assert.matches("there is no option 'who'", program.refuses(2, "hocker-manifest",
      { "localhost:1/a" }, { env = { HOCKER_PATH = dir } }), 1, true)
  end)

  it("of a command of the user is set too", function()
    local dir = scripts.folder {
      ["config.lua"] = "return { commands = { hi = { who = 'Ada' } } }",
      ["commands/hi.lua"] = [[return { summary = "greets",
        args = { { names = "--who", value = "NAME", default = "you", help = "whom" } },
        run = function(ctx, args) ctx.out:write("hi ", args.who, "\n") return true end }]],
    }
    local env = { HOCKER_PATH = dir }
    assert.equal("hi Ada\n", program.check("hocker", { "hi" }, { env = env }))
    assert.equal("hi Bob\n", program.check("hocker", { "hi", "--who", "Bob" }, { env = env }))
    has_setting(settings { env = env }, "commands.hi.who", '"Ada"', dir .. "/config.lua")
    env.HOCKER_WHO = "Eve"
    assert.equal("hi Eve\n", program.check("hocker", { "hi" }, { env = env }))
  end)

  it("called path has no variable: HOCKER_PATH is another", function()
    local dir = scripts.folder { ["commands/hi.lua"] = [[return { summary = "greets",
      args = { { names = "--path", value = "PATH", default = "none", help = "where" } },
      run = function(ctx, args) ctx.out:write(args.path, "\n") return true end }]] }
    assert.equal("none\n", program.check("hocker", { "hi" }, { env = { HOCKER_PATH = dir } }))
  end)
end)

describe("hocker settings", function()
  -- What its lines say, read as Lua.
  local function read(text)
    local found = setmetatable({}, { __index = function(t, key)
      t[key] = setmetatable({}, getmetatable(t))
      return t[key]
    end })
    assert(load(text, "=settings", "t", found))()
    return found
  end

  local COMMAND = [[return { summary = "greets", args = {
    { names = "--who", value = "NAME", many = true, help = "whom" },
    { names = "--how", value = "TEXT", help = "how" },
  }, run = function() return true end }]]

  it("prints lines that a configuration could have, whatever is in them", function()
    local text = 'a\nb -- "c"\\\n\t\1\r\xc3\xa9'
    local dir = scripts.folder { ["commands/say-hi.lua"] = COMMAND, ["config.lua"] =
      ("return { commands = { ['say-hi'] = { how = %q, who = { 'x', %q } } } }"):format(text,
        text) }
    local found = read(settings { env = { HOCKER_PATH = dir } }).commands["say-hi"]
    assert.equal(text, found.how)
    assert.same({ "x", text }, found.who)
  end)

  it("prints a list that is the same for all commands once", function()
    local text = settings { env = { HOCKER_MIRROR = "https://a.example https://b.example" } }
    has_setting(text, "options.mirror", '{ "https://a.example", "https://b.example" }',
      "HOCKER_MIRROR")
    assert.equal(1, select(2, text:gsub("a%.example", "")))
  end)
end)

describe("a configuration", function()
  it("may begin with a byte order mark", function()
    local dir = scripts.folder {
      ["config.lua"] = "\xef\xbb\xbfreturn { options = { retries = 5 } }" }
    has_setting(settings { env = { HOCKER_PATH = dir } }, "options.retries", "5",
      dir .. "/config.lua")
  end)

  it("that others can write is refused, and nothing is done", function()
    local dir = config "{}"
    process.check { "chmod", "o+w", dir .. "/config.lua" }
    local line = program.refuses(8, "hocker-manifest", { "localhost:1/a" },
      { env = { HOCKER_PATH = dir } })
    assert.matches("can be written by others", line, 1, true)
  end)

  it("that is broken leaves help, the version and what tells of it", function()
    local env = { env = { HOCKER_PATH = config "{" } }
    for _, words in ipairs { { "--help" }, { "--version" }, { "image", "--help" }, { "paths" },
      { "commands" }, { "which", "image" } } do
      program.check("hocker", words, env)
    end
    local line = program.refuses(2, "hocker-manifest", { "localhost:1/a" }, env)
    assert.matches("config.lua:1: ", line, 1, true)
    assert.equal(6, program.run("hocker-manifest", { "localhost:1/a", "--no-user-scripts",
      "--retries", "0" }, env).code)
  end)

  it("of the current directory is none", function()
    local dir = config "{"
    program.check("hocker", { "settings" }, { cwd = dir })
  end)
end)

describe("a mirror in the configuration", function()
  local img, origin, mirror

  lazy_setup(function()
    img = image.build()
    origin, mirror = registry.start(), registry.start()
    img:push(origin, "demo/app", "v1")
    img:push(mirror, "demo/app", "v1")
  end)
  lazy_teardown(function()
    mirror:stop()
    origin:stop()
  end)

  local function asked(reg)
    local count = 0
    for _, request in ipairs(reg:requests()) do
      if request.agent:find("^hocker/") then count = count + 1 end
    end
    return count
  end

  -- Fetches the manifest, and tells which of the two were asked.
  local function fetch(text, env, ...)
    local before = { asked(origin), asked(mirror) }
    env = env or {}
    env.HOCKER_PATH = config(text:gsub("ORIGIN", origin:host()):gsub("MIRROR", mirror:url()))
    local words = { origin:host() .. "/demo/app:v1", ... }
    program.check("hocker-manifest", words, { env = env })
    return { asked(origin) > before[1], asked(mirror) > before[2] }
  end

  local ONLY_MIRROR, ONLY_ORIGIN = { false, true }, { true, false }

  it("is asked for images of its registry, or a part of it", function()
    assert.same(ONLY_MIRROR, fetch [[{ mirrors = { ["ORIGIN"] = { "MIRROR" } } }]])
    assert.same(ONLY_MIRROR, fetch [[{ mirrors = { ["ORIGIN/demo"] = { "MIRROR" } } }]])
    assert.same(ONLY_MIRROR, fetch [[{ mirrors = { ["ORIGIN/demo/app"] = { "MIRROR" },
      ["ORIGIN"] = { "http://127.0.0.1:1" } } }]])
  end)

  it("is not asked for others", function()
    assert.same(ONLY_ORIGIN, fetch [[{ mirrors = { ["docker.io"] = { "MIRROR" },
      ["ORIGIN/dem"] = { "MIRROR" }, ["ORIGIN/demo/app/x"] = { "MIRROR" } } }]])
    assert.same(ONLY_ORIGIN, fetch [[{ mirrors = { ["ORIGIN"] = { "MIRROR" },
      ["ORIGIN/demo"] = {} } }]])
  end)

  it("gives way to --mirror, and to none", function()
    local text = [[{ mirrors = { ["ORIGIN"] = { "http://127.0.0.1:1" } } }]]
    assert.same(ONLY_MIRROR, fetch(text, {}, "--mirror", mirror:url()))
    assert.same(ONLY_MIRROR, fetch(text, { HOCKER_MIRROR = mirror:url() }))
    text = [[{ mirrors = { ["ORIGIN"] = { "MIRROR" } } }]]
    assert.same(ONLY_ORIGIN, fetch(text, {}, "--mirror="))
    assert.same(ONLY_ORIGIN, fetch(text, {}, "--no-user-scripts"))
  end)

  it("is passed over when it fails", function()
    assert.same({ true, false }, fetch [[{ mirrors = { ["ORIGIN"] = { "http://127.0.0.1:1" } } }]])
  end)

  it("has the credentials that are kept for it, and no others", function()
    local document = served.document(img.oci)
    local guarded = faulty.start { routes = { [served.manifest()] = { document } } }
    finally(function() guarded:stop() end)
    document.when = { authorization = "^Basic bWlycm9yOnNlY3JldA==$" }
    guarded:set { [served.manifest()] = { document,
      { status = 401, headers = { ["WWW-Authenticate"] = 'Basic realm="x"' } } } }
    local auth = tmp.file(('{"auths":{"%s":{"auth":"%s"},"%s":{"auth":"%s"}}}'):format(
      guarded:host(), "bWlycm9yOnNlY3JldA==", origin:host(), "b3JpZ2luOnNlY3JldA=="))
    local text = ([[{ mirrors = { ["ORIGIN"] = { "%s" } } }]]):format(guarded:url())
    fetch(text, {}, "--authfile", auth)
    local seen = {}
    for _, request in ipairs(guarded:requests()) do
      seen[#seen + 1] = request.headers.authorization
    end
    assert.same({ "Basic bWlycm9yOnNlY3JldA==" }, seen)
  end)

  it("may be docker-registry as a proxy", function()
    local cache = registry.start { proxy = origin:url() }
    finally(function() cache:stop() end)
    local before, out = asked(origin), tmp.path()
    local dir = config(("{ mirrors = { [%q] = { %q } } }"):format(origin:host(), cache:url()))
    program.check("hocker-image", { origin:host() .. "/demo/app:v1", "--out", out },
      { env = { HOCKER_PATH = dir } })
    assert.is_true(tmp.exists(out))
    assert.equal(before, asked(origin))
  end)
end)
