# As much of NixOS' modules as a test of one needs: options with types, and definitions under mkIf.
# What is declared nowhere, of the wrong type or defined twice is an error, as it is there.
let
  inherit (builtins)
    attrNames
    concatMap
    isAttrs
    mapAttrs
    ;

  isA = type: value: isAttrs value && value._type or null == type;
  names = sets: attrNames (builtins.foldl' (all: set: all // set) { } sets);

  # The definitions without those of a false condition.
  discharge =
    value:
    if !isA "if" value then
      [ value ]
    else if value.condition then
      discharge value.content
    else
      [ ];

  # The sets of definitions, whatever their conditions.
  bare = value: if isA "if" value then bare value.content else value;

  # What they define of one name.
  under =
    name: value:
    if isA "if" value then
      map (mkIf value.condition) (under name value.content)
    else
      (if value ? ${name} then [ value.${name} ] else [ ]);

  evaluate =
    path: options: definitions:
    let
      unknown = builtins.filter (name: !options ? ${name}) (names (map bare definitions));
    in
    if isA "option" options then
      let
        given = concatMap discharge definitions;
      in
      if given != [ ] then
        options.type.merge path given
      else if options ? default then
        options.type.merge path [ options.default ]
      else
        throw "the option '${path}' has no value"
    else if unknown != [ ] then
      throw "there is no option '${path}.${builtins.head unknown}'"
    else
      mapAttrs (
        name: option: evaluate "${path}.${name}" option (concatMap (under name) definitions)
      ) options;

  union =
    left: right:
    left
    // mapAttrs (
      name: value:
      if left ? ${name} && !isA "option" value then union left.${name} value else value
    ) right;

  evalModules =
    {
      modules,
      specialArgs ? { },
      path ? "",
    }:
    let
      load =
        module:
        let
          body = if builtins.isPath module then import module else module;
          arguments = specialArgs // { inherit config; };
          value = if builtins.isFunction body then body arguments else body;
        in
        if value ? options || value ? config then
          { options = { }; config = { }; } // value
        else
          { options = { }; config = value; };
      loaded = map load modules;
      options = builtins.foldl' union { } (map (module: module.options) loaded);
      config = evaluate path options (map (module: module.config) loaded);
    in
    {
      inherit config options;
    };

  # A type with one value, which has to pass a check.
  single = name: check: {
    merge =
      path: values:
      let
        value = builtins.head values;
      in
      if builtins.length values > 1 then
        throw "the option '${path}' is defined twice"
      else if !check value then
        throw "the option '${path}' is not of the type '${name}'"
      else
        value;
  };

  mkIf = condition: content: {
    _type = "if";
    inherit condition content;
  };
in
rec {
  inherit evalModules mkIf;

  mkOption = option: option // { _type = "option"; };
  mkEnableOption =
    description:
    mkOption {
      type = types.bool;
      default = false;
      inherit description;
    };
  literalExpression = text: text;
  literalMD = text: text;

  types = {
    bool = single "bool" builtins.isBool;
    enum = values: single "enum" (value: builtins.elem value values);
    package = single "package" (value: value.type or null == "derivation");
    path = single "path" (value: builtins.isPath value || builtins.substring 0 1 "${value}" == "/");
    raw = single "raw" (_: true);
    str = single "str" builtins.isString;

    nullOr = type: {
      merge = path: values: if values == [ null ] then null else type.merge path values;
    };
    listOf = type: {
      merge = path: values: map (value: type.merge path [ value ]) (concatMap (list: list) values);
    };
    attrsOf = type: {
      merge =
        path: values:
        builtins.listToAttrs (
          map (name: {
            inherit name;
            value = type.merge "${path}.${name}" (concatMap (under name) values);
          }) (names values)
        );
    };
    submodule = module: {
      merge =
        path: values:
        (evalModules {
          inherit path;
          modules = [ module ] ++ values;
          specialArgs.name = baseNameOf (builtins.replaceStrings [ "." ] [ "/" ] path);
        }).config;
    };
  };
}
