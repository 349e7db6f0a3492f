local field = require "hocker.field"

describe("field.link", function()
  local cases = {
    { '</v2/a/tags/list?last=b&n=2>; rel="next"', "/v2/a/tags/list?last=b&n=2" },
    { "<u>;rel=next", "u" },
    { "<u> ; REL = NEXT", "u" },
    { '<first>; rel="prev", <u>; rel="next"', "u" },
    { '<u,v>; title="a, \\"<b>; rel=next"; rel="last next"', "u,v" },
    { '<a>; rel="prev"; rel="next"', nil },
    { "<a>; rel=nexter", nil },
    { "<a>", nil },
    { '<a>; rel="next', nil },
    { "a; rel=next", nil },
    { "", nil },
    { '<>; rel="next"', "" },
    { '<a>; flag; rel="next"', "a" },
  }
  for _, case in ipairs(cases) do
    it(("of %q"):format(case[1]), function()
      assert.equal(case[2], field.link(case[1], "next"))
    end)
  end
end)
