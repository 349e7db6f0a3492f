--- templates/nix/lib with the hocker under test, and expressions of docker2nix for it.

local lfs = require "lfs"
local process = require "support.process"
local program = require "support.program"
local tmp = require "support.tmp"

local nixlib = {}

--- Where default.nix is.
nixlib.path = lfs.currentdir() .. "/templates/nix/lib"

--- The folder that has bin/hocker in it.
nixlib.hocker = program.path("hocker"):gsub("/bin/hocker$", "")

--- An expression of the library.
---@param arguments string? further arguments, in Nix: "cacert = ./ca.pem;"
---@return string
function nixlib.library(arguments)
  return ('(import %s { hocker = "%s"; %s })'):format(nixlib.path, nixlib.hocker, arguments or "")
end

--- The file that docker2nix makes of an image at a registry.
---@param reg support.Registry
---@param name string
---@param tag string
---@param opts { platform: string?, fetch: string[]?, env: table<string, string>? }? `fetch`: options of hocker-manifest
---@return string path
function nixlib.file(reg, name, tag, opts)
  opts = opts or {}
  local words = { "--registry", reg:url(), name, tag }
  local fetch = table.move(words, 1, #words, 1, {})
  table.move(opts.fetch or {}, 1, #(opts.fetch or {}), #fetch + 1, fetch)
  if opts.platform then table.move({ "--platform", opts.platform }, 1, 2, #fetch + 1, fetch) end
  local manifest = program.check("hocker-manifest", fetch, { env = opts.env })
  return tmp.file(program.check("docker2nix", words, { stdin = manifest }), "image.nix")
end

--- An expression of the image that such a file describes.
---@param path string
---@param arguments string? of the library
---@return string
function nixlib.image(path, arguments)
  return ("(%s.call %s)"):format(nixlib.library(arguments), path)
end

--- Prints a program's archive to a file.
---@param script string
---@return string path of the archive
function nixlib.print(script)
  local path = tmp.path("image.tar")
  process.check({ "env", "-i", script }, { stdout = path })
  return path
end

return nixlib
