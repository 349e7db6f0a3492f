--- The package, the overlay and the flake, with what stands for nixpkgs.

local cjson = require "cjson"
local clients = require "support.clients"
local image = require "support.image"
local nixlib = require "support.nixlib"
local nixpkgs = require "support.nixpkgs"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local tmp = require "support.tmp"

local PACKAGE = nixpkgs.package

describe("packaging:", function()
  local nix

  before_each(function()
    clients.need(clients.nix)
    nix = nix or clients.nix.new()
  end)

  local function eval(text) return nixpkgs.eval(nix, text) end

  describe("the package", function()
    it("builds by the phases of a standard environment, and runs", function()
      local out = nix:build("--expr", PACKAGE)
      assert.same({ "docker2nix", "hocker", "hocker-config", "hocker-image", "hocker-layer",
        "hocker-manifest" }, tmp.list(out .. "/bin"))
      local reg = registry.start()
      finally(function() reg:stop() end)
      local pushed = image.build():upload(reg, "demo", "v1")
      assert.equal(pushed.bytes, process.check { "env", "-i", out .. "/bin/hocker-manifest",
        reg:host() .. "/demo:v1" })
      assert.is_true(tmp.exists(out .. "/share/hocker/nix/default.nix"))
    end)

    it("finds its libraries without being told where", function()
      local out = nix:build("--expr", PACKAGE)
      local needed = process.check { "readelf", "--dynamic", out .. "/bin/hocker" }
      assert.matches("[" .. nix.store, needed, 1, true)
      assert.not_matches("libcurl", needed, 1, true)
      local late = process.check { "strings", out .. "/bin/hocker" }
      assert.matches("\n/%S+/libcurl%.so[.%d]*\n", late)
      assert.matches("\n/%S+/libcrypto%.so[.%d]*\n", late)
    end)

    it("does without ISA-L where there is none", function()
      for system, flag in pairs { ["x86_64-linux"] = "ISAL=1", ["riscv64-linux"] = "ISAL=" } do
        local flags = eval(("(import %s { pkgs = import %s { system = %q; }; }).makeFlags"):format(
          nixpkgs.root, nixpkgs.path, system))
        assert.matches("\n" .. flag .. "\n", table.concat(flags, "\n"), 1, true)
      end
    end)

    it("is of the program's version", function()
      assert.equal("hocker " .. eval(PACKAGE .. ".version"),
        (program.check("hocker", { "--version" }):gsub("\n", "")))
    end)

    it("is built anew when what it is made of changes, and not otherwise", function()
      local names = tmp.list(eval(("toString %s.src"):format(PACKAGE)))
      assert.same({ "Makefile", "bindings", "core", "man", "scripts", "templates" }, names)
    end)
  end)

  describe("the overlay", function()
    local PKGS = ("(import %s { overlays = [ (import %s/nix/overlay.nix) ]; })"):format(
      nixpkgs.path, nixpkgs.root)

    it("lets callPackage call what docker2nix prints", function()
      local reg, img = registry.start(), image.build()
      finally(function() reg:stop() end)
      img:upload(reg, "demo/app", "v1")
      local file = nixlib.file(reg, "demo/app", "v1")
      local script = nix:build("--expr", ("(%s.callPackage %s { }).stream"):format(PKGS, file))
      local entry = cjson.decode(process.check { "tar", "-xOf", nixlib.print(script),
        "manifest.json" })[1]
      assert.equal(img.config.digest:match("%x+$") .. ".json", entry.Config)
    end)

    it("has the library, for the package and with nixpkgs' authorities", function()
      local layer = ('fetchDockerLayer { imageName = "a"; layerDigest = "%s"; }')
        :format(("0"):rep(64))
      local got = eval(("with %s.hockerTools; let a = %s; b = (override { cacert = null; }).%s; " ..
        "in [ a.builder (a.SSL_CERT_FILE or null) (b.SSL_CERT_FILE or null) ]"):format(PKGS, layer,
        layer))
      assert.matches("hocker%-[%d.]+/bin/hocker$", got[1])
      assert.matches("%-cacert/etc/ssl/certs/ca%-bundle.crt$", got[2])
      assert.equal(cjson.null, got[3])
    end)

    it("is beside the package, without flakes", function()
      assert.equal("hocker", eval(("(%s.overlay %s { }).hocker.pname"):format(PACKAGE, PKGS)))
      assert.same({}, eval(("%s.tools.fromLock (builtins.toFile \"lock\" %q)"):format(PACKAGE,
        '{"images":{},"version":1}')))
    end)
  end)

  describe("the flake", function()
    local source

    before_each(function() source = source or nixpkgs.source() end)

    local function flake(words, output)
      local argv = { "nix", "--extra-experimental-features", "nix-command flakes" }
      table.move(words, 1, #words, #argv + 1, argv)
      table.move({ ("path:%s%s"):format(source, output or ""), "--override-input", "nixpkgs",
        "path:" .. nixpkgs.path, "--no-write-lock-file" }, 1, 5, #argv + 1, argv)
      return nixpkgs.check(nix, argv)
    end

    it("passes Nix's check", function()
      local _, said = flake { "flake", "check", "--no-build" }
      assert.matches("unknown flake output 'lib'", said, 1, true)
      assert.is_nil(said:gsub("warning: unknown flake output 'lib'", ""):find("unknown"))
    end)

    it("has a package for each system, an overlay and a module", function()
      local shown = cjson.decode((flake { "flake", "show", "--json" }))
      for _, system in ipairs { "aarch64-linux", "i686-linux", "riscv64-linux", "x86_64-linux" } do
        assert.matches("^hocker%-", shown.packages[system].default.name)
      end
      assert.equal("nixpkgs-overlay", shown.overlays.default.type)
      assert.equal("nixos-module", shown.nixosModules.default.type)
    end)

    it("builds the package, and gives the library for it", function()
      local built = cjson.decode((flake { "build", "--no-link", "--json" }))[1].outputs.out
      assert.matches("^hocker ", process.check { built .. "/bin/hocker", "--version" })
      local system = eval "builtins.currentSystem"
      local builder = flake({ "eval", "--raw", "--apply",
        ('lib: (lib.fetchDockerLayer { imageName = "a"; layerDigest = "%s"; }).builder')
          :format(("0"):rep(64)) }, "#lib." .. system)
      assert.equal(built .. "/bin/hocker", builder)
    end)
  end)
end)
