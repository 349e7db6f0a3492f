--- The scripts that come with hocker: "commands/image", "templates/nix/fetchdocker", "hocker/json".
---
--- In the program they are embedded. In plain Lua they lie beside the library: in a source tree, or in
--- the share directory of an installation.

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

--- The text of a script, and its path; in the program that is no file's.
---@param name string
---@return string? text, string? path
function M.source(name)
  if has_embedded then
    local text = embedded(name .. ".lua")
    return text, text and "hocker:/" .. name .. ".lua"
  end
  for _, root in ipairs(roots()) do
    local path = ("%s/%s.lua"):format(root, name)
    local text = read(path)
    if text then return text, path end
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
