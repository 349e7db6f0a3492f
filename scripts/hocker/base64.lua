--- Base 64 (RFC 4648 section 4), strict.

local M = {}

local ALPHABET <const> = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local VALUES <const> = {}
for i = 1, #ALPHABET do VALUES[ALPHABET:byte(i)] = i - 1 end

-- Four digits; those that padding stands for are absent, and count nothing.
local function join(text, at)
  local a, b, c, d = text:byte(at, at + 3)
  return VALUES[a] << 18 | VALUES[b] << 12 | (VALUES[c] or 0) << 6 | (VALUES[d] or 0)
end

--- The bytes of a text with its padding; nil for any other text, and where bits that stand for
--- nothing are not zero.
---@param text string
---@return string? bytes
function M.decode(text)
  local digits, padding = text:match("^([A-Za-z0-9+/]*)(=*)$")
  if not digits or #padding > 2 or #text % 4 ~= 0 then return nil end
  local parts = {}
  for at = 1, #digits - 3, 4 do parts[#parts + 1] = string.pack(">I3", join(text, at)) end
  if padding ~= "" then
    local last = join(text, #text - 3)
    if last & (1 << #padding * 8) - 1 ~= 0 then return nil end
    parts[#parts + 1] = string.pack(">I3", last):sub(1, 3 - #padding)
  end
  return table.concat(parts)
end

return M
