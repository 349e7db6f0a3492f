--- The document of the measurements: text by hand, with regions between markers that a run
--- fills. So a part can be measured anew and the text stays.
---
---     <!-- begin compare -->
---     <!-- end compare -->

local tmp = require "support.tmp"

local document = {}

local function markers(name)
  return ("<!-- begin %s -->\n"):format(name), ("<!-- end %s -->"):format(name)
end

--- The text of a region.
---@param bytes string
---@param name string
---@return string
function document.region(bytes, name)
  local first, last = markers(name)
  local _, from = bytes:find(first, 1, true)
  local to = bytes:find(last, from, true)
  assert(from and to, "the document has no region " .. name)
  return bytes:sub(from + 1, to - 1)
end

local function replace(bytes, name, text)
  local first, last = markers(name)
  local old = first .. document.region(bytes, name) .. last
  local at = bytes:find(old, 1, true)
  return bytes:sub(1, at - 1) .. first .. text .. last .. bytes:sub(at + #old)
end

--- Puts results into the document. All of it has to come from one machine, so where the
--- description is another one, every region has to be filled anew.
---@param path string
---@param results table<string, string> by region; "machine" is one of them
---@param parts string[] all regions
---@return true? ok, string? why
function document.update(path, results, parts)
  local bytes = tmp.read(path)
  local same = document.region(bytes, "machine") == results.machine
  for _, name in ipairs(parts) do
    if not results[name] and not same then
      return nil, ("%s is of another machine; measure %s too"):format(path, name)
    end
  end
  for name, text in pairs(results) do
    bytes = replace(bytes, name, text)
  end
  tmp.write(path, bytes)
  return true
end

return document
