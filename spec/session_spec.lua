local core = require "hocker.core"
local faulty = require "support.faulty"
local leaks = require "support.leaks"
local log = require "hocker.log"
local session = require "hocker.session"
local tmp = require "support.tmp"

describe("a session", function()
  local server, s

  setup(function() server = faulty.start {} end)
  before_each(function()
    server:forget()
    s = assert(session.new { stall_timeout = 20 })
  end)
  after_each(function() s:close() end)

  local function url(path) return server:url() .. path end

  --- The paths that were asked for, sorted.
  local function asked()
    local paths = {}
    for i, request in ipairs(server:requests()) do paths[i] = request.target end
    table.sort(paths)
    return paths
  end

  local STALL = { body = "hello", stall = 2 }

  describe("fetch", function()
    it("returns the response", function()
      server:set { ["/a"] = { body = "hello", headers = { ["X-One"] = "1" } } }
      local buffer = core.buffer(10)
      local response, err = s:fetch { url = url "/a", sink = buffer:sink(), headers = { "A: b" } }
      assert.is_nil(err)
      assert.equal(200, response.status)
      assert.equal("1", response.headers["x-one"])
      assert.equal("hello", buffer:data())
      assert.equal("b", server:requests()[1].headers.a)
    end)

    it("returns an error, and the response that said no", function()
      server:set { ["/a"] = { status = 404, body = "not here" } }
      local response, err, last = s:fetch { url = url "/a" }
      assert.is_nil(response)
      assert.same({ "not_found", 404 }, { err.code, err.http })
      assert.same({ 404, "not here" }, { last.status, last.body })
      assert.equal(0, s.core:active())
    end)

    it("returns an error alone where there was no response", function()
      server:set { ["/a"] = { drop = true } }
      local response, err, last = s:fetch { url = url "/a", retries = 0 }
      assert.is_nil(response)
      assert.equal("network", err.code)
      assert.is_nil(last)
      response, err, last = s:fetch { url = "ftp://127.0.0.1/" }
      assert.is_nil(response)
      assert.equal("usage", err.code)
      assert.is_nil(last)
    end)

    it("follows redirects, unless told not to", function()
      server:set { ["/a"] = { status = 302, headers = { Location = "/b" } },
        ["/b"] = { body = "b" } }
      assert.equal(url "/b", assert(s:fetch { url = url "/a" }).url)
      local response, err, last = s:fetch { url = url "/a", redirects = false }
      assert.is_nil(response)
      assert.equal("protocol", err.code)
      assert.equal(302, last.status)
    end)

    it("tries again as often as the session, or the request, says", function()
      local later = { status = 503, headers = { ["Retry-After"] = 0 } }
      local cases = { { nil, nil, 4 }, { 1, nil, 2 }, { 1, 2, 3 }, { 1, 0, 1 }, { 0, nil, 1 } }
      for _, case in ipairs(cases) do
        local mine <close> = assert(session.new { retries = case[1] })
        server:set { ["/a"] = later }
        server:forget()
        local response, err = mine:fetch { url = url "/a", retries = case[2] }
        assert.is_nil(response)
        assert.equal("network", err.code)
        assert.equal(case[3], #server:requests())
      end
    end)

    it("hands the transfer to who wants to watch it", function()
      server:set { ["/a"] = { body = "hello" } }
      local seen
      assert(s:fetch { url = url "/a", on_start = function(transfer)
        seen = { transfer:progress() }
      end })
      assert.same({ 0, nil, 0.0 }, seen)
    end)

    it("closes its transfer when what watches it raises", function()
      server:set { ["/a"] = STALL }
      assert.error_matches(function()
        s:fetch { url = url "/a", on_start = function() error("no display") end }
      end, "no display")
      assert.equal(0, s.core:active())
    end)

    it("asks nobody for credentials when there is nobody", function()
      server:set { ["/a"] = { status = 401 } }
      local response, err, last = s:fetch { url = url "/a" }
      assert.is_nil(response)
      assert.equal("unauthorized", err.code)
      assert.equal(401, last.status)
    end)

    it("raises for a field that the core refuses", function()
      assert.error_matches(function() s:fetch { url = url "/a", headers = 1 } end,
        "'headers' must be")
      assert.error_matches(function() s:fetch {} end, "'url' is missing")
    end)
  end)

  describe("fetch_text", function()
    it("returns the body and the response", function()
      server:set { ["/a"] = { body = "hello" } }
      local body, response = s:fetch_text({ url = url "/a" }, 5)
      assert.equal("hello", body)
      assert.equal(200, response.status)
    end)

    it("takes no more than it was told to", function()
      server:set { ["/a"] = { body = "hello" },
        ["/endless"] = { body = ("x"):rep(1 << 20), chunked = true } }
      for _, path in ipairs { "/a", "/endless" } do
        local body, err = s:fetch_text({ url = url(path), name = "the document" }, 4)
        assert.is_nil(body)
        assert.equal("verification", err.code)
        assert.matches("^the document: ", err.message)
      end
    end)

    it("returns an error and the response that said no", function()
      server:set { ["/a"] = { status = 403, body = "why" } }
      local body, err, last = s:fetch_text({ url = url "/a" }, 100)
      assert.is_nil(body)
      assert.equal("unauthorized", err.code)
      assert.equal("why", last.body)
    end)

    it("leaves the request as it was", function()
      server:set { ["/a"] = { body = "hello" } }
      local request = { url = url "/a", name = "x" }
      assert(s:fetch_text(request, 5))
      assert(s:fetch_text(request, 5))
      assert.same({ url = url "/a", name = "x" }, request)
    end)
  end)

  describe("run", function()
    local function jobs(count, path, watch)
      local list = {}
      for i = 1, count do
        list[i] = function()
          local ok, err = s:fetch { url = url(path .. i), on_start = function() watch(1) end }
          watch(-1)
          return ok and true, err
        end
      end
      return list
    end

    for _, limit in ipairs { 1, 3, 8, 100, false } do
      it("has as many jobs under way as it may: " .. tostring(limit or "no limit"), function()
        server:set { ["*"] = { body = "hello" } }
        local now, most = 0, 0
        assert.is_true(s:run(jobs(8, "/", function(by)
          now = now + by
          most = math.max(most, now)
        end), limit or nil))
        assert.equal(math.min(limit or 8, 8), most)
        assert.equal(0, now)
        assert.equal(8, #server:requests())
      end)
    end

    it("does nothing where there is nothing to do", function()
      assert.is_true(s:run {})
      assert.is_true(s:run({}, 3))
    end)

    it("can be of jobs that fetch nothing, or much", function()
      server:set { ["*"] = { body = "x" } }
      local order = {}
      assert.is_true(s:run({
        function() order[#order + 1] = "nothing" return true end,
        function()
          for i = 1, 5 do assert.is_table(s:fetch { url = url("/" .. i) }) end
          order[#order + 1] = "much"
          return true
        end,
        function() order[#order + 1] = "last" return true end,
      }, 2))
      assert.same({ "nothing", "last", "much" }, order)
    end)

    it("stops the others at the first failure, and starts no more", function()
      server:set { ["/none"] = { status = 404 }, ["/stall"] = STALL, ["/never"] = {} }
      local dir, closed = tmp.dir(), 0
      leaks.none(function()
        local mine <close> = assert(session.new())
        local function stall()
          local file <close> = assert(core.file(dir .. "/out"))
          local _ <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
          mine:fetch { url = url "/stall", sink = core.sink.queue(file:sink()) }
          error("it can't come here")
        end
        local ok, err = mine:run({ stall, stall,
          function() return mine:fetch { url = url "/none" } end,
          function() return mine:fetch { url = url "/never" } end }, 3)
        assert.is_nil(ok)
        assert.equal("not_found", err.code)
        assert.equal(0, mine.core:active())
      end)
      assert.equal(2, closed)
      assert.same({}, tmp.list(dir))
      -- The others are there only if they came to the server before they were stopped.
      local paths = table.concat(asked(), " ")
      assert.matches("/none", paths, 1, true)
      assert.is_nil(paths:find("/never", 1, true))
    end)

    it("can be called again after a failure", function()
      server:set { ["/none"] = { status = 404 }, ["/stall"] = STALL, ["/a"] = {} }
      assert.is_nil((s:run { function() return s:fetch { url = url "/stall" } end,
        function() return s:fetch { url = url "/none" } end }))
      assert.is_true(s:run { function() return s:fetch { url = url "/a" } and true end })
    end)

    it("returns the first failure of several", function()
      local list = {}
      for i = 1, 3 do list[i] = function() return nil, core.error("io", "number " .. i) end end
      local ok, err = s:run(list, 1)
      assert.is_nil(ok)
      assert.equal("number 1", err.message)
    end)

    it("wants a reason for a failure", function()
      local ok, err = s:run { function() end }
      assert.is_nil(ok)
      assert.equal("internal", err.code)
    end)

    it("ends when a job yields by itself, for whom nobody would wait", function()
      local closed = false
      local ok, raised = pcall(s.run, s, {
        function()
          local _ <close> = setmetatable({}, { __close = function() closed = true end })
          coroutine.yield(1)
        end,
        function()
          s:sleep(0.1)
          return nil, core.error("io", "it waits all the same")
        end,
      })
      assert.is_false(ok)
      assert.matches("session_spec.lua:%d+: it yields in a task of a session.*stack traceback",
        raised)
      assert.is_true(closed)
      ok, raised = pcall(s.run, s, { coroutine.yield })
      assert.is_false(ok)
      assert.matches("it yields in a task of a session", raised)
    end)

    it("hands on what a job raises, with its own traceback, and closes the others", function()
      server:set { ["/a"] = {}, ["/stall"] = STALL }
      local function the_culprit()
        assert.is_table(s:fetch { url = url "/a" })
        local nothing = nil
        return nothing.field
      end
      local ok, raised = pcall(s.run, s, { function() return s:fetch { url = url "/stall" } end,
        function() return (the_culprit()) end })
      assert.is_false(ok)
      assert.matches("attempt to index a nil value %(local 'nothing'%)", raised)
      assert.matches("stack traceback:.*the_culprit", raised)
      assert.equal(0, s.core:active())
    end)

    it("hands on whatever a job raises", function()
      local err = core.error("refused", "a policy says no")
      local ok, raised = pcall(s.run, s, { function() error(err) end })
      assert.is_false(ok)
      assert.equal(err, raised)
      for _, value in ipairs { false, 0 } do
        ok, raised = pcall(s.run, s, { function() error(value) end })
        assert.is_false(ok)
        assert.is_truthy(raised)
      end
      ok, raised = pcall(s.run, s, { function() error() end })
      assert.is_false(ok)
      assert.matches("a task raised nil", raised)
    end)

    it("may be called from one of its own jobs", function()
      server:set { ["*"] = { body = "x" } }
      local order = {}
      local function job(name)
        return function()
          assert(s:fetch_text({ url = url("/" .. name) }, 10))
          order[#order + 1] = name
          return true
        end
      end
      local function nest(...)
        local ok, err = s:run({ ... }, 1)
        order[#order + 1] = "nest"
        return ok, err
      end
      assert.is_true(s:run { function() return nest(job "a", job "b", job "c") end })
      assert.same({ "a", "b", "c", "nest" }, order)
      local _, err = s:run { function()
        return nest(job "d", function() return nil, core.error("io", "inside") end, job "e")
      end, job "f" }
      assert.equal("inside", err.message)
      assert.same({ "a", "b", "c", "nest", "d", "nest" }, order)
      local function deep() error("deep", 0) end
      local ok, raised = pcall(s.run, s, { function() return nest(deep) end })
      assert.is_false(ok)
      assert.matches("deep", raised)
    end)

    it("stops what a stopped job has begun", function()
      server:set { ["/stall"] = { body = "x", length = 100, stall = true }, ["*"] = { body = "x" } }
      local closed = 0
      local function stall()
        local guard <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
        return s:fetch { url = url "/stall" }
      end
      local _, err = s:run {
        function() return s:run { stall, stall } end,
        function()
          s:sleep(0.05)
          return nil, core.error("io", "enough")
        end,
      }
      assert.equal("enough", err.message)
      assert.equal(2, closed)
      assert.equal(0, s.core:active())
    end)

    it("lets jobs sleep while others go on", function()
      server:set { ["*"] = { body = "x" } }
      local order = {}
      local function sleeper(seconds)
        return function()
          s:sleep(seconds)
          order[#order + 1] = seconds
          return true
        end
      end
      assert.is_true(s:run { sleeper(0.15), sleeper(0.05), sleeper(0), function()
        return s:fetch_text({ url = url "/x" }, 10) and true
      end })
      assert.same({ 0, 0.05, 0.15 }, order)
      assert.error_matches(function() s:sleep(0) end, "only tasks sleep")
    end)

    it("leaves shared work whose task is stopped to one who waits for it", function()
      local done = 0
      local function work()
        s:sleep(0.02)
        done = done + 1
        return "made by " .. done
      end
      local function share(key)
        return function()
          local got = s:once(key, work)
          return got == "made by 1", core.error("internal", tostring(got))
        end
      end
      local group = s:group()
      group:start(share "a")
      assert.is_true(s:run { share "a", share "a", function()
        group:close()
        return true
      end })
      assert.equal(1, done)
      -- And who is no task waits, too.
      group = s:group()
      group:start(share "a")
      assert.equal("made by 2", s:once("a", work))
      assert.equal(2, done)
      group:close()
    end)

    it("survives collection at every turn", function()
      server:set { ["*"] = { body = ("x"):rep(10000) } }
      local before = collectgarbage("incremental", 10, 1000)
      local list = {}
      for i = 1, 10 do
        list[i] = function()
          local buffer = core.buffer(10000)
          local ok, err = s:fetch { url = url("/" .. i), sink = core.sink.queue(buffer:sink(), 100),
            on_start = function() collectgarbage() end }
          collectgarbage()
          return ok and #buffer:data() == 10000, err
        end
      end
      assert.is_true(s:run(list, 4))
      collectgarbage(before, 200, 100)
    end)
  end)

  describe("an answer to a challenge", function()
    --- Credentials that are fetched by the session itself.
    local function auth()
      local mine = { asked = 0 }
      function mine.current() return mine.header end
      function mine.answer(_, response, state)
        mine.asked = mine.asked + 1
        mine.seen, mine.sent = response.challenges, state.sent
        local token, err = s:fetch_text({ url = url "/token" }, 100)
        if not token then return nil, err end
        mine.header = "Bearer " .. token
        return mine.header
      end
      return mine
    end

    local ROUTES = {
      ["/token"] = { body = "t" },
      ["/a"] = { { when = { Authorization = "^Bearer t$" }, body = "hello" },
        { status = 401, headers = { ["WWW-Authenticate"] = "Bearer realm=x" } } },
    }

    it("may be fetched meanwhile", function()
      server:set(ROUTES)
      local mine = auth()
      assert.equal(200, assert(s:fetch { url = url "/a", auth = mine }).status)
      assert.same({ "Bearer realm=x" }, mine.seen)
      assert.is_nil(mine.sent)
      assert.equal(200, assert(s:fetch { url = url "/a", auth = mine }).status)
      assert.equal(1, mine.asked)
    end)

    it("may be fetched in a job, while others go on", function()
      server:set(ROUTES)
      local list, mine = {}, {}
      for i = 1, 4 do
        mine[i] = auth()
        list[i] = function()
          local response, err = s:fetch { url = url "/a", auth = mine[i] }
          return response and true, err
        end
      end
      assert.is_true(s:run(list, 4))
      for i = 1, 4 do assert.equal(1, mine[i].asked) end
    end)

    it("may fail", function()
      server:set { ["/a"] = { status = 401 }, ["/token"] = { status = 404 } }
      local response, err, last = s:fetch { url = url "/a", auth = auth() }
      assert.is_nil(response)
      assert.equal("not_found", err.code)
      assert.equal(401, last.status)
    end)

    it("may raise, and nothing is left", function()
      server:set(ROUTES)
      local mine = auth()
      function mine.answer() error("no idea") end
      assert.error_matches(function() s:fetch { url = url "/a", auth = mine } end, "no idea")
      assert.error_matches(function()
        s:run { function() return s:fetch { url = url "/a", auth = mine } end }
      end, "no idea")
      assert.equal(0, s.core:active())
    end)

    it("of the request itself is sent first", function()
      server:set(ROUTES)
      assert(s:fetch { url = url "/a", authorization = "Bearer t" })
      assert.equal("Bearer t", server:requests()[1].headers.authorization)
    end)
  end)

  describe("the log", function()
    local function lines_of(level, path, request)
      local stream = assert(io.tmpfile())
      local mine <close> = assert(session.new { log = log.new("me", level, stream) })
      mine:fetch { url = url(path), retries = request and request.retries }
      stream:seek("set")
      local text = stream:read("a")
      stream:close()
      return text
    end

    it("says what is asked, without secrets", function()
      local there = { status = 302, headers = { Location = "/b?signature=s3cret" } }
      server:set { ["/a"] = there, ["*"] = {} }
      assert.equal("", lines_of(1, "/a?key=s3cret"))
      local at = server:url()
      assert.equal(("me: GET %s/a?...\nme: redirected to %s/b?...\n"):format(at, at),
        lines_of(2, "/a?key=s3cret"))
    end)

    it("warns of what went wrong and is tried again", function()
      server:set { ["/a"] = { { status = 503, headers = { ["Retry-After"] = 0 }, times = 2 }, {} } }
      local text = lines_of(1, "/a")
      local line = "me: GET " .. url "/a" .. ": HTTP 503; retry %d in 0.0 s\n"
      assert.equal(line:format(1) .. line:format(2), text)
    end)
  end)

  it("calls its display while it waits", function()
    server:set { ["/a"] = { body = "hello" } }
    local ticks = 0
    local mine <close> = assert(session.new { tick = function() ticks = ticks + 1 end })
    assert(mine:fetch { url = url "/a" })
    assert.is_true(ticks > 0)
  end)

  it("is opened with the options of the core", function()
    assert.error_matches(function() session.new { proxy = "x" } end, "unknown option 'proxy'")
    local none, err = session.new { cacert = "/does/not/exist" }
    assert.is_nil(none)
    assert.equal("io", err.code)
    local opts = { retries = 1, user_agent = "me/1" }
    local mine <close> = assert(session.new(opts))
    assert.same({ retries = 1, user_agent = "me/1" }, opts)
    server:set { ["/a"] = {} }
    assert(mine:fetch { url = url "/a" })
    assert.equal("me/1", server:requests()[1].headers["user-agent"])
  end)

  it("is closed once and for all", function()
    local mine
    leaks.none(function()
      do
        local scoped <close> = assert(session.new())
        mine = scoped
      end
      mine:close()
      assert.error_matches(function() mine:fetch { url = url "/a" } end, "it is closed")
      assert.error_matches(function()
        mine:run { function() return mine:fetch { url = url "/a" } end }
      end, "it is closed")
    end)
  end)
end)
