--- The reference of the library is what its comments say, and the examples in it run.

local image = require "support.image"
local lfs = require "lfs"
local lua = require "support.lua"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local tmp = require "support.tmp"

-- A search path that is good in any folder.
local function absolute(path)
  return (path:gsub("[^;]+", function(one)
    return one:sub(1, 1) == "/" and one or lfs.currentdir() .. "/" .. one
  end))
end

--- Modules with an example.
local EXAMPLES = { "archive", "digest", "hocker", "manifest", "nix", "platform", "reference",
  "registry", "session", "tar", "template" }

describe("docs/api", function()
  it("is what `make docs` writes now", function()
    local dir = tmp.dir()
    lua.check { "docs/generate.lua", dir }
    local names = tmp.list(dir)
    assert.is_true(#names > 10)
    for _, name in ipairs(names) do
      assert.equal(tmp.read(dir .. "/" .. name), tmp.read("docs/api/" .. name), name)
    end
  end)

  local function pages()
    local list = {}
    for name in lfs.dir("docs/api") do
      if name:find("%.md$") then list[name] = tmp.read("docs/api/" .. name) end
    end
    return list
  end

  it("has no function without a word about it", function()
    local count = 0
    for name, text in pairs(pages()) do
      for title, word in text:gmatch("\n### ([^\n]*%b())\n\n([^\n]*)") do
        assert.is_nil(word:find("^[*#]"), name .. ": " .. title)
        count = count + 1
      end
    end
    assert.is_true(count > 200, count)
  end)

  it("has nothing in it that markdown would show as it is not meant", function()
    for name, text in pairs(pages()) do
      text = text:gsub("```.-```", "")
      assert.is_nil(text:match("`[^`\n]*\\_[^`\n]*`[^`]"), name)
      assert.is_nil(text:match("%f[%w]M%.%w+"), name)
    end
  end)

  it("is all named in docs/extending.md", function()
    local extending = tmp.read("docs/extending.md")
    for name in pairs(pages()) do
      assert.matches("](api/" .. name .. ")", extending, 1, true)
    end
  end)

  it("tells of each type that it names", function()
    local types = {}
    for _, page in pairs(pages()) do
      for name in page:gmatch("\n### (hocker%.[%w_.]+)\n") do types[name] = true end
    end
    assert.is_true(types["hocker.Image"])
    for page, text in pairs(pages()) do
      for name in text:gmatch("hocker%.[%l_.]*%u[%w.]*%w") do
        assert.is_true(types[name], ("%s names %s"):format(page, name))
      end
    end
  end)

  describe("example", function()
    local reg, env
    setup(function()
      reg = registry.start()
      local img = image.build { layers = { { ["etc/os-release"] = "ID=debian\n" } } }
      img:push(reg, "debian", "12")
      img:push(reg, "alpine", "3")
      env = { HOCKER_REGISTRY = reg:url() }
    end)
    teardown(function() reg:stop() end)

    local WANT = { registry = "ID=debian\n", tar = "hello.txt\t6\thello\n\n",
      platform = "linux/arm64\n", nix = 'f {\n  name = "a \\"b\\" \\${c}";\n}\n' }

    for _, name in ipairs(EXAMPLES) do
      it("of " .. name .. " runs", function()
        local text = tmp.read("docs/api/" .. name .. ".md"):match("```lua\n(.-)```")
        local argv, opts = program.command("hocker", { "run", "-" },
          { stdin = text, env = env, cwd = tmp.dir() })
        local out = process.check(argv, opts)
        if WANT[name] then assert.matches(WANT[name], out, 1, true) end
        -- In plain Lua it is the same.
        local plain = { env = { LUA_PATH = absolute(package.path),
          LUA_CPATH = absolute(package.cpath) }, cwd = tmp.dir() }
        for key, value in pairs(opts.env) do plain.env[key] = value end
        assert.equal(out, lua.check({ tmp.file(text) }, plain))
      end)
    end
  end)
end)
