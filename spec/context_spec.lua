local context = require "hocker.context"
local core = require "hocker.core"
local log = require "hocker.log"
local lua = require "support.lua"
local registry = require "hocker.registry"
local tmp = require "support.tmp"

local FLAGS = { retries = 2, connect_timeout = 3, stall_timeout = 4 }

--- The arguments of a command, as options give them.
local function args(more)
  local all = {}
  for _, from in ipairs { FLAGS, more } do
    for key, value in pairs(from) do all[key] = value end
  end
  return all
end

--- A stream to write to, and what was written there.
local function stream()
  local file = assert(io.tmpfile())
  return file, function()
    file:seek("set")
    return file:read("a")
  end
end

describe("a context", function()
  local ctx, written, noted

  before_each(function()
    local out, errors
    out, written = stream()
    errors, noted = stream()
    ctx = context.new { program = "prog", out = out, log = log.new("prog", 2, errors) }
  end)

  it("writes to standard output, if nothing else is said", function()
    assert.equal(io.stdout, context.new({ program = "p", log = ctx.log }).out)
  end)

  it("closes what it has opened", function()
    local one = assert(ctx:registry(args { image = { "127.0.0.1:1/a" } }))
    local other = assert(ctx:registry(args { image = { "127.0.0.1:1/b" } }))
    ctx:close()
    for _, opened in ipairs { one, other } do
      assert.error_matches(function() opened:document() end, "closed")
    end
    ctx:close()
  end)

  describe("registry", function()
    it("is that of the words, with what the flags say", function()
      local opened = assert(ctx:registry(args { image = { "team/app", "v1" },
        registry = "http://127.0.0.1:1", username = "u", password = "p", insecure = true }))
      assert.equal("http://127.0.0.1:1/v2/", opened.ref.api)
      assert.same({ "team/app", "v1" }, { opened.ref.path, opened.ref.tag })
      assert.equal(2, opened.session.retries)
      assert.equal(ctx.log, opened.session.log)
      assert.is_true(opened.auth.insecure)
      assert.equal("u", opened.auth.credentials.username)
      opened.session:close()
    end)

    local wrong = {
      { { image = { "a/NOT" } }, "usage" },
      { { image = { "a" }, registry = "registry.example" }, "usage" },
      { { image = { "a" }, username = "u" }, "usage" },
      { { image = { "a" }, token = "t", credentials_file = "/x" }, "usage" },
      { { image = { "a" }, credentials_file = "/does/not/exist" }, "io" },
      { { image = { "a" }, authfile = "/does/not/exist" }, "io" },
      { { image = { "a" }, token = "t", cacert = "/does/not/exist" }, "io" },
    }
    for i, case in ipairs(wrong) do
      it("is an error where the arguments are wrong: " .. i, function()
        local opened, err = ctx:registry(args(case[1]))
        assert.is_nil(opened)
        assert.equal(case[2], err.code)
      end)
    end

    it("can be of several images, in one session", function()
      local list = assert(ctx:registries(args { token = "t" },
        { { "127.0.0.1:1/a:1" }, { "127.0.0.1:1/b:2" } }))
      assert.same({ "a", "b" }, { list[1].ref.path, list[2].ref.path })
      assert.equal(list[1].session, list[2].session)
      list[1].session:close()
    end)

    it("gets what the command line gives only if there is one", function()
      local list, err = ctx:registries(args { token = "t" },
        { { "127.0.0.1:1/a:1" }, { "127.0.0.1:2/b:2" } })
      assert.is_nil(list)
      assert.equal("usage", err.code)
      assert.matches("credentials are for one registry", err.message)
    end)
  end)

  describe("platform", function()
    it("is this machine's, or what is asked for", function()
      assert.same(registry.host_platform(), ctx:platform {})
      local want = assert(ctx:platform { platform = "linux/arm64" })
      assert.same({ "linux", "arm64" }, { want.os, want.architecture })
      local none, err = ctx:platform { platform = "//" }
      assert.is_nil(none)
      assert.equal("usage", err.code)
    end)
  end)

  describe("platforms", function()
    it("are those that are asked for, each once, in order", function()
      local list = assert(ctx:platforms { platform = { "linux/arm64/v8", "amd64", "aarch64",
        "linux/x86_64" } })
      assert.equal(2, #list)
      assert.same({ "arm64", "amd64" }, { list[1].architecture, list[2].architecture })
      assert.same({}, ctx:platforms { platform = {} })
      local none, err = ctx:platforms { platform = { "linux/amd64", "//" } }
      assert.is_nil(none)
      assert.equal("usage", err.code)
    end)
  end)

  describe("progress", function()
    it("is what is asked for, but none when quiet", function()
      assert.equal("plain", ctx:show_progress({ progress = "plain" }).mode)
      assert.equal("none", ctx:show_progress({ progress = "bar", quiet = true }).mode)
    end)

    it("makes room for notes", function()
      local display = ctx:show_progress { progress = "none" }
      local cleared = 0
      function display.clear() cleared = cleared + 1 end
      ctx.log:warn("a note")
      assert.equal(1, cleared)
      assert.equal("prog: a note\n", noted())
    end)
  end)

  describe("deliver", function()
    it("writes to a file, and prints its path", function()
      local path = tmp.path("out")
      assert.is_true(ctx:deliver({ out = path }, "bytes\0\n"))
      assert.equal("bytes\0\n", tmp.read(path))
      assert.equal(path .. "\n", written())
    end)

    it("leaves nothing where it can't write", function()
      local dir = tmp.dir()
      for _, path in ipairs { dir .. "/none/out", dir } do
        local ok, err = ctx:deliver({ out = path }, "bytes")
        assert.is_nil(ok)
        assert.equal("io", err.code)
      end
      assert.same({}, tmp.list(dir))
      assert.equal("", written())
    end)

    for _, out in ipairs { "-", false } do
      it("writes to standard output: " .. tostring(out), function()
        local code = ([[
          local context = require "hocker.context"
          local ctx = context.new { program = "p", log = require("hocker.log").new("p") }
          assert(ctx:deliver({ out = %s }, "bytes\0\n"))
        ]]):format(out and '"-"' or "nil")
        assert.equal("bytes\0\n", lua.check { "-e", code })
      end)
    end
  end)

  describe("commit", function()
    it("gives a file its name, and prints that", function()
      local path = tmp.path("out")
      local file <close> = assert(core.file(path))
      assert.is_true(ctx:commit({ out = path }, file))
      assert.equal("", tmp.read(path))
      assert.equal(path .. "\n", written())
    end)

    it("prints nothing when it fails", function()
      local err = core.error("io", "no room")
      local ok, got = ctx:commit({ out = "x" }, { commit = function() return nil, err end })
      assert.is_nil(ok)
      assert.equal(err, got)
      assert.equal("", written())
    end)
  end)
end)
