local document = require "bench.document"
local measure = require "bench.measure"
local process = require "support.process"
local program = require "support.program"
local text = require "bench.text"
local tmp = require "support.tmp"

local PARTS = { "compare", "growth", "startup", "latency", "slowlink", "update" }

-- A document with nothing in its regions.
local function blank()
  local path = tmp.file(tmp.read("docs/measurements.md"), "measurements.md")
  local empty = { machine = "nowhere\n" }
  for _, name in ipairs(PARTS) do
    empty[name] = ""
  end
  assert(document.update(path, empty, PARTS))
  return path
end

describe("the benchmark", function()
  it("puts a line through points", function()
    local fit = measure.fit({ 1, 2, 4 }, { 13, 16, 22 })
    assert.near(10, fit.base, 1e-9)
    assert.near(3, fit.slope, 1e-9)
    assert.near(1, fit.r2, 1e-9)
    assert.near(0.75, measure.fit({ 0, 1, 2 }, { 0, 2, 2 }).r2, 1e-9)
  end)

  it("prints tables", function()
    assert.equal([[
|       |  wall |
| ----- | ----: |
| floor | ± 1 s |
| long  |       |
]], text.table({ "", "wall" }, { { "floor", "± 1 s" }, { "long" } }))
  end)

  it("replaces regions of a document and leaves the rest", function()
    local path = blank()
    local before = tmp.read(path)
    assert.is_true(document.update(path, { machine = "nowhere\n", growth = "100 %1\n" }, PARTS))
    assert.equal(#before + #"100 %1\n", #tmp.read(path))
    assert.equal("100 %1\n", document.region(tmp.read(path), "growth"))
  end)

  it("does not mix results of two machines", function()
    local path = blank()
    local before = tmp.read(path)
    local ok, why = document.update(path, { machine = "elsewhere\n", growth = "x\n" }, PARTS)
    assert.is_nil(ok)
    assert.matches("another machine; measure compare too$", why)
    assert.equal(before, tmp.read(path))
  end)
end)

-- What is measured has to be built for it.
if not program.sanitized then
  describe("make bench", function()
    local function bench(...)
      return process.run({ "make", "--no-print-directory", "bench", "SIZE=small", ... },
        { env = { MAKEFLAGS = false, MAKELEVEL = false }, timeout = 600 })
    end

    it("fills the document, in miniature", function()
      local path = blank()
      local result = bench("OUT=" .. path)
      assert.equal(0, result.code, result.stdout .. result.stderr)
      local bytes = tmp.read(path)
      for _, name in ipairs(PARTS) do
        local region = document.region(bytes, name)
        assert.matches("\n| %-%-", region)
        assert.is_truthy(result.stdout:find(region, 1, true))
      end
      local compared = document.region(bytes, "compare")
      assert.matches("| hocker docker%-archive, [%w-]+ +|[^|]+|[^|]+|[^|]+| +[%d.]+ |", compared)
      assert.matches("| skopeo dir +|", compared)
      assert.is_nil(bytes:find("%f[%w]nan%f[%W]"))
      local way, first, again = document.region(bytes, "update"):match(
        "\n| ([^|]+)|[^|]+| +(%d+) |[^|]+|[^|]+| +(%d+) |[^|]+|\n$")
      assert.matches("skopeo", way)
      assert.near(tonumber(first), tonumber(again), 100)
    end)

    it("refuses a part that there is not", function()
      local result = bench("PARTS=warp")
      assert.equal(2, result.code)
      assert.matches("warp: no such part", result.stderr)
    end)
  end)
end
