-- Which tokens are asked for, how, and how often. What users see of it is in
-- spec/commands/authentication_spec.lua.

local auth = require "hocker.auth"
local core = require "hocker.core"
local credentials = require "hocker.credentials"
local faulty = require "support.faulty"
local image = require "support.image"
local process = require "support.process"
local program = require "support.program"
local reference = require "hocker.reference"
local session = require "hocker.session"
local registry = require "support.registry"
local tmp = require "support.tmp"
local token_server = require "support.token_server"

local IDENTITY = "1dentity+t0ken/=="

local function base64(text)
  return process.check({ "base64", "-w0" }, { stdin = text })
end

-- An authfile with an identity token for a server.
local function identity_file(server, more)
  return tmp.file(('{"auths":{"%s":{"identitytoken":"%s"%s}}}'):format(server:host(), IDENTITY,
    more or ""))
end

local function check_silent(text)
  assert.is_nil(text:find(IDENTITY, 1, true), text)
  assert.is_nil(text:find(base64("<token>:" .. IDENTITY), 1, true), text)
end

local function form(request)
  local fields = {}
  for name, value in (request.body or ""):gmatch("([^&=]+)=([^&]*)") do
    fields[name] = value:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
  end
  return fields
end

describe("an identity token", function()
  local img = image.build { layers = { { a = "1" }, { b = "2" }, { c = "3" }, { d = "4" } } }
  local root

  -- A token server of these options, and docker-registry that asks for its tokens.
  local function start(opts)
    opts.users = opts.users or { alice = "pw" }
    opts.private = { "." }
    local tokens = token_server.start(opts)
    local reg = registry.start { auth = "token", token = tokens, root = root }
    finally(function()
      reg:stop()
      tokens:stop()
    end)
    return tokens, reg
  end

  lazy_setup(function()
    local plain = registry.start()
    img:push(plain, "demo/app", "v1")
    plain:stop()
    root = plain.root
  end)

  local function fetch(reg, path)
    return program.run("hocker-image", { "-v", "--registry", reg:url(), "demo/app", "v1", "--out",
      tmp.path(), "--authfile", path })
  end

  it("is posted, once for all layers", function()
    local tokens, reg = start { refresh_tokens = { [IDENTITY] = "alice" } }
    local result = fetch(reg, identity_file(reg))
    assert.equal(0, result.code, result.stderr)
    check_silent(result.stderr)
    local asked = tokens:requests()
    assert.equal(1, #asked)
    assert.equal("POST", asked[1].method)
    assert.is_nil(asked[1].query)
    assert.is_nil(asked[1].headers.authorization)
    assert.same({ grant_type = "refresh_token", service = tokens.service, client_id = "hocker",
      scope = "repository:demo/app:pull", refresh_token = IDENTITY }, form(asked[1]))
  end)

  it("is a password, for a server without POST", function()
    for name, more in pairs {
      ["<token>"] = "", ["00000000-0000"] = (',"auth":"%s"'):format(base64("00000000-0000:")) } do
      local tokens, reg = start { post = false, users = { [name] = IDENTITY } }
      local result = fetch(reg, identity_file(reg, more))
      assert.equal(0, result.code, result.stderr)
      check_silent(result.stderr)
      local asked = tokens:requests()
      assert.equal(2, #asked)
      assert.equal("POST", asked[1].method)
      assert.equal("Basic " .. base64(name .. ":" .. IDENTITY), asked[2].headers.authorization)
    end
  end)

  it("that is refused is an error that says whose it was", function()
    local tokens, reg = start {}
    local path = identity_file(reg)
    local result = fetch(reg, path)
    assert.equal(4, result.code, result.stderr)
    assert.matches("the identity token of " .. path, result.stderr, 1, true)
    check_silent(result.stderr)
    assert.equal(2, #tokens:requests())
  end)
end)

describe("tokens", function()
  local img = image.build { layers = { { random = 9000 }, { b = "2" }, { c = "3" }, { d = "4" },
    { e = "5" }, { f = "6" } } }
  local server

  lazy_setup(function() server = faulty.start {} end)
  lazy_teardown(function() server:stop() end)
  before_each(function() server:forget() end)

  local MANIFEST = "/v2/demo/app/manifests/v1"
  local function challenge(more, status)
    return { status = status or 401, headers = {
      ["WWW-Authenticate"] = 'Bearer realm="{url}/token",service="s"' .. (more or "") } }
  end
  local function with(token, reply)
    reply.when = { authorization = "^Bearer " .. token .. "$" }
    return reply
  end
  local function document(token)
    return with(token, { body = img.oci.bytes,
      headers = { ["Content-Type"] = img.oci.media_type } })
  end
  local function grant(token, more, times)
    return { body = ('{"token":"%s"%s}'):format(token, more or ""), times = times }
  end

  -- The manifest takes the first token, every blob the second.
  local function routes(tokens)
    local all = { [MANIFEST] = { document("first"), challenge() }, ["/token"] = tokens }
    for _, blob in ipairs { img.config, table.unpack(img.layers) } do
      all["/v2/demo/app/blobs/" .. blob.digest] = {
        with("second", { file = blob.file, range = true }), challenge() }
    end
    return all
  end

  local function words(...) return { "--registry", server:url(), "demo/app", "v1", ... } end
  local function tokens_asked()
    local list = {}
    for _, request in ipairs(server:requests()) do
      if request.path == "/token" then list[#list + 1] = request end
    end
    return list
  end

  it("that are over for all layers at the same time are renewed once", function()
    local all = routes { grant("first", nil, 1), grant("second") }
    -- The configuration comes first, alone: it is to be had with either.
    table.insert(all["/v2/demo/app/blobs/" .. img.config.digest], 1,
      with("first", { file = img.config.file }))
    all["/token"][2].delay = 0.5
    server:set(all)
    program.check("hocker-image", words("--out", tmp.path(), "--jobs", "6"))
    assert.equal(2, #tokens_asked())
    local refused = 0
    for _, request in ipairs(server:requests()) do
      if request.path:find("/blobs/") and request.headers.authorization == "Bearer first" then
        refused = refused + 1
      end
    end
    assert.is_true(refused > 4, "the layers were not fetched at the same time")
  end)

  it("that can't be renewed are asked for once", function()
    local all = routes { grant("first", nil, 1), { status = 403, delay = 0.5 } }
    table.insert(all["/v2/demo/app/blobs/" .. img.config.digest], 1,
      with("first", { file = img.config.file }))
    server:set(all)
    program.refuses(4, "hocker-image", words("--out", tmp.path(), "--jobs", "6"))
    assert.equal(2, #tokens_asked())
  end)

  it("that are over when a download is continued are renewed, each time", function()
    local layer = img.layers[1]
    local function part(token, bytes)
      return with(token, { file = layer.file, range = true, truncate = bytes, times = 1 })
    end
    server:set { ["/token"] = { grant("first", nil, 1), grant("second", nil, 1), grant("third") },
      ["/v2/demo/app/blobs/" .. layer.digest] = { part("first", 2000), part("second", 2000),
        with("third", { file = layer.file, range = true }), challenge() } }
    local path = tmp.path()
    program.check("hocker-layer", words("--layer", layer.digest, "--out", path))
    assert.equal(layer.digest, image.digest_of_file(path))
    assert.equal(3, #tokens_asked())
  end)

  it("are good for a minute at least", function()
    for _, seconds in ipairs { "1", "-1", '"x"', "null", "1e300" } do
      server:forget()
      server:set { [MANIFEST] = { document("first"), challenge() },
        ["/token"] = grant("first", ',"issued_at":"1999-01-01T00:00:00Z","expires_in":' .. seconds),
        ["/v2/demo/app/blobs/" .. img.config.digest] = {
          with("first", { file = img.config.file }), challenge() } }
      program.check("hocker-config", words())
      assert.equal(1, #tokens_asked())
    end
  end)

  it("are renewed by the refresh token that came with them", function()
    server:set(routes { grant("first", ',"refresh_token":"r+1"', 1), grant("second") })
    program.check("hocker-config", words())
    local asked = tokens_asked()
    assert.equal(2, #asked)
    assert.equal("GET", asked[1].method)
    assert.equal("POST", asked[2].method)
    assert.equal("r+1", form(asked[2]).refresh_token)
  end)

  it("are asked for anew when the refresh token is refused", function()
    server:set(routes { grant("first", ',"refresh_token":"r"', 1), { status = 400, times = 1 },
      grant("second") })
    program.check("hocker-config", words("-u", "me", "-p", "pw"))
    local asked = tokens_asked()
    assert.equal(3, #asked)
    assert.equal("GET", asked[3].method)
    assert.equal("Basic " .. base64("me:pw"), asked[3].headers.authorization)
  end)

  for _, status in ipairs { 401, 403 } do
    local lacking = ',error="insufficient_scope",scope="repository:demo/app:pull repository:x:pull"'

    it(("whose scope is too small, says a %d, are replaced once"):format(status), function()
      server:set { ["/token"] = { grant("small", nil, 1), grant("large") },
        [MANIFEST] = { with("small", challenge(lacking, status)), document("large"), challenge() } }
      program.check("hocker-manifest", words())
      local asked = tokens_asked()
      assert.equal(2, #asked)
      assert.matches("scope=repository%%3Ademo%%2Fapp%%3Apull&scope=repository%%3Ax%%3Apull$",
        asked[2].query)
    end)

    it(("whose scope is too small for ever, says a %d, are an error"):format(status), function()
      server:set { ["/token"] = grant("small"),
        [MANIFEST] = { with("small", challenge(lacking, status)), challenge() } }
      program.refuses(4, "hocker-manifest", words())
      assert.equal(2, #tokens_asked())
    end)
  end

  it("are not asked for where the registry just says no", function()
    server:set { ["/token"] = grant("first"), [MANIFEST] = challenge(nil, 403) }
    for _, more in ipairs { {}, { "-t", "t0ken" }, { "-u", "me", "-p", "pw" } } do
      local line = program.refuses(4, "hocker-manifest", words(table.unpack(more)))
      assert.matches("HTTP 403", line, 1, true)
    end
    assert.equal(0, #tokens_asked())
  end)

  it("are not asked for with an identity token where the realm is another's", function()
    server:set { ["/token"] = { status = 401 }, [MANIFEST] = { status = 401, headers = {
      ["WWW-Authenticate"] = ('Bearer realm="%s/token"'):format(server:url("localhost")) } } }
    local path = identity_file(server)
    local line = program.refuses(4, "hocker-manifest", words("--authfile", path))
    assert.matches("localhost", line, 1, true)
    assert.matches(path, line, 1, true)
    local asked = tokens_asked()
    assert.equal(1, #asked)
    assert.equal("GET", asked[1].method)
    assert.is_nil(asked[1].headers.authorization)
    assert.is_nil((asked[1].query or ""):find("account"))
  end)

  it("of identity can't answer a Basic challenge", function()
    server:set { [MANIFEST] = { status = 401,
      headers = { ["WWW-Authenticate"] = "Basic realm=x" } } }
    local line = program.refuses(4, "hocker-manifest",
      words("--authfile", identity_file(server)))
    assert.matches("wants a user name and a password", line, 1, true)
  end)

  it("of a registry are sent to it, and asked for from nobody", function()
    server:set { [MANIFEST] = { document("r3g"), challenge() } }
    local path = tmp.file(('{"auths":{"%s":{"registrytoken":"r3g"}}}'):format(server:host()))
    program.check("hocker-manifest", words("--authfile", path))
    assert.equal(1, #server:requests())
  end)
end)

describe("session:once", function()
  local server, one

  lazy_setup(function()
    server = faulty.start { routes = { ["/x"] = { body = "x", delay = 0.2 } } }
  end)
  lazy_teardown(function() server:stop() end)
  before_each(function()
    server:forget()
    one = assert(session.new())
  end)
  after_each(function() one:close() end)

  local function fetch() return one:fetch_text({ url = server:url() .. "/x" }, 10) end

  it("does the work of several tasks for all of them", function()
    local got = {}
    local function task()
      local text, err = one:once("key", fetch)
      got[#got + 1] = text
      return text and true, err
    end
    assert(one:run { task, task, task })
    assert.same({ "x", "x", "x" }, got)
    assert.equal(1, #server:requests())
    assert.equal("x", one:once("key", fetch))
    assert.equal(2, #server:requests())
  end)

  it("does different work for different keys", function()
    assert(one:run {
      function() return one:once("a", fetch) and true end,
      function() return one:once("b", fetch) and true end,
    })
    assert.equal(2, #server:requests())
  end)

  it("gives all of them the error, too", function()
    local errors = {}
    local function task()
      local _, err = one:once("key", function()
        fetch()
        return nil, core.error("refused", "no")
      end)
      errors[#errors + 1] = err.message
      return true
    end
    assert(one:run { task, task })
    assert.same({ "no", "no" }, errors)
  end)

  it("leaves nothing behind when its task is stopped, or raises", function()
    local function task() return one:once("key", fetch) and true end
    local _, err = one:run { task, task, function() return nil, core.error("refused", "stop") end }
    assert.equal("stop", err.message)
    assert.error_matches(function()
      one:run { function()
        return one:once("key", function()
          fetch()
          error("a bug")
        end)
      end, task }
    end, "a bug")
    assert.equal("x", one:once("key", fetch))
  end)
end)

describe("auth", function()
  local clock = core.system.clock
  local now
  before_each(function()
    now = 1000
    core.system.clock = function() return now end
  end)
  after_each(function() core.system.clock = clock end)

  -- An auth whose token server gives t1, t2, ... for so many seconds.
  local function make(seconds, cred)
    local fake = { asked = {} }
    function fake:once(_, work) return work() end
    function fake:fetch_text(request)
      self.asked[#self.asked + 1] = request
      return ('{"token":"t%d","expires_in":%s}'):format(#self.asked, seconds), { headers = {} }
    end
    return auth.new { session = fake, credentials = cred,
      ref = assert(reference.parse { "reg.example/a" }) }, fake
  end

  local CHALLENGE = { status = 401, url = "https://reg.example/v2/a/manifests/latest",
    challenges = { 'Bearer realm="https://auth.reg.example/token"' } }

  it("keeps a token until a few seconds before its end", function()
    for seconds, least in pairs { [300] = 300, [60] = 60, [1] = 60 } do
      local one = make(seconds)
      now = 1000
      assert.is_nil(one:current())
      assert.equal("Bearer t1", one:answer(CHALLENGE, { answers = 0 }))
      now = 1000 + least - 10
      assert.equal("Bearer t1", one:current())
      now = 1000 + least - 1
      assert.is_nil(one:current())
    end
  end)

  it("gives a header that another request got meanwhile", function()
    local one, fake = make(300)
    assert.equal("Bearer t1", one:answer(CHALLENGE, { answers = 0 }))
    assert.equal("Bearer t1", one:answer(CHALLENGE, { answers = 0 }))
    assert.equal("Bearer t1", one:answer(CHALLENGE, { answers = 0, sent = "Bearer t0" }))
    assert.equal("Bearer t2", one:answer(CHALLENGE, { answers = 0, sent = "Bearer t1" }))
    assert.equal(2, #fake.asked)
  end)

  it("posts an identity token, with its letters encoded", function()
    local one, fake = make(300, assert(credentials.identity("a+b/c=&", "here")))
    assert.equal("Bearer t1", one:answer(CHALLENGE, { answers = 0 }))
    assert.equal("POST", fake.asked[1].method)
    assert.matches("&refresh_token=a%2Bb%2Fc%3D%26", fake.asked[1].body, 1, true)
    assert.equal("https://auth.reg.example/token", fake.asked[1].url)
  end)
end)
