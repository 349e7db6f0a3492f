local image = require "support.image"
local json = require "hocker.json"
local policy = require "hocker.policy"
local program = require "support.program"
local registry = require "support.registry"
local tmp = require "support.tmp"

local function lines(text)
  local list = {}
  for line in text:gmatch("[^\n]+") do list[#list + 1] = assert(json.decode(line)) end
  return list
end

describe("the policy audit", function()
  it("adds a line of JSON for each decision", function()
    local reg = registry.start()
    finally(function() reg:stop() end)
    image.build():push(reg, "demo/app", "v1")
    local path = tmp.path("log")
    local function fetch(code, ...)
      local list = { reg:host() .. "/demo/app:v1", "--policy", "audit:file=" .. path, ... }
      local result = program.run("hocker-config", list)
      assert.equal(code, result.code, result.stderr)
      return lines(tmp.read(path))
    end
    local first = fetch(0)
    local found = {}
    for _, made in ipairs(first) do
      found[made.hook] = made
      assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$", made.time)
      assert.is_nil(made.refused)
    end
    assert.equal(reg:host() .. "/demo/app:v1", found.resolve.facts.reference)
    assert.equal("GET", found.request.facts.method)
    assert.is_nil(found.manifest.facts.bytes)
    assert.equal("config", found.layer.facts.kind)
    local all = fetch(8, "--policy", "allow:registries=quay.io")
    assert.equal(#first + 1, #all)
    assert.same({ "resolve", "allow" }, { all[#all].hook, all[#all].refused })
    assert.matches("is not among the registries", all[#all].reason)
    all = fetch(0, "--policy", "budget:bytes=1M")
    local answered = false
    for _, made in ipairs(all) do
      answered = answered or made.answered and made.answered[1] == "budget"
    end
    assert.is_true(answered)
  end)

  it("writes a line at once, however long, so that no other process gets into it", function()
    local function writes() return tonumber(tmp.read("/proc/self/io"):match("syscw: (%d+)")) end
    local path = tmp.path("log")
    local all = policy.compose { assert(policy.load { "audit", file = path }) }
    local before = writes()
    assert.is_true(all:ask("layer", { digest = ("a"):rep(100000) }))
    assert.equal(1, writes() - before)
    assert.equal(1, #lines(tmp.read(path)))
  end)

  it("writes to standard error, if no file is said", function()
    local result = program.run("hocker-manifest", { "127.0.0.1:1/a:1", "--policy", "audit",
      "--retries", "0" })
    assert.equal(6, result.code)
    local hooks = {}
    for line in result.stderr:gmatch("{[^\n]*}\n") do
      hooks[#hooks + 1] = assert(json.decode(line)).hook
    end
    assert.same({ "resolve", "credentials", "request", "request" }, hooks)
  end)

  it("prints whatever text there is as JSON", function()
    local path = tmp.path("log")
    local all = policy.compose { assert(policy.load { "audit", file = path }) }
    assert.is_true(all:ask("retry", { error = "\xff\n\27[1m\u{9b}", seconds = 0.25, list = {} }))
    local text = tmp.read(path)
    assert.is_nil(text:find("[\1-\9\11-\31\x7f-\xff]", 1))
    assert.same({ error = "?\\x0a\\x1b[1m??", seconds = 0.25 }, lines(text)[1].facts)
  end)

  it("lets nothing happen that it can't note", function()
    local one, why = policy.load { "audit", file = "/does/not/exist/log" }
    assert.is_nil(one)
    assert.equal("io", why.code)
    assert.is_nil(policy.load { "audit", file = "log" })
    local ok, err = policy.compose({ assert(policy.load { "audit", file = "/dev/full" }) })
      :ask("layer", { digest = "a" })
    assert.is_nil(ok)
    assert.equal("io", err.code)
    assert.matches("the log can't be written", err.message)
  end)
end)
