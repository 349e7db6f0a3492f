# The functions of nixpkgs' lib that hocker uses; modules and their types are in modules.nix.
let
  inherit (builtins)
    concatMap
    concatStringsSep
    filter
    listToAttrs
    ;
in
builtins
// import ./modules.nix
// rec {
  genAttrs = names: make: listToAttrs (map (name: nameValuePair name (make name)) names);
  nameValuePair = name: value: { inherit name value; };
  mapAttrsToList = make: set: builtins.attrValues (builtins.mapAttrs make set);
  mapAttrs' = make: set: listToAttrs (mapAttrsToList make set);
  concatLists = concatMap (list: list);
  optional = condition: value: if condition then [ value ] else [ ];
  optionalString = condition: text: if condition then text else "";

  escapeShellArg = text: "'${builtins.replaceStrings [ "'" ] [ "'\\''" ] text}'";
  escapeShellArgs = list: concatStringsSep " " (map escapeShellArg list);

  licenses.asl20.spdxId = "Apache-2.0";
  platforms.linux = [ "x86_64-linux" ];
  meta.availableOn = platform: package: builtins.elem platform.system package.meta.platforms;

  fileset = {
    unions = files: map toString files;
    toSource =
      { root, fileset }:
      let
        begins = start: text: builtins.substring 0 (builtins.stringLength start) text == start;
        inside = path: file: path == file || begins "${file}/" path;
      in
      builtins.path {
        name = "source";
        path = root;
        filter = path: _: filter (inside path) fileset != [ ];
      };
  };
}
