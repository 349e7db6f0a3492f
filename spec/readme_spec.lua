--- README.md's examples are run as they stand there, but for the names of public things.

local clients = require "support.clients"
local examples = require "support.examples"
local image = require "support.image"
local lfs = require "lfs"
local lua = require "support.lua"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local tmp = require "support.tmp"

local ROOT = lfs.currentdir()
local README = tmp.read("README.md")

--- The images that the names are of.
local IMAGES = { ["library/debian"] = { "jessie", "12" }, ["library/alpine"] = { "3" },
  ["coreos/etcd"] = { "v3.5.0" }, ["team/app"] = { "v1" } }

describe("README.md", function()
  local reg, values, env, cwd, pushed, img

  setup(function()
    reg = registry.start()
    img = image.build { layers = { { ["etc/motd"] = "hello\n" }, { random = 2000 } } }
    for name, tags in pairs(IMAGES) do
      for _, tag in ipairs(tags) do pushed = img:push(reg, name, tag) end
    end
    local _, opts = program.command("hocker")
    local bin = program.path("hocker"):match("^(.*)/hocker$")
    local wrapper = tmp.dir("bin")
    tmp.write(wrapper .. "/lua5.4", ('#!/bin/sh\nPATH=%s exec %s "$@"\n'):format(
      process.quote(os.getenv("PATH")), table.concat(lua.command {}, " ")))
    process.check { "chmod", "755", wrapper .. "/lua5.4" }
    env, cwd = opts.env, tmp.dir("readme")
    for name, value in pairs(clients.nix.new().env) do env[name] = env[name] or value end
    env.PATH = ("%s:%s:%s"):format(bin, wrapper, os.getenv("PATH"))
    values = { HOST = reg:host(), URL = reg:url(), ROOT = ROOT, BUILD = bin:match("^(.*)/bin$"),
      LAYER = img.layers[1].digest:match("%x+$") }
  end)
  teardown(function() reg:stop() end)

  --- Runs one command in a shell.
  local function run(text)
    return process.run({ "bash", "-o", "pipefail", "-c", examples.localise(text, values) },
      { env = env, cwd = cwd })
  end

  --- What a command prints, or makes, in the folder where all are run.
  local RESULTS = {
    ["^hocker%-manifest [^|]*$"] = function(result) assert.equal(pushed.bytes, result.stdout) end,
    ["^hocker%-config "] = function(result) assert.equal(img.config.bytes, result.stdout) end,
    ["^hocker%-layer "] = function(result)
      assert.equal("layer.tar.gz\n", result.stdout)
      assert.equal(img.layers[1].digest, image.digest_of_file(cwd .. "/layer.tar.gz"))
    end,
    ["^hocker%-image %-%-out %w+%.tar "] = function(result)
      local path = result.stdout:match("^(%S+)\n$")
      local names = process.check { "tar", "-tf", cwd .. "/" .. path }
      assert.matches("manifest.json\n", names, 1, true)
    end,
    ["^hocker%-image %-%-out images "] = function(result)
      assert.equal("images\n", result.stdout)
      assert.is_true(tmp.exists(cwd .. "/images/index.json"))
    end,
    ["| docker2nix .*> debian.nix$"] = function()
      assert.matches("^{ fetchDockerConfig, ", tmp.read(cwd .. "/debian.nix"))
    end,
    ["^nix%-build "] = function(result)
      assert.equal(result.stdout, process.check { "readlink", cwd .. "/result" })
    end,
    ["| docker2nix [^>]*$"] = function(result)
      assert.matches("^{ fetchDockerConfig, fetchDockerLayer, fetchdocker }:", result.stdout)
      assert.matches(values.LAYER, result.stdout, 1, true)
    end,
    ["^docker2nix .* debian:jessie$"] = function(result)
      assert.matches(values.LAYER, result.stdout, 1, true)
    end,
    ["^docker2nix .* > debian.nix$"] = function(result)
      assert.equal("", result.stdout)
      assert.matches('"linux/%w+" = fetchdocker rec {', tmp.read(cwd .. "/debian.nix"))
    end,
    ["^docker2nix .* json "] = function(result)
      assert.matches('^{"altName":null,.*"digest":"' .. pushed.digest, result.stdout)
    end,
    ["^docker2nix .*/dockerfile.lua "] = function(result)
      assert.equal(("FROM %s/library/debian:12@%s\n"):format(reg:host(), pushed.digest),
        result.stdout)
    end,
    ["^hocker lock add "] = function(result)
      assert.matches("^debian: %S+/library/debian:12@sha256:%x+ any\n$", result.stdout)
      assert.is_true(tmp.exists(cwd .. "/hocker.lock"))
    end,
    ["^hocker lock outdated"] = function(result) assert.equal("", result.stdout) end,
    ["^hocker lock update"] = function(result) assert.equal("", result.stdout) end,
    ["^hocker lock verify"] = function(result)
      assert.equal("debian: verified\n", result.stdout)
    end,
    ["docker load"] = function(result) assert.matches("Loaded image", result.stdout) end,
    ["^hocker run .*find"] = function(result)
      assert.matches("^1\t" .. img.layers[1].digest .. "\tfile, 6 bytes\n$", result.stdout)
    end,
    ["^hocker run .*mirror"] = function(result)
      assert.matches("library/alpine:3\t" .. pushed.digest, result.stdout, 1, true)
    end,
    ["^LUA_PATH="] = function(result)
      assert.equal(pushed.digest, result.stdout:match("^%S+"))
      assert.matches(img.layers[2].digest, result.stdout, 1, true)
    end,
  }

  for _, text in ipairs(examples.commands(README)) do
    it("runs: " .. text, function()
      if text:find("docker load", 1, true) then
        clients.need(clients.docker)
        local docker = clients.docker.start()
        finally(function() docker:stop() end)
        values.DOCKER = docker.host
      end
      if text:find("nix-build", 1, true) then clients.need(clients.nix) end
      if text:find("^result/") and not tmp.exists(cwd .. "/result") then
        clients.need(clients.nix)
      end
      local result = run(text)
      assert.equal(0, result.code, result.stderr)
      local checked = false
      for pattern, check in pairs(RESULTS) do
        if text:find(pattern) then
          check(result)
          checked = true
        end
      end
      assert.is_true(checked, "it is not known what this command should do")
    end)
  end

  it("has examples", function()
    assert.is_true(#examples.commands(README) > 10)
  end)

  it("runs: its Lua", function()
    local count = 0
    for block in README:gmatch("\n```lua\n(.-)\n```\n") do
      local result = lua.run({ "-" }, { stdin = examples.localise(block, values) })
      assert.equal(0, result.code, result.stderr)
      assert.equal(pushed.digest .. "\n", result.stdout)
      count = count + 1
    end
    assert.equal(1, count)
  end)

  it("names the programs and exit codes that there are", function()
    local command = require "hocker.command"
    for _, entry in ipairs(command.programs) do
      local name = entry.program or "hocker " .. entry.name
      assert.matches("\n| `" .. name .. "` | ", README, 1, true)
    end
    for _, code in pairs(command.exit_codes) do
      assert.matches("\n| " .. code .. " | ", README, 1, true)
    end
  end)
end)
