local core = require "hocker.core"
local token = require "hocker.token"

--- A session that gives these answers in order, and keeps what it was asked. An answer is a body,
--- or { status, code }.
local function session(...)
  local answers, self = { ... }, { asked = {} }
  function self.fetch_text(_, request)
    self.asked[#self.asked + 1] = request
    local answer = answers[#self.asked]
    if type(answer) == "string" then return answer, { status = 200 } end
    local code = answer[2] or answer[1] == 401 and "unauthorized" or "protocol"
    return nil, core.error(code, "HTTP " .. answer[1], { http = answer[1] }), { status = answer[1] }
  end
  return self
end

local BASIC = { kind = "basic", username = "u", password = "p" }
local IDENTITY = { kind = "identity", token = "id" }

--- Asks for a token for a scope.
local function get(s, more)
  local want = { url = "https://auth.example/token", scope = "repository:a/b:pull" }
  for key, value in pairs(more or {}) do want[key] = value end
  return token.get(s, want)
end

describe("the answer of a token server", function()
  local good = {
    { '{"token":"t"}', "Bearer t", 60 },
    { '{"access_token":"t"}', "Bearer t", 60 },
    { '{"token":"t","access_token":"other"}', "Bearer t", 60 },
    { '{"token":"","access_token":"t"}', "Bearer t", 60 },
    { '{"token":null,"access_token":"t"}', "Bearer t", 60 },
    { '{"token":"t","expires_in":300}', "Bearer t", 300 },
    { '{"token":"t","expires_in":1}', "Bearer t", 60 },
    { '{"token":"t","expires_in":-5}', "Bearer t", 60 },
    { '{"token":"t","expires_in":"300"}', "Bearer t", 300 },
    { '{"token":"t","expires_in":null}', "Bearer t", 60 },
    { '{"token":"t","expires_in":[1]}', "Bearer t", 60 },
    { '{"token":"t","expires_in":"nan"}', "Bearer t", 60 },
    { '{"token":"t","expires_in":1e300}', "Bearer t", 10 * 365 * 86400 },
    { '{"token":"t","expires_in":90.5}', "Bearer t", 90.5 },
    { '{"token":"t","issued_at":"soon","x":{"y":[]}}', "Bearer t", 60 },
  }
  for _, case in ipairs(good) do
    it("is a token: " .. case[1], function()
      local got = assert(get(session(case[1])))
      assert.same({ case[2], case[3] }, { got.header, got.lifetime })
      assert.is_nil(got.refresh)
    end)
  end

  local bad = {
    "", "<html>", "null", "[]", '"t"', "1", "{}", '{"token":1}', '{"token":null}', '{"token":""}',
    '{"token":"a\\nb"}', '{"token":"a\\u0000b"}', '{"token":"t"', '{"token":"t","token":"u"}',
    '{"tokens":["t"]}',
  }
  for _, body in ipairs(bad) do
    it("is none: " .. body, function()
      local got, err = get(session(body))
      assert.is_nil(got)
      assert.equal("protocol", err.code)
      assert.matches("the token server's answer", err.message, 1, true)
    end)
  end

  it("may be a refusal, or a failure", function()
    for status, want in pairs { [401] = "HTTP 401", [404] = "fetching a token: HTTP 404" } do
      local got, err = get(session { status })
      assert.is_nil(got)
      assert.equal(want, err.message)
      assert.equal(status, err.http)
    end
  end)

  it("may not come because of a signal", function()
    local s = { fetch_text = function()
      return nil, core.error("interrupted", "interrupted", { sys = 2 })
    end }
    local got, err = get(s)
    assert.is_nil(got)
    assert.equal(2, err.sys)
  end)
end)

describe("a token", function()
  it("is asked for by GET, with what the challenge says", function()
    local s = session '{"token":"t"}'
    assert(get(s, { url = "https://auth.example/token?a=b", service = "s p", credentials = BASIC,
      scope = "repository:a/b:pull,push registry:catalog:*" }))
    local request = s.asked[1]
    assert.equal("https://auth.example/token?a=b&account=u&service=s%20p" ..
      "&scope=repository%3Aa%2Fb%3Apull%2Cpush&scope=registry%3Acatalog%3A%2A", request.url)
    assert.equal(assert(core.auth.basic("u", "p")), request.authorization)
    assert.is_nil(request.method)
  end)

  it("is asked for by nobody where there is nobody", function()
    local s = session '{"token":"t"}'
    assert(get(s))
    local request = s.asked[1]
    assert.equal("https://auth.example/token?scope=repository%3Aa%2Fb%3Apull", request.url)
    assert.is_nil(request.authorization)
  end)

  -- A registry chooses these texts, and how long they are.
  for what, more in pairs { service = { service = ("s"):rep(9000) },
    scope = { scope = ("x"):rep(9000) },
    both = { service = ("s"):rep(9000), scope = "a b" } } do
    it("is not asked for where the challenge is too long: " .. what, function()
      local s = session()
      local got, err = get(s, more)
      assert.is_nil(got)
      assert.equal("protocol", err.code)
      assert.matches("^the registry's challenge: ", err.message)
      assert.same({}, s.asked)
    end)
  end

  it("is not asked for with credentials that can't be sent", function()
    local s = session()
    local got, err = get(s, { credentials = { kind = "basic", username = "a:b", password = "p" } })
    assert.is_nil(got)
    assert.equal("usage", err.code)
    assert.same({}, s.asked)
  end)

  it("of identity is posted, and is a password where that is not known", function()
    local s = session '{"access_token":"t","refresh_token":"r"}'
    local got = assert(get(s, { credentials = IDENTITY, service = "s" }))
    assert.same({ "Bearer t", "r" }, { got.header, got.refresh })
    local request = s.asked[1]
    assert.equal("POST", request.method)
    assert.equal("https://auth.example/token", request.url)
    assert.equal("application/x-www-form-urlencoded", request.content_type)
    assert.is_nil(request.authorization)
    assert.equal("grant_type=refresh_token&service=s&client_id=hocker&" ..
      "scope=repository%3Aa%2Fb%3Apull&refresh_token=id", request.body)
    for _, status in ipairs { 400, 401, 404, 405 } do
      s = session({ status }, '{"token":"t"}')
      assert(get(s, { credentials = IDENTITY }))
      assert.equal(assert(core.auth.basic("<token>", "id")), s.asked[2].authorization)
    end
    s = session { 403, "unauthorized" }
    assert.is_nil((get(s, { credentials = IDENTITY })))
    assert.equal(1, #s.asked)
  end)

  it("is asked for by a refresh token, and by other means where that is refused", function()
    local s = session '{"token":"t"}'
    local got = assert(get(s, { refresh = "r", credentials = BASIC }))
    assert.same({ "Bearer t", "r" }, { got.header, got.refresh })
    assert.matches("refresh_token=r$", s.asked[1].body)
    s = session({ 401 }, '{"token":"t"}')
    got = assert(get(s, { refresh = "r", credentials = BASIC }))
    assert.is_nil(got.refresh)
    assert.equal(assert(core.auth.basic("u", "p")), s.asked[2].authorization)
    s = session { 503, "network" }
    assert.is_nil((get(s, { refresh = "r", credentials = BASIC })))
    assert.equal(1, #s.asked)
  end)
end)
