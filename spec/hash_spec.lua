require "support.helper"
local clients = require "support.clients"
local core = require "hocker.core"
local hash = require "hocker.hash"
local process = require "support.process"

describe("hash.digest", function()
  local digests = {
    "sha256:cd0a524342efac6edff500c17e625735bbe479c926439b263bbe3c8518a0849c",
    "sha256:" .. ("0"):rep(64), "sha256:" .. ("f"):rep(64), "sha256:" .. ("f0"):rep(32),
    core.digest.of("", "sha512"), core.digest.of("x", "sha512"),
  }

  for _, digest in ipairs(digests) do
    it("reads all spellings of " .. digest:sub(1, 12), function()
      local name, hex = digest:match("^(%w+):(%x+)$")
      local nix32, sri = core.digest.nix32(digest), core.digest.sri(digest)
      local base = sri:match("%-(.*)$")
      for _, text in ipairs { digest, name .. ":" .. nix32, name .. ":" .. base, sri } do
        assert.equal(digest, hash.digest(text))
      end
      if name == "sha256" then
        for _, text in ipairs { hex, nix32, base } do assert.equal(digest, hash.digest(text)) end
      end
    end)
  end

  it("agrees with nix", function()
    clients.need(clients.nix)
    local nix32 = "1744l0c8ag5y7ck9nhr6r5wy9frmaxi7xh80ypgnxb7g891m42nd"
    local hex = process.check { "nix-hash", "--type", "sha256", "--to-base16", nix32 }
    assert.equal("sha256:" .. hex:match("%x+"), hash.digest(nix32))
  end)

  local hex = digests[1]:sub(8)
  for what, text in pairs {
    ["nothing"] = "", ["too short"] = hex:sub(2), ["too long"] = hex .. "0",
    ["capital letters"] = hex:upper(), ["another algorithm"] = "md5:" .. hex:sub(1, 32),
    ["the wrong length for its name"] = "sha512:" .. hex, ["a path"] = "sha256:../../etc/passwd",
    ["no digit of base 32"] = ("e"):rep(52), ["bits too many in base 32"] = ("z"):rep(52),
    ["base 64 that is not whole"] = "sha256-zQpSQ0LvrG7f9QDBfmJXNbvkeckmQ5smO748hRighJw",
    ["a newline"] = hex .. "\n", ["two names"] = "sha256:sha256:" .. hex,
  } do
    it("refuses " .. what, function()
      local digest, err = hash.digest(text)
      assert.is_nil(digest)
      assert.equal("usage", err.code)
    end)
  end
end)
