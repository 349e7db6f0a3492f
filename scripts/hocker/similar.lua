--- Finds what somebody may have meant.

local M = {}

-- How many characters to insert, delete, change or swap with their neighbour, to get from one to the other.
local function distance(a, b)
  local before, last = {}, {}
  for j = 0, #b do last[j] = j end
  for i = 1, #a do
    local row = { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      row[j] = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], before[j - 2] + 1)
      end
    end
    before, last = last, row
  end
  return last[#b]
end

-- Written as one writes options on the command line or elsewhere, it is the same.
local function plain(name)
  return (name:lower():gsub("^%-%-?", ""):gsub("-", "_"))
end

--- The end of a message about a name that is unknown: "; did you mean 'x'?", or nothing.
---@param name string
---@param known table<string, any> by name
---@return string
function M.hint(name, known)
  local best, least
  for candidate in pairs(known) do
    local d = distance(plain(name:sub(1, 40)), plain(candidate))
    if not least or d < least or (d == least and candidate < best) then
      best, least = candidate, d
    end
  end
  if not best or least > math.max(1, #best // 3) then return "" end
  return ("; did you mean '%s'?"):format(best)
end

return M
