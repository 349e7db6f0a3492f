--- Folders of scripts.
---
---     local dir = scripts.folder { ["commands/pin.lua"] = "return { ... }" }

local process = require "support.process"
local tmp = require "support.tmp"

local scripts = {}

--- A new folder with files in it, by their paths there, that only its owner can write to.
---@param files table<string, string>
---@return string path
function scripts.folder(files)
  local root = tmp.dir("scripts")
  for path, text in pairs(files) do
    process.check { "mkdir", "-p", root .. "/" .. (path:match("^(.*)/") or "") }
    tmp.write(root .. "/" .. path, text)
  end
  process.check { "chmod", "-R", "go-w", root }
  return root
end

--- A command that prints a text.
---@param text string
---@return string
function scripts.command(text)
  return ([[return { summary = "says %s", args = {}, run = function(ctx)
    ctx.out:write(%q, "\n")
    return true
  end }]]):format(text, text)
end

return scripts
