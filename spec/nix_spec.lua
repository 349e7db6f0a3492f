local json = require "hocker.json"
local nix = require "hocker.nix"

local have_nix = os.execute("nix-instantiate --version >/dev/null 2>&1")

--- Runs nix-instantiate on a text; the dummy store keeps it from touching the machine's.
local function instantiate(text, arguments)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  local pipe = assert(io.popen(
    ("nix-instantiate --store dummy:// %s - < %s 2>&1"):format(arguments, path)))
  local output = pipe:read("a")
  local ok = pipe:close()
  os.remove(path)
  return ok, output
end

local function evaluate(expr)
  local ok, output = instantiate(nix.print(expr), "--eval --strict --json")
  assert(ok, output)
  return assert(json.decode(output))
end

describe("nix.quote", function()
  local cases = {
    { "", '""' },
    { "debian", '"debian"' },
    { 'a"b', [["a\"b"]] },
    { "a\\b", [["a\\b"]] },
    { "a\\", [["a\\"]] },
    { "${x}", [["\${x}"]] },
    { "$${x}", [["\$\${x}"]] },
    { "\\${x}", [["\\\${x}"]] },
    { "$", [["\$"]] },
    { "''", [["''"]] },
    { "a\nb\tc\rd", [["a\nb\tc\rd"]] },
    { "\27", [["${builtins.fromJSON "\"\\u001b\""}"]] },
    { "$\27{", [["\$${builtins.fromJSON "\"\\u001b\""}{"]] },
    { "\127", [["${builtins.fromJSON "\"\\u007f\""}"]] },
    { "é", '"é"' },
  }
  for _, case in ipairs(cases) do
    it(("prints %q"):format(case[1]), function()
      assert.equal(case[2], nix.quote(case[1]))
    end)
  end

  it("gives back in Nix what went in", function()
    if not have_nix then pending("nix-instantiate is not installed") return end
    local texts = json.array {}
    for _, case in ipairs(cases) do texts[#texts + 1] = case[1] end
    for byte = 1, 127 do texts[#texts + 1] = "a" .. string.char(byte) .. "{b}" end
    -- Every string of four of the characters that mean something.
    local marks = { "$", "{", "}", "\\", '"', "\n", "\r", "\27", "'" }
    local words = { "" }
    for _ = 1, 4 do
      local longer = {}
      for _, word in ipairs(words) do
        for _, mark in ipairs(marks) do longer[#longer + 1] = word .. mark end
      end
      words = longer
    end
    assert.equal(9 ^ 4, #words)
    table.move(words, 1, #words, #texts + 1, texts)
    assert.same(texts, evaluate(nix.list(texts)))
  end)

  it("raises for a NUL", function()
    assert.has_error(function() nix.quote("a\0b") end)
  end)
end)

describe("nix.attribute", function()
  local cases = {
    { "a", "a" }, { "_a-b'C9", "_a-b'C9" }, { "imageName", "imageName" },
    { "9a", '"9a"' }, { "-a", '"-a"' }, { "'a", [["'a"]] }, { "a.b", '"a.b"' }, { "a b", '"a b"' },
    { "", '""' }, { "a\n", [["a\n"]] }, { "é", '"é"' }, { "${a}", [["\${a}"]] },
    { 'a"', [["a\""]] },
    { "if", '"if"' }, { "then", '"then"' }, { "else", '"else"' }, { "assert", '"assert"' },
    { "with", '"with"' }, { "let", '"let"' }, { "in", '"in"' }, { "rec", '"rec"' },
    { "inherit", '"inherit"' }, { "or", '"or"' }, { "null", "null" }, { "true", "true" },
  }
  for _, case in ipairs(cases) do
    it(("prints %q"):format(case[1]), function()
      assert.equal(case[2], nix.attribute(case[1]))
    end)
  end

  it("gives back in Nix what went in", function()
    if not have_nix then pending("nix-instantiate is not installed") return end
    local bindings, want = {}, {}
    for i, case in ipairs(cases) do
      bindings[i] = { case[1], i }
      want[case[1]] = i
    end
    assert.same(want, evaluate(nix.attrs(bindings)))
    assert.same(want, evaluate(nix.rec(bindings)))
  end)
end)

describe("nix.print", function()
  local id, list, attrs, call, fn = nix.id, nix.list, nix.attrs, nix.call, nix.fn
  local cases = {
    { "a string", "a", '"a"' },
    { "an integer", 42, "42" },
    { "true", true, "true" },
    { "false", false, "false" },
    { "null", nix.null, "null" },
    { "an identifier", id "pkgs", "pkgs" },
    { "a path", id "pkgs.lib.fetchurl", "pkgs.lib.fetchurl" },
    { "an empty list", list {}, "[ ]" },
    { "a list", list { 1, "a", id "b", true }, '[ 1 "a" b true ]' },
    { "negative items", list { -1, 0, 1 }, "[ (-1) 0 1 ]" },
    { "a list of applications", list { call("f", 1), call("f", -1) }, "[ (f 1) (f (-1)) ]" },
    { "a list of lists", list { list {}, list { 1 } }, "[ [ ] [ 1 ] ]" },
    { "an empty set", attrs {}, "{ }" },
    { "an empty recursive set", nix.rec {}, "rec { }" },
    { "a set in its order", attrs { { "b", 1 }, nix.inherit { "x", "y" }, { "a b", 2 } },
      '{\n  b = 1;\n  inherit x y;\n  "a b" = 2;\n}' },
    { "a recursive set", nix.rec { { "a", attrs { { "b", 1 } } } },
      "rec {\n  a = {\n    b = 1;\n  };\n}" },
    { "an application", call("f", "a", id "b", attrs {}), 'f "a" b { }' },
    { "an application of one", call(call("f", 1), 2), "(f 1) 2" },
    { "an application of a function", call(fn({ "a" }, id "a"), attrs { { "a", 1 } }),
      "({ a }:\na) {\n  a = 1;\n}" },
    { "a function", fn({ "a", "b" }, id "a"), "{ a, b }:\na" },
    { "a function of anything", fn({ "a", "..." }, id "a"), "{ a, ... }:\na" },
    { "a function of nothing", fn({}, 1), "{ }:\n1" },
    { "let", nix.let({ { "a", 1 } }, list { id "a" }), "let\n  a = 1;\nin [ a ]" },
    { "let of nothing", nix.let({}, list {}), "[ ]" },
    { "let in a list", list { nix.let({ { "a", 1 } }, id "a") },
      "[\n  (let\n    a = 1;\n  in a)\n]" },
    { "let in a set", attrs { { "x", nix.let({ { "a", 1 } }, id "a") } },
      "{\n  x = let\n    a = 1;\n  in a;\n}" },
  }
  for _, case in ipairs(cases) do
    it("prints " .. case[1], function()
      assert.equal(case[3], nix.print(case[2]))
    end)
  end

  it("breaks a list that is too long for a line", function()
    local items = {}
    for i = 1, 30 do items[i] = id("layer" .. i) end
    local lines = select(2, nix.print(list(items)):gsub("\n", ""))
    assert.equal(31, lines)
  end)

  it("prints what Nix parses", function()
    if not have_nix then pending("nix-instantiate is not installed") return end
    local all = { { "f", fn({ "pkgs", "f", "b", "x", "y", "a" }, 1) } }
    for i, case in ipairs(cases) do all[i + 1] = { "case " .. i, case[2] } end
    local ok, output = instantiate(nix.print(fn({ "pkgs", "f", "b", "x", "y", "a" }, attrs(all))),
      "--parse")
    assert.is_truthy(ok, output)
    for _, case in ipairs(cases) do
      local text = nix.print(fn({ "pkgs", "f", "b", "x", "y", "a" }, case[2]))
      ok, output = instantiate(text, "--parse")
      assert.is_truthy(ok, output)
    end
  end)

  it("prints what Nix evaluates to the same", function()
    if not have_nix then pending("nix-instantiate is not installed") return end
    assert.same({ -1, { a = 1, b = 1 }, 3, { true, json.null } }, evaluate(list {
      -1,
      nix.rec { { "a", 1 }, { "b", id "a" } },
      nix.let({ { "x", attrs { { "y", 3 } } } }, id "x.y"),
      list { true, nix.null },
    }))
    assert.same({ 1, 2 }, evaluate(call(fn({ "a", "b" }, list { id "a", id "b" }),
      attrs { { "a", 1 }, { "b", 2 } })))
    assert.equal(-3, evaluate(nix.call("builtins.add", -1, -2)))
  end)

  local misuse = {
    { "a float", function() return nix.print(1.5) end },
    { "nil", function() return nix.print(nil) end },
    { "a bare table", function() return nix.print({}) end },
    { "inherit for an expression", function() return nix.print(nix.inherit { "a" }) end },
    { "a NUL", function() return nix.print("\0") end },
    { "an identifier with a space", function() return id "a b" end },
    { "an empty identifier", function() return id "" end },
    { "an empty part of a path", function() return id "a..b" end },
    { "a keyword as an identifier", function() return id "let" end },
    { "a keyword in a path", function() return id "a.in" end },
    { "nil as an identifier", function() return id(nil) end },
    { "an expression as an identifier", function() return id "1; in evil" end },
    { "inherit of nothing", function() return nix.inherit {} end },
    { "inherit of no identifier", function() return nix.inherit { "a b" } end },
    { "an attribute twice", function() return attrs { { "a", 1 }, { "a", 2 } } end },
    { "an attribute and inherit", function()
      return nix.rec { { "a", 1 }, nix.inherit { "a" } }
    end },
    { "let twice", function() return nix.let({ { "a", 1 }, { "a", 2 } }, 1) end },
    { "an attribute without a name", function() return attrs { { 1, 2 } } end },
    { "an attribute without a value", function() return nix.print(attrs { { "a" } }) end },
    { "a formal twice", function() return fn({ "a", "a" }, 1) end },
    { "a formal that is a keyword", function() return fn({ "rec" }, 1) end },
    { "an ellipsis that is not the last", function() return fn({ "...", "a" }, 1) end },
    { "a call without an argument", function() return call("f") end },
  }
  for _, case in ipairs(misuse) do
    it("raises for " .. case[1], function()
      assert.has_error(case[2])
    end)
  end
end)
