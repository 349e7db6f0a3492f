local certs = require "support.certs"
local core = require "hocker.core"
local credentials = require "hocker.credentials"
local faulty = require "support.faulty"
local platform = require "hocker.platform"
local reference = require "hocker.reference"
local registry = require "hocker.registry"
local session = require "hocker.session"

local OCI = "application/vnd.oci.image."

local function descriptor(bytes, media_type, target)
  return ('{"mediaType":"%s","digest":"%s","size":%d%s}'):format(media_type, core.digest.of(bytes),
    #bytes, target and ',"platform":' .. target or "")
end

local CONFIG = '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["' ..
  core.digest.of("layer") .. '"]}}'

--- The bytes of a manifest; `layer` makes them differ.
local function manifest(layer, config)
  return ('{"schemaVersion":2,"mediaType":"%smanifest.v1+json","config":%s,"layers":[%s]}'):format(
    OCI, descriptor(config or CONFIG, OCI .. "config.v1+json"),
    descriptor(layer, OCI .. "layer.v1.tar"))
end

--- The bytes of an index of manifests; a list of { bytes, platform, kind }.
local function index(entries)
  local list = {}
  for i, entry in ipairs(entries) do
    list[i] = descriptor(entry[1], OCI .. (entry[3] or "manifest") .. ".v1+json",
      entry[2] and ('{"os":"linux","architecture":"%s"}'):format(entry[2]))
  end
  return ('{"schemaVersion":2,"mediaType":"%sindex.v1+json","manifests":[%s]}'):format(OCI,
    table.concat(list, ","))
end

local AMD64 = { os = "linux", architecture = "amd64" }

describe("a registry", function()
  local server, s

  setup(function() server = faulty.start {} end)
  before_each(function()
    server:forget()
    s = assert(session.new { retries = 0 })
  end)
  after_each(function() s:close() end)

  --- The repository team/app of the server.
  local function open(tag, more)
    local opts = more or {}
    opts.session = s
    opts.ref = assert(reference.parse({ "team/app", tag or "v1" }, { registry = server:url() }))
    return registry.new(opts)
  end

  --- Serves manifests: a map of tags to bytes, each also by its digest.
  local function serve(tags, more)
    local routes = more or {}
    for tag, bytes in pairs(tags) do
      local reply = { body = bytes, headers = {
        ["Content-Type"] = bytes:match('"mediaType":"([^"]*)"') } }
      routes["/v2/team/app/manifests/" .. tag] = reply
      routes["/v2/team/app/manifests/" .. core.digest.of(bytes)] = reply
    end
    server:set(routes)
  end

  local function asked()
    local paths = {}
    for i, request in ipairs(server:requests()) do paths[i] = request.path end
    return paths
  end

  describe("document", function()
    it("is the manifest of a tag, with its digest", function()
      local bytes = manifest("a")
      serve { v1 = bytes }
      local document = assert(open():document())
      assert.equal(bytes, document.bytes)
      assert.equal(core.digest.of(bytes), document.digest)
      assert.equal("image", document.kind)
      local request = server:requests()[1]
      assert.equal("/v2/team/app/manifests/v1", request.path)
      for _, media_type in ipairs { OCI .. "manifest.v1+json", OCI .. "index.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json" } do
        assert.matches(media_type, request.headers.accept, 1, true)
      end
    end)

    it("is fetched by the digest of the reference, or another", function()
      local bytes = manifest("a")
      local digest = core.digest.of(bytes)
      serve { v1 = bytes }
      assert.equal(digest, assert(open(digest):document()).digest)
      assert.equal(digest, assert(open("v1@" .. digest):document()).digest)
      assert.equal(digest, assert(open("v2"):document(digest)).digest)
      for _, path in ipairs(asked()) do assert.equal("/v2/team/app/manifests/" .. digest, path) end
    end)

    it("is refused when it has another digest", function()
      local want = core.digest.of("other")
      serve({}, { ["*"] = { body = manifest("a") } })
      local document, err = open(want):document()
      assert.is_nil(document)
      assert.equal("verification", err.code)
      assert.matches(want, err.message, 1, true)
    end)

    local good = core.digest.of(manifest("a"))
    local claims = {
      { good, true },
      { core.digest.of("other"), false, core.digest.of("other") },
      { "sha256:short", false, "something else" },
      { good:upper():gsub("SHA256", "sha256"), false, "something else" },
      { "sha512:not compared", true },
      { "", true },
    }
    for _, claim in ipairs(claims) do
      it(("of a tag is compared with what the registry claims: %.20s"):format(claim[1]), function()
        server:set { ["*"] = { body = manifest("a"),
          headers = { ["Docker-Content-Digest"] = claim[1] } } }
        local document, err = open():document()
        if claim[2] then
          assert.equal(good, document.digest)
        else
          assert.is_nil(document)
          assert.equal("verification", err.code)
          assert.matches("but the registry says " .. claim[3], err.message, 1, true)
        end
      end)
    end

    it("is refused when it is too large", function()
      server:set { ["*"] = { body = (" "):rep((4 << 20) + 1) } }
      local document, err = open():document()
      assert.is_nil(document)
      assert.equal("verification", err.code)
      assert.matches("manifest: ", err.message, 1, true)
    end)
  end)

  describe("an error", function()
    local said = '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no such tag","detail":1}]}'
    local cases = {
      { { status = 404, body = said }, "not_found",
        ": HTTP 404: MANIFEST_UNKNOWN: no such tag (check the name and the tag)" },
      { { status = 404, body = "<html>nothing</html>" }, "not_found",
        ": HTTP 404: nothing (check the name and the tag)" },
      { { status = 403, body = '{"errors":[{"code":"DENIED"}]}' }, "unauthorized",
        ": HTTP 403: DENIED (it may be private, or not exist: log in, or check the name)" },
      { { status = 404, body = '{"errors":[{"code":"UNAUTHORIZED","message":"no"}]}' },
        "unauthorized",
        "UNAUTHORIZED: no (it may be private, or not exist: log in, or check the name)" },
      { { status = 404, body = '{"message":"denied"}' }, "not_found",
        ": HTTP 404: denied (check the name and the tag)" },
      { { status = 429, headers = { ["Retry-After"] = 42, ["RateLimit-Limit"] = "100;w=21600" } },
        "network",
        ": HTTP 429 (the limit is 100 in 6 h; try again in 42 s; a login may raise it)" },
      { { status = 429, headers = { ["RateLimit-Reset"] = 3600, ["X-RateLimit-Limit"] = 60 } },
        "network", ": HTTP 429 (the limit is 60; try again in 1 h; a login may raise it)" },
      { { status = 429, headers = { ["X-RateLimit-Reset"] = 1000000000 } }, "network",
        ": HTTP 429 (too many requests; try again in 1 s; a login may raise it)" },
      { { status = 429, headers = { ["X-RateLimit-Reset"] = "2099-01-01T00:00:00Z" } }, "network",
        "; try again after 2099-01-01T00:00:00Z; a login may raise it)" },
      { { status = 429, headers = { ["Retry-After"] = 7200 } }, "network",
        " (the server asks to wait 7200 seconds) (too many requests; a login may raise it)" },
      { { status = 500, body = '{"errors":[{"message":"a\\u001b[31mb"}]}' }, "network",
        ": HTTP 500: a\27[31mb" },
      { { status = 400, body = '{"errors":[]}' }, "protocol", ": HTTP 400" },
      { { status = 400, body = '{"errors":["x"]}' }, "protocol", ": HTTP 400: x" },
      { { status = 400, body = '{"errors":{"code":"x"}}' }, "protocol", ": HTTP 400: x" },
      { { status = 400, body = '{"errors":[{"code":1,"message":null}]}' }, "protocol",
        ": HTTP 400" },
      { { status = 400, body = "[1]" }, "protocol", ": HTTP 400" },
      { { status = 400, body = "null" }, "protocol", ": HTTP 400" },
      { { status = 400, body = '"' .. ("x"):rep(100000) .. '"' }, "protocol",
        ": HTTP 400: \"" .. ("x"):rep(296) .. "..." },
      { { body = "<html>hello</html>" }, "protocol",
        ": manifest: it looks like a web page, not a registry's answer" },
      { { body = "" }, "protocol", ": manifest: it is empty" },
    }
    for i, case in ipairs(cases) do
      it(("says what was wanted and what the registry said: %d"):format(i), function()
        server:set { ["*"] = case[1] }
        local document, err = open():document()
        assert.is_nil(document)
        assert.equal(case[2], err.code)
        local name = server:host() .. "/team/app:v1"
        assert.equal(name, err.message:sub(1, #name))
        assert.equal(case[3], err.message:sub(-#case[3]))
        assert.equal(name, tostring(err.ref))
        assert.equal(case[1].status and case[1].status or nil, err.http)
      end)
    end

    it("does not repeat a registry's sermon", function()
      local body = ('{"errors":[{"message":"%s"}]}'):format(("x"):rep(9999))
      server:set { ["*"] = { status = 404, body = body } }
      local _, err = open():document()
      assert.is_true(#err.message < 600)
    end)

    it("of a blob names it", function()
      server:set { ["*"] = { status = 404 } }
      local digest = core.digest.of("x")
      local ok, err = open():blob({ digest = digest }, core.sink.null(), "layer")
      assert.is_nil(ok)
      assert.equal("not_found", err.code)
      assert.equal("layer " .. digest .. " of " .. server:host() .. "/team/app:v1: ",
        err.message:match("^(.-)GET "))
    end)
  end)

  describe("image", function()
    it("is the manifest itself", function()
      local bytes = manifest("a")
      serve { v1 = bytes }
      local image = assert(open():image())
      assert.equal(bytes, image.manifest.bytes)
      assert.is_nil(image.index)
      assert.equal(core.digest.of(bytes), image.ref.digest)
      assert.equal("v1", image.ref.tag)
    end)

    it("is chosen from an index, by platform", function()
      local amd, arm = manifest("amd"), manifest("arm")
      local bytes = index { { arm, "arm64" }, { amd, "amd64" } }
      serve { v1 = bytes, a = amd, b = arm }
      local image = assert(open():image(AMD64))
      assert.equal(amd, image.manifest.bytes)
      assert.equal(bytes, image.index.bytes)
      assert.equal(core.digest.of(amd), image.ref.digest)
      local other = assert(open():image { os = "linux", architecture = "arm64" })
      assert.equal(arm, other.manifest.bytes)
      assert.same({ "/v2/team/app/manifests/v1", "/v2/team/app/manifests/" .. core.digest.of(amd),
        "/v2/team/app/manifests/v1", "/v2/team/app/manifests/" .. core.digest.of(arm) }, asked())
    end)

    it("of this machine is chosen when nothing is said", function()
      local mine = manifest("mine")
      local here = registry.host_platform().architecture
      serve { v1 = index { { mine, here }, { manifest("x"), "x" } }, a = mine }
      assert.equal(mine, assert(open():image()).manifest.bytes)
    end)

    it("is not found where the platform is not", function()
      serve { v1 = index { { manifest("a"), "arm64" } , { manifest("b"), "s390x" } } }
      local image, err = open():image(AMD64)
      assert.is_nil(image)
      assert.equal("not_found", err.code)
      assert.matches("linux/arm64", err.message, 1, true)
      assert.matches("^" .. server:host() .. "/team/app:v1: ", err.message)
    end)

    it("that is not what the index says is refused", function()
      local one, other = manifest("one"), manifest("other")
      server:set {
        ["/v2/team/app/manifests/v1"] = { body = index { { one, "amd64" } } },
        ["/v2/team/app/manifests/" .. core.digest.of(one)] = { body = other },
      }
      local image, err = open():image(AMD64)
      assert.is_nil(image)
      assert.equal("verification", err.code)
    end)

    it("may be in an index in an index, but not for ever", function()
      local bytes, tags = manifest("a"), {}
      tags.leaf = bytes
      for depth = 1, 4 do
        bytes = index { { bytes, "amd64", depth > 1 and "index" or nil } }
        tags["depth" .. depth] = bytes
      end
      serve(tags)
      assert.equal(tags.leaf, assert(open("depth3"):image(AMD64)).manifest.bytes)
      local image, err = open("depth4"):image(AMD64)
      assert.is_nil(image)
      assert.equal("unsupported", err.code)
      assert.matches("indexes in indexes, more than 4 deep", err.message, 1, true)
    end)
  end)

  describe("images", function()
    local ARM64 = { os = "linux", architecture = "arm64" }
    local amd, arm, s390 = manifest("amd"), manifest("arm"), manifest("s390")
    local several = index { { arm, "arm64" }, { amd, "amd64" }, { s390, "s390x" } }

    local function platforms(found)
      local list = {}
      for i, image in ipairs(found.images) do list[i] = platform.format(image.platform) end
      return list
    end

    local function serve_config(bytes, tags)
      serve(tags, { ["/v2/team/app/blobs/" .. core.digest.of(bytes)] = { body = bytes } })
    end

    it("are all of an index, in its order", function()
      serve { v1 = several, a = amd, b = arm, c = s390 }
      local found = assert(open():images())
      assert.equal(several, found.index.bytes)
      assert.equal(core.digest.of(several), found.digest)
      assert.same({ "linux/arm64", "linux/amd64", "linux/s390x" }, platforms(found))
      for i, bytes in ipairs { arm, amd, s390 } do
        assert.equal(bytes, found.images[i].manifest.bytes)
        assert.equal(core.digest.of(bytes), found.images[i].ref.digest)
      end
      assert.equal(4, #asked())
    end)

    it("are those that are wanted, in that order", function()
      serve { v1 = several, a = amd, b = arm, c = s390 }
      local found = assert(open():images { AMD64, { os = "linux", architecture = "aarch64" } })
      assert.same({ "linux/amd64", "linux/arm64" }, platforms(found))
      assert.equal(amd, found.images[1].manifest.bytes)
      assert.equal(arm, found.images[2].manifest.bytes)
      assert.equal(3, #asked())
    end)

    it("leave out attestations, artifacts and what is there twice", function()
      local bytes = index { { amd, "amd64" }, { arm }, { arm, "amd64" } }
      bytes = bytes:gsub("%]}$", (",%s,%s]}"):format(
        descriptor(arm, OCI .. "manifest.v1+json", '{"os":"unknown","architecture":"unknown"}'),
        descriptor(arm, OCI .. "manifest.v1+json", '{"os":"linux","architecture":"arm64"}')
          :gsub("}$", ',"annotations":{"vnd.docker.reference.type":"attestation-manifest"}}')))
      serve { v1 = bytes, a = amd, b = arm }
      local found = assert(open():images())
      assert.same({ "linux/amd64" }, platforms(found))
      assert.equal(amd, found.images[1].manifest.bytes)
    end)

    it("are one where there is no index, with the platform that its configuration has", function()
      serve_config(CONFIG, { v1 = amd })
      for _, wants in ipairs { {}, { { AMD64 } } } do
        local found = assert(open():images(wants[1]))
        assert.is_nil(found.index)
        assert.equal(core.digest.of(amd), found.digest)
        assert.same({ "linux/amd64" }, platforms(found))
        assert.equal(amd, found.images[1].manifest.bytes)
      end
      local _, err = open():images { AMD64, ARM64 }
      assert.equal("not_found", err.code)
      assert.matches("team/app:v1: no image for linux/arm64; there is linux/amd64", err.message, 1,
        true)
    end)

    it("may be the one of an index that tells no platform", function()
      serve_config(CONFIG, { v1 = index { { amd } }, a = amd })
      for _, wants in ipairs { {}, { { AMD64 } } } do
        assert.same({ "linux/amd64" }, platforms(assert(open():images(wants[1]))))
      end
      local _, err = open():images { ARM64 }
      assert.equal("not_found", err.code)
    end)

    it("whose platform nobody tells are an error", function()
      local config = CONFIG:gsub('"os":"linux",', "")
      serve_config(config, { v1 = manifest("layer", config) })
      local found, err = open():images()
      assert.is_nil(found)
      assert.equal("unsupported", err.code)
      assert.matches("which platform", err.message, 1, true)
    end)

    it("are not fetched when they are too many", function()
      local entries = {}
      for i = 1, 65 do entries[i] = { amd, "a" .. i } end
      serve { v1 = index(entries), a = amd }
      local found, err = open():images()
      assert.is_nil(found)
      assert.equal("refused", err.code)
      assert.equal(1, #asked())
      entries[65] = nil
      serve { v1 = index(entries), a = amd }
      assert.equal(64, #assert(open():images()).images)
    end)

    it("are of no known platform where a configuration would tell, and is not wanted", function()
      serve { v1 = amd, v2 = index { { arm } }, b = arm }
      for _, tag in ipairs { "v1", "v2" } do
        for _, wants in ipairs { {}, { { AMD64 } } } do
          local found = assert(open(tag):images(wants[1], { manifests_only = true }))
          assert.equal(1, #found.images)
          assert.is_nil(found.images[1].platform)
        end
      end
      for _, path in ipairs(asked()) do assert.not_matches("/blobs/", path) end
    end)

    it("fail together", function()
      serve { v1 = several, a = amd, b = arm }
      local found, err = open():images()
      assert.is_nil(found)
      assert.equal("not_found", err.code)
      found, err = open():images { { os = "linux", architecture = "riscv64" } }
      assert.is_nil(found)
      assert.equal("not_found", err.code)
      assert.matches("there is linux/arm64, linux/amd64, linux/s390x", err.message, 1, true)
      serve { v1 = index {} }
      found, err = open():images()
      assert.is_nil(found)
      assert.matches("the index has no images", err.message, 1, true)
    end)
  end)

  describe("the digest", function()
    local bytes = manifest("a")
    local path = "/v2/team/app/manifests/v1"

    local function methods()
      local list = {}
      for i, request in ipairs(server:requests()) do list[i] = request.method end
      return list
    end

    it("of a tag is told without the document", function()
      local headers = { ["Docker-Content-Digest"] = core.digest.of(bytes) }
      server:set { [path] = { headers = headers } }
      assert.equal(core.digest.of(bytes), open():digest())
      assert.same({ "HEAD" }, methods())
    end)

    it("of a tag is that of the document, where the registry does not tell", function()
      for _, reply in ipairs { { status = 405 }, { status = 200 }, { status = 404 },
        { headers = { ["Docker-Content-Digest"] = "sha256:X" } } } do
        server:forget()
        server:set { ["HEAD " .. path] = reply, [path] = { body = bytes } }
        assert.equal(core.digest.of(bytes), open():digest())
        assert.same({ "HEAD", "GET" }, methods())
      end
    end)

    it("of a digest needs no registry", function()
      assert.equal(core.digest.of "x", open(core.digest.of "x"):digest())
      assert.same({}, methods())
    end)

    it("is an error in the document's words", function()
      server:set { [path] = { status = 404, body = '{"errors":[{"message":"gone"}]}' } }
      local digest, err = open():digest()
      assert.is_nil(digest)
      assert.equal("not_found", err.code)
      assert.matches("gone", err.message, 1, true)
    end)
  end)

  describe("a blob", function()
    local DIGEST = core.digest.of("hello")

    local function blob(body, d, opts)
      server:set { ["/v2/team/app/blobs/" .. d.digest] = { body = body } }
      local buffer = core.buffer(100)
      local ok, err = open():blob(d, buffer:sink(), "layer", opts)
      return ok and buffer:data(), err
    end

    for _, queue in ipairs { false, 100 } do
      local how = queue and ", by a worker" or ""
      it("is verified" .. how, function()
        local started
        assert.equal("hello", blob("hello", { digest = DIGEST, size = 5 }, { queue = queue or nil,
          on_start = function(transfer) started = transfer end }))
        assert.is_userdata(started)
        assert.equal("hello", blob("hello", { digest = DIGEST }, { queue = queue or nil }))
      end)

      local wrong = {
        { "hullo", { digest = DIGEST, size = 5 } },
        { "hello", { digest = DIGEST, size = 4 } },
        { "hello", { digest = DIGEST, size = 6 } },
        { "hello", { digest = DIGEST }, 4 },
      }
      for i, case in ipairs(wrong) do
        it(("is refused when it is not what was asked for: %d%s"):format(i, how), function()
          local data, err = blob(case[1], case[2], { queue = queue or nil, max = case[3] })
          assert.is_nil(data)
          assert.equal("verification", err.code)
          assert.matches("layer " .. DIGEST, err.message, 1, true)
        end)
      end
    end

    it("is not asked for by what is no digest", function()
      server:set { ["*"] = { body = "hello" } }
      assert.error_matches(function()
        open():blob({ digest = "sha256:../../../etc/passwd" }, core.sink.null())
      end, "'digest' must be a digest")
      assert.same({}, asked())
    end)

    it("has a tail, where the server can do that", function()
      local at = "/v2/team/app/blobs/" .. DIGEST
      server:set { [at] = { body = "hello", range = true } }
      assert.equal("llo", open():tail({ digest = DIGEST, size = 5 }, 3))
      assert.equal("hello", open():tail({ digest = DIGEST, size = 5 }, 5))
      assert.is_nil((open():tail({ digest = DIGEST, size = 4 }, 5)))
      server:set { [at] = { body = "hello" } }
      local tail, err = open():tail({ digest = DIGEST, size = 5 }, 3)
      assert.is_falsy(tail)
      assert.equal("unsupported", err.code)
    end)
  end)

  describe("config", function()
    local function config(bytes, claimed)
      serve({ v1 = manifest("layer", claimed or bytes) },
        { ["/v2/team/app/blobs/" .. core.digest.of(claimed or bytes)] = { body = bytes } })
      local repository = open()
      return repository:config(assert(repository:image()))
    end

    it("is that of the manifest", function()
      local got = assert(config(CONFIG))
      assert.equal(CONFIG, got.bytes)
      assert.same({ core.digest.of("layer") }, got.diff_ids)
    end)

    local wrong = {
      { CONFIG .. " ", CONFIG, "verification" },
      { (CONFIG:gsub("amd64", "amd46")), CONFIG, "verification" },
      { "no json", nil, "protocol" },
      { (CONFIG:gsub("%[.*%]", "[]")), nil, "verification" },
    }
    for i, case in ipairs(wrong) do
      it("is refused when it is not: " .. i, function()
        local got, err = config(case[1], case[2])
        assert.is_nil(got)
        assert.equal(case[3], err.code)
        assert.matches(server:host() .. "/team/app:v1", err.message, 1, true)
      end)
    end
  end)

  describe("without a scheme", function()
    local secure

    setup(function() secure = faulty.start { tls = certs.shared():server() } end)

    --- The repository by a reference alone.
    local function by_name(at, opts)
      s:close()
      s = assert(session.new(opts or { retries = 0 }))
      return registry.new { session = s, ref = assert(reference.parse { at:host() .. "/app:v1" }) }
    end

    local ROUTES = { ["/v2/app/manifests/v1"] = { body = manifest("a") },
      ["/v2/app/blobs/" .. core.digest.of("hello")] = { body = "hello" },
      ["/v2/"] = {} }

    it("is asked by plain http when it does not speak TLS", function()
      server:set(ROUTES)
      local repository = by_name(server)
      assert(repository:document())
      assert.equal("http://" .. server:host() .. "/v2/", repository.ref.api)
      assert(repository:document())
      assert.same({ "/v2/app/manifests/v1", "/v2/app/manifests/v1" }, asked())
    end)

    it("can begin with a blob", function()
      server:set(ROUTES)
      assert.is_true(by_name(server):blob({ digest = core.digest.of("hello") }, core.sink.null()))
    end)

    it("keeps to https where that works, whatever the answer is", function()
      secure:set(ROUTES)
      local repository = by_name(secure, { cacert = secure.tls.ca, retries = 0 })
      assert(repository:document())
      assert.matches("^https:", repository.ref.api)
      secure:set { ["*"] = { status = 404 } }
      repository = by_name(secure, { cacert = secure.tls.ca, retries = 0 })
      local document, err = repository:document()
      assert.is_nil(document)
      assert.equal("not_found", err.code)
      assert.matches("^https:", repository.ref.api)
    end)

    it("is not asked by plain http when its certificate is not trusted", function()
      secure:set(ROUTES)
      local repository = by_name(secure)
      local document, err = repository:document()
      assert.is_nil(document)
      assert.equal("network", err.code)
      assert.matches("the server's certificate is not trusted", err.message, 1, true)
      assert.matches("^https:", repository.ref.api)
    end)

    -- nginx and docker-registry answer so on their TLS port.
    it("is told what went wrong with TLS when plain http is no answer", function()
      server:set { ["*"] = { status = 400, body = "HTTP request to an HTTPS server" } }
      local repository = by_name(server)
      local document, err = repository:document()
      assert.is_nil(document)
      assert.equal("network", err.code)
      assert.matches("GET https://", err.message, 1, true)
      assert.matches("^https:", repository.ref.api)
    end)

    it("is asked by https alone when it is another machine's", function()
      local ref = assert(reference.parse { server:host() .. "/app:v1" })
      ref.plain_ok = false -- as that of any other host
      server:set(ROUTES)
      local document, err = registry.new({ session = s, ref = ref }):document()
      assert.is_nil(document)
      assert.equal("network", err.code)
      assert.same({}, asked())
      assert.is_false(assert(reference.parse { "registry.example/app:v1" }).plain_ok)
    end)
  end)

  it("sends credentials to its own challenge", function()
    server:set { ["*"] = { { when = { Authorization = "^Basic " }, body = manifest("a") },
      { status = 401, headers = { ["WWW-Authenticate"] = 'Basic realm="x"' } } } }
    local cred = assert(credentials.from_flags { username = "u", password = "p" })
    assert(open("v1", { credentials = cred }):document())
    assert.equal(assert(core.auth.basic("u", "p")), server:requests()[2].headers.authorization)
  end)
end)
