local help = require "hocker.help"
local options = require "hocker.options"

local function text(command, specs)
  return help.text("prog x", command, specs)
end

describe("help", function()
  it("is laid out in two columns", function()
    local specs = {
      { words = "image", help = "which" },
      { names = "-o --out", value = "PATH", help = "where to; " .. ("word "):rep(20) },
      { names = "-f --credentials-file --credential-file", value = "PATH", help = "file" },
      { names = "--flag", flag = true }, { names = "-q --quiet", flag = true, help = "one\ntwo" },
      { names = "-l --a-long-name-for-an-option", value = "V", help = "below" }, options.help,
    }
    local want = [[
Usage: prog x [options] WHAT

does x

Arguments:
   image                        which

Options:
      -o PATH,                  where to; word word word word word word word word word
   --out PATH                   word word word word word word word word word word word
                   -f PATH,     file
   --credentials-file PATH,
    --credential-file PATH
   --flag
   -q, --quiet                  one
                                two
                            -l V,
   --a-long-name-for-an-option V
                                below
   -h, --help                   show this help
]]
    assert.equal(want, text({ summary = "does x", usage = "WHAT" }, specs))
  end)

  it("has no part that would be empty, and the usage of an image where none is said", function()
    assert.equal("Usage: prog x [options] IMAGE\n\ndoes x\n", text({ summary = "does x" }, {}))
    assert.equal("Usage: prog x [options]\n\n\n\nOptions:\n   -x Y\n",
      text({ summary = "", usage = "" }, { { names = "-x", value = "Y" } }))
  end)

  it("has lines of 90 characters at most, if no word is longer", function()
    local long = ("x"):rep(100)
    local lines = text({ summary = ("ten chars "):rep(20) .. long .. " end" }, {})
    for line in lines:gmatch("[^\n]+") do assert.is_true(line == long or #line <= 90, line) end
    assert.matches(("\n%s\nend\n$"):format(long), lines)
  end)
end)
