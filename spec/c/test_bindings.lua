-- Uses every binding; test_bindings.c runs it in states that have no memory left, again and again.
-- Nothing that fails here may leak, crash or hang, wherever it is cut off. A part that is named is used
-- alone, after a call of `begin`.
local open, port, dir, name, begin = ...

-- Finalizers are called in the order in which they were made, backwards. These see a state that is closed
-- before and after the bindings do.
local made_late
local before = setmetatable({}, { __gc = function() made_late:update("x") end })
local core = open()
local after = setmetatable({}, { __gc = function() made_late = core.digest.new() end })

local URL = ("http://127.0.0.1:%d"):format(port)
local EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

local function digests()
  assert(core.digest.check(EMPTY) and core.digest.hex(EMPTY) and core.digest.nix32(EMPTY))
  assert(core.digest.sri(EMPTY) and not core.digest.check("md5:0"))
  assert(core.digest.of("") == EMPTY and core.digest.of("", "sha512"))
  local hash <close> = core.digest.new()
  assert(hash:update(""):final() == EMPTY)
  core.digest.new("sha512"):update("left to the collector")
end

local function texts()
  assert(core.url.parse("https://user@example.org:5000/a?b").query == "b")
  assert(core.url.parse("nothing") == nil)
  assert(core.url.join(URL, "/a") and not core.url.join(URL, "ftp://x"))
  assert(core.url.add_query(URL, "a b", "c&d") and core.url.redact(URL .. "?secret"))
  assert(core.url.same_origin(URL, URL) and core.url.same_site("a.example.org", "example.org"))
  local list = assert(core.auth.challenges {
    'Bearer realm="r",scope="a b", Basic realm=x', "Basic",
  })
  assert(#list == 3 and list[1].params.realm == "r")
  assert(not core.auth.challenges { "=" })
  assert(core.auth.basic("user", "password") and not core.auth.basic("a:b", "c"))
  assert(core.auth.bearer("token") and not core.auth.bearer(""))
  assert(not core.signature.verify("no key", "data", "signature"))
  assert(tostring(core.error("io", "why", { sys = 5 })) == "why")
  assert(core.system.clock() and core.system.machine())
  core.system.columns(0)
  core.system.go_on()
  assert(core.system.user() and not core.system.interrupted())
  assert(core.system.list("/") and not core.system.list("/nonexistent"))
  assert(core.system.make_folders(dir .. "/x") and not core.system.make_folders("/dev/null/x/y"))
end

local function files()
  assert(not core.script.elevated() and not core.script.read("/none", 1))
  core.script.folder("/")
  core.script.read("/etc/passwd", 1 << 20)
  assert(core.script.data("return { 1, a = { 'b', 1.5, true } }", "=x").a[1] == "b")
  assert(not core.script.data("return print()", "=x"))
  assert(core.system.program())
end

local function programs()
  assert(core.system.run({ argv = { "sh", "-c", "cat; exit 3" }, input = "x" }).status == 3)
  assert(not core.system.run { argv = { "/nonexistent" } })
end

local function sinks()
  local buffer <close> = core.buffer(100)
  local verify = core.sink.verify(buffer:sink(), {
    size = 5, digest = core.digest.of("hello"), name = "x",
  })
  local inflate = core.sink.inflate(verify, { max = 100, name = "y" })
  local tee <close> = core.sink.tee(inflate, core.sink.queue(core.sink.null(), 1000))
  assert(tee:write("hello") and tee:finish())
  assert(buffer:data() == "hello")
  assert(not pcall(inflate.write, inflate, "it was given away"))
  local meter <close> = core.meter(true)
  local count = meter:sink()
  assert(count:write("hello") and count:finish())
  assert(meter:size() == 5 and meter:digest() == core.digest.of("hello"))
  local wrong = core.sink.verify(core.sink.null(), { size = 1 })
  assert(not wrong:write("too much"))
  core.sink.queue(core.sink.verify(core.sink.stdout(), { max = 1 })):write("")
end

local function pipes()
  local pipe <close> = core.pipe(4)
  local into = core.sink.queue(pipe:sink(), 4)
  assert(into:write("he") and into:finish())
  assert(pipe:read() == "he" and pipe:read() == nil)
  assert(not pcall(pipe.sink, pipe))
  local cut <close> = core.pipe(1)
  assert(cut:sink():write("much") == nil)
  assert(cut:read() == "m")
end

local function outputs()
  local file <close> = assert(core.file(dir .. "/out"))
  local tar <close> = assert(core.tar(file))
  assert(tar:put("a", "data"))
  local known, unknown = assert(tar:member("b", 3)), assert(tar:member("c"))
  assert(known:write("bbb") and unknown:write("cc") and known:finish() and unknown:finish())
  assert(not tar:member("../up"))
  assert(tar:member("d", 1)):close()
  local again = assert(tar:sink(4))
  assert(again:write("d") and again:finish() and not tar:sink(5))
  assert(tar:next { type = "symlink", target = "b", mtime = -1, uid = 3 } and tar:put("e", ""))
  assert(not tar:next { type = "link", target = "/up" })
  assert(tar:finish() and file:lock() and file:commit())
  local dropped = assert(core.file(dir .. "/dropped"))
  assert(dropped:sink():write("never seen"))
  assert(not core.file(dir .. "/none/such"))
  local copy = core.buffer(1 << 16)
  local stream <close> = core.tar_stream(copy:sink())
  assert(stream:put("a", "data"))
  local late = assert(stream:member("b", 3))
  assert(not stream:member("../up", 1))
  assert(late:write("bbb") and late:finish() and stream:finish())
  local folder <close> = assert(core.dir(dir .. "/folder"))
  local entry <close> = assert(folder:sink("a/b"))
  assert(entry:write("data") and entry:finish() and folder:lock())
  local back = core.buffer(10)
  assert(not folder:exists() and folder:read("a/b", back:sink()) and back:data() == "data")
  assert(not folder:read("none", core.sink.null()) and not folder:sink("../up"))
  assert(not core.dir(dir .. "/none/such/folder"))
  local there <close> = assert(core.dir(dir))
  assert(there:exists() and there:commit())
  dropped:make_executable()
  local whole = core.buffer(1 << 16)
  assert(core.system.read(dir .. "/out", whole:sink()) and #whole:data() > 1024)
  assert(not core.system.read(dir .. "/none", core.sink.null()))
end

local function joins()
  local buffer <close> = core.buffer(100)
  local join <close> = core.join(core.sink.queue(buffer:sink(), 10))
  local first, at, last = join:part()
  assert(at == 0 and last > 1 << 60 and first:write("he"))
  assert(not join:set_size(1) and join:set_size(5) and first:finish())
  local second = assert(join:part(2))
  local third = assert(join:part(2, 2))
  assert(not join:part(2, 2) and third:write("o") and third:finish())
  assert(not join:finish() and join:progress() == 3)
  assert(not second:write("more than that"))
  core.join(core.sink.null()):part()
end

-- Answers all events of the session until every transfer is done.
local function answer(event)
  local transfer = event.transfer
  local response = transfer:response()
  assert(response.status and response.headers and response.challenges and response.body)
  transfer:progress()
  if event.type == "challenge" then
    assert(transfer:error().code == "unauthorized")
    assert(transfer:authorize("Basic eA=="))
  elseif event.type == "redirect" then
    assert(transfer:target())
    assert(transfer:follow())
  elseif event.type == "retry" then
    local _, failures = transfer:delay()
    assert(failures == 1)
    assert(response.url:find "/never$" and transfer:fail(transfer:error()) or transfer:retry(0))
  else
    return true
  end
end

local PATHS = { "/ok", "/none", "/challenge", "/redirect", "/later", "/never", "/part" }

local function exchanges()
  local session <close> = assert(core.session {
    connections = 4, stall_timeout = 5, user_agent = "me",
  })
  assert(session:trust { origin = URL, cacerts = {} })
  session:spare(1)
  local buffers = {}
  for i, path in ipairs(PATHS) do
    buffers[i] = core.buffer(1000)
    assert(session:start {
      url = URL .. path, sink = core.sink.queue(buffers[i]:sink()), retries = 1,
      headers = { "A: b", "C: d" }, range = path == "/part" and { first = 1, last = 2 } or nil,
    })
  end
  local stalled <close> = assert(session:start { url = URL .. "/stall", sink = core.sink.null() })
  assert(not session:start { url = "ftp://nowhere", sink = core.sink.null() })
  local done = 0
  while done < #PATHS do
    local event = assert(session:step(10))
    if answer(event) then done = done + 1 end
  end
  assert(session:active() == 1 and not stalled:error() and stalled:stop() ~= nil)
  assert(buffers[1]:data() == "hello" and buffers[2]:data() == "")
end

-- A session that is closed with the state, its transfer under way.
local function left_open()
  local session = assert(core.session())
  assert(session:start { url = URL .. "/stall", sink = core.sink.queue(core.sink.null()) })
  session:step(0)
  return session
end

-- To call a finalizer takes memory where a coroutine has just begun.
local function left_to_the_collector()
  for i = 1, 20 do
    core.digest.new()
    coroutine.wrap(function() return ("x"):rep(1000 * i) end)()
  end
end

local parts = { opening = function() end, digests = digests, texts = texts, files = files,
  programs = programs, sinks = sinks, pipes = pipes, outputs = outputs, joins = joins,
  exchanges = exchanges, left_open = left_open, left_to_the_collector = left_to_the_collector }

local kept = { before, after }
if name then
  begin()
  kept[3] = parts[name]()
else
  for key, part in pairs(parts) do kept[key] = part() end
end
core.system.heed() -- last: its hook takes the place of the tests'
return kept
