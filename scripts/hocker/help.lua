--- The help of a command: how it is used, and what its words and options are for; and of a program that
--- has commands, which these are.

local M = {}

local WIDTH <const> = 90
local MARGIN <const> = 3
local COLUMN <const> = 32 -- where it is said what something is for

-- Its own lines, cut between words where they are too long.
local function wrap(text, width)
  local lines = {}
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    local start = #lines + 1
    for word in line:gmatch("%S+") do
      local longer = lines[start] and lines[#lines] .. " " .. word
      if longer and #longer <= width then lines[#lines] = longer
      else lines[#lines + 1] = word end
    end
    lines[start] = lines[start] or ""
  end
  return lines
end

-- An option with a value has each of its names on a line, all ending in one column.
local function labels(spec)
  if spec.words then return { spec.words } end
  local names, longest = {}, 0
  for name in spec.names:gmatch("%S+") do
    names[#names + 1] = name
    longest = math.max(longest, #name)
  end
  if spec.flag then return { table.concat(names, ", ") } end
  for i, name in ipairs(names) do
    names[i] = ("%s%s %s%s"):format((" "):rep(longest - #name), name, spec.value,
      i < #names and "," or "")
  end
  return names
end

-- What it is, and beside that what it is for; below it where there is no room.
local function add_entry(lines, spec)
  local left, right = labels(spec), wrap(spec.help or "", WIDTH - COLUMN)
  local below = #left[1] >= COLUMN - MARGIN and #left or 0
  for i = 1, math.max(#left, below + #right) do
    local label = left[i] and (" "):rep(MARGIN) .. left[i] or ""
    local what = right[i - below] or ""
    local gap = what ~= "" and (" "):rep(COLUMN - #label) or ""
    lines[#lines + 1] = label .. gap .. what
  end
end

local function add_entries(lines, title, specs, field)
  local start = #lines
  for _, spec in ipairs(specs) do
    if spec[field] then
      if #lines == start then table.move({ "", title }, 1, 2, #lines + 1, lines) end
      add_entry(lines, spec)
    end
  end
end

---@param program string as it is called: "hocker tags"
---@param command hocker.Command
---@param specs table[] all of its words and options
---@return string text
function M.text(program, command, specs)
  local usage = ("Usage: %s [options] %s"):format(program, command.usage or "IMAGE")
  local lines = { usage:match("^(.-) *$"), "" }
  table.move(wrap(command.summary, WIDTH), 1, WIDTH, #lines + 1, lines)
  add_entries(lines, "Arguments:", specs, "words")
  add_entries(lines, "Options:", specs, "names")
  return table.concat(lines, "\n") .. "\n"
end

--- What a program that has commands says of itself.
---@param program string as it is called
---@param summary string a sentence
---@param rows { [1]: string, [2]: string }[] each command's name and summary
---@param ending string what the last sentence ends with
---@return string text
function M.overview(program, summary, rows, ending)
  local lines = { "Usage: " .. program .. " COMMAND [options] ...", "", summary, "", "Commands:" }
  for _, row in ipairs(rows) do lines[#lines + 1] = ("   %-12s %s"):format(row[1], row[2]) end
  return ("%s\n\n`%s COMMAND --help` tells the rest%s."):format(table.concat(lines, "\n"), program,
    ending)
end

return M
