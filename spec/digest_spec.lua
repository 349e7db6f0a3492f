require "support.helper"
local digest = require "hocker.digest"
local tmp = require "support.tmp"

describe("digest", function()
  it("has all forms of one", function()
    local one = digest.of "x"
    assert.equal(one, digest.check(one))
    for _, form in ipairs { digest.hex(one), digest.nix32(one), digest.sri(one) } do
      assert.equal(one, digest.parse(form))
    end
    assert.equal(one, digest.new():update("x"):final())
    local path = tmp.file "x"
    assert.equal(one, digest.of_file(path))
    local nothing, why = digest.of_file(path .. "none")
    assert.is_nil(nothing)
    assert.equal("not_found", why.code)
    local none, err = digest.check "sha256:x"
    assert.is_nil(none)
    assert.is_string(err.code)
  end)
end)
