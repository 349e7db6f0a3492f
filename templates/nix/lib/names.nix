# Names for the store and for docker.
rec {
  # The store takes letters, digits and +-._?= in a name, no dot first, and 211 characters in all.
  store =
    name:
    let
      parts = builtins.filter builtins.isString (builtins.split "[^a-zA-Z0-9+._?=-]+" name);
      clean = builtins.head (builtins.match "[.-]*(.*)" (builtins.concatStringsSep "-" parts));
    in
    if clean == "" then "image" else builtins.substring 0 180 clean;

  # 64 hex digits, with or without "sha256:" before them.
  digest =
    who: text:
    let
      hex = builtins.match "(sha256:)?([0-9a-f]{64})" text;
    in
    if hex == null then
      throw "${who}: '${text}' is no digest: 64 lower-case hex digits"
    else
      builtins.elemAt hex 1;

  # The image's name at its registry. One of a single part has no repository.
  path =
    { repository, imageName }: if repository == "" then imageName else "${repository}/${imageName}";

  # What the original fetchdocker calls an image: the registry without its scheme, the path, the
  # tag. An image that is named by a digest has no such name.
  image =
    { registry, repository, imageName, tag }:
    let
      bare = builtins.match "([a-zA-Z]+:)?/*(.*[^/])/*" registry;
      host = if bare == null then registry else builtins.elemAt bare 1;
    in
    if builtins.match "[^:@]*" tag == null then
      null
    else
      "${host}/${path { inherit repository imageName; }}:${tag}";
}
