local descriptor = require "hocker.descriptor"
local json = require "hocker.json"

local DIGEST = "sha256:" .. ("a"):rep(64)

local function read(fields)
  local value = { mediaType = "a/b", digest = DIGEST, size = 1 }
  for name, field in pairs(fields) do value[name] = field end
  return descriptor.read(value, "layer 1")
end

describe("descriptor.read", function()
  it("returns the object without its nulls", function()
    assert.same({ mediaType = "a/b", digest = DIGEST, size = 1, urls = json.array { "u" } },
      read { urls = json.array { "u" }, data = json.null })
  end)

  local bad = {
    { "a size below zero", { size = -1 }, "protocol", "its size" },
    { "a size that is no integer", { size = 1.5 }, "protocol", "its size" },
    { "a size above 2^53", { size = 1 << 53 }, "protocol", "its size" },
    { "no media type", { mediaType = "" }, "protocol", "no mediaType" },
    { "a digest of a weak algorithm", { digest = "md5:00" }, "verification", "layer 1" },
    { "urls that are no list", { urls = "u" }, "protocol", "'urls'" },
    { "a field in other letters", { Digest = DIGEST }, "verification", "'Digest'" },
  }
  for _, case in ipairs(bad) do
    it("refuses " .. case[1], function()
      local value, err = read(case[2])
      assert.is_nil(value)
      assert.equal(case[3], err.code)
      assert.matches(case[4], err.message, 1, true)
    end)
  end
end)

describe("descriptor.read_list", function()
  it("names the entry that is wrong", function()
    local good = { mediaType = "a/b", digest = DIGEST, size = 0 }
    local list, err = descriptor.read_list(json.array { good, {} }, "manifest", "layers", "layer")
    assert.is_nil(list)
    assert.matches("manifest: layer 2: has no mediaType", err.message, 1, true)
  end)

  it("refuses what is no list, and one that is too long", function()
    local _, err = descriptor.read_list({}, "manifest", "layers", "layer")
    assert.equal("protocol", err.code)
    local long = json.array {}
    for i = 1, descriptor.list_max + 1 do long[i] = {} end
    _, err = descriptor.read_list(long, "manifest", "layers", "layer")
    assert.equal("refused", err.code)
  end)
end)
