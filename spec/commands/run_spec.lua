--- hocker run: a user's script, with the library.

local image = require "support.image"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local scripts = require "support.scripts"
local tmp = require "support.tmp"

local function file(text)
  return scripts.folder { ["script.lua"] = text } .. "/script.lua"
end

local function run(text, ...)
  return program.run("hocker", { "run", file(text), ... })
end

describe("hocker run", function()
  it("gives a script its arguments, whatever they are", function()
    local path = file [[print(arg[0], #arg, ...) return arg[1] == select(1, ...)]]
    assert.equal(path .. "\t3\t--help\t-v\t--\n",
      program.check("hocker", { "run", path, "--help", "-v", "--" }))
    assert.equal(path .. "\t2\t--scripts\t/none\n",
      program.check("hocker", { "run", "-q", "--", path, "--scripts", "/none" }))
    assert.equal(path .. "\t0\n", program.check("hocker", { "run", path }))
  end)

  it("runs a file by its first line", function()
    local path = file("#!/usr/bin/env -S hocker run\nprint(...)\n")
    process.check { "chmod", "755", path }
    local _, opts = program.command("hocker")
    opts.env.PATH = program.path("hocker"):match("^(.*)/") .. ":" .. os.getenv("PATH")
    assert.equal("-x\ty\n", process.check({ path, "-x", "y" }, opts))
  end)

  it("reads a script on standard input", function()
    assert.equal("a\tb\n", program.check("hocker", { "run", "-", "a", "b" },
      { stdin = "print(...)" }))
    assert.equal("", program.check("hocker", { "run", "-" }, { stdin = "" }))
    assert.matches("standard input: .*1 MiB", program.line(program.run("hocker", { "run", "-" },
      { stdin = ("-"):rep((1 << 20) + 1) }), "hocker run"))
  end)

  it("ends as the script says", function()
    for text, code in pairs { [""] = 0, ["return true"] = 0, ["return false"] = 1,
      ["return 42"] = 42, ["return 0"] = 0, ["os.exit(9)"] = 9 } do
      local result = run(text)
      assert.equal(code, result.code, text)
      assert.equal("", result.stderr)
    end
    for text, case in pairs {
      ["return nil, 'the reason'"] = { 1, "the reason" },
      ["return nil"] = { 1, "without saying why" },
      ["return 256"] = { 2, "256, no exit code" },
      ["return {}"] = { 2, "returned a table" },
      ["return nil, require('hocker.core').error('refused', 'not that')"] = { 8, "not that" },
      ["assert(require('hocker').open 'Not Valid')"] = { 2, "capital letters" },
      ["assert(nil, require('hocker.core').error('network', 'gone'))"] = { 6, "gone" },
      ["local x = = 1"] = { 1, "script.lua:1: unexpected symbol" },
      ["\27Lua"] = { 1, "bytecode" },
    } do
      local result = run(text)
      assert.equal(case[1], result.code, text .. result.stderr)
      assert.matches(case[2], program.line(result, "hocker run"), 1, true)
    end
  end)

  it("tells where a script raised", function()
    local result = run("local function f()\n  error('boom')\nend\nf()\n")
    assert.equal(1, result.code)
    assert.matches("^hocker run: %S+script.lua:2: boom\nstack traceback:\n", result.stderr)
    assert.matches("script.lua:4: in ", result.stderr, 1, true)
    assert.equal("", result.stdout)
  end)

  it("obeys only what nobody else can have written", function()
    local path = file "print 'here'"
    process.check { "chmod", "go+w", path }
    local result = program.run("hocker", { "run", path })
    assert.equal(8, result.code)
    assert.matches("script.lua", program.line(result, "hocker run"), 1, true)
  end)

  it("tells of files that are not there, and of none", function()
    local result = program.run("hocker", { "run", tmp.path("none.lua") })
    assert.equal(3, result.code)
    assert.matches("none.lua", program.line(result, "hocker run"))
    assert.equal(2, program.run("hocker", { "run" }).code)
  end)

  it("names a script that is too deep for the parser", function()
    local result = program.run("hocker", { "run", "-" }, { stdin = "x = " .. ("("):rep(400) })
    assert.equal(1, result.code)
    assert.matches("standard input: C stack overflow", program.line(result, "hocker run"), 1, true)
  end)

  it("leaves no file half made where it calls os.exit", function()
    local dir = tmp.dir()
    local path = file [[
      local out = assert(require("hocker").tar.create(arg[1] .. "/x.tar"))
      assert(out:put("a", "b"))
      print "said"
      os.exit(3)]]
    local result = program.run("hocker", { "run", path, dir })
    assert.equal(3, result.code, result.stderr)
    assert.equal("said\n", result.stdout)
    assert.same({}, tmp.list(dir))
  end)

  it("finds modules of others where the script says, and no sooner", function()
    local folder = tmp.dir()
    tmp.write(folder .. "/helper.lua", "return { answer = 42 }")
    local path = file [[
      print((pcall(require, "helper")), (pcall(require, "hocker.helper")))
      package.path = arg[1] .. "/?.lua"
      print(require("helper").answer, (pcall(require, "hocker.helper")))]]
    assert.equal("false\tfalse\n42\tfalse\n", program.check("hocker", { "run", path, folder },
      { cwd = folder, env = { LUA_PATH = folder .. "/?.lua" } }))
  end)

  it("notices that its output is lost", function()
    local result = program.run("hocker", { "run", file "print 'x'" }, { stdout = "/dev/full" })
    assert.equal(7, result.code)
  end)

  for what, text in pairs {
    ["a script"] = "while true do end",
    ["a coroutine"] = "coroutine.wrap(function() while true do end end)()",
    ["a coroutine of a coroutine"] = [[coroutine.wrap(function()
      coroutine.wrap(function() while true do end end)() end)()]],
    ["a script that passes over errors"] = "pcall(function() while true do end end)",
    ["a task"] = [[local session = require("hocker.session").new()
      session:run { function() while true do end end }]],
  } do
    it("is interrupted in the midst of " .. what, function()
      local started = tmp.path("started")
      local child = program.spawn("hocker", { "run",
        file("io.open(arg[1], 'w'):close() " .. text), started })
      for _ = 1, 200 do
        if tmp.exists(started) then break end
        process.check { "sleep", "0.02" }
      end
      child:kill("INT")
      assert.equal(130, child:wait().code)
    end)
  end

  it("opens repositories with the options of the environment", function()
    local reg = registry.start()
    finally(function() reg:stop() end)
    local pushed = image.build { layers = { { a = "1" } } }:push(reg, "team/app", "v1")
    local path = file [[
      local repository = assert(require("hocker").open(arg[1]))
      print(assert(repository:image()).manifest.digest)]]
    assert.equal(pushed.digest .. "\n", program.check("hocker", { "run", path, "team/app:v1" },
      { env = { HOCKER_REGISTRY = reg:url() } }))
    local result = program.run("hocker", { "run", "-v", path, reg:host() .. "/team/app:v1" })
    assert.matches("hocker run: GET http", result.stderr, 1, true)
  end)
end)
