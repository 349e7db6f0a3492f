--- The examples that are scripts and commands, run by `hocker` against a registry.

local image = require "support.image"
local lua = require "support.lua"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local tmp = require "support.tmp"

describe("examples", function()
  local reg, old, new, names, pushed

  setup(function()
    reg = registry.start()
    local base = { ["etc/motd"] = "hello\n", ["etc/other"] = "x", ["usr/bin/tool"] = "#!/bin/sh\n" }
    old = image.build { layers = { base, { random = 3000000 }, { ["etc/app.conf"] = "a=1\n" } } }
    new = image.build { config = '{"Cmd":["/bin/true"],"Env":["A=2"]}', layers = { base,
      { ["etc/app.conf"] = "a=22\n", ["etc/.wh.motd"] = "", ["usr/.wh.bin"] = "",
        ["srv/.wh..wh..opq"] = "" } } }
    pushed = { old = old:push(reg, "demo/app", "old"), new = new:push(reg, "demo/app", "new") }
    names = { old = reg:host() .. "/demo/app:old", new = reg:host() .. "/demo/app:new" }
  end)
  teardown(function() reg:stop() end)

  local function run(name, ...)
    return program.run("hocker", { "run", "examples/" .. name .. ".lua", ... })
  end

  local function check(name, ...)
    local result = run(name, ...)
    assert.equal(0, result.code, result.stderr)
    assert.equal("", result.stderr)
    return result.stdout
  end

  it("mirror.lua makes a layout of several images, and adds to it", function()
    local dir = tmp.path("layout")
    local out = check("mirror", dir, names.old)
    assert.equal(names.old .. "\t" .. pushed.old.digest .. "\n", out)
    assert.equal(pushed.old.bytes, process.check({ "skopeo", "--insecure-policy", "inspect",
      "--raw", "oci:" .. dir }, { env = { HOME = tmp.root() } }))
    check("mirror", dir, names.old, names.new)
    for tag, manifest in pairs(pushed) do
      local index = tmp.read(dir .. "/index.json")
      assert.matches(names[tag], index, 1, true)
      assert.matches(manifest.digest, index, 1, true)
      local hex = manifest.digest:match("%x+$")
      assert.equal(manifest.bytes, tmp.read(dir .. "/blobs/sha256/" .. hex))
    end
  end)

  it("changes.lua tells files and settings", function()
    local result = run("changes", names.old, names.new)
    assert.equal(1, result.code, result.stderr)
    assert.equal("", result.stderr)
    assert.equal(table.concat({ "+ Env: A=2", "- etc/app.conf (file, 4 bytes)",
      "+ etc/app.conf (file, 5 bytes)", "+ etc/motd (removed)",
      "- random (file, 3000000 bytes)", "+ usr/bin (removed)" }, "\n") .. "\n", result.stdout)
    assert.equal("", check("changes", names.old, names.old))
  end)

  it("find.lua tells the layers of a file", function()
    assert.equal(("3\t%s\tfile, 4 bytes\n"):format(old.layers[3].digest),
      check("find", names.old, "/etc/app.conf"))
    assert.equal(("1\t%s\tfile, 6 bytes\n2\t%s\tremoved\n"):format(new.layers[1].digest,
      new.layers[2].digest), check("find", names.new, "etc/motd"))
    assert.equal(("1\t%s\tfile, 10 bytes\n2\t%s\tremoved\n"):format(new.layers[1].digest,
      new.layers[2].digest), check("find", names.new, "usr/bin/tool"))
    local line = program.line(run("find", names.old, "etc/none"), "hocker run")
    assert.matches("no layer of .* has etc/none", line)
    assert.equal(3, run("find", names.old, "etc/none").code)
  end)

  it("fresh.lua refuses what is old", function()
    assert.matches("%d+ days\n$", check("fresh", "1000000", names.old, names.new))
    local result = run("fresh", "30", names.old)
    assert.equal(8, result.code)
    assert.matches("demo/app:old is %d+ days old, and 30 days are the limit",
      program.line(result, "hocker run"))
  end)

  it("collect.lua makes an archive of files", function()
    local tar = tmp.path("collected.tar")
    assert.equal("etc/app.conf\netc/other\n", check("collect", names.new, tar, "^etc/", "%.none$"))
    assert.equal("etc/app.conf\netc/other\n", process.check { "tar", "-tf", tar })
    assert.equal("a=22\n", process.check { "tar", "-xOf", tar, "etc/app.conf" })
  end)

  it("all tell what they need, in any Lua, and fail without it", function()
    for name, words in pairs { changes = { names.old }, collect = { names.old, "out.tar" },
      find = { names.old }, fresh = { "30" }, layers = {}, mirror = { "layout" } } do
      local result = run(name, table.unpack(words))
      assert.equal(2, result.code, name)
      assert.matches("needed: ", program.line(result, "hocker run"), 1, true)
      result = lua.run { "examples/" .. name .. ".lua", table.unpack(words) }
      assert.equal(1, result.code, name)
      assert.matches("needed: [%u ]+", result.stderr)
    end
    assert.equal(2, run("fresh", "soon", names.old).code)
  end)

  it("those that say no do so in any Lua", function()
    for _, words in ipairs { { "fresh", "30", names.old }, { "find", names.old, "etc/none" } } do
      words[1] = "examples/" .. words[1] .. ".lua"
      local result = lua.run(words)
      assert.equal(1, result.code)
      assert.matches("^%S*lua%S*: %S.*%a", result.stderr)
    end
  end)

  it("commands/pin.lua is a command with options of its own", function()
    local dir = process.check({ "pwd" }):gsub("\n", "") .. "/examples"
    local function pin(...)
      return (program.check("hocker", { "--scripts", dir, "pin", ... }))
    end
    local pinned = ("%s/demo/app:new@%s"):format(reg:host(), pushed.new.digest)
    assert.equal(pinned .. "\n", pin(names.new))
    assert.equal("FROM " .. pinned .. "\n", pin("--form", "dockerfile", names.new))
    assert.equal(pushed.new.digest .. "\n", pin("--form=digest", "--platform",
      "linux/" .. image.architecture(), names.new))
    assert.matches("%-%-form", pin "--help")
  end)
end)
