--- Digests as Nix writes them: hashes in base 16, 32 or 64, with or without the algorithm's name.

local base64 = require "hocker.base64"
local core = require "hocker.core"

local M = {}

local BYTES <const> = { sha256 = 32, sha512 = 64 }

-- Nix's base 32 has no e, o, t and u.
local NIX32 <const> = "0123456789abcdfghijklmnpqrsvwxyz"
local VALUES <const> = {}
for i = 1, #NIX32 do VALUES[NIX32:sub(i, i)] = i - 1 end

-- The last digit holds the lowest bits of the first byte.
local function from_nix32(text, count)
  local bytes, bits, have = {}, 0, 0
  for i = #text, 1, -1 do
    local value = VALUES[text:sub(i, i)]
    if not value then return nil end
    bits, have = bits | value << have, have + 5
    if have >= 8 and #bytes < count then
      bytes[#bytes + 1] = string.char(bits & 0xff)
      bits, have = bits >> 8, have - 8
    end
  end
  return bits == 0 and table.concat(bytes) or nil
end

local function from_hex(text)
  if text:find("[^0-9a-f]") then return nil end
  return (text:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

-- The base is told by the length.
local function decode(text, count)
  if #text == count * 2 then return from_hex(text) end
  if #text == (count * 8 + 4) // 5 then return from_nix32(text, count) end
  local bytes = base64.decode(text)
  return bytes and #bytes == count and bytes or nil
end

--- The digest that a hash stands for: "sha256:...", in hex, nix32 or base 64, the same without the
--- name, which is sha256 then, or as Subresource Integrity has it, "sha256-...".
---@param text string
---@return string? digest, hocker.Error? err "usage"
function M.digest(text)
  local name, rest = text:match("^(sha%d+)[:-](.*)$")
  if not name then name, rest = "sha256", text end
  local bytes = BYTES[name] and decode(rest, BYTES[name])
  if bytes then
    return name .. ":" .. bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end)
  end
  return nil, core.error("usage", ("'%s' is no digest: sha256: and 64 lower-case hex digits, these "
    .. "alone, or a hash as Nix writes it"):format(text))
end

return M
