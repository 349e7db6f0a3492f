--- Certificates by registry, where docker and podman keep them: a folder certs.d with one folder for
--- each host[:port]. In it, `*.crt` are further certificate authorities, and `NAME.cert` with
--- `NAME.key` is a client certificate.
---
--- Of the places that may have the registry's folder the first that does counts, as with podman.

local core = require "hocker.core"

local M = {}

local ABSENT <const> = { [2] = true, [20] = true } -- ENOENT, ENOTDIR
local DENIED <const> = 13 -- EACCES

---@class hocker.Certs
---@field cacerts string[] paths, in the order of their names
---@field cert string?
---@field key string?

--- The folders certs.d, the user's own first.
---@param getenv fun(name: string): string?
---@return string[]
function M.roots(getenv)
  local config, home = getenv("XDG_CONFIG_HOME") or "", getenv("HOME") or ""
  if config:sub(1, 1) ~= "/" then
    config = home:sub(1, 1) == "/" and home .. "/.config" or nil
  end
  local roots = { "/etc/containers/certs.d", "/etc/docker/certs.d" }
  if config then table.insert(roots, 1, config .. "/containers/certs.d") end
  return roots
end

--- What a registry's folder is called: its host[:port] as the user wrote it.
---@param ref hocker.Reference
---@return string
function M.name(ref)
  return ref.host == "docker.io" and ref.host or ref.registry:match("^%a+://([^/]+)")
end

-- The pairs' stems, in order. One half alone is a mistake that would show as a refusal only.
local function find_pair(folder, names, there)
  local stem
  for _, name in ipairs(names) do
    local base, kind = name:match("^(.*)%.(%l+)$")
    local other = kind == "cert" and base .. ".key" or kind == "key" and base .. ".cert"
    if other and not there[other] then
      return nil, core.error("io", ("%s/%s: there is no %s beside it"):format(folder, name, other))
    end
    stem = stem or other and base
  end
  return stem
end

local function read_folder(folder, names)
  table.sort(names)
  local there, certs = {}, { cacerts = {} }
  for _, name in ipairs(names) do
    there[name] = true
    if name:find("%.crt$") then certs.cacerts[#certs.cacerts + 1] = folder .. "/" .. name end
  end
  local stem, err = find_pair(folder, names, there)
  if err then return nil, err end
  if stem then
    certs.cert, certs.key = folder .. "/" .. stem .. ".cert", folder .. "/" .. stem .. ".key"
  end
  return certs
end

--- What is kept for a registry. A folder that is not ours to read is passed over.
---@param ref hocker.Reference
---@param roots string[]
---@param log hocker.Log?
---@return hocker.Certs? certs nil alone when there are none
---@return hocker.Error? err "io"
function M.find(ref, roots, log)
  local name = M.name(ref)
  if name == "." or name == ".." then return nil end
  for _, root in ipairs(roots) do
    local folder = root .. "/" .. name
    local names, err = core.system.list(folder)
    if names then return read_folder(folder, names) end
    if err.sys == DENIED then
      if log then log:warn(err.message .. "; passed over") end
    elseif not ABSENT[err.sys] then
      return nil, err
    end
  end
end

return M
