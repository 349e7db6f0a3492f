local jessie = require "support.jessie"
local lua = require "support.lua"
local program = require "support.program"
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

  it("without libcurl and OpenSSL for what needs none of them", function()
    assert.is_true(program.sanitized or #LATE == 3)
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
  it("for its version, none but those that run commands", function()
    for name in pairs(loaded("hocker", "--version")) do
      local own = name:match("^hocker%.(.*)")
      assert.is_true(not own or own == "core" or own == "command" or own == "lazy", name)
    end
    assert.is_nil(loaded("docker2nix", "--version").argparse)
  end)

  it("for docker2nix, none that talks to a registry", function()
    local modules = loaded("docker2nix", "library/debian", "jessie")
    assert.is_true(modules["hocker.manifest"])
    for _, name in ipairs { "registry", "session", "auth", "token", "keyring", "certs",
      "credentials", "platform", "progress", "archive" } do
      assert.is_nil(modules["hocker." .. name], name)
    end
  end)
end)
