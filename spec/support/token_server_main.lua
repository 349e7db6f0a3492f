--- The server process of support/token_server.lua: distribution's token protocol, both the GET
--- of the token specification and the POST of OAuth 2.

local cjson = require "cjson"
local digest = require "openssl.digest"
local httpd = require "support.httpd"
local pkey = require "openssl.pkey"

local function read_file(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function encode64(data)
  local bits = data:gsub(".", function(c)
    local byte, text = c:byte(), ""
    for i = 7, 0, -1 do
      text = text .. (byte >> i & 1)
    end
    return text
  end)
  bits = bits .. ("0"):rep(-#bits % 6)
  local text = bits:gsub("%d%d%d%d%d%d", function(six)
    local at = tonumber(six, 2) + 1
    return ALPHABET:sub(at, at)
  end)
  return text .. ("="):rep(-#text % 4)
end

local function encode64url(data)
  return (encode64(data):gsub("+", "-"):gsub("/", "_"):gsub("=", ""))
end

local function decode64(text)
  local bits = text:gsub("=", ""):gsub(".", function(c)
    local value, six = (ALPHABET:find(c, 1, true) or 1) - 1, ""
    for i = 5, 0, -1 do
      six = six .. (value >> i & 1)
    end
    return six
  end)
  return (bits:sub(1, #bits // 8 * 8):gsub("%d%d%d%d%d%d%d%d", function(eight)
    return string.char(tonumber(eight, 2))
  end))
end

local config = cjson.decode(read_file(arg[1]))
local key = pkey.new(read_file(config.key))
-- PEM without its armour is what x5c wants.
local certificate = read_file(config.cert):gsub("%-%-%-[^\n]+", ""):gsub("%s", "")

--- A signed JWT (RS256), with the certificate in its head.
local function sign(claims)
  local head = { typ = "JWT", alg = "RS256", x5c = { certificate } }
  local text = encode64url(cjson.encode(head)) .. "." .. encode64url(cjson.encode(claims))
  local hash = digest.new("sha256")
  hash:update(text)
  return text .. "." .. encode64url(key:sign(hash))
end

local function may_pull(user, name)
  if user then
    return true
  end
  for _, pattern in ipairs(config.private) do
    if name:find(pattern) then
      return false
    end
  end
  return config.anonymous
end

--- The access that is granted of the scopes asked for.
local function grant(user, scopes)
  local access = {}
  for _, scope in ipairs(scopes) do
    for kind, name, wanted in scope:gmatch("(%S-):(%S+):(%S+)") do
      local actions = {}
      for action in wanted:gmatch("[^,]+") do
        if user or action == "pull" and may_pull(user, name) then
          actions[#actions + 1] = action
        end
      end
      if #actions > 0 then
        access[#access + 1] = { type = kind, name = name, actions = actions }
      end
    end
  end
  return access
end

local serial = 0

local function token_for(user, audience, scopes)
  serial = serial + 1
  local now = os.time()
  local access = grant(user, scopes)
  return sign { iss = config.issuer, sub = user or "", aud = audience or config.service,
    iat = now, nbf = now - 10, exp = now + (config.expires_in or 60), jti = tostring(serial),
    access = #access > 0 and access or nil }
end

local function refuse(connection, status, message)
  httpd.answer(connection, status, { ["Content-Type"] = "application/json" },
    cjson.encode { details = message })
  return true
end

--- Who asks: a name, false for nobody in particular, nil for wrong credentials.
local function basic_user(request)
  local encoded = (request.headers.authorization or ""):match("^Basic (.+)$")
  if not encoded then
    return false
  end
  local name, password = decode64(encoded):match("^([^:]*):(.*)$")
  return name and config.users[name] == password and name or nil
end

local function form_user(form)
  if form.grant_type[1] == "refresh_token" then
    return config.refresh_tokens[form.refresh_token[1]]
  end
  local name = form.username[1]
  return config.users[name] == form.password[1] and name or nil
end

local function handle(request, connection)
  if request.path ~= "/token" then
    return refuse(connection, 404, "no such page")
  elseif config.failures > 0 then
    config.failures = config.failures - 1
    return refuse(connection, 503, "later")
  elseif request.method == "POST" and not config.post then
    return refuse(connection, 405, "GET only")
  end
  local posted = request.method == "POST"
  local form = httpd.form(posted and request.body or request.query)
  local user
  if posted then
    user = form_user(form)
  else
    user = basic_user(request)
  end
  if user == nil then
    return refuse(connection, 401, "incorrect username or password")
  end
  local token = token_for(user, form.service and form.service[1], form.scope or {})
  local field = posted and "access_token" or config.field
  httpd.answer(connection, 200, { ["Content-Type"] = "application/json" }, cjson.encode {
    token = field ~= "access_token" and token or nil,
    access_token = field ~= "token" and token or nil,
    expires_in = config.expires_in or nil,
    issued_at = os.date("!%Y-%m-%dT%H:%M:%SZ"),
  })
  return true
end

httpd.serve(config, handle)
