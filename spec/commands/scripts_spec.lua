--- Commands of the user, and what tells of them: hocker which, paths, commands.

local image = require "support.image"
local lfs = require "lfs"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local scripts = require "support.scripts"
local tmp = require "support.tmp"

local BUNDLED = { "commands", "config", "docker2nix", "image", "layer", "lock", "manifest",
  "paths", "repl", "run", "settings", "tags", "which" }

-- The line of a command `hocker NAME` that has to fail.
local function refuses(code, words, opts)
  local result = program.run("hocker", words, opts)
  assert.equal(code, result.code, result.stderr)
  return program.line(result, "hocker " .. words[1])
end

local function with(dir, more)
  local env = { HOCKER_PATH = dir }
  for name, value in pairs(more or {}) do env[name] = value end
  return { env = env }
end

describe("a command of the user", function()
  it("is one of hocker", function()
    local dir = scripts.folder { ["commands/pin.lua"] = scripts.command("pinned") }
    assert.equal("pinned\n", program.check("hocker", { "pin" }, with(dir)))
    assert.matches("^Usage: hocker pin .*says pinned.*%-%-scripts DIR", program.check("hocker",
      { "pin", "--help" }, with(dir)))
    assert.matches("\n   pin          says pinned\n",
      program.check("hocker", { "--help" }, with(dir)))
  end)

  it("is found by --scripts, before and behind its name", function()
    local dir = scripts.folder { ["commands/pin.lua"] = scripts.command("first") }
    local other = scripts.folder { ["commands/pin.lua"] = scripts.command("second"),
      ["commands/more.lua"] = scripts.command("more") }
    for _, words in ipairs { { "--scripts", dir, "pin" }, { "pin", "--scripts=" .. dir },
      { "--scripts", dir, "pin", "--scripts", other } } do
      assert.equal("first\n", program.check("hocker", words, with(other)))
    end
    local both = { "more", "--scripts", dir, "--scripts", other }
    assert.equal("more\n", program.check("hocker", both))
    program.refuses(2, "hocker", { "pin", "--scripts", dir, "--no-user-scripts" }, with(other))
    program.refuses(2, "hocker", { "--no-user-scripts", "pin" }, with(other))
    program.refuses(2, "hocker", { "pin" }, with(other, { HOCKER_NO_USER_SCRIPTS = "1" }))
    program.refuses(2, "hocker", { "pin" }, with(other, { HOCKER_NO_USER_SCRIPTS = "maybe" }))
  end)

  it("may have commands of its own", function()
    local dir = scripts.folder { ["commands/two.lua"] = [[
      local function run(ctx, args) ctx.out:write(args.retries, "\n") return true end
      local args = { { names = "--retries", value = "N", default = "3", help = "how often" } }
      return { summary = "does two things", commands = {
        { name = "one", summary = "does one", args = args, run = run },
        { name = "none", summary = "says no", run = function() return false end },
      } }]], ["config.lua"] = "return { commands = { two = { retries = 7 } } }" }
    assert.matches("\n   none         says no\n",
      program.check("hocker", { "two", "--help" }, with(dir)))
    assert.equal("7\n", program.check("hocker", { "two", "one" }, with(dir)))
    assert.equal("8\n", program.check("hocker", { "two", "one" },
      with(dir, { HOCKER_RETRIES = "8" })))
    assert.equal("9\n", program.check("hocker", { "two", "one", "--retries=9" }, with(dir)))
    assert.equal(1, program.run("hocker", { "two", "none" }, with(dir)).code)
    refuses(2, { "two", "three" }, with(dir))
  end)

  it("replaces what a link does", function()
    local dir = scripts.folder { ["commands/image.lua"] = scripts.command("mine"),
      ["commands/docker2nix.lua"] = scripts.command("mine too") }
    assert.equal("mine\n", program.check("hocker-image", {}, with(dir)))
    assert.equal("mine\n", program.check("hocker-image", { "--scripts", dir }))
    assert.equal("mine too\n", program.check("docker2nix", { "--scripts=" .. dir }))
    assert.matches("fetch whole images", program.check("hocker-image",
      { "--help", "--no-user-scripts" }, with(dir)))
  end)

  it("must be in a folder that is there, is absolute and is safe", function()
    local dir = scripts.folder { ["commands/pin.lua"] = scripts.command("pinned") }
    for _, folder in ipairs { ".", "commands", "", "../" .. dir:match("[^/]*$"), "~" } do
      local line = program.refuses(2, "hocker", { "--scripts", folder, "pin" }, { cwd = dir })
      assert.matches("--scripts needs an absolute path", line, 1, true)
    end
    assert.matches("there is no " .. dir .. "/none", program.refuses(2, "hocker",
      { "pin", "--scripts", dir .. "/none" }), 1, true)
    assert.matches("requires an argument", program.refuses(2, "hocker", { "pin", "--scripts" }),
      1, true)
    process.check { "chmod", "g+w", dir }
    assert.matches("can be written by others", program.refuses(8, "hocker",
      { "pin", "--scripts", dir }), 1, true)
  end)

  it("is not looked for in a relative folder, of which is warned", function()
    local dir = scripts.folder { ["commands/pin.lua"] = scripts.command("pinned") }
    local result = program.run("hocker", { "pin" }, { cwd = dir, env = { HOCKER_PATH = ".:" } })
    assert.equal(2, result.code)
    assert.matches("HOCKER_PATH: '.' is not an absolute path", result.stderr, 1, true)
    assert.matches("HOCKER_PATH: an empty folder name", result.stderr, 1, true)
    assert.matches("there is no command 'pin'", result.stderr, 1, true)
  end)

  it("has no name that leads elsewhere", function()
    local dir = scripts.folder { ["x.lua"] = scripts.command("no"), ["commands/y.lua"] = "" }
    for _, name in ipairs { "../x", "./x", dir .. "/x", "..", "y/../../x" } do
      program.refuses(2, "hocker", { name }, with(dir))
    end
  end)

  it("is asked for nothing that follows --", function()
    local dir = scripts.folder { ["commands/say.lua"] = [[return { summary = "says",
      args = { { words = "what", count = "*" } }, run = function(ctx, args)
        ctx.out:write(table.concat(args.what, " "), "\n")
        return true
      end }]] }
    assert.equal("--scripts x --no-user-scripts\n", program.check("hocker",
      { "say", "--", "--scripts", "x", "--no-user-scripts" }, with(dir)))
  end)

  it("may wrap the bundled one: its arguments, its output and its result", function()
    local reg = registry.start()
    finally(function() reg:stop() end)
    local img = image.build()
    local pushed = img:push(reg, "demo/app", "v1")
    local dir = scripts.folder { ["commands/manifest.lua"] = [[
      local core = require "hocker.core"
      local manifest = assert(require("hocker.scripts").bundled("commands/manifest"))
      local run = manifest.run
      manifest.run = function(ctx, args)
        local out, text = ctx.out, ""
        if args.image[1]:find("none") then args.image = { (args.image[1]:gsub("none", "v1")) } end
        ctx.out = { write = function(_, ...) text = text .. table.concat { ... } end }
        local ok, err = run(ctx, args)
        if not ok then return nil, core.error("refused", "mine: " .. err.message) end
        out:write(core.digest.of(text), "\n")
        return true
      end
      return manifest]] }
    local name = reg:host() .. "/demo/app:"
    for _, tag in ipairs { "v1", "none" } do
      assert.equal(pushed.digest .. "\n",
        program.check("hocker-manifest", { name .. tag }, with(dir)))
    end
    local line = program.refuses(8, "hocker-manifest", { name .. "missing" }, with(dir))
    assert.matches("^hocker%-manifest: mine: ", line)
  end)

  it("may have modules of its own, and those of the library replaced", function()
    local dir = scripts.folder {
      ["commands/x.lua"] = [[local own = require "hocker.my.own"
        return { summary = "x", run = function(ctx) ctx.out:write(own, "\n") return true end }]],
      ["hocker/my/own.lua"] = [[return "mine " .. require("hocker.platform").mark]],
      ["hocker/platform.lua"] = [[
        local platform = assert(require("hocker.scripts").bundled("hocker/platform"))
        platform.mark = "marked"
        return platform]],
    }
    assert.equal("mine marked\n", program.check("hocker", { "x" }, with(dir)))
  end)

  describe("that is broken", function()
    local dir = scripts.folder {
      ["commands/a.lua"] = "local x = 1\nx =", ["commands/b.lua"] = "\n\nerror('it fell over')",
      ["commands/c.lua"] = "return { run = print }", ["commands/d.lua"] = "return 42",
      ["commands/e.lua"] = string.dump(load("return 1")),
      ["commands/f.lua"] = "return { summary = 'f', run = print, args = { { names = 'f' } } }",
      ["commands/g.lua"] = "return { summary = 'g', commands = { { summary = 'h' } } }",
      ["commands/h.lua"] = [[return { summary = 'h', commands = {
        { name = 'i', summary = 'i' } } }]],
      ["commands/k.lua"] =
        "return { summary = 'k', run = print, args = { words = 'w', count = 'few' } }",
      ["commands/l.lua"] = "os.exit(0)", ["commands/m.lua"] = "while true do end",
      ["commands/n.lua"] = [[string.format, string.gsub, table.sort, require, print, pcall = nil
        getmetatable("").__index = nil setmetatable(_G, { __index = error }) x = nil + 1]],
      ["commands/o.lua"] = "error(setmetatable({}, { __index = error, __tostring = error }))",
      ["commands/p.lua"] = "error({ code = 'io', message = {} })",
      ["commands/q.lua"] = "local a = {} a[1] = a return { summary = 'q', run = print, args = a }",
      ["commands/r.lua"] = "return setmetatable({}, { __index = function() error 'oh' end })",
      ["commands/s.lua"] = "return { summary = 's', run = print, usage = {} }",
      ["commands/t.lua"] = [[return { summary = 't', run = print,
        args = { { names = '--n', value = 'N', default = 3 } } }]],
      ["commands/good.lua"] = scripts.command("good"), ["commands/image.lua"] = "x =",
    }
    local faults = { a = "a.lua:2: unexpected symbol", b = "b.lua:3: it fell over",
      c = "c.lua: 'summary' must be a string", d = "d.lua: a command must return a table",
      e = "e.lua: it is bytecode", f = "f.lua: 'names' must be",
      g = "g.lua: a command has no 'name'", h = "h.lua: i: 'run' must be a function",
      k = "k.lua: w: 'count' must be", l = "l.lua:1: it calls os.exit",
      m = "m.lua:1: it takes too long", n = "n.lua:2: attempt to perform arithmetic",
      o = "o.lua:1: (error object", p = "p.lua:1: (error object",
      q = "q.lua: 'args' has too many lists", r = "r.lua:1: oh", s = "s.lua: 'usage' must be",
      t = "t.lua: --n: 'default' must be a string",
      image = "image.lua:1: " }

    for name, fault in pairs(faults) do
      it("says where: " .. name, function()
        local line = program.refuses(1, "hocker", { name }, with(dir))
        assert.matches(dir .. "/commands/" .. fault, line, 1, true)
      end)
    end

    it("harms no other", function()
      assert.equal("good\n", program.check("hocker", { "good" }, with(dir)))
      assert.matches("^hocker", program.check("hocker", { "--version" }, with(dir)))
      program.refuses(1, "hocker-image", { "--help" }, with(dir))
      assert.matches("^Usage", program.check("hocker-layer", { "--help" }, with(dir)))
      assert.matches("^Usage", program.check("hocker-image", { "--help", "--no-user-scripts" },
        with(dir)))
      for _, words in ipairs { { "--help" }, { "commands" } } do
        local text, stderr = program.check("hocker", words, with(dir))
        assert.equal("", stderr)
        for name, fault in pairs(faults) do
          assert.matches(("%-12s broken: %s/commands/%s"):format(name, dir, fault), text, 1, true)
        end
        for _, name in ipairs(BUNDLED) do
          if not faults[name] then assert.matches("\n *" .. name .. " +%l", text) end
        end
      end
    end)

    it("may be so as a module too", function()
      local modules = scripts.folder { ["hocker/json.lua"] = "x =" }
      assert.matches("hocker/json.lua:1: unexpected", program.refuses(1, "hocker-manifest", { "x" },
        with(modules)), 1, true)
      assert.matches("^hocker ", program.check("hocker", { "--version" }, with(modules)))
    end)

    -- How a command ends whose function is this.
    local function ends(text)
      local one = scripts.folder { ["commands/x.lua"] =
        ("return { summary = 'x', run = function(ctx) %s end }"):format(text) }
      return program.run("hocker", { "x" }, with(one))
    end

    local endings = {
      ["return nil, 'a reason'"] = { 1, "a reason" },
      ["return false, 'a reason'"] = { 1, "a reason" },
      ["return nil, { code = 'io', message = 'full' }"] = { 7, "full" },
      ["return nil, {}"] = { 1, "(error object is a table value)" },
      ["return nil, setmetatable({}, { __index = error })"] = { 1, "(error object is a table" },
      ["return nil"] = { 1, "without saying why" }, [""] = { 1, "without saying why" },
      ["return 256"] = { 2, "256, no exit code" }, ["return -1"] = { 2, "-1, no exit code" },
      ["return 'fine'"] = { 2, "it returned a string" },
      ["return {}"] = { 2, "it returned a table" },
      ["print, require, string, table, type = nil return nil, 'a reason'"] = { 1, "a reason" },
    }
    for text, case in pairs(endings) do
      it("when it runs, is told by what it returns: " .. text, function()
        local result = ends(text)
        assert.equal(case[1], result.code, result.stderr)
        assert.matches(case[2], program.line(result, "hocker x"), 1, true)
      end)
    end

    for text, why in pairs {
      ["error({})"] = "(error object is a table value)",
      ["error(setmetatable({}, { __tostring = error }))"] = "(error object is a table value)",
      ["getmetatable('').__index = nil error('oh')"] = "commands/x.lua:1: oh",
      ["debug, xpcall, string = nil error('oh')"] = "commands/x.lua:1: oh",
      ["local function f() return 1 + f() end f()"] = "commands/x.lua:1: stack overflow",
    } do
      it("when it runs, is told by what it raises: " .. text, function()
        local result = ends(text)
        assert.equal(1, result.code)
        assert.matches("^hocker x: [^\n]*" .. why:gsub("%p", "%%%0") .. "[^\n]*\nstack traceback:",
          result.stderr)
        assert.matches("commands/x.lua:1: in ", result.stderr, 1, true)
      end)
    end

    -- Where somebody's Lua goes on forever.
    local endless = {
      command = { "x" },
      template = { "docker2nix", "--template", "DIR/x.lua", "--manifest", "DIR/m", "a", "b" },
      policy = { "tags", "--policy", "DIR/policy.lua", "127.0.0.1:1/a" },
      task = { "image", "--policy", "DIR/task.lua", "--out", "DIR/out", "127.0.0.1:1/a" },
    }
    for kind, words in pairs(endless) do
      for name, code in pairs { INT = 130, TERM = 143 } do
        it(("when it never ends, ends by SIG%s: a %s"):format(name, kind), function()
          local loop = "io.stderr:write 'started\\n' while true do end"
          local one = scripts.folder {
            ["commands/x.lua"] = ("return { summary = 'x', run = function() %s end }"):format(loop),
            ["x.lua"] = ("return function() %s end"):format(loop),
            ["policy.lua"] = ("return { resolve = function() %s end }"):format(loop),
            ["task.lua"] = ("return { request = function() %s end }"):format(loop),
            ["m"] = image.build().oci.bytes,
          }
          local argv = {}
          for i, word in ipairs(words) do argv[i] = word:gsub("DIR", one) end
          local child = program.spawn("hocker", argv, with(one))
          child:wait_for "started"
          child:kill(name)
          local result = child:wait()
          assert.equal(code, result.code)
          assert.matches("interrupted by signal", result.stderr, 1, true)
        end)
      end
    end

    it("when it runs, has a traceback", function()
      local falling = scripts.folder { ["commands/x.lua"] =
        "return { summary = 'x', run = function()\nerror('oh') end }" }
      local result = program.run("hocker", { "x" }, with(falling))
      assert.equal(1, result.code)
      assert.matches("commands/x.lua:2: oh\nstack traceback:", result.stderr, 1, true)
    end)
  end)
end)

describe("hocker which", function()
  it("prints the file that is used", function()
    local dir = scripts.folder { ["commands/image.lua"] = scripts.command("x"),
      ["templates/nix/mine.lua"] = "", ["hocker/json.lua"] = "return {}" }
    local image_path = dir .. "/commands/image.lua"
    for what, path in pairs { ["commands/image"] = image_path, image = image_path,
      ["templates/nix/mine"] = dir .. "/templates/nix/mine.lua",
      ["commands/layer"] = "hocker:/commands/layer.lua" } do
      assert.equal(path .. "\n", program.check("hocker", { "which", what }, with(dir)))
    end
    assert.equal("hocker:/commands/image.lua\n",
      program.check("hocker", { "which", "commands/image", "--no-user-scripts" }, with(dir)))
    process.check { "chmod", "o+w", dir .. "/templates" }
    refuses(8, { "which", "templates/nix/mine" }, with(dir))
  end)

  it("says that there is none, or that it is no name", function()
    for _, what in ipairs { "commands/none", "none", "policies/none", "hocker/none" } do
      assert.matches("there is no script", refuses(3, { "which", what }), 1, true)
    end
    for _, what in ipairs { "../x", "/etc/passwd", "commands/", "commands/image.lua", "",
      ("x"):rep(300), ("x/"):rep(3000) .. "x", "hocker..json", "a\nb" } do
      assert.matches("is not a script's name", refuses(2, { "which", what }), 1, true)
    end
    refuses(2, { "which" })
  end)

  it("has a hint for what is like a name, or one of another kind", function()
    for what, meant in pairs { allow = "policies/allow", fetchdocker = "templates/nix/fetchdocker",
      registry = "hocker/registry", imgae = "image", ["policies/alow"] = "allow",
      ["hocker.josn"] = "json" } do
      assert.matches(("; did you mean '%s'?"):format(meant), refuses(3, { "which", what }), 1, true)
    end
  end)

  it("takes the name of a module", function()
    assert.equal("hocker:/hocker/policy/hooks.lua\n",
      program.check("hocker", { "which", "hocker.policy.hooks" }))
  end)

  it("prints no file that is not used: what decides about scripts is never the user's", function()
    local files, names = {}, { "bundled", "command", "errors", "guard", "host", "init", "lazy",
      "log", "scripts", "core", "embedded" }
    for _, name in ipairs(names) do files["hocker/" .. name .. ".lua"] = "error 'loaded'" end
    local env = with(scripts.folder(files))
    for _, name in ipairs(names) do
      local result = program.run("hocker", { "which", "hocker/" .. name }, env)
      if name == "core" or name == "embedded" then assert.equal(3, result.code) -- they are C
      else assert.equal(("hocker:/hocker/%s.lua\n"):format(name), result.stdout) end
    end
    assert.equal("table\n", program.check("hocker", { "run", "-" }, { env = env.env,
      stdin = "require 'hocker.guard' print(type(require 'hocker'))" }))
  end)
end)

describe("what lies where we may not look", function()
  -- Runs hocker as somebody to whom modes matter.
  local function run(words, opts)
    local argv, copy = program.command("hocker", words, opts)
    if process.is_root() then
      argv = table.move(argv, 1, #argv, 4,
        { "setpriv", "--inh-caps=-all", "--bounding-set=-all" })
    end
    return process.run(argv, copy)
  end

  local function locked()
    local dir = scripts.folder { ["hocker/commands/x.lua"] = scripts.command("x") }
    process.check { "chmod", "000", dir .. "/hocker" }
    return dir
  end

  it("is an error, and not passed over", function()
    local opts = with(locked() .. "/hocker")
    for _, words in ipairs { { "x" }, { "image", "--help" }, { "config", "a" } } do
      local result = run(words, opts)
      assert.equal(7, result.code)
      assert.matches("/hocker/commands/%w+.lua: Permission denied$", program.line(result, "hocker"))
    end
    assert.equal(0, run({ "--no-user-scripts", "image", "--help" }, opts).code)
    local result = run({ "run", locked() .. "/hocker/commands/x.lua" })
    assert.matches("commands/x.lua: Permission denied", program.line(result, "hocker run"), 1, true)
  end)

  it("is not the user's: $HOME may be another's", function()
    local dir = locked()
    local result = run({ "paths" }, { env = { XDG_CONFIG_HOME = dir } })
    assert.matches("user +" .. dir:gsub("%p", "%%%0") .. "/hocker +refused: .*Permission denied\n",
      result.stdout)
    assert.equal(0, run({ "image", "--help" }, { env = { XDG_CONFIG_HOME = dir } }).code)
  end)
end)

describe("a set-user-ID program", function()
  -- Runs it, with rights that are not those of who runs it.
  local function run(words, opts)
    local dir = tmp.dir("setuid")
    process.check { "cp", program.path("hocker"), dir .. "/hocker" }
    process.check { "chown", "12345", dir .. "/hocker" }
    process.check { "chmod", "4755", dir .. "/hocker" }
    local argv, env = program.command("hocker", words, opts)
    argv[1] = dir .. "/hocker"
    return process.run(argv, env)
  end

  it("has no places but what comes with it", function()
    if not process.is_root() then pending("it needs root to be made") return end
    local result = run({ "paths" }, with("/tmp"))
    assert.equal("bundled", result.stdout:match("^%a+"), result.stderr)
    assert.equal(result.stdout, run({ "paths", "--scripts", "/nonexistent" }).stdout)
  end)

  it("runs nothing that its user names or writes", function()
    if not process.is_root() then pending("it needs root to be made") return end
    local dir = scripts.folder { ["x.lua"] = "print 'obeyed'" }
    process.check { "chmod", "go+x", dir, dir:match("^(.*)/") }
    for _, words in ipairs { { "run", dir .. "/x.lua" }, { "run", "-" }, { "repl" },
      { "docker2nix", "--template", dir .. "/x.lua", "a", "b" },
      { "manifest", "--policy", dir .. "/x.lua", "a" } } do
      local result = run(words, { stdin = "print 'obeyed'\n" })
      -- The search for leaks can't look into such a program, and says so by its code.
      assert.equal(program.sanitized and result.code or 8, result.code, result.stderr)
      assert.equal("", result.stdout)
      assert.matches("a program with more rights than its user", result.stderr)
    end
  end)
end)

describe("hocker paths", function()
  local function lines(words, opts)
    local list = {}
    for line in program.check("hocker", { "paths", table.unpack(words) }, opts):gmatch("[^\n]+") do
      list[#list + 1] = line
    end
    return list
  end

  it("prints the folders in order, and what is with each", function()
    local first, open = scripts.folder {}, scripts.folder {}
    process.check { "chmod", "o+w", open }
    local list = lines({ "--scripts", first },
      with(("rel:%s:/nonexistent/x"):format(open), { XDG_CONFIG_HOME = first }))
    local want = { "^%-%-scripts +%S+ +exists$", "^HOCKER_PATH +rel +refused: 'rel' is not an abs",
      "^HOCKER_PATH +%S+ +refused: .*can be written by others",
      "^HOCKER_PATH +/none.* does not exist$",
      "^user +" .. first:gsub("%-", "%%-") .. "/hocker +does not exist$", "^system +/etc/hocker +",
      "^share +%S+/share/hocker +", "^bundled " }
    assert.equal(#want, #list)
    for i, pattern in ipairs(want) do assert.matches(pattern, list[i]) end
  end)

  it("prints no others where only what is bundled is run", function()
    assert.equal(1, #lines({ "--no-user-scripts" }, with("/tmp")))
  end)

  it("has the share directory beside the program", function()
    local root = tmp.dir("installed")
    process.check { "mkdir", "-p", root .. "/bin", root .. "/share/hocker/commands" }
    process.check { "cp", program.path("hocker"), root .. "/bin/hocker" }
    tmp.write(root .. "/share/hocker/commands/shared.lua", scripts.command("shared"))
    process.check { "chmod", "-R", "go-w", root }
    local _, opts = program.command("hocker")
    assert.equal("shared\n", process.check({ root .. "/bin/hocker", "shared" }, opts))
    assert(lfs.link(root .. "/bin/hocker", root .. "/hocker", true))
    assert.equal("shared\n", process.check({ root .. "/hocker", "shared" }, opts))
  end)
end)
