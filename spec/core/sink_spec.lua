--- core.sink: chains built from Lua. What the sinks do with bytes is tested in spec/c.

local core = require "hocker.core"
local leaks = require "support.leaks"
local lua = require "support.lua"
local process = require "support.process"
local tmp = require "support.tmp"

local sink = core.sink
local SPENT = "it is closed, or was given away"
local HELLO = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

--- A gzip of some text, by the gzip program.
local function gzip(text)
  return process.check({ "gzip", "-nc" }, { stdin = text })
end

describe("a chain", function()
  it("hands bytes on to its end", function()
    local buffer = core.buffer(100)
    local chain = sink.queue(sink.verify(sink.inflate(sink.verify(buffer:sink(), {
      size = 5, digest = HELLO, name = "content",
    }), { max = 5 }), { max = 100 }), 10)
    local bytes = gzip("hello")
    for i = 1, #bytes do assert.is_true(chain:write(bytes:sub(i, i))) end
    assert.is_true(chain:finish())
    assert.is_true(chain:finish())
    assert.equal("hello", buffer:data())
    local ok, err = chain:write("more")
    assert.is_nil(ok)
    assert.equal("usage", err.code)
  end)

  it("can be empty, and can be written by no bytes", function()
    local chain <close> = sink.verify(sink.null(), { size = 0 })
    assert.is_true(chain:write(""))
    assert.is_true(chain:finish())
  end)

  it("keeps its first error", function()
    local chain <close> = sink.verify(sink.null(), { size = 3, name = "the blob" })
    local ok, first = chain:write("four")
    assert.is_nil(ok)
    assert.equal("verification", first.code)
    assert.matches("^the blob: ", first.message)
    for _ = 1, 2 do
      local again, err = chain:write("x")
      assert.is_nil(again)
      assert.equal(first.message, err.message)
      again, err = chain:finish()
      assert.is_nil(again)
      assert.equal(first.message, err.message)
    end
  end)

  local wrong = {
    { "fewer bytes", { size = 6 }, "hello" },
    { "more bytes", { size = 4 }, "hello" },
    { "more than the most", { max = 4 }, "hello" },
    { "another digest", { digest = HELLO }, "hullo" },
  }
  for _, case in ipairs(wrong) do
    for _, threaded in ipairs { false, true } do
      it("tells of " .. case[1] .. (threaded and " in a worker" or ""), function()
        local verify = sink.verify(sink.null(), case[2])
        local chain <close> = threaded and sink.queue(verify) or verify
        local ok, err = chain:write(case[3])
        if ok then ok, err = chain:finish() end
        assert.is_nil(ok)
        assert.equal("verification", err.code)
        assert.matches("^content: ", err.message)
      end)
    end
  end

  it("limits what it unpacks", function()
    local chain <close> = sink.inflate(sink.null(), { max = 4, name = "the layer" })
    local ok, err = chain:write(gzip("hello"))
    if ok then ok, err = chain:finish() end
    assert.is_nil(ok)
    assert.equal("verification", err.code)
    assert.matches("^the layer: ", err.message)
  end)

  it("writes to both ends of a tee", function()
    local a, b = core.buffer(100), core.buffer(100)
    local chain <close> = sink.tee(a:sink(), sink.queue(b:sink()))
    assert.is_true(chain:write("hel"))
    assert.is_true(chain:write("lo"))
    assert.is_true(chain:finish())
    assert.same({ "hello", "hello" }, { a:data(), b:data() })
  end)

  it("fails when one end of a tee does", function()
    local a = core.buffer(100)
    local chain <close> = sink.tee(sink.verify(sink.null(), { size = 9 }), a:sink())
    assert.is_true(chain:write("hello"))
    local ok, err = chain:finish()
    assert.is_nil(ok)
    assert.equal("verification", err.code)
  end)

  it("writes to standard output as it comes", function()
    local result = lua.run { "-e", [[
      local core = require "hocker.core"
      local out = core.sink.stdout()
      io.stdout:setvbuf("full")
      assert(out:write("first "))
      io.stdout:write("last")
      assert(out:write("second "))
      assert(out:finish())
    ]] }
    assert.equal("first second last", result.stdout, result.stderr)
  end)

  it("tells when standard output can't be written", function()
    local result = lua.run({ "-e", [[
      local out = require("hocker.core").sink.stdout()
      local ok, err = out:write("x")
      io.stderr:write(tostring(ok), " ", err.code, " ", err.sys, " ", err.message)
    ]] }, { stdout = "/dev/full" })
    assert.equal("nil io 28 writing standard output: No space left on device", result.stderr)
  end)
end)

describe("a sink that was given away", function()
  local takers = {
    verify = function(s) return sink.verify(s, {}) end,
    inflate = function(s) return sink.inflate(s, { max = 1 }) end,
    queue = function(s) return sink.queue(s) end,
    ["tee, first"] = function(s) return sink.tee(s, sink.null()) end,
    ["tee, second"] = function(s) return sink.tee(sink.null(), s) end,
  }
  for name, take in pairs(takers) do
    it("is spent: " .. name, function()
      local s = sink.null()
      local head <close> = take(s)
      assert.is_true(head:write(""))
      assert.error_matches(function() s:write("x") end, SPENT)
      assert.error_matches(function() s:finish() end, SPENT)
      for _, again in pairs(takers) do
        assert.error_matches(function() again(s) end, SPENT)
      end
      s:close()
      assert.is_true(head:finish())
    end)

    it("must be open: " .. name, function()
      local s = sink.null()
      s:close()
      assert.error_matches(function() take(s) end, SPENT)
      for _, wrong in ipairs { false, {}, "sink", core.buffer(1) } do
        assert.error_matches(function() take(wrong) end, "hocker.Sink expected")
      end
    end)
  end

  it("is not taken by a call that raises", function()
    local s <close> = sink.null()
    for _, call in ipairs {
      function() sink.verify(s) end, function() sink.verify(s, { sise = 1 }) end,
      function() sink.inflate(s, {}) end, function() sink.queue(s, 0) end,
      function() sink.tee(s, s) end, function() sink.tee(s) end,
    } do
      assert.error(call)
    end
    assert.is_true(s:write("x"))
    assert.is_true(s:finish())
  end)
end)

describe("misuse", function()
  local function verify(opts) return function() sink.verify(sink.null(), opts) end end
  local function inflate(opts) return function() sink.inflate(sink.null(), opts) end end
  local function queue(bytes) return function() sink.queue(sink.null(), bytes) end end

  local cases = {
    { verify(nil), "table expected" },
    { verify "x", "table expected" },
    { verify { sise = 1 }, "unknown option 'sise'" },
    { verify { 1 }, "unknown option '1'" },
    { verify { [{}] = 1 }, "unknown option 'table: " },
    { verify { size = "5" }, "'size' must be a whole number" },
    { verify { size = 1.5 }, "'size' must be a whole number" },
    { verify { size = -1 }, "'size' must be a whole number" },
    { verify { max = {} }, "'max' must be a whole number" },
    { verify { digest = "sha256:1" }, "'digest' must be a digest" },
    { verify { digest = 1 }, "'digest' must be a digest" },
    { verify { name = 1 }, "'name' must be a string" },
    { verify { name = "a\0b" }, "'name' contains a zero byte" },
    { inflate {}, "'max' is missing" },
    { inflate(nil), "'max' is missing" },
    { inflate { max = 1, min = 0 }, "unknown option 'min'" },
    { queue(0), "not a sensible size" },
    { queue(-1), "not a sensible size" },
    { queue(1 << 40), "not a sensible size" },
    { queue "x", "number expected" },
    { function() sink.null():write() end, "string expected" },
    { function() sink.null():write({}) end, "string expected" },
    { function() local s = sink.null() sink.tee(s, s) end, "the same sink twice" },
  }
  for i, case in ipairs(cases) do
    it(("raises: %d, %s"):format(i, case[2]), function()
      assert.error_matches(case[1], case[2], 1, true)
    end)
  end

  -- What is borrowed from a table has to be in it.
  it("does not look behind a table of options", function()
    local opts = setmetatable({}, { __index = function() return ("x"):rep(100) end })
    local s <close> = sink.verify(sink.null(), opts)
    assert.is_true(s:write(("x"):rep(1000)))
  end)
end)

describe("chains that are left behind", function()
  it("leave nothing behind", function()
    leaks.none(function()
      for i = 1, 20 do
        local buffer = core.buffer(1 << 20)
        local inflate = sink.inflate(buffer:sink(), { max = 1 << 20 })
        local verify = sink.verify(sink.null(), { digest = HELLO })
        local chain = sink.queue(sink.tee(sink.queue(inflate), verify), 1000)
        chain:write(("x"):rep(i * 1000))
        if i % 3 == 0 then chain:finish() end
        if i % 2 == 0 then chain:close() end
        collectgarbage("step")
      end
    end)
  end)

  it("remove what they wrote to a file", function()
    local dir = tmp.dir()
    leaks.none(function()
      local file = assert(core.file(dir .. "/out"))
      local chain = sink.queue(file:sink())
      chain:write("half of it")
      file:close() -- the chain goes last
      chain:close()
    end)
    assert.same({}, tmp.list(dir))
  end)
end)
