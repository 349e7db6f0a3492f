--- What users see of their commands is in spec/commands/scripts_spec.lua.

local commands = require "hocker.commands"
local scripts = require "hocker.scripts"
local support = require "support.scripts"

describe("commands", function()
  after_each(function() scripts.setup {} end)

  local function entry(text)
    scripts.setup { folders = { support.folder { ["commands/x.lua"] = text } } }
    return commands.entry("x")
  end

  it("are tables with a name from their file", function()
    local found = entry "return { name = 'other', summary = 's', run = print }"
    assert.equal("x", found.command.name)
    assert.same({}, found.command.args)
    assert.matches("/commands/x.lua$", found.path)
  end)

  local wrong = {
    ["return 1"] = "a command must return a table", ["return {}"] = "'run' must be a function",
    ["return { run = print }"] = "'summary' must be a string",
    ["return { run = print, summary = 's', args = 1 }"] = "an option must be a table",
    ["return { run = print, summary = 's', args = { { { 1 } } } }"] = "an option must be a table",
    ["return { run = print, summary = 's', args = { { words = 1 } } }"] = "'words' must be a",
    ["return { run = print, summary = 's', args = { { names = 'x' } } }"] = "'names' must be",
    ["return { run = print, summary = 's', args = { { names = '-x' } } }"] = "-x must have 'flag",
  }
  for text, why in pairs(wrong) do
    it("are refused, with their path: " .. text, function()
      local found = entry(text)
      assert.is_nil(found.command)
      assert.equal(found.path .. ": ", found.err.message:sub(1, #found.path + 2))
      assert.matches(why, found.err.message, 1, true)
    end)
  end

  it("are all there, sorted, whatever is broken", function()
    entry "x ="
    local names = {}
    for i, found in ipairs(commands.all()) do names[i] = found.name end
    local sorted = table.move(names, 1, #names, 1, {})
    table.sort(sorted)
    assert.same(sorted, names)
    assert.equal("x", names[#names])
    assert.truthy(commands.all_options().platform)
  end)

  it("are not found where there are none", function()
    assert.equal("not_found", commands.entry("none").err.code)
    assert.equal("usage", commands.entry("../x").err.code)
  end)
end)
