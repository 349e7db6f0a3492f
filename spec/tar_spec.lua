require "support.helper"
local core = require "hocker.core"
local image = require "support.image"
local lfs = require "lfs"
local process = require "support.process"
local tar = require "hocker.tar"
local tmp = require "support.tmp"

--- A function that gives a text in pieces.
local function pieces(text, size)
  local at = 1
  return function()
    if at > #text then return nil end
    at = at + size
    return text:sub(at - size, at - 1)
  end
end

local function list(text, size)
  local found = {}
  for entry in tar.entries(pieces(text, size or 1000)) do found[#found + 1] = entry end
  return found
end

--- A tar header, right unless `field` says otherwise.
local function header(field)
  local function number(value, width)
    return type(value) == "string" and value or ("%0" .. width .. "o\0"):format(value)
  end
  local block = (field.name or "f"):sub(1, 100) .. ("\0"):rep(100 - #(field.name or "f"))
    .. number(field.mode or 420, 7) .. number(field.uid or 0, 7) .. number(0, 7)
    .. number(field.size or 0, 11) .. number(field.mtime or 0, 11)
    .. "        " .. (field.kind or "0")
    .. ("\0"):rep(100) .. "ustar\00000" .. ("\0"):rep(247)
  assert(#block == 512)
  local sum = 0
  for i = 1, 512 do sum = sum + block:byte(i) end
  return block:sub(1, 148) .. ("%06o\0 "):format(field.sum or sum) .. block:sub(157)
end

local function padded(text) return text .. ("\0"):rep(-#text % 512) end
local END = ("\0"):rep(1024)

local function record(key, value)
  local rest = (" %s=%s\n"):format(key, value)
  local length = #rest + 1
  while #tostring(length) + #rest ~= length do length = length + 1 end
  return length .. rest
end

local function pax(text)
  return header { kind = "x", size = #text } .. padded(text)
end

local function fails(text, message)
  for _, size in ipairs { 1, 513, 100000 } do
    local ok, err = pcall(list, text, size)
    assert.is_false(ok)
    assert.equal("verification", err.code, tostring(err))
    assert.matches(message, err.message, 1, true)
  end
end

describe("tar", function()
  local function tree()
    local root, long = tmp.dir("tree"), ("n"):rep(150)
    lfs.mkdir(root .. "/d")
    tmp.write(root .. "/d/file", "hello\n")
    tmp.write(root .. "/d/" .. long, ("x"):rep(3000))
    tmp.write(root .. "/d/.wh.gone", "")
    tmp.write(root .. "/d/.wh..wh..opq", "")
    lfs.link("file", root .. "/d/symlink", true)
    lfs.link(root .. "/d/file", root .. "/d/link")
    return root, long
  end

  for _, format in ipairs { "gnu", "posix", "ustar", "oldgnu" } do
    it("reads what GNU tar writes as " .. format, function()
      local root, long = tree()
      local out = tmp.path("made.tar")
      if format == "ustar" then os.rename(root .. "/d/" .. long, root .. "/d/short") end
      process.check { "tar", "--format=" .. format, "-C", root, "--sort=name", "-cf", out, "./d" }
      local bytes = tmp.read(out)
      for _, size in ipairs { 1, 511, 512, 10000, #bytes } do
        local seen = {}
        for entry in tar.entries(pieces(bytes, size)) do
          seen[entry.path] = { entry.type, entry.size, entry.target, (assert(entry:read())) }
          if entry.path == "d/.wh.gone" then assert.equal("d/gone", entry.whiteout) end
          if entry.path == "d/.wh..wh..opq" then assert.is_true(entry.opaque) end
        end
        assert.same({ "directory", 0, nil, "" }, seen.d)
        assert.same({ "file", 6, nil, "hello\n" }, seen["d/file"])
        assert.same({ "symlink", 0, "file", "" }, seen["d/symlink"])
        assert.same({ "link", 0, "./d/file", "" }, seen["d/link"])
        local other = seen["d/" .. (format == "ustar" and "short" or long)]
        assert.same({ "file", 3000, nil, ("x"):rep(3000) }, other)
      end
    end)
  end

  for _, format in ipairs { "gnu", "posix" } do
    it("passes over a sparse file of " .. format, function()
      local root = tmp.dir("sparse")
      process.check { "sh", "-c", [[cd "$0" && for i in 1 2 3 4 5 6 7 8 9; do
        printf x | dd of=holes bs=1 seek=${i}00000 conv=notrunc 2>/dev/null; done
        echo b >z]], root }
      process.check { "tar", "--sparse", "--format=" .. format, "-C", root, "--sort=name", "-cf",
        root .. ".tar", "holes", "z" }
      local found = list(tmp.read(root .. ".tar"))
      assert.same({ "holes", 900001, true }, { found[1].path, found[1].size, found[1].sparse })
      assert.equal("z", found[2].path)
      for entry in tar.entries(pieces(tmp.read(root .. ".tar"), 4096)) do
        local bytes, err = entry:read()
        assert.equal(entry.path == "z" and "b\n" or "unsupported", bytes or err.code)
      end
    end)
  end

  it("reads a layer as the tools that make it say", function()
    local img = image.build { layers = { { ["a/b/c"] = "1", ["a/d"] = { symlink = "b" } } } }
    local names = {}
    for i, entry in ipairs(list(tmp.read(img.layers[1].tar))) do names[i] = entry.name end
    assert.equal(process.check { "tar", "-tf", img.layers[1].tar },
      table.concat(names, "\n") .. "\n")
  end)

  it("has paths that stay inside", function()
    for name, want in pairs { ["./a/b"] = "a/b", ["/etc/x"] = "etc/x", ["../../etc"] = "etc",
      ["a/../../b"] = "b", ["a//b/"] = "a/b", ["."] = "", [".."] = "" } do
      assert.equal(want, tar.clean(name))
    end
  end)

  it("takes numbers in base 256, and what pax says before them", function()
    local found = list(header { uid = "\x80\0\0\0\0\1\0\0", size = 3 } .. padded("abc")
      .. pax(record("path", "long") .. record("size", "2") .. record("uid", "7"))
      .. header { size = 0 } .. padded("xy") .. END)
    for value, field in pairs { [-5] = ("\xff"):rep(11) .. "\xfb", [0] = "\xff" .. ("\0"):rep(11),
      [-256] = ("\xff"):rep(11) .. "\0", [1 << 40] = "\x80\0\0\0\0\0\1" .. ("\0"):rep(5) } do
      assert.equal(value, list(header { mtime = field } .. END)[1].mtime)
    end
    assert.same({ 65536, 3, "long", 2, 7 }, { found[1].uid, found[1].size, found[2].path,
      found[2].size, found[2].uid })
  end)

  it("raises where content is read twice, or too late", function()
    local text = header { size = 3 } .. padded("abc") .. header { name = "z" } .. END
    for entry in tar.entries(pieces(text, 700)) do
      assert.equal(entry.size > 0 and "abc" or "", entry:read())
      assert.has_error(function() entry:read() end, "the content of an entry is read once")
      assert.has_error(function() entry:chunks() end, "the content of an entry is read once")
    end
    local late
    for entry in tar.entries(pieces(text, 700)) do late = late or entry:chunks() end
    local ok, raised = pcall(late)
    assert.is_false(ok)
    assert.matches("this entry was left for the next one", raised)
  end)

  it("reads no content where docker reads none", function()
    local found = list(header { kind = "5", size = 600, name = "d/" } .. header {} .. END)
    assert.same({ "d", "f" }, { found[1].path, found[2].path })
  end)

  it("asks for all bytes before its end", function()
    local left = 3
    local first = header {} .. END
    for _ in tar.entries(function()
      left = left - 1
      return left == 2 and first or left > 0 and ("\0"):rep(512) or nil
    end) do end
    assert.equal(0, left)
  end)

  it("reads parts and refuses what is too large", function()
    local text = header { size = 600 } .. padded(("y"):rep(600)) .. header { name = "z" } .. END
    local seen = {}
    for entry in tar.entries(pieces(text, 700)) do
      seen[#seen + 1] = entry.path
      if entry.size > 0 then
        local _, err = entry:read(599)
        assert.equal("refused", err.code)
        local next_part = entry:chunks()
        assert.equal(188, #next_part()) -- and leaves the rest
      end
    end
    assert.same({ "f", "z" }, seen)
  end)

  for what, case in pairs {
    ["a checksum"] = { header { sum = 1 }, "a header is damaged" },
    ["a cut header"] = { header {}:sub(1, 300), "it ends inside a header" },
    ["a cut file"] = { header { size = 1000 } .. "abc", "it ends inside a file" },
    ["a huge size"] = { header { size = "\x80" .. ("\x7f"):rep(11) }, "a size is too large" },
    ["a negative size"] = { header { size = ("\xff"):rep(12) }, "a size is negative" },
    ["letters"] = { header { size = "99999999999\0" }, "a size is no number" },
    ["a large pax header"] = { header { kind = "x", size = 1 << 21 }, "a header of 2097152 bytes" },
    ["a large name"] = { header { kind = "L", size = 40000 } .. padded(("n"):rep(40000))
      .. header {} .. END, "a name of 40000 bytes" },
    ["a name with a zero"] = { pax(record("path", "a\0b")) .. header {} .. END, "a zero byte" },
    ["pax without length"] = { pax("x path=a\n") .. header {} .. END, "a pax record is malformed" },
    ["pax too long"] = { pax("99 path=a\n") .. header {} .. END, "a pax record is malformed" },
    ["pax of nothing"] = { pax("3 \n") .. header {} .. END, "a pax record is malformed" },
    ["a pax size"] = { pax(record("size", "-1")) .. header {} .. END, "pax size is no size" },
    ["headers alone"] = { pax(record("path", "a")) .. END, "belongs to no file" },
    ["headers without end"] = { pax(record("path", "a")):rep(17) .. header {} .. END,
      "too many headers" },
    ["more after the end"] = { ("\0"):rep(512) .. header {}, "after its end" },
  } do
    it("refuses " .. what, function() fails(case[1], case[2]) end)
  end

  it("survives whatever is changed in it", function()
    local text = pax(record("path", "long") .. record("GNU.sparse.map", "0,1"))
      .. header { size = 9 } .. padded("content") .. header { kind = "L", size = 3 }
      .. padded("abc") .. header { kind = "S" } .. header { kind = "2" } .. END
    local state = 7
    local function random(n)
      state = state * 6364136223846793005 + 1442695040888963407
      return (state >> 33) % n + 1
    end
    for _ = 1, 3000 do
      local at = random(#text)
      local changed = text:sub(1, at - 1) .. string.char(random(256) - 1) .. text:sub(at + 1)
      -- The checksums are made right again: else nothing but these is looked at.
      changed = changed:gsub("()(" .. ("."):rep(512) .. ")", function(start, block)
        if (start - 1) % 512 ~= 0 or block:sub(258, 262) ~= "ustar" then return nil end
        local sum = 256
        for i = 1, 512 do sum = sum + ((i < 149 or i > 156) and block:byte(i) or 0) end
        return block:sub(1, 148) .. ("%06o\0 "):format(sum) .. block:sub(157)
      end)
      local ok, err = pcall(list, changed:sub(1, random(#changed)), 512)
      assert.is_true(ok or err.code == "verification", tostring(err))
    end
  end)

  it("writes what it reads, folders and links too", function()
    local root, first, second = tmp.dir("tree"), tmp.path("first.tar"), tmp.path("second.tar")
    local long = ("n"):rep(120)
    process.check({ "sh", "-c", ([[mkdir d; echo run >d/tool; chmod 4751 d/tool; ln d/tool d/%s
      ln -s %s d/long; touch -d @1700000000 d/tool; touch -d @-86400 d; ]]):format(long, long) },
      { cwd = root })
    process.check { "tar", "--format=gnu", "--sort=name", "--owner=3000000", "--group=7",
      "-C", root, "-cf", first, "d" }
    local out <close> = assert(tar.create(second))
    for entry in tar.entries(io.lines(first, 4096)) do
      assert(out:put(entry.path, assert(entry:read()), entry))
    end
    assert(out:commit())
    local function listing(path)
      return (process.check({ "tar", "--numeric-owner", "--full-time", "-tvf", path },
        { env = { TZ = "UTC" } }):gsub("d/\n", "d\n"):gsub("[^\n]*tar:[^\n]*\n", ""))
    end
    assert.matches("^drwxr%-xr%-x 3000000/7 +0 1969%-12%-31 ", listing(second))
    assert.matches("\n%-rwsr%-x%-%-x 3000000/7 +4 2023%-11%-14 ", listing(second))
    assert.matches("long %-> " .. long, listing(second))
    assert.equal(listing(first), listing(second))
  end)

  it("writes nothing that can't be", function()
    local out <close> = assert(tar.create(tmp.path("kinds.tar")))
    for _, one in ipairs { { "x", { type = "directory" } },
      { "x", { type = "symlink", target = "y" } },
      { nil, { type = "symlink" } }, { nil, { type = "link", target = "../y" } },
      { "", { target = "y" } } } do
      local ok, err = out:put("name", one[1], one[2])
      assert.is_nil(ok)
      assert.equal("usage", err.code)
    end
    local ok, err = out:put("name", nil, { type = "fifo" })
    assert.is_nil(ok)
    assert.equal("unsupported", err.code)
    assert.has_error(function() out:put("name", nil, { type = "file" }) end)
    assert.has_error(function() out:put("name", "", { uid = -1 }) end)
    assert(out:put("folder", nil, { type = "directory" }))
    assert.is_nil(out:sink("other", 1, { type = "directory" }))
    assert(out:commit())
  end)

  it("writes archives that are the same each time", function()
    local function make(path)
      local out <close> = assert(tar.create(path))
      assert(out:put("a/b", "hello"))
      local sink = assert(out:sink("c"))
      assert(sink:write("world") and sink:finish())
      assert(out:commit())
      return tmp.read(path)
    end
    local bytes = make(tmp.path("one.tar"))
    assert.equal(bytes, make(tmp.path("two.tar")))
    local seen = {}
    for entry in tar.entries(pieces(bytes, 512)) do seen[entry.path] = entry:read() end
    assert.same({ ["a/b"] = "hello", c = "world" }, seen)
    local writer, err = tar.create(tmp.path("none") .. "/x")
    assert.is_nil(writer)
    assert.equal("io", err.code)
    local path = tmp.path("dropped.tar")
    do local dropped <close> = assert(tar.create(path)); dropped:put("a", "b") end
    assert.is_false(tmp.exists(path))
    assert.equal(core.digest.of(bytes), image.digest(bytes))
  end)
end)
