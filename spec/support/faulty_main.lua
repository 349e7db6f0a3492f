--- The server process of support/faulty.lua, which says what its routes mean.

local cjson = require "cjson"
local cqueues = require "cqueues"
local httpd = require "support.httpd"

local function read_file(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local config = cjson.decode(read_file(arg[1]))

local text, routes, used

--- The routes, read again when the file has changed.
local function current_routes()
  local now = read_file(config.routes)
  if now ~= text then
    text, routes, used = now, cjson.decode(now), {}
  end
  return routes
end

local function matches(when, headers)
  for name, pattern in pairs(when or {}) do
    local value = headers[name:lower()]
    if pattern == false and value or pattern and not (value and value:find(pattern)) then
      return false
    end
  end
  return true
end

--- The reply to a request; the table of the route itself, so that its uses are counted.
local function choose(request)
  local all = current_routes()
  local replies = all[request.method .. " " .. request.target] or all[request.target] or
    all[request.method .. " " .. request.path] or all[request.path] or all["*"]
  if not replies then
    return { status = 404, body = "no such route\n" }
  end
  for _, reply in ipairs(replies) do
    local count = used[reply] or 0
    if count < (reply.times or math.huge) and matches(reply.when, request.headers) then
      used[reply] = count + 1
      return reply
    end
  end
  return { status = 500, body = "no reply left\n" }
end

local function flip(content, offset)
  local wrong = string.char(content:byte(offset + 1) ~ 0xff)
  return content:sub(1, offset) .. wrong .. content:sub(offset + 2)
end

--- Answers a Range: the status and the part of the content that is sent.
local function apply_range(request, reply, headers, content)
  headers["Accept-Ranges"] = "bytes"
  local condition = request.headers["if-range"]
  local first, last = (request.headers.range or ""):match("^bytes=(%d*)%-(%d*)$")
  if not first or first .. last == "" or condition and condition ~= (headers.ETag or {})[1] then
    return reply.status or 200, content
  end
  first, last = tonumber(first), tonumber(last)
  if not first then
    first, last = math.max(0, #content - last), nil
  end
  last = math.min(last or math.huge, #content - 1)
  if first > last then
    headers["Content-Range"] = ("bytes */%d"):format(#content)
    return 416, ""
  end
  headers["Content-Range"] = ("bytes %d-%d/%d"):format(first, last, #content)
  return 206, content:sub(first + 1, math.tointeger(last) + 1)
end

local function own_headers(reply)
  local scheme = config.tls and "https" or "http"
  local url = ("%s://127.0.0.1:%d"):format(scheme, config.port)
  local headers = {}
  for name, values in pairs(reply.headers or {}) do
    headers[name] = {}
    for i, value in ipairs(type(values) == "table" and values or { values }) do
      headers[name][i] = type(value) == "string" and value:gsub("{url}", url) or value
    end
  end
  return headers
end

--- Writes the body in pieces of at most `rate` tenths; nil when the client has gone.
local function send(connection, reply, body)
  local piece = reply.rate and math.max(1, reply.rate // 10) or 65536
  for from = 1, #body, piece do
    local part = body:sub(from, from + piece - 1)
    if reply.chunked then
      part = ("%x\r\n%s\r\n"):format(#part, part)
    end
    if not connection:write(part) then
      return
    end
    connection:flush()
    if reply.rate then
      cqueues.sleep(0.1)
    end
  end
end

local function frame(reply, headers, body)
  if reply.chunked then
    headers["Transfer-Encoding"] = "chunked"
  elseif reply.length ~= false then
    headers["Content-Length"] = reply.length or #body
  end
end

--- Sends the body as the reply wants it; true when the connection can go on.
local function send_body(connection, reply, body)
  local limit = reply.truncate or reply.stall
  send(connection, reply, limit and body:sub(1, limit) or body)
  if reply.stall then
    connection:settimeout(600)
    connection:read(1)
  elseif not limit and reply.chunked then
    connection:write("0\r\n\r\n")
  end
  return not (limit or reply.close or reply.length == false or
    reply.length and reply.length ~= #body)
end

local function handle(request, connection)
  local reply = choose(request)
  if reply.delay then
    cqueues.sleep(reply.delay)
  end
  if reply.drop then
    return false
  end
  local headers = own_headers(reply)
  local content = reply.file and read_file(reply.file) or reply.body or ""
  if reply.flip then
    content = flip(content, reply.flip)
  end
  local status, body = reply.status or 200, content
  if reply.range then
    status, body = apply_range(request, reply, headers, content)
  end
  frame(reply, headers, body)
  httpd.head(connection, status, reply.reason, headers)
  if request.method == "HEAD" then
    return not reply.close
  end
  return send_body(connection, reply, body)
end

httpd.serve(config, handle)
