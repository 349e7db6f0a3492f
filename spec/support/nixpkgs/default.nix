# What stands for nixpkgs where there is none: the names of it that hocker uses, made of what the
# machine has. So packages are empty, and what is built finds the compiler and libraries where the
# machine keeps them.
{
  system ? builtins.currentSystem,
  overlays ? [ ],
}:

let
  lib = import ./lib.nix;

  run =
    name: command:
    derivation {
      inherit name system;
      builder = "/bin/sh";
      args = [
        "-euc"
        "export PATH=/usr/local/bin:/usr/bin:/bin; ${command}"
      ];
    };
  empty = name: run name "mkdir $out";

  package = final: {
    inherit lib;

    callPackage =
      function: arguments:
      let
        body = if builtins.isFunction function then function else import function;
        found = builtins.intersectAttrs (builtins.functionArgs body) final;
        call = given: body (found // given) // { override = new: call (given // new); };
      in
      call arguments;
    extend =
      overlay:
      import ./. {
        inherit system;
        overlays = overlays ++ [ overlay ];
      };

    writeText =
      name: text:
      derivation {
        inherit name system text;
        builder = "/bin/sh";
        args = [
          "-c"
          ''printf %s "$text" >$out''
        ];
      };

    stdenv = rec {
      hostPlatform = {
        inherit system;
        canExecute = _: true;
      };
      buildPlatform = hostPlatform;
      # The phases that the package has something to say about.
      mkDerivation =
        arguments:
        derivation (
          removeAttrs arguments [ "meta" ]
          // {
            inherit system;
            name = "${arguments.pname}-${arguments.version}";
            builder = "/bin/sh";
            args = [ ./stdenv.sh ];
          }
        )
        // {
          inherit (arguments) meta;
        };
    };

    lua5_4 = run "lua" ''mkdir -p $out/bin; ln -s "$(command -v lua5.4)" $out/bin/lua'' // {
      pkgs = {
        # A module without a name of its own, as luarocks makes it.
        lua-cjson = run "lua-cjson" ''
          mkdir -p $out/lib/lua/5.4
          cc -shared -fPIC -o $out/lib/lua/5.4/cjson.so ${./cjson.c}
        '';
      };
    };

    cacert = run "cacert" ''
      mkdir -p $out/etc/ssl/certs
      touch $out/etc/ssl/certs/ca-bundle.crt
    '';
    curl = empty "curl";
    docker = empty "docker";
    isa-l = empty "isa-l" // {
      meta.platforms = [ "x86_64-linux" "aarch64-linux" ];
    };
    libpsl = empty "libpsl";
    openssl = empty "openssl";
    pkg-config = empty "pkg-config";
    podman = empty "podman";
    zlib = empty "zlib";
    zstd = empty "zstd";
  };

  extended = before: overlay: before // overlay final before;
  final = builtins.foldl' extended (package final) overlays;
in
final
