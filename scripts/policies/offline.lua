-- Looks into OCI layouts of this machine before a registry is asked.
--
--   layout   the path of a directory, as `hocker-image --format oci` writes it; or a list of them
--   only     true: registries are not asked at all

local parameters = require "hocker.policy.parameters"
local policy = require "hocker.policy"

return function(given)
  local opts, why = parameters.read(given, { layout = "paths", only = "flag" })
  if not opts then return nil, why end
  if not opts.layout then return nil, "which directory? it needs 'layout'" end
  return {
    resolve = function(image) -- those of another such policy stay
      local layouts = image.layouts
      return { layouts = table.move(opts.layout, 1, #opts.layout, #layouts + 1, layouts) }
    end,
    request = opts.only and function(request)
      return policy.refuse(("%s is not asked for: what is wanted is in none of %s")
        :format(request.url, table.concat(opts.layout, ", ")))
    end or nil,
  }
end
