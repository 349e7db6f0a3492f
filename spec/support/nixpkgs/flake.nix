{
  description = "What stands for nixpkgs";

  outputs =
    { self }:
    let
      lib = import ./lib.nix;
    in
    {
      lib = lib // {
        nixosSystem = import ./nixos.nix;
      };
      legacyPackages = lib.genAttrs [
        "aarch64-linux"
        "i686-linux"
        "riscv64-linux"
        "x86_64-linux"
      ] (system: import ./. { inherit system; });
    };
}
