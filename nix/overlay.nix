# What nixpkgs is extended by. The fetchers are there by their names, so that callPackage can call
# an expression of docker2nix.
final: _: {
  hocker = final.callPackage ./package.nix { };
  hockerTools = final.callPackage ./tools.nix { };
  inherit (final.hockerTools) fetchdocker fetchDockerConfig fetchDockerLayer;
}
