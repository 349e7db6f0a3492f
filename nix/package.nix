# The package, for callPackage. It uses these names of nixpkgs and no others.
{
  lib,
  stdenv,
  pkg-config,
  lua5_4,
  curl,
  openssl,
  zlib,
  zstd,
  libpsl,
  isa-l,
  # It inflates gzip twice as fast as zlib.
  withIsal ? lib.meta.availableOn stdenv.hostPlatform isa-l,
}:

stdenv.mkDerivation {
  pname = "hocker";
  version = "0.1.0";

  # What is built and installed, so that nothing else causes a build.
  src = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions [
      ../Makefile
      ../bindings
      ../core
      ../man
      ../scripts
      ../templates
    ];
  };

  strictDeps = true;
  nativeBuildInputs = [
    lua5_4
    pkg-config
  ];
  buildInputs = [
    curl
    libpsl
    lua5_4
    openssl
    zlib
    zstd
  ]
  ++ lib.optional withIsal isa-l;

  makeFlags = [
    "PREFIX=${placeholder "out"}"
    "LUA=lua"
    "CJSON=${lua5_4.pkgs.lua-cjson}/lib/lua/5.4/cjson.so"
    "ISAL=${lib.optionalString withIsal "1"}"
    "LUA_STATIC=" # the module of lua-cjson looks for Lua's library
    # Libraries are opened when they are first used. No folder of the store is one where the loader
    # looks, and patchelf takes those from the RUNPATH that only such libraries need.
    "LATE_PATH=1"
  ];
  enableParallelBuilding = true;

  # Nobody listens there. That this is what the program says, and by which code, shows that it has
  # found libcurl.
  doInstallCheck = stdenv.buildPlatform.canExecute stdenv.hostPlatform;
  installCheckPhase = ''
    runHook preInstallCheck
    code=0
    HOME=$PWD "$out/bin/hocker-manifest" --retries 0 127.0.0.1:1/hocker:check || code=$?
    test "$code" -eq 6
    runHook postInstallCheck
  '';

  meta = {
    description = "Fetches docker and OCI images from registries, verified, without a daemon";
    license = lib.licenses.asl20;
    mainProgram = "hocker";
    platforms = lib.platforms.linux;
  };
}
