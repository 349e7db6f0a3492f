local core = require "hocker.core"
local faulty = require "support.faulty"
local image = require "support.image"
local leaks = require "support.leaks"
local parts = require "hocker.parts"
local policy = require "hocker.policy"
local session = require "hocker.session"
local tmp = require "support.tmp"

-- What a request is for, by its Range.
local WHOLE <const> = { range = false }
local PROBE <const> = { range = "^bytes=(%d+)%-%1$" }
local PART <const> = { range = "^bytes=%d+%-%d+$" }
local REST <const> = { range = "^bytes=%d+%-$" }

local SIZE <const> = 1600000
local SLOW <const> = 700000 -- bytes a second

describe("a body", function()
  local server, file, data, digest, s
  local usual = { least = parts.least, patience = parts.patience, connections = parts.connections }

  lazy_setup(function()
    server = faulty.start {}
    file = tmp.path("body")
    image.random_file(file, SIZE)
    data, digest = tmp.read(file), image.digest_of_file(file)
  end)
  lazy_teardown(function() server:stop() end)
  before_each(function()
    server:forget()
    parts.least, parts.patience, parts.connections = 600000, 1.5, 100
    s = assert(session.new { connections = 100, stall_timeout = 20 })
  end)
  after_each(function()
    s:close()
    parts.least, parts.patience = usual.least, usual.patience
    parts.connections = usual.connections
  end)

  local function ranged(fields)
    local reply = { file = file, range = true }
    for key, value in pairs(fields or {}) do reply[key] = value end
    return reply
  end

  -- A server whose first connection is slow. The replies stand before those of one that does all right.
  local function slow(...)
    local replies = { ... }
    replies[#replies + 1] = ranged { when = WHOLE, rate = SLOW }
    replies[#replies + 1] = ranged()
    return replies
  end

  -- Fetches a body; returns what came, or nil and the error.
  local function fetch(path, more)
    local buffer <close> = core.buffer(SIZE)
    local request = { url = server:url() .. path, sink = core.sink.queue(core.sink.verify(
      buffer:sink(), { size = SIZE, digest = digest, name = "blob" }), 65536) }
    for key, value in pairs(more or {}) do request[key] = value end
    local response, err = parts.fetch(s, request)
    if not response then return nil, err end
    return buffer:data()
  end

  -- How often a path was asked for the whole, a byte, a part and the rest; the ranges of the parts.
  local function asked(path)
    local list, counts, connections = {}, { whole = 0, probe = 0, part = 0, rest = 0 }, {}
    for _, request in ipairs(server:requests()) do
      local range = request.path == path and (request.headers.range or "none")
      local kind = range and (range == "none" and "whole" or range:find(PROBE.range) and "probe"
        or range:find(PART.range) and "part" or range:find(REST.range) and "rest")
      if kind then counts[kind] = counts[kind] + 1 end
      if kind == "part" then
        local first, last = range:match("(%d+)-(%d+)")
        list[#list + 1] = { first = tonumber(first), last = tonumber(last) }
        connections[request.connection] = true
      end
    end
    counts.connections = 0
    for _ in pairs(connections) do counts.connections = counts.connections + 1 end
    table.sort(list, function(a, b) return a.first < b.first end)
    return counts, list
  end

  -- Fetches several at the same time, in tasks. Paths to replies in, paths to { data, err } out.
  local function fetch_all(cases)
    local routes, jobs, results = {}, {}, {}
    for path, replies in pairs(cases) do
      routes[path] = replies
      jobs[#jobs + 1] = function()
        results[path] = table.pack(fetch(path))
        return true
      end
    end
    server:set(routes)
    assert(s:run(jobs))
    assert.equal(0, s.core:active())
    assert.equal(0, s.streams)
    return results
  end

  -- All of these arrive as they are; returns what was asked for each.
  local function check_all(cases)
    local results, counts = fetch_all(cases), {}
    for path in pairs(cases) do
      assert.is_true(results[path][1] == data, path .. ": " .. tostring(results[path][2]))
      counts[path] = asked(path)
    end
    return counts
  end

  it("that comes fast is one request", function()
    server:set { ["/a"] = ranged() }
    assert.is_true(fetch "/a" == data)
    assert.same({ whole = 1, probe = 0, part = 0, rest = 0, connections = 0 }, (asked "/a"))
  end)

  it("is not fetched where a policy refuses one of its requests", function()
    for _, is_probe in ipairs { true, false } do
      server:set { ["/a"] = slow() }
      s.policies = policy.compose { { name = "p", path = "/p", hooks = {
        request = function(request)
          local range = request.range
          if range and (range.first == range.last) == is_probe then
            return policy.refuse "no pieces"
          end
        end } } }
      local got, err = fetch "/a"
      assert.is_nil(got)
      assert.same({ "refused", "policy 'p': no pieces" }, { err.code, err.message })
    end
  end)

  it("that comes slowly is fetched in ranges, in and out of tasks, none of them twice", function()
    local counts = check_all { ["/a"] = slow() }
    assert.equal(1, counts["/a"].whole)
    assert.equal(1, counts["/a"].probe)
    assert.is_true(counts["/a"].part >= 2 and counts["/a"].connections >= 2)
    assert.equal(0, counts["/a"].rest)
    local _, list = asked "/a"
    for i = 2, #list do assert.equal(list[i - 1].last + 1, list[i].first) end
    assert.equal(SIZE - 1, list[#list].last)
    server:set { ["/b"] = slow() }
    assert.is_true(fetch "/b" == data)
    assert.is_true(asked "/b".part >= 2)
  end)

  it("is one request where its own sink is slow", function()
    server:set { ["/a"] = slow() }
    local out <close> = core.buffer(2 * SIZE)
    local stream <close> = core.tar_stream(out:sink())
    local first = assert(stream:member("first", 1))
    local second = core.sink.queue(assert(stream:member("second", SIZE)), 65536)
    assert(s:run {
      function() return parts.fetch(s, { url = server:url() .. "/a", sink = second }) ~= nil end,
      function()
        s:sleep(0.7)
        return first:write("x") and first:finish()
      end,
    })
    assert.same({ 1, 0 }, { asked "/a".whole, asked "/a".probe })
  end)

  it("arrives where ranges are ignored, refused or wrong, or its size is not said", function()
    local lie = { status = 206, body = "x", headers = { ["Content-Range"] = "bytes 0-0/9" } }
    local cases = { ["/chunked"] = { ranged { rate = SLOW, chunked = true } },
      ["/endless"] = { ranged { rate = SLOW, length = false } } }
    for name, reply in pairs {
      ignored = { file = file }, refused = { status = 416 }, forbidden = { status = 403 },
      missing = { status = 404 }, challenged = { status = 401 }, later = { status = 503 },
      limited = { status = 429, headers = { ["Retry-After"] = 60 } }, dropped = { drop = true },
      lied = lie, nowhere = { status = 206, body = "x" }, silent = { stall = 0 },
      teapot = { status = 418 }, moved = { status = 302, headers = { Location = "/none" } },
    } do
      reply.when = { range = "" }
      cases["/" .. name] = slow(reply)
    end
    for path, count in pairs(check_all(cases)) do
      -- libcurl asks once more by itself where a connection that it had kept is dropped.
      local probed = #cases[path] > 1
      assert.same({ path, 1, probed, 0 }, { path, count.whole, count.probe > 0, count.part })
    end
  end)

  it("arrives where a server gives some parts and not others", function()
    local cases = {}
    for name, reply in pairs {
      later = { status = 503, headers = { ["Retry-After"] = 60 } }, dropped = { drop = true },
      forbidden = { status = 403 }, ignored = { file = file }, silent = { stall = 0 },
      lied = { status = 206, body = "x", headers = { ["Content-Range"] = "bytes 0-0/9" } },
    } do
      reply.when, reply.times = PART, 1
      cases["/" .. name] = slow(ranged { when = PROBE }, reply)
    end
    for path, count in pairs(check_all(cases)) do
      assert.equal(0, count.rest, path)
      assert.is_true(count.part > 2, path)
    end
  end)

  it("arrives where a server gives no parts after all, by one patient connection", function()
    local later = { when = REST, status = 503, headers = { ["Retry-After"] = 0 }, times = 2 }
    local cases = {}
    for name, reply in pairs {
      later = { status = 503, headers = { ["Retry-After"] = 60 } }, dropped = { drop = true },
      ignored = { file = file }, refused = { status = 416 },
      lied = { status = 206, body = "x", headers = { ["Content-Range"] = "bytes 0-0/9" } },
    } do
      reply.when = PART
      cases["/" .. name] = slow(ranged { when = PROBE }, reply, later)
      cases["/all-" .. name] = slow(ranged { when = PROBE }, reply, { when = REST, file = file })
    end
    for path, count in pairs(check_all(cases)) do
      assert.equal(path:find("all-", 1, true) and 1 or 3, count.rest, path)
    end
  end)

  it("arrives where a server gives no ranges any more, by the whole once more", function()
    local cases = {}
    for name, reply in pairs {
      later = { status = 503, headers = { ["Retry-After"] = 6000 } }, dropped = { drop = true },
      refused = { status = 416 }, forbidden = { status = 403 }, missing = { status = 404 },
      lied = { status = 206, body = "x", headers = { ["Content-Range"] = "bytes 0-0/9" } },
      nowhere = { status = 206, file = file }, empty = { status = 204 },
      whole = { status = 206, file = file,
        headers = { ["Content-Range"] = ("bytes 0-%d/%d"):format(SIZE - 1, SIZE) } },
    } do
      reply.when = { range = "" }
      cases["/" .. name] = slow(ranged { when = PROBE }, reply,
        { when = WHOLE, file = file, rate = SLOW, times = 1 }, { when = WHOLE, file = file })
    end
    for path, count in pairs(check_all(cases)) do
      assert.same({ path, 2, true }, { path, count.whole, count.rest >= 1 })
    end
  end)

  it("arrives where parts break, or come slowly too", function()
    local began = core.system.clock()
    local counts = check_all {
      ["/short"] = slow(ranged { when = PART, truncate = 200000 }),
      ["/shorter"] = slow(ranged { when = PART, truncate = 70000, times = 2 }),
      ["/stuck"] = slow(ranged { when = PROBE }, ranged { when = PART, stall = 90000, times = 1 }),
      ["/slow"] = slow(ranged { rate = SLOW }),
    }
    for path, count in pairs(counts) do assert.equal(0, count.rest, path) end
    assert.is_true(counts["/short"].part >= 4)
    local again, ends = 0, {}
    for _, range in ipairs(select(2, asked "/stuck")) do
      if ends[range.last] then again = again + range.first - ends[range.last] end
      ends[range.last] = range.first
    end
    assert.equal(90000, again) -- the rest of the stuck part, behind what came of it
    assert.is_true(core.system.clock() - began < 15) -- 20 is when a stalled transfer is given up
  end)

  it("waits for no part that comes much more slowly than others", function()
    check_all { ["/a"] = slow(ranged { when = PROBE },
      ranged { when = PART, rate = 20000, times = 1 }, ranged { when = PART, rate = SLOW }) }
    local first, again = {}, {}
    for _, range in ipairs(select(2, asked "/a")) do
      if first[range.last] then again[#again + 1] = range.first - first[range.last] end
      first[range.last] = range.first
    end
    assert.is_true(#again >= 1)
    for _, came in ipairs(again) do assert.is_true(came > 0) end -- what had come is not asked for again
  end)

  it("with wrong bytes in it is an error, as with one connection", function()
    local results = fetch_all {
      ["/flipped"] = slow(ranged { when = PART, flip = SIZE - 1 }),
      ["/shifted"] = slow(ranged { when = PROBE }, { when = PART, status = 206, body = data:sub(-9),
        headers = { ["Content-Range"] = ("bytes 0-8/%d"):format(SIZE) } },
        ranged { when = REST, flip = SIZE - 1 }),
      ["/longer"] = { { when = WHOLE, body = data .. data, rate = SLOW }, { body = data .. data,
        range = true } },
    }
    for path, result in pairs(results) do
      assert.is_nil(result[1], path)
      assert.equal("verification", result[2].code, path)
    end
  end)

  it("whose rest is not what was promised is an error", function()
    local shorter = tmp.file(data:sub(1, -100001))
    local results = fetch_all {
      ["/shrunk"] = slow(ranged { when = PROBE }, { when = PART, status = 416 },
        ranged { when = REST, file = shorter }),
      ["/short"] = slow(ranged { when = PROBE }, { when = PART, status = 416 },
        { when = REST, body = "short" }),
      ["/gone"] = slow(ranged { when = PROBE }, ranged { when = WHOLE, rate = SLOW, times = 1 },
        { status = 404 }),
    }
    assert.equal("protocol", results["/shrunk"][2].code)
    assert.equal("the body ended after 1500000 bytes, of 1600000 that were promised",
      results["/shrunk"][2].message)
    assert.equal("protocol", results["/short"][2].code)
    assert.equal("not_found", results["/gone"][2].code)
  end)

  it("is asked for as before, at its own URL", function()
    server:set {
      ["/a"] = { { when = { authorization = "^Basic x$", ["x-mine"] = "1" }, status = 307,
        headers = { Location = "/there?sig=1" } }, { status = 401 } },
      ["/there"] = slow(),
    }
    local auth = { answers = 0 }
    function auth.current() return auth.header end
    function auth:answer()
      self.answers, self.header = self.answers + 1, "Basic x"
      return self.header
    end
    assert.is_true(fetch("/a", { auth = auth, headers = { "X-Mine: 1" } }) == data)
    assert.equal(1, auth.answers)
    local counts, there = asked "/a", asked "/there"
    assert.is_true(there.part > 1)
    assert.same({ there.part, there.probe }, { counts.part, counts.probe })
  end)

  it("that breaks meanwhile is continued", function()
    local counts = check_all { ["/a"] = slow(ranged { when = PROBE, delay = 0.2 },
      ranged { when = WHOLE, rate = SLOW, truncate = 450000 },
      ranged { when = REST, rate = SLOW }) }
    assert.equal(1, counts["/a"].probe)
  end)

  it("shares the connections with others, and leaves them one", function()
    parts.connections = 4
    s:close()
    s = assert(session.new { connections = 6 })
    local most = 0
    s.tick = function() most = math.max(most, s.streams) end
    local cases = {}
    for i = 1, 3 do cases["/" .. i] = slow(ranged { when = PART, rate = 2 * SLOW }) end
    check_all(cases)
    assert.equal(4, most)
  end)

  it("is stopped with all its connections", function()
    server:set { ["/a"] = slow(ranged { when = PROBE }, ranged { when = PART, stall = 1000 }) }
    leaks.none(function()
      local _, err = s:run {
        function() return fetch "/a" end,
        function()
          while asked "/a".part < 2 do s:sleep(0.05) end
          return nil, core.error("io", "enough")
        end,
      }
      assert.equal("enough", err.message)
      assert.equal(0, s.core:active())
      assert.equal(0, s.streams)
      collectgarbage()
    end)
  end)

  it("tells who watches it how much there is", function()
    server:set { ["/a"] = slow(ranged { rate = SLOW }) }
    local watched, last = nil, 0
    s.tick = function()
      local received = watched and watched:progress() or 0
      assert.is_true(received >= last and received <= SIZE)
      last = received
    end
    assert.is_true(fetch("/a", { on_start = function(one) watched = watched or one end }) == data)
    assert.is_true(asked "/a".part > 1 and last > SIZE // 2)
  end)
end)
