local core = require "hocker.core"
local manifest = require "hocker.manifest"
local options = require "hocker.options"
local reference = require "hocker.reference"
local template = require "hocker.template"

local PIECE <const> = 64 << 10 -- bytes; Lua makes room at once for all that it is asked to read

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
  return nil, core.error("usage", ("the manifest: %s is empty; it is made by hocker-manifest")
    :format(path or "standard input"))
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
    "hocker-manifest --platform OS/ARCH prints the manifest of one")
end

return {
  name = "docker2nix",
  summary = "print a Nix expression for an image, from its manifest on standard input",
  args = {
    options.image, options.registry,
    { names = "--manifest", value = "FILE", per_run = true,
      help = "read the manifest there, not on standard input" },
    { names = "--altImageName --altName", value = "NAME", per_run = true,
      help = "the name of the result in Nix" },
    options.verbosity,
  },
  run = function(ctx, args)
    local ref, err = reference.parse(args.image, { registry = args.registry })
    if not ref then return nil, err end
    local document, text
    document, err = read_manifest(args, ref)
    if not document then return nil, err end
    text, err = template.print("fetchdocker", template.describe(ref, document, args.altImageName))
    if not text then return nil, err end
    return ctx:deliver({}, text)
  end,
}
