-- embed: writes a C file that holds scripts as text.
--
--   lua embed.lua OUT.c [NAME=FILE | FILE]...
--
-- A script's name is its path below scripts/, a template's its path as it is; NAME=FILE gives one.
-- Text, never bytecode: that is not portable, and a damaged one can crash the interpreter. The
-- table is sorted, so that the same input gives the same bytes and look-up can halve it.

local out = table.remove(arg, 1)
local entries = {}

for _, word in ipairs(arg) do
  local name, file = word:match("^([^=]+)=(.+)$")
  file = file or word
  name = name and name .. ".lua" or file:gsub("^scripts/", "")
  local f <close> = assert(io.open(file, "rb"))
  entries[#entries + 1] = { name = name, text = f:read("a") }
end
table.sort(entries, function(a, b) return a.name < b.name end)

local lines = { '#include "host.h"\n' }
local rows = {}
for i, entry in ipairs(entries) do
  local bytes = entry.text:gsub(".", function(c) return c:byte() .. "," end)
  lines[#lines + 1] = ("static const char text_%d[] = {%s0};"):format(i, bytes)
  rows[#rows + 1] = ("\t{%q, text_%d, %d},"):format(entry.name, i, #entry.text)
end
lines[#lines + 1] = "\nconst struct embedded hk_embedded[] = {"
lines[#lines + 1] = table.concat(rows, "\n")
lines[#lines + 1] = "};"
lines[#lines + 1] = ("const size_t hk_nembedded = %d;"):format(#rows)

local f <close> = assert(io.open(out, "wb"))
assert(f:write(table.concat(lines, "\n"), "\n"))
