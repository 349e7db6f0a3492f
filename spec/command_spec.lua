local command = require "hocker.command"
local core = require "hocker.core"

--- Runs a function with standard output and error in files. What it returned, and what was written.
local function captured(f, out)
  local stdout, stderr = io.stdout, io.stderr
  local errors <close> = assert(io.tmpfile())
  out = out or assert(io.tmpfile())
  rawset(io, "stdout", out)
  rawset(io, "stderr", errors)
  local ok, code = pcall(f)
  rawset(io, "stdout", stdout)
  rawset(io, "stderr", stderr)
  assert(ok, code)
  errors:seek("set")
  local result = { code = code, stderr = errors:read("a") }
  result.stdout = out:seek("set") and out:read("a")
  out:close()
  return result
end

--- Runs a command made of `fields`.
local function run(fields, words, out)
  local made = { name = "x", summary = "does x", args = {} }
  for key, value in pairs(fields) do made[key] = value end
  return captured(function() return command.run(made, "prog", words or {}) end, out)
end

local function main(program, ...)
  local words = { ... }
  return captured(function() return command.main(program, words) end)
end

describe("how a command ends", function()
  it("well", function()
    local result = run { run = function(ctx)
      ctx.out:write("result\n")
      return true
    end }
    assert.same({ code = 0, stdout = "result\n", stderr = "" }, result)
  end)

  local codes = {
    usage = 2, not_found = 3, unauthorized = 4, verification = 5, network = 6, io = 7, refused = 8,
    interrupted = 1, protocol = 1, unsupported = 1, memory = 1, internal = 1,
  }
  for code, want in pairs(codes) do
    it("with " .. code .. " is " .. want, function()
      local result = run { run = function() return nil, core.error(code, "it went wrong") end }
      assert.same({ code = want, stdout = "", stderr = "prog: it went wrong\n" }, result)
    end)
  end

  for signal, want in pairs { [2] = 130, [15] = 143, [1] = 129 } do
    it("by signal " .. signal .. " is " .. want, function()
      local err = core.error("interrupted", "interrupted", { sys = signal })
      assert.equal(want, run({ run = function() return nil, err end }).code)
      assert.equal(want, run({ run = function() error(err) end }).code)
    end)
  end

  it("with one line, whatever a server has put into it", function()
    local result = run { run = function()
      return nil, core.error("protocol", "it says \27[2J\nprog: all is well\0")
    end }
    assert.equal("prog: it says \\x1b[2J\\x0aprog: all is well\\x00\n", result.stderr)
  end)

  it("with an error object that was raised", function()
    local result = run { run = function() error(core.error("refused", "a policy says no")) end }
    assert.same({ code = 8, stdout = "", stderr = "prog: a policy says no\n" }, result)
  end)

  it("with a bug, whose traceback is shown", function()
    local result = run { run = function()
      local nothing = nil
      return nothing.field
    end }
    assert.equal(1, result.code)
    local first, rest = result.stderr:match("^([^\n]*)\n(.*)$")
    assert.matches("^prog: .*command_spec.lua:%d+: attempt to index a nil value", first)
    assert.matches("stack traceback:\n.*command_spec.lua:%d+: in ", rest)
  end)

  it("with whatever was raised", function()
    local function raised(...)
      local values = table.pack(...)
      local result = run { run = function() error(table.unpack(values, 1, values.n)) end }
      assert.equal(1, result.code)
      return result.stderr:match("^prog: ([^\n]*)")
    end
    assert.equal("42", raised(42))
    assert.equal("(error object is a boolean value)", raised(false))
    assert.equal("(error object is a table value)", raised {})
    assert.equal("(error object is a nil value)", raised())
  end)

  it("with the answer no, which is 1", function()
    local result = run { run = function(ctx)
      ctx.out:write("what differs\n")
      return false
    end }
    assert.same({ code = 1, stdout = "what differs\n", stderr = "" }, result)
  end)

  it("without saying why", function()
    local result = run { run = function() end }
    assert.equal(1, result.code)
    assert.equal("prog: the command failed without saying why\n", result.stderr)
  end)

  for name, size in pairs { ["a small"] = 1, ["a large"] = 1 << 20 } do
    it("with " .. name .. " result that can't be written", function()
      local result = run({ run = function(ctx)
        ctx.out:write(("x"):rep(size))
        ctx.out:write("and more")
        return true
      end }, {}, assert(io.open("/dev/full", "w")))
      assert.equal(7, result.code)
      assert.equal("prog: writing to standard output: No space left on device\n", result.stderr)
    end)
  end

  it("with its progress taken away", function()
    local order = {}
    local result = run { run = function(ctx)
      ctx.progress = { clear = function() order[#order + 1] = "clear" end }
      return nil, core.error("io", "why")
    end }
    assert.same({ "clear" }, order)
    assert.equal("prog: why\n", result.stderr)
  end)
end)

describe("what a command is given", function()
  local ARGS = {
    { { names = "-f --flag", flag = true, help = "a flag" },
      { names = "-v --value", value = "V", help = "a value" } },
    { names = "--many", value = "M", many = true, help = "more than one" },
    { names = "--number", value = "N", default = "7", help = "a number", convert = function(text)
      return tonumber(text), "no number"
    end },
    { names = "--choice", value = "C", choices = { "a", "b" }, help = "a or b" },
    { words = "image", help = "the image" },
  }

  --- The arguments as the command sees them; or the line of the refusal.
  local function args(...)
    local seen
    local result = run({ args = ARGS, run = function(_, given)
      seen = given
      return true
    end }, { ... })
    if seen then return seen end
    assert.equal(2, result.code)
    assert.equal("", result.stdout)
    return nil, result.stderr
  end

  it("is what the words say, in any order", function()
    local want = { flag = true, value = "x", many = { "1", "2" }, number = 8, choice = "b",
      image = { "debian", "12" } }
    for _, words in ipairs {
      { "-f", "-v", "x", "--many", "1", "--many", "2", "--number", "8", "--choice", "b", "debian",
        "12" },
      { "debian", "--many=1", "--value=x", "12", "--number=8", "--many=2", "--flag", "--choice=b" },
      { "--choice", "b", "debian", "-fvx", "12", "--many", "1", "--number", "8", "--many", "2" },
    } do
      assert.same(want, args(table.unpack(words)))
    end
  end)

  it("has its defaults", function()
    assert.same({ many = {}, number = 7, image = { "debian" } }, args("debian"))
  end)

  it("takes words that look like options after --", function()
    assert.same({ "--flag" }, args("--", "--flag").image)
  end)

  it("can be empty words", function()
    assert.same({ "" }, args("").image)
    assert.equal("", args("x", "--value", "").value)
    assert.equal("", args("x", "--value=").value)
  end)

  it("is the last of a value that is given twice", function()
    assert.equal("y", args("a", "--value", "x", "--value", "y").value)
  end)

  local wrong = {
    { {}, "image" },
    { { "a", "b", "c" }, "too many arguments" },
    { { "a", "--none" }, "unknown option '--none'" },
    { { "a", "--valeu", "x" }, "did you mean" },
    { { "a", "--value" }, "--value" },
    { { "a", "--flag=x" }, "--flag" },
    { { "a", "--number", "many" }, "no number" },
    { { "a", "--choice", "c" }, "--choice" },
  }
  for _, case in ipairs(wrong) do
    it("is refused: prog " .. table.concat(case[1], " "), function()
      local none, line = args(table.unpack(case[1]))
      assert.is_nil(none)
      assert.matches("^prog: [^\n]*; see prog %-%-help\n$", line)
      assert.matches(case[2], line, 1, true)
    end)
  end

  it("must have what is required", function()
    local spec = { { names = "--layer", value = "SHA256", required = true, help = "which" } }
    local result = run({ args = spec, run = function() return true end }, {})
    assert.equal(2, result.code)
    assert.matches("--layer", result.stderr, 1, true)
  end)

  it("is help, if that is asked for, and no run", function()
    for _, words in ipairs { { "-h" }, { "--help" }, { "a", "--help" }, { "--help", "--none" } } do
      local result = run({ args = ARGS, run = error }, words)
      assert.equal(0, result.code)
      assert.equal("", result.stderr)
      for _, part in ipairs { "Usage: prog ", "does x", "--value", "a flag", "--help" } do
        assert.matches(part, result.stdout, 1, true)
      end
    end
  end)

  it("is help that can't be written", function()
    local full = assert(io.open("/dev/full", "w"))
    local result = run({ args = ARGS, run = error }, { "--help" }, full)
    assert.equal(7, result.code)
    assert.equal("prog: writing to standard output: No space left on device\n", result.stderr)
  end)

  for option, want in pairs { [""] = "w", ["--quiet"] = "", ["-v"] = "w d" } do
    it("is a log of the level of " .. option, function()
      local options = require "hocker.options"
      local result = run({ args = { options.verbosity }, run = function(ctx)
        ctx.log:warn("w")
        ctx.log:debug("d")
        return true
      end }, { option ~= "" and option or nil })
      assert.equal(want, (result.stderr:gsub("prog: ", ""):gsub("\n", " "):gsub(" $", "")))
    end)
  end
end)

describe("a command of commands", function()
  local COMMANDS = { args = false, commands = {
    { name = "one", summary = "does one", usage = "WORD",
      args = { { words = "word", value = "<word>", count = "1", help = "a word" } },
      run = function(ctx, args)
        ctx.out:write(args.word, "\n")
        return true
      end },
    { name = "two", summary = "does two", args = {},
      run = function() return nil, core.error("io", "why") end },
  } }

  it("runs what its first word says", function()
    assert.same({ code = 0, stdout = "w\n", stderr = "" }, run(COMMANDS, { "one", "w" }))
    assert.same({ code = 7, stdout = "", stderr = "prog two: why\n" }, run(COMMANDS, { "two" }))
    assert.matches("^Usage: prog one %[options%] WORD\n.*\n   word +a word\n",
      run(COMMANDS, { "one", "--help" }).stdout)
    assert.same({ code = 2, stdout = "",
      stderr = "prog one: too many arguments; see prog one --help\n" },
      run(COMMANDS, { "one", "a", "b" }))
  end)

  it("lists what there is", function()
    for _, word in ipairs { "--help", "-h", "help" } do
      assert.same({ code = 0, stderr = "",
        stdout = "Usage: prog COMMAND [options] ...\n\nDoes x.\n\n"
        .. "Commands:\n   one          does one\n   two          does two\n\n"
        .. "`prog COMMAND --help` tells the rest.\n" }, run(COMMANDS, { word }))
    end
  end)

  it("refuses other words, and none", function()
    for _, word in ipairs { "three", "", "one two", "--file" } do
      assert.same({ code = 2, stdout = "",
        stderr = ("prog: there is no command '%s'; see prog --help\n"):format(word) },
        run(COMMANDS, { word }))
    end
    assert.same({ code = 2, stdout = "", stderr = "prog: which command? see prog --help\n" },
      run(COMMANDS))
  end)
end)

describe("the program", function()
  it("tells its version", function()
    for _, words in ipairs { { "--version" }, { "-V" } } do
      assert.same({ code = 0, stdout = "hocker " .. core.version .. "\n", stderr = "" },
        main("/usr/bin/hocker", table.unpack(words)))
    end
    assert.equal("hocker-layer " .. core.version .. "\n", main("hocker-layer", "--version").stdout)
  end)

  it("lists its commands", function()
    for _, word in ipairs { "--help", "-h", "help" } do
      local result = main("hocker", word)
      assert.equal(0, result.code)
      for _, entry in ipairs(command.programs) do
        assert.matches("\n   " .. entry.name .. " +%l", result.stdout)
      end
    end
  end)

  it("is each command, by a word and by the name of its own that it may have", function()
    for _, entry in ipairs(command.programs) do
      local word = main("./hocker", entry.name, "--help")
      assert.matches("^Usage: hocker " .. entry.name .. " ", word.stdout)
      assert.equal(0, word.code)
      if entry.program then
        local named = main("/some/where/" .. entry.program, "--help")
        assert.matches("^Usage: " .. entry.program:gsub("%-", "%%-") .. " ", named.stdout)
        assert.equal(0, named.code)
      end
    end
  end)

  local wrong = {
    "none", "Image", "../commands/image", "image.lua", "-x", "", "hocker-image", "a b",
  }
  for _, word in ipairs(wrong) do
    it(("refuses the command %q"):format(word), function()
      assert.same({ code = 2, stdout = "",
        stderr = ("hocker: there is no command '%s'; see hocker --help\n"):format(word) },
        main("hocker", word))
    end)
  end

  it("wants a command", function()
    assert.same({ code = 2, stdout = "", stderr = "hocker: which command? see hocker --help\n" },
      main("hocker"))
    assert.equal(2, main("anything").code)
  end)

  local rts = {
    { "+RTS", "-A1m", "-RTS", "--version" },
    { "--version", "+RTS", "-N" },
    { "+RTS", "-RTS", "--version", "+RTS", "-x", "-RTS" },
    { "+RTS", "+RTS", "-RTS", "--version" },
  }
  for _, words in ipairs(rts) do
    it("passes over " .. table.concat(words, " "), function()
      assert.equal("hocker-image " .. core.version .. "\n",
        main("hocker-image", table.unpack(words)).stdout)
      assert.equal("hocker " .. core.version .. "\n", main("hocker", table.unpack(words)).stdout)
    end)
  end

  it("does not know -RTS alone", function()
    assert.equal(2, main("hocker-image", "-RTS").code)
  end)
end)
