{
  description = "Fetches docker and OCI images from registries, and makes Nix expressions of them";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "aarch64-linux"
        "i686-linux"
        "riscv64-linux"
        "x86_64-linux"
      ];
      forAll = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
    in
    {
      packages = forAll (pkgs: rec {
        hocker = pkgs.callPackage ./nix/package.nix { };
        default = hocker;
      });

      # hocker.lib.x86_64-linux.fromLock ./hocker.lock
      lib = forAll (
        pkgs:
        pkgs.callPackage ./nix/tools.nix {
          inherit (self.packages.${pkgs.stdenv.hostPlatform.system}) hocker;
        }
      );

      overlays.default = import ./nix/overlay.nix;

      nixosModules.default = import ./nix/module.nix;
    };
}
