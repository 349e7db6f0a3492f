--- core.digest: digests are strings, and every spelling begins with the strict parser. The parser
--- itself is tested in spec/c/test_digest.c.

local core = require "hocker.core"

local HEX = "cd0a524342efac6edff500c17e625735bbe479c926439b263bbe3c8518a0849c"
local D = "sha256:" .. HEX
local EMPTY = {
  sha256 = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  sha512 = "sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce" ..
    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
}

describe("a digest", function()
  local spellings = {
    { "check", D },
    { "hex", HEX },
    { "nix32", "1744l0c8ag5y7ck9nhr6r5wy9frmaxi7xh80ypgnxb7g891m42nd" },
    { "sri", "sha256-zQpSQ0LvrG7f9QDBfmJXNbvkeckmQ5smO748hRighJw=" },
  }
  for _, case in ipairs(spellings) do
    local name, want = table.unpack(case)

    it("has the spelling " .. name, function()
      assert.equal(want, core.digest[name](D))
      assert.equal(1, select("#", core.digest[name](D)))
    end)

    it("is checked before it is spelt as " .. name, function()
      for _, text in ipairs { "", HEX, "md5:" .. HEX, D:upper(), D .. "0", D:sub(1, -2), D .. "\0",
        "sha256:../../etc/passwd", "sha512:" .. HEX } do
        local value, err = core.digest[name](text)
        assert.is_nil(value)
        assert.equal("verification", err.code)
      end
      for _, wrong in ipairs { {}, true, print } do
        assert.error_matches(function() core.digest[name](wrong) end, "string expected")
      end
      assert.error_matches(function() core.digest[name]() end, "string expected, got no value")
    end)
  end
end)

describe("core.digest.of", function()
  it("hashes a string, by sha256 unless told otherwise", function()
    assert.equal(EMPTY.sha256, core.digest.of(""))
    assert.equal(EMPTY.sha256, core.digest.of("", "sha256"))
    assert.equal(EMPTY.sha512, core.digest.of("", "sha512"))
    assert.equal("sha256:6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      core.digest.of("\0"))
  end)

  it("raises for another algorithm, and for what is no string", function()
    assert.error_matches(function() core.digest.of("", "md5") end, "invalid option 'md5'")
    assert.error(function() core.digest.of({}) end)
    assert.error(function() core.digest.of() end)
  end)
end)

describe("a hash", function()
  it("takes its data in pieces", function()
    local whole, hash = {}, core.digest.new("sha512")
    for i = 1, 100 do
      whole[i] = ("x"):rep(i)
      assert.equal(hash, hash:update(whole[i]))
    end
    assert.equal(core.digest.of(table.concat(whole), "sha512"), hash:final())
  end)

  it("tells its digest once", function()
    local hash = core.digest.new()
    assert.equal(EMPTY.sha256, hash:final())
    assert.error_matches(function() hash:final() end, "it is closed, or was given away")
    assert.error_matches(function() hash:update("x") end, "it is closed, or was given away")
    hash:close()
  end)

  it("raises for another algorithm, and for what is no string", function()
    assert.error_matches(function() core.digest.new("sha1") end, "invalid option 'sha1'")
    local hash <close> = core.digest.new()
    assert.error(function() hash:update({}) end)
    assert.error(function() hash:update() end)
    assert.equal(EMPTY.sha256, hash:final())
  end)
end)
