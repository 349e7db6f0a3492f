--- The real docker-registry, on a free port, with a generated configuration.

local cjson = require "cjson"
local process = require "support.process"
local tmp = require "support.tmp"

local registry = {}

---@class support.registry.Options
---@field auth "htpasswd"|"token"|nil anyone may do anything by default
---@field users table<string, string>? for "htpasswd": names and passwords, {alice = "secret"} by default
---@field token support.TokenServer? for "token": who signs
---@field tls support.Cert? https instead of http
---@field client_ca string? with tls: asks for client certificates that this PEM file signed
---@field proxy string? a registry whose cache this one is
---@field prefix string? a path before "/v2/", such as "/registry/"
---@field root string? where images are kept: give it to the next registry to keep them
---@field port integer? a free one by default
---@field ipv6 boolean? listens on ::1 instead of 127.0.0.1

---@class support.Request What a server's log says of a request.
---@field method string
---@field target string path and query
---@field path string
---@field query string? without "?"
---@field status integer
---@field size integer bytes of the body that were sent
---@field agent string the User-Agent

---@class support.Registry
---@field process support.Process
---@field root string
---@field users table<string, string>?
---@field opts support.registry.Options
local methods = {}
local mt = { __name = "support.Registry", __index = methods }

--- A file of bcrypt lines for users and passwords.
---@param users table<string, string>
---@return string path
function registry.htpasswd(users)
  local lines = {}
  for name, password in pairs(users) do
    lines[#lines + 1] = process.check { "htpasswd", "-Bbn", name, password }
  end
  return tmp.file(table.concat(lines), "htpasswd")
end

local function auth_section(opts, users)
  if opts.auth == "htpasswd" then
    return { htpasswd = { realm = "hocker specs", path = registry.htpasswd(users) } }
  elseif opts.auth == "token" then
    local token = assert(opts.token, "auth = \"token\" needs token = a token server")
    return { token = { realm = token:realm(), service = token.service, issuer = token.issuer,
      rootcertbundle = token.cert } }
  end
end

local function address(opts)
  return opts.ipv6 and "[::1]" or "127.0.0.1"
end

local function config(opts, root, users)
  local http = { addr = ("%s:%d"):format(address(opts), opts.port or 0), secret = "hocker",
    prefix = opts.prefix }
  if opts.tls then
    http.tls = { certificate = opts.tls.cert, key = opts.tls.key,
      clientcas = opts.client_ca and { opts.client_ca } }
  end
  return {
    version = 0.1,
    log = { level = "info", accesslog = { disabled = false } },
    storage = { filesystem = { rootdirectory = root }, delete = { enabled = true } },
    http = http,
    auth = auth_section(opts, users),
    proxy = opts.proxy and { remoteurl = opts.proxy },
  }
end

--- Starts a registry and waits until it listens.
---@param opts support.registry.Options?
---@return support.Registry
function registry.start(opts)
  opts = opts or {}
  local root = opts.root or tmp.dir("registry")
  local users = opts.auth == "htpasswd" and (opts.users or { alice = "secret" }) or nil
  -- JSON is YAML, but for the escaped slash.
  local text = cjson.encode(config(opts, root, users)):gsub("\\/", "/")
  local path = tmp.file(text, "registry.yml")
  local child = process.spawn({ "docker-registry", "serve", path },
    { env = { OTEL_TRACES_EXPORTER = "none" } })
  local port = child:wait_for("listening on " .. address(opts):gsub("%W", "%%%0") .. ":(%d+)")
  return setmetatable({ process = child, root = root, users = users, opts = opts,
    port = math.tointeger(tonumber(port)) }, mt)
end

--- "127.0.0.1:PORT" or "[::1]:PORT", or "localhost:PORT".
---@param name string? another name of this machine
---@return string
function methods:host(name)
  return ("%s:%d"):format(name or address(self.opts), self.port)
end

--- "http://127.0.0.1:PORT", with a path prefix if it has one, without "/" at the end.
---@return string
function methods:url()
  local prefix = (self.opts.prefix or ""):gsub("/$", "")
  return (self.opts.tls and "https://" or "http://") .. self:host() .. prefix
end

local LINE = '^%S+ %S+ %S+ %[.-%] "(%S+) (%S+) %S+" (%d+) (%d+) "[^"]*" "([^"]*)"'

--- What it was asked so far, in order of the answers' ends.
---@return support.Request[]
function methods:requests()
  local list = {}
  local log = process.settled(function() return self.process:stdout() end)
  for line in log:gmatch("[^\n]+") do
    local method, target, status, size, agent = line:match(LINE)
    if method then
      local path, query = target:match("^([^?]*)%??(.*)$")
      list[#list + 1] = { method = method, target = target, path = path,
        query = query ~= "" and query or nil, status = math.tointeger(tonumber(status)),
        size = math.tointeger(tonumber(size)), agent = agent }
    end
  end
  return list
end

function methods:stop()
  self.process:stop()
end

return registry
