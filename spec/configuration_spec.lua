local configuration = require "hocker.configuration"
local reference = require "hocker.reference"
local scripts = require "hocker.scripts"
local support = require "support.scripts"

local PATH = "/etc/hocker/config.lua"

local function parse(text)
  return configuration.parse("return " .. text, PATH)
end

describe("a file of the configuration", function()
  it("is a table, whose parts may be missing", function()
    assert.same({ path = PATH, options = {}, commands = {}, mirrors = {}, realms = {},
      policies = {} }, parse "{}")
    local file = assert(parse [[{ options = { jobs = 3, cacert = "x" },
      commands = { image = { format = "oci" } }, realms = { ["quay.io"] = { "auth.example" } },
      mirrors = { ["docker.io"] = { "https://a", "http://b:5000/v2/" },
        ["Reg.example:5000/x/y"] = {} } }]])
    assert.same({ jobs = 3, cacert = "x" }, file.options)
    assert.same({ image = { format = "oci" } }, file.commands)
    assert.same({ ["quay.io"] = { "auth.example" } }, file.realms)
    assert.same({ ["docker.io"] = { "https://a", "http://b:5000/v2/" },
      ["reg.example:5000/x/y"] = {} }, file.mirrors)
  end)

  it("may name Docker Hub as it likes", function()
    for _, name in ipairs { "docker.io", "index.docker.io", "registry-1.docker.io" } do
      local file = parse(("{ mirrors = { [%q] = {} } }"):format(name))
      assert.same({ ["docker.io"] = {} }, file.mirrors)
    end
  end)

  local wrong = {
    ["{ option = {} }"] = "there is no setting 'option'; did you mean 'options'?",
    ["{ 1 }"] = "there is no setting '1'", ["{ options = 1 }"] = "options: it must be a table",
    ["{ options = { 1 } }"] = "options: 1 is no name",
    ["{ options = { jobs = { a = 1 } } }"] = "options: jobs: it is neither a value nor a list",
    ["{ options = { x = { 1 } } }"] = "options: x: entry 1 is no string",
    ["{ commands = { image = 1 } }"] = "commands: image: it must be a table",
    ["{ mirrors = { hub = {} } }"] = "mirrors: hub: it begins with no registry",
    ["{ mirrors = { ['https://a'] = {} } }"] = "mirrors: https://a: ",
    ["{ mirrors = { ['quay.io/'] = {} } }"] = "mirrors: quay.io/: ",
    ["{ mirrors = { ['quay.io/a:b'] = {} } }"] = "mirrors: quay.io/a:b: ",
    ["{ mirrors = { ['docker.io'] = 'https://a' } }"] = "it must be a list of URIs",
    ["{ mirrors = { ['docker.io'] = { 'mirror' } } }"] =
      "mirrors: docker.io: 'mirror' has no scheme",
    ["{ mirrors = { ['docker.io'] = { 'ftp://a' } } }"] = "is not an http or https URI",
    ["{ mirrors = { ['docker.io'] = { 'https://u:p@a' } } }"] = "carries credentials",
    ["{ mirrors = { ['docker.io'] = { url = 'https://a' } } }"] = "it must be a list of URIs",
    ["(function() local t = {} for i = 1, 17 do t[i] = 'https://a' end return { mirrors = " ..
      "{ ['docker.io'] = t } } end)()"] = "more than 16 mirrors",
    ["{ realms = { ['quay.io/x'] = { 'a' } } }"] = "realms: quay.io/x: it must be a registry alone",
    ["{ realms = { ['quay.io'] = 'a' } }"] = "realms: quay.io: it must be a list of hosts",
    ["{ realms = { ['quay.io'] = { 'https://a' } } }"] = "'https://a' is not a host name",
    ["{ realms = { ['quay.io'] = { '*' } } }"] = "'*' is not a host name",
    ["{ options = { x = print() } }"] = "attempt to call a nil value",
  }
  for text, why in pairs(wrong) do
    it("is refused, with its path and key: " .. text, function()
      local file, err = parse(text)
      assert.is_nil(file)
      assert.equal("usage", err.code)
      assert.equal(PATH .. ":", err.message:sub(1, #PATH + 1))
      assert.matches(why, err.message, 1, true)
      assert.is_nil(err.message:find("--mirror", 1, true))
    end)
  end
end)

describe("the configuration", function()
  local near = [[return { options = { jobs = 1 }, mirrors = { ["docker.io"] = { "https://near" },
    ["quay.io/a"] = {} } }]]
  local far = [[return { options = { jobs = 2, retries = 2 }, commands = { image = { jobs = 3,
    retries = 4 } }, mirrors = { ["docker.io"] = { "https://far" },
    ["docker.io/library"] = { "https://lib" }, ["quay.io"] = { "https://quay" } },
    realms = { ["quay.io"] = { "auth" } } }]]

  local function load_both()
    scripts.setup { folders = { support.folder { ["config.lua"] = near },
      support.folder { ["config.lua"] = far } } }
    finally(function() scripts.setup {} end)
    return assert(configuration.load())
  end

  it("is the nearest file's, for each key", function()
    local found = load_both()
    assert.same({ 1, found.files[1].path }, { found:option("layer", "jobs") })
    assert.same({ 2, found.files[2].path }, { found:option("layer", "retries") })
    assert.same({ 1 }, { (found:option("image", "jobs")) })
    assert.same({ 4 }, { (found:option("image", "retries")) })
    assert.is_nil(found:option("image", "progress"))
    local keys = {}
    for _, item in ipairs(found:all("mirrors")) do keys[#keys + 1] = item.key .. #item.value end
    assert.same({ "docker.io1", "docker.io/library1", "quay.io1", "quay.io/a0" }, keys)
  end)

  local cases = { ["team/app"] = "https://near", ["debian"] = "https://lib", ["quay.io/b/c"] =
    "https://quay", ["quay.io/a/b"] = nil, ["quay.io/ab"] = "https://quay", ["other.io/a"] = nil,
    ["docker.io.evil.org/a"] = nil }
  for _, name in ipairs { "team/app", "debian", "quay.io/b/c", "quay.io/a/b", "quay.io/ab",
    "other.io/a", "docker.io.evil.org/a" } do
    it("has the mirrors of the longest part of " .. name, function()
      local ref = assert(reference.parse { name })
      assert.same({ cases[name] }, load_both():mirrors(ref))
    end)
  end

  it("has the realms of a registry", function()
    local found = load_both()
    assert.same({ "auth" }, found:realms(reference.parse { "quay.io/a/b" }))
    assert.same({}, found:realms(reference.parse { "debian" }))
  end)

  it("is empty where there is no file", function()
    local none = configuration.new()
    assert.same({}, none:mirrors(reference.parse { "debian" }))
    assert.is_nil((none:option("image", "jobs")))
  end)
end)
