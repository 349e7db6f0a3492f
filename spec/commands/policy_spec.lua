--- Policies from the command line and the configuration, against real registries.

local faulty = require "support.faulty"
local hooks = require "hocker.policy.hooks"
local image = require "support.image"
local lfs = require "lfs"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local scripts = require "support.scripts"
local served = require "support.served"
local tmp = require "support.tmp"
local token_server = require "support.token_server"

local function file(text)
  return tmp.file('local policy = require "hocker.policy"\n' .. text, "house.lua")
end

-- Each hook with the same body.
local function all_hooks(body)
  local lines = { "return {" }
  for _, hook in ipairs(hooks.order) do
    lines[#lines + 1] = ("%s = function(facts, ctx) local hook = %q %s end,"):format(hook, hook,
      body)
  end
  lines[#lines + 1] = "}"
  return table.concat(lines, "\n")
end

describe("--policy", function()
  local tokens, reg, other, img, pushed, index

  setup(function()
    tokens = token_server.start { users = { alice = "secret" } }
    reg = registry.start { auth = "token", token = tokens }
    other = registry.start()
    img = image.build { layers = { { a = "1" }, { b = "2" } } }
    local user = { user = "alice:secret" }
    pushed = img:push(reg, "demo/app", "v1", user)
    img:push(reg, "other/app", "v1", user)
    img:push(other, "demo/app", "v1")
    local arm = image.build { architecture = "arm64", layers = { { c = "3" } } }
    for _, one in ipairs { img, arm } do
      one:upload(other, "demo/multi", nil, { format = "oci" })
    end
    index = image.index { img, arm }
    image.put_manifest(other, "demo/multi", "v1", index)
  end)
  teardown(function()
    other:stop()
    reg:stop()
    tokens:stop()
  end)

  local function words(policies, ...)
    local list = { reg:host() .. "/demo/app:v1", ... }
    for _, text in ipairs(policies) do
      list[#list + 1] = "--policy"
      list[#list + 1] = text
    end
    return list
  end

  it("is asked at each decision, of every command that fetches", function()
    local out = tmp.path("log")
    local path = file(all_hooks(("local f <close> = io.open(%q, 'a') f:write(hook, ' ')")
      :format(out)))
    local archive = tmp.path("image.tar")
    program.check("hocker-image", words({ path }, "--out", archive))
    local asked = {}
    for hook in tmp.read(out):gmatch("%S+") do asked[hook] = true end
    assert.same({ resolve = true, credentials = true, request = true, challenge = true,
      manifest = true, layer = true, image = true }, asked)
    for _, case in ipairs { { "hocker-manifest" }, { "hocker-config" },
      { "hocker-layer", "--layer", img.layers[1].digest, "--out", "-" },
      { "docker2nix", "--fetch" } } do
      os.remove(out)
      program.check(case[1], words({ path }, table.unpack(case, 2)))
      assert.matches("^resolve credentials .*request .*challenge ", tmp.read(out))
    end
    os.remove(out)
    program.check("hocker", { "tags", reg:host() .. "/demo/app", "--policy", path })
    assert.matches("^resolve credentials request", tmp.read(out))
  end)

  it("is for what is fetched", function()
    assert.matches("%-%-policy is for fetching", program.refuses(2, "docker2nix",
      { "a/b", "1", "--policy", "allow" }, { stdin = "{}" }))
  end)

  local function nothing_at(out)
    assert.is_false(tmp.exists(out))
    for name in lfs.dir(out:match("^(.*)/")) do
      assert.is_nil(name:find(out:match("[^/]*$"), 1, true), name)
    end
  end

  for _, hook in ipairs(hooks.order) do
    if hook ~= "redirect" and hook ~= "retry" and hook ~= "platform" then
      for _, form in ipairs { "docker-archive", "oci-archive", "oci" } do
        it(("that refuses at %s leaves no %s"):format(hook, form), function()
          local out = tmp.dir("new") .. "/image"
          local path = file(("return { %s = function() return policy.refuse '%s is no' end }")
            :format(hook, hook))
          local line = program.refuses(8, "hocker-image",
            words({ path }, "--out", out, "--format", form))
          assert.matches(("policy '[^']*': %s is no$"):format(hook), line)
          nothing_at(out)
        end)
      end

      it("that raises at " .. hook .. " is one line, with file and line", function()
        local out = tmp.dir("new") .. "/image"
        local path = file(("return { %s = function()\nerror 'oh' end }"):format(hook))
        local line = program.refuses(1, "hocker-image", words({ path }, "--out", out))
        assert.matches(("policy '[^']*': %s:3: oh"):format(path:gsub("%p", "%%%0")), line)
        nothing_at(out)
      end)

      it("that answers nonsense at " .. hook .. " is told so", function()
        local path = file(("return { %s = function() return { nonsense = 1 } end }"):format(hook))
        local line = program.refuses(1, "hocker-image",
          words({ path }, "--out", tmp.path("image")))
        assert.matches(("hook '%s': its answer has a field 'nonsense'"):format(hook), line, 1, true)
      end)
    end
  end

  it("tells where it raised with -v", function()
    for _, text in ipairs { "{ manifest = function() local x = nil + 1 end }",
      "function() local x = nil + 1 end" } do
      local result = program.run("hocker-manifest", words({ file("return " .. text) }, "-v"))
      assert.equal(1, result.code)
      assert.matches("stack traceback", result.stderr)
      assert.matches("house.lua:2: attempt to perform", result.stderr)
    end
  end)

  it("may be several, in their order, after those of the configuration", function()
    local out = tmp.path("log")
    local function note(name)
      return ([[return { resolve = function()
        local f <close> = io.open(%q, "a") f:write("%s ") end }]]):format(out, name)
    end
    local near = scripts.folder { ["config.lua"] = "return { policies = { 'near' } }",
      ["policies/near.lua"] = note "near" }
    local far = scripts.folder { ["config.lua"] = "return { policies = { 'far', 'near' } }",
      ["policies/far.lua"] = note "far" }
    program.check("hocker", { "--scripts", near, "--scripts", far, "manifest",
      table.unpack(words { file(note "one"), file(note "two") }) })
    assert.equal("far near near one two ", tmp.read(out))
    local text = program.check("hocker", { "--scripts", near, "--scripts", far, "settings" })
    assert.matches('\npolicies[1] = "far"', text, 1, true)
    assert.matches('policies%[3%] = "near" +%-%- ' .. near:gsub("%p", "%%%0"), text)
    os.remove(out)
    program.check("hocker", { "manifest", "--scripts", near, "--no-user-scripts",
      table.unpack(words {}) })
    assert.is_false(tmp.exists(out))
  end)

  it("has parameters in the configuration, as data", function()
    local dir = scripts.folder { ["config.lua"] =
      'return { policies = { { "allow", registries = { "quay.io" } } } }' }
    program.refuses(8, "hocker-manifest", words({}, "--scripts", dir))
    assert.matches('policies[1] = { "allow", registries = { "quay.io" } }',
      program.check("hocker", { "settings", "--scripts", dir }), 1, true)
    for text, why in pairs {
      ["{ policies = 'x' }"] = "policies: it must be a list",
      ["{ policies = { 1 } }"] = "policies: entry 1: a policy is a name",
      ["{ policies = { './x.lua' } }"] = "entry 1: './x.lua' is not an absolute path",
      ["{ policies = { { 'x', 1 } } }"] = "the parameters of 'x' need names",
      ["{ options = { policy = 'x' } }"] = "'policy' is set by 'policies'",
    } do
      dir = scripts.folder { ["config.lua"] = "return " .. text }
      assert.matches(why, program.refuses(2, "hocker-manifest", words({}, "--scripts", dir)), 1,
        true)
    end
  end)

  it("names a policy that is not there", function()
    assert.matches("there is no policy 'nothing'",
      program.refuses(2, "hocker-manifest", words { "nothing" }))
    assert.matches("policy './nothing.lua': there is no such file",
      program.refuses(7, "hocker-manifest", words { "./nothing.lua" }))
    assert.matches("parameter", program.refuses(2, "hocker-manifest", words { "allow:host=a" }))
  end)

  describe("resolve", function()
    local function resolve(answer, ...)
      return words({ file(("return { resolve = function(ref) return %s end }"):format(answer)) },
        ...)
    end

    it("may name another image", function()
      local out = tmp.path("image.tar")
      program.check("hocker-image", resolve(("{ name = '%s/demo/app' }"):format(other:host()),
        "--out", out))
      assert.matches('"RepoTags":["' .. other:host() .. '/demo/app:v1"]',
        process.check { "tar", "-xOf", out, "manifest.json" }, 1, true)
      assert.equal(pushed.digest, image.digest(program.check("hocker-manifest",
        resolve(("{ digest = %q }"):format(pushed.digest)))))
      program.refuses(3, "hocker-manifest", resolve "{ tag = 'none' }")
    end)

    it("may name mirrors, and the image keeps its name", function()
      local before = #other:requests()
      local out = tmp.path("image.tar")
      program.check("hocker-image", resolve(("{ mirrors = { %q } }"):format(other:url()), "--out",
        out))
      assert.is_true(#other:requests() > before)
      assert.matches(reg:host() .. "/demo/app:v1",
        process.check { "tar", "-xOf", out, "manifest.json" }, 1, true)
    end)

    it("can't change a digest that is asked for", function()
      local name = reg:host() .. "/demo/app@" .. pushed.digest
      local path = file(("return { resolve = function() return { digest = 'sha256:%s' } end }")
        :format(("a"):rep(64)))
      assert.matches("which can't be changed",
        program.refuses(8, "hocker-manifest", { name, "--policy", path }))
      path = file("return { resolve = function() return { tag = 'other' } end }")
      assert.equal(pushed.bytes, program.check("hocker-manifest", { name, "--policy", path }))
    end)

    it("can't turn https into http", function()
      local path = file [[return { resolve = function()
        return { mirrors = { "http://m.example" } }
      end }]]
      assert.matches("the mirror http://m.example/ is plain http",
        program.refuses(8, "hocker-manifest", { "registry.example/a:1", "--policy", path }), 1,
        true)
    end)

    it("can't name what is no image, or no mirror", function()
      for _, answer in ipairs { "{ name = 'A B' }", "{ tag = '/' }", "{ digest = 'x' }",
        "{ mirrors = { 'mirror' } }" } do
        program.refuses(8, "hocker-manifest", resolve(answer))
      end
    end)

    it("does not take the command line's credentials along", function()
      local server = faulty.start { routes = { ["*"] = { status = 401,
        headers = { ["WWW-Authenticate"] = 'Basic realm="x"' } } } }
      finally(function() server:stop() end)
      local list = resolve(("{ name = '127.0.0.1:%d/x' }"):format(server.port), "-u", "alice", "-p",
        "secret")
      local line = program.refuses(4, "hocker-manifest", list, { env = { DOCKER_TOKEN = "token",
        NIX_BUILD_TOP = "/" } })
      assert.matches("none were found", line)
      for _, request in ipairs(server:requests()) do
        assert.is_nil(request.headers.authorization)
      end
    end)
  end)

  describe("credentials", function()
    local function answer(text, ...)
      return words({ file(("return { credentials = function(at) %s end }"):format(text)) }, ...)
    end

    it("may be chosen, or be none", function()
      local private = registry.start { auth = "htpasswd" }
      finally(function() private:stop() end)
      local made = img:push(private, "demo/app", "v1", { user = "alice:secret" })
      local function list(text, ...)
        local all = answer(text, ...)
        all[1] = private:host() .. "/demo/app:v1"
        return all
      end
      assert.equal(made.bytes, program.check("hocker-manifest",
        list "return { username = 'alice', password = 'secret' }"))
      program.refuses(4, "hocker-manifest",
        list("return { none = true }", "-u", "alice", "-p", "secret"))
      assert.equal(made.bytes, program.check("hocker-manifest",
        list("assert(at.kind == 'basic' and not at.mirror)", "-u", "alice", "-p", "secret")))
    end)

    it("in a mirror's URI are told to nobody, since it is none", function()
      local log = tmp.path("log")
      for _, uri in ipairs { "https://bob:secret@m.example", "https://m.example/?sig=secret" } do
        local line = program.refuses(2, "hocker-manifest",
          words({ "audit:file=" .. log }, "--mirror", uri))
        assert.is_nil((line .. tmp.read(log)):find("secret", 1, true))
      end
    end)

    it("are never told", function()
      local out = tmp.path("log")
      local path = file([[
        local function dump(value)
          if type(value) ~= "table" then return tostring(value) end
          local parts = {}
          for k, v in pairs(value) do parts[#parts + 1] = dump(k) .. "=" .. dump(v) end
          return "{" .. table.concat(parts, ";") .. "}"
        end
        ]] .. all_hooks(("local f <close> = io.open(%q, 'a') f:write(hook, dump(facts), ' ')")
          :format(out)))
      local log = tmp.path("audit")
      program.check("hocker-image", words({ path, "audit:file=" .. log }, "--out",
        tmp.path("image"), "-u", "alice", "-p", "secret"))
      for _, text in ipairs { tmp.read(out), tmp.read(log) } do
        assert.matches("credentials", text)
        for _, secret in ipairs { "secret", "Bearer", "YWxpY2U6c2VjcmV0", "eyJ" } do
          assert.is_nil(text:find(secret, 1, true), secret)
        end
      end
    end)

    it("have to be some", function()
      for _, text in ipairs { "{}", "{ username = 'a' }", "{ password = 'a' }",
        "{ none = true, token = 'a' }", "{ username = 'a', token = 'b' }",
        "{ token = 'a b' }" } do
        program.refuses(8, "hocker-manifest", answer("return " .. text))
      end
    end)
  end)

  describe("with a server that redirects and fails", function()
    local server

    setup(function() server = faulty.start {} end)
    teardown(function() server:stop() end)

    local count = 0

    -- The words; the routes are new each time, so that nothing of them is used up.
    local function fetch(routes, text, ...)
      count = count + 1
      routes["/" .. count] = {}
      server:set(routes)
      server:forget()
      local list = { ("127.0.0.1:%d/demo/app:v1"):format(server.port), ... }
      list[#list + 1] = "--policy"
      list[#list + 1] = file(text)
      return list
    end

    it("may refuse a redirect, and can't turn verification off", function()
      local routes = served.routes(img)
      routes[served.blob(img.config)] = { status = 302, headers = {
        Location = "{url}/elsewhere?sig=secret" } }
      routes["/elsewhere"] = { body = img.config.bytes }
      assert.equal(img.config.bytes, program.check("hocker-config", fetch(routes, [[return {
        redirect = function(r)
          assert(r.target:find("/elsewhere", 1, true) and not r.target:find("secret"), r.target)
          assert(r.same_origin and r.origin == r.target_origin)
        end }]])))
      assert.matches("policy '[^']*': not there$", program.refuses(8, "hocker-config",
        fetch(routes, "return { redirect = function() return policy.refuse 'not there' end }")))
      assert.matches("it can answer with nil or", program.refuses(1, "hocker-config",
        fetch(routes, "return { redirect = function() return { follow = true } end }")))
      routes["/elsewhere"] = { body = img.config.bytes .. " " }
      program.refuses(5, "hocker-config",
        fetch(routes, all_hooks "facts.digest, facts.size = nil, nil"))
    end)

    it("may give up, wait longer, or try less often", function()
      local routes = served.routes(img)
      routes[served.manifest()] = { { status = 503, times = 1 }, served.document(img.oci) }
      program.check("hocker-manifest", fetch(routes, [[return { retry = function(r)
        assert(r.status == 503 and r.failures == 1 and r.seconds > 0)
        return { seconds = 0 }
      end }]]))
      assert.equal(2, #server:requests())
      program.refuses(6, "hocker-manifest",
        fetch(routes, "return { retry = function() return { give_up = true } end }"))
      assert.equal(1, #server:requests())
      program.refuses(8, "hocker-manifest",
        fetch(routes, "return { retry = function() return policy.refuse 'no' end }"))
      program.refuses(6, "hocker-manifest",
        fetch(routes, "return { request = function() return { retries = 0 } end }"))
      assert.equal(1, #server:requests())
      routes[served.manifest()] = { { status = 503, times = 9 }, served.document(img.oci) }
      program.refuses(6, "hocker-manifest", fetch(routes,
        "return { request = function(r) return { retries = 100 } end }", "--retries", "0"))
      assert.equal(1, #server:requests())
    end)

    it("may leave a challenge unanswered", function()
      local routes = { ["*"] = { status = 401, headers = {
        ["WWW-Authenticate"] = 'Bearer realm="{url}/token?x=secret",service="s",scope="a"' } } }
      program.refuses(4, "hocker-manifest", fetch(routes, [[return { challenge = function(c)
        assert(c.status == 401 and c.challenges[1].scheme == "bearer")
        assert(c.challenges[1].service == "s" and not c.challenges[1].realm:find("secret"))
        return { answer = false }
      end }]]))
      assert.equal(1, #server:requests())
    end)

    it("leaves one unanswered that only the ping has", function()
      for _, status in ipairs { 401, 403 } do
        local routes = { ["*"] = { status = status }, ["/v2/"] = { status = 401,
          headers = { ["WWW-Authenticate"] = 'Basic realm="x"' } } }
        program.refuses(4, "hocker-manifest", fetch(routes, [[return { challenge = function(c)
          if #c.challenges > 0 then return { answer = false } end
        end }]], "-u", "alice", "-p", "secret"))
        for _, request in ipairs(server:requests()) do
          assert.is_nil(request.headers.authorization)
        end
      end
    end)

    -- Requests whose failure is otherwise no failure of all.
    it("is final where the registry would be asked in another way", function()
      local lock = tmp.dir("lock") .. "/hocker.lock"
      program.check("hocker", { "lock", "add", "--file", lock, "app",
        other:host() .. "/demo/app:v1" })
      local path = file [[return { request = function(r)
        if r.method == "HEAD" then return policy.refuse "no heads" end end }]]
      local result = program.run("hocker", { "lock", "outdated", "--file", lock, "--policy", path })
      assert.equal(8, result.code)
      assert.matches("no heads", result.stderr)
      path = file [[return { request = function()
        return nil, require("hocker.core").error("network", "no way") end }]]
      local log = tmp.path("log")
      assert.matches("no way", program.refuses(6, "hocker-manifest", -- nor is plain http tried
        words { path, "audit:file=" .. log }))
      local _, asked = tmp.read(log):gsub('"hook":"request"', "")
      assert.equal(1, asked)
    end)

    it("is final for the token server too", function()
      local routes = { ["POST /token"] = { status = 401,
          headers = { ["WWW-Authenticate"] = 'Basic realm="x"' } },
        ["GET /token"] = { body = '{"token":"x"}' },
        [served.manifest()] = { { status = 401, times = 1, headers = {
          ["WWW-Authenticate"] = 'Bearer realm="{url}/token",service="s",scope="a"' } },
          served.document(img.oci) } }
      for code, answer in pairs { [8] = "policy.refuse 'no'", [4] = "{ answer = false }" } do
        program.refuses(code, "hocker-manifest", fetch(routes, ([[return {
          credentials = function() return { identity = "identity" } end,
          challenge = function(c) if c.method == "POST" then return %s end end }]]):format(answer)))
        for _, request in ipairs(server:requests()) do
          assert.is_nil(request.target:find("^/token%?"), request.target)
        end
      end
    end)

    it("is final, also where a mirror would be passed over", function()
      local dead = ("http://127.0.0.1:%d"):format(server.port)
      local path = file(("return { request = function(r) if r.origin == %q then "
        .. "return policy.refuse 'not that mirror' end end }"):format(dead))
      program.refuses(8, "hocker-manifest",
        words({ path }, "--mirror", dead))
    end)
  end)

  it("may choose a platform, which has to be there", function()
    local function list(name)
      return { other:host() .. "/demo/multi:v1", "--platform", "linux/amd64", "--policy",
        file(("return { platform = function(p) assert(#p.platforms == 2) return { platform = %q } "
          .. "end }"):format(name)) }
    end
    assert.matches('"architecture":"arm64"', program.check("hocker-config", list "linux/arm64"))
    program.refuses(3, "hocker-config", list "linux/s390x")
    program.refuses(8, "hocker-config", list "what/ever/is/this")
  end)

  it("may say how large a blob is at most", function()
    local path = file "return { layer = function(b) return { max = 10 } end }"
    assert.matches("more than 10", program.refuses(8, "hocker-config", words { path }))
    program.refuses(5, "hocker-layer",
      words({ path }, "--layer", img.layers[1].digest, "--out", tmp.path("layer")))
    path = file "return { layer = function(b) return { max = 1 << 40 } end }"
    program.check("hocker-config", words { path })
  end)

  it("is asked about what it has fetched for itself, when the user gets it", function()
    assert.matches("not for you", program.refuses(8, "hocker-config", words { file [[return {
      manifest = function(image, ctx) assert(ctx.registry:read(image.config)) end,
      layer = function() return policy.refuse "not for you" end }]] }))
  end)

  it("ends the command when a hook yields by itself", function()
    local path = file "return { layer = function() coroutine.yield() end }"
    local result = program.run("hocker-image", words({ path }, "--out", tmp.path("image")))
    assert.equal(1, result.code)
    assert.matches("house.lua:2: it yields in a task", result.stderr)
  end)

  it("may fetch in any hook that has a repository, in tasks and out of them", function()
    local text = all_hooks [[
      if ctx.registry and hook ~= "layer" then
        local document = assert(ctx.registry:tagged("v1"):document())
        assert(document.kind == "image")
      end]]
    program.check("hocker-image", words({ file(text), file(text) }, "--out", tmp.path("image")))
    program.check("hocker-manifest", words { file(text), file(text) })
  end)
end)
