--- docs/nix.md: its commands, in their order in one folder, and its Nix.

local clients = require "support.clients"
local document = require "bench.document"
local examples = require "support.examples"
local image = require "support.image"
local nixpkgs = require "support.nixpkgs"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local tmp = require "support.tmp"

local TEXT = tmp.read("docs/nix.md")
local VERSION = "12.5\n"

-- A layer with a `cat` that needs nothing else, so that containers can run it.
local function layer_with_cat()
  local root = tmp.dir("layer")
  process.check { "mkdir", root .. "/bin", root .. "/etc" }
  process.check({ "cc", "-O1", "-static", "-o", root .. "/bin/cat", "-xc", "-" }, { stdin = [[
#include <stdio.h>
int main(int argc, char **argv)
{
  FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
  for (int c; file && (c = getc(file)) != EOF;) putchar(c);
  return !file;
}
]] })
  tmp.write(root .. "/etc/debian_version", VERSION)
  return image.layer(image.tar(root), { "gzip", "-nc" })
end

describe("docs/nix.md", function()
  local reg, nix, values, env, cwd, docker

  lazy_setup(function()
    if not clients.nix.available() then return end
    reg, nix, cwd = registry.start(), clients.nix.new(), tmp.dir("guide")
    local img = image.build { layers = { layer_with_cat(), { random = 2000 } } }
    img:upload(reg, "library/debian", "jessie")
    img:upload(reg, "library/debian", "12")
    env = select(2, program.command("hocker")).env
    for name, value in pairs(nix.env) do env[name] = env[name] or value end
    local bin = program.path("hocker"):match("^(.*)/hocker$")
    env.PATH = ("%s:%s"):format(bin, os.getenv("PATH"))
    values = { HOST = reg:host(), URL = reg:url(), ROOT = nixpkgs.root,
      BUILD = bin:match("^(.*)/bin$"), LAYER = img.layers[1].digest:match("%x+$") }
    if clients.podman.available() then
      values.PODMAN = table.concat(clients.podman.new():words(), " ")
      -- A machine may give its root no right to raise limits, and crun not know its cgroups.
      values.PODMANRUN = "--ulimit nofile=512:512 --ulimit nproc=500:500" ..
        (process.which("runc") and " --runtime runc" or "")
    end
    if clients.docker.available() then
      docker = clients.docker.start()
      values.DOCKER = docker.host
    end
  end)
  lazy_teardown(function()
    if reg then reg:stop() end
    if docker then docker:stop() end
  end)

  local function run(text)
    return process.run({ "bash", "-o", "pipefail", "-c", examples.localise(text, values) },
      { env = env, cwd = cwd, timeout = 120 })
  end

  local function prints(want)
    return function(text) assert.matches(want, text, 1, true) end
  end

  --- What commands print.
  local RESULTS = {
    { "^hocker%-manifest ", prints "" },
    { "^nix%-build ", prints "/store/" },
    { " docker load$", prints "Loaded image: " },
    { " podman load$", prints "Loaded image: " },
    { "^docker run ", prints(VERSION) },
    { "^podman run ", prints(VERSION) },
    { "^hocker lock add ", prints "debian: " },
    { "^hocker lock ", prints "" },
  }

  for _, text in ipairs(examples.commands(TEXT)) do
    -- Another machine is not at hand; spec/templates/lib_machines_spec.lua has one.
    if not text:find("ssh://", 1, true) then
      it("runs: " .. text, function()
        clients.need(clients.nix)
        if text:find("docker ", 1, true) then clients.need(clients.docker) end
        if text:find("podman ", 1, true) then clients.need(clients.podman) end
        local result = run(text)
        assert.equal(0, result.code, result.stderr)
        for _, entry in ipairs(RESULTS) do
          if text:find(entry[1]) then return entry[2](result.stdout) end
        end
        error("it is not known what this command should do")
      end)
    end
  end

  it("tells of bytes what was measured", function()
    local region = document.region(tmp.read("docs/measurements.md"), "update")
    local all, layer = region:match("layers, (%d+) bytes; .* of (%d+) bytes%.")
    local function fetched(name)
      return tonumber(region:match("| `" .. name .. ("[^|]*|"):rep(5) .. " +(%d+) |"))
    end
    local text = ("an image of %.0f MB whose layer of %.0f MB has\nchanged, hocker fetches " ..
      "%.1f MB and skopeo, which is what `pullImage` runs, %.0f MB;"):format(all / 1e6, layer / 1e6,
      fetched "hocker lock" / 1e6, fetched "skopeo copy" / 1e6)
    assert.matches(text, TEXT, 1, true)
  end)

  describe("has Nix that can be evaluated:", function()
    local NIXOS = "(import " .. nixpkgs.path .. "/nixos.nix { modules = [ %s ]; }).config."

    -- The blocks by their names, written where the commands have left debian.nix and hocker.lock.
    local function write_blocks()
      clients.need(clients.nix)
      for block in TEXT:gmatch("\n```nix\n(.-)\n```\n") do
        local name = assert(block:match("^# (%S+%.nix)\n"), "a block has no name:\n" .. block)
        tmp.write(cwd .. "/" .. name, examples.localise(block, values))
      end
    end

    local function eval(text) return nixpkgs.eval(nix, text) end

    it("the library", function()
      write_blocks()
      local got = eval("(import " .. cwd .. "/image.nix).imageLayers")
      assert.equal(2, #got)
    end)

    it("a lock", function()
      write_blocks()
      local result = nix:build("--expr", ("(import %s/images.nix).mine"):format(cwd))
      assert.matches("debian:mine", tmp.read(result .. "/compositeImage.sh"), 1, true)
    end)

    it("containers", function()
      write_blocks()
      local container = eval(NIXOS:format(cwd .. "/containers.nix") ..
        "virtualisation.oci-containers.containers.debian")
      assert.matches("debian.*%-stream$", container.imageStream)
      assert.equal(reg:host() .. "/library/debian:jessie", container.image)
    end)

    it("a configuration", function()
      write_blocks()
      local modules = cwd .. "/configuration.nix " .. nixpkgs.root .. "/nix/module.nix"
      local unit = eval(NIXOS:format(modules) .. 'systemd.services."hocker-load-debian".before')
      assert.same({ "docker-debian.service" }, unit)
    end)

    it("a flake", function()
      write_blocks()
      local function flake(output)
        return nixpkgs.check(nix, { "nix", "--extra-experimental-features", "nix-command flakes",
          "eval", "--json", ("path:%s#%s"):format(cwd, output), "--override-input", "nixpkgs",
          "path:" .. nixpkgs.path, "--override-input", "hocker", "path:" .. nixpkgs.source(),
          "--no-write-lock-file" })
      end
      assert.matches("debian", (flake "packages.x86_64-linux.debian.drvPath"))
      assert.matches("docker%-debian", (flake
        'nixosConfigurations.machine.config.systemd.services."hocker-load-debian".before'))
    end)
  end)
end)
