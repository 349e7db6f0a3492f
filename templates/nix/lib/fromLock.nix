# The images of a lock, which `hocker lock` keeps: an attribute set of images of fetchdocker.
#
#     (fromLock ./hocker.lock).debian                          for the library's `system`
#     (fromLock ./hocker.lock).debian.platforms."linux/arm64"  for another platform
#     (fromLock ./hocker.lock).debian.override { repoTags = [ "debian:mine" ]; }
{ fetchdocker, fetchDockerConfig, fetchDockerLayer, system }:

file:

let
  # What a machine of Nix runs, the best first. Containers are Linux, whatever runs them.
  arm = [
    "linux/arm/v7"
    "linux/arm/v6"
    "linux/arm/v5"
  ];
  machines = {
    aarch64 = [ "linux/arm64" ];
    armv5tel = [ "linux/arm/v5" ];
    armv6l = builtins.tail arm;
    armv7a = arm;
    armv7l = arm;
    i686 = [ "linux/386" ];
    loongarch64 = [ "linux/loong64" ];
    mips64el = [ "linux/mips64le" ];
    mipsel = [ "linux/mipsle" ];
    powerpc64 = [ "linux/ppc64" ];
    powerpc64le = [ "linux/ppc64le" ];
    riscv64 = [ "linux/riscv64" ];
    s390x = [ "linux/s390x" ];
    x86_64 = [ "linux/amd64" ];
  };
  machine = builtins.head (builtins.match "([^-]*).*" system);
  wanted = machines.${machine} or (throw "fromLock: no platform is known for the system '${system}'");

  lock =
    let
      document = builtins.fromJSON (builtins.readFile file);
    in
    if document.version or null == 1 then
      document
    else
      throw "fromLock: ${toString file} is no lock of version 1; 'hocker lock list' says why";

  # "any" is an image whose platform nobody told.
  choose =
    name: manifests:
    let
      found = builtins.filter (platform: manifests ? ${platform}) (wanted ++ [ "any" ]);
    in
    if found != [ ] then
      builtins.head found
    else
      throw (
        "fromLock: '${name}' has no image for ${system}, which is ${builtins.head wanted}; there is "
        + "${builtins.concatStringsSep ", " (builtins.attrNames manifests)}. "
        + "'hocker lock add' takes --platform"
      );

  image =
    name: entry: manifest:
    let
      parts = builtins.match "([^/]*)/(.*)" entry.repository;
      # NAME:TAG, where there is a tag, and a digest where there is none.
      words = builtins.match "([^@]*:([^/:@]+))(@.*)?" entry.reference;
      where = {
        inherit (entry) registry;
        repository = if parts == null then "" else builtins.head parts;
        imageName = if parts == null then entry.repository else builtins.elemAt parts 1;
      };
      arguments = where // {
        inherit name;
        tag = if words == null then (entry.index or manifest.manifest).digest else builtins.elemAt words 1;
        image = if words == null then null else builtins.head words;
        imageConfig = fetchDockerConfig (where // { hash = manifest.config.digest; });
        imageLayers = map (
          layer: fetchDockerLayer (where // { layerDigest = layer.digest; })
        ) manifest.layers;
      };
    in
    fetchdocker arguments // { override = changes: fetchdocker (arguments // changes); };

  imageOf =
    name: entry:
    let
      platforms = builtins.mapAttrs (_: image name entry) entry.manifests;
    in
    platforms.${choose name entry.manifests} // { inherit platforms; };
in
builtins.mapAttrs imageOf lock.images
