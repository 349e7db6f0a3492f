local process = require "support.process"
local scripts = require "hocker.scripts"
local tmp = require "support.tmp"

describe("scripts", function()
  it("are found beside the library, with the place where they are", function()
    for _, name in ipairs { "commands/image", "templates/nix/fetchdocker" } do
      local text, chunk = scripts.source(name)
      local path = chunk:match("^@(.*)$")
      assert.equal(tmp.read(path), text)
      assert.matches(name .. ".lua", path, 1, true)
    end
  end)

  it("are nil when there is none", function()
    for _, name in ipairs { "commands/none", "templates/nix/none", "commands/", "" } do
      assert.is_nil((scripts.source(name)))
      assert.is_nil(scripts.load(name))
    end
  end)

  it("are run, and what they return is returned", function()
    assert.equal("image", scripts.load("commands/image").name)
    assert.equal("function", type(scripts.load("templates/nix/fetchdocker")))
  end)

  --- A tree as it is, or as it is installed, with one script in it.
  local function tree(library, script, text)
    local root = tmp.dir("tree")
    process.check { "mkdir", "-p", root .. "/" .. library, root .. "/" .. script:match("^(.*)/") }
    local source = package.searchpath("hocker.scripts", package.path)
    process.check { "cp", source, root .. "/" .. library }
    tmp.write(root .. "/" .. script, text)
    return dofile(root .. "/" .. library .. "/scripts.lua")
  end

  local places = {
    { "scripts/hocker", "scripts/commands/x.lua" },
    { "scripts/hocker", "commands/x.lua" },
    { "share/lua/5.4/hocker", "share/lua/5.4/hocker/commands/x.lua" },
  }
  for _, case in ipairs(places) do
    it("are looked for in " .. case[2], function()
      assert.equal(42, tree(case[1], case[2], "return 42").load("commands/x"))
    end)
  end

  it("are text", function()
    local dumped = string.dump(load("return 42"))
    local mine = tree("scripts/hocker", "scripts/commands/x.lua", dumped)
    assert.error_matches(function() mine.load("commands/x") end, "attempt to load a binary chunk")
  end)

  it("tell where they are wrong", function()
    local mine = tree("scripts/hocker", "scripts/commands/x.lua", "return =")
    assert.error_matches(function() mine.load("commands/x") end, "x.lua:1: unexpected symbol")
  end)

  it("are those of the binary in the program, and no others", function()
    package.preload["hocker.embedded"] = function()
      return function(name)
        return name == "commands/x.lua" and "return debug.getinfo(1, 'S').source" or nil
      end
    end
    finally(function()
      package.preload["hocker.embedded"], package.loaded["hocker.embedded"] = nil, nil
    end)
    local path = package.searchpath("hocker.scripts", package.path)
    local mine = dofile(path)
    assert.equal("@hocker:/commands/x.lua", mine.load("commands/x"))
    assert.is_nil(mine.load("commands/image"))
    assert.is_nil((mine.source("commands/image")))
  end)
end)
