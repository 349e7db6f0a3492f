--- nginx in the foreground on a free port: TLS, Basic auth, limits or redirects before a registry.
---
---     local front = nginx.start { to = reg:url(), tls = ca:server(), users = { bob = "pw" } }
---     local slow = nginx.start { http = "limit_req_zone $binary_remote_addr zone=z:1m rate=2r/s;",
---       server = "limit_req zone=z; limit_req_status 429;", to = reg:url() }

local cjson = require "cjson"
local port = require "support.port"
local process = require "support.process"
local registry = require "support.registry"
local tmp = require "support.tmp"

local nginx = {}

---@class support.nginx.Options
---@field to string? a URL that everything is passed on to, path and all
---@field users table<string, string>? asks for Basic auth
---@field tls support.Cert?
---@field client_ca string? with tls: asks for client certificates that this PEM file signed
---@field http string? directives for the http block
---@field server string? directives for the server block

---@class support.nginx.Request: support.Request
---@field range string? the header
---@field authorization string? the header
---@field protocol string "HTTP/1.1", "HTTP/2.0"

---@class support.Nginx
---@field process support.Process
---@field port integer
---@field dir string
local methods = {}
local mt = { __name = "support.Nginx", __index = methods }

local LOG = '{"method":"$request_method","target":"$request_uri","status":$status,' ..
  '"size":$body_bytes_sent,"agent":"$http_user_agent","range":"$http_range",' ..
  '"authorization":"$http_authorization","protocol":"$server_protocol"}'

local MAIN = [[
daemon off;
worker_processes 1;
pid %DIR/pid;
error_log stderr notice;
%USER
events { worker_connections 256; }
http {
  log_format spec escape=json '%LOG';
  access_log %DIR/access.log spec;
  client_body_temp_path %DIR/body;
  proxy_temp_path %DIR/proxy;
  fastcgi_temp_path %DIR/fastcgi;
  uwsgi_temp_path %DIR/uwsgi;
  scgi_temp_path %DIR/scgi;
  client_max_body_size 0;
  %HTTP
  server {
    listen 127.0.0.1:%PORT %SSL;
    %SERVER
  }
}
]]

local PROXY = [[
    location / {
      proxy_pass %s;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
]]

local function server_block(opts)
  local lines = { opts.server or "" }
  if opts.tls then
    lines[#lines + 1] = ("ssl_certificate %s; ssl_certificate_key %s;"):format(opts.tls.cert,
      opts.tls.key)
  end
  if opts.client_ca then
    lines[#lines + 1] = ("ssl_client_certificate %s; ssl_verify_client on;"):format(opts.client_ca)
  end
  if opts.users then
    lines[#lines + 1] = ('auth_basic "hocker specs"; auth_basic_user_file %s;')
      :format(registry.htpasswd(opts.users))
  end
  if opts.to then
    lines[#lines + 1] = PROXY:format(opts.to)
  end
  return table.concat(lines, "\n    ")
end

--- Starts nginx and waits until it listens.
---@param opts support.nginx.Options
---@return support.Nginx
function nginx.start(opts)
  local dir, number = tmp.dir("nginx"), port.free()
  local values = { DIR = dir, PORT = number, LOG = LOG, HTTP = opts.http or "",
    SERVER = server_block(opts), SSL = opts.tls and "ssl http2" or "",
    -- Else its worker is somebody who can't read our files.
    USER = process.is_root() and "user root;" or "" }
  local path = dir .. "/nginx.conf"
  tmp.write(path, (MAIN:gsub("%%(%u+)", values)))
  local child = process.spawn { "nginx", "-p", dir, "-c", path, "-e", "stderr" }
  child:wait_for("start worker process ")
  return setmetatable({ process = child, port = number, dir = dir, tls = opts.tls }, mt)
end

--- "127.0.0.1:PORT", or another name of this machine.
---@param name string?
---@return string
function methods:host(name)
  return ("%s:%d"):format(name or "127.0.0.1", self.port)
end

--- Its root, without "/" at the end.
---@param name string?
---@return string
function methods:url(name)
  return (self.tls and "https://" or "http://") .. self:host(name)
end

--- What it was asked so far.
---@return support.nginx.Request[]
function methods:requests()
  local list = {}
  local log = process.settled(function() return tmp.read(self.dir .. "/access.log") end)
  for line in log:gmatch("[^\n]+") do
    local request = cjson.decode(line)
    request.path, request.query = request.target:match("^([^?]*)%??(.*)$")
    for _, name in ipairs { "query", "range", "authorization" } do
      if request[name] == "" then
        request[name] = nil
      end
    end
    list[#list + 1] = request
  end
  return list
end

function methods:stop()
  self.process:stop()
end

return nginx
