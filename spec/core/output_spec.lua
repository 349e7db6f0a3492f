--- What chains end in: memory, files and tars, as Lua holds them.

local core = require "hocker.core"
local leaks = require "support.leaks"
local lfs = require "lfs"
local lua = require "support.lua"
local process = require "support.process"
local tmp = require "support.tmp"

local SPENT = "it is closed, or was given away"

describe("core.buffer", function()
  it("holds what arrived", function()
    local buffer <close> = core.buffer(5)
    assert.equal("", buffer:data())
    local sink <close> = buffer:sink()
    assert.is_true(sink:write("a\0b"))
    assert.is_true(sink:write("cd"))
    assert.is_true(sink:finish())
    assert.equal("a\0bcd", buffer:data())
  end)

  it("has a ceiling", function()
    local buffer = core.buffer(4)
    local sink = buffer:sink()
    local ok, err = sink:write("hello")
    assert.is_nil(ok)
    assert.equal("protocol", err.code)
    assert.equal("more than 4 bytes", err.message)
    sink:close()
    assert.equal("", buffer:data())
  end)

  -- A worker may be at it.
  it("is not read and not filled by another while it is being filled", function()
    local buffer <close> = core.buffer(1 << 20)
    local sink = core.sink.queue(buffer:sink())
    assert.is_true(sink:write(("x"):rep(100000)))
    assert.error_matches(function() buffer:data() end, "it is being filled")
    assert.error_matches(function() buffer:sink() end, "memory takes one sink at a time")
    assert.is_true(sink:finish())
    assert.equal(100000, #buffer:data())
    local more <close> = buffer:sink()
    sink:close()
    assert.error_matches(function() buffer:data() end, "it is being filled")
    assert.is_true(more:write("y"))
    more:close()
    assert.equal(100001, #buffer:data())
  end)

  it("outlives neither its sink nor itself", function()
    local buffer = core.buffer(10)
    local sink <close> = buffer:sink()
    buffer:close()
    assert.is_true(sink:write("x"))
    assert.is_true(sink:finish())
    assert.error_matches(function() buffer:data() end, SPENT)
    assert.error_matches(function() buffer:sink() end, SPENT)
  end)

  it("raises for what is no size", function()
    for _, wrong in ipairs { -1, 1.5, "x", {}, math.huge } do
      assert.error(function() core.buffer(wrong) end)
    end
    assert.error(function() core.buffer() end)
  end)
end)

describe("core.meter", function()
  it("counts, and hashes where it is asked to", function()
    local meter <close> = core.meter(true)
    assert.error_matches(function() meter:size() end, "no sink of it has finished")
    for _, text in ipairs { "hello", "", ("x"):rep(100000) } do
      local sink = core.sink.queue(meter:sink())
      assert.is_true(sink:write(text))
      assert.error_matches(function() meter:size() end, "no sink of it has finished")
      assert.error_matches(function() meter:sink() end, "one sink at a time")
      assert.is_true(sink:finish())
      assert.equal(#text, meter:size())
      assert.equal(core.digest.of(text), meter:digest())
    end
    local counter <close> = core.meter()
    assert.is_true(counter:sink():finish())
    assert.equal(0, counter:size())
    assert.error_matches(function() counter:digest() end, "does not hash")
  end)

  it("knows nothing of what was not finished", function()
    leaks.none(function()
      local meter = core.meter(true)
      local sink = meter:sink()
      sink:write("x")
      sink:close()
      assert.error(function() meter:size() end)
      assert.error(function() meter:digest() end)
      meter:sink()
      meter:close()
      assert.error_matches(function() meter:sink() end, SPENT)
    end)
  end)
end)

describe("core.file", function()
  it("is executable when it is asked to be, for those who may read it", function()
    for mask, want in pairs { ["022"] = "rwxr-xr-x", ["077"] = "rwx------" } do
      local path = tmp.path()
      local code = ([[local core = require "hocker.core"
        local file = core.file("%s") file:make_executable() file:commit()]]):format(path)
      local words = lua.command { "-e", "'" .. code .. "'" }
      process.check({ "sh", "-c", "umask " .. mask .. "; " .. table.concat(words, " ") },
        { env = { LUA_CPATH = package.cpath } })
      assert.equal(want, lfs.attributes(path, "permissions"))
    end
  end)

  it("appears under its name by commit only", function()
    local dir = tmp.dir()
    local file <close> = assert(core.file(dir .. "/out"))
    local sink = file:sink()
    assert.is_true(sink:write("hello"))
    assert.is_true(sink:finish())
    assert.is_false(tmp.exists(dir .. "/out"))
    assert.is_true(file:commit())
    assert.equal("hello", tmp.read(dir .. "/out"))
    assert.same({ "out" }, tmp.list(dir))
    file:close()
    assert.same({ "out" }, tmp.list(dir))
  end)

  it("can be locked, against whoever locks one of the same folder", function()
    local path = tmp.dir() .. "/out"
    local file <close> = assert(core.file(path))
    assert.is_true(file:lock())
    local words = { "flock", "-n", "-E", "9", path:match("^(.*)/"), "true" }
    assert.equal(9, process.run(words).code)
    assert.is_true(file:commit())
    assert.equal(9, process.run(words).code)
    file:close()
    assert.equal(0, process.run(words).code)
  end)

  it("is committed once", function()
    local file <close> = assert(core.file(tmp.path()))
    assert.is_true(file:commit())
    local ok, err = file:commit()
    assert.is_nil(ok)
    assert.equal("usage", err.code)
  end)

  it("is not committed while it is being written", function()
    local path = tmp.path()
    local file <close> = assert(core.file(path))
    local sink = core.sink.queue(file:sink())
    assert.is_true(sink:write("hello"))
    local ok, err = file:commit()
    assert.is_nil(ok)
    assert.equal("usage", err.code)
    assert.is_false(tmp.exists(path))
    assert.is_true(sink:finish())
    assert.is_true(file:commit())
    assert.equal("hello", tmp.read(path))
  end)

  for _, how in ipairs { "close", "<close>", "collection" } do
    it("leaves what was there when it is dropped by " .. how, function()
      local dir = tmp.dir()
      tmp.write(dir .. "/out", "before")
      leaks.none(function()
        local file = assert(core.file(dir .. "/out"))
        local sink = file:sink()
        assert.is_true(sink:write("after"))
        if how == "close" then
          file:close()
          sink:close()
        elseif how == "<close>" then
          local closed_last <close> = sink -- luacheck: ignore 211
          do local closed_first <close> = file end -- luacheck: ignore 211
        end
      end)
      assert.equal("before", tmp.read(dir .. "/out"))
      assert.same({ "out" }, tmp.list(dir))
    end)
  end

  it("is spent when it is closed", function()
    local file = assert(core.file(tmp.path()))
    file:close()
    assert.error_matches(function() file:sink() end, SPENT)
    assert.error_matches(function() file:commit() end, SPENT)
    assert.error_matches(function() core.tar(file) end, SPENT)
  end)

  it("returns an error for a path that can't be written", function()
    tmp.write(tmp.root() .. "/plain", "")
    for path, sys in pairs { ["/does/not/exist"] = 2, [tmp.root() .. "/plain/x"] = 20, [""] = false,
      [tmp.root()] = 21 } do
      local file, err = core.file(path)
      assert.is_nil(file, path)
      assert.equal(sys and "io" or "usage", err.code)
      assert.equal(sys or nil, err.sys)
    end
    for _, wrong in ipairs { {}, true, "a\0b" } do
      assert.error(function() core.file(wrong) end)
    end
    assert.error(function() core.file() end)
  end)

  it("is standard output by the name -", function()
    local result = lua.run { "-e", [[
      local file <close> = assert(require("hocker.core").file("-"))
      local sink = file:sink()
      assert(sink:write("hel") and sink:write("lo") and sink:finish())
      io.stderr:write("nothing yet")
      assert(file:commit())
    ]] }
    assert.same({ 0, "hello", "nothing yet" }, { result.code, result.stdout, result.stderr })
  end)
end)

describe("core.tar", function()
  --- A tar made by a function, and what the tar program says of it: names, and contents.
  local function made(fill)
    local path = tmp.path("out.tar")
    local file <close> = assert(core.file(path))
    local tar <close> = assert(core.tar(file))
    fill(tar)
    assert.is_true(tar:finish())
    assert.is_true(file:commit())
    local names = {}
    for name in process.check({ "tar", "-tf", path }):gmatch("[^\n]+") do
      names[#names + 1] = name
    end
    return names, function(name) return process.check { "tar", "-xOf", path, name } end
  end

  it("has its members in the order of their declaration, however they are filled", function()
    local names, content = made(function(tar)
      local a = core.sink.queue(assert(tar:member("a", 2)))
      local b = core.sink.queue(assert(tar:member("b")))
      local c = core.sink.queue(assert(tar:member("c", 9)))
      assert.is_true(tar:put("d", "dd"))
      assert.is_true(c:write("cc") and b:write("bb") and a:write("aa"))
      assert.is_true(b:finish() and a:finish() and c:finish())
    end)
    assert.same({ "a", "b", "c", "d" }, names)
    for _, name in ipairs(names) do assert.equal(name .. name, content(name)) end
  end)

  it("is finished when all its members are", function()
    local file <close> = assert(core.file(tmp.path()))
    local tar <close> = assert(core.tar(file))
    local sink = assert(tar:member("a", 1))
    local ok, err = tar:finish()
    assert.is_nil(ok)
    assert.equal("usage", err.code)
    assert.is_true(sink:write("x") and sink:finish())
    assert.is_true(tar:finish())
    ok, err = tar:put("b", "")
    assert.is_nil(ok)
    assert.equal("usage", err.code)
  end)

  it("returns an error for a name that leaves the archive", function()
    local file <close> = assert(core.file(tmp.path()))
    local tar <close> = assert(core.tar(file))
    for _, name in ipairs { "", "/a", "../a", "a/..", "a/../b" } do
      local sink, err = tar:member(name, 1)
      assert.is_nil(sink, name)
      assert.equal("usage", err.code)
      sink, err = tar:put(name, "")
      assert.is_nil(sink, name)
      assert.equal("usage", err.code)
    end
  end)

  it("raises for misuse", function()
    local file <close> = assert(core.file(tmp.path()))
    local tar <close> = assert(core.tar(file))
    for _, call in ipairs {
      function() core.tar() end, function() core.tar("path") end,
      function() tar:member() end, function() tar:member({}) end,
      function() tar:member("a\0b") end, function() tar:member("a", -1) end,
      function() tar:member("a", 1.5) end, function() tar:member("a", "x") end,
      function() tar:put("a") end, function() tar:put("a", {}) end,
      function() tar:put("a\0", "") end,
    } do
      assert.error(call)
    end
    assert.is_true(tar:finish())
  end)

  it("lets a member begin anew whose sink ended unfinished", function()
    local content = {}
    for i, wrong in ipairs { "abc", ("x"):rep(5000) } do
      local path = tmp.path()
      local file <close> = assert(core.file(path))
      local tar <close> = assert(core.tar(file))
      local sink = assert(tar:member("a", 5))
      assert.is_true(tar:put("b", "behind"))
      local none, err = tar:sink(1)
      assert.is_nil(none)
      assert.equal("usage", err.code)
      assert.is_true(sink:write(wrong))
      sink:close()
      sink = assert(tar:sink(1))
      assert.is_true(sink:write("right"))
      assert.is_true(sink:finish())
      sink:close()
      assert.is_nil((tar:sink(1)))
      assert.is_nil((tar:sink(2)))
      assert.is_nil((tar:sink(3)))
      assert.error(function() tar:sink(0) end)
      assert.is_true(tar:finish())
      assert.is_true(file:commit())
      content[i] = tmp.read(path)
      assert.equal("right", process.check { "tar", "-xOf", path, "a" })
    end
    assert.equal(content[1], content[2])
  end)

  it("may be closed and collected in any order", function()
    local dir = tmp.dir()
    leaks.none(function()
      for i = 1, 8 do
        local file = assert(core.file(dir .. "/out"))
        local tar = assert(core.tar(file))
        local sink = core.sink.queue(assert(tar:member("a")))
        assert.is_true(sink:write("spilled to a scratch file"))
        if i & 1 == 0 then file:close() end
        if i & 2 == 0 then tar:close() end
        collectgarbage()
        assert.is_true(sink:write("more"))
        if i & 4 == 0 then assert.is_true(sink:finish()) end
      end
    end)
    assert.same({}, tmp.list(dir))
  end)
end)

describe("core.tar_stream", function()
  local function bytes_of(fill)
    local buffer <close> = core.buffer(1 << 20)
    local stream <close> = core.tar_stream(buffer:sink())
    fill(stream)
    assert.is_true(stream:finish())
    return buffer:data()
  end

  it("gives the bytes of a tar, whichever member is filled first", function()
    local path = tmp.path("out.tar")
    local file <close> = assert(core.file(path))
    local tar <close> = assert(core.tar(file))
    assert.is_true(tar:put("a", "aaa") and tar:put("b", ("b"):rep(5000)) and tar:put("c", ""))
    assert.is_true(tar:finish() and file:commit())
    local got = bytes_of(function(stream)
      local a = core.sink.queue(assert(stream:member("a", 3)))
      local b = core.sink.queue(assert(stream:member("b", 5000)))
      assert.is_true(stream:put("c", ""))
      assert.is_true(b:write(("b"):rep(5000)))
      assert.is_true(a:write("aaa"))
      assert.is_true(a:finish() and b:finish())
    end)
    assert.equal(tmp.read(path), got)
  end)

  it("takes exactly what was declared", function()
    for _, content in ipairs { "xx", "xxxx" } do
      local stream <close> = core.tar_stream(core.sink.null())
      local sink <close> = assert(stream:member("a", 3))
      local ok, err = sink:write(content)
      if ok then ok, err = sink:finish() end
      assert.is_nil(ok)
      assert.equal("verification", err.code)
    end
  end)

  it("raises for misuse, and returns an error for a bad name", function()
    local out = core.sink.null()
    local stream <close> = core.tar_stream(out)
    for _, call in ipairs {
      function() core.tar_stream() end, function() core.tar_stream(out) end,
      function() stream:member("a") end, function() stream:member("a", -1) end,
      function() stream:member("a", 1.5) end, function() stream:member({}, 1) end,
      function() stream:put("a") end, function() stream:put("a\0b", "") end,
    } do
      assert.error(call)
    end
    local sink, err = stream:member("../a", 1)
    assert.is_nil(sink)
    assert.equal("usage", err.code)
  end)

  -- The worker of the second waits for its turn, which never comes.
  it("may be dropped with members that wait, in any order", function()
    leaks.none(function()
      for i = 1, 6 do
        local stream = core.tar_stream(core.sink.null())
        local first = core.sink.queue(assert(stream:member("a", 3)), 10)
        local second = core.sink.queue(assert(stream:member("b", 5000)), 10)
        assert.is_true(second:write("0123456789"))
        local order = { { stream, first, second }, { first, second, stream },
          { second, first, stream }, { stream, second, first }, { second, stream }, {} }
        for _, object in ipairs(order[i]) do object:close() end
        collectgarbage()
      end
    end)
  end)
end)

describe("core.dir", function()
  it("appears by commit, with all that was written", function()
    local path = tmp.path("dir")
    leaks.none(function()
      local dir <close> = assert(core.dir(path))
      assert.is_false(dir:exists())
      local sink <close> = assert(dir:sink("sub/a"))
      assert.is_true(sink:write("hello") and sink:finish())
      assert.is_false(tmp.exists(path))
      assert.is_true(dir:commit())
    end)
    assert.equal("hello", tmp.read(path .. "/sub/a"))
    local again <close> = assert(core.dir(path))
    assert.is_true(again:exists())
    local buffer <close> = core.buffer(10)
    assert.is_true(again:read("sub/a", buffer:sink()))
    assert.equal("hello", buffer:data())
  end)

  it("is nothing when it is dropped", function()
    local parent = tmp.dir()
    leaks.none(function()
      local dir = assert(core.dir(parent .. "/new"))
      local sink = assert(dir:sink("a"))
      assert.is_true(sink:write("half"))
      dir:close()
      sink:close()
    end)
    assert.same({}, tmp.list(parent))
  end)

  it("returns errors, and takes the sink all the same", function()
    local dir <close> = assert(core.dir(tmp.path("dir")))
    local sink = core.sink.null()
    local ok, err = dir:read("none", sink)
    assert.is_nil(ok)
    assert.equal("not_found", err.code)
    assert.error_matches(function() sink:write("x") end, SPENT)
    for _, name in ipairs { "", "/a", "../a", "a/../../b" } do
      local none
      none, err = dir:sink(name)
      assert.is_nil(none, name)
      assert.equal("usage", err.code)
    end
    local none
    none, err = core.dir(tmp.file("no directory"))
    assert.is_nil(none)
    assert.equal("io", err.code)
  end)

  it("raises for misuse", function()
    local dir <close> = assert(core.dir(tmp.path("dir")))
    for _, call in ipairs {
      function() core.dir() end, function() core.dir("a\0b") end, function() dir:sink() end,
      function() dir:sink("a\0b") end, function() dir:read("a") end,
      function() dir:read("a", {}) end,
    } do
      assert.error(call)
    end
  end)
end)
