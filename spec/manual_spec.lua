local command = require "hocker.command"
local lua = require "support.lua"
local process = require "support.process"
local tmp = require "support.tmp"

describe("the manual pages", function()
  it("are what `make docs` writes now", function()
    local dir = tmp.dir()
    local made = lua.run { "man/generate.lua", dir }
    assert.equal(0, made.code, made.stderr)
    local names = tmp.list(dir)
    assert.equal(#command.programs + 1, #names)
    for _, name in ipairs(names) do
      assert.equal(tmp.read(dir .. "/" .. name), tmp.read("man/" .. name), name)
    end
  end)

  it("are understood by man", function()
    if not process.which("man") then pending("man is not installed") return end
    for _, name in ipairs { "hocker", "hocker-image", "hocker-tags", "docker2nix",
      "hocker-assemble", "hocker-stream", "hocker-lock" } do
      local result = process.run({ "man", "--warnings", "-l", "man/" .. name .. ".1" }, {
        env = { MANWIDTH = "100", LC_ALL = "C.UTF-8" },
      })
      assert.equal(0, result.code)
      assert.equal("", result.stderr)
      assert.matches("EXIT STATUS", result.stdout)
    end
  end)
end)
