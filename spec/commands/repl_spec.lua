--- hocker repl: the library, line by line.

local process = require "support.process"
local program = require "support.program"
local tmp = require "support.tmp"

local function say(text)
  return program.run("hocker", { "repl" }, { stdin = text })
end

describe("hocker repl", function()
  it("prints the values of expressions", function()
    local result = say('1 + 1\n"a", nil\n{}\nhocker.digest.of("")\n')
    assert.equal(0, result.code, result.stderr)
    assert.equal('2\n"a"\tnil\n{}\n"sha256:' ..
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"\n', result.stdout)
  end)

  it("reads what goes on over lines, and remembers", function()
    local result = say("x = {\n  a = 1,\n}\nfor i = 1, 2 do\n  print(i)\nend\nx\nlocal y = 1\ny\n")
    assert.equal(0, result.code, result.stderr)
    assert.equal("1\n2\n{\n  a = 1,\n}\nnil\n", result.stdout)
  end)

  it("goes on after an error, and says so at its end", function()
    local result = say('error("no")\n1 +* 2\nassert(hocker.open "Not Valid")\n"still"\nx = {\n')
    assert.equal(1, result.code)
    assert.equal('"still"\n', result.stdout)
    assert.matches("input:1: no", result.stderr, 1, true)
    assert.matches("unexpected symbol", result.stderr, 1, true)
    assert.matches("capital letters.*%(usage%)", result.stderr)
    assert.is_nil(result.stderr:find("xpcall", 1, true))
  end)

  it("takes '=' before an expression, as lua does", function()
    local result = say('= 1, 2\n=hocker.digest\n=\n)\n')
    assert.matches("^1\t2\n{", result.stdout)
    assert.equal(1, result.code)
  end)

  it("goes on after a value that can't be printed, and a text that can't be read", function()
    local result = say('setmetatable({}, { __tostring = function() error("mine") end })\n' ..
      "x = " .. ("("):rep(400) .. "\n" .. '"still"\n')
    assert.equal(1, result.code)
    assert.equal('"still"\n', result.stdout)
    assert.matches("input:1: mine", result.stderr, 1, true)
    assert.matches("C stack overflow", result.stderr, 1, true)
    assert.is_nil(result.stderr:find("xpcall", 1, true))
  end)

  it("tells that it can't read or print", function()
    local result = program.run("hocker", { "repl" }, { stdin = "1\n", stdout = "/dev/full" })
    assert.equal(7, result.code)
    assert.matches("writing to standard output", program.line(result, "hocker repl"), 1, true)
    result = process.run { "sh", "-c", '"$0" repl </', program.path("hocker") }
    assert.equal(7, result.code)
    assert.matches("reading standard input: Is a directory", result.stderr, 1, true)
  end)

  it("shows nothing that a terminal would obey", function()
    assert.equal('"\\x1b[31m"\n{\n  ["a\\x1b"] = {\n    b = "\\"",\n  },\n}\n',
      say([["\27[31m"
{ ["a\27"] = { b = '"' } }
]]).stdout)
  end)

  local function at_terminal(text)
    return process.run { "sh", "-c", ("script -qec '%s repl' /dev/null <%s"):format(
      program.path("hocker"), tmp.file(text .. "\4")) }
  end

  it("has a prompt at a terminal", function()
    if not process.which("script") then pending("script is not installed") return end
    local result = at_terminal "1 + 1\nx = {\n}\n"
    assert.equal(0, result.code, result.stdout)
    assert.matches("> .*2\r?\n> .*>> ", result.stdout)
  end)

  it("ends what runs by Ctrl-C, and at a terminal no more than that", function()
    if not process.which("script") then pending("script is not installed") return end
    local text = "io.popen('kill -INT $PPID'):close() while true do end\n'st' .. 'ill'\n"
    local result = at_terminal(text)
    assert.equal(0, result.code, result.stdout)
    assert.matches("interrupted by signal 2.*\"still\"", result.stdout)
    assert.equal(130, say(text).code)
    result = at_terminal((text:gsub("INT", "TERM")))
    assert.equal(143, result.code, result.stdout)
  end)
end)
