local core = require "hocker.core"
local hash = require "hocker.hash"
local options = require "hocker.options"

-- The layer is all that is fetched: the manifest, which would tell its size, is not needed to
-- verify it, and the tag is read but not used, as in the original (the Nix fetchers say `unused`).
return {
  name = "layer",
  summary = "fetch one layer, compressed as it is stored",
  args = {
    { names = "-l --layer", value = "SHA256", required = true, per_run = true,
      help = "its digest: 64 hex digits, sha256: and these, or as Nix writes it" },
    options.image, options.out, options.progress, options.fetch,
  },
  run = function(ctx, args)
    if not args.out then
      return nil, core.error("usage", "where to? give --out PATH, or --out - for standard output")
    end
    local digest, err = hash.digest(args.layer)
    if not digest then return nil, core.error("usage", "--layer: " .. err.message) end
    local registry
    registry, err = ctx:registry(args)
    if not registry then return nil, err end
    local file <close>, problem = core.file(args.out)
    if not file then return nil, problem end
    local layer = { descriptor = { digest = digest, size = 0 } }
    local progress = ctx:show_progress(args)
    local ok
    ok, err = registry:blob({ digest = digest }, function() return file:sink() end, "layer", {
      on_start = function(transfer) progress:start(layer, transfer) end,
    })
    if not ok then return nil, err end
    progress:done(layer)
    return ctx:commit(args, file)
  end,
}
