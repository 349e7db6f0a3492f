local policy = require "hocker.policy"

-- What is answered for an image of that name.
local function answer(parameters, name)
  parameters[1] = "mirror"
  return assert(policy.load(parameters)).hooks.resolve { name = name }
end

describe("the policy mirror", function()
  local places = {
    ["docker.io"] = { "https://a.example", "https://b.example/v2/hub" },
    ["docker.io/library"] = "https://lib.example",
    ["quay.io/team"] = "registry.example/quay/team",
    ["gcr.io"] = "registry.example:5000",
  }

  it("names mirrors for the longest part that fits", function()
    assert.same({ mirrors = { "https://a.example", "https://b.example/v2/hub" } },
      answer(places, "docker.io/team/app"))
    assert.same({ mirrors = { "https://lib.example" } }, answer(places, "docker.io/library/debian"))
    assert.same({ mirrors = { "https://a.example" } },
      answer({ ["Docker.IO"] = "https://a.example" }, "docker.io/team/app"))
  end)

  it("names another image", function()
    assert.same({ name = "registry.example/quay/team/a/b" }, answer(places, "quay.io/team/a/b"))
    assert.same({ name = "registry.example:5000/a" }, answer(places, "gcr.io/a"))
    assert.same({ name = "registry.example/quay/team" }, answer(places, "quay.io/team"))
  end)

  it("has no opinion of others", function()
    for _, name in ipairs { "quay.io/teams/a", "quay.io/a", "docker.io.evil.org/a" } do
      assert.is_nil(answer(places, name))
    end
  end)

  it("refuses what is neither", function()
    for _, wrong in ipairs { { ["a.io"] = {} }, { ["a.io"] = 1 }, { ["a.io"] = { "x", "y" } },
      { ["a.io"] = { "https://x", "y" } } } do
      wrong[1] = "mirror"
      local one, err = policy.load(wrong)
      assert.is_nil(one)
      assert.equal("usage", err.code)
      assert.matches("a.io", err.message, 1, true)
    end
  end)
end)
