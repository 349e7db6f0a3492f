-- embed: writes a C file that holds scripts as Lua has compiled them, or as text.
--
--   lua embed.lua OUT.c [--text] FILE...
--
-- A script's name is its path below scripts/, a template's its path as it is. To compile them takes
-- longer than most commands run. It is done by the Lua that builds, which must be the one that is
-- linked; what comes from elsewhere is always text. A library's Lua is its program's own, of whatever
-- patch release: that gets text. The table is sorted, so that the same input
-- gives the same bytes and look-up can halve it.

local out = table.remove(arg, 1)
local as_text = arg[1] == "--text" and table.remove(arg, 1)
local entries = {}

-- How many bytes follow the type of a constant: nil, false, true, an integer and a float. Both kinds
-- of strings (0x04, 0x14) have a length.
local CONSTANTS <const> = { [0x00] = 0, [0x01] = 0, [0x11] = 0, [0x03] = 8, [0x13] = 8 }

local OTHER_FORMAT <const> = "this is not the bytecode of Lua 5.4 as it usually is"

-- Takes the names of local variables out of what string.dump made (lundump.c has its format): they are
-- half of what there is to load. What string.dump itself can leave out are these and all lines, and then
-- the traceback of a fault would not tell where it is.
local function without_names(dump)
  local pieces, start, at = {}, 1, #"\27Lua" + 2 + 6 + 3 + 8 + 8 + 2 -- behind the header

  local function number()
    local n = 0
    while true do
      local byte = dump:byte(at) or error(OTHER_FORMAT)
      at, n = at + 1, n << 7 | byte & 0x7f
      if byte >= 0x80 then return n end
    end
  end

  local function skip(size) at = at + size end
  local function each(read) for _ = 1, number() do read() end end
  local function text() skip(math.max(number() - 1, 0)) end

  local function constant()
    local size = CONSTANTS[dump:byte(at)]
    skip(1)
    if size then skip(size) else text() end
  end

  local function line() number() number() end
  local function variable() text() line() end

  local function prototype()
    text() line() skip(3)
    skip(4 * number()) -- instructions
    each(constant)
    skip(3 * number()) -- upvalues
    each(prototype)
    skip(number()) -- of each instruction the line, from the last one's
    each(line)
    pieces[#pieces + 1] = dump:sub(start, at - 1) .. "\x80\x80" -- none, and none
    each(variable)
    each(text) -- names of upvalues
    start = at
  end

  prototype()
  assert(at == #dump + 1, OTHER_FORMAT)
  return table.concat(pieces)
end

local function compile(name, file)
  local f <close> = assert(io.open(file, "rb"))
  local text = f:read("a")
  local chunk = assert(load(text, "@hocker:/" .. name, "t"))
  if as_text then return text end
  local code = without_names(string.dump(chunk))
  return assert(load(code, name, "b")) and code
end

for _, file in ipairs(arg) do
  local name = file:gsub("^scripts/", "")
  entries[#entries + 1] = { name = name, code = compile(name, file) }
end
table.sort(entries, function(a, b) return a.name < b.name end)

local lines = { '#include "embedded.h"\n' }
local rows = {}
for i, entry in ipairs(entries) do
  local bytes = entry.code:gsub(".", function(c) return c:byte() .. "," end)
  lines[#lines + 1] = ("static const unsigned char code_%d[] = {%s};"):format(i, bytes)
  rows[#rows + 1] = ("\t{%q, code_%d, sizeof code_%d},"):format(entry.name, i, i)
end
lines[#lines + 1] = "\nconst struct embedded hk_embedded[] = {"
lines[#lines + 1] = table.concat(rows, "\n")
lines[#lines + 1] = "};"
lines[#lines + 1] = ("const size_t hk_nembedded = %d;"):format(#rows)

local f <close> = assert(io.open(out, "wb"))
assert(f:write(table.concat(lines, "\n"), "\n"))
