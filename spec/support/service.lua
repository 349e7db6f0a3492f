--- Starts one of our own servers (spec/support/*_main.lua) as a process, and reads its log.

local cjson = require "cjson"
local process = require "support.process"
local tmp = require "support.tmp"

local service = {}

---@class support.Service
---@field process support.Process
---@field port integer
---@field tls support.Cert?
---@field dir string
local methods = {}
service.methods = methods
local mt = { __name = "support.Service", __index = methods }

local HERE = debug.getinfo(1, "S").source:match("^@(.*/)")

--- Starts NAME_main.lua. It gets the path of a JSON file of `config`.
---@param name string
---@param config table `port` and `tls` are for httpd.lua
---@return support.Service
function service.start(name, config)
  local dir = tmp.dir(name)
  config.log = dir .. "/log"
  tmp.write(dir .. "/config.json", cjson.encode(config))
  local child = process.spawn({ "lua5.4", HERE .. name .. "_main.lua", dir .. "/config.json" },
    { env = { LUA_PATH = HERE .. "../?.lua;;" } })
  local port = child:wait_for("listening (%d+)")
  return setmetatable({ process = child, port = math.tointeger(tonumber(port)), dir = dir,
    tls = config.tls, seen = 0 }, mt)
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

local function read_log(self)
  local list = {}
  for line in tmp.read(self.dir .. "/log"):gmatch("[^\n]+") do
    list[#list + 1] = cjson.decode(line)
  end
  return list
end

--- The requests since the start, or since `forget`.
---@return support.httpd.Request[]
function methods:requests()
  local all = read_log(self)
  return table.move(all, self.seen + 1, #all, 1, {})
end

--- Lets `requests` begin anew.
function methods:forget()
  self.seen = #read_log(self)
end

function methods:stop()
  self.process:stop()
end

return service
