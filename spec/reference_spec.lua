local reference = require "hocker.reference"

local HUB = "https://registry-1.docker.io/v2/"
local D = "sha256:" .. ("0123456789abcdef"):rep(4)
local D512 = "sha512:" .. ("0123456789abcdef"):rep(8)

local function parse(words, registry)
  if type(words) == "string" then words = { words } end
  return reference.parse(words, registry and { registry = registry })
end

describe("one reference", function()
  -- text, host, path, tag, digest, name
  local hub = {
    { "debian", "library/debian", "latest" },
    { "debian:jessie", "library/debian", "jessie" },
    { "library/debian:jessie", "library/debian", "jessie" },
    { "docker.io/debian", "library/debian", "latest" },
    { "docker.io/library/debian:12", "library/debian", "12" },
    { "index.docker.io/debian", "library/debian", "latest" },
    { "registry-1.docker.io/debian", "library/debian", "latest" },
    { "Docker.IO/debian", "library/debian", "latest" },
    { "bitnami/nginx:1.25", "bitnami/nginx", "1.25" },
    { "a/b/c", "a/b/c", "latest" },
    { "localhost:5000", "library/localhost", "5000" },
    { "localhost", "library/localhost", "latest" },
    { "quay.io", "library/quay.io", "latest" },
    { "debian@" .. D, "library/debian", nil, D },
    { "debian@" .. D512, "library/debian", nil, D512 },
    { "debian:jessie@" .. D, "library/debian", "jessie", D },
    { "a__b", "library/a__b", "latest" },
    { "a-----b/c.d/e_f", "a-----b/c.d/e_f", "latest" },
    { "0/0:_", "0/0", "_" },
    { "a:" .. ("t"):rep(128), "library/a", ("t"):rep(128) },
    { "a:V1.2-rc_3..", "library/a", "V1.2-rc_3.." },
    { ("f"):rep(63), "library/" .. ("f"):rep(63), "latest" },
    { ("f"):rep(63) .. "g", "library/" .. ("f"):rep(63) .. "g", "latest" },
    { ("f"):rep(64) .. ":1", "library/" .. ("f"):rep(64), "1" },
  }
  for _, case in ipairs(hub) do
    it("on Docker Hub: " .. case[1]:sub(1, 50), function()
      local ref = assert(parse(case[1]))
      assert.equal("docker.io", ref.host)
      assert.equal(HUB, ref.api)
      assert.equal(HUB, ref.registry)
      assert.equal(case[2], ref.path)
      assert.equal(case[3], ref.tag)
      assert.equal(case[4], ref.digest)
      assert.equal("docker.io/" .. case[2], ref.name)
      assert.same(case[3] and { "docker.io/" .. case[2] .. ":" .. case[3] }, ref.repo_tags)
      assert.is_false(ref.plain_ok)
    end)
  end

  local elsewhere = {
    { "quay.io/foo/bar:v1", "quay.io", "foo/bar", "v1" },
    { "quay.io/foo", "quay.io", "foo", "latest" },
    { "quay.io:443/foo", "quay.io:443", "foo", "latest" },
    { "Quay.IO/foo", "quay.io", "foo", "latest" },
    { "Foo/bar", "foo", "bar", "latest" },
    { "localhost/foo", "localhost", "foo", "latest", true },
    { "localhost:5000/foo:1", "localhost:5000", "foo", "1", true },
    { "localhost:65535/foo/bar", "localhost:65535", "foo/bar", "latest", true },
    { "localhost:1/foo", "localhost:1", "foo", "latest", true },
    { "127.0.0.1:5000/a", "127.0.0.1:5000", "a", "latest", true },
    { "10.0.0.7/a", "10.0.0.7", "a", "latest" },
    { "[::1]:5000/a/b:c", "[::1]:5000", "a/b", "c", true },
    { "[2001:DB8::1]/a", "[2001:db8::1]", "a", "latest" },
    { "registry:5000/a", "registry:5000", "a", "latest" },
    { "my-registry.example.co.uk/team/app:x", "my-registry.example.co.uk", "team/app", "x" },
    { "docker.io:5000/a", "docker.io:5000", "a", "latest" },
  }
  for _, case in ipairs(elsewhere) do
    it("elsewhere: " .. case[1], function()
      local ref = assert(parse(case[1]))
      assert.equal(case[2], ref.host)
      assert.equal("https://" .. case[2] .. "/v2/", ref.api)
      assert.equal(case[3], ref.path)
      assert.equal(case[4], ref.tag)
      assert.equal(case[2] .. "/" .. case[3], ref.name)
      assert.same({ ref.name .. ":" .. case[4] }, ref.repo_tags)
      assert.equal(case[5] or false, ref.plain_ok)
    end)
  end

  local bad = {
    { "", "no name" },
    { "Debian", "capital letters, names have none: 'debian'" },
    { "library/Debian:jessie", "names have none: 'debian'" },
    { "quay.io/Foo/bar", "names have none: 'foo'" },
    { "docker.io/Debian", "capital letters" },
    { "/debian", "no empty parts" },
    { "debian/", "no empty parts" },
    { "a//b", "no empty parts" },
    { "quay.io//b", "no empty parts" },
    { "quay.io/", "no name" },
    { "quay.io/:1", "no name" },
    { ":jessie", "no name" },
    { "@" .. D, "no name" },
    { "debian:", "the tag is empty" },
    { "debian:@" .. D, "the tag is empty" },
    { "debian@", "the digest is empty" },
    { "debian:a:b", "'a:b' is not a tag" },
    { "debian:-a", "'-a' is not a tag" },
    { "debian:.a", "'.a' is not a tag" },
    { "debian:a+b", "'a+b' is not a tag" },
    { "debian:a b", "is not a tag" },
    { "debian:é", "is not a tag" },
    { "debian:" .. ("t"):rep(129), "at most 128" },
    { "debian@sha256:abc", "is not a digest" },
    { "debian@" .. D:upper(), "is not a digest" },
    { "debian@sha256:" .. D:sub(8):upper(), "lower-case hex" },
    { "debian@md5:" .. ("0"):rep(32), "is not a digest" },
    { "debian@" .. D .. "@" .. D, "is not a digest" },
    { "debian@" .. D .. "/..", "is not a digest" },
    { "debian:" .. D, "a digest comes after '@': NAME@" .. D },
    { "debian:" .. D512, "a digest comes after '@'" },
    { "-debian", "cannot be part" },
    { "debian-", "cannot be part" },
    { "a..b", "cannot be part" },
    { "a___b", "cannot be part" },
    { "a._b", "cannot be part" },
    { "a-_b", "cannot be part" },
    { "a_-b", "cannot be part" },
    { "a.-b", "cannot be part" },
    { "a b", "cannot be part" },
    { "a\nb", "cannot be part" },
    { "a%2fb", "cannot be part" },
    { "../../etc/passwd", "not a host name" },
    { "a/../b", "cannot be part" },
    { "a/b?c", "cannot be part" },
    { "a/b#c", "cannot be part" },
    { "é", "cannot be part" },
    { "*", "cannot be part" },
    { ("0123456789abcdef"):rep(4), "64 hex digits" },
    { "https://quay.io/foo", "leave 'https://' out" },
    { "docker://debian", "leave 'docker://' out" },
    { "localhost:0/a", "'0' is not a port" },
    { "localhost:65536/a", "'65536' is not a port" },
    { "localhost:99999999999999999999/a", "is not a port" },
    { "localhost:/a", "'' is not a port" },
    { "localhost:080/a", "'080' is not a port" },
    { "localhost:5000:1/a", "is not a port" },
    { "localhost:x/a", "'x' is not a port" },
    { "my_host.example/a", "is not a host name" },
    { "-a.example/a", "is not a host name" },
    { "a-.example/a", "is not a host name" },
    { "a..example/a", "is not a host name" },
    { ".example/a", "is not a host name" },
    { "[::1/a", "is not a host name" },
    { "[:::1]/a", "is not a host name" },
    { "[zz]/a", "is not a host name" },
    { "[::1]x/a", "is not a port" },
    { ":5000/a", "is not a host name" },
    { ("a/"):rep(130) .. "a", "at most 255" },
    { ("a"):rep(248), "at most 255" },
    { "registry.example/" .. ("a"):rep(256), "at most 255" },
  }
  for _, case in ipairs(bad) do
    it("refuses " .. ("%q"):format(case[1]:sub(1, 50)), function()
      local ref, err = parse(case[1])
      assert.is_nil(ref)
      assert.equal("usage", err.code)
      assert.is_truthy(err.message:find(case[2], 1, true), err.message)
    end)
  end

  it("takes the longest name there can be", function()
    for prefix, path in pairs { [""] = "library/", ["registry.example:5000/"] = "" } do
      local name = ("a"):rep(255 - #path)
      assert.equal(path .. name, assert(parse(prefix .. name)).path)
      assert.is_nil((parse(prefix .. name .. "a")))
    end
  end)

  it("does not repeat a password that was put in front of a host", function()
    for _, text in ipairs { "me:hunter2@quay.io/foo", "https://me:hunter2@quay.io/foo" } do
      local ref, err = parse(text)
      assert.is_nil(ref)
      assert.is_nil(err.message:find("hunter2", 1, true))
    end
  end)
end)

describe("NAME TAG", function()
  local cases = {
    { { "library/debian", "jessie" }, "docker.io/library/debian", "jessie",
      "registry-1.docker.io/v2/library/debian:jessie" },
    { { "debian", "jessie" }, "docker.io/library/debian", "jessie",
      "registry-1.docker.io/v2/library/debian:jessie" },
    { { "a/b/c", "1" }, "docker.io/a/b/c", "1", "registry-1.docker.io/v2/a/b/c:1" },
    { { "quay.io/foo/bar", "v1" }, "quay.io/foo/bar", "v1", "quay.io/foo/bar:v1" },
    { { "docker.io/debian", "1" }, "docker.io/library/debian", "1", "docker.io/library/debian:1" },
    { { "localhost:5000/a", "1" }, "localhost:5000/a", "1", "localhost:5000/a:1" },
    { { ("f"):rep(64), "1" }, "docker.io/library/" .. ("f"):rep(64), "1",
      "registry-1.docker.io/v2/library/" .. ("f"):rep(64) .. ":1" },
  }
  for _, case in ipairs(cases) do
    it(table.concat(case[1], " "):sub(1, 50), function()
      local ref = assert(parse(case[1]))
      assert.equal(case[2], ref.name)
      assert.equal(case[3], ref.tag)
      assert.is_nil(ref.digest)
      assert.same({ case[4] }, ref.repo_tags)
    end)
  end

  it("takes a digest for a tag", function()
    local ref = assert(parse { "debian", D })
    assert.is_nil(ref.tag)
    assert.equal(D, ref.digest)
    assert.is_nil(ref.repo_tags)
    assert.equal("docker.io/library/debian@" .. D, tostring(ref))
  end)

  it("takes a tag and a digest", function()
    local ref = assert(parse { "debian", "jessie@" .. D })
    assert.equal("jessie", ref.tag)
    assert.equal(D, ref.digest)
    assert.same({ "registry-1.docker.io/v2/library/debian:jessie" }, ref.repo_tags)
  end)

  local bad = {
    { { "", "a" }, "no name" },
    { { "debian", "" }, "the tag is empty" },
    { { "debian", "a b" }, "is not a tag" },
    { { "debian", "a/b" }, "is not a tag" },
    { { "debian", "../../x" }, "is not a tag" },
    { { "debian", "sha256:abc" }, "is not a digest" },
    { { "debian", "a:b" }, "is not a digest" },
    { { "debian", "@" .. D }, "the tag is empty" },
    { { "debian:jessie", "jessie" }, "twice" },
    { { "debian@" .. D, "jessie" }, "twice" },
    { { "localhost:5000/a:1", "1" }, "twice" },
    { { "Debian", "jessie" }, "capital letters" },
    { { "https://quay.io/a", "1" }, "leave 'https://' out" },
    { { "debian", "jessie", "x" }, "3 words" },
    { {}, "0 words" },
  }
  for _, case in ipairs(bad) do
    it("refuses " .. ("%q"):format(table.concat(case[1], " "):sub(1, 50)), function()
      local ref, err = parse(case[1])
      assert.is_nil(ref)
      assert.equal("usage", err.code)
      assert.is_truthy(err.message:find(case[2], 1, true), err.message)
    end)
  end
end)

describe("--registry", function()
  -- URI, api, host, two-word RepoTags, reference-form RepoTags
  local uris = {
    { "https://h", "https://h/v2/", "h", "h/a/b:1", "h/a/b:1" },
    { "https://h/", "https://h/v2/", "h", "h/a/b:1", "h/a/b:1" },
    { "https://h/v2", "https://h/v2/", "h", "h/v2/a/b:1", "h/a/b:1" },
    { "https://h/v2/", "https://h/v2/", "h", "h/v2/a/b:1", "h/a/b:1" },
    { "https://h:5000", "https://h:5000/v2/", "h:5000", "h:5000/a/b:1", "h:5000/a/b:1" },
    { "http://h:5000/", "http://h:5000/v2/", "h:5000", "h:5000/a/b:1", "h:5000/a/b:1" },
    { "http://localhost:5000", "http://localhost:5000/v2/", "localhost:5000",
      "localhost:5000/a/b:1", "localhost:5000/a/b:1" },
    { "https://h/prefix", "https://h/prefix/v2/", "h", "h/prefix/a/b:1", "h/prefix/a/b:1" },
    { "https://h/prefix/v2/", "https://h/prefix/v2/", "h", "h/prefix/v2/a/b:1", "h/prefix/a/b:1" },
    { "https://h/api/docker/x/", "https://h/api/docker/x/v2/", "h", "h/api/docker/x/a/b:1",
      "h/api/docker/x/a/b:1" },
    { "https://h/v2/v2", "https://h/v2/v2/", "h", "h/v2/v2/a/b:1", "h/v2/a/b:1" },
    { "https://h/v1/x", "https://h/v1/x/v2/", "h", "h/v1/x/a/b:1", "h/v1/x/a/b:1" },
    { "https://h/notv2", "https://h/notv2/v2/", "h", "h/notv2/a/b:1", "h/notv2/a/b:1" },
    { "https://h:443/", "https://h/v2/", "h", "h:443/a/b:1", "h/a/b:1" },
    { "https://[::1]:5000", "https://[::1]:5000/v2/", "[::1]:5000", "[::1]:5000/a/b:1",
      "[::1]:5000/a/b:1" },
    { HUB, HUB, "docker.io", "registry-1.docker.io/v2/a/b:1", "docker.io/a/b:1" },
    { "https://registry-1.docker.io", HUB, "docker.io", "registry-1.docker.io/a/b:1",
      "docker.io/a/b:1" },
    { "https://index.docker.io/v2/", HUB, "docker.io", "index.docker.io/v2/a/b:1",
      "docker.io/a/b:1" },
    { "https://docker.io", HUB, "docker.io", "docker.io/a/b:1", "docker.io/a/b:1" },
  }
  for _, case in ipairs(uris) do
    it(case[1], function()
      local two = assert(parse({ "a/b", "1" }, case[1]))
      local one = assert(parse("a/b:1", case[1]))
      for _, ref in ipairs { two, one } do
        assert.equal(case[1], ref.registry)
        assert.equal(case[2], ref.api)
        assert.equal(case[3], ref.host)
        assert.equal("a/b", ref.path)
        assert.equal("1", ref.tag)
        assert.is_false(ref.plain_ok)
      end
      assert.same({ case[4] }, two.repo_tags)
      assert.same({ case[5] }, one.repo_tags)
    end)
  end

  -- URI, api, path, two-word RepoTags, reference-form RepoTags
  local projects = {
    { "https://h/v2/team", "https://h/v2/", "team/a/b", "h/v2/team/a/b:1", "h/team/a/b:1" },
    { "https://h/v2/team/x/", "https://h/v2/", "team/x/a/b", "h/v2/team/x/a/b:1",
      "h/team/x/a/b:1" },
    { "https://h:5000/p/v2/team", "https://h:5000/p/v2/", "team/a/b", "h:5000/p/v2/team/a/b:1",
      "h:5000/p/team/a/b:1" },
    { "https://h/v2/team/v2", "https://h/v2/team/v2/", "a/b", "h/v2/team/v2/a/b:1",
      "h/v2/team/a/b:1" },
    { HUB .. "c", HUB, "c/a/b", "registry-1.docker.io/v2/c/a/b:1", "docker.io/c/a/b:1" },
  }
  for _, case in ipairs(projects) do
    it("with a part of the names: " .. case[1], function()
      local two, one = assert(parse({ "a/b", "1" }, case[1])), assert(parse("a/b:1", case[1]))
      assert.same({ case[2], case[3], { case[4] } }, { two.api, two.path, two.repo_tags })
      assert.same({ case[2], case[3], { case[5] } }, { one.api, one.path, one.repo_tags })
      local again = assert(parse({ two.path, "1" }, two.registry))
      assert.same({ two.api, two.path, two.name }, { again.api, again.path, again.name })
    end)
  end

  it("adds library/ on Docker Hub only", function()
    assert.equal("debian", assert(parse({ "debian", "1" }, "https://h")).path)
    assert.equal("debian", assert(parse("debian", "https://h")).path)
    assert.equal("library/debian", assert(parse({ "debian", "1" }, HUB)).path)
    assert.equal("library/debian", assert(parse("debian", "https://docker.io/")).path)
    assert.equal("debian", assert(parse("debian", "https://docker.io:5000/")).path)
    assert.equal("debian", assert(parse("debian", "https://docker.io/mirror")).path)
  end)

  it("looks for no host in the name", function()
    local ref = assert(parse({ "quay.io/foo", "1" }, "https://mirror.example"))
    assert.equal("https://mirror.example/v2/", ref.api)
    assert.equal("quay.io/foo", ref.path)
    assert.equal("mirror.example/quay.io/foo", ref.name)
  end)

  it("allows plain http elsewhere when it is told to, but not to Docker Hub", function()
    local function plain_ok(words, registry)
      return assert(reference.parse(words, { registry = registry, insecure = true })).plain_ok
    end
    assert.is_true(plain_ok { "reg.example/a" })
    assert.is_true(plain_ok { "10.0.0.7:5000/a", "1" })
    assert.is_false(plain_ok { "debian" })
    assert.is_false(plain_ok { "docker.io/a/b" })
    assert.is_false(plain_ok({ "a" }, "https://reg.example"))
  end)

  it("allows no plain http that was not asked for", function()
    assert.is_false(assert(parse("a", "https://localhost:5000")).plain_ok)
  end)

  local bad = {
    { "localhost:5000", "has no scheme: write https:// in front of it" },
    { "h", "has no scheme" },
    { "", "has no scheme" },
    { "ftp://h", "http or https" },
    { "https://", "http or https" },
    { "https://h:0", "a port that nothing listens on" },
    { "https://h:65536", "http or https" },
    { "https://h/a b", "http or https" },
    { "https://h/?x", "a query or a fragment" },
    { "https://h/#x", "a query or a fragment" },
    { "https://h#", "a query or a fragment" },
    { "https://h//a", "an empty part in its path" },
    { "https://h/v2/Team", "names have none: 'team'" },
    { "https://h/v2/a%2e", "cannot be part of a name" },
    { "https://h/v1/", "version 1 of the protocol" },
    { "https://index.docker.io/v1", "version 1 of the protocol" },
    { "https://me:hunter2@h/", "carries credentials" },
    { "https://me@h/", "carries credentials" },
  }
  for _, case in ipairs(bad) do
    it("refuses " .. case[1], function()
      local ref, err = parse({ "a/b", "1" }, case[1])
      assert.is_nil(ref)
      assert.equal("usage", err.code)
      assert.is_truthy(err.message:find(case[2], 1, true), err.message)
      assert.is_nil(err.message:find("hunter2", 1, true))
    end)
  end

  for _, registry in ipairs { "https://h", HUB } do
    it("refuses a name with a host and a port, on " .. registry, function()
      local ref, err = parse({ "localhost:5000/a", "1" }, registry)
      assert.is_nil(ref)
      assert.matches("begins with a host", err.message)
    end)
  end
end)

describe("a reference", function()
  it("prints as it would be written", function()
    assert.equal("docker.io/library/debian:latest", tostring(assert(parse "debian")))
    assert.equal("docker.io/library/debian:1@" .. D, tostring(assert(parse("debian:1@" .. D))))
    assert.equal("h/p/a:1", tostring(assert(parse({ "a", "1" }, "https://h/p"))))
  end)

  it("reads what it prints", function()
    for _, text in ipairs { "debian", "quay.io/a/b:c@" .. D, "[::1]:5000/a@" .. D } do
      local ref = assert(parse(text))
      local again = assert(parse(tostring(ref)))
      assert.same(ref, again)
    end
  end)

  it("is pinned without changing", function()
    local ref = assert(parse "debian:1")
    local pinned = assert(ref:with_digest(D))
    assert.equal("docker.io/library/debian:1@" .. D, tostring(pinned))
    assert.same(ref.repo_tags, pinned.repo_tags)
    assert.is_nil(ref.digest)
    local no, err = ref:with_digest("sha256:../../x")
    assert.is_nil(no)
    assert.equal("verification", err.code)
  end)

  it("knows its scope", function()
    assert.equal("repository:library/debian:pull", assert(parse "debian"):scope())
    assert.equal("repository:a:pull", assert(parse({ "a", "1" }, "https://h/prefix")):scope())
  end)

  it("makes URLs", function()
    local ref = assert(parse "debian:1")
    assert.equal(HUB .. "library/debian/manifests/1", ref:manifest_url())
    assert.equal(HUB .. "library/debian/manifests/2", ref:manifest_url("2"))
    assert.equal(HUB .. "library/debian/manifests/" .. D, ref:manifest_url(D))
    assert.equal(HUB .. "library/debian/manifests/" .. D,
      assert(parse("debian:1@" .. D)):manifest_url())
    assert.equal(HUB .. "library/debian/blobs/" .. D512, ref:blob_url(D512))
    assert.equal("https://h/p/v2/a/blobs/" .. D,
      assert(parse({ "a", "1" }, "https://h/p/v2")):blob_url(D))
  end)

  it("makes no URL of what is neither a tag nor a digest", function()
    local ref = assert(parse "debian:1")
    for _, text in ipairs { "", "..", "../x", "a/b", "a?b", "sha256:..", D:sub(1, -2) } do
      assert.is_nil((ref:manifest_url(text)))
      assert.is_nil((ref:blob_url(text)))
    end
    assert.is_nil((ref:blob_url("latest")))
  end)

  local splits = {
    { "debian", "library", "debian" }, { "a/b", "a", "b" }, { "a/b/c", "a", "b/c" },
    { "quay.io/a/b/c", "a", "b/c" }, { "localhost/a", nil, "a" },
  }
  for _, case in ipairs(splits) do
    it("is split for the Nix fetchers: " .. case[1], function()
      assert.same({ case[2], case[3] }, { assert(parse(case[1])):split() })
    end)
  end
end)

describe("reference.parse", function()
  it("raises when it is misused", function()
    assert.has_error(function() reference.parse("debian") end)
    assert.has_error(function() reference.parse({ 1 }) end)
    assert.has_error(function() reference.parse({ "a" }, { registry = 1 }) end)
    local ok, message = pcall(reference.parse, { "a" }, { regsitry = "https://h" })
    assert.is_false(ok)
    assert.matches("unknown option 'regsitry'", message)
  end)
end)
