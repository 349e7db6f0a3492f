local image = require "support.image"
local policy = require "hocker.policy"
local port = require "support.port"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local tmp = require "support.tmp"

describe("the policy offline", function()
  local reg, img, layout, name

  setup(function()
    reg = registry.start()
    img = image.build { layers = { { a = "1" }, { b = "2" } } }
    img:push(reg, "demo/app", "v1", { format = "oci" })
    name = reg:host() .. "/demo/app:v1"
    layout = tmp.path("layout")
    program.check("hocker-image", { "--out", layout, "--format", "oci", name })
  end)
  teardown(function() reg:stop() end)

  local function words(parameters, which, ...)
    return { "--policy", ("offline:layout=%s%s"):format(layout, parameters), which or name, ... }
  end

  local function archive(...)
    local out = tmp.path("image.tar")
    program.check("hocker-image", table.move({ "--out", out }, 1, 2, select("#", ...) + 1, { ... }))
    return tmp.read(out)
  end

  it("takes all from a layout, and asks no registry", function()
    local want = archive(name)
    local before = #reg:requests()
    assert.equal(want, archive(table.unpack(words "")))
    assert.equal(want, archive(table.unpack(words ",only")))
    assert.equal(img.config.bytes, program.check("hocker-config", words ",only"))
    assert.equal(before, #reg:requests())
    local digest = name:gsub(":v1$", "") .. "@" .. img.oci.digest
    assert.equal(img.oci.bytes, program.check("hocker-manifest", words(",only", digest)))
  end)

  it("may be there twice, and all layouts are looked into", function()
    local empty = tmp.path("none")
    program.check("hocker-manifest", words(",only", nil, "--policy", "offline:layout=" .. empty))
    program.check("hocker-manifest", { "--policy", "offline:layout=" .. empty,
      table.unpack(words ",only") })
  end)

  it("asks the registry for what is not there, unless it may not", function()
    img:push(reg, "demo/other", "v2", { format = "oci" })
    local other = reg:host() .. "/demo/other:v2"
    assert.equal(img.oci.bytes, program.check("hocker-manifest", words("", other)))
    assert.matches("policy 'offline': http.*/demo/other/manifests/v2 is not asked for: what is "
      .. "wanted is in none of /", program.refuses(8, "hocker-manifest", words(",only", other)))
    program.refuses(8, "hocker-manifest", words(",only", "127.0.0.1:" .. port.free() .. "/a:b"))
  end)

  it("does not take an image of another name", function()
    program.refuses(8, "hocker-manifest", words(",only", reg:host() .. "/demo/app:v2"))
    program.refuses(8, "hocker-manifest", words(",only", reg:host() .. "/demo/app2:v1"))
    -- A layout of skopeo, where a tag is all that an image has.
    local skopeo = ("offline:layout=%s,only"):format(img.dir)
    program.refuses(8, "hocker-manifest", { "--policy", skopeo, "spec" })
  end)

  it("passes over a blob that is broken, and tells so", function()
    local function put(bytes)
      local path = ("%s/blobs/%s"):format(layout, img.layers[1].digest:gsub(":", "/"))
      os.remove(path)
      tmp.write(path, bytes)
    end
    local good = tmp.read(img.layers[1].file)
    finally(function() put(good) end)
    put("x" .. good:sub(2))
    local out = tmp.path("image.tar")
    local _, stderr = program.check("hocker-image", words("", nil, "--out", out))
    assert.matches("passed over", stderr)
    assert.equal(archive(name), tmp.read(out))
    local result = program.run("hocker-image", words(",only", nil, "--out", tmp.path("none")))
    assert.equal(8, result.code)
  end)

  it("does not wait for what is no file", function()
    local path = ("%s/blobs/%s"):format(layout, img.config.digest:gsub(":", "/"))
    finally(function()
      os.remove(path)
      tmp.write(path, img.config.bytes)
    end)
    os.remove(path)
    process.check { "mkfifo", path }
    assert.equal(img.config.bytes, program.check("hocker-config", words "", { timeout = 20 }))
  end)

  it("tells what a tag stands for", function()
    local lock = tmp.dir("lock") .. "/hocker.lock"
    program.check("hocker", { "lock", "add", "--file", lock, "app", name })
    assert.equal("", program.check("hocker", { "lock", "outdated", "--file", lock, "--policy",
      ("offline:layout=%s,only"):format(layout) }))
  end)

  it("does not take a manifest that is broken", function()
    local path = ("%s/blobs/%s"):format(layout, img.oci.digest:gsub(":", "/"))
    finally(function()
      os.remove(path)
      tmp.write(path, img.oci.bytes)
    end)
    os.remove(path)
    tmp.write(path, img.oci.bytes .. " ")
    program.refuses(5, "hocker-manifest", words "")
  end)

  it("needs a directory", function()
    local one, err = policy.load "offline"
    assert.is_nil(one)
    assert.matches("it needs 'layout'", err.message)
    one, err = policy.load { "offline", layout = { "images" } }
    assert.is_nil(one)
    assert.matches("parameter 'layout' must be an absolute path", err.message)
    local path = tmp.path("none")
    assert.equal(img.oci.bytes, program.check("hocker-manifest",
      { "--policy", "offline:layout=" .. path, name }))
  end)
end)
