local certs = require "support.certs"
local cjson = require "cjson"
local faulty = require "support.faulty"
local image = require "support.image"
local nginx = require "support.nginx"
local process = require "support.process"
local program = require "support.program"
local proxy = require "support.proxy"
local registry = require "support.registry"
local scripts = require "support.scripts"
local tmp = require "support.tmp"
local token_server = require "support.token_server"

local PASSWORD = "s3cret:with=all%the\\rest"
local BASIC = "Basic " .. process.check({ "base64", "-w0" }, { stdin = "alice:" .. PASSWORD })
local WRONG = "wr0ng-pa55word"

-- What must never be printed.
local SECRETS = { PASSWORD, WRONG, BASIC:match("%S+$"), "alice:" .. WRONG,
  process.check({ "base64", "-w0" }, { stdin = "alice:" .. WRONG }) }

local function check_silent(result, more)
  local text = result.stdout .. result.stderr
  for _, secret in ipairs { more or PASSWORD, table.unpack(SECRETS) } do
    assert.is_nil(text:find(secret, 1, true), "a secret was printed:\n" .. text)
  end
end

-- Fetches a manifest, -v and all, and looks that nothing secret was printed.
local function fetch(words, opts, secret)
  local result = program.run("hocker-manifest", { "-v", table.unpack(words) }, opts)
  check_silent(result, secret)
  return result
end

local function accepts(bytes, words, opts, secret)
  local result = fetch(words, opts, secret)
  assert.equal(0, result.code, result.stderr)
  assert.equal(bytes, result.stdout)
end

-- Without -v there is one line.
local function refuses(code, words, opts, secret)
  local verbose = fetch(words, opts, secret)
  assert.equal(code, verbose.code, verbose.stderr)
  local line = program.refuses(code, "hocker-manifest", words, opts)
  check_silent({ stdout = "", stderr = line }, secret)
  return line
end

local function authorizations(server)
  local list = {}
  for _, request in ipairs(server:requests()) do
    list[#list + 1] = request.headers.authorization
  end
  return list
end

-- Ways to give a user's name and password, and to give a token.
local function basic_ways(password)
  return {
    ["-u and -p"] = { { "-u", "alice", "-p", password } },
    ["--username and --password"] = { { "--username=alice", "--password=" .. password } },
    ["--password-stdin"] = { { "--username", "alice", "--password-stdin" }, password .. "\n" },
    ["--password-stdin without a newline"] = { { "-u", "alice", "--password-stdin" }, password },
    ["--credentials-file"] = { { "--credentials-file",
      tmp.file(("USERNAME=alice\nPASSWORD=%s\n"):format(password)) } },
    ["--credential-file"] = { { "--credential-file=" ..
      tmp.file(("PASSWORD=%s\r\nUSERNAME=alice"):format(password)) } },
    ["-f"] = { { "-f", tmp.file(("USERNAME=alice\nPASSWORD=%s"):format(password)) } },
  }
end

local function bearer_ways(token)
  return {
    ["-t"] = { { "-t", token } },
    ["--token"] = { { "--token=" .. token } },
    ["--credentials-file"] = { { "--credentials-file",
      tmp.file("BEARER_TOKEN=" .. token .. "\n") } },
    ["-f"] = { { "-f", tmp.file("BEARER_TOKEN=" .. token) } },
  }
end

local function is_file(way) return way == "-f" or way:find("file") ~= nil end

local function with(words, way)
  local all = table.move(words, 1, #words, 1, {})
  return table.move(way[1], 1, #way[1], #all + 1, all), { stdin = way[2] }
end

describe("a registry with a token server", function()
  local tokens, reg, public, private

  lazy_setup(function()
    tokens = token_server.start { users = { alice = PASSWORD }, private = { "^private/" } }
    reg = registry.start { auth = "token", token = tokens }
    local img = image.build()
    public = img:push(reg, "demo/app", "v1", { user = "alice:" .. PASSWORD })
    private = img:push(reg, "private/app", "v1", { user = "alice:" .. PASSWORD })
  end)
  lazy_teardown(function()
    reg:stop()
    tokens:stop()
  end)
  before_each(function() tokens:forget() end)

  local function words(name, ...) return { "--registry", reg:url(), name, "v1", ... } end

  it("gives anybody a token for what is public", function()
    accepts(public.bytes, words("demo/app"))
    local asked = tokens:requests()
    assert.equal(1, #asked)
    assert.equal("GET", asked[1].method)
    assert.is_nil(asked[1].headers.authorization)
    assert.matches("service=hocker%20specs", asked[1].query, 1, true)
    assert.matches("scope=repository%3Ademo%2Fapp%3Apull", asked[1].query, 1, true)
    assert.not_matches("account=", asked[1].query)
  end)

  it("is asked for one token an image", function()
    program.check("hocker-image", words("demo/app", "--out", tmp.path()))
    assert.equal(1, #tokens:requests())
  end)

  it("may call it access_token, or both", function()
    for _, field in ipairs { "access_token", "both" } do
      local other = token_server.start { field = field, expires_in = false }
      local front = registry.start { auth = "token", token = other, root = reg.root }
      finally(function()
        front:stop()
        other:stop()
      end)
      accepts(public.bytes, { "--registry", front:url(), "demo/app", "v1" })
    end
  end)

  it("may be busy at first", function()
    local other = token_server.start { failures = 1 }
    local front = registry.start { auth = "token", token = other, root = reg.root }
    finally(function()
      front:stop()
      other:stop()
    end)
    local result = fetch { "--registry", front:url(), "demo/app", "v1" }
    assert.equal(public.bytes, result.stdout)
    assert.matches("retry 1 in", result.stderr)
  end)

  for what in pairs(basic_ways("")) do
    it("takes user name and password by " .. what, function()
      accepts(private.bytes, with(words("private/app"), basic_ways(PASSWORD)[what]))
      local asked = tokens:requests()
      assert.equal(1, #asked)
      assert.equal(BASIC, asked[1].headers.authorization)
      assert.matches("account=alice", asked[1].query, 1, true)
    end)
  end

  local function token_for(name)
    local reply = process.check { "curl", "-sSf", "-G", "-u", "alice:" .. PASSWORD,
      "--data-urlencode", "service=" .. tokens.service, "--data-urlencode",
      ("scope=repository:%s:pull"):format(name), tokens:realm() }
    return cjson.decode(reply).token
  end

  for what in pairs(bearer_ways("")) do
    it("takes a token by " .. what .. ", and is asked for none", function()
      local token = token_for("private/app")
      tokens:forget()
      local line, opts = with(words("private/app"), bearer_ways(token)[what])
      accepts(private.bytes, line, opts, token)
      assert.same({}, tokens:requests())
    end)
  end

  it("wants credentials for what is private, and the error says so", function()
    local line = refuses(4, words("private/app"))
    assert.matches("private/app", line, 1, true)
    assert.matches("--username", line, 1, true)
  end)

  it("refuses a wrong password, and the error says whose it was", function()
    for what, way in pairs(basic_ways(WRONG)) do
      local line = refuses(4, with(words("private/app"), way))
      assert.matches("private/app", line, 1, true)
      assert.matches("alice", line, 1, true)
      assert.matches(is_file(what) and tmp.root() or "--username", line, 1, true)
    end
  end)

  it("refuses a wrong token, and the error says whose it was", function()
    local token = "an0ther-t0ken"
    for what, way in pairs(bearer_ways(token)) do
      local line, opts = with(words("private/app"), way)
      line = refuses(4, line, opts, token)
      assert.matches(is_file(what) and tmp.root() or "--token", line, 1, true)
    end
  end)

  it("refuses a token for something else", function()
    local token = token_for("demo/app")
    refuses(4, words("private/app", "--token", token), nil, token)
  end)
end)

describe("a registry with Basic authentication", function()
  local ca = certs.shared()
  local reg, front, plain, bytes

  lazy_setup(function()
    local users = { alice = PASSWORD }
    reg = registry.start { auth = "htpasswd", users = users, tls = ca:server() }
    bytes = image.build():push(reg, "demo/app", "v1", { user = "alice:" .. PASSWORD }).bytes
    plain = registry.start { root = reg.root }
    front = nginx.start { to = plain:url(), users = users }
  end)
  lazy_teardown(function()
    front:stop()
    plain:stop()
    reg:stop()
  end)

  local function words(...) return { "--registry", reg:url(), "demo/app", "v1", ... } end
  local function trusting(...) return words("--cacert", ca.cert, ...) end

  for what in pairs(basic_ways("")) do
    it("over TLS takes user name and password by " .. what, function()
      accepts(bytes, with(trusting(), basic_ways(PASSWORD)[what]))
    end)
  end

  it("over TLS takes them for a reference", function()
    accepts(bytes, { reg:host("localhost") .. "/demo/app:v1", "--cacert", ca.cert, "-u", "alice",
      "-p", PASSWORD })
  end)

  it("over TLS wants some, and the error says so", function()
    local line = refuses(4, trusting())
    assert.matches("--username", line, 1, true)
  end)

  it("over TLS refuses wrong ones, and the error says whose they were", function()
    local line = refuses(4, trusting("-u", "alice", "-p", WRONG))
    assert.matches("alice", line, 1, true)
    assert.matches("--username and --password", line, 1, true)
  end)

  it("is not trusted without its authority, is not tried again, and learns nothing", function()
    local line = refuses(6, words("-u", "alice", "-p", PASSWORD))
    assert.matches("certificate is not trusted", line, 1, true)
    assert.not_matches("retr", line)
  end)

  it("is trusted with --insecure", function()
    accepts(bytes, words("--insecure", "-u", "alice", "-p", PASSWORD))
  end)

  it("is not trusted by a name that its certificate lacks", function()
    local other = registry.start { root = reg.root, tls = ca:server { "DNS:example.org" } }
    finally(function() other:stop() end)
    local line = refuses(6, { "--registry", other:url(), "demo/app", "v1", "--cacert", ca.cert })
    assert.matches("certificate", line, 1, true)
  end)

  it("may be nginx, which is sent them only when it asks", function()
    local function request(...) return { "--registry", front:url(), "demo/app", "v1", ... } end
    accepts(bytes, request("-u", "alice", "-p", PASSWORD))
    local seen = front:requests()
    assert.is_nil(seen[1].authorization)
    assert.equal(BASIC, seen[2].authorization)
    assert.matches("--username", refuses(4, request()), 1, true)
    assert.matches("--username and --password", refuses(4,
      request("-u", "alice", "-p", WRONG)), 1, true)
  end)

  it("gives a whole image, asked for its challenge once", function()
    local before = #front:requests()
    program.check("hocker-image", { "--registry", front:url(), "demo/app", "v1", "-u", "alice",
      "-p", PASSWORD, "--out", tmp.path() })
    local refused = 0
    for i, request in ipairs(front:requests()) do
      refused = refused + (i > before and request.status == 401 and 1 or 0)
    end
    assert.equal(1, refused)
  end)
end)

describe("a registry with client certificates", function()
  local ca = certs.shared()
  local client = ca:client()
  local reg, front, bytes

  lazy_setup(function()
    local root = registry.start()
    bytes = image.build():push(root, "demo/app", "v1").bytes
    root:stop()
    reg = registry.start { root = root.root, tls = ca:server(), client_ca = ca.cert }
    local inner = registry.start { root = root.root }
    front = nginx.start { to = inner:url(), tls = ca:server(), client_ca = ca.cert }
  end)
  lazy_teardown(function()
    front:stop()
    reg:stop()
  end)

  it("takes --cert and --key", function()
    for _, server in ipairs { reg, front } do
      accepts(bytes, { "--registry", server:url(), "demo/app", "v1", "--cacert", ca.cert,
        "--cert", client.cert, "--key", client.key })
    end
  end)

  it("takes one file with both", function()
    local both = tmp.file(tmp.read(client.cert) .. tmp.read(client.key))
    accepts(bytes, { "--registry", reg:url(), "demo/app", "v1", "--cacert", ca.cert,
      "--cert", both })
  end)

  it("refuses everybody else", function()
    for _, server in ipairs { reg, front } do
      local result = fetch { "--registry", server:url(), "demo/app", "v1", "--cacert", ca.cert,
        "--retries", "0" }
      assert.not_equal(0, result.code)
      assert.equal("", result.stdout)
    end
  end)

  it("is not asked when a PEM file can't be read", function()
    for _, option in ipairs { "--cacert", "--cert", "--key" } do
      local line = refuses(7, { "--registry", reg:url(), "demo/app", "v1", option, "/nonexistent" })
      assert.matches("/nonexistent", line, 1, true)
    end
  end)

  it("is not asked when the file of --cacert is none", function()
    for _, text in ipairs { "", "no certificate" } do
      local path = tmp.file(text)
      local line = refuses(2, { "--registry", reg:url(), "demo/app", "v1", "--cacert", path })
      assert.matches(path, line, 1, true)
    end
  end)
end)

describe("a challenge", function()
  local img = image.build()
  local server

  lazy_setup(function() server = faulty.start {} end)
  lazy_teardown(function() server:stop() end)
  before_each(function() server:forget() end)

  local MANIFEST = "/v2/demo/app/manifests/v1"
  local function good(authorization)
    return { body = img.oci.bytes, headers = { ["Content-Type"] = img.oci.media_type },
      when = { authorization = authorization } }
  end
  local function challenge(...)
    return { status = 401, headers = { ["WWW-Authenticate"] = { ... } } }
  end
  local function words(...) return { "--registry", server:url(), "demo/app", "v1", ... } end

  local TOKEN = { body = '{"token":"good"}' }
  local challenges = {
    ["without a scope means pulling the repository"] = challenge('Bearer realm="{url}/token"'),
    ["with an empty scope and service means so too"] =
      challenge('Bearer realm="{url}/token",service="",scope=""'),
    ["with a scope of its own means that"] =
      challenge('Bearer realm="{url}/token",scope="repository:demo/app:pull,delete registry:a:*"'),
    ["with a relative realm means the registry's"] = challenge('Bearer realm="/token"'),
    ["with a query in its realm keeps it"] = challenge('Bearer realm="{url}/token?a=b"'),
    ["of any case, with blanks, is understood"] =
      challenge('bEARER  ReAlM = "{url}/token" , error="insufficient_scope"'),
    ["among others in one line is found"] =
      challenge('Negotiate, Basic realm="a, b", Bearer realm="{url}/token"'),
    ["among others in several lines is found"] =
      challenge('Basic realm="a"', 'Digest nonce="x"', 'Bearer realm="{url}/token"'),
  }
  for what, reply in pairs(challenges) do
    it(what, function()
      server:set { [MANIFEST] = { good("^Bearer good$"), reply }, ["/token"] = TOKEN }
      accepts(img.oci.bytes, words())
      local asked = server:requests()[2]
      assert.equal("/token", asked.path)
      assert.matches(what:find("a scope of") and "pull%%2Cdelete&scope=registry%%3Aa%%3A%%2A$" or
        "scope=repository%%3Ademo%%2Fapp%%3Apull$", asked.query)
      if what:find("query") then assert.matches("^a=b&", asked.query) end
      assert.is_nil(asked.query:find("service="))
    end)
  end

  it("that only the root of the registry has is found there", function()
    server:set { [MANIFEST] = { good("^Bearer good$"), { status = 401 } },
      ["/v2/"] = challenge('Bearer realm="{url}/token"'), ["/token"] = TOKEN }
    accepts(img.oci.bytes, words())
  end)

  it("in mid-image gets a new token", function()
    local guard = challenge('Bearer realm="{url}/token"')
    local routes = { [MANIFEST] = { good("^Bearer first$"), guard },
      ["/token"] = { { body = '{"token":"first"}', times = 1 }, { body = '{"token":"second"}' } },
      ["/v2/demo/app/blobs/" .. img.config.digest] = {
        { file = img.config.file, when = { authorization = "^Bearer second$" } }, guard } }
    server:set(routes)
    assert.equal(img.config.bytes, program.check("hocker-config", words()))
  end)

  it("that no token satisfies is not answered for ever", function()
    server:set { [MANIFEST] = challenge('Bearer realm="{url}/token"'), ["/token"] = TOKEN }
    program.refuses(4, "hocker-manifest", words())
    assert.is_true(#server:requests() <= 5)
  end)

  -- reply to the manifest, reply to the token request, exit code, part of the message
  local failures = {
    ["of an unknown kind is an error"] = { challenge("Negotiate"), TOKEN, 4, "Basic" },
    ["without a kind is an error"] = { { status = 401 }, TOKEN, 4, "401" },
    ["without a realm is an error"] = { challenge('Bearer service="x"'), TOKEN, 1, "realm" },
    ["whose realm is no URL is an error"] = { challenge('Bearer realm="ftp://x/"'), TOKEN, 1, "" },
    ["whose realm carries a password is an error"] = {
      challenge('Bearer realm="http://u:p@127.0.0.1/"'), TOKEN, 8, "realm" },
    ["whose realm has no token is an error"] = {
      challenge('Bearer realm="{url}/token"'), { body = "{}" }, 1, "token" },
    ["whose realm has a web page is an error"] = {
      challenge('Bearer realm="{url}/token"'), { body = "<html>" }, 1, "token" },
    ["whose realm has a token that is no token is an error"] = {
      challenge('Bearer realm="{url}/token"'), { body = '{"token":"a\\r\\nX: y"}' }, 1, "" },
    ["whose realm has far too much is an error"] = {
      challenge('Bearer realm="{url}/token"'), { body = (" "):rep(300000) }, 5, "" },
    ["whose realm redirects for ever is an error"] = { challenge('Bearer realm="{url}/token"'),
      { status = 302, headers = { Location = "{url}/token" } }, 1, "redirects" },
    ["whose realm says no is an error"] = {
      challenge('Bearer realm="{url}/token"'), { status = 403 }, 4, "token" },
    ["whose realm is not there is an error"] = {
      challenge('Bearer realm="{url}/token"'), { status = 404 }, 1, "token" },
  }
  for what, case in pairs(failures) do
    it(what, function()
      server:set { [MANIFEST] = case[1], ["/token"] = case[2], ["/other"] = TOKEN }
      local line = program.refuses(case[3], "hocker-manifest", words("-u", "alice", "-p", PASSWORD))
      assert.matches(case[4], line, 1, true)
      check_silent { stdout = "", stderr = line }
    end)
  end
end)

describe("a registry that hides what is private", function()
  local img = image.build()
  local server
  local bearer = { ["WWW-Authenticate"] = 'Bearer realm="{url}/token",service="s"' }

  lazy_setup(function() server = faulty.start {} end)
  lazy_teardown(function() server:stop() end)

  -- Its ping alone has a challenge; without a token, what is asked for is not there.
  local function set(status, headers, token)
    server:forget()
    local function only(reply)
      reply.when = { authorization = "^Bearer given$" }
      return { reply, { status = status } }
    end
    server:set { ["/v2/"] = { status = 401, headers = headers }, ["/token"] = token,
      ["/v2/demo/app/manifests/v1"] = only { body = img.oci.bytes,
        headers = { ["Content-Type"] = img.oci.media_type } },
      ["/v2/demo/app/blobs/" .. img.config.digest] = only { body = img.config.bytes },
      ["/v2/demo/app/tags/list?n=1000"] = only { body = '{"tags":["v1"]}' } }
  end
  local function words(...)
    return { "--registry", server:url(), "demo/app", ... }
  end
  local user = { "-u", "alice", "-p", PASSWORD }
  local with_user = { body = '{"token":"given"}', when = { authorization = "^Basic " } }

  for _, status in ipairs { 403, 404 } do
    it(("by a %d is asked again with credentials"):format(status), function()
      set(status, bearer, with_user)
      assert.equal(img.oci.bytes,
        program.check("hocker-manifest", words("v1", table.unpack(user))))
      set(status, bearer, with_user)
      assert.equal(img.config.bytes, program.check("hocker-config",
        words("v1", "--digest", img.config.digest, table.unpack(user))))
      set(status, bearer, with_user)
      assert.equal("v1\n", program.check("hocker",
        { "tags", table.unpack(words(table.unpack(user))) }))
    end)

    it(("by a %d says that credentials are no good"):format(status), function()
      set(status, bearer, { status = 401 })
      local line = program.refuses(4, "hocker-manifest", words("v1", table.unpack(user)))
      assert.matches("refused user 'alice'", line, 1, true)
      check_silent { stdout = "", stderr = line }
    end)
  end

  it("by a 403 is asked again by nobody, who may have a token too", function()
    set(403, bearer, { body = '{"token":"given"}' })
    assert.equal(img.oci.bytes, program.check("hocker-manifest", words "v1"))
  end)

  it("is asked for a thing that is not there no more than it takes", function()
    set(404, bearer, { body = '{"token":"other"}' })
    program.refuses(3, "hocker-manifest", words "v1")
    assert.equal(1, #server:requests())
    server:forget()
    program.refuses(3, "hocker-manifest", words("v1", table.unpack(user)))
    assert.equal(4, #server:requests())
  end)

  it("without a challenge anywhere is not asked again", function()
    set(403, {}, {})
    program.refuses(4, "hocker-manifest", words("v1", table.unpack(user)))
    assert.equal(2, #server:requests())
  end)
end)

describe("a token server that redirects", function()
  local img = image.build()
  local server, other
  local header = 'Bearer realm="{url}/token",service="s"'
  local user = { "-u", "alice", "-p", PASSWORD }

  lazy_setup(function() server, other = faulty.start {}, faulty.start {} end)
  lazy_teardown(function()
    other:stop()
    server:stop()
  end)

  local function pull(location, token, words)
    server:forget()
    other:forget()
    server:set { ["/token"] = { status = 307, headers = { Location = location } },
      ["/token/"] = token, ["/v2/demo/app/manifests/v1"] = {
        { body = img.oci.bytes, headers = { ["Content-Type"] = img.oci.media_type },
          when = { authorization = "^Bearer given$" } },
        { status = 401, headers = { ["WWW-Authenticate"] = header } } } }
    other:set { ["/token"] = token }
    return program.run("hocker-manifest", table.move(words, 1, #words, 5,
      { "--registry", server:url(), "demo/app", "v1" }))
  end

  local given = { body = '{"token":"given"}' }

  it("is followed, with credentials at its own origin", function()
    local only = { body = given.body, when = { authorization = "^Basic " } }
    assert.equal(img.oci.bytes, pull("/token/?scope=x", only, user).stdout)
  end)

  it("is followed elsewhere without them", function()
    assert.equal(img.oci.bytes, pull(other:url() .. "/token", given, user).stdout)
    assert.equal(1, #other:requests())
    assert.is_nil(other:requests()[1].headers.authorization)
  end)

  it("is not sent an identity token again", function()
    local path = tmp.file(('{"auths":{"%s":{"identitytoken":"1dent1ty"}}}'):format(server:host()))
    local result = pull(other:url() .. "/token", given, { "--authfile", path })
    assert.equal(1, result.code)
    assert.matches("can't be followed", result.stderr, 1, true)
    assert.same({}, other:requests())
  end)
end)

describe("credentials", function()
  local img = image.build()
  local first, second

  lazy_setup(function() first, second = faulty.start {}, faulty.start {} end)
  lazy_teardown(function()
    first:stop()
    second:stop()
  end)
  before_each(function()
    first:forget()
    second:forget()
  end)

  local MANIFEST = "/v2/demo/app/manifests/v1"
  local function guarded(reply, header)
    reply.when = { authorization = "." }
    return { reply, { status = 401, headers = { ["WWW-Authenticate"] = header } } }
  end
  local document = { body = img.oci.bytes, headers = { ["Content-Type"] = img.oci.media_type } }

  -- Each kind of secret, and the Authorization that it becomes.
  local kinds = {
    ["a password"] = { { "-u", "alice", "-p", PASSWORD }, BASIC },
    ["a token"] = { { "-t", "t0ken" }, "Bearer t0ken" },
  }
  for kind, case in pairs(kinds) do
    local flags, header = table.unpack(case)

    describe("of " .. kind, function()
      for what, status in pairs { ["for a while"] = 307, ["for ever"] = 301, ["by 302"] = 302,
        ["by 303"] = 303, ["by 308"] = 308 } do
        it("don't go where a registry redirects " .. what, function()
          for _, host in ipairs { second:url(), second:url("localhost") } do
            first:set { [MANIFEST] = guarded({ status = status, headers = {
              Location = host .. "/elsewhere?signed=1" } }, 'Basic realm="x"') }
            second:set { ["/elsewhere"] = document }
            accepts(img.oci.bytes, { "--registry", first:url(), "demo/app", "v1",
              table.unpack(flags) })
          end
          assert.equal(header, authorizations(first)[1])
          assert.equal(2, #second:requests())
          assert.same({}, authorizations(second))
        end)
      end

      it("don't go there when that host asks, either", function()
        for _, ask in ipairs { 'Basic realm="x"', 'Bearer realm="{url}/token"' } do
          first:set { [MANIFEST] = guarded({ status = 307, headers = {
            Location = second:url() .. "/elsewhere" } }, 'Basic realm="x"') }
          second:set { ["/elsewhere"] = { status = 401, headers = { ["WWW-Authenticate"] = ask } },
            ["/token"] = { body = '{"token":"x"}' } }
          refuses(4, { "--registry", first:url(), "demo/app", "v1", table.unpack(flags) })
        end
        assert.same({}, authorizations(second))
      end)

      it("don't go with layers to where those are kept", function()
        local layer = img.layers[1]
        first:set { ["/v2/demo/app/blobs/" .. layer.digest] = guarded({ status = 307, headers = {
          Location = second:url("localhost") .. "/blob" } }, 'Basic realm="x"') }
        second:set { ["/blob"] = {
          { file = layer.file, range = true, truncate = layer.size // 2, times = 1 },
          { file = layer.file, range = true } } }
        local path = tmp.path()
        program.check("hocker-layer", { "--registry", first:url(), "demo/app", "v1", "--layer",
          layer.digest, "--out", path, table.unpack(flags) })
        assert.equal(layer.digest, image.digest_of_file(path))
        assert.equal(2, #second:requests())
        assert.same({}, authorizations(second))
      end)

      it("don't go over plain http to another machine", function()
        local root = "http://registry.example.com"
        local basic = { status = 401, headers = { ["WWW-Authenticate"] = 'Basic realm="x"' } }
        for _, ask in ipairs { 'Basic realm="x"', ('Bearer realm="%s/token"'):format(root),
          'Bearer realm="http://auth.example.com/token"' } do
          first:set { [root .. MANIFEST] = guarded({ body = "" }, ask), ["*"] = basic }
          local line = refuses(2, { "--registry", root, "demo/app", "v1", table.unpack(flags) },
            { env = { http_proxy = first:url() } })
          assert.matches("plain http", line, 1, true)
        end
        assert.is_true(#first:requests() > 0)
        assert.same({}, authorizations(first))
      end)

      it("go there with --insecure", function()
        local root = "http://registry.example.com"
        first:set { [root .. MANIFEST] = guarded(document, 'Basic realm="x"') }
        document.when = nil
        accepts(img.oci.bytes, { "--registry", root, "demo/app", "v1", "--insecure",
          table.unpack(flags) }, { env = { http_proxy = first:url() } })
        assert.same({ header }, authorizations(first))
      end)
    end)
  end

  describe("go to a realm", function()
    local ca = certs.shared()
    local HOSTS = { "registry.example.com", "auth.example.com", "example.com", "auth.example.org",
      "example.com.evil.org", "registry.example.co.uk", "auth.example.co.uk", "other.co.uk" }
    local server, way

    lazy_setup(function()
      local names, hosts = {}, {}
      for i, name in ipairs(HOSTS) do
        names[i] = "DNS:" .. name
      end
      server = faulty.start { tls = ca:server(names) }
      for _, name in ipairs(HOSTS) do
        hosts[name .. ":443"] = server.port
      end
      way = proxy.start(hosts)
    end)
    lazy_teardown(function()
      way:stop()
      server:stop()
    end)
    before_each(function() server:forget() end)

    local function ask(from, to)
      server:set { [MANIFEST] = guarded({ body = img.oci.bytes, headers = {
        ["Content-Type"] = img.oci.media_type } }, ('Bearer realm="https://%s/token"'):format(to)),
        ["/token"] = { { when = { authorization = "^Basic " }, body = '{"token":"x"}' },
          { status = 401 } } }
      local env = way:env()
      env.http_proxy = "http://127.0.0.1:9"
      return { "--registry", "https://" .. from, "demo/app", "v1", "--cacert", ca.cert,
        "-u", "alice", "-p", PASSWORD }, { env = env }
    end

    local function basics()
      local list = {}
      for _, request in ipairs(server:requests()) do
        if (request.headers.authorization or ""):find("^Basic") then
          list[#list + 1] = request.headers.host
        end
      end
      return list
    end

    for _, pair in ipairs {
      { "registry.example.com", "registry.example.com" },
      { "registry.example.com", "auth.example.com" }, { "registry.example.com", "example.com" },
      { "registry.example.co.uk", "auth.example.co.uk" },
    } do
      it(("%s of %s, which is its own"):format(pair[2], pair[1]), function()
        accepts(img.oci.bytes, ask(pair[1], pair[2]))
        assert.same({ pair[2] }, basics())
      end)
    end

    it("that is configured for the registry, and for no other", function()
      local config = scripts.folder { ["config.lua"] = [[return { realms = {
        ["registry.example.com"] = { "auth.example.org" } } }]] }
      local words, opts = ask("registry.example.com", "auth.example.org")
      opts.env.HOCKER_PATH = config
      accepts(img.oci.bytes, words, opts)
      assert.same({ "auth.example.org" }, basics())
      server:forget()
      words = ask("registry.example.co.uk", "auth.example.org")
      refuses(4, words, opts)
      assert.same({}, basics())
    end)

    for _, pair in ipairs {
      { "registry.example.com", "auth.example.org" },
      { "registry.example.com", "example.com.evil.org" },
      { "registry.example.co.uk", "other.co.uk" },
    } do
      it(("never, when it is %s and the registry %s"):format(pair[2], pair[1]), function()
        local line = refuses(4, ask(pair[1], pair[2]))
        assert.matches(pair[2], line, 1, true)
        assert.same({}, basics())
      end)
    end

    it("never, when it is plain http and the registry is not", function()
      local words, opts = ask("registry.example.com", "auth.example.com")
      server:set { [MANIFEST] = { status = 401, headers = {
        ["WWW-Authenticate"] = 'Bearer realm="http://auth.example.com/token"' } } }
      first:set { ["*"] = { body = '{"token":"x"}' } }
      opts.env.http_proxy = first:url()
      refuses(8, words, opts)
      assert.same({}, first:requests())
    end)
  end)

  -- words, exit code, part of the message; `%s` is a file's path
  local wrong = {
    ["a name without a password"] = { { "-u", "alice" }, 2, "--password" },
    ["a password without a name"] = { { "-p", PASSWORD }, 2, "--username" },
    ["two passwords"] = { { "-u", "alice", "-p", PASSWORD, "--password-stdin" }, 2, "--password" },
    ["a name and a token"] = { { "-u", "alice", "-p", PASSWORD, "-t", "t0ken" }, 2, "--token" },
    ["a token and a file"] = { { "-t", "t0ken", "-f", "%s" }, 2, "--credentials-file" },
    ["no password on standard input"] = { { "-u", "alice", "--password-stdin" }, 2, "input" },
    ["an empty password"] = { { "-u", "alice", "-p", "" }, 2, "empty" },
    ["a name with a colon"] = { { "-u", "a:b", "-p", PASSWORD }, 2, ":" },
    ["a token with a newline"] = { { "-t", "t0ken\nX: y" }, 2, "--token" },
    ["no file"] = { { "-f", "/nonexistent/file" }, 7, "/nonexistent/file" },
    ["a file that is a directory"] = { { "-f", tmp.dir() }, 7, "" },
    ["an empty file"] = { { "-f", "%s" }, 2, "USERNAME", "" },
    ["a file with half of them"] = { { "-f", "%s" }, 2, "PASSWORD", "USERNAME=alice\n" },
    ["a file with all of them"] = { { "-f", "%s" }, 2, "BEARER_TOKEN",
      ("USERNAME=alice\nPASSWORD=%s\nBEARER_TOKEN=t0ken\n"):format(PASSWORD) },
    ["a file of something else"] = { { "-f", "%s" }, 2, "line 1", PASSWORD .. "\n" },
    ["a registry with a password in it"] = {
      { "--registry", ("http://alice:%s@127.0.0.1:1"):format("wr0ng-pa55word") }, 2, "--username" },
  }
  for what, case in pairs(wrong) do
    it("given as " .. what .. " are refused before anything is asked", function()
      local words, path = { "demo/app", "v1" }, tmp.file(case[4] or "BEARER_TOKEN=t0ken\n")
      for _, word in ipairs(case[1]) do
        words[#words + 1] = word == "%s" and path or word
      end
      if not table.concat(words, " "):find("--registry", 1, true) then
        table.move({ "--registry", first:url() }, 1, 2, #words + 1, words)
      end
      local line = refuses(case[2], words, nil, "t0ken")
      assert.matches(case[3], line, 1, true)
      assert.same({}, first:requests())
    end)
  end
end)

describe("credentials from where they are kept", function()
  local tokens, reg, private

  lazy_setup(function()
    tokens = token_server.start { users = { alice = PASSWORD }, private = { "^private/" } }
    reg = registry.start { auth = "token", token = tokens }
    private = image.build():push(reg, "private/app", "v1", { user = "alice:" .. PASSWORD })
  end)
  lazy_teardown(function()
    reg:stop()
    tokens:stop()
  end)
  before_each(function() tokens:forget() end)

  local function words(...) return { "--registry", reg:url(), "private/app", "v1", ... } end
  local function authfile(password, host)
    local auth = process.check({ "base64", "-w0" }, { stdin = "alice:" .. password })
    return tmp.file(('{"auths":{"%s":{"auth":"%s"}}}'):format(host or reg:host(), auth))
  end
  local netrc = ('machine 127.0.0.1 login alice password "%s"'):format(
    PASSWORD:gsub('[\\"]', "\\%0"))

  it("are taken from --authfile, for one token", function()
    accepts(private.bytes, words("--authfile", authfile(PASSWORD)))
    assert.equal(1, #tokens:requests())
    assert.equal(BASIC, tokens:requests()[1].headers.authorization)
  end)

  for what, env in pairs {
    ["$DOCKER_USER and $DOCKER_PASS"] = function()
      return { NIX_BUILD_TOP = "/build", DOCKER_USER = "alice", DOCKER_PASS = PASSWORD }
    end,
    ["$REGISTRY_AUTH_FILE"] = function() return { REGISTRY_AUTH_FILE = authfile(PASSWORD) } end,
    ["$NETRC"] = function() return { NETRC = tmp.file(netrc) } end,
    ["~/.netrc"] = function()
      local home = tmp.dir("home")
      tmp.write(home .. "/.netrc", netrc)
      return { HOME = home }
    end,
  } do
    it("are taken from " .. what, function()
      accepts(private.bytes, words(), { env = env() })
    end)
  end

  it("are taken from $DOCKER_TOKEN, and sent as they are", function()
    local reply = process.check { "curl", "-sSf", "-G", "-u", "alice:" .. PASSWORD,
      "--data-urlencode", "service=" .. tokens.service, "--data-urlencode",
      "scope=repository:private/app:pull", tokens:realm() }
    local token = cjson.decode(reply).token
    tokens:forget()
    accepts(private.bytes, words(), { env = { NIX_BUILD_TOP = "/build", DOCKER_TOKEN = token } },
      token)
    assert.same({}, tokens:requests())
  end)

  it("are not looked for when flags give some", function()
    accepts(private.bytes, words("-u", "alice", "-p", PASSWORD, "--authfile", "/nonexistent"),
      { env = { NIX_BUILD_TOP = "/build", DOCKER_USER = "alice", DOCKER_PASS = WRONG } })
  end)

  it("are named by their place when they are refused", function()
    local path = authfile(WRONG)
    assert.matches(path, refuses(4, words("--authfile", path)), 1, true)
    assert.matches("$DOCKER_USER and $DOCKER_PASS", refuses(4, words(),
      { env = { NIX_BUILD_TOP = "/build", DOCKER_USER = "alice", DOCKER_PASS = WRONG } }), 1, true)
    assert.matches("--authfile", refuses(4, words("--authfile", authfile(PASSWORD, "other:1"))),
      1, true)
  end)

  it("are an error when their file is not there, or no such file", function()
    assert.matches("/nonexistent", refuses(7, words("--authfile", "/nonexistent")), 1, true)
    assert.matches("not valid JSON", refuses(2, words("--authfile", tmp.file(PASSWORD))), 1, true)
    assert.same({}, tokens:requests())
  end)

  it("don't go over plain http to another machine", function()
    local server = faulty.start { routes = { ["*"] = { status = 401,
      headers = { ["WWW-Authenticate"] = 'Basic realm="x"' } } } }
    finally(function() server:stop() end)
    local line = refuses(2, { "--registry", "http://registry.example.com", "demo/app", "v1",
      "--authfile", authfile(PASSWORD, "registry.example.com") },
      { env = { http_proxy = server:url() } })
    assert.matches("plain http", line, 1, true)
    assert.same({}, authorizations(server))
  end)
end)
