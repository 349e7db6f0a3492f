-- How much may be fetched.
--
--   layers   most layers of an image
--   bytes    most bytes of all that a command fetches, as registries store it: 1000, "500M", "2GiB"

local parameters = require "hocker.policy.parameters"
local policy = require "hocker.policy"

return function(given)
  local opts, why = parameters.read(given, { layers = "count", bytes = "count" })
  if not opts then return nil, why end
  local spent, counted = 0, {}

  local function check_image(image)
    local layers = image.layers
    if layers and opts.layers and #layers > opts.layers then
      return policy.refuse(("%s has %d layers, more than %d"):format(image.reference, #layers,
        opts.layers))
    elseif layers and opts.bytes and image.size > opts.bytes then
      return policy.refuse(("%s has %d bytes, more than %d"):format(image.reference, image.size,
        opts.bytes))
    end
  end

  -- A blob of unknown size may have what is left.
  local function check_blob(blob)
    if not opts.bytes or counted[blob.digest] then return nil end
    counted[blob.digest] = true
    local rest = opts.bytes - spent
    if (blob.size or 0) > rest then
      return policy.refuse(("%s %s has %d bytes, and %d of %d are left"):format(blob.kind,
        blob.digest, blob.size, rest, opts.bytes))
    end
    spent = spent + (blob.size or rest)
    return { max = rest }
  end

  return { manifest = check_image, layer = check_blob }
end
