--- hocker: docker and OCI images from registries, verified, without a daemon.
---
---     local hocker = require "hocker"
---     local session = assert(hocker.session.new())
---     local ref = assert(hocker.reference.parse { "debian:12" })
---     local image = assert(hocker.registry.new { session = session, ref = ref }:image())
---
--- Each field is a module, loaded when it is first used.

return setmetatable({}, {
  __index = function(self, name)
    local module = require("hocker." .. name)
    self[name] = module
    return module
  end,
})
