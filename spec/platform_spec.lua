local platform = require "hocker.platform"

describe("platform.parse", function()
  -- text, and how the result prints
  local good = {
    { "linux/amd64", "linux/amd64" },
    { "linux/x86_64", "linux/amd64" },
    { "linux/x86-64", "linux/amd64" },
    { "linux/amd64/v1", "linux/amd64" },
    { "linux/amd64/v3", "linux/amd64/v3" },
    { "linux/amd64/3", "linux/amd64/v3" },
    { "linux/i386", "linux/386" },
    { "linux/i686", "linux/386" },
    { "linux/386/sse2", "linux/386" },
    { "linux/aarch64", "linux/arm64" },
    { "linux/arm64/v8", "linux/arm64" },
    { "linux/arm64/8", "linux/arm64" },
    { "linux/arm64/v8.0", "linux/arm64" },
    { "linux/arm64/v8.2", "linux/arm64/v8.2" },
    { "linux/arm64/9", "linux/arm64/v9" },
    { "linux/arm64/9.0", "linux/arm64/v9" },
    { "linux/arm64/v9.0", "linux/arm64/v9" },
    { "linux/arm64/v9.3", "linux/arm64/v9.3" },
    { "linux/arm", "linux/arm/v7" },
    { "linux/arm/7", "linux/arm/v7" },
    { "linux/arm/v6", "linux/arm/v6" },
    { "linux/arm/5", "linux/arm/v5" },
    { "linux/arm/8", "linux/arm/v8" },
    { "linux/armhf", "linux/arm/v7" },
    { "linux/armel", "linux/arm/v6" },
    { "linux/armv6l", "linux/arm/v6" },
    { "linux/armhf/v6", "linux/arm/v6" },
    { "linux/ppc64el", "linux/ppc64le" },
    { "linux/mips64el", "linux/mips64le" },
    { "linux/loongarch64", "linux/loong64" },
    { "Linux/AMD64", "linux/amd64" },
    { "macos/arm64", "darwin/arm64" },
    { "linux/ppc64le/power9", "linux/ppc64le/power9" },
    { "linux/whatever", "linux/whatever" },
    { "windows(10.0.17763)/amd64", "windows(10.0.17763)/amd64" },
    { "windows(10.0.17763+win32k)/amd64/v2", "windows(10.0.17763+win32k)/amd64/v2" },
    { "windows(+win32k+x)/amd64", "windows(+win32k+x)/amd64" },
    { "amd64", "linux/amd64" },
    { "AMD64", "linux/amd64" },
    { "aarch64", "linux/arm64" },
    { "armhf", "linux/arm/v7" },
    { "386", "linux/386" },
    { "arm/v7", "linux/arm/v7" },
    { "arm/6", "linux/arm/v6" },
    { "arm64/v8", "linux/arm64" },
    { "AArch64/V9", "linux/arm64/v9" },
    { "armhf/v6", "linux/arm/v6" },
    { "x86-64/v3", "linux/amd64/v3" },
    { "windows/amd64:10.0.17763.1", "windows(10.0.17763.1)/amd64" },
    { "linux/arm/v7:1", "linux(1)/arm/v7" },
    { "windows/amd64,osver=10.0.17763", "windows(10.0.17763)/amd64" },
  }
  for _, case in ipairs(good) do
    it("reads " .. case[1], function()
      assert.equal(case[2], platform.format(assert(platform.parse(case[1]))))
    end)
  end

  it("takes what a word leaves open from the host", function()
    local host = platform.host("armv6l")
    assert.equal("linux/arm/v6", platform.format(assert(platform.parse("linux", host))))
    assert.equal("windows/arm/v6", platform.format(assert(platform.parse("windows", host))))
    assert.equal("darwin/arm/v6", platform.format(assert(platform.parse("macos", host))))
    assert.equal("freebsd/arm64",
      platform.format(assert(platform.parse("arm64", { os = "freebsd", architecture = "amd64" }))))
  end)

  it("takes what an architecture and its variant leave open from the host", function()
    local host = { os = "freebsd", architecture = "amd64" }
    assert.equal("freebsd/arm/v6", platform.format(assert(platform.parse("arm/v6", host))))
  end)

  it("takes `local` for the host", function()
    local host = platform.host("armv6l")
    assert.same(host, assert(platform.parse("local", host)))
    assert.is_nil((platform.parse("local")))
  end)

  it("reads its own text", function()
    for _, case in ipairs(good) do
      local first = assert(platform.parse(case[1]))
      assert.same(first, assert(platform.parse(platform.format(first))))
    end
  end)

  it("keeps versions and features apart", function()
    local p = assert(platform.parse "windows(10.0.1+a+b)/amd64")
    assert.same({ os = "windows", architecture = "amd64", ["os.version"] = "10.0.1",
      ["os.features"] = { "a", "b" } }, p)
  end)

  local bad = {
    "", "/", "//", "linux/", "/amd64", "linux//v7", "linux/amd64/", "linux/amd64/v2/x",
    "arm/", "arm/v 7", "windows/amd64:", "windows(1)/amd64:2", "windows/amd64,osver=",
    "windows/amd64,os=1", ":1", "a:b/c",
    "linux/am d64", "lin ux/amd64", "linux/amd64/v 2", "linux(/amd64",
    "linux()/amd64", "linux(1/amd64",
    "linux(1+)/amd64", "linux(1)x/amd64", "linux(1+a b)/amd64", "linux(1a/amd64)", "linux,amd64",
    "hurd", "amd65", "linux/amd64\n", "é/amd64", "linux/é", "linux", ("x"):rep(1000),
  }
  for _, text in ipairs(bad) do
    it("refuses " .. ("%q"):format(text:sub(1, 40)), function()
      local p, err = platform.parse(text)
      assert.is_nil(p)
      assert.equal("usage", err.code)
      assert.matches("is not a platform", err.message)
    end)
  end
end)

describe("platform.normalise", function()
  it("raises for a text, which platform.parse reads", function()
    local ok, raised = pcall(platform.select, {}, "linux/arm64")
    assert.is_false(ok)
    assert.matches("a platform is a table, as platform.parse gives it, not linux/arm64", raised)
  end)

  it("leaves its argument alone", function()
    local raw = { os = "linux", architecture = "aarch64", variant = "v8", ["os.features"] = {} }
    assert.same({ os = "linux", architecture = "arm64" }, platform.normalise(raw))
    assert.same("aarch64", raw.architecture)
    assert.same("v8", raw.variant)
    assert.same({}, raw["os.features"])
  end)

  it("takes what is empty for missing", function()
    assert.same({ os = "linux", architecture = "amd64" }, platform.normalise {
      os = "linux", architecture = "amd64", variant = "", ["os.version"] = "" })
  end)
end)

describe("platform.host", function()
  local armv6 = "processor\t: 0\nmodel name\t: ARMv6-compatible processor rev 7 (v6l)\n"
    .. "CPU architecture: 7\n"
  local cases = {
    { "x86_64", nil, "linux/amd64" },
    { "aarch64", nil, "linux/arm64" },
    { "aarch64", "CPU architecture: 8\n", "linux/arm64" },
    { "arm64", nil, "linux/arm64" },
    { "i686", nil, "linux/386" },
    { "armv7l", nil, "linux/arm/v7" },
    { "armv7l", "CPU architecture\t: 7\n", "linux/arm/v7" },
    { "armv7l", armv6, "linux/arm/v6" },
    { "armv6l", armv6, "linux/arm/v6" },
    { "armv6l", "", "linux/arm/v6" },
    { "armv5tel", "CPU architecture: 5TEJ\n", "linux/arm/v5" },
    { "armv8l", "CPU architecture: 8\n", "linux/arm/v8" },
    { "armv8l", "CPU architecture: AArch64\n", "linux/arm/v8" },
    { "armv7l", "CPU architecture: banana\n", "linux/arm/v7" },
    { "ppc64le", nil, "linux/ppc64le" },
    { "s390x", nil, "linux/s390x" },
    { "riscv64", nil, "linux/riscv64" },
    { "mips64", nil, "linux/mips64" },
    { "loongarch64", nil, "linux/loong64" },
    { "pdp11", nil, "linux/pdp11" },
  }
  for _, case in ipairs(cases) do
    it(("is %s on %s"):format(case[3], case[1]), function()
      assert.equal(case[3], platform.format(platform.host(case[1], case[2])))
    end)
  end
end)

--- An index of the platforms given; "-" has none, anything else is taken apart here.
local function index(...)
  local list = {}
  for i, text in ipairs { ... } do
    local os, architecture, variant = text:match("^([^/]*)/([^/]*)/?(.*)$")
    list[i] = { n = i, platform = os and { os = os, architecture = architecture,
      variant = variant ~= "" and variant or nil } }
  end
  return list
end

describe("platform.select", function()
  -- want, index, number of the entry
  local cases = {
    { "linux/amd64", { "linux/arm64", "linux/amd64" }, 2 },
    { "linux/amd64", { "linux/amd64", "linux/amd64" }, 1 },
    { "linux/amd64", { "linux/x86_64" }, 1 },
    { "linux/amd64", { "windows/amd64", "linux/amd64" }, 2 },
    { "linux/amd64", { "linux/amd64/v1" }, 1 },
    { "linux/amd64", { "linux/amd64/v2", "linux/amd64" }, 2 },
    { "linux/amd64", { "linux/386" } },
    { "linux/amd64", { "linux/amd64/v2" } },
    { "linux/amd64/v3", { "linux/amd64", "linux/amd64/v2", "linux/amd64/v3" }, 3 },
    { "linux/amd64/v3", { "linux/amd64", "linux/amd64/v2", "linux/amd64/v4" }, 2 },
    { "linux/amd64/v3", { "linux/386", "linux/amd64" }, 2 },
    { "linux/arm64", { "linux/arm64/v8" }, 1 },
    { "linux/arm64/v8", { "linux/arm64" }, 1 },
    { "linux/arm64", { "linux/arm/v7" } },
    { "linux/arm64", { "linux/arm64/v9" } },
    { "linux/arm64/v9", { "linux/arm64", "linux/arm64/v9" }, 2 },
    { "linux/arm64/v9", { "linux/arm64/v8" }, 1 },
    { "linux/arm64/v9", { "linux/arm64", "linux/arm64/v8.5" }, 2 },
    { "linux/arm64/v9", { "linux/arm64/v8.6" } },
    { "linux/arm64/v9.2", { "linux/arm64/v9", "linux/arm64/v9.1" }, 2 },
    { "linux/arm64/v9.2", { "linux/arm64/v8.7", "linux/arm64/v9" }, 2 },
    { "linux/arm64/v8.2", { "linux/arm64", "linux/arm64/v8.1", "linux/arm64/v8.3" }, 2 },
    { "linux/arm", { "linux/arm/v5", "linux/arm/v7", "linux/arm/v6" }, 2 },
    { "linux/arm", { "linux/arm" }, 1 },
    { "linux/arm/v6", { "linux/arm/v7", "linux/arm/v5" }, 2 },
    { "linux/arm/v6", { "linux/arm/v7" } },
    { "linux/arm/v5", { "linux/arm/v6", "linux/arm/v5" }, 2 },
    { "linux/arm/v8", { "linux/arm/v6", "linux/arm/v7" }, 2 },
    { "linux/s390x", { "linux/s390x" }, 1 },
    { "linux/ppc64le/power9", { "linux/ppc64le" }, 1 },
    { "linux/ppc64le/power9", { "linux/ppc64le", "linux/ppc64le/power9" }, 2 },
    { "linux/ppc64le", { "linux/ppc64le/power9" } },
    { "linux/amd64", {} },
    { "linux/amd64", { "unknown/unknown" } },
    { "linux/unknown", { "linux/unknown" }, 1 },
    { "linux/amd64", { "linux/" } },
    { "linux/amd64", { "/amd64" } },
    { "linux/amd64", { "-" }, 1 },
    { "linux/amd64", { "/" }, 1 },
    { "linux/amd64", { "-", "unknown/unknown" }, 1 },
    { "linux/amd64", { "-", "-" } },
    { "linux/amd64", { "-", "linux/arm64" } },
    { "linux/amd64", { "-", "linux/amd64" }, 2 },
  }
  for _, case in ipairs(cases) do
    it(("of [%s] for %s"):format(table.concat(case[2], " "), case[1]), function()
      local want = assert(platform.parse(case[1]))
      local found, err = platform.select(index(table.unpack(case[2])), want)
      if case[3] then
        assert.equal(case[3], found and found.n)
      else
        assert.is_nil(found)
        assert.equal("not_found", err.code)
      end
    end)
  end

  local amd64 = { os = "linux", architecture = "amd64" }

  it("takes no attestation for an image", function()
    local found = platform.select({
      { n = 1, platform = amd64,
        annotations = { ["vnd.docker.reference.type"] = "attestation-manifest" } },
      { n = 2, platform = { os = "unknown", architecture = "unknown" } },
      { n = 3, platform = amd64, annotations = { ["org.example"] = "x" } },
    }, amd64)
    assert.equal(3, found.n)
  end)

  it("takes no artifact for an image", function()
    local found = platform.select({
      { n = 1, artifactType = "application/vnd.example" },
      { n = 2 },
    }, amd64)
    assert.equal(2, found.n)
    found = platform.select({ { n = 1, artifactType = "application/vnd.example" } }, amd64)
    assert.is_nil(found)
    found = platform.select({ { n = 1, artifactType = "application/x", platform = amd64 } }, amd64)
    assert.equal(1, found.n)
  end)

  it("takes any revision of the Windows version asked for", function()
    local function windows(version, features)
      return { n = version, platform = { os = "windows", architecture = "amd64",
        ["os.version"] = version, ["os.features"] = features } }
    end
    local list = { windows "10.0.14393.1", windows "10.0.177630.1", windows "10.0.17763.6",
      windows("10.0.17763.7", { "win32k" }), { n = "none", platform = { os = "windows",
      architecture = "amd64" } } }
    local function pick(text)
      local found = platform.select(list, assert(platform.parse(text)))
      return found and found.n
    end
    assert.equal("10.0.17763.6", pick "windows(10.0.17763)/amd64")
    assert.equal("10.0.14393.1", pick "windows/amd64")
    assert.equal("10.0.17763.7", pick "windows(10.0.17763.7)/amd64")
    assert.equal("10.0.17763.7", pick "windows(10.0.17763+win32k)/amd64")
    assert.is_nil(pick "windows(10.0.20348)/amd64")
    assert.is_nil(pick "windows(+other)/amd64")
  end)

  it("lists what is there", function()
    local _, err = platform.select(index("linux/amd64", "linux/arm/v6", "linux/amd64", "-",
      "unknown/unknown"), { os = "linux", architecture = "riscv64" })
    assert.equal("no image for linux/riscv64; "
      .. "there is linux/amd64, linux/arm/v6, one of no platform", err.message)
    _, err = platform.select({}, amd64)
    assert.equal("no image for linux/amd64; the index has no images", err.message)
  end)

  it("does not list too much", function()
    local many = {}
    for i = 1, 4096 do many[i] = ("linux/a%d"):format(i) end
    local _, err = platform.select(index(table.unpack(many)), amd64)
    assert.matches("linux/a12 and 4084 more$", err.message)
    _, err = platform.select(index(table.unpack(many, 1, 12)), amd64)
    assert.matches("linux/a12$", err.message)
  end)
end)

describe("platform.list", function()
  it("has each platform of an index's images once, in its order", function()
    local list = {}
    for i, name in ipairs { "linux/arm64/v8", "linux/x86_64", "unknown/unknown", "linux/aarch64",
      "linux/arm/v6" } do
      list[i] = { platform = platform.parse(name) }
    end
    list[#list + 1] = {}
    list[#list + 1] = { platform = platform.parse "linux/s390x",
      annotations = { ["vnd.docker.reference.type"] = "attestation-manifest" } }
    local names = {}
    for i, one in ipairs(platform.list(list)) do names[i] = platform.format(one) end
    assert.same({ "linux/arm64", "linux/amd64", "linux/arm/v6" }, names)
    assert.same({}, platform.list { {} })
  end)
end)
