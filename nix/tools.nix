# The Nix library, with a package and its system: `fetchdocker`, `fromLock` and the others.
{
  stdenv,
  hocker,
  cacert,
  staticCredentialsFile ? null,
}:

import ../templates/nix/lib {
  inherit hocker cacert staticCredentialsFile;
  inherit (stdenv.hostPlatform) system;
}
