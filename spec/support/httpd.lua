--- A small HTTP/1.1 server on cqueues, for the server processes of the specs: it reads requests
--- whole, logs them, and leaves the answer to a handler that may write any bytes it likes.

local cjson = require "cjson"
local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local httpd = {}

---@class support.httpd.Request
---@field method string
---@field target string
---@field path string
---@field query string?
---@field version string
---@field headers table<string, string> names in lower case, repeated ones joined with ", "
---@field body string
---@field connection integer counts the connections

local function unescape(text)
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

--- The pairs of a query or a form, in order; a name's values are a list.
---@param text string?
---@return table<string, string[]>
function httpd.form(text)
  local values = {}
  for name, value in (text or ""):gmatch("([^&=]+)=?([^&]*)") do
    name = unescape(name)
    values[name] = values[name] or {}
    table.insert(values[name], unescape(value))
  end
  return values
end

local function read_headers(connection)
  local headers = {}
  for line in connection:lines("*l") do
    line = line:gsub("\r$", "")
    if line == "" then
      return headers
    end
    local name, value = line:match("^([^:]+):%s*(.-)%s*$")
    if not name then
      return nil
    end
    name = name:lower()
    headers[name] = headers[name] and headers[name] .. ", " .. value or value
  end
end

--- One request; nil when the client has gone or talks nonsense.
local function read_request(connection)
  local line = connection:read("*l")
  local method, target, version = (line or ""):match("^(%S+) (%S+) HTTP/(%d%.%d)\r?$")
  local headers = method and read_headers(connection)
  if not headers then
    return nil
  end
  local path, query = target:match("^([^?]*)%??(.*)$")
  local length = tonumber(headers["content-length"] or "0")
  return { method = method, target = target, path = path, query = query ~= "" and query or nil,
    version = version, headers = headers,
    body = length > 0 and connection:read(length) or "" }
end

--- Head of an answer. `headers` is a map of names to a value or a list of values.
---@param connection any
---@param status integer
---@param reason string?
---@param headers table<string, string|number|(string|number)[]>
function httpd.head(connection, status, reason, headers)
  local lines = { ("HTTP/1.1 %d %s"):format(status, reason or "") }
  for name, values in pairs(headers) do
    for _, value in ipairs(type(values) == "table" and values or { values }) do
      -- Numbers that came through JSON are floats.
      local text = type(value) == "number" and ("%.14g"):format(value) or value
      lines[#lines + 1] = name .. ": " .. text
    end
  end
  connection:write(table.concat(lines, "\r\n"), "\r\n\r\n")
end

--- A whole answer.
---@param connection any
---@param status integer
---@param headers table<string, string|number|(string|number)[]>
---@param body string
function httpd.answer(connection, status, headers, body)
  headers["Content-Length"] = #body
  httpd.head(connection, status, nil, headers)
  connection:write(body)
  connection:flush()
end

local function tls_context(cert)
  local context = require("openssl.ssl.context").new("TLS", true)
  local function read(path)
    local file <close> = assert(io.open(path))
    return file:read("a")
  end
  context:setCertificate(require("openssl.x509").new(read(cert.cert)))
  context:setPrivateKey(require("openssl.pkey").new(read(cert.key)))
  return context
end

local function serve(connection, number, config, log, handler)
  -- A client that leaves in the middle is business as usual.
  connection:onerror(function(_, _, code) return code end)
  connection:setmode("b", "bf")
  if config.tls and not connection:starttls(config.context) then
    return connection:close()
  end
  for request in function() return read_request(connection) end do
    request.connection = number
    log:write(cjson.encode(request), "\n")
    local keep = handler(request, connection)
    connection:flush()
    if not keep or request.headers.connection == "close" then
      break
    end
  end
  connection:close()
end

--- Serves for ever. Prints "listening PORT" when it is ready, and logs each request as a line of
--- JSON before it is answered. The handler returns true to keep the connection.
---@param config {port: integer?, log: string, tls: support.Cert?}
---@param handler fun(request: support.httpd.Request, connection: any): boolean?
function httpd.serve(config, handler)
  local listener = assert(socket.listen { host = "127.0.0.1", port = config.port or 0 })
  assert(listener:listen())
  local _, _, port = listener:localname()
  local log = assert(io.open(config.log, "w"))
  log:setvbuf("line")
  config.context = config.tls and tls_context(config.tls)
  config.port = port
  io.stdout:write(("listening %d\n"):format(port))
  io.stdout:flush()
  local loop = cqueues.new()
  loop:wrap(function()
    local number = 0
    for connection in listener:clients() do
      number = number + 1
      local mine = number
      loop:wrap(function()
        local ok, message = pcall(serve, connection, mine, config, log, handler)
        if not ok then
          io.stderr:write(tostring(message), "\n")
          connection:close()
        end
      end)
    end
  end)
  assert(loop:loop())
end

return httpd
