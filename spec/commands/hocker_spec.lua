local image = require "support.image"
local lfs = require "lfs"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local tmp = require "support.tmp"

local LINKS = { "hocker-image", "hocker-layer", "hocker-config", "hocker-manifest", "docker2nix" }
local VERSION = program.check("hocker", { "--version" }):match("^hocker (%S+)\n$")

describe("hocker", function()
  it("tells its version", function()
    assert.matches("^%d+%.%d+", VERSION)
    assert.equal(("hocker %s\n"):format(VERSION), program.check("hocker", { "-V" }))
  end)

  it("tells its commands", function()
    for _, word in ipairs { "--help", "-h", "help" } do
      local text, stderr = program.check("hocker", { word })
      for _, name in ipairs { "image", "layer", "config", "manifest", "docker2nix" } do
        assert.matches("\n +" .. name .. " ", text)
      end
      assert.equal("", stderr)
    end
  end)

  it("wants a command", function()
    local line = program.refuses(2, "hocker")
    assert.matches("hocker --help", line, 1, true)
  end)

  for what, name in pairs {
    ["a word"] = "frobnicate", ["a path"] = "../hocker/json", ["a file of its own"] = "../nix/nix",
    ["nothing"] = "", ["a terminal's orders"] = "\27[31mimage\7", ["an option"] = "--frobnicate",
    ["two lines"] = "image\nlayer", ["capitals"] = "Image", ["a module"] = "image.lua",
  } do
    it("has no command for " .. what, function()
      local line = program.refuses(2, "hocker", { name, "a/b", "1" })
      assert.matches("no command", line, 1, true)
    end)
  end

  it("ignores the options of a Haskell runtime before its command", function()
    assert.equal(("hocker %s\n"):format(VERSION),
      program.check("hocker", { "+RTS", "-N4", "-RTS", "--version" }))
  end)
end)

for _, name in ipairs(LINKS) do
  local command = name:match("^hocker%-(.*)$") or name

  describe(name, function()
    it("is a link to hocker", function()
      assert.equal("link", lfs.symlinkattributes(program.path(name), "mode"))
      assert.equal("hocker", lfs.symlinkattributes(program.path(name), "target"))
    end)

    it("tells its version", function()
      assert.equal(("%s %s\n"):format(name, VERSION), program.check(name, { "--version" }))
    end)

    it("tells its options, as `hocker " .. command .. "` does", function()
      local text, stderr = program.check(name, { "--help" })
      assert.equal("", stderr)
      assert.matches("^Usage: " .. name:gsub("%-", "%%-"), text)
      assert.matches("--registry", text, 1, true)
      local other = program.check("hocker", { command, "-h" })
      assert.matches("^Usage: hocker " .. command, other)
      -- The usage is wrapped by the name's length; what comes after is the same.
      assert.equal(text:match("\n\n.*"), other:match("\n\n.*"))
    end)

    it("is refused without an image, and names itself as it was called", function()
      for _, called in ipairs { { name, {} }, { "hocker", { command } } } do
        local result = program.run(called[1], called[2])
        assert.equal(2, result.code)
        assert.equal("", result.stdout)
        local own = called[1] == "hocker" and "hocker " .. command or name
        assert.matches("see " .. own .. " --help", program.line(result, own), 1, true)
      end
    end)

    it("goes by its name wherever the link is", function()
      local dir = tmp.dir()
      assert(lfs.link(program.path(name), dir .. "/" .. name, true))
      assert.equal(("%s %s\n"):format(name, VERSION),
        process.check { dir .. "/" .. name, "--version" })
    end)

    -- Behind the right words, what makes a command line wrong.
    local wrong = {
      ["an unknown option"] = { "--frobnicate" },
      ["an unknown short option"] = { "-x" },
      ["an option that orders a terminal"] = { "--\27[2J" },
      ["an option of two lines"] = { "--a\nb" },
      ["a third word"] = { "more" },
      ["an option without its value"] = { "--registry" },
      ["a registry without a scheme"] = { "--registry", "example.org" },
      ["a registry of another scheme"] = { "--registry", "ftp://example.org" },
      ["a registry with a query"] = { "--registry", "https://example.org/?a=b" },
    }
    for what, words in pairs(wrong) do
      it("is refused with " .. what, function()
        local line = { "a/b", "1" }
        if command == "layer" then
          table.move({ "--layer", ("a"):rep(64), "--out", tmp.path() }, 1, 4, 3, line)
        end
        table.move(words, 1, #words, #line + 1, line)
        program.refuses(2, name, line, { stdin = "{}" })
      end)
    end

    for what, words in pairs {
      ["capitals"] = { "A/B", "1" }, ["nothing"] = { "", "1" }, ["a tag twice"] = { "a/b:1", "1" },
      ["a scheme"] = { "https://a/b", "1" }, ["a path upwards"] = { "a/../b", "1" },
      ["a query"] = { "a/b?c", "1" }, ["a tag of nothing"] = { "a/b", "" },
      ["a tag with a slash"] = { "a/b", "1/2" }, ["half a digest"] = { "a/b@sha256:abc" },
      ["a digest in capitals"] = { "a/b@sha256:" .. ("A"):rep(64) },
      ["a terminal's orders"] = { "a/b", "\27[31m" }, ["an id"] = { ("a"):rep(64) },
    } do
      it("is refused for an image named by " .. what, function()
        local line = { table.unpack(words) }
        if command == "layer" then
          table.move({ "--layer", ("a"):rep(64), "--out", tmp.path() }, 1, 4, #line + 1, line)
        end
        program.refuses(2, name, line, { stdin = "{}" })
      end)
    end
  end)
end

describe("a program", function()
  -- Options that some programs have, with values that are none.
  local wrong = {
    { "hocker-image", "--jobs", "0" }, { "hocker-image", "--jobs", "many" },
    { "hocker-image", "--jobs", "1.5" }, { "hocker-image", "--jobs=" },
    { "hocker-image", "--layers", "some" }, { "hocker-image", "--progress", "loud" },
    { "hocker-manifest", "--retries=-1" }, { "hocker-manifest", "--retries", "x" },
    { "hocker-manifest", "--stall-timeout", "0" }, { "hocker-manifest", "--stall-timeout=-1" },
    { "hocker-manifest", "--stall-timeout", "nan" },
    { "hocker-manifest", "--stall-timeout", "1e9" },
    { "hocker-manifest", "--connect-timeout", "soon" },
    { "hocker-config", "--platform", "linux/" }, { "hocker-config", "--platform", "commodore" },
    { "hocker-config", "--platform", "" }, { "hocker-config", "--platform", "linux/amd64/v2/x" },
    { "hocker-layer", "--layer", ("A"):rep(64) }, { "hocker-layer", "--layer", ("a"):rep(63) },
    { "hocker-layer", "--layer", ("a"):rep(65) }, { "hocker-layer", "--layer", "" },
    { "hocker-layer", "--layer", "md5:" .. ("a"):rep(32) },
    { "hocker-layer", "--layer", "sha256:../../../../etc/passwd" },
  }
  for _, case in ipairs(wrong) do
    it(("%s is refused with %s"):format(case[1], table.concat(case, " ", 2)), function()
      local words = { "localhost:1/a/b:1", "--out", tmp.path(), case[2], case[3] }
      local line = program.refuses(2, case[1], words)
      assert.matches(case[2]:match("%-%-(%a+)"), line, 1, true)
    end)
  end

  it("loads nothing from the current directory, and nothing that Lua's variables name", function()
    local dir = tmp.dir()
    for _, path in ipairs { "hocker", "commands" } do
      lfs.mkdir(dir .. "/" .. path)
    end
    for _, path in ipairs { "hocker/init.lua", "hocker/command.lua", "hocker/help.lua",
      "hocker/json.lua", "hocker.lua", "commands/image.lua", "image.lua" } do
      tmp.write(dir .. "/" .. path, 'error("loaded what it should not")')
    end
    local env = { LUA_PATH = dir .. "/?.lua", LUA_PATH_5_4 = dir .. "/?.lua",
      LUA_INIT = 'error("ran what it should not")', LUA_CPATH = dir .. "/?.so" }
    for _, name in ipairs(LINKS) do
      local text, stderr = program.check(name, { "--help" }, { cwd = dir, env = env })
      assert.matches("^Usage", text)
      assert.equal("", stderr)
    end
  end)

  it("fetches from a directory that it can't read", function()
    local reg = registry.start()
    finally(function() reg:stop() end)
    local img = image.build()
    img:upload(reg, "demo/app", "v1")
    local dir = tmp.dir()
    local argv, opts = program.command("hocker-manifest", { reg:host() .. "/demo/app:v1" })
    local result = process.run({ "sh", "-c", 'cd "$0" && rmdir "$0" && exec "$@"', dir,
      table.unpack(argv) }, opts)
    assert.equal(img.v2s2.bytes, result.stdout)
  end)
end)
