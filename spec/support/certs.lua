--- A private certificate authority and what it signs, by the openssl program.

local process = require "support.process"
local tmp = require "support.tmp"

local certs = {}

---@class support.Cert
---@field cert string path of the PEM certificate
---@field key string path of its PEM key
---@field ca string path of the PEM certificate of the authority

---@class support.Authority: support.Cert
local methods = {}
local mt = { __name = "support.Authority", __index = methods }

local KEYS = {
  ec = { "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1" },
  rsa = { "-newkey", "rsa:2048" },
}

--- Makes a key and a certificate; with an authority, signed by it.
local function issue(subject, algorithm, extensions, authority)
  local dir = tmp.dir("cert")
  local made = { cert = dir .. "/cert.pem", key = dir .. "/key.pem" }
  local argv = { "openssl", "req", "-x509", "-nodes", "-sha256", "-days", "2",
    "-subj", "/CN=" .. subject, "-keyout", made.key, "-out", made.cert }
  table.move(KEYS[algorithm], 1, #KEYS[algorithm], #argv + 1, argv)
  for _, extension in ipairs(extensions) do
    argv[#argv + 1] = "-addext"
    argv[#argv + 1] = extension
  end
  if authority then
    table.move({ "-CA", authority.cert, "-CAkey", authority.key }, 1, 4, #argv + 1, argv)
  end
  process.check(argv)
  made.ca = authority and authority.cert or made.cert
  return made
end

--- A new authority: self-signed, its own `ca`.
---@param algorithm "ec"|"rsa"|nil "ec" by default
---@return support.Authority
function certs.authority(algorithm)
  local made = issue("hocker spec authority", algorithm or "ec",
    { "keyUsage=critical,keyCertSign,cRLSign,digitalSignature" })
  return setmetatable(made, mt)
end

local shared

--- One authority for all specs of this run.
---@return support.Authority
function certs.shared()
  shared = shared or certs.authority()
  return shared
end

--- A server's certificate; for localhost, 127.0.0.1 and ::1 unless names are given.
---@param names string[]? as subjectAltName has them: "DNS:localhost", "IP:127.0.0.1"
---@return support.Cert
function methods:server(names)
  names = names or { "DNS:localhost", "IP:127.0.0.1", "IP:::1" }
  return issue("localhost", "ec", { "basicConstraints=critical,CA:FALSE",
    "extendedKeyUsage=serverAuth", "subjectAltName=" .. table.concat(names, ",") }, self)
end

--- A client's certificate.
---@param name string?
---@return support.Cert
function methods:client(name)
  return issue(name or "client", "ec",
    { "basicConstraints=critical,CA:FALSE", "extendedKeyUsage=clientAuth" }, self)
end

return certs
