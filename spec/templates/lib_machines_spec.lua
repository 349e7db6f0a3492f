--- The Nix library on more than one machine: builds that Nix hands on, and pieces that are copied.

local clients = require "support.clients"
local image = require "support.image"
local machine = require "support.machine"
local nixlib = require "support.nixlib"
local registry = require "support.registry"
local tmp = require "support.tmp"

describe("the Nix library on several machines", function()
  local reg, img, file, here, there

  lazy_setup(function()
    reg = registry.start()
    img = image.build { layers = { { ["etc/motd"] = "hello\n" }, { random = 50000 } } }
    img:upload(reg, "demo/app", "v1")
    file = nixlib.file(reg, "demo/app", "v1")
  end)
  lazy_teardown(function() reg:stop() end)

  local function test(name, body)
    it(name, function()
      clients.need(clients.nix, machine.client)
      here = clients.nix.new()
      there = machine.new(here)
      body()
    end)
  end

  local function check(result)
    assert.equal(0, result.code, result.stderr)
    return result.stdout:match("%S+")
  end

  local function build(on, attribute, ...)
    return on:run { "nix-build", "--no-out-link", "--expr", nixlib.image(file) .. (attribute or ""),
      ... }
  end

  -- The base layer alone.
  local function build_layer(...)
    return here:run { "nix-build", "--no-out-link", "--expr",
      ("builtins.elemAt %s.imageLayers 0"):format(nixlib.image(file)), ... }
  end

  local function copy(to, path)
    local result = here:run { "nix", "--extra-experimental-features", "nix-command", "copy",
      "--no-check-sigs", "--to", to, path }
    assert.equal(0, result.code, result.stderr)
  end

  local function system()
    return here:run({ "nix-instantiate", "--eval", "--expr", "builtins.currentSystem" })
      .stdout:match('"(.-)"')
  end

  -- No build is done here, whatever it prefers.
  local function elsewhere()
    return "--max-jobs", "0", "--option", "build-poll-interval", "1", "--builders",
      ("%s %s - 4"):format(there.uri, system())
  end

  local function archive_of(script, on)
    local path = tmp.path("image.tar")
    local result = on:run({ script }, { stdout = path })
    assert.equal(0, result.code, result.stderr)
    return image.digest_of_file(path)
  end

  test("builds an image elsewhere, and has it here", function()
    local result = build(here, ".stream", elsewhere())
    local script = check(result)
    local _, count = result.stderr:gsub("on 'ssh://localhost", "")
    assert.equal(4, count, result.stderr)
    assert.is_true(there:has(script))
    assert.equal(archive_of(script, there), archive_of(script, here))
  end)

  test("assembles an image of what was fetched here and there", function()
    local layer = check(build_layer(elsewhere()))
    assert.is_true(there:has(layer))
    local before = #reg:requests()
    local script = check(build(here, ".stream"))
    for i, request in ipairs(reg:requests()) do
      if i > before then assert.not_matches(img.layers[1].digest, request.path, 1, true) end
    end
    assert.is_false(there:has(script))
    archive_of(script, here)
  end)

  test("copies an image with all that it is made of", function()
    local script = check(build(here, ".stream"))
    assert.is_false(there:has(script))
    copy(there.uri, script)
    assert.is_true(there:has(script))
    assert.equal(archive_of(script, here), archive_of(script, there))
  end)

  test("takes from a cache what is there, and fetches only the rest", function()
    local cache = "file://" .. tmp.dir("cache")
    local script = check(build(here, ".stream"))
    copy(cache, check(build_layer()))
    local before = #reg:requests()
    assert.equal(script, check(build(there, ".stream", "--option", "substituters", cache,
      "--option", "require-sigs", "false")))
    local asked = {}
    for i, request in ipairs(reg:requests()) do
      local digest = request.path:match("/blobs/(.*)$")
      if i > before and digest then asked[digest] = true end
    end
    assert.same({ [img.config.digest] = true, [img.layers[2].digest] = true }, asked)
  end)
end)
