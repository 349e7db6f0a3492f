# Without flakes: the package, and beside it what a flake has as outputs.
#
#     nix-build
#     (import ./default.nix { }).tools.fromLock ./hocker.lock
{
  pkgs ? import <nixpkgs> { },
}:

let
  hocker = pkgs.callPackage ./nix/package.nix { };
in
hocker
// {
  tools = pkgs.callPackage ./nix/tools.nix { inherit hocker; };
  overlay = import ./nix/overlay.nix;
  nixosModule = ./nix/module.nix;
}
