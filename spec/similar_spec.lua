local similar = require "hocker.similar"

describe("similar.hint", function()
  local KNOWN = { jobs = 1, retries = 1, connect_timeout = 1, stall_timeout = 1, q = 1 }
  local cases = {
    { "job", "jobs" }, { "jobss", "jobs" }, { "jbos", "jobs" }, { "retires", "retries" },
    { "Retries", "retries" }, { "connect-timeout", "connect_timeout" }, { "timeout", nil },
    { "--jobs", "jobs" }, { "-q", "q" },
    { "stal_timeout", "stall_timeout" }, { "completely else", nil }, { ("x"):rep(10000), nil },
  }
  for _, case in ipairs(cases) do
    it("for " .. case[1]:sub(1, 20), function()
      local want = case[2] and ("; did you mean '%s'?"):format(case[2]) or ""
      assert.equal(want, similar.hint(case[1], KNOWN))
    end)
  end

  it("is empty where nothing is known", function()
    assert.equal("", similar.hint("x", {}))
  end)
end)
