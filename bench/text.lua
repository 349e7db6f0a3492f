--- Tables and numbers as Markdown that also reads well in a terminal.

local text = {}

local function pad(word, width, left)
  local space = (" "):rep(width - utf8.len(word))
  return left and word .. space or space .. word
end

--- A table. The first column is left-aligned, the others are numbers.
---@param head string[]
---@param rows string[][]
---@return string
function text.table(head, rows)
  local widths = {}
  for _, row in ipairs { head, table.unpack(rows) } do
    for i, word in ipairs(row) do
      widths[i] = math.max(widths[i] or 3, utf8.len(word))
    end
  end
  local lines = {}
  local function add(row)
    local words = {}
    for i, width in ipairs(widths) do
      words[i] = pad(row[i] or "", width, i == 1)
    end
    lines[#lines + 1] = "| " .. table.concat(words, " | ") .. " |"
  end
  add(head)
  local rule = {}
  for i, width in ipairs(widths) do
    rule[i] = ("-"):rep(width - (i == 1 and 0 or 1)) .. (i == 1 and "" or ":")
  end
  add(rule)
  for _, row in ipairs(rows) do
    add(row)
  end
  return table.concat(lines, "\n") .. "\n"
end

--- Seconds, in the unit that fits.
---@param seconds number
---@return string
function text.time(seconds)
  if seconds < 0.0001 then
    return ("%.0f µs"):format(seconds * 1e6)
  elseif seconds < 0.01 then
    return ("%.2f ms"):format(seconds * 1e3)
  elseif seconds < 1 then
    return ("%.0f ms"):format(seconds * 1e3)
  end
  return ("%.2f s"):format(seconds)
end

--- Bytes, in the unit that fits.
---@param bytes integer
---@return string
function text.bytes(bytes)
  if bytes < 1e6 then
    return ("%.0f kB"):format(bytes / 1e3)
  end
  return ("%.0f MB"):format(bytes / 1e6)
end

--- A median, and how far half of the repetitions lie from it.
---@param summary bench.Summary
---@return string
function text.spread(summary)
  return ("%s ±%.0f %%"):format(text.time(summary.median),
    100 * summary.spread / summary.median)
end

--- How a median compares to another.
---@param a bench.Summary
---@param b bench.Summary
---@return string
function text.ratio(a, b)
  return ("%.2f"):format(a.median / b.median)
end

return text
