local output = require "hocker.output"
local tmp = require "support.tmp"

--- A stream whose writes fail from the second on.
local function tiring()
  local stream, written = {}, {}
  function stream.write(_, ...)
    if #written > 0 then return nil, "no room", 28 end
    written[1] = table.concat { ... }
    return stream
  end
  function stream.flush() return stream end
  return stream, written
end

describe("standard output", function()
  it("prints what it is given", function()
    local path = tmp.path("printed")
    local file = assert(io.open(path, "w"))
    local out = output.new(file)
    assert.equal(out, out:write("a", 1, "\n"))
    assert.is_true(output.print_all(out, "b\n"))
    assert.equal("a1\nb\n", tmp.read(path))
    file:close()
  end)

  it("remembers the first write that failed", function()
    local out = output.new(tiring())
    assert.is_true(output.print_all(out, "first"))
    assert.same({ nil, "no room", 28 }, { out:write("second") })
    local ok, err = output.print_all(out, "")
    assert.is_nil(ok)
    assert.equal("io", err.code)
    assert.equal(28, err.sys)
    assert.equal("writing to standard output: no room", err.message)
  end)

  it("tells a fault of a stream that is none of its own", function()
    local full <close> = assert(io.open("/dev/full", "w"))
    local ok, err = output.print_all(full, "text")
    assert.is_nil(ok)
    assert.equal(28, err.sys)
    full:setvbuf "no" -- what waits would fail once more at the end
  end)

  it("has Lua's print", function()
    local stream, written = tiring()
    output.printer(stream)("a", nil, 1.5, true)
    assert.equal("a\tnil\t1.5\ttrue\n", written[1])
  end)
end)
