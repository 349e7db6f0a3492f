--- Scripts that a user names: by a name that is looked for where scripts are, or by a file's path, which
--- has a "/" in it or ends in ".lua".

local core = require "hocker.core"
local scripts = require "hocker.scripts"

local M = {}

--- Whether a text is a file's path.
---@param name string
---@return boolean
function M.is_path(name)
  return name:find("/", 1, true) ~= nil or name:find("%.lua$") ~= nil
end

local function load_file(kind, path)
  local value, err = scripts.load_file(path)
  if not err or err.code ~= "not_found" then return value, err end
  return nil, core.error("io", ("%s '%s': there is no such file"):format(kind, path))
end

--- Loads one. A text that can be no name has no file either.
---@param kind string for messages: "template"
---@param name string
---@param folders string[] where a name is looked for, in this order: "templates/nix"
---@return any? value what the script returns, hocker.Error? err
function M.load(kind, name, folders)
  if M.is_path(name) then return load_file(kind, name) end
  for _, folder in ipairs(folders) do
    local value, err = scripts.load(folder .. "/" .. name)
    if not err or (err.code ~= "not_found" and err.code ~= "usage") then return value, err end
  end
  return nil, core.error("usage", ("there is no %s '%s'; a file is named by its path, with a '/' "
    .. "in it or .lua at its end"):format(kind, name))
end

return M
