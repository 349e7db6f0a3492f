# One layer, compressed as the registry has it. Its store path depends on its digest alone, so a
# layer of several images is there once.
{ fetchBlob, findHash, names }:

{
  layerDigest,
  sha256 ? null,
  hash ? null,
  registry ? "https://registry-1.docker.io/v2/",
  repository ? "library",
  imageName,
  tag ? "unused",
  name ? null,
  cacert ? null,
  staticCredentialsFile ? null,
}:

let
  hex = names.digest "fetchDockerLayer: layerDigest" layerDigest;
in
fetchBlob {
  inherit registry repository imageName tag cacert staticCredentialsFile;
  name = if name == null then "docker-layer-${hex}.tar.gz" else names.store name;
  hash = findHash "fetchDockerLayer" { inherit sha256 hash; } hex;
  command = [
    "layer"
    "--layer=${hex}"
  ];
}
// {
  layerDigest = hex;
}
