--- The scripts that come with hocker: "commands/image", "templates/nix/fetchdocker", "hocker/json".
---
--- In the program they are embedded, compiled: no text of them is there. In plain Lua they lie beside the
--- library: in a source tree, or in the share directory of an installation.

local core = require "hocker.core"

local M = {}

local has_embedded, embedded = pcall(require, "hocker.embedded")

-- The folder that holds scripts/hocker/, or share/lua/5.4/hocker/: from this file's own place.
local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or "."

-- The folders that have commands/, templates/ and hocker/ in them.
local function roots()
  return { here, here .. "/..", here .. "/../.." }
end

local function read(path)
  local f <close> = io.open(path, "rb")
  return f and f:read("a")
end

--- A script as a function, and its path; in the program that is no file's.
---@param name string
---@return function? chunk, string? path
function M.chunk(name)
  if has_embedded then
    local chunk = embedded(name .. ".lua")
    return chunk, chunk and "hocker:/" .. name .. ".lua"
  end
  for _, root in ipairs(roots()) do
    local path = ("%s/%s.lua"):format(root, name)
    local text = read(path)
    if text then return assert(load(text, "@" .. path, "t")), path end
  end
end

--- The files of one folder.
---@param kind string "commands", "templates/nix"
---@return string[] names with ".lua", in no order
function M.list(kind)
  local names = {}
  if has_embedded then
    for _, file in ipairs(embedded()) do
      local folder, name = file:match("^(.*)/([^/]*)$")
      if folder == kind then names[#names + 1] = name end
    end
    return names
  end
  for _, root in ipairs(roots()) do
    names = core.system.list(root .. "/" .. kind)
    if names then return names end
  end
  return {}
end

--- The share directory of the installation, for scripts that are installed beside it.
---@return string? path
function M.share()
  if not has_embedded then
    local prefix = here:match("^(/.*)/share/lua/[^/]+/hocker$")
    return prefix and prefix .. "/share/hocker"
  end
  local prefix = (core.system.program() or ""):match("^(/.*)/bin/[^/]+$")
  return prefix and prefix .. "/share/hocker"
end

return M
