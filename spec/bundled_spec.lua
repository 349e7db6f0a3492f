local bundled = require "hocker.bundled"
local process = require "support.process"
local tmp = require "support.tmp"

describe("bundled scripts", function()
  it("lie beside the library, with the place where they are", function()
    for _, name in ipairs { "commands/image", "templates/nix/fetchdocker", "hocker/json" } do
      local chunk, path = bundled.chunk(name)
      assert.equal("@" .. path, debug.getinfo(chunk, "S").source)
      assert.matches(name .. ".lua", path, 1, true)
    end
    assert.is_nil((bundled.chunk("commands/none")))
  end)

  it("are listed by their folder", function()
    local names = table.concat(bundled.list("commands"), " ")
    for _, name in ipairs { "image.lua", "docker2nix.lua", "which.lua" } do
      assert.matches(name, names, 1, true)
    end
    assert.same({}, bundled.list("none"))
  end)

  --- A tree as it is, or as it is installed, with one script in it.
  local function tree(library, script)
    local root = tmp.dir("tree")
    process.check { "mkdir", "-p", root .. "/" .. library, root .. "/" .. script:match("^(.*)/") }
    process.check { "cp", package.searchpath("hocker.bundled", package.path),
      root .. "/" .. library }
    tmp.write(root .. "/" .. script, "return 42")
    return dofile(root .. "/" .. library .. "/bundled.lua"), root
  end

  local places = {
    { "scripts/hocker", "scripts/commands/x.lua" },
    { "scripts/hocker", "commands/x.lua" },
    { "share/lua/5.4/hocker", "share/lua/5.4/hocker/commands/x.lua" },
  }
  for _, case in ipairs(places) do
    it("are looked for in " .. case[2], function()
      local mine = tree(case[1], case[2])
      assert.equal(42, mine.chunk("commands/x")())
      assert.same({ "x.lua" }, mine.list("commands"))
    end)
  end

  it("have a share directory beside them only where they are installed", function()
    local installed, root = tree("share/lua/5.4/hocker", "share/lua/5.4/hocker/commands/x.lua")
    assert.equal(root .. "/share/hocker", installed.share())
    assert.is_nil(tree("scripts/hocker", "scripts/commands/x.lua").share())
  end)

  it("are those of the binary in the program, and no others", function()
    package.preload["hocker.embedded"] = function()
      return function(name)
        if not name then return { "commands/x.lua", "hocker/y.lua" } end
        return name == "commands/x.lua" and function() return 1 end or nil
      end
    end
    finally(function()
      package.preload["hocker.embedded"], package.loaded["hocker.embedded"] = nil, nil
    end)
    local mine = dofile(package.searchpath("hocker.bundled", package.path))
    local chunk, path = mine.chunk("commands/x")
    assert.same({ 1, "hocker:/commands/x.lua" }, { chunk(), path })
    assert.is_nil((mine.chunk("commands/image")))
    assert.same({ "x.lua" }, mine.list("commands"))
  end)
end)
