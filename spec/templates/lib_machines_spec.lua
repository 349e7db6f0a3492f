--- The Nix library on more than one machine: builds that Nix hands on over ssh, and pieces that are
--- copied.

local clients = require "support.clients"
local image = require "support.image"
local machine = require "support.machine"
local nixlib = require "support.nixlib"
local process = require "support.process"
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
  after_each(function()
    if there then there:stop() end
    there = nil
  end)

  local function test(name, body)
    it(name, function()
      clients.need(clients.nix, clients.sandbox, clients.ssh)
      here = clients.nix.new()
      there = machine.new(here)
      body()
    end)
  end

  local function check(result)
    assert.equal(0, result.code, result.stderr)
    return result.stdout:match("%S+")
  end

  local function build_expression(on, expression, ...)
    return check(on:run { "nix-build", "--no-out-link", "--expr", expression, ... })
  end

  -- The program that prints the image.
  local function build(on, ...)
    return build_expression(on, nixlib.image(file) .. ".stream", ...)
  end

  local function build_config(on, ...)
    return build_expression(on, nixlib.image(file) .. ".imageConfig", ...)
  end

  -- The base.
  local function build_layer(on, ...)
    return build_expression(on, ("builtins.elemAt %s.imageLayers 0"):format(nixlib.image(file)),
      ...)
  end

  -- `way` is "--to" or "--from".
  local function copy(on, way, uri, ...)
    check(on:run { "nix", "--extra-experimental-features", "nix-command", "copy", way, uri, ... })
  end

  local function builders(uri)
    local system = here:run({ "nix-instantiate", "--eval", "--expr", "builtins.currentSystem" })
      .stdout:match('"(.-)"')
    return "--builders", ("%s %s - 4"):format(uri or there.uri, system)
  end

  -- No build is done here, whatever it prefers.
  local function elsewhere(uri)
    return "--max-jobs", "0", "--option", "build-poll-interval", "1", builders(uri)
  end

  local function archive_of(script, on)
    local path = tmp.path("image.tar")
    check(on:run({ script }, { stdout = path }))
    return image.digest_of_file(path)
  end

  -- What was asked of the registry during a call, by digest.
  local function fetched(body)
    local before, digests = #reg:requests(), {}
    body()
    for i, request in ipairs(reg:requests()) do
      local digest = i > before and request.path:match("/blobs/(.*)$")
      if digest then digests[digest] = (digests[digest] or 0) + 1 end
    end
    return digests
  end

  for _, scheme in ipairs { "ssh", "ssh-ng" } do
    test("builds an image elsewhere over " .. scheme .. ", and has it here", function()
      local uri = there.uri:gsub("^ssh", scheme)
      local result = here:run { "nix-build", "--no-out-link", "--expr",
        nixlib.image(file) .. ".stream", elsewhere(uri) }
      local script = check(result)
      -- Two layers, the configuration and the program.
      local _, count = result.stderr:gsub("building '[^\n]* on '" .. uri:gsub("%p", "%%%0"), "")
      assert.equal(4, count, result.stderr)
      assert.is_true(there:has(script))
      assert.equal(archive_of(script, there), archive_of(script, here))
    end)
  end

  test("builds here where that may be", function()
    build(here, builders())
    assert.same({}, tmp.list(there.dir .. "/store"))
  end)

  test("assembles here what was fetched here and there", function()
    local layer = build_layer(here, elsewhere())
    assert.is_true(there:has(layer))
    local script
    local digests = fetched(function() script = build(here) end)
    assert.same({ [img.config.digest] = 1, [img.layers[2].digest] = 1 }, digests)
    assert.is_false(there:has(script))
    archive_of(script, here)
  end)

  test("assembles elsewhere what was fetched here and there", function()
    local layer = build_layer(here)
    assert.is_false(there:has(layer))
    local script
    local digests = fetched(function() script = build(here, elsewhere()) end)
    assert.same({ [img.config.digest] = 1, [img.layers[2].digest] = 1 }, digests)
    assert.is_true(there:has(layer))
    assert.equal(archive_of(script, there), archive_of(script, here))
  end)

  test("takes hocker along, where it is in the store", function()
    local folder = tmp.dir("package")
    process.check { "mkdir", folder .. "/bin" }
    process.check { "cp", nixlib.hocker .. "/bin/hocker", folder .. "/bin" }
    local script = build_expression(here, ("((import %s { hocker = %s; }).call %s).stream")
      :format(nixlib.path, folder, file), elsewhere())
    local package = tmp.read(script):match("^#!(.*)/bin/hocker")
    assert.equal(here.store, package:sub(1, #here.store))
    assert.is_true(there:has(package))
    assert.equal(archive_of(script, there), archive_of(script, here))
  end)

  test("copies an image with all that it is made of", function()
    local script, layer, config = build(here), build_layer(here), build_config(here)
    copy(here, "--to", there.uri, script)
    for _, path in ipairs { script, layer, config } do
      assert.is_true(there:has(path))
    end
    assert.equal(archive_of(script, here), archive_of(script, there))
  end)

  test("copies the pieces one by one, there and back", function()
    copy(here, "--to", there.uri, build_layer(here))
    local config = build_config(there)
    copy(here, "--from", there.uri, config)
    assert.same({ [img.layers[2].digest] = 2 }, fetched(function()
      assert.equal(build(here), build(there))
    end))
  end)

  describe("takes from", function()
    -- `offer` puts the base where it returns. Unsigned: what is named by its digest needs no trust.
    local function takes(name, offer)
      test(name .. " what is there, and fetches only the rest", function()
        local uri, script = offer(), nil
        assert.same({ [img.config.digest] = 1, [img.layers[2].digest] = 1 }, fetched(function()
          script = build(here, "--option", "substituters", uri)
        end))
        archive_of(script, here)
      end)
    end

    takes("another machine", function()
      build_layer(there)
      return there.uri
    end)

    takes("a cache", function()
      local uri = "file://" .. tmp.dir("cache")
      copy(there, "--to", uri, build_layer(there))
      return uri
    end)

    test("another machine the program as well, if that is trusted", function()
      local script = build(there)
      local function is_built(require_sigs)
        local result = here:run { "nix-build", "--no-out-link", "--expr",
          nixlib.image(file) .. ".stream", "--option", "substituters", there.uri, "--option",
          "require-sigs", require_sigs }
        assert.equal(script, check(result))
        return result.stderr:find("building '" .. here.store, 1, true) ~= nil
      end
      assert.same({}, fetched(function()
        assert.is_true(is_built("true"))
        check(here:run { "nix-store", "--delete", script })
        assert.is_false(is_built("false"))
      end))
      assert.equal(archive_of(script, there), archive_of(script, here))
    end)
  end)

  test("asks with the credentials of the machine that builds", function()
    local private = registry.start { root = reg.root, auth = "htpasswd" }
    finally(function() private:stop() end)
    local text = tmp.read(file):gsub(reg:url():gsub("%W", "%%%0"), private:url())
    local path = tmp.file(text, "image.nix")
    local function fetch(arguments, env)
      return here:run({ "nix-build", "--no-out-link", "--expr",
        nixlib.image(path, arguments) .. ".imageConfig", elsewhere() }, { env = env })
    end
    local credentials = { DOCKER_USER = "alice", DOCKER_PASS = "secret" }

    local result = fetch(nil, credentials)
    assert.not_equal(0, result.code)
    assert.matches("staticCredentialsFile", result.stderr, 1, true)
    -- /run is its own.
    check(there:run({ "tee", "/run/credentials" },
      { stdin = "DOCKER_USER=alice\nDOCKER_PASS=secret\n" }))
    check(fetch('staticCredentialsFile = "/run/credentials";'))
    there:stop()
    here = clients.nix.new()
    there = machine.new(here, credentials)
    check(fetch())
  end)
end)
