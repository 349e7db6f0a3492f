# The configuration of an image. It is fetched by its digest: the tag may have moved meanwhile.
{ fetchBlob, findHash, names }:

{
  sha256 ? null,
  hash ? null,
  registry ? "https://registry-1.docker.io/v2/",
  repository ? "library",
  imageName,
  tag ? "unused",
  name ? "docker-config.json",
  cacert ? null,
  staticCredentialsFile ? null,
}:

let
  digest = findHash "fetchDockerConfig" { inherit sha256 hash; } null;
in
fetchBlob {
  inherit registry repository imageName tag cacert staticCredentialsFile;
  name = names.store name;
  hash = digest;
  command = [
    "config"
    "--digest=${digest}"
  ];
}
