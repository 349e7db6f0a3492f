local cjson = require "cjson"
local progress = require "hocker.progress"

local function layer(digest, size, diff_id)
  return { descriptor = { digest = "sha256:" .. digest:rep(64), size = size },
    diff_id = "sha256:" .. diff_id:rep(64) }
end

--- A transfer that has received so many bytes.
local function transfer(bytes)
  return { progress = function() return bytes end }
end

--- What a display writes when all is fetched in order, with a tick at every step.
local function written(mode, f)
  local stream <close> = assert(io.tmpfile())
  local display = progress.new(mode, stream)
  f(display)
  display:clear()
  stream:seek("set")
  return stream:read("a")
end

local A, B = layer("a", 1000, "1"), layer("b", 2500000, "2")

local function fetch_both(display)
  display:tick()
  display:plan { A, B }
  display:start(A, transfer(500))
  display:tick()
  display:done(A)
  display:start(B, transfer(1000000))
  display:tick()
  display:done(B)
  display:tick()
end

describe("a display", function()
  it("none says nothing", function()
    assert.equal("", written("none", fetch_both))
  end)

  it("plain has a line a layer", function()
    assert.equal("Downloading layer: aaaaaaa => wrote 1111111\n" ..
      "Downloading layer: bbbbbbb => wrote 2222222\n", written("plain", fetch_both))
  end)

  it("plain can do without a diff_id", function()
    assert.equal("Downloading layer: aaaaaaa => wrote aaaaaaa\n", written("plain", function(display)
      display:done { descriptor = A.descriptor }
    end))
  end)

  it("json has an object a line", function()
    local events = {}
    for line in written("json", fetch_both):gmatch("[^\n]*\n") do
      events[#events + 1] = cjson.decode(line)
    end
    assert.same({
      { event = "plan", layers = 2, bytes = 2501000 },
      { event = "layer", digest = A.descriptor.digest, bytes = 1000 },
      { event = "layer", digest = B.descriptor.digest, bytes = 2500000 },
    }, events)
  end)

  it("bar is one line that is drawn again, and taken away", function()
    local text = written("bar", fetch_both)
    local frames = {}
    for frame in text:gmatch("\r\27%[K([^\r]*)") do
      frames[#frames + 1] = frame:match("^(.*)  %S+ %S+/s$") or frame
    end
    assert.same({ "layers 0/2  500 B of 2.5 MB", "layers 1/2  1.0 MB of 2.5 MB",
      "layers 2/2  2.5 MB of 2.5 MB", "" }, frames)
    assert.is_nil(text:find("\n", 1, true))
  end)

  it("bar is no longer than the terminal is wide", function()
    local text = written("bar", function(display)
      display.columns = 10
      display:plan { A }
      display:tick()
    end)
    assert.equal("\r\27[Klayers 0/\r\27[K", text)
  end)

  it("bar is taken away only where it is", function()
    assert.equal("", written("bar", function(display) display:clear() end))
    local text = written("bar", function(display)
      display:plan { A }
      display:tick()
      display:clear()
      display:clear()
    end)
    assert.equal(2, select(2, text:gsub("\r\27%[K", "")))
  end)

  it("auto is plain where there is no terminal", function()
    local core = require "hocker.core"
    local columns = core.system.columns
    finally(function() core.system.columns = columns end)
    core.system.columns = function() end
    assert.equal("plain", progress.new("auto").mode)
    core.system.columns = function() return 132 end
    local display = progress.new("auto")
    assert.same({ "bar", 132 }, { display.mode, display.columns })
    assert.equal("json", progress.new("json").mode)
    assert.equal(io.stderr, display.stream)
  end)
end)
