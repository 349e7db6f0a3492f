# An image of a configuration and layers in the store. Nothing of them is copied: the result is a
# program that prints the archive that `docker load` and `podman load` take.
#
#     fetchdocker { ... }            a folder with that program, compositeImage.sh
#     (fetchdocker { ... }).stream   the program itself: NixOS' imageStream
#     (fetchdocker { ... }).archive  the archive as a file: NixOS' imageFile
{ program, system, names }:

{
  name ? imageName,
  registry ? "https://registry-1.docker.io/v2/",
  repository ? "library",
  imageName,
  tag,
  imageConfig,
  # The base first, as the manifest has them; a layer may be there several times.
  imageLayers,
  # The name that the image is loaded by; null for none.
  image ? names.image { inherit registry repository imageName tag; },
  # The same, where there are more than one.
  repoTags ? (if image == null then [ ] else [ image ]),
  # Whether layers stay as they are stored. It is quicker, but docker takes layers of zstd since
  # version 23 only.
  compressed ? false,
}:

let
  storeName = names.store name;
  # The image's id is the digest of its configuration, which has those of the layers' content.
  id = if imageConfig ? outputHash then [ "--id=${imageConfig.outputHash}" ] else [ ];

  build =
    name: options:
    derivation {
      inherit name system;
      builder = program;
      args = [
        "assemble"
        "--no-user-scripts" # what is built depends on nothing of the machine
        "--layers=${if compressed then "compressed" else "uncompressed"}"
      ]
      ++ id
      ++ options
      ++ map (repoTag: "--repo-tag=${repoTag}") repoTags
      ++ [
        "--"
        "${imageConfig}"
      ]
      ++ map (layer: "${layer}") imageLayers;
      preferLocalBuild = true;
    };

  out = builtins.placeholder "out";
  script = [ "--script=${program}" ];
in
build storeName (
  script
  ++ [
    "--create-dirs"
    "--out=${out}/compositeImage.sh"
  ]
)
// {
  inherit
    image
    repoTags
    imageName
    imageConfig
    imageLayers
    ;
  imageTag = tag;
  stream = build "${storeName}-stream" (script ++ [ "--out=${out}" ]);
  archive = build "${storeName}.tar" [ "--out=${out}" ];
}
