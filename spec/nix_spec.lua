local json = require "hocker.json"
local nix = require "hocker.nix"
local real = require "support.nix"

local have_nix = real.available()

local function evaluate(expr)
  return real.evaluate(nix.print(expr))
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
    { "a set in its order, with a comment", attrs { nix.comment "why\nand so", { "a", 1 } },
      "{\n  # why\n  # and so\n  a = 1;\n}" },
    { "a set of a comment", attrs { nix.comment "nothing" }, "{\n  # nothing\n}" },
    { "a comment that tries to end", nix.rec { nix.comment "a\r\nb = 1;\rc \r*/ d", { "a", 1 } },
      "rec {\n  # a\n  # b = 1;\n  # c \n  # */ d\n  a = 1;\n}" },
    { "a text of pieces", nix.text { 'a "${', id "b", "} $", call("f", 1), "" },
      [["a \"\${${b}} \$${f 1}"]] },
    { "a text of nothing", nix.text {}, '""' },
    { "a choice", nix.select("a", "b"), "a.b" },
    { "a choice by what is no identifier", nix.select("a", "b/${c}"), [[a."b/\${c}"]] },
    { "a choice by a value", nix.select(id "a", id "b"), "a.${b}" },
    { "a choice in a set", nix.select(attrs {}, "b", 1), "{ }.b or 1" },
    { "a choice with a default", nix.select("a", "b", call("f", 1)), "a.b or (f 1)" },
    { "a choice in a choice", nix.select(nix.select("a", "b", 1), "c", nix.select("x", "y", 2)),
      "(a.b or 1).c or (x.y or 2)" },
    { "a choice as an argument", call("f", nix.select("a", "b"), nix.select("a", "b", 2)),
      "f a.b (a.b or 2)" },
    { "a function with defaults", fn({ "a", { "b", 1 }, { "c", attrs {} }, "..." }, id "b"),
      "{ a, b ? 1, c ? { }, ... }:\nb" },
    { "a function whose default takes lines", fn({ "a", { "b", attrs { { "c", 1 } } } }, id "a"),
      "{\n  a,\n  b ? {\n    c = 1;\n  },\n}:\na" },
    { "a function of many", attrs { { "f", fn({ ("a"):rep(40), ("b"):rep(40), "..." }, 1) } },
      ("{\n  f = {\n    %s,\n    %s,\n    ...\n  }:\n  1;\n}")
        :format(("a"):rep(40), ("b"):rep(40)) },
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
    local all, names = {}, { "pkgs", "f", "b", "x", "y", "a" }
    for i, case in ipairs(cases) do all[i] = { "case " .. i, case[2] } end
    real.parse(nix.print(fn(names, attrs(all))))
    for _, case in ipairs(cases) do real.parse(nix.print(fn(names, case[2]))) end
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
    assert.equal("a 1${b}c", evaluate(nix.let({ { "b", "1${b}" } },
      nix.text { "a ", id "b", "c" })))
    local set = attrs { { "a b", attrs { { "c", 1 } } } }
    assert.same({ 1, 2, 3 }, evaluate(list {
      nix.select(nix.select(set, "a b"), nix.call("toString", "c")),
      nix.select(nix.select(set, "none"), "c", 2),
      call(fn({ "a", { "b", 3 } }, id "b"), attrs { { "a", 1 } }),
    }))
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
    { "a formal twice, once with a default", function() return fn({ "a", { "a", 1 } }, 1) end },
    { "a default without a name", function() return fn({ { 1, 2 } }, 1) end },
    { "a default without a value", function() return nix.print(fn({ { "a" } }, 1)) end },
    { "a comment for an expression", function() return nix.print(nix.comment "a") end },
    { "an expression for an entry", function() return attrs { id "a" } end },
    { "a piece that is no text", function() return nix.print(nix.text { 1 }) end },
    { "a NUL in a piece", function() return nix.print(nix.text { "a\0" }) end },
    { "a choice in no set", function() return nix.select("a b", "c") end },
    { "a call without an argument", function() return call("f") end },
  }
  for _, case in ipairs(misuse) do
    it("raises for " .. case[1], function()
      assert.has_error(case[2])
    end)
  end
end)
