local image = require "support.image"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local rock = require "support.rock"
local tmp = require "support.tmp"

describe("the rock", function()
  local tree, reg, img

  lazy_setup(function()
    if not rock.available() then return end
    tree = rock.make()
    reg = registry.start()
    img = image.build { layers = { { a = "1" }, { b = "2" } } }
    img:push(reg, "demo/app", "v1")
  end)
  lazy_teardown(function()
    if reg then reg:stop() end
  end)

  --- Runs something outside the source tree.
  local function run_any(argv, env)
    local _, opts = program.command("hocker", {}, { cwd = tmp.root(), env = env })
    return process.run(argv, opts)
  end

  --- Runs a program that was installed; where its modules are it knows.
  local function run(argv)
    return run_any(table.move(argv, 2, #argv, 2, { tree .. "/bin/" .. argv[1] }),
      { LUA_PATH = false, LUA_CPATH = false })
  end

  local function check(argv)
    local result = run(argv)
    assert.equal(0, result.code, result.stderr)
    return result.stdout
  end

  it("is made, and has modules that plain Lua takes", function()
    rock.need()
    local lua = tree .. "/share/lua/5.4/?"
    local result = run_any({ "lua5.4", "-e", [[
      local found = require("hocker.scripts").find "templates/nix/fetchdocker"
      print(require("hocker.core").version, require("hocker.reference").parse({ "debian:12" }).name)
      print(found.path, package.searchpath("hocker.core", package.cpath))]] },
      { LUA_PATH = lua .. ".lua;" .. lua .. "/init.lua;;",
        LUA_CPATH = tree .. "/lib/lua/5.4/?.so;;" })
    assert.equal(0, result.code, result.stderr)
    assert.equal(("%s\tdocker.io/library/debian\n"
      .. "%s/share/lua/5.4/hocker/templates/nix/fetchdocker.lua\t"
      .. "%s/lib/lua/5.4/hocker/core.so\n"):format(require("hocker.core").version, tree, tree),
      result.stdout)
  end)

  it("has all commands, templates and what Nix imports", function()
    rock.need()
    assert.equal(program.check("hocker", { "--help" }), check { "hocker", "--help" })
    local share = tree .. "/share/lua/5.4/hocker/"
    for _, folder in ipairs { "commands", "templates/nix", "templates/nix/lib", "policies" } do
      local from = tmp.exists("scripts/" .. folder) and "scripts/" .. folder or folder
      if tmp.exists(from) then assert.same(tmp.list(from), tmp.list(share .. folder)) end
    end
  end)

  it("has programs that fetch as the others do", function()
    rock.need()
    local ref = reg:host() .. "/demo/app:v1"
    for _, argv in ipairs { { "hocker-manifest", ref }, { "hocker", "manifest", ref },
      { "hocker-config", "--out", "-", ref }, { "docker2nix", "--fetch", ref },
      { "docker2nix", "--fetch", "--template", "json", ref },
      { "hocker-image", "--out", "-", ref } } do
      local words = table.move(argv, 2, #argv, 1, {})
      local want = program.check(argv[1], words)
      assert.equal(want, check(argv))
    end
  end)

  it("tells its programs apart, and ends as they do", function()
    rock.need()
    assert.equal("docker2nix " .. require("hocker.core").version .. "\n",
      check { "docker2nix", "--version" })
    local result = run { "hocker-manifest", reg:host() .. "/demo/app:none" }
    assert.equal(3, result.code)
    program.line(result, "hocker-manifest")
    assert.equal(2, run({ "hocker" }).code)
  end)

  it("leaves nothing when it is removed", function()
    rock.need()
    rock.luarocks { "--tree", tree, "remove", "--force", "hocker" }
    assert.equal("", process.check { "sh", "-c",
      'find "$0" -type f -o -type l | grep -v "/manifest$" || true', tree })
  end)
end)
