--- Finds the scripts that are not library modules: commands and templates, by names such as
--- "commands/image" and "templates/nix/fetchdocker".
---
--- In the program they are embedded. In plain Lua they lie beside the library: in a source tree,
--- or in the share directory of an installation.

local M = {}

local has_embedded, embedded = pcall(require, "hocker.embedded")

-- The folder that holds scripts/hocker/, or share/lua/5.4/hocker/: from this file's own place.
local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")

local function candidates(name)
  local leaf = name .. ".lua"
  return { here .. "/../" .. leaf, here .. "/../../" .. leaf, here .. "/" .. leaf }
end

local function read(path)
  local f <close> = io.open(path, "rb")
  return f and f:read("a")
end

--- The text of a script and where it was found.
---@param name string
---@return string? text, string? chunk_name
function M.source(name)
  if has_embedded then
    local text = embedded(name .. ".lua")
    return text, text and "@hocker:/" .. name .. ".lua"
  end
  for _, path in ipairs(candidates(name)) do
    local text = read(path)
    if text then return text, "@" .. path end
  end
end

--- Runs a script and returns what it returns. Text only, never bytecode.
---@param name string
---@return any? value nil when there is no such script
function M.load(name)
  local text, chunk = M.source(name)
  return text and assert(load(text, chunk, "t"))()
end

return M
