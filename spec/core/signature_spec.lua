--- core.signature: what OpenSSL's program signed. The verifier itself is tested in spec/c/test_signature.c.

local core = require "hocker.core"
local signer = require "support.signer"

describe("a signature", function()
  for _, kind in ipairs(signer.kinds) do
    it("is verified, of " .. kind, function()
      local key = signer.new(kind)
      local data = ("x"):rep(1000) .. "\0y"
      local sig = key:sign(data)
      assert.is_true(core.signature.verify(key.public, data, sig))
      for _, case in ipairs { { key.public, data .. "z", sig }, { key.public, data, sig .. "\0" },
        { key.public, data, "" }, { signer.new(kind).public, data, sig } } do
        local ok, err = core.signature.verify(table.unpack(case))
        assert.is_nil(ok)
        assert.equal("verification", err.code)
      end
    end)
  end

  it("needs a public key", function()
    for _, text in ipairs { "", "key", tostring(signer.new("ed25519").private) } do
      local ok, err = core.signature.verify(text, "data", "sig")
      assert.is_nil(ok)
      assert.equal("usage", err.code)
      assert.matches("^the key is ", err.message)
    end
  end)

  it("raises for what is no string", function()
    for _, case in ipairs { {}, { "k" }, { "k", "d" }, { {}, "d", "s" }, { "k", {}, "s" } } do
      assert.error_matches(function() core.signature.verify(table.unpack(case)) end,
        "string expected")
    end
  end)
end)
