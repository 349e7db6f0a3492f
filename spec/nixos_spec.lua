--- The NixOS module, with what stands for NixOS; the scripts of its units with docker and podman.

local clients = require "support.clients"
local image = require "support.image"
local nixlib = require "support.nixlib"
local nixpkgs = require "support.nixpkgs"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local tmp = require "support.tmp"

describe("the NixOS module", function()
  local reg, app, other, lock, nix

  lazy_setup(function()
    reg = registry.start()
    app = image.build { layers = { { ["etc/motd"] = "hello\n" } } }
    other = image.build { layers = { { ["etc/motd"] = "other\n" } } }
    app:upload(reg, "demo/app", "v1")
    other:upload(reg, "demo/other", "v1")
    lock = tmp.dir("locked") .. "/hocker.lock"
    for name, path in pairs { app = "app:v1", other = "other:v1",
      nameless = "app@" .. app.v2s2.digest } do
      program.check("hocker", { "lock", "add", "--file", lock, name,
        reg:host() .. "/demo/" .. path })
    end
  end)
  lazy_teardown(function() reg:stop() end)

  before_each(function()
    clients.need(clients.nix)
    nix = nix or clients.nix.new()
  end)

  -- NixOS with these settings of the module, and others.
  local function system(settings, others)
    local text = ("virtualisation.hocker = { %s }; %s"):format(settings, others or "")
    return ("(import %s/nixos.nix { modules = [ %s/nix/module.nix { %s } ]; }).config"):format(
      nixpkgs.path, nixpkgs.root, (text:gsub("LOCK", lock)))
  end

  local function eval(text) return nixpkgs.eval(nix, text) end

  -- The units, without what is made of derivations.
  local function units(...)
    return eval(("builtins.mapAttrs (_: unit: removeAttrs unit [ \"path\" \"script\" ]) " ..
      "%s.systemd.services"):format(system(...)))
  end

  it("does nothing before it is enabled", function()
    assert.same({}, units "lock = LOCK;")
  end)

  it("has a unit for each image of the lock", function()
    local found = units 'enable = true; lock = LOCK; backend = "docker";'
    assert.same({ description = "The image app for docker", wantedBy = { "multi-user.target" },
      after = { "docker.service" }, requires = { "docker.service" }, before = {}, requiredBy = {},
      serviceConfig = { Type = "oneshot", RemainAfterExit = true } }, found["hocker-load-app"])
    assert.is_truthy(found["hocker-load-other"])
    assert.is_truthy(found["hocker-load-nameless"])
  end)

  it("turns on what the images are for, and podman is no service", function()
    local text = 'enable = true; lock = LOCK; images.app = { }; images.web = { name = "other"; };'
    assert.same({ false, true }, eval(("with (%s).virtualisation; [ docker.enable podman.enable ]")
      :format(system(text))))
    local found = units(text)
    assert.same({}, found["hocker-load-app"].after)
    assert.is_truthy(found["hocker-load-web"])
    assert.is_nil(found["hocker-load-other"])
    assert.same({ true, true }, eval(("with (%s).virtualisation; [ docker.enable podman.enable ]")
      :format(system(text .. 'images.nameless.backend = "docker";'))))
  end)

  it("loads an image before the container that is run from it", function()
    local containers = 'virtualisation.oci-containers = { backend = "docker"; containers = { ' ..
      'web.image = "%s/demo/app:v1"; db.image = "postgres"; }; };'
    local unit = units("enable = true; lock = LOCK;", containers:format(reg:host()))
      ["hocker-load-app"]
    assert.same({ "docker-web.service" }, unit.before)
    assert.same({ "docker-web.service" }, unit.requiredBy)
  end)

  it("takes an image that is in no lock, by the names that it has", function()
    local given = ("images.mine.image = ((import %s { hocker = %q; }).fromLock LOCK).app." ..
      "override { repoTags = [ \"mine:1\" \"it's:1\" ]; };"):format(nixlib.path, nixlib.hocker)
    local script = eval(system("enable = true; " .. given) ..
      '.systemd.services."hocker-load-mine".script')
    assert.matches([[for name in 'mine:1' 'it'\''s:1'; do]], script, 1, true)
  end)

  it("says what is missing", function()
    for settings, text in pairs {
      ["images.app = { };"] = "the image 'app' needs a lock, or an image",
      ["lock = LOCK; images.none = { };"] = "has no image 'none'",
      ["lock = LOCK; images.app.backend = \"rkt\";"] = "backend' is not of the type 'enum'",
    } do
      local result = nix:run { "nix-instantiate", "--eval", "--strict", "--expr",
        system("enable = true; " .. settings) .. ".systemd.services" }
      assert.equal(1, result.code)
      assert.matches(text, result.stderr, 1, true)
    end
  end)

  -- Runs units' scripts as systemd would, with a client's program first in the path.
  local function runner(backend, client)
    local bin = tmp.dir("bin")
    tmp.write(bin .. "/" .. backend, ('#!/bin/sh\nexec %s "$@"\n'):format(
      table.concat(client:words(), " ")))
    process.check { "chmod", "755", bin .. "/" .. backend }
    local settings = ("enable = true; lock = LOCK; backend = %q; tools = import %s { " ..
      "hocker = %q; };"):format(backend, nixlib.path, nixlib.hocker)
    local script = ("(import %s { }).writeText \"script\" %s.systemd.services." ..
      "\"hocker-load-%%s\".script"):format(nixpkgs.path, (system(settings):gsub("%%", "%%%%")))
    return function(name)
      local result = process.run({ "bash", "-e", nix:build("--expr", script:format(name)) },
        { env = { PATH = bin .. ":" .. os.getenv("PATH") } })
      assert.equal(0, result.code, result.stderr)
      return result.stdout
    end
  end

  local function check_loading(backend, client)
    local load, name = runner(backend, client), reg:host() .. "/demo/app:v1"
    local id = app.config.digest:match("%x+$")
    local there = "the image is there: " .. id
    assert.matches("Loaded image", load "app")
    assert.matches(there, load "app", 1, true)
    assert.matches(there, load "nameless", 1, true)
    assert.matches("Loaded image", load "other")
    -- The name becomes another image's.
    assert.equal(0, client:run({ "tag", reg:host() .. "/demo/other:v1", name }).code)
    assert.matches("Loaded image", load "app")
    local found = client:run({ "image", "inspect", "--format={{.Id}}", name }).stdout
    assert.matches(id, found, 1, true)
    assert.equal(0, client:run({ "image", "rm", name }).code)
    assert.matches("Loaded image", load "nameless")
  end

  it("loads images into docker, each once", function()
    clients.need(clients.docker)
    local docker = clients.docker.start()
    finally(function() docker:stop() end)
    check_loading("docker", docker)
  end)

  it("loads images into podman, each once", function()
    clients.need(clients.podman)
    check_loading("podman", clients.podman.new())
  end)

  it("fetches with a package of its own, where no other library is named", function()
    local derivation = nixpkgs.check(nix, { "nix-instantiate", "--expr",
      system("enable = true; lock = LOCK;") .. ".virtualisation.hocker.images.app.image" })
      :match("%S+")
    assert.matches("%-hocker%-[%d.]+%.drv\n",
      (nixpkgs.check(nix, { "nix-store", "--query", "--requisites", derivation })))
  end)
end)
