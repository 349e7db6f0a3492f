--- core.session: transfers as Lua sees them. The engine itself is tested in spec/c.

local certs = require "support.certs"
local core = require "hocker.core"
local faulty = require "support.faulty"
local leaks = require "support.leaks"
local tmp = require "support.tmp"

local SPENT = "it is closed, or was given away"

describe("core.session", function()
  local server, session

  setup(function() server = faulty.start {} end)
  before_each(function() session = assert(core.session { stall_timeout = 20 }) end)
  after_each(function() session:close() end)

  local function start(path, request)
    request = request or {}
    request.url = server:url() .. path
    return assert(session:start(request))
  end

  --- The next event; its transfer and its type have to be these.
  local function next_event(transfer, kind)
    local event = assert(session:step(10))
    assert.equal(kind, event.type)
    assert.equal(transfer, event.transfer)
    return event
  end

  --- Fetches into memory, without an answer to anything.
  local function fetch(path, request)
    local buffer = core.buffer(1 << 20)
    request = request or {}
    request.sink = buffer:sink()
    local transfer = start(path, request)
    next_event(transfer, "done")
    return buffer:data(), transfer
  end

  describe("an exchange", function()
    it("fetches a body, and tells of the response", function()
      server:set { ["/a"] = { body = "hello", headers = { ["X-One"] = { "1", "2" }, X = "é" } } }
      server:forget()
      local body, transfer = fetch("/a", { headers = { "Accept: a/b", "X-Mine: 1" } })
      assert.equal("hello", body)
      assert.is_nil(transfer:error())
      local response = transfer:response()
      assert.equal(200, response.status)
      assert.equal(server:url() .. "/a", response.url)
      assert.equal("1, 2", response.headers["x-one"])
      assert.equal("é", response.headers.x)
      assert.equal("5", response.headers["content-length"])
      assert.same({}, response.challenges)
      assert.equal(5, response.received)
      assert.equal("", response.body)
      assert.same({ 5, 5, 0.0 }, { transfer:progress() })
      assert.is_nil(transfer:target())
      local request = server:requests()[1]
      assert.equal("GET", request.method)
      assert.equal("a/b", request.headers.accept)
      assert.equal("1", request.headers["x-mine"])
      assert.equal("hocker/" .. core.version, request.headers["user-agent"])
    end)

    it("needs no sink", function()
      server:set { ["/a"] = { body = "hello" } }
      next_event(start("/a"), "done")
    end)

    it("can be a HEAD or a POST", function()
      server:set { ["/a"] = { body = "hello" } }
      server:forget()
      local body = fetch("/a", { method = "HEAD" })
      assert.equal("", body)
      assert.equal("hello", (fetch("/a", { method = "POST", body = "x=y", content_type = "a/b" })))
      local head, post = table.unpack(server:requests())
      assert.equal("HEAD", head.method)
      assert.same({ "POST", "x=y", "a/b" },
        { post.method, post.body, post.headers["content-type"] })
    end)

    it("can be of a part", function()
      server:set { ["/a"] = { body = "0123456789", range = true },
        ["/whole"] = { body = "0123456789" } }
      assert.equal("234", (fetch("/a", { range = { first = 2, last = 4 } })))
      local _, transfer = fetch("/whole", { range = { first = 2, last = 4 } })
      assert.equal("unsupported", transfer:error().code)
    end)

    it("is continued where it broke", function()
      local path = tmp.file(("0123456789"):rep(1000))
      server:set { ["/a"] = { { file = path, range = true, truncate = 1234, times = 1 },
        { file = path, range = true } } }
      server:forget()
      local buffer = core.buffer(10000)
      local transfer = start("/a", { sink = core.sink.queue(buffer:sink()) })
      next_event(transfer, "retry")
      assert.equal("network", transfer:error().code)
      assert.same({ 1234, 10000, 0.0 }, { transfer:progress() })
      assert.is_true(transfer:retry(0))
      next_event(transfer, "done")
      assert.equal(tmp.read(path), buffer:data())
      assert.equal("bytes=1234-", server:requests()[2].headers.range)
    end)

    it("ends with the error of its sink", function()
      server:set { ["/a"] = { body = "hello" } }
      local verify = core.sink.verify(core.sink.null(), { size = 4, name = "x" })
      local transfer = start("/a", { sink = verify })
      next_event(transfer, "done")
      assert.equal("verification", transfer:error().code)
      assert.matches("^x: ", transfer:error().message)
    end)
  end)

  describe("an event", function()
    it("is nothing when time is over", function()
      assert.equal(0, select("#", session:step(0)))
      server:set { ["/stall"] = { body = "hello", stall = 2 } }
      start("/stall")
      assert.equal(0, select("#", session:step(0.01)))
      assert.equal(1, session:active())
    end)

    it("challenges", function()
      server:set { ["/a"] = { { when = { Authorization = "^Bearer t$" }, body = "hello" },
        { status = 401, headers = { ["WWW-Authenticate"] = { "Bearer realm=x", "Basic realm=y" } },
          body = "who?" } } }
      local transfer = start("/a", { authorization = "Bearer old" })
      next_event(transfer, "challenge")
      assert.equal("unauthorized", transfer:error().code)
      local response = transfer:response()
      assert.same({ "Bearer realm=x", "Basic realm=y" }, response.challenges)
      assert.equal("Bearer realm=x, Basic realm=y", response.headers["www-authenticate"])
      assert.equal("who?", response.body)
      local ok, err = transfer:authorize("Bearer t\r\nX: y")
      assert.is_nil(ok)
      assert.equal("usage", err.code)
      assert.error_matches(function() transfer:authorize("a\0b") end, "zero byte")
      assert.error(function() transfer:authorize() end)
      assert.is_true(transfer:authorize("Bearer t"))
      next_event(transfer, "done")
      assert.is_nil(transfer:error())
    end)

    it("redirects", function()
      server:set { ["/a"] = { status = 307, headers = { Location = "/b?c" } },
        ["/b"] = { body = "b" } }
      local transfer = start("/a")
      next_event(transfer, "redirect")
      assert.equal(server:url() .. "/b?c", transfer:target())
      assert.equal(307, transfer:response().status)
      assert.is_true(transfer:follow())
      next_event(transfer, "done")
      assert.equal(server:url() .. "/b?c", transfer:response().url)
    end)

    it("asks for a retry", function()
      server:set { ["/a"] = { { status = 503, headers = { ["Retry-After"] = 2 }, times = 1 }, {} } }
      local transfer = start("/a")
      next_event(transfer, "retry")
      local seconds, failures = transfer:delay()
      assert.equal(2.0, seconds)
      assert.equal(1, failures)
      assert.equal(503, transfer:error().http)
      for _, wrong in ipairs { -1, 1e6, 0 / 0, "soon", {} } do
        assert.error(function() transfer:retry(wrong) end)
      end
      assert.is_true(transfer:retry(0))
      next_event(transfer, "done")
      assert.is_nil(transfer:error())
    end)

    it("takes no answer to another", function()
      server:set { ["/a"] = { status = 302, headers = { Location = "/b" } } }
      local transfer = start("/a")
      local function refuse(...)
        for _, name in ipairs { ... } do
          local ok, err = transfer[name](transfer, name == "retry" and 0 or
            name == "fail" and core.error("io", "x") or "x")
          assert.is_nil(ok, name)
          assert.equal("usage", err.code)
        end
      end
      refuse("authorize", "follow", "retry", "fail")
      next_event(transfer, "redirect")
      refuse("authorize", "retry")
      assert.is_true(transfer:fail(core.error("refused", "no")))
      refuse("authorize", "follow", "retry", "fail")
      next_event(transfer, "done")
      refuse("authorize", "follow", "retry", "fail")
    end)
  end)

  describe("a failure that the caller gives", function()
    local function fail(err)
      server:set { ["/a"] = { status = 401 } }
      local transfer = start("/a")
      next_event(transfer, "challenge")
      assert.is_true(transfer:fail(err))
      next_event(transfer, "done")
      return transfer:error()
    end

    for _, code in ipairs { "usage", "not_found", "unauthorized", "verification", "network", "io",
      "refused", "interrupted", "protocol", "unsupported", "memory", "internal" } do
      it("keeps its code: " .. code, function()
        assert.equal(code, fail(core.error(code, "why")).code)
      end)
    end

    it("keeps its message and its numbers", function()
      local err = fail(core.error("interrupted", "why", { sys = 15, http = 418 }))
      assert.same({ "why", 15, 418 }, { err.message, err.sys, err.http })
    end)

    it("has to be an error", function()
      server:set { ["/a"] = { status = 401 } }
      local transfer = start("/a")
      next_event(transfer, "challenge")
      for _, wrong in ipairs { "why", {}, { code = "io" }, { message = "why" },
        { code = {}, message = "why" }, { code = "full_moon", message = "why" } } do
        assert.error(function() transfer:fail(wrong) end)
      end
      assert.error(function() transfer:fail() end)
    end)
  end)

  describe("a request", function()
    local wrong = {
      { {}, "'url' is missing" },
      { { url = 1 }, "'url' must be a string" },
      { { url = "http://h/\0x" }, "'url' contains a zero byte" },
      { { url = "U", methode = "GET" }, "unknown option 'methode'" },
      { { url = "U", method = 1 }, "'method' must be a string" },
      { { url = "U", headers = "A: b" }, "'headers' must be a table" },
      { { url = "U", headers = { 1 } }, "'headers' must be a list of strings" },
      { { url = "U", headers = { "A: b", {} } }, "'headers' must be a list of strings" },
      { { url = "U", headers = { "A: \0" } }, "zero byte" },
      { { url = "U", authorization = true }, "'authorization' must be a string" },
      { { url = "U", body = {} }, "'body' must be a string" },
      { { url = "U", content_type = {} }, "'content_type' must be a string" },
      { { url = "U", range = 5 }, "table expected" },
      { { url = "U", range = {} }, "'range' must be { first" },
      { { url = "U", range = { first = 5 } }, "'range' must be { first" },
      { { url = "U", range = { first = 5, last = 4 } }, "'range' must be { first" },
      { { url = "U", range = { first = -1, last = 4 } }, "'first' must be a whole number" },
      { { url = "U", range = { first = 0, last = 4, step = 1 } }, "unknown option 'step'" },
      { { url = "U", retries = -1 }, "'retries' must be a whole number" },
      { { url = "U", retries = 0.5 }, "'retries' must be a whole number" },
      { { url = "U", sink = {} }, "'sink' must be a sink" },
      { { url = "U", sink = "x" }, "'sink' must be a sink" },
    }
    for i, case in ipairs(wrong) do
      it(("that is none raises: %d, %s"):format(i, case[2]), function()
        if case[1].url == "U" then case[1].url = server:url() end
        local sink <close> = core.sink.null()
        case[1].sink = case[1].sink or sink
        assert.error_matches(function() session:start(case[1]) end, case[2], 1, true)
        assert.is_true(sink:write("it was not taken"))
        assert.equal(0, session:active())
      end)
    end

    it("has to be a table", function()
      for _, arguments in ipairs { {}, { "http://h/" }, { 1 } } do
        assert.error(function() session:start(table.unpack(arguments)) end)
      end
    end)

    local unfit = {
      { url = "" }, { url = "/a" }, { url = "ftp://127.0.0.1/" },
      { url = "http://u:secret@127.0.0.1/" },
      { url = "http://127.0.0.1/", method = "DELETE" },
      { url = "http://127.0.0.1/", headers = { "A: b\r\nC: d" } },
      { url = "http://127.0.0.1/", authorization = "Basic a\nX: y" },
    }
    for i, request in ipairs(unfit) do
      it("that can't be sent returns an error, its sink is taken: " .. i, function()
        local sink = core.sink.null()
        request.sink = sink
        local transfer, err = session:start(request)
        assert.is_nil(transfer)
        assert.equal("usage", err.code)
        assert.is_nil(err.message:find("secret", 1, true))
        assert.error_matches(function() sink:write("x") end, SPENT)
        assert.equal(0, session:active())
      end)
    end

    it("takes its sink", function()
      server:set { ["/a"] = {} }
      local sink = core.sink.null()
      local transfer <close> = start("/a", { sink = sink })
      assert.error_matches(function() sink:write("x") end, SPENT)
      assert.error_matches(function() start("/a", { sink = sink }) end, "'sink' must be a sink")
      assert.is_nil(transfer:error())
    end)

    -- Strings are borrowed from the tables while the core copies them.
    it("does not look behind its tables", function()
      server:set { ["/a"] = {} }
      server:forget()
      local list = setmetatable({ "A: b" }, { __len = function() return 1000 end,
        __index = function() return ("x"):rep(100) .. ": y" end })
      local request = { headers = list }
      setmetatable(request, { __index = function() return ("x"):rep(9) end })
      next_event(start("/a", request), "done")
      assert.equal("b", server:requests()[1].headers.a)
    end)
  end)

  describe("options", function()
    local wrong = {
      { { timeout = 1 }, "unknown option 'timeout'" },
      { { connect_timeout = 0 }, "'connect_timeout' must be a number of seconds" },
      { { connect_timeout = "1" }, "'connect_timeout' must be a number of seconds" },
      { { stall_timeout = -1 }, "'stall_timeout' must be a number of seconds" },
      { { stall_timeout = 0 / 0 }, "'stall_timeout' must be a number of seconds" },
      { { connections = 1.5 }, "'connections' must be a whole number" },
      { { user_agent = 1 }, "'user_agent' must be a string" },
      { { cacert = true }, "'cacert' must be a string" },
      { { cert = {} }, "'cert' must be a string" },
      { { key = "a\0b" }, "'key' contains a zero byte" },
      { { insecure = 1 }, "'insecure' must be true or false" },
      { "x", "table expected" },
    }
    for i, case in ipairs(wrong) do
      it(("that are none raise: %d, %s"):format(i, case[2]), function()
        assert.error_matches(function() core.session(case[1]) end, case[2], 1, true)
      end)
    end

    it("may name files that are not there", function()
      for _, name in ipairs { "cacert", "cert", "key" } do
        local none, err = core.session { [name] = "/does/not/exist" }
        assert.is_nil(none)
        assert.same({ "io", 2 }, { err.code, err.sys })
      end
      local none, err = core.session { cacert = tmp.file("no certificate") }
      assert.is_nil(none)
      assert.equal("usage", err.code)
    end)

    it("may all be left out", function()
      local plain <close> = assert(core.session())
      local same <close> = assert(core.session {})
      assert.equal(0, plain:active() + same:active())
    end)
  end)

  describe("TLS", function()
    local secure

    setup(function() secure = faulty.start { tls = certs.shared():server() } end)

    --- The error of a GET, or nil.
    local function get(opts, url)
      local mine <close> = assert(core.session(opts))
      local transfer = assert(mine:start { url = url or secure:url() .. "/a", retries = 0 })
      local event = assert(mine:step(10))
      while event.type == "redirect" do
        assert(transfer:follow())
        event = assert(mine:step(10))
      end
      assert.equal("done", event.type)
      return transfer:error()
    end

    it("trusts whom it is told to", function()
      secure:set { ["/a"] = {} }
      local err = get {}
      assert.equal("network", err.code)
      assert.matches(": the server's certificate is not trusted: ", err.message, 1, true)
      assert.is_nil(get { cacert = secure.tls.ca })
      assert.is_nil(get { insecure = true })
    end)

    it("trusts one origin more than others", function()
      local mine <close> = assert(core.session())
      assert(mine:trust { origin = secure:url(), cacerts = { secure.tls.ca } })
      secure:set { ["/a"] = {} }
      for host, code in pairs { ["127.0.0.1"] = false, localhost = "network" } do
        local transfer = assert(mine:start { url = secure:url(host) .. "/a", retries = 0 })
        assert.equal("done", assert(mine:step(10)).type)
        assert.equal(code, transfer:error() and transfer:error().code or false)
      end
      local none, err = mine:trust { origin = secure:url(), cert = "/does/not/exist" }
      assert.is_nil(none)
      assert.equal("io", err.code)
      assert.error_matches(function() mine:trust {} end, "'origin' is missing")
      assert.error_matches(function() mine:trust { origin = "https://a", cacerts = { 1 } } end,
        "option 'cacerts' must be a list of strings")
    end)

    for _, scheme in ipairs { "https", "HTTPS", "hTtPs" } do
      it("is never left for plain http: " .. scheme, function()
        server:set { ["/b"] = { body = "plain" } }
        server:forget()
        local down = { status = 302, headers = { Location = server:url() .. "/b" } }
        local upper = "HTTPS://" .. secure:host() .. "/d"
        secure:set { ["/a"] = down, ["/c"] = { status = 302, headers = { Location = upper } },
          ["/d"] = down }
        for _, path in ipairs { "/a", "/c" } do
          local err = get({ insecure = true }, secure:url():gsub("^https", scheme) .. path)
          assert.equal("refused", err.code)
          assert.matches("redirected from https to plain http", err.message)
        end
        assert.same({}, server:requests())
      end)
    end

    it("may be redirected to", function()
      secure:set { ["/a"] = {} }
      server:set { ["/b"] = { status = 302, headers = { Location = secure:url() .. "/a" } } }
      assert.is_nil(get({ cacert = secure.tls.ca }, server:url() .. "/b"))
    end)
  end)

  describe("the end", function()
    it("of a transfer is its own alone", function()
      server:set { ["/stall"] = { body = "hello", stall = 2 }, ["/a"] = { body = "a" } }
      local stalled, other = start("/stall"), start("/a")
      stalled:close()
      stalled:close()
      assert.equal(1, session:active())
      next_event(other, "done")
      assert.equal(0, session:active())
      assert.error_matches(function() stalled:error() end, SPENT)
      assert.equal(0, select("#", session:step(0)))
    end)

    it("of a session is that of its transfers", function()
      server:set { ["/stall"] = { body = "hello", stall = 2 }, ["/a"] = {} }
      local finished = start("/a")
      next_event(finished, "done")
      local stalled = start("/stall", { sink = core.sink.queue(core.sink.null()) })
      session:step(0.01)
      session:close()
      assert.is_nil(finished:error())
      assert.equal("interrupted", stalled:error().code)
      assert.equal("the session was closed", stalled:error().message)
      assert.is_table(stalled:response())
      assert.is_number((stalled:progress()))
      local ok, err = stalled:follow()
      assert.is_nil(ok)
      assert.equal("usage", err.code)
      stalled:close()
      for _, call in ipairs { "start", "step", "active" } do
        assert.error_matches(function() session[call](session, {}) end, SPENT)
      end
    end)

    it("frees the sink, and removes what it wrote", function()
      server:set { ["/stall"] = { body = "hello", stall = 2 } }
      local dir = tmp.dir()
      leaks.none(function()
        local mine = assert(core.session())
        local file = assert(core.file(dir .. "/out"))
        local transfer = assert(mine:start { url = server:url() .. "/stall",
          sink = core.sink.queue(file:sink()) })
        repeat mine:step(0.01) until transfer:progress() > 0
        file:close()
        assert.equal(1, #tmp.list(dir))
        transfer:close()
        assert.same({}, tmp.list(dir))
        mine:close()
      end)
    end)
  end)

  describe("collection", function()
    it("keeps a transfer that is under way, and its session", function()
      server:set { ["/a"] = { body = "hello", delay = 0.05 } }
      local buffer = core.buffer(10)
      start("/a", { sink = buffer:sink() }) -- nobody keeps it
      collectgarbage()
      collectgarbage()
      local event = assert(session:step(10))
      assert.equal("done", event.type)
      assert.is_nil(event.transfer:error())
      assert.equal("hello", buffer:data())
      local weak = setmetatable({ event.transfer }, { __mode = "v" })
      event = nil -- luacheck: ignore 311
      collectgarbage()
      collectgarbage()
      assert.is_nil(weak[1])
    end)

    it("takes a session that nobody keeps, with all that is under way", function()
      server:set { ["/stall"] = { body = "hello", stall = 2 }, ["/c"] = { status = 401 } }
      leaks.none(function()
        for i = 1, 10 do
          local mine = assert(core.session())
          for _, path in ipairs { "/stall", "/c" } do
            assert(mine:start { url = server:url() .. path,
              sink = core.sink.queue(core.sink.null()) })
          end
          local event = mine:step(10)
          if i % 2 == 0 then event.transfer:close() end
        end
      end)
    end)
  end)

  it("raises for what is no number of seconds", function()
    for _, wrong in ipairs { -1, 1e6, 0 / 0, {}, "soon" } do
      assert.error(function() session:step(wrong) end)
    end
    assert.error(function() session:step() end)
  end)
end)
