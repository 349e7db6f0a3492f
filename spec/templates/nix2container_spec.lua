local described = require "support.described"

local template = dofile("templates/nix/nix2container.lua")

describe("the nix2container template", function()
  it("prints the manifest, byte for byte", function()
    local bytes = '{\n\t"a": 1 }\r\n'
    assert.equal(bytes, template(described.image({}, described.one { bytes = bytes })))
  end)

  it("refuses digests that nix2container does not take", function()
    local long = described.descriptor("sha512:" .. ("0"):rep(128))
    for _, fields in ipairs { { config = long },
      { layers = { described.descriptor(described.layer), long } } } do
      local text, err = template(described.image({}, described.one(fields)))
      assert.is_nil(text)
      assert.equal("unsupported", err.code)
      assert.matches("sha256 only", err.message)
    end
  end)
end)
