local core = require "hocker.core"
local manifest = require "hocker.manifest"
local options = require "hocker.options"
local reference = require "hocker.reference"
local scripts = require "hocker.scripts"
local settings = require "hocker.settings"
local template = require "hocker.template"

-- --- a manifest that is given ------------------------------------------------------------------------

local PIECE <const> = 8 << 10 -- bytes; Lua makes room at once for all that it is asked to read

-- Little more than a manifest may have: hocker.manifest refuses it by its size.
local function read_all(f)
  local pieces, size = {}, 0
  local piece, why, errno
  repeat
    piece, why, errno = f:read(PIECE)
    pieces[#pieces + 1] = piece
    size = size + #(piece or "")
  until not piece or size > manifest.limits.manifest
  return table.concat(pieces), why, errno
end

local function read_input(path)
  local f, why, errno = io.stdin, nil, nil
  if path and path ~= "-" then f, why, errno = io.open(path, "rb") end
  if not f then return nil, core.error("io", "the manifest: " .. why, { sys = errno }) end
  local bytes
  bytes, why, errno = read_all(f)
  if f ~= io.stdin then f:close() end
  if why then return nil, core.error("io", "the manifest: " .. why, { sys = errno }) end
  if bytes ~= "" then return bytes end
  return nil, core.error("usage", ("the manifest: %s is empty; hocker-manifest prints it, or "
    .. "--fetch gets it"):format(path or "standard input"))
end

local function read_manifest(args, ref)
  local bytes, err = read_input(args.manifest)
  if not bytes then return nil, err end
  local document
  document, err = manifest.parse(bytes)
  if not document then return nil, err end
  if ref.digest and core.digest.of(bytes, ref.digest:match("^%w+")) ~= ref.digest then
    return nil, core.error("verification", ("the manifest: its digest is %s, but the image was " ..
      "named by %s; if that is an index, name the image by this manifest's")
      :format(document.digest, ref.digest))
  end
  if document.kind == "image" then return document end
  return nil, core.error("unsupported", "the manifest: it is an index, of one image a platform; " ..
    "--fetch gets the manifests too, and hocker-manifest --platform OS/ARCH prints one")
end

local function read(ctx, args)
  local given = settings.given(ctx.configuration, "docker2nix", args,
    { options.platforms, options.policies, options.mirrors, options.credentials, options.network })
  if given then
    return nil, core.error("usage", ("%s is for fetching: add --fetch, or leave it out")
      :format(given))
  end
  local ref, err = reference.parse(args.image, { registry = args.registry })
  if not ref then return nil, err end
  local document
  document, err = read_manifest(args, ref)
  if not document then return nil, err end
  return ref, { images = { { manifest = document } } }
end

-- --- one that is fetched -----------------------------------------------------------------------------

local function check_platforms(wants, printer)
  if #wants <= 1 or printer.platforms then return true end
  return nil, core.error("usage", ("template '%s' prints one platform, and --platform names %d; "
    .. "--template multi prints several"):format(printer.name, #wants))
end

-- The images of the platforms that are asked for. If none is: what the template prints of itself,
-- all of an index or this machine's.
local function find_images(registry, wants, printer)
  if printer.platforms then return registry:images(#wants > 0 and wants or nil) end
  local image, err = registry:image(wants[1])
  if not image then return nil, err end
  return { index = image.index, images = { image } }
end

local function fetch(ctx, args, printer)
  if args.manifest then
    return nil, core.error("usage", "--fetch gets the manifest; leave --manifest out")
  end
  local wants, ok, registry, found, err
  wants, err = ctx:platforms(args)
  if not wants then return nil, err end
  ok, err = check_platforms(wants, printer)
  if not ok then return nil, err end
  registry, err = ctx:registry(args)
  if not registry then return nil, err end
  found, err = find_images(registry, wants, printer)
  if not found then return nil, err end
  return registry.ref, found
end

return {
  name = "docker2nix",
  summary = "print a Nix expression for an image, from its manifest",
  args = {
    options.image, options.registry,
    { names = "--manifest", value = "FILE", per_run = true,
      help = "read the manifest there, not on standard input" },
    { names = "--fetch", flag = true, per_run = true,
      help = "get the manifest from the registry instead" },
    { names = "--template", value = "NAME-or-FILE", default = "fetchdocker",
      is_file = scripts.is_path,
      help = "what to print: fetchdocker, multi, json, dockerTools, nix2container, or a template "
        .. "of your own (fetchdocker)" },
    { names = "--altImageName --altName", value = "NAME", per_run = true,
      help = "the name of the result in Nix" },
    options.platforms, options.access,
  },
  run = function(ctx, args)
    local printer, err = template.load(args.template)
    if not printer then return nil, err end
    local ref, found = (args.fetch and fetch or read)(ctx, args, printer)
    if not ref then return nil, found end
    local text
    text, err = template.print(printer, template.describe(ref, found, args.altImageName))
    if not text then return nil, err end
    return ctx:deliver({}, text)
  end,
}
