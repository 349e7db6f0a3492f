local lfs = require "lfs"
local lua = require "support.lua"
local process = require "support.process"
local scripts = require "hocker.scripts"
local support = require "support.scripts"
local tmp = require "support.tmp"

--- A folder with one command, `x`, and a look at it. All files are named from that folder.
local function folder_of_x(text)
  local dir = support.folder { ["commands/x.lua"] = text or "return 42" }
  scripts.setup { folders = { dir } }
  return dir
end

local function refused(pattern)
  local value, err = scripts.load("commands/x")
  assert.is_nil(value)
  assert.equal("refused", err.code)
  assert.matches(pattern, err.message, 1, true)
end

describe("scripts", function()
  after_each(function() scripts.setup {} end)

  it("are bundled, unless there are others", function()
    local script = assert(scripts.find("commands/image"))
    assert.equal("bundled", script.from)
    assert.equal("commands/image", script.name)
    assert.equal("@" .. script.path, debug.getinfo(script.chunk, "S").source)
    assert.equal("function", type(scripts.load("commands/image").run))
    assert.equal("function", type(scripts.load("templates/nix/fetchdocker")))
  end)

  it("are not found where there are none", function()
    for _, name in ipairs { "commands/none", "templates/nix/none", "none" } do
      for _, look in ipairs { scripts.find, scripts.load, scripts.bundled } do
        local value, err = look(name)
        assert.is_nil(value)
        assert.equal("not_found", err.code)
      end
    end
  end)

  local no_names = { "", "/", "commands/", "/commands/image", "commands//image",
    "../commands/image", "commands/../hocker/json", "commands/.", "commands/image.lua",
    "commands/-x", "commands/a b", "commands/x\0", "commands/x\n", "/etc/passwd", "~/x" }
  for _, name in ipairs(no_names) do
    it(("are not found by what is no name: %q"):format(name), function()
      for _, look in ipairs { scripts.find, scripts.load, scripts.bundled } do
        local value, err = look(name)
        assert.is_nil(value)
        assert.equal("usage", err.code)
      end
    end)
  end

  it("are those of the first folder that has them", function()
    local first = support.folder { ["commands/x.lua"] = "return 1" }
    local second = support.folder { ["commands/x.lua"] = "return 2",
      ["commands/y.lua"] = "return 3", ["commands/image.lua"] = "return 4" }
    scripts.setup { folders = { first, tmp.path("none"), second } }
    assert.equal(1, scripts.load("commands/x"))
    assert.equal(3, scripts.load("commands/y"))
    assert.equal(4, scripts.load("commands/image"))
    assert.equal("function", type(scripts.bundled("commands/image").run))
    assert.equal(second .. "/commands/y.lua", scripts.find("commands/y").path)
    assert.equal("--scripts", scripts.find("commands/y").from)
    assert.same({ first .. "/commands/x.lua", second .. "/commands/x.lua" }, {
      scripts.find_all("commands/x")[1].path, scripts.find_all("commands/x")[2].path })
    local names = scripts.list("commands")
    assert.matches(" image .* x y$", " " .. table.concat(names, " "))
    scripts.setup { folders = { first, second }, user = false }
    assert.is_nil((scripts.load("commands/x")))
    assert.equal(1, #scripts.places())
  end)

  --- What plain Lua finds under environment variables.
  local function find_with(env, name)
    local code = ([[
      local scripts = require "hocker.scripts"
      local script, err = scripts.find(%q)
      io.write(script and script.from .. " " .. script.path or err.code)
      for _, place in ipairs(scripts.places()) do
        if place.problem then io.write("\n", place.from, ": ", place.problem) end
      end]]):format(name)
    env.HOCKER_PATH = env.HOCKER_PATH or false
    env.XDG_CONFIG_HOME = env.XDG_CONFIG_HOME or false
    return lua.check({ "-e", code }, { env = env, cwd = env.cwd })
  end

  it("are in the folders of HOCKER_PATH, and then in that of the user", function()
    local path = support.folder { ["commands/x.lua"] = "return 1" }
    local home = support.folder { [".config/hocker/commands/x.lua"] = "return 2" }
    assert.equal("HOCKER_PATH " .. path .. "/commands/x.lua",
      find_with({ HOCKER_PATH = "/none:" .. path, HOME = home }, "commands/x"))
    for _, env in ipairs { { HOME = home }, { HOME = "/", XDG_CONFIG_HOME = home .. "/.config" },
      { HOME = home, XDG_CONFIG_HOME = "relative" } } do
      assert.equal("user " .. home .. "/.config/hocker/commands/x.lua",
        find_with(env, "commands/x"))
    end
    assert.equal("not_found", find_with({ HOME = "relative" }, "commands/x"))
  end)

  it("are never in the current directory", function()
    local dir = support.folder { ["commands/x.lua"] = "return 1",
      ["a/commands/x.lua"] = "return 1",
      ["hocker/commands/x.lua"] = "return 1", [".config/hocker/commands/x.lua"] = "return 1" }
    local root = lfs.currentdir()
    local cpath = package.searchpath("hocker.core", package.cpath):gsub("^[^/]", root .. "/%0")
    for _, path in ipairs { ".", "./", "a", "./a", "", ":", "a:", "::", "..", "~" } do
      local text = lua.check({ "-e", [[local scripts = require "hocker.scripts"
        print(scripts.find("commands/x"))
        for _, place in ipairs(scripts.places()) do print(place.problem) end]] }, {
        cwd = dir, env = { HOCKER_PATH = path, HOME = ".", XDG_CONFIG_HOME = ".",
          LUA_PATH = root .. "/scripts/?.lua", LUA_CPATH = cpath },
      })
      assert.matches("there is no script", text, 1, true)
      if path:find("[^:]") then
        assert.matches(("'%s' is not an absolute path"):format(path:match("[^:]+")), text, 1, true)
      elseif path ~= "" then
        assert.matches("an empty folder name is not looked up", text, 1, true)
      end
    end
  end)

  describe("are refused", function()
    local open = { ["others"] = "o+w", ["a group"] = "g+w" }
    for who, mode in pairs(open) do
      it("if the file can be written by " .. who, function()
        local dir = folder_of_x()
        process.check { "chmod", mode, dir .. "/commands/x.lua" }
        refused(dir .. "/commands/x.lua can be written by others (chmod go-w)")
      end)

      it("if the folder can be written by " .. who, function()
        local dir = folder_of_x()
        process.check { "chmod", mode, dir .. "/commands" }
        refused(dir .. "/commands can be written by others (chmod go-w)")
      end)

      it("if a folder above can be written by " .. who, function()
        local dir = folder_of_x()
        process.check { "chmod", mode, dir }
        refused(dir .. " can be written by others (chmod go-w)")
      end)

      it("if a link leads through what can be written by " .. who, function()
        local dir, other = folder_of_x(), support.folder { ["a/x.lua"] = "return 1" }
        process.check { "chmod", mode, other }
        process.check { "ln", "-sf", other .. "/a/x.lua", dir .. "/commands/x.lua" }
        refused(other .. " can be written by others")
        process.check { "rm", "-r", dir .. "/commands" }
        process.check { "ln", "-s", other .. "/a", dir .. "/commands" }
        refused(other .. " can be written by others")
      end)
    end

    for _, what in ipairs { "", "/commands", "/commands/x.lua" } do
      it("if somebody else owns " .. (what == "" and "their folder" or what), function()
        if not process.is_root() then pending("giving files away needs root") return end
        local dir = folder_of_x()
        process.check { "chown", "12345", dir .. what }
        refused(dir .. what .. " belongs to user 12345, neither to you nor to root")
      end)
    end

    it("if somebody else owns the link to them", function()
      if not process.is_root() then pending("giving files away needs root") return end
      local dir = folder_of_x()
      process.check { "mv", dir .. "/commands/x.lua", dir .. "/x" }
      process.check { "ln", "-s", dir .. "/x", dir .. "/commands/x.lua" }
      assert.equal(42, scripts.load("commands/x"))
      process.check { "chown", "-h", "12345", dir .. "/commands/x.lua" }
      refused(dir .. "/commands/x.lua belongs to user 12345")
    end)

    it("if others may have given them their name", function()
      local dir = folder_of_x()
      process.check { "chmod", "1777", dir .. "/commands" }
      assert.equal(42, scripts.load("commands/x"))
      process.check { "ln", dir .. "/commands/x.lua", dir .. "/commands/y.lua" }
      refused("has other names, and lies where all can write")
    end)

    it("if they are no regular files", function()
      local dir = folder_of_x()
      for _, command in ipairs { { "mkfifo" }, { "mkdir" }, { "ln", "-s", "/dev/zero" } } do
        os.remove(dir .. "/commands/x.lua")
        process.check(table.move({ dir .. "/commands/x.lua" }, 1, 1, #command + 1, command))
        refused(dir .. "/commands/x.lua")
      end
    end)

    it("if they are huge", function()
      local dir = folder_of_x()
      process.check { "truncate", "-s", "1G", dir .. "/commands/x.lua" }
      refused("is larger than 1048576 bytes")
    end)

    it("if their links go round in a circle", function()
      local dir = folder_of_x()
      process.check { "ln", "-sf", "x.lua", dir .. "/commands/x.lua" }
      local value, err = scripts.load("commands/x")
      assert.is_nil(value)
      assert.equal("io", err.code)
    end)

    it("and no other is taken in their place", function()
      local dir = support.folder { ["commands/image.lua"] = "return 1" }
      process.check { "chmod", "o+w", dir .. "/commands/image.lua" }
      scripts.setup { folders = { dir } }
      local value, err = scripts.load("commands/image")
      assert.is_nil(value)
      assert.equal("refused", err.code)
    end)

    it("by their path too", function()
      local path = tmp.file("return 7")
      process.check { "chmod", "644", path }
      assert.equal(7, scripts.load_file(path))
      process.check { "chmod", "666", path }
      local value, err = scripts.load_file(path)
      assert.is_nil(value)
      assert.equal("refused", err.code)
      value, err = scripts.load_file(tmp.path("none"))
      assert.is_nil(value)
      assert.equal("not_found", err.code)
    end)
  end)

  it("do not matter where they are not, whoever can write there", function()
    local dir = support.folder { ["hocker/x.lua"] = "" }
    process.check { "chmod", "777", dir }
    scripts.setup { folders = { dir } }
    local value, err = scripts.load("commands/x")
    assert.is_nil(value)
    assert.equal("not_found", err.code)
  end)

  it("can be behind links that lead to what is safe", function()
    local dir, other = folder_of_x(), support.folder { ["a/b/x.lua"] = "return 'far'" }
    process.check { "ln", "-sfn", "../../" .. other:match("[^/]*$") .. "/a/b/../b/./x.lua",
      dir .. "/commands/x.lua" }
    assert.equal("far", scripts.load("commands/x"))
  end)

  it("are given by their path, with arguments, and a first line for the shell", function()
    local path = tmp.file("#!/usr/bin/env lua\nreturn select('#', ...), ...")
    process.check { "chmod", "755", path }
    assert.equal(2, scripts.load_file(path, "a", "b"))
  end)

  -- A broken script, and what is said of it after its path.
  local broken = {
    { "return =", ":1: unexpected symbol near '='" },
    { "\nlocal x = nil\nreturn x.y", ":3: attempt to index a nil value (local 'x')" },
    { "error('no', 0)", ": no" }, { "\nerror()", ":2: (error object is a nil" },
    { "error(setmetatable({}, { __index = error }))", ":1: (error object is a table" },
    { "os.exit(0)", ":1: it calls os.exit" }, { "\nwhile true do end", ":2: it takes too long" },
    { "string.find, require = nil error('x')", ":1: x" }, { "", ": it returns nothing" },
    { string.dump(load("return 42")), ": it is bytecode, and scripts are text" },
    { "\xef\xbb\xbf#!\nx =", ":2: unexpected symbol near <eof>" },
    { "return require 'hocker.none_such'", ":1: module 'hocker.none_such' not found:" },
  }
  for i, case in ipairs(broken) do
    it(("that are broken say where: %d"):format(i), function()
      local dir = folder_of_x(case[1])
      local value, err = scripts.load("commands/x")
      assert.is_nil(value)
      assert.equal("internal", err.code)
      local want = dir .. "/commands/x.lua" .. case[2]
      assert.equal(want, err.message:sub(1, #want))
    end)
  end

  it("that fail with an error object, fail with that", function()
    folder_of_x([[error(require("hocker.core").error("network", "gone"))]])
    local value, err = scripts.load("commands/x")
    assert.is_nil(value)
    assert.equal("network", err.code)
  end)

  describe("replace modules of the library", function()
    local function run(code, files)
      local dir = support.folder(files)
      return lua.run({ "-e", code:gsub("DIR", dir) })
    end

    local FILES = {
      ["hocker/base64.lua"] = [[
        local own = require("hocker.scripts").bundled("hocker/base64")
        return { encode = own.encode, decode = function(x) return "mine " .. own.decode(x) end }]],
      ["hocker/sub/own.lua"] = "return 'new'", ["hocker/core.lua"] = "error('no')",
      ["other.lua"] = "error('no')", ["hocker/scripts.lua"] = "error('no')",
    }
    local SETUP = [[local s = require "hocker.scripts"
      s.setup { folders = { "DIR" } } s.override_modules() s.override_modules() ]]

    it("where a program wants that", function()
      local result = run(SETUP .. [[io.write(require("hocker.base64").decode("aGk="), " ",
        require "hocker.sub.own", " ", tostring(require("hocker.core").version ~= nil), " ",
        tostring(pcall(require, "other")), " ", s.find("hocker/scripts").from)]], FILES)
      assert.equal("mine hi new true false bundled", result.stdout, result.stderr)
    end)

    it("and nowhere else", function()
      local result = run([[local s = require "hocker.scripts" s.setup { folders = { "DIR" } }
        io.write(require("hocker.base64").decode("aGk="))]], FILES)
      assert.equal("hi", result.stdout, result.stderr)
    end)

    it("unless they are broken, or not safe", function()
      local result = run(SETUP .. [[require "hocker.json"]], { ["hocker/json.lua"] = "x =" })
      assert.matches("hocker/json.lua:1: unexpected symbol", result.stderr, 1, true)
      result = run([[os.execute("chmod o+w DIR/hocker/json.lua") ]] .. SETUP ..
        [[require "hocker.json"]], { ["hocker/json.lua"] = "return {}" })
      assert.matches("can be written by others", result.stderr, 1, true)
    end)
  end)
end)
