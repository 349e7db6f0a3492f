local json = require "hocker.json"

local null = json.null

describe("json.decode", function()
  local good = {
    { "an object", '{"a":1,"b":[true,false,null]}', { a = 1, b = { true, false, null } } },
    { "white space", ' \t\r\n{ "a" : [ 1 , 2 ] } \n', { a = { 1, 2 } } },
    { "a scalar", "42", 42 },
    { "null", "null", null },
    { "false", "false", false },
    { "an empty object", "{}", {} },
    { "escapes", [["\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"]], '"\\/\b\f\n\r\té😀' },
    { "an escaped NUL", [["a\u0000b"]], "a\0b" },
    { "brackets in strings", [=[{"a":"]}[{\"","b":"[]"}]=], { a = ']}[{"', b = "[]" } },
    { "the same key in two objects", '[{"a":1},{"a":2}]', { { a = 1 }, { a = 2 } } },
    { "the same key at two levels", '{"a":{"a":{"a":1}}}', { a = { a = { a = 1 } } } },
    { "a key that is a value elsewhere", '{"a":"b","b":"a"}', { a = "b", b = "a" } },
    { "keys that differ in case", '{"a":1,"A":2}', { a = 1, A = 2 } },
    { "an empty key", '{"":1}', { [""] = 1 } },
    { "a number as a key", '{"1":2}', { ["1"] = 2 } },
    { "DEL", '"\127"', "\127" },
  }
  for _, case in ipairs(good) do
    it("reads " .. case[1], function()
      local value, err = json.decode(case[2])
      assert.is_nil(err)
      assert.same(case[3], value)
    end)
  end

  local numbers = {
    { "0", 0, "integer" }, { "-0", 0, "integer" }, { "-7", -7, "integer" },
    { "1.0", 1, "integer" }, { "1e3", 1000, "integer" }, { "1.5", 1.5, "float" },
    { "52550276", 52550276, "integer" },
    { "9007199254740991", 9007199254740991, "integer" },
    { "-9007199254740991", -9007199254740991, "integer" },
    { "9007199254740992", 9007199254740992.0, "float" },
    { "9007199254740993", 9007199254740992.0, "float" },
    { "9223372036854775807", 9223372036854775808.0, "float" },
    { "1E+2", 100, "integer" }, { "5e-324", 5e-324, "float" },
  }
  for _, case in ipairs(numbers) do
    it("reads " .. case[1] .. " as an " .. case[3], function()
      local value = assert(json.decode(case[1]))
      assert.equal(case[2], value)
      assert.equal(case[3], math.type(value))
    end)
  end

  it("tells an array from an object, also when they are empty", function()
    local value = assert(json.decode '{"a":[],"b":{},"c":[[],[ \n ],[{}]],"d":"[]"}')
    assert.is_true(json.is_array(value.a))
    assert.same({}, value.a)
    assert.is_true(json.is_object(value.b))
    assert.is_true(json.is_array(value.c))
    assert.same({ {}, {}, { {} } }, value.c)
    assert.is_true(json.is_array(value.c[2]))
    assert.is_true(json.is_object(value.c[3][1]))
    assert.equal("[]", value.d)
    assert.is_true(json.is_array(assert(json.decode "[]")))
    assert.is_false(json.is_array(assert(json.decode "{}")))
    assert.is_false(json.is_object(null))
  end)

  local bad = {
    { "nothing", "", "the end of the text at line 1, column 1" },
    { "white space alone", "  \n ", "the end of the text" },
    { "two documents", "{}{}", "expected the end" },
    { "two scalars", "1 2", "expected the end" },
    { "a word after", "{} x", "line 1, column 4" },
    { "an open object", '{"a":1', "expected comma or object end" },
    { "an open string", '{"a', "unexpected end of string" },
    { "a comma too many", "[1,]", "found ']' at line 1, column 4" },
    { "no quotes", "{a:1}", "invalid token" },
    { "single quotes", "{'a':1}", "invalid token" },
    { "a comment", "{} // a", "expected the end" },
    { "NaN", "[NaN]", "invalid token" },
    { "nan", "nan", "invalid token" },
    { "Infinity", "[-Infinity]", "invalid" },
    { "inf", "inf", "invalid token" },
    { "hex", "0x10", "invalid number" },
    { "a leading zero", "01", "invalid number" },
    { "a leading point", ".5", "invalid token" },
    { "a leading plus", "+1", "invalid token" },
    { "no digits before the point", "[-.5]", "before its point" },
    { "a leading zero after the sign", "-01", "invalid number" },
    { "no digits after the point", "[1.]", "after its point at line 1, column 2" },
    { "no digits between point and exponent", "[1.e5]", "after its point" },
    { "an overflow", '{"a":[1e400]}', "too large at line 1, column 7" },
    { "a negative overflow", "-1e999", "too large" },
    { "an unknown escape", [["\x"]], "invalid escape" },
    { "half a surrogate pair", [["\ud800"]], "invalid unicode escape" },
    { "a raw control character", '["a\1b"]', "control character in a string at line 1, column 4" },
    { "a raw tab in a string", '{"a\tb":1}', "raw control character" },
    { "a raw newline in a string", '"a\nb"', "raw control character" },
    { "a NUL at the end", "{}\0", "a NUL byte at line 1, column 3" },
    { "text behind a NUL", '{}\0{"a":1}', "a NUL byte" },
    { "a NUL in a string", '"\0"', "a NUL byte" },
    { "Latin 1", '"\xe9"', "not UTF-8 at line 1, column 2" },
    { "an overlong sequence", '"\xc0\xaf"', "not UTF-8" },
    { "an encoded surrogate", '"\xed\xa0\x80"', "not UTF-8" },
    { "a byte order mark", "\xef\xbb\xbf{}", "line 1, column 1" },
    { "UTF-16", "{\0}\0", "a NUL byte" },
    { "a key twice", '{"a":1,"b":2,"a":3}', "the key 'a' is there twice at line 1, column 14" },
    { "a key twice, deep", '[[{"x":{"a":1,\n"a":1}}]]', "'a' is there twice at line 2, column 1" },
    { "a key twice, once escaped", [[{"layers":1,"l\u0061yers":2}]], "'layers' is there twice" },
    { "an escaped key twice", [[{"\u0061":1,"\u0061":2}]], "'a' is there twice" },
    { "a slash escaped in a key", [[{"a/b":1,"a\/b":2}]], "twice" },
    { "a key twice with white space", '{"a" :1, "a"\n\t:2}', "twice" },
    { "a key twice around an object", '{"a":{"b":[]},"a":{}}', "'a' is there twice" },
    { "a key twice around an array", '{"a":[{"a":1}],"a":1}', "'a' is there twice" },
    { "the empty key twice", '{"":1,"":2}', "twice" },
    { "65 levels", ("["):rep(65) .. ("]"):rep(65), "nested deeper than 64 levels" },
    { "a bomb of levels", ("["):rep(100000), "nested deeper than 64 levels" },
  }
  for _, case in ipairs(bad) do
    it("refuses " .. case[1], function()
      local value, err = json.decode(case[2], "manifest")
      assert.is_nil(value)
      assert.equal("protocol", err.code)
      assert.matches("^manifest: not valid JSON: ", err.message)
      assert.is_truthy(err.message:find(case[3], 1, true), err.message)
    end)
  end

  it("reads 64 levels", function()
    assert.is_table((json.decode(("["):rep(64) .. ("]"):rep(64))))
    assert.is_table((json.decode(('{"a":'):rep(63) .. "{}" .. ("}"):rep(63))))
  end)

  it("refuses a bomb of empty arrays", function()
    local most = "[" .. ("[],"):rep((1 << 17) - 2) .. "{}]"
    assert.equal((1 << 17) - 1, #assert(json.decode(most)))
    local value, err = json.decode(most:gsub("{}", "[],[]"), "config")
    assert.is_nil(value)
    assert.equal("refused", err.code)
    assert.equal("config: has more than 131072 arrays and objects", err.message)
  end)

  it("leaves the settings of other users of cjson alone", function()
    local cjson = require "cjson"
    assert.equal(1000, cjson.decode_max_depth())
    assert.is_table(cjson.decode(("["):rep(100) .. ("]"):rep(100)))
  end)

  it("calls a text without a name a text", function()
    local _, err = json.decode("{")
    assert.matches("^text: not valid JSON", err.message)
  end)

  it("raises when it is not given text", function()
    assert.has_error(function() json.decode(nil) end)
    assert.has_error(function() json.decode({}) end)
  end)

  it("is quick with a long document", function()
    local parts = {}
    for i = 1, 20000 do
      parts[i] = ('{"digest":"sha256:%064x","size":%d,"urls":[]}'):format(i, i)
    end
    local text = "[" .. table.concat(parts, ",") .. "]"
    local start = os.clock()
    local value = assert(json.decode(text))
    assert.equal(20000, #value)
    assert.is_true(json.is_array(value[20000].urls))
    assert.is_true(os.clock() - start < 5)
  end)
end)

describe("json.encode", function()
  local array = json.array
  local cases = {
    { "an empty object", {}, "{}" },
    { "an empty array", array {}, "[]" },
    { "an array", array { 1, "a", true, null, array {} }, '[1,"a",true,null,[]]' },
    { "keys in order", { b = 1, a = 2, B = 3, aa = 4, [""] = 5 },
      '{"":5,"B":3,"a":2,"aa":4,"b":1}' },
    { "keys by their bytes", { ["é"] = 1, z = 2, ["\u{10000}"] = 3, ["\u{ffff}"] = 4 },
      '{"z":2,"é":1,"\u{ffff}":4,"\u{10000}":3}' },
    { "slashes", "a/b", '"a/b"' },
    { "escapes", '"\\\b\f\n\r\t\0\1\31\127', '"\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u0001\\u001f\127"' },
    { "HTML as it is", "<&>", '"<&>"' },
    { "integers", array { 0, -1, 9007199254740993, math.mininteger },
      "[0,-1,9007199254740993,-9223372036854775808]" },
    { "floats", array { 1.5, 0.1, 1e300, 1 / 3 }, "[1.5,0.1,1e+300,0.33333333333333331]" },
    { "nested", { RepoTags = array { "a:b" }, Layers = array {} },
      '{"Layers":[],"RepoTags":["a:b"]}' },
    { "false", false, "false" },
    { "null", null, "null" },
  }
  for _, case in ipairs(cases) do
    it("prints " .. case[1], function()
      assert.equal(case[3], json.encode(case[2]))
    end)
  end

  it("prints what it reads, byte for byte, when that is canonical", function()
    for _, text in ipairs {
      '{"a":[],"b":{},"c":[[],{}],"d":null,"e":"é\\n","f":1.5,"g":-3}', "[]", "{}", '[[[]],[{}]]',
    } do
      assert.equal(text, json.encode(assert(json.decode(text))))
    end
  end)

  it("prints 64 levels, and no more", function()
    local value = array {}
    for _ = 1, 63 do value = array { value } end
    assert.equal(("["):rep(64) .. ("]"):rep(64), json.encode(value))
    assert.has_error(function() json.encode { a = value } end)
  end)

  local loop = json.array {}
  loop[1] = loop
  local misuse = {
    { "a list that is not marked", { 1, 2 }, "json.array" },
    { "a number as a key", { [1.5] = 2 }, "strings" },
    { "a mixture", { 1, a = 2 }, "strings" },
    { "a function", { a = print }, "function" },
    { "nil", nil, "nil" },
    { "NaN", 0 / 0, "finite" },
    { "infinity", math.huge, "finite" },
    { "a string that is not UTF-8", "\xff", "UTF-8" },
    { "a key that is not UTF-8", { ["\xff"] = 1 }, "UTF-8" },
    { "a loop", loop, "deeper" },
  }
  for _, case in ipairs(misuse) do
    it("raises for " .. case[1], function()
      local ok, message = pcall(json.encode, case[2])
      assert.is_false(ok)
      assert.is_truthy(message:find(case[3], 1, true), message)
    end)
  end
end)

describe("json.pretty", function()
  local cases = {
    { "a scalar", 1, "1\n" },
    { "nothing in it", { a = {}, b = json.array {} }, '{\n  "a": {},\n  "b": []\n}\n' },
    { "one line of scalars", { b = 1, a = "x" }, '{ "a": "x", "b": 1 }\n' },
    { "an array of them", json.array { 1, null, "a" }, '[ 1, null, "a" ]\n' },
    { "objects of a line each", { list = json.array { { a = 1 }, { a = 2 } }, n = 1 },
      '{\n  "list": [\n    { "a": 1 },\n    { "a": 2 }\n  ],\n  "n": 1\n}\n' },
  }
  for _, case in ipairs(cases) do
    it("prints " .. case[1], function()
      local text = json.pretty(case[2])
      assert.equal(case[3], text)
      assert.equal(json.encode(case[2]), json.encode(assert(json.decode(text))))
    end)
  end
end)

describe("json.keys", function()
  it("are in the order of their bytes", function()
    assert.same({ "", "B", "a", "aa", "\u{e9}" },
      json.keys { a = 1, B = 1, [""] = 1, ["\u{e9}"] = 1, aa = 1 })
    assert.has_error(function() json.keys { 1 } end)
  end)
end)
