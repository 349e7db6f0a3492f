--- A web server that does exactly what it is told, above all wrong things.
---
---     local server = faulty.start { routes = {
---       ["/v2/"] = { status = 401, headers = { ["WWW-Authenticate"] = 'Basic realm="{url}"' } },
---       ["GET /blob"] = {
---         { status = 503, headers = { ["Retry-After"] = 0 }, times = 2 },
---         { file = path, range = true, truncate = 1000, times = 1 },
---         { file = path, range = true },
---       },
---     } }
---
--- A route is found by "METHOD target", "target", "METHOD path", "path" (without the query) or
--- "*"; else the answer is 404. Of a route's replies the first one that is not used up, and whose
--- `when` matches, is given; if there is none, the answer is 500.

local cjson = require "cjson"
local service = require "support.service"
local tmp = require "support.tmp"

local faulty = {}

---@class support.faulty.Reply
---@field when table<string, string|false>? request headers that have to match Lua patterns; false: be absent
---@field times integer? how often it is given
---@field status integer? 200 by default
---@field reason string?
---@field headers table<string, string|number|(string|number)[]>? "{url}" in a value is the server's own
---@field body string?
---@field file string? a path whose content is the body
---@field range boolean? honours Range and If-Range with 206 or 416
---@field delay number? seconds before the head
---@field rate integer? bytes a second
---@field length integer|false|nil what Content-Length claims; false: it is left out, and the end of the connection ends the body
---@field chunked boolean? Transfer-Encoding: chunked
---@field truncate integer? the connection closes after so many bytes of the body
---@field stall integer? nothing more comes after so many bytes of the body
---@field flip integer? the byte at this offset of the content (from 0) is wrong
---@field drop boolean? the connection closes without an answer
---@field close boolean? the connection closes after the answer

---@alias support.faulty.Routes table<string, support.faulty.Reply|support.faulty.Reply[]>

---@class support.Faulty: support.Service
local methods = setmetatable({}, { __index = service.methods })
local mt = { __name = "support.Faulty", __index = methods }

local function encode(routes)
  local lists = {}
  for key, replies in pairs(routes) do
    lists[key] = replies[1] and replies or { next(replies) and replies or { status = 200 } }
  end
  return cjson.encode(lists)
end

--- Starts a server.
---@param opts {routes: support.faulty.Routes?, tls: support.Cert?, port: integer?}
---@return support.Faulty
function faulty.start(opts)
  local routes = tmp.file(encode(opts.routes or {}), "routes.json")
  local self = service.start("faulty", { routes = routes, tls = opts.tls, port = opts.port })
  self.routes = routes
  return setmetatable(self, mt)
end

--- Replaces all routes; what was used up is forgotten.
---@param routes support.faulty.Routes
function methods:set(routes)
  tmp.write(self.routes .. ".new", encode(routes))
  assert(os.rename(self.routes .. ".new", self.routes))
end

return faulty
