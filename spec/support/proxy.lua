--- An HTTP proxy for CONNECT that leads names of the world to servers of this machine: so a spec
--- has a Docker Hub of its own, and hosts in other domains than the registry's.
---
---     local hub = faulty.start { tls = ca:server { "DNS:registry-1.docker.io" }, routes = ... }
---     local way = proxy.start { ["registry-1.docker.io:443"] = hub.port }
---     program.check("hocker-manifest", { "debian", "12", "--cacert", ca.cert }, { env = way:env() })

local service = require "support.service"

local proxy = {}

---@class support.Proxy: support.Service its requests are the CONNECTs
local methods = setmetatable({}, { __index = service.methods })
local mt = { __name = "support.Proxy", __index = methods }

--- Starts a proxy. What is not in `hosts` gets 502.
---@param hosts table<string, integer> "name:port" to a port of this machine
---@return support.Proxy
function proxy.start(hosts)
  return setmetatable(service.start("proxy", { hosts = hosts }), mt)
end

--- The environment that sends https through it.
---@return table<string, string>
function methods:env()
  return { https_proxy = self:url() }
end

return proxy
