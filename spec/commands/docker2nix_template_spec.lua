local image = require "support.image"
local jessie = require "support.jessie"
local json = require "hocker.json"
local process = require "support.process"
local program = require "support.program"
local tmp = require "support.tmp"

local MANIFEST = jessie.manifest

local function docker2nix(words, env)
  return program.check("docker2nix", table.move({ "debian:jessie" }, 1, 1, #words + 1, words),
    { stdin = MANIFEST, env = env })
end

local function refuses(code, words, env)
  return program.refuses(code, "docker2nix",
    table.move({ "debian:jessie" }, 1, 1, #words + 1, words), { stdin = MANIFEST, env = env })
end

describe("docker2nix --template", function()
  it("fetchdocker is what it prints without", function()
    assert.equal(docker2nix {}, docker2nix { "--template", "fetchdocker" })
  end)

  it("json prints the facts, without a network", function()
    local object = json.decode(docker2nix { "--template=json", "--altName", "mine" })
    assert.equal(image.digest(MANIFEST), object.images[1].digest)
    assert.equal(json.null, object.images[1].platform)
    assert.equal("mine", object.altName)
    assert.equal("sha256-BUq+OLHm+GO++kJYy/rxJ7HMlEDS4uNJsV0i5na1kec=",
      object.images[1].config.sri)
  end)

  it("nix2container prints the manifest that came in", function()
    assert.equal(MANIFEST, docker2nix { "--template", "nix2container" })
  end)

  it("dockerTools prints the arguments of pullImage", function()
    assert.matches(('imageDigest = "%s";'):format(image.digest(MANIFEST)),
      docker2nix { "--template", "dockerTools" }, 1, true)
  end)

  it("multi needs to know the platform", function()
    assert.matches("--fetch", refuses(2, { "--template", "multi" }), 1, true)
  end)

  local OWN = [[
    local nix = require "hocker.nix"
    return function(image) return nix.print(nix.list { image.name, image.tag }) .. "\n" end]]
  local PRINTED = '[ "docker.io/library/debian" "jessie" ]\n'

  it("takes a file by its path", function()
    assert.equal(PRINTED, docker2nix { "--template", tmp.file(OWN, "own.lua") })
    assert.equal(PRINTED, docker2nix { "--template", tmp.file(OWN, "own") })
  end)

  it("takes a file by its name in this folder only when it ends in .lua", function()
    local folder = tmp.dir("templates")
    tmp.write(folder .. "/own.lua", OWN)
    local function run(name)
      return process.run({ program.path("docker2nix"), "--template", name, "debian:jessie" },
        { cwd = folder, stdin = MANIFEST, env = { HOCKER_PATH = false, HOME = folder } })
    end
    assert.equal(PRINTED, run("own.lua").stdout)
    assert.equal(PRINTED, run("./own.lua").stdout)
    assert.equal(2, run("own").code)
  end)

  it("finds a name in the folders where scripts are looked for", function()
    local folder = tmp.dir("scripts")
    process.check { "mkdir", "-p", folder .. "/templates/nix" }
    tmp.write(folder .. "/templates/nix/own.lua", OWN)
    local env = { HOCKER_PATH = folder }
    assert.equal(PRINTED, docker2nix({ "--template", "own" }, env))
    tmp.write(folder .. "/templates/own.lua", "return function() return 'nearer' end")
    assert.equal("nearer", docker2nix({ "--template", "own" }, env))
    tmp.write(folder .. "/templates/fetchdocker.lua", [[
      local bundled = assert(require("hocker.scripts").bundled("templates/nix/fetchdocker"))
      return function(image) return "# mine\n" .. bundled(image) end]])
    assert.equal("# mine\n" .. docker2nix {}, docker2nix({}, env))
  end)

  -- text, exit code, part of the message
  local failures = {
    ["raises"] = { "return function(image) return image.x.y end", 1, "attempt to index" },
    ["raises a table"] = { "return function() error({}) end", 1, "table" },
    ["returns no text"] = { "return function() return 1 end", 1, "returned a number" },
    ["returns nothing"] = { "return function() end", 1, "printed nothing" },
    ["returns an error"] = { "local core = require 'hocker.core' return function() " ..
      "return nil, core.error('refused', 'not today') end", 8, "not today" },
    ["returns a text for an error"] = { "return function() return nil, 'not \\27[31mtoday' end", 1,
      "not \\x1b[31mtoday" },
    ["is none"] = { "return {}", 2, "neither a function" },
    ["does not compile"] = { "return function(", 1, "expected" },
    ["raises at once"] = { "error 'so'", 1, "so" },
    ["prints several, of a manifest that tells no platform"] = { [[return { platforms = "all",
      print = function(image) return image.images[1].platform.os end }]], 1, "attempt to index" },
  }
  for what, case in pairs(failures) do
    it(("names a template that %s, and prints nothing"):format(what), function()
      local path = tmp.file(case[1], "failing.lua")
      local line = refuses(case[2], { "--template", path })
      assert.matches(case[3], line, 1, true)
      assert.matches(path, line, 1, true)
    end)
  end

  it("says that there is none", function()
    assert.matches("there is no template 'none'", refuses(2, { "--template", "none" }), 1, true)
    assert.matches("template './none': there is no such file",
      refuses(7, { "--template", "./none" }), 1, true)
    assert.matches("there is no template ''", refuses(2, { "--template", "" }), 1, true)
  end)

  it("looks for the template before it reads anything", function()
    program.refuses(2, "docker2nix", { "--template", "none", "debian" }, { stdin = "" })
  end)
end)
