# Images in the Nix store, a layer a store path: what an expression of docker2nix is called with.
#
#     let fetch = import ./default.nix { hocker = pkgs.hocker; };
#     in fetch.call ./debian.nix
#
# Nothing of nixpkgs is needed: the builder of every derivation is the program hocker itself.
# `pkgs.callPackage ./default.nix { }` works as well, where there is a package of that name.
{
  # The package, or the folder that has bin/hocker in it.
  hocker,
  system ? hocker.system or builtins.currentSystem,
  # Certificate authorities for TLS: a package as nixpkgs' cacert, or a PEM file. Those of the
  # machine, or of $SSL_CERT_FILE, where it is null.
  cacert ? null,
  # The path of a file with DOCKER_USER= and DOCKER_PASS= lines, or DOCKER_TOKEN=. The file itself
  # never gets into the store. `-I DOCKER_CREDENTIALS=PATH` names one too.
  staticCredentialsFile ? null,
}:

let
  findHash = import ./hash.nix;
  names = import ./names.nix;
  program = "${hocker}/bin/hocker";
  fetchBlob = import ./blob.nix { inherit program system names cacert staticCredentialsFile; };

  self = {
    fetchDockerLayer = import ./fetchDockerLayer.nix { inherit fetchBlob findHash names; };
    fetchDockerConfig = import ./fetchDockerConfig.nix { inherit fetchBlob findHash names; };
    fetchdocker = import ./fetchdocker.nix { inherit program system names; };

    fromLock = import ./fromLock.nix {
      inherit (self) fetchdocker fetchDockerConfig fetchDockerLayer;
      inherit system;
    };

    # Calls a function, or a file with one, with those of these functions that it takes.
    call =
      image:
      let
        function = if builtins.isFunction image then image else import image;
      in
      function (builtins.intersectAttrs (builtins.functionArgs function) self);
  };
in
self
