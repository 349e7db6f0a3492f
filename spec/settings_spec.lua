--- The environment and the files are in spec/commands/configuration_spec.lua.

local configuration = require "hocker.configuration"
local settings = require "hocker.settings"

local function configured(text)
  return configuration.new { assert(configuration.parse("return " .. text, "/x/config.lua")) }
end

local NUMBER = { names = "-n --a-number", value = "N", default = "7", help = "",
  convert = function(text) return tonumber(text), "no number" end }
local COMMAND = { name = "image", args = {
  { NUMBER, { names = "--list", value = "L", many = true, help = "" } },
  { names = "--on", flag = true, instead_of = "off", help = "" },
  { names = "--off", flag = true, instead_of = "on", help = "" },
  { names = "--kind", value = "K", choices = { "a", "b" }, help = "" },
  { names = "--secret", value = "S", default = "none", per_run = true, help = "" },
  { words = "image" },
} }

local function fill(text, args)
  return settings.fill(configured(text), COMMAND, args or {})
end

describe("settings", function()
  it("fill what is open, and nothing else", function()
    assert.same({ a_number = 7, secret = "none" }, fill "{}")
    local text = "{ options = { a_number = 1, list = { 'x', 'y' }, on = true, kind = 'a' } }"
    assert.same({ a_number = 1, list = { "x", "y" }, on = true, kind = "a", secret = "none" },
      fill(text, { list = {} }))
    assert.same({ a_number = 2, list = { "z" }, off = true, kind = "b", secret = "s" },
      fill(text, { a_number = 2, list = { "z" }, off = true, kind = "b", secret = "s" }))
    assert.is_nil(fill("{ options = { on = false } }").on)
  end)

  it("take a single value for a list, and numbers as they are written", function()
    assert.same({ "x" }, fill("{ options = { list = 'x' } }").list)
    assert.equal(2.5, fill("{ options = { a_number = '2.5' } }").a_number)
  end)

  it("tell where a value comes from", function()
    local found = configured "{ options = { a_number = 1 } }"
    assert.same({ 1, "/x/config.lua" }, { settings.lookup(found, "image", NUMBER) })
    assert.same({ 7, "built in" }, { settings.lookup(configuration.new(), nil, NUMBER) })
  end)

  for text, why in pairs {
    ["{ options = { a_number = 'x' } }"] = "/x/config.lua: a_number: no number",
    ["{ options = { a_number = {} } }"] =
      "/x/config.lua: a_number: it must be a string or a number",
    ["{ options = { kind = 'c' } }"] = "/x/config.lua: kind: 'c' is none of a, b",
    ["{ options = { on = 'yes' } }"] = "/x/config.lua: on: it must be true or false",
  } do
    it("refuse, with the file: " .. text, function()
      local none, err = fill(text)
      assert.is_nil(none)
      assert.equal("usage", err.code)
      assert.equal(why, err.message)
    end)
  end

  it("know the names of options", function()
    assert.is_true(settings.check(configured "{ options = { kind = 'a', retries = 1 } }", COMMAND))
    local _, err = settings.check(configured "{ options = { a_nubmer = 1 } }", COMMAND)
    assert.matches("there is no option 'a_nubmer'", err.message, 1, true)
    _, err = settings.check(configured "{ commands = { image = { secret = 1 } } }", COMMAND)
    assert.matches("commands: image: 'secret' is for the command line alone", err.message, 1, true)
  end)
end)
