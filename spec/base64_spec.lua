local base64 = require "hocker.base64"

describe("base64.decode", function()
  local cases = {
    { "", "" }, { "Zg==", "f" }, { "Zm8=", "fo" }, { "Zm9v", "foo" }, { "Zm9vYg==", "foob" },
    { "Zm9vYmE=", "fooba" }, { "Zm9vYmFy", "foobar" }, { "+/+/", "\xfb\xff\xbf" },
    { "AAAA", "\0\0\0" }, { "/w==", "\255" }, { "e30=", "{}" },
    { "Zg", nil }, { "Zg=", nil }, { "Zg===", nil }, { "=", nil }, { "====", nil }, { "A===", nil },
    { "Zh==", nil }, { "Zm9=", nil }, { "Zm9v\n", nil }, { "Zm 9", nil }, { "-_-_", nil },
    { "Zg==Zg==", nil }, { "Zm9v\0", nil },
  }
  for _, case in ipairs(cases) do
    it(("of %q"):format(case[1]), function()
      assert.equal(case[2], base64.decode(case[1]))
    end)
  end
end)
