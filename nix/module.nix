# NixOS: has images in docker or podman when the machine is up. They are in the store when the
# system is built, so nothing is fetched at boot.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;

  cfg = config.virtualisation.hocker;
  containers = config.virtualisation.oci-containers;

  imageOptions =
    { name, config, ... }:
    {
      options = {
        lock = mkOption {
          type = types.nullOr types.path;
          default = cfg.lock;
          defaultText = lib.literalExpression "config.virtualisation.hocker.lock";
          description = "The lock that the image is in.";
        };
        name = mkOption {
          type = types.str;
          default = name;
          description = "What the image is called in the lock.";
        };
        image = mkOption {
          type = types.raw;
          default =
            if config.lock == null then
              throw "virtualisation.hocker: the image '${name}' needs a lock, or an image"
            else
              (cfg.tools.fromLock config.lock).${config.name} or (throw (
                "virtualisation.hocker: ${toString config.lock} has no image '${config.name}'"
              ));
          defaultText = lib.literalMD "the image of that name in the lock";
          description = "What `fetchdocker` gave, for an image that is in no lock.";
        };
        backend = mkOption {
          type = types.enum [
            "docker"
            "podman"
          ];
          default = cfg.backend;
          defaultText = lib.literalExpression "config.virtualisation.hocker.backend";
          description = "Whose image it becomes.";
        };
      };
    };

  uses = backend: lib.any (image: image.backend == backend) (lib.attrValues cfg.images);

  # The containers that are to find the image.
  users =
    { image, backend, ... }:
    lib.concatLists (
      lib.mapAttrsToList (
        name: container:
        lib.optional (
          backend == containers.backend && lib.elem container.image image.repoTags
        ) "${container.serviceName or "${backend}-${name}"}.service"
      ) containers.containers
    );

  # The image's id is the digest of its configuration; docker puts "sha256:" before it. It has to be
  # what all of its names stand for, since another image may have had one of them.
  script =
    { image, backend, ... }:
    ''
      set -o pipefail
      id=$(sha256sum < ${image.imageConfig})
      id=''${id%% *}
      missing=
      for name in ${lib.escapeShellArgs image.repoTags}; do
        found=$(${backend} image inspect --format '{{.Id}}' "$name" 2>/dev/null) || found=
        [ "''${found#sha256:}" = "$id" ] || missing=$name
      done
      if [ -z "$missing" ] && ${backend} image inspect "$id" >/dev/null 2>&1; then
        echo "the image is there: $id"
      else
        ${image.stream} | ${backend} load
      fi
    '';

  service =
    name: image:
    lib.nameValuePair "hocker-load-${name}" {
      description = "The image ${name} for ${image.backend}";
      wantedBy = [ "multi-user.target" ];
      requires = lib.optional (image.backend == "docker") "docker.service";
      after = lib.optional (image.backend == "docker") "docker.service";
      before = users image;
      requiredBy = users image;
      path = [ config.virtualisation.${image.backend}.package ];
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
      };
      script = script image;
    };
in
{
  options.virtualisation.hocker = {
    enable = lib.mkEnableOption "images of hocker in docker or podman";

    lock = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = lib.literalExpression "./hocker.lock";
      description = "A lock, which `hocker lock` keeps.";
    };

    images = mkOption {
      type = types.attrsOf (types.submodule imageOptions);
      default =
        if cfg.lock == null then { } else lib.mapAttrs (_: _: { }) (cfg.tools.fromLock cfg.lock);
      defaultText = lib.literalMD "all images of the lock";
      example = lib.literalExpression ''
        {
          debian = { };
          web = { name = "nginx"; backend = "podman"; };
        }
      '';
      description = "The images to load. Each is a unit, `hocker-load-NAME.service`.";
    };

    backend = mkOption {
      type = types.enum [
        "docker"
        "podman"
      ];
      default = containers.backend;
      defaultText = lib.literalExpression "config.virtualisation.oci-containers.backend";
      description = "Whose images they become, where an image does not say it.";
    };

    tools = mkOption {
      type = types.raw;
      default = pkgs.callPackage ./tools.nix { hocker = pkgs.callPackage ./package.nix { }; };
      defaultText = lib.literalMD "the library, with hocker of these `pkgs`";
      example = lib.literalExpression ''
        pkgs.hockerTools.override { staticCredentialsFile = "/etc/nix-docker-credentials.txt"; }
      '';
      description = "The Nix library that fetches them.";
    };
  };

  config = lib.mkIf cfg.enable {
    virtualisation.docker.enable = lib.mkIf (uses "docker") true;
    virtualisation.podman.enable = lib.mkIf (uses "podman") true;
    systemd.services = lib.mapAttrs' service cfg.images;
  };
}
