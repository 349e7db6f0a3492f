--- Specs of the rig itself: a test that passes because its server did nothing is worth nothing.

local certs = require "support.certs"
local clients = require "support.clients"
local cqueues = require "cqueues"
local faulty = require "support.faulty"
local image = require "support.image"
local lfs = require "lfs"
local link = require "support.link"
local machine = require "support.machine"
local nginx = require "support.nginx"
local port = require "support.port"
local process = require "support.process"
local registry = require "support.registry"
local tmp = require "support.tmp"
local token_server = require "support.token_server"

--- curl's exit code, and the answer: status, headers as text, body.
local function curl(url, ...)
  local result = process.run { "curl", "-sS", "-i", "--max-time", "20", "--cacert",
    certs.shared().cert, url, ... }
  local head, body = result.stdout:match("^(.-\r\n)\r\n(.*)$")
  return { code = result.code, status = tonumber((head or ""):match("^HTTP/%S+ (%d+)")),
    head = head or "", body = body or "" }
end

--- Whether there is such a process; one that nobody has buried yet is none.
local function alive(pid)
  local file <close> = io.open("/proc/" .. pid .. "/stat")
  return file ~= nil and file:read("a"):match("%) (%a)") ~= "Z"
end

describe("process.run", function()
  it("gives code, output and errors", function()
    local result = process.run { "sh", "-c", "echo out; echo err >&2; exit 3" }
    assert.same({ code = 3, stdout = "out\n", stderr = "err\n" }, result)
  end)

  it("passes words, input, environment and directory as they are", function()
    local words = { "a b", "it's", "$HOME", "*", "", "\n", "\\" }
    local result = process.run({ "sh", "-c", 'printf "<%s>" "$@"; cat; echo "$X"; pwd', "sh",
      table.unpack(words) }, { stdin = "in\n", env = { X = "a 'b' $c" }, cwd = "/" })
    assert.equal("<" .. table.concat(words, "><") .. ">in\na 'b' $c\n/\n", result.stdout)
  end)

  it("takes variables away", function()
    assert.equal("none", process.check({ "sh", "-c", 'printf %s "${HOME-none}"' },
      { env = { HOME = false } }))
  end)

  it("gives no program the sanitizer that the interpreter runs under", function()
    assert.equal("", process.check { "sh", "-c", 'printf %s "${LD_PRELOAD-}"' })
  end)

  it("tells a signal", function()
    local result = process.run { "sh", "-c", "kill -KILL $$" }
    assert.same({ 137, 9 }, { result.code, result.signal })
  end)

  it("ends what takes too long", function()
    assert.equal(124, process.run({ "sleep", "60" }, { timeout = 0.1 }).code)
  end)

  it("writes output to a file", function()
    local path = tmp.path()
    process.check({ "echo", "hello" }, { stdout = path })
    assert.equal("hello\n", tmp.read(path))
  end)
end)

describe("process.spawn", function()
  it("runs until it is stopped, with all its children", function()
    local child = process.spawn { "sh", "-c", "sleep 600 & echo $! up; wait" }
    local grandchild = child:wait_for("(%d+) up")
    assert.is_true(child:alive())
    child:stop()
    assert.is_false(child:alive())
    process.eventually(function() return not alive(grandchild) end, "the grandchild's end")
  end)

  it("lets signals through that a shell's children ignore", function()
    local child = process.spawn { "sh", "-c",
      "trap 'exit 9' INT; echo up; while :; do sleep 0.1; done" }
    child:wait_for("up")
    child:kill("INT")
    assert.equal(9, child:wait(10).code)
  end)

  it("starts where it is told", function()
    local child = process.spawn({ "pwd" }, { cwd = "/", env = { A = "b" } })
    assert.equal("/\n", child:wait(10).stdout)
  end)

  it("raises when a server ends before it is ready", function()
    local child = process.spawn { "sh", "-c", "echo wrong option" }
    assert.error_matches(function() child:wait_for("ready") end, "ended without.*wrong option")
  end)

  -- However the process of the specs ends, its servers end and its files go.
  for _, ending in ipairs { "os.exit(1)", "error('x')", "os.execute('kill -KILL $PPID')" } do
    it("leaves nothing behind after " .. ending, function()
      local script = tmp.file(([[
        package.path = %q
        local child = require("support.process").spawn { "sleep", "600" }
        print(child.pid, require("support.tmp").root())
        io.stdout:flush()
        %s]]):format(package.path, ending), "script.lua")
      local result = process.run { "lua5.4", script }
      local pid, root = result.stdout:match("(%d+)%s+(%S+)")
      process.eventually(function() return not alive(pid) end, "the server's end")
      process.eventually(function() return not tmp.exists(root) end, "the files' end")
    end)
  end
end)

describe("tmp and port", function()
  it("give what was not given before", function()
    assert.not_equal(tmp.dir(), tmp.dir())
    assert.not_equal(port.free(), port.free())
    local path = tmp.file("text\0binary")
    assert.equal("text\0binary", tmp.read(path))
    assert.equal(tmp.root(), path:sub(1, #tmp.root()))
  end)
end)

describe("registry", function()
  it("answers, and tells what it was asked", function()
    local reg = registry.start()
    assert.equal(200, curl(reg:url() .. "/v2/").status)
    assert.equal(404, curl("http://" .. reg:host("localhost") .. "/v2/a/manifests/b?c=d").status)
    local requests = reg:requests()
    assert.same({ "GET", "/v2/", 200 },
      { requests[1].method, requests[1].target, requests[1].status })
    assert.same({ "/v2/a/manifests/b", "c=d", 404 },
      { requests[2].path, requests[2].query, requests[2].status })
    reg:stop()
    assert.equal(7, curl(reg:url() .. "/v2/").code)
  end)

  it("asks for Basic auth, over TLS, under a prefix", function()
    local reg = registry.start { auth = "htpasswd", users = { bob = "pass word" },
      tls = certs.shared():server(), prefix = "/deep/" }
    local answer = curl(reg:url() .. "/v2/")
    assert.equal(401, answer.status)
    assert.matches('[Ww]ww%-[Aa]uthenticate: Basic realm="hocker specs"', answer.head)
    assert.equal(200, curl(reg:url() .. "/v2/", "-u", "bob:pass word").status)
    assert.equal(401, curl(reg:url() .. "/v2/", "-u", "bob:x").status)
    assert.matches("^https://127.*/deep$", reg:url())
  end)

  it("asks for client certificates", function()
    local ca = certs.shared()
    local reg = registry.start { tls = ca:server(), client_ca = ca.cert }
    local client = ca:client()
    assert.not_equal(0, curl(reg:url() .. "/v2/").code)
    assert.equal(200, curl(reg:url() .. "/v2/", "--cert", client.cert, "--key", client.key).status)
  end)

  it("caches another, and keeps its images", function()
    local source = registry.start()
    local made = image.build():upload(source, "a/b", "v1")
    local cache = registry.start { proxy = source:url() }
    assert.equal(made.bytes, curl(cache:url() .. "/v2/a/b/manifests/v1",
      "-H", "Accept: " .. made.media_type).body)
    source:stop()
    local again = registry.start { root = source.root }
    assert.equal(200, curl(again:url() .. "/v2/a/b/manifests/v1").status)
  end)
end)

describe("token server", function()
  local tokens, reg

  setup(function()
    tokens = token_server.start { users = { alice = "secret" }, private = { "^private/" },
      refresh_tokens = { identity = "alice" } }
    reg = registry.start { auth = "token", token = tokens }
  end)

  local function token(repository, ...)
    local query = "?service=hocker%20specs&scope=repository:" .. repository .. ":pull"
    return curl(tokens:realm() .. query, ...).body:match('"token":"([^"]+)"')
  end

  local function pull(repository, bearer)
    return curl(reg:url() .. "/v2/" .. repository .. "/tags/list",
      "-H", "Authorization: Bearer " .. bearer).status
  end

  it("is named in the registry's challenge", function()
    assert.matches(('realm="%s",service="hocker specs",scope="repository:a/b:pull"')
      :format(tokens:realm():gsub("%p", "%%%0")), curl(reg:url() .. "/v2/a/b/tags/list").head)
  end)

  it("lets anybody pull what is public", function()
    assert.equal(404, pull("a/b", token("a/b")))
    assert.equal(401, pull("other/b", token("a/b")))
    assert.equal(401, pull("private/b", token("private/b")))
    assert.equal(401, pull("a/b", "x.y.z"))
  end)

  it("knows its users", function()
    assert.equal(404, pull("private/b", token("private/b", "-u", "alice:secret")))
    assert.equal(401, curl(tokens:realm(), "-u", "alice:wrong").status)
  end)

  it("takes identity tokens by POST", function()
    local answer = curl(tokens:realm(), "-d", "grant_type=refresh_token&refresh_token=identity" ..
      "&client_id=x&service=hocker%20specs&scope=repository:private/b:pull")
    assert.equal(404, pull("private/b", answer.body:match('"access_token":"([^"]+)"')))
    assert.equal("POST", tokens:requests()[#tokens:requests()].method)
  end)

  it("can be slow to help, and name its token otherwise", function()
    local other = token_server.start { failures = 1, field = "access_token", expires_in = false,
      anonymous = false, post = false }
    assert.equal(503, curl(other:realm()).status)
    local body = curl(other:realm()).body
    assert.matches('"access_token"', body)
    assert.not_matches('"token"', body)
    assert.not_matches("expires_in", body)
    assert.equal(405, curl(other:realm(), "-d", "a=b").status)
  end)
end)

describe("faulty server", function()
  local server, plain
  local ten = "0123456789"

  setup(function()
    server = faulty.start { tls = certs.shared():server() }
    plain = faulty.start {}
  end)

  local function answer_by(one, reply, ...)
    one:set { ["/x"] = reply }
    return curl(one:url() .. "/x", ...)
  end

  local function answer(...)
    return answer_by(server, ...)
  end

  it("answers what it is told", function()
    local got = answer { status = 418, reason = "Teapot", headers = { A = { "1", 2 },
      Location = "{url}/there" }, body = "short\0stout" }
    assert.matches("^HTTP/1.1 418 Teapot\r\n", got.head)
    assert.matches("A: 1\r\nA: 2\r\n", got.head)
    assert.matches("Location: " .. server:url():gsub("%p", "%%%0") .. "/there\r\n", got.head)
    assert.equal("short\0stout", got.body)
  end)

  it("tells what it was asked", function()
    server:forget()
    answer({ body = "x" }, "-H", "Range: bytes=1-", "--data", "form=1")
    local requests = server:requests()
    assert.equal(1, #requests)
    assert.same({ "POST", "/x", "bytes=1-", "form=1" }, { requests[1].method, requests[1].path,
      requests[1].headers.range, requests[1].body })
  end)

  it("gives replies in order, as often as they say, and when they match", function()
    local got = {}
    server:set { ["GET /x"] = {
      { status = 201, when = { Authorization = "^Bearer good$" } },
      { status = 503, headers = { ["Retry-After"] = 0 }, times = 2 },
      { status = 202, when = { Range = false } },
    } }
    for i, header in ipairs { "A: b", "Authorization: Bearer good", "A: b", "A: b", "Range: x" } do
      got[i] = curl(server:url() .. "/x?query", "-H", header).status
    end
    assert.same({ 503, 201, 503, 202, 500 }, got)
    assert.equal(404, curl(server:url() .. "/y").status)
  end)

  local ranges = {
    { "bytes=3-", 206, "3456789", "bytes 3-9/10" },
    { "bytes=3-4", 206, "34", "bytes 3-4/10" },
    { "bytes=-4", 206, "6789", "bytes 6-9/10" },
    { "bytes=10-", 416, "", "bytes */10" },
    { "lines=1-", 200, ten, nil },
  }
  for _, case in ipairs(ranges) do
    it("honours " .. case[1], function()
      local got = answer({ body = ten, range = true }, "-H", "Range: " .. case[1])
      assert.same({ case[2], case[3], case[4] },
        { got.status, got.body, got.head:match("Content%-Range: ([^\r]*)") })
    end)
  end

  it("sends everything when If-Range names another", function()
    local reply = { body = ten, range = true, headers = { ETag = '"a"' } }
    assert.equal(206, answer(reply, "-r", "5-", "-H", 'If-Range: "a"').status)
    assert.equal(200, answer(reply, "-r", "5-", "-H", 'If-Range: "b"').status)
  end)

  -- Without TLS: what curl makes of a TLS connection that just ends changes with its versions.
  local faults = {
    { "truncates", { truncate = 4 }, 18, "0123" },
    { "truncates chunks", { truncate = 4, chunked = true }, 18, "0123" },
    { "promises too much", { length = 20 }, 18, ten },
    { "promises nothing", { length = false }, 0, ten },
    { "sends chunks", { chunked = true }, 0, ten },
    { "sends wrong bytes", { flip = 2 }, 0, "01\xcd3456789" },
    { "stalls", { stall = 3 }, 28, "012" },
    { "stalls before anything", { delay = 60 }, 28, "" },
    { "drops", { drop = true }, 52, "" },
    { "drips", { rate = 50 }, 0, ten },
  }
  for _, case in ipairs(faults) do
    it(case[1], function()
      case[2].body = ten
      local got = answer_by(plain, case[2], "--max-time", case[3] == 28 and "0.5" or "20")
      assert.same({ case[3], case[4] }, { got.code, got.body })
    end)
  end
end)

describe("nginx", function()
  it("is a front with TLS and Basic auth, which tells what it was asked", function()
    local reg = registry.start()
    local front = nginx.start { to = reg:url(), tls = certs.shared():server(),
      users = { bob = "pw" } }
    assert.equal(401, curl(front:url() .. "/v2/").status)
    assert.equal(200, curl(front:url("localhost") .. "/v2/?a=b", "-u", "bob:pw", "-r", "0-").status)
    local last = front:requests()[2]
    assert.same({ "/v2/", "a=b", 200, "bytes=0-", "Basic Ym9iOnB3" },
      { last.path, last.query, last.status, last.range, last.authorization })
    assert.equal(1, #reg:requests())
  end)

  it("takes directives", function()
    local limited = nginx.start { http = "limit_req_zone $uri zone=z:1m rate=1r/m;",
      server = "limit_req zone=z; limit_req_status 429; location / { return 307 /x; }" }
    assert.equal(307, curl(limited:url() .. "/").status)
    assert.equal("nginx", limited.process.argv[1])
  end)
end)

describe("link", function()
  -- Each number of requests on one connection, and the round trips it takes.
  for requests, round_trips in ipairs { 2, 3, 4 } do
    it(("takes %d round trips for %d requests"):format(round_trips, requests), function()
      local reg = registry.start()
      local far = link.start(reg.port, 0.1)
      local urls = {}
      for i = 1, requests do
        urls[i] = far:url() .. "/v2/"
      end
      local begun = cqueues.monotime()
      local result = process.run { "curl", "-sS", table.unpack(urls) }
      local took = cqueues.monotime() - begun
      far:stop()
      reg:stop()
      assert.equal(("{}"):rep(requests), result.stdout)
      assert.is_true(took >= round_trips * 0.1, took)
    end)
  end
end)

describe("image", function()
  local made = { layers = { { ["etc/motd"] = "hi\n", ["a/b/c"] = "x", link = { symlink = "etc" } },
    { random = 100000 }, {} } }

  it("is the same on every run", function()
    local one, other = image.build(made), image.build(made)
    assert.equal(one.v2s2.bytes, other.v2s2.bytes)
    assert.equal(one.config.bytes, other.config.bytes)
    assert.equal("a/\na/b/\na/b/c\netc/\netc/motd\nlink\n",
      process.check { "tar", "-tf", one.layers[1].tar })
    assert.is_true(one.layers[2].size > 100000)
  end)

  for _, compression in ipairs { "gzip", "zstd", "none" } do
    it("describes its layers truly: " .. compression, function()
      local layer = image.build({ compression = compression }).layers[1]
      assert.equal(layer.size, lfs.attributes(layer.file, "size"))
      assert.equal(layer.digest, image.digest(tmp.read(layer.file)))
      assert.equal(layer.diff_id, image.digest(tmp.read(layer.tar)))
    end)
  end

  for _, format in ipairs { "v2s2", "oci" } do
    it("comes out of a registry as it went in: " .. format, function()
      local reg = registry.start { auth = "htpasswd" }
      local one = image.build(made)
      local opts = { format = format, user = "alice:secret" }
      local uploaded = one:upload(reg, "a/raw", "v1", opts)
      local pushed = one:push(reg, "a/copied", "v1", opts)
      for repository, manifest in pairs { raw = uploaded, copied = pushed } do
        local got = curl(reg:url() .. "/v2/a/" .. repository .. "/manifests/v1", "-u",
          opts.user, "-H", "Accept: " .. manifest.media_type)
        assert.equal(manifest.bytes, got.body)
        assert.equal(manifest.digest, got.head:match("Docker%-Content%-Digest: ([^\r]+)"))
      end
      assert.equal(one[format].bytes, uploaded.bytes)
    end)
  end

  it("can be one of an index", function()
    local reg = registry.start()
    local arm, amd = image.build { architecture = "arm64", variant = "v8" },
      image.build { architecture = "amd64", layers = { { x = "y" } } }
    arm:upload(reg, "a/b", nil, { format = "oci" })
    amd:upload(reg, "a/b", nil, { format = "oci" })
    image.put_manifest(reg, "a/b", "all", image.index { arm, amd })
    for architecture, one in pairs { arm64 = arm, amd64 = amd } do
      assert.equal(one.config.bytes, process.check { "skopeo", "--insecure-policy",
        "--override-arch", architecture, "inspect", "--config", "--raw", "--tls-verify=false",
        "docker://" .. reg:host() .. "/a/b:all" })
    end
  end)
end)

describe("clients", function()
  local archive, made

  setup(function()
    made, archive = image.build { layers = { { x = "1" }, { y = "2" } } }, tmp.path("archive.tar")
    process.check { "skopeo", "--insecure-policy", "copy", "--quiet",
      "oci:" .. made.dir .. ":spec", "docker-archive:" .. archive .. ":demo/app:v1" }
  end)

  it("docker loads an image", function()
    clients.need(clients.docker)
    local docker = clients.docker.start()
    assert.matches("Loaded image: demo/app:v1", docker:load(archive))
    assert.equal(made.config.digest .. "\n",
      docker:run({ "image", "inspect", "--format", "{{.Id}}", "demo/app:v1" }).stdout)
    docker:stop()
  end)

  it("podman loads an image", function()
    clients.need(clients.podman)
    local podman = clients.podman.new()
    assert.matches("Loaded image: docker.io/demo/app:v1", podman:load(archive))
    assert.equal(made.config.digest .. "\n", "sha256:" ..
      podman:run({ "image", "inspect", "--format", "{{.Id}}", "demo/app:v1" }).stdout)
  end)

  it("nix builds", function()
    clients.need(clients.nix)
    local nix = clients.nix.new()
    local out = nix:build(tmp.file([[derivation { name = "x"; builder = "/bin/sh";
      system = builtins.currentSystem; args = [ "-c" "echo built >$out" ]; }]], "x.nix"))
    assert.equal(nix.store, out:sub(1, #nix.store))
    assert.equal("built\n", tmp.read(out))
  end)
end)

describe("machine", function()
  it("is another one, and what runs there ends with it", function()
    clients.need(clients.nix, clients.sandbox, clients.ssh)
    local here = clients.nix.new()
    local there = machine.new(here, { SPEC = "its own" })
    assert.equal("its own\n", there:run({ "printenv", "SPEC" }, { env = { SPEC = "mine" } }).stdout)
    local lock, path = tmp.file("", "lock"), here.store .. "/file"
    assert.equal(0, there:run({ "sh", "-c", "echo theirs >" .. path .. "; setsid flock " .. lock ..
      " sleep 1000 >/dev/null 2>&1 &" }).code)
    assert.is_false(tmp.exists(path))
    assert.equal("theirs\n", there:run({ "cat", path }).stdout)
    local function is_free() return process.run({ "flock", "-n", lock, "true" }).code == 0 end
    process.eventually(function() return not is_free() end, "the lock to be taken")
    there:stop()
    process.eventually(is_free, "the lock to be free", 5)
  end)
end)

describe("the runner", function()
  it("gets a count of what passed, failed and was skipped", function()
    local dir = tmp.dir("specs")
    tmp.write(dir .. "/one_spec.lua", [[describe("one", function()
      it("passes", function() end)
      it("fails", function() assert.equal(1, 2) end)
      it("breaks", function() error({}) end)
      it("skips", function()
        require("support.clients").need { available = function() return false, "no way" end }
      end)
    end)]])
    tmp.write(dir .. "/two_spec.lua", "no Lua at all")
    local result = process.run({ "lua5.4", "spec/support/main.lua", dir })
    assert.matches("\n1 passed, 3 failed, 1 skipped\n$", result.stdout)
    assert.matches("skipped: one skips: .*no way\n", result.stdout)
    assert.not_equal(0, result.code)
  end)
end)
