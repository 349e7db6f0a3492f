local core = require "hocker.core"
local hooks = require "hocker.policy.hooks"
local policy = require "hocker.policy"
local session = require "hocker.session"
local support = require "support.scripts"
local tmp = require "support.tmp"

--- A policy of a script's text.
local function load_text(text)
  return policy.load(tmp.file(text, "house.lua"))
end

--- Policies of tables of hooks.
local function compose(...)
  local list = {}
  for i, made in ipairs { ... } do
    list[i] = { name = "p" .. i, path = "/p" .. i, hooks = made }
  end
  return policy.compose(list)
end

describe("a policy is loaded", function()
  it("from a file, by its path", function()
    local one = assert(load_text "return { name = 'house', resolve = function() end }")
    assert.equal("house", one.name)
    assert.is_function(one.hooks.resolve)
  end)

  it("by its name, from where scripts are", function()
    local one = assert(policy.load { "allow", registries = { "docker.io" } })
    assert.equal("allow", one.name)
    assert.is_function(one.hooks.resolve)
  end)

  it("with parameters, where it takes them", function()
    local path = tmp.file([[return function(given)
      if not given.x then return nil, "x is missing" end
      return { name = given.x }
    end]], "p.lua")
    assert.equal("one", assert(policy.load { path, x = "one" }).name)
    local cases = { [path] = "x is missing", [{ path, x = 1 }] = "'name' must be a string" }
    for spec, why in pairs(cases) do
      local one, err = policy.load(spec)
      assert.is_nil(one)
      assert.equal("usage", err.code)
      assert.matches(why, err.message, 1, true)
    end
  end)

  local wrong = {
    ["return 1"] = { "usage", "it returns neither a table of hooks nor a function" },
    ["return { manifests = print }"] =
      { "usage", "there is no hook 'manifests'; did you mean 'manifest'?" },
    ["return { manifest = 1 }"] = { "usage", "hook 'manifest' must be a function" },
    ["return { name = 1 }"] = { "usage", "'name' must be a string" },
    ["return { [1] = print }"] = { "usage", "there is no hook '1'" },
    ["return"] = { "internal", "house.lua: it returns nothing" },
    ["\n\nerror 'no'"] = { "internal", "house.lua:3: no" },
    ["return function() error('no') end"] = { "internal", "house.lua:1: no" },
    ["return function() end"] = { "usage", "it made nothing of its parameters" },
    ["return function() return nil, {} end"] =
      { "usage", "house.lua': (error object is a table value)" },
    [ [[local function sting() error 'sting' end
      return function() error(setmetatable({}, { __tostring = sting })) end]] ] =
      { "internal", "house.lua: (error object is a table value)" },
    ["return function() error { code = 'none', message = 'x' } end"] =
      { "internal", "house.lua': x" },
    ["return {"] = { "internal", "house.lua:1: " },
  }
  for text, want in pairs(wrong) do
    it("and is wrong: " .. text:gsub("%c", " "), function()
      local one, err = load_text(text)
      assert.is_nil(one)
      assert.equal(want[1], err.code)
      assert.matches(want[2], err.message, 1, true)
    end)
  end

  it("and is not there", function()
    for name, code in pairs { nothing = "usage", ["./none.lua"] = "io", [""] = "usage" } do
      local one, err = policy.load(name)
      assert.is_nil(one)
      assert.equal(code, err.code)
    end
  end)

  it("and takes no parameters", function()
    local one, err = policy.load { tmp.file("return {}", "p.lua"), x = 1 }
    assert.is_nil(one)
    assert.matches("it takes no parameters", err.message)
  end)

  it("only from where others can't have put it", function()
    local dir = support.folder { ["p.lua"] = "return {}" }
    os.execute("chmod o+w " .. dir .. "/p.lua")
    local one, err = policy.load(dir .. "/p.lua")
    assert.is_nil(one)
    assert.equal("refused", err.code)
  end)
end)

describe("a policy on the command line", function()
  for text, want in pairs {
    ["allow"] = "allow", ["./a:b.lua"] = "./a:b.lua", ["/x/allow.lua"] = "/x/allow.lua",
    ["allow:digests"] = { "allow", digests = true },
    ["cosign:key=/a/b.pub"] = { "cosign", key = "/a/b.pub" },
    ["allow:registries=a.io,registries=b.io,registries=c.io,digests"] =
      { "allow", registries = { "a.io", "b.io", "c.io" }, digests = true },
    ["mirror:docker.io=https://m:5000/x=y"] = { "mirror", ["docker.io"] = "https://m:5000/x=y" },
    ["audit:"] = { "audit" },
  } do
    it("is read: " .. text, function() assert.same(want, policy.parse(text)) end)
  end
end)

describe("policies", function()
  it("are asked in their order, each about what those before it made", function()
    local seen = {}
    local function hook(add)
      return { retry = function(facts)
        seen[#seen + 1] = facts.seconds
        return { seconds = facts.seconds + add }
      end }
    end
    local facts = { seconds = 1 }
    assert.is_true(compose(hook(1), { image = print }, hook(10)):ask("retry", facts,
      function(answer) facts.seconds = answer.seconds end))
    assert.same({ 1, 2 }, seen)
    assert.equal(12, facts.seconds)
  end)

  it("are asked until one refuses", function()
    local asked = 0
    local ok, err = compose({ manifest = function() asked = asked + 1 end },
      { manifest = function() return policy.refuse "too old" end },
      { manifest = function() asked = asked + 10 end }):ask("manifest", {})
    assert.is_nil(ok)
    assert.same({ "refused", "p2", "policy 'p2': too old" }, { err.code, err.policy, err.message })
    assert.equal(1, asked)
  end)

  it("refuse from wherever they are", function()
    for _, hook in ipairs { function() error(policy.refuse "too deep") end,
      function() return nil, policy.refuse "too deep" end } do
      local ok, err = compose({ layer = hook }):ask("layer", {})
      assert.is_nil(ok)
      assert.same({ "refused", "policy 'p1': too deep" }, { err.code, err.message })
    end
  end)

  it("can't change what the next one is told, or the core works with", function()
    local facts = { layers = { { digest = "a" } } }
    assert.is_true(compose({ manifest = function(given)
      given.layers[1].digest, given.new = "b", 1
    end }, { manifest = function(given)
      assert.same({ layers = { { digest = "a" } } }, given)
    end }):ask("manifest", facts))
    assert.same({ layers = { { digest = "a" } } }, facts)
  end)

  it("may fail, with the exit code of what they did", function()
    for _, fail in ipairs { function() error(core.error("network", "down")) end,
      function() return nil, core.error("network", "down") end } do
      local ok, err = compose({ layer = fail }):ask("layer", {})
      assert.is_nil(ok)
      assert.same({ "network", "policy 'p1': down", "p1" }, { err.code, err.message, err.policy })
    end
    local _, err = compose({ layer = function() return nil, "sorry" end }):ask("layer", {})
    assert.same({ "internal", "policy 'p1': hook 'layer': sorry" }, { err.code, err.message })
    _, err = compose({ layer = function() error() end }):ask("layer", {})
    assert.same({ "internal", "policy 'p1': /p1: (error object is a nil value)" },
      { err.code, err.message })
  end)

  -- What raises when it is looked at.
  local function thorny()
    local function sting() error "sting" end
    return setmetatable({}, { __index = sting, __pairs = sting, __tostring = sting })
  end

  local strange = {
    ["an answer that raises"] = function() return thorny() end,
    ["an answer with more behind it"] = function()
      return setmetatable({}, { __index = { max = "x" } })
    end,
    ["an error that raises"] = function() return nil, thorny() end,
    ["an error without a code"] = function() return nil, {} end,
    ["an error without a message"] = function() return nil, { code = "network" } end,
    ["an error of a code that is none"] = function() error { code = "x", message = "y" } end,
    ["an error whose code is none"] = function() error { code = {}, message = "y" } end,
    ["what raises when it is told"] = function() error(thorny()) end,
  }
  it("that come with a refusal whose reason raises refuse", function()
    local ok, err = compose({ layer = function()
      local refusal = policy.refuse "no"
      refusal.reason = thorny()
      return refusal
    end }):ask("layer", {})
    assert.is_nil(ok)
    assert.equal("refused", err.code)
    assert.equal("policy 'p1': (error object is a table value)", err.message)
  end)

  for what, hook in pairs(strange) do
    it("that come with " .. what .. " are one error, which names them", function()
      local applied = false
      local ok, err = compose({ layer = hook }):ask("layer", {}, function() applied = true end)
      assert.is_nil(ok)
      assert.same({ "internal", "p1" }, { err.code, err.policy })
      assert.matches("^policy 'p1': ", err.message)
      assert.is_false(applied)
    end)
  end

  it("can't change an answer that was taken", function()
    local list, taken = { "https://a.example" }, nil
    assert.is_true(compose({ resolve = function() return { mirrors = list } end },
      { resolve = function() list[1] = "http://b.example" end })
      :ask("resolve", {}, function(answer) taken = answer.mirrors end))
    assert.same({ "https://a.example" }, taken)
  end)

  it("can't change what the next one works with", function()
    local registry, log = {}, require("hocker.log").new "spec"
    assert.is_true(compose({ manifest = function(_, ctx) ctx.registry, ctx.log = "mine", nil end },
      { manifest = function(_, ctx)
        assert.equal(registry, ctx.registry)
        assert.equal(log, ctx.log)
      end }):ask("manifest", {}, nil, { registry = registry, log = log }))
  end)

  it("that raise in a task of theirs are one line", function()
    local lines = {}
    local log = { debug = function(_, line) lines[#lines + 1] = line end }
    local ok, err = compose({ layer = function(_, ctx)
      local s <close> = assert(session.new())
      assert(ctx.log)
      s:run { function() error "in a task" end }
    end }):ask("layer", {}, nil, { log = log })
    assert.is_nil(ok)
    assert.matches("^policy 'p1': [^\n]*in a task$", err.message)
    local trace = table.concat(lines, "\n")
    assert.matches("stack traceback:.*policy_spec.*stack traceback:.*policy_spec", trace)
  end)

  it("are interrupted as all else", function()
    local _, err = compose({ layer = function()
      error(core.error("interrupted", "a signal", { sys = 2 }))
    end }):ask("layer", {})
    assert.same({ "interrupted", 2 }, { err.code, err.sys })
  end)

  for hook in pairs(hooks.answers) do
    it("that raise are one error, with file and line: " .. hook, function()
      local one = assert(load_text(("return {\n%s = function()\nlocal x = nil + 1 end }")
        :format(hook)))
      local ok, err = policy.compose({ one }):ask(hook, {})
      assert.is_nil(ok)
      assert.same({ "internal", one.name }, { err.code, err.policy })
      assert.matches("^policy '%d+%-house': /.*house.lua:3: attempt to perform arithmetic",
        err.message)
    end)

    it("that answer nonsense are told so: " .. hook, function()
      for _, case in ipairs { { 1, "answered with a number" }, { true, "with a boolean" },
        { { nonsense = 1 }, "its answer has a field 'nonsense'" }, { { 1 }, "a field '1'" } } do
        local ok, err = compose({ [hook] = function() return case[1] end }):ask(hook, {})
        assert.is_nil(ok)
        assert.equal("internal", err.code)
        assert.matches(("hook '%s': "):format(hook), err.message, 1, true)
        assert.matches(case[2], err.message, 1, true)
      end
    end)
  end

  local shapes = {
    { "resolve", { name = 1 } }, { "resolve", { mirrors = "x" } },
    { "resolve", { layouts = { 1 } } }, { "resolve", { layouts = { "images" } } },
    { "resolve", { mirrors = { a = "b" } } }, { "resolve", { digest = "" } },
    { "credentials", { none = false } }, { "credentials", { token = true } },
    { "request", { retries = -1 } }, { "request", { retries = 1.5 } },
    { "challenge", { answer = true } }, { "platform", { platform = {} } },
    { "layer", { max = "1" } }, { "retry", { seconds = -1 } }, { "retry", { seconds = 1e9 } },
    { "retry", { seconds = 0 / 0 } }, { "retry", { give_up = false } },
  }
  for _, case in ipairs(shapes) do
    local name = next(case[2])
    it(("that answer %s with a wrong %s are told so"):format(case[1], name), function()
      local ok, err = compose({ [case[1]] = function() return case[2] end }):ask(case[1], {})
      assert.is_nil(ok)
      assert.matches(("'%s' of its answer must be"):format(name), err.message, 1, true)
    end)
  end

  it("are told of decisions, whoever makes them", function()
    local told = {}
    local watch = { decision = function(made) told[#told + 1] = made end }
    local all = compose(watch, { layer = function() return { max = 3 } end })
    assert.is_true(all:ask("layer", { size = 1 }))
    assert.is_true(all:ask("manifest", { size = 2 }))
    all = compose(watch, { layer = function() return policy.refuse "no" end })
    assert.is_nil(all:ask("layer", { size = 1 }))
    assert.same({
      { hook = "layer", facts = { size = 1 }, answered = { "p2" } },
      { hook = "manifest", facts = { size = 2 }, answered = {} },
      { hook = "layer", facts = { size = 1 }, answered = {}, refused = "p2",
        reason = "policy 'p2': no" },
    }, told)
  end)

  it("that can't take note of a decision stop it", function()
    local ok, err = compose({ decision = function() return nil, core.error("io", "full") end })
      :ask("image", {})
    assert.is_nil(ok)
    assert.equal("io", err.code)
  end)

  it("are not asked about what they ask for themselves, and the others are", function()
    local asked, all = {}, nil
    local function hook(name, again)
      return { layer = function()
        asked[#asked + 1] = name
        if again then assert.is_true(all:ask("layer", {})) end
      end }
    end
    all = compose(hook("a", true), hook("b"))
    assert.is_true(all:ask("layer", {}))
    assert.same({ "a", "b", "b" }, asked)
  end)

  it("are not asked by another set what they ask for themselves", function()
    local asked = {}
    local function make(again)
      local function hook(name)
        return { name = name, path = "/" .. name, hooks = { layer = function(facts)
          asked[#asked + 1] = name .. " by " .. (facts.by or "the user")
          if again and name == "a" then assert.is_true(make():ask("layer", {})) end
        end } }
      end
      return policy.compose { hook "a", hook "b" }
    end
    assert.is_true(make(true):ask("layer", {}))
    assert.same({ "a by the user", "b by a", "b by the user" }, asked)
  end)

  it("are told which of them fetches, the nearest", function()
    local told, all = {}, nil
    local function hook(again)
      return { layer = function(facts)
        told[#told + 1] = facts.by or "the user"
        if again then assert.is_true(all:ask("layer", {})) end
      end }
    end
    all = compose(hook(true), hook(true), hook())
    assert.is_true(all:ask("layer", {}))
    assert.same({ "the user", "p1", "p2", "p1", "the user", "p2", "p1", "p2", "the user" }, told)
    assert.is_nil(policy.at_work())
  end)

  it("are asked about what others do while they fetch", function()
    local s <close> = assert(session.new())
    local told, all = {}, nil
    local function ask(what)
      s:sleep(0)
      return all:ask("layer", { what = what }, nil, { session = s })
    end
    all = compose({
      manifest = function() assert(s:run { function() return ask "its own" end }) end,
      layer = function(facts) told[#told + 1] = facts.what .. " by " .. tostring(facts.by) end,
    }, { layer = function(facts) told[#told + 1] = facts.what .. " by " .. tostring(facts.by) end })
    s.policies = all
    local group <close> = s:group()
    group:start(function() return ask "the user's" end)
    assert.is_true(all:ask("manifest", {}, nil, { session = s }))
    assert.is_true(group:wait())
    assert.same({ "the user's by nil", "the user's by nil", "its own by p1" }, told)
  end)

  it("need a reason to refuse", function()
    assert.error_matches(function() policy.refuse() end, "a reason must be a string")
  end)
end)
