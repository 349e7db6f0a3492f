# NixOS with the options that the module sets and reads, and some modules.
{
  system ? builtins.currentSystem,
  modules,
}:

let
  lib = import ./lib.nix;
  pkgs = import ./. {
    inherit system;
    inherit (config.nixpkgs) overlays;
  };
  inherit (lib) mkOption types;

  enable = mkOption {
    type = types.bool;
    default = false;
  };
  backend = package: {
    inherit enable;
    package = mkOption {
      type = types.package;
      default = package;
    };
  };
  list = mkOption {
    type = types.listOf types.str;
    default = [ ];
  };

  service.options = {
    description = mkOption { type = types.str; };
    wantedBy = list;
    requiredBy = list;
    requires = list;
    after = list;
    before = list;
    path = mkOption { type = types.listOf types.package; };
    script = mkOption { type = types.str; };
    serviceConfig = mkOption { type = types.attrsOf types.raw; };
  };

  container.options = {
    image = mkOption { type = types.str; };
    imageStream = mkOption {
      type = types.nullOr types.package;
      default = null;
    };
    imageFile = mkOption {
      type = types.nullOr types.package;
      default = null;
    };
  };

  base.options = {
    nixpkgs.overlays = mkOption {
      type = types.listOf types.raw;
      default = [ ];
    };
    virtualisation.docker = backend pkgs.docker;
    virtualisation.podman = backend pkgs.podman;
    virtualisation.oci-containers = {
      backend = mkOption {
        type = types.enum [
          "docker"
          "podman"
        ];
        default = "podman";
      };
      containers = mkOption {
        type = types.attrsOf (types.submodule container);
        default = { };
      };
    };
    systemd.services = mkOption {
      type = types.attrsOf (types.submodule service);
      default = { };
    };
  };

  inherit
    (lib.evalModules {
      modules = [ base ] ++ modules;
      specialArgs = { inherit lib pkgs; };
    })
    config
    ;
in
{
  inherit config;
}
