# A derivation that fetches one blob of a registry. What it gives is known beforehand: Nix lets it
# use the network, and its store path depends on nothing but its name and hash.
{ program, system, names, cacert, staticCredentialsFile }:

let
  library = { inherit cacert staticCredentialsFile; };
  own = name: given: if given == null then library.${name} else given;

  # The bundle of a package, or a file as it is.
  bundle =
    cacert: if builtins.isAttrs cacert then "${cacert}/etc/ssl/certs/ca-bundle.crt" else "${cacert}";

  # -I DOCKER_CREDENTIALS=PATH, or NIX_PATH.
  entries = builtins.filter (entry: entry.prefix == "DOCKER_CREDENTIALS") builtins.nixPath;
  ofNixPath = if entries == [ ] then null else (builtins.head entries).path;

  # What only the machine that builds knows: it is in no derivation, and Nix passes it on.
  impure = [
    "DOCKER_TOKEN"
    "DOCKER_USER"
    "DOCKER_PASS"
    "DOCKER_CONFIG"
    "REGISTRY_AUTH_FILE"
    "NIX_SSL_CERT_FILE"
    "http_proxy"
    "https_proxy"
    "ftp_proxy"
    "all_proxy"
    "no_proxy"
    "HTTP_PROXY"
    "HTTPS_PROXY"
    "FTP_PROXY"
    "ALL_PROXY"
    "NO_PROXY"
  ];
in
{
  name,
  # The words of the command that fetches it, but for where from and where to.
  command,
  hash,
  registry,
  repository,
  imageName,
  tag,
  # The library's own where they are null.
  cacert ? null,
  staticCredentialsFile ? null,
}:

let
  authorities = own "cacert" cacert;
  given = own "staticCredentialsFile" staticCredentialsFile;
  # By its name alone: a path would be copied to the store.
  credentials = if given == null then ofNixPath else toString given;
  path = names.path { inherit repository imageName; };
  # A registry of the same machine that was named without a scheme is https in an expression, too.
  # Named so again, it may speak plain http, as for docker.
  local = builtins.match "https://((localhost|127[.][0-9.]+|[[]::1[]])(:[0-9]+)?)/v2/" registry;
  image =
    if local == null then
      [
        "--registry=${registry}"
        "--"
        path
      ]
    else
      [
        "--"
        "${builtins.head local}/${path}"
      ];
  # A variable that is impure is empty where the machine has none, so it is one or the other.
  trust =
    if authorities == null then
      { impureEnvVars = impure ++ [ "SSL_CERT_FILE" ]; }
    else
      {
        impureEnvVars = impure;
        SSL_CERT_FILE = bundle authorities;
      };
in
derivation (
  {
    inherit name system;
    builder = program;
    args = command ++ [ "--out=${builtins.placeholder "out"}" ] ++ image ++ [ tag ];
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    outputHash = hash;
    preferLocalBuild = true;
  }
  // trust
  // (if credentials == null || credentials == "" then { } else { DOCKER_CREDENTIALS = credentials; })
)
