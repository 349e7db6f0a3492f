local arguments = require "hocker.arguments"
local options = require "hocker.options"

local function whole(text) return math.tointeger(tonumber(text)), text == "many" and "no" or nil end

local COMMAND = {
  summary = "does x",
  args = {
    { { names = "-f --flag", flag = true, help = "a flag" },
      { names = "-v --value --other-value", value = "V", help = "a value" } },
    { names = "--many", value = "M", many = true }, { names = "-g", flag = true },
    { names = "--number", value = "N", convert = whole },
    { names = "--choice", value = "C", choices = { "a", "b" } },
    { words = "image" },
  },
}

local function read(command, words)
  local args, err, help = arguments.read("prog", command, words)
  if err then
    assert.equal("usage", err.code)
    return nil, assert(err.message:match("^(.*); see prog %-%-help$"))
  end
  return args, nil, help
end

local function name_of(words)
  local text = table.concat(words, " ")
  return text == "" and "nothing" or text
end

--- The arguments that there are, with those that are there always.
local function with(args)
  args.many = args.many or {}
  return args
end

describe("arguments are read:", function()
  local cases = {
    { { "a" }, { image = { "a" } } },
    { { "a", "b" }, { image = { "a", "b" } } },
    { { "-" }, { image = { "-" } } },
    { { "" }, { image = { "" } } },
    { { "--flag", "a" }, { flag = true, image = { "a" } } },
    { { "a", "-f", "b" }, { flag = true, image = { "a", "b" } } },
    { { "-ff", "a", "--flag" }, { flag = true, image = { "a" } } },
    { { "-fg", "a" }, { flag = true, g = true, image = { "a" } } },
    { { "--value", "x", "a" }, { value = "x", image = { "a" } } },
    { { "--value=x", "a" }, { value = "x", image = { "a" } } },
    { { "--other-value=x", "a" }, { value = "x", image = { "a" } } },
    { { "-v", "x", "a" }, { value = "x", image = { "a" } } },
    { { "-vx", "a" }, { value = "x", image = { "a" } } },
    { { "-v=x", "a" }, { value = "=x", image = { "a" } } },
    { { "-fvg", "a" }, { flag = true, value = "g", image = { "a" } } },
    { { "-fv", "g", "a" }, { flag = true, value = "g", image = { "a" } } },
    { { "-v", "", "a" }, { value = "", image = { "a" } } },
    { { "--value=", "a" }, { value = "", image = { "a" } } },
    { { "--value", "-", "a" }, { value = "-", image = { "a" } } },
    { { "--value=-x", "a" }, { value = "-x", image = { "a" } } },
    { { "-v-x", "a" }, { value = "-x", image = { "a" } } },
    { { "--value=a=b", "a" }, { value = "a=b", image = { "a" } } },
    { { "--value=x\ny", "a" }, { value = "x\ny", image = { "a" } } },
    { { "-v", "x", "a", "-v", "y" }, { value = "y", image = { "a" } } },
    { { "--many=1", "a", "--many", "2" }, { many = { "1", "2" }, image = { "a" } } },
    { { "--number=0x10", "a" }, { number = 16, image = { "a" } } },
    { { "--choice", "b", "a" }, { choice = "b", image = { "a" } } },
    { { "--", "a" }, { image = { "a" } } },
    { { "-f", "--", "-f", "--" }, { flag = true, image = { "-f", "--" } } },
    { { "a", "--", "--none" }, { image = { "a", "--none" } } },
    { { "--scripts", "/x", "--no-user-scripts", "a" }, { image = { "a" } } },
  }
  for _, case in ipairs(cases) do
    it(name_of(case[1]), function() assert.same(with(case[2]), read(COMMAND, case[1])) end)
  end
end)

describe("arguments are refused:", function()
  local long = ("x"):rep(10000)
  local cases = {
    { {}, "missing argument 'image'" },
    { { "--" }, "missing argument 'image'" },
    { { "a", "b", "c" }, "too many arguments" },
    { { "a", "b", "--", "-f" }, "too many arguments" },
    { { "a", "--none" }, "unknown option '--none'" },
    { { "a", "--none=x" }, "unknown option '--none'" },
    { { "a", "--valeu", "x" }, "unknown option '--valeu'; did you mean '--value'?" },
    { { "a", "--other_value=x" }, "unknown option '--other_value'; did you mean '--other-value'?" },
    { { "a", "b", "c", "--nubmer", "d" }, "unknown option '--nubmer'; did you mean '--number'?" },
    { { "a", "--=x" }, "unknown option '--'" },
    { { "a", "---" }, "unknown option '---'" },
    { { "a", "-x" }, "unknown option '-x'" },
    { { "a", "-fx" }, "unknown option '-x'" },
    { { "a", "-f-" }, "unknown option '--'" },
    { { "a", "-flag" }, "unknown option '-l'" },
    { { "a", "-é" }, "unknown option '-é'" },
    { { "a", "-\xff\xfe" }, "unknown option '-\xff'" },
    { { "a", "--" .. long }, "unknown option '--" .. long .. "'" },
    { { "a", "--flag=x" }, "option '--flag' does not take an argument" },
    { { "a", "--flag=" }, "option '--flag' does not take an argument" },
    { { "a", "--value" }, "option '--value' requires an argument" },
    { { "a", "-fv" }, "option '-v' requires an argument" },
    { { "a", "--value", "-x" },
      "option '--value' requires an argument (--value=... if it begins with a dash)" },
    { { "a", "-v", "--" },
      "option '-v' requires an argument (-v... if it begins with a dash)" },
    { { "a", "--number", "many" }, "--number: no" },
    { { "a", "--number", "x" }, "--number: malformed value 'x'" },
    { { "a", "--choice", "c" }, "--choice: 'c' is none of a, b" },
  }
  for _, case in ipairs(cases) do
    it(name_of(case[1]):sub(1, 40), function()
      local args, why = read(COMMAND, case[1])
      assert.is_nil(args)
      assert.equal(case[2], why)
    end)
  end

  it("without an option that must be there", function()
    local layer = { names = "-l --layer", value = "L", required = true }
    local command = { summary = "x", args = { layer } }
    local _, why = read(command, {})
    assert.equal("missing option '-l'", why)
    assert.same({ layer = "x" }, read(command, { "-lx" }))
  end)
end)

describe("words are counted, and dealt in order:", function()
  local function words(...)
    local args = {}
    for i, count in ipairs { ... } do args[i] = { words = "w" .. i, count = count } end
    return { summary = "x", args = args }
  end
  local cases = {
    { { "1" }, { "a" }, { w1 = "a" } },
    { { "1" }, {}, "missing argument 'w1'" },
    { { "?" }, {}, {} },
    { { "?" }, { "a" }, { w1 = "a" } },
    { { "?" }, { "a", "b" }, "too many arguments" },
    { { "*" }, {}, { w1 = {} } },
    { { "*" }, { "a", "b", "c" }, { w1 = { "a", "b", "c" } } },
    { { "+" }, {}, "missing argument 'w1'" },
    { { "+" }, { "a" }, { w1 = { "a" } } },
    { { "3" }, { "a", "b" }, "argument 'w1' requires 3 words" },
    { { "2-3" }, { "a" }, "argument 'w1' requires at least 2 words" },
    { { "2-3" }, { "a", "b", "c", "d" }, "too many arguments" },
    { { "1", "1-2" }, { "a", "b", "c" }, { w1 = "a", w2 = { "b", "c" } } },
    { { "1", "1-2" }, { "a" }, "missing argument 'w2'" },
    { { "1", "+" }, { "a", "b", "c" }, { w1 = "a", w2 = { "b", "c" } } },
    { { "1", "*" }, { "a" }, { w1 = "a", w2 = {} } },
    { {}, {}, {} },
    { {}, { "a" }, "too many arguments" },
  }
  for _, case in ipairs(cases) do
    local counts, given, want = table.unpack(case)
    it(("%s of %s"):format(name_of(given), name_of(counts)), function()
      local args, why = read(words(table.unpack(counts)), given)
      assert.same(want, args or why)
    end)
  end
end)

describe("help", function()
  for _, words in ipairs { { "-h" }, { "--help" }, { "a", "b", "c", "-h" }, { "-fh" },
    { "--help", "--none" }, { "-hx" } } do
    it("is asked for by " .. name_of(words), function()
      local args, _, help = read(COMMAND, words)
      assert.is_nil(args)
      assert.matches("^Usage: prog ", help)
    end)
  end

  it("is not where something was wrong before, or after --", function()
    assert.equal("unknown option '--none'", select(2, read(COMMAND, { "--none", "--help" })))
    assert.same(with { image = { "--help" } }, read(COMMAND, { "--", "--help" }))
    assert.same(with { value = "h", image = { "a" } }, read(COMMAND, { "-vh", "a" }))
  end)
end)

describe("no words raise", function()
  local PIECES = {
    "-", "--", "---", "-f", "-fv", "-h", "-gx", "-v", "-vx", "-é", "-\xff", "-=", "--=", "=",
    "--value", "--value=", "--flag=1", "--many", "--number", "--choice=a", "--scripts", "a", "",
    "%", "\0",
  }
  local CORE = { summary = "x", args = { options.images, options.fetch, options.jobs } }

  for _, command in ipairs { COMMAND, CORE } do
    it("whatever they are", function()
      math.randomseed(7)
      for _ = 1, 3000 do
        local words = {}
        for i = 1, math.random(0, 6) do
          words[i] = PIECES[math.random(#PIECES)] .. (math.random(9) == 1 and string.char(
            math.random(0, 255)) or "")
        end
        local args, err, help = arguments.read("prog", command, words)
        assert.is_true((args and 1 or 0) + (err and 1 or 0) + (help and 1 or 0) == 1,
          name_of(words))
      end
    end)
  end
end)
