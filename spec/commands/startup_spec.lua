local jessie = require "support.jessie"
local lua = require "support.lua"
local program = require "support.program"
local scripts = require "support.scripts"
local tmp = require "support.tmp"

-- The libraries that this build opens late: none when it links them, as sanitized builds do.
local function late_libraries()
  local list = {}
  local path = program.path("../sonames.h")
  for line in io.lines(program.sanitized and "/dev/null" or path) do
    list[#list + 1] = line:match('"(.*)"')
  end
  return list
end

local LATE = late_libraries()

--- An environment in which these libraries can't be loaded.
local function without(libraries)
  local dir = tmp.dir()
  for _, name in ipairs(libraries) do tmp.write(dir .. "/" .. name, "no library") end
  return { LD_LIBRARY_PATH = dir }
end

describe("a program starts", function()
  local function check(name, words, opts)
    opts = opts or {}
    opts.env = without(LATE)
    return (program.check(name, words, opts))
  end

  it("without the libraries that it opens late, for what needs none of them", function()
    assert.is_true(program.sanitized or #LATE >= 5)
    assert.matches("^hocker %d", check("hocker", { "--version" }))
    assert.matches("^Usage", check("hocker", { "--help" }))
    assert.matches("^Usage", check("hocker-image", { "--help" }))
    assert.equal(program.check("docker2nix", { "debian", "jessie" }, { stdin = jessie.manifest }),
      check("docker2nix", { "library/debian", "jessie" },
      { stdin = jessie.manifest }))
  end)

  if not program.sanitized then
    it("and says which library is missing where one is needed", function()
      local image = "localhost:1/a/b:1"
      for _, case in ipairs {
        { "libcurl", "hocker-manifest", { image } },
        { "libcurl", "hocker-config", { "--registry", "http://localhost:1", "a/b", "1" } },
        { "libcurl", "docker2nix", { image } },
        { "libcrypto", "docker2nix", { "a/b@sha256:" .. ("a"):rep(64) } },
      } do
        local line = program.refuses(127, case[2], case[3],
          { stdin = jessie.manifest, env = without(LATE) })
        assert.matches(case[1], line, 1, true)
      end
    end)
  end
end)

-- What has been loaded, of the library and beside it, after `main` of the words.
local function loaded(...)
  local code = [[
    local command = require "hocker.command"
    command.main(table.remove(arg, 1), { table.unpack(arg) })
    for name in pairs(package.loaded) do io.stderr:write(name, "\n") end
  ]]
  local result = lua.run({ tmp.file(code, "main.lua"), ... }, { stdin = jessie.manifest })
  assert.equal(0, result.code, result.stderr)
  local modules = {}
  for name in result.stderr:gmatch("[^\n]+") do modules[name] = true end
  return modules
end

describe("a program loads no script that it does not use:", function()
  it("for its version, none but those that run commands and print", function()
    local used = { core = true, command = true, lazy = true, output = true }
    for name in pairs(loaded("hocker", "--version")) do
      local own = name:match("^hocker%.(.*)")
      assert.is_true(not own or used[own], name)
    end
  end)

  local EXPRESSION <const> = {
    "arguments", "bundled", "command", "commands", "configuration", "context", "core", "descriptor",
    "errors", "fetchers", "guard", "json", "lazy", "log", "manifest", "nix", "options", "output",
    "reference", "scripts", "settings", "template",
  }

  it("for docker2nix, those that an expression takes", function()
    local names = {}
    for name in pairs(loaded("docker2nix", "library/debian", "jessie")) do
      names[#names + 1] = name:match("^hocker%.(.*)")
    end
    table.sort(names)
    assert.same(EXPRESSION, names)
  end)

  it("for a fetch without policies, none of theirs", function()
    local words = { "hocker-manifest", "--retries", "0", "127.0.0.1:1/a/b:1" }
    assert.is_true(loaded(table.unpack(words))["hocker.session"])
    for name in pairs(loaded(table.unpack(words))) do
      assert.is_nil(name:find("^hocker%.policy"), name)
      assert.is_not_equal("hocker.layout", name)
    end
    table.insert(words, 2, "--policy=allow")
    assert.is_true(loaded(table.unpack(words))["hocker.policy.decisions"])
  end)

  it("for help, that of the help", function()
    assert.is_true(loaded("docker2nix", "--help")["hocker.help"])
  end)
end)

describe("what docker2nix computes for a small manifest", function()
  it("is bounded, for it takes longer than all else that a start does", function()
    local result = lua.run({ tmp.file([[
      local command, steps = require "hocker.command", 0
      debug.sethook(function() steps = steps + 100 end, "", 100)
      command.main("docker2nix", { "library/debian", "jessie" })
      debug.sethook()
      io.stderr:write(steps)
    ]], "main.lua") }, { stdin = jessie.manifest })
    assert.equal(0, result.code)
    assert.is_true(tonumber(result.stderr) < 20000, result.stderr) -- instructions of Lua's machine
  end)
end)

describe("the scripts in the program", function()
  --- What a script of the user's prints, as a command.
  local function run(code)
    local dir = scripts.folder { ["commands/x.lua"] =
      ("return { summary = 'x', run = function(ctx) %s return true end }"):format(code) }
    return program.run("hocker", { "x" }, { env = { HOCKER_PATH = dir } })
  end

  it("are compiled: it has no text of theirs", function()
    local binary = tmp.read(program.path("hocker"))
    assert.is_truthy(binary:find("\27Lua", 1, true))
    assert.is_nil(binary:find("local function", 1, true))
    assert.is_nil(binary:find("---@param", 1, true))
  end)

  it("have their lines, for the traceback of a fault", function()
    local result = run("require 'hocker.reference'.parse(42)")
    assert.equal(1, result.code)
    assert.matches("\n\thocker:/hocker/reference%.lua:%d+: in ", result.stderr)
    assert.matches("\n\thocker:/hocker/command%.lua:%d+: in ", result.stderr)
  end)

  it("are all there, each with the name of its own", function()
    local result = run([[
      local embedded = require "hocker.embedded"
      for _, name in ipairs(embedded()) do
        ctx.out:write(name, " ", debug.getinfo(embedded(name), "S").source, "\n")
      end]])
    assert.equal("", result.stderr)
    local count = 0
    for name, source in result.stdout:gmatch("(%S+) (%S+)\n") do
      count = count + 1
      assert.equal("@hocker:/" .. name, source)
    end
    assert.is_true(count > 40, count)
    assert.matches("commands/image.lua", result.stdout, 1, true)
    assert.matches("templates/nix/fetchdocker.lua", result.stdout, 1, true)
  end)

  it("leave the collector of garbage running where a command runs", function()
    assert.equal("true", run("ctx.out:write(tostring(collectgarbage('isrunning')))").stdout)
  end)

  it("and begin to collect it after the first MiB of a command", function()
    assert.equal("0 1", run([[
      local collected = 0
      setmetatable({}, { __gc = function() collected = collected + 1 end })
      for i = 1, 500 do ("x"):rep(1000 + i) end
      ctx.out:write(collected, " ")
      for i = 1, 50000 do ("x"):rep(1000 + i % 10) end
      ctx.out:write(collected)]]).stdout)
  end)
end)
