local policy = require "hocker.policy"
local reference = require "hocker.reference"

-- Whether images are allowed, by their references.
local function allowed(parameters, text)
  parameters[1] = "allow"
  local ref = assert(reference.parse { text })
  local one = assert(policy.load(parameters))
  local ok, err = policy.compose({ one }):ask("resolve",
    { name = ref.name, host = ref.host, digest = ref.digest, reference = tostring(ref) })
  if not ok then assert.equal("refused", err.code) end
  return ok or false, err
end

local DIGEST = "@sha256:" .. ("a"):rep(64)

describe("the policy allow", function()
  local cases = {
    { {}, { "debian", "quay.io/a/b", "localhost:5000/x" }, {} },
    { { registries = "docker.io" }, { "debian", "team/app:1", "index.docker.io/a/b" },
      { "quay.io/a/b", "docker.io.evil.org/a", "localhost:5000/docker.io/a" } },
    { { registries = { "Quay.io", "localhost:5000" } }, { "quay.io/a/b", "localhost:5000/x" },
      { "debian", "localhost:5001/x", "localhost/x" } },
    { { registries = "Index.docker.io" }, { "debian" }, { "index.docker.io.example/a" } },
    { { registries = {} }, {}, { "debian" } },
    { { repositories = "docker.io/library/*" }, { "debian", "alpine:3" },
      { "team/app", "docker.io/library/a/b", "quay.io/library/debian" } },
    { { repositories = { "quay.io/team/**", "docker.io/library/deb*n" } },
      { "quay.io/team/a", "quay.io/team/a/b", "debian" },
      { "quay.io/teams/a", "alpine", "quay.io/t" } },
    { { repositories = "*/team/a.b" }, { "quay.io/team/a.b" },
      { "quay.io/team/axb", "x.io/quay.io/team/a.b" } },
    { { repositories = "quay.io/a", registries = "gcr.io" }, { "quay.io/a", "gcr.io/x" },
      { "quay.io/b" } },
    { { digests = true }, { "debian" .. DIGEST, "debian:12" .. DIGEST }, { "debian", "a/b:c" } },
    { { digests = "true" }, { "debian" .. DIGEST }, { "debian" } }, -- as a command line says it
    { { digests = "false" }, { "debian" }, {} },
    { { digests = true, registries = "quay.io" }, { "quay.io/a" .. DIGEST },
      { "quay.io/a", "debian" .. DIGEST } },
  }
  for i, case in ipairs(cases) do
    it("allows what it is told, case " .. i, function()
      for _, text in ipairs(case[2]) do assert.is_true(allowed(case[1], text), text) end
      for _, text in ipairs(case[3]) do assert.is_false(allowed(case[1], text), text) end
    end)
  end

  it("says what it refuses", function()
    local _, err = allowed({ registries = "quay.io" }, "debian:12")
    assert.equal("policy 'allow': docker.io/library/debian is not among the registries and "
      .. "repositories that are allowed", err.message)
  end)

  it("refuses other parameters", function()
    for _, wrong in ipairs { { hosts = "a" }, { digests = 1 },
      { digests = "yes" }, { registries = { 1 } },
      { registries = 5 }, { registries = "https://quay.io" }, { registries = "quay.io/team" },
      { registries = "debian" }, { registries = "quay.io." },
      { repositories = { a = "b" } }, { registries = "" } } do
      wrong[1] = "allow"
      local one, err = policy.load(wrong)
      assert.is_nil(one)
      assert.equal("usage", err.code)
      assert.matches("parameter '", err.message, 1, true)
    end
  end)
end)
