--- What stands for nixpkgs, and what is evaluated with it.

local cjson = require "cjson"
local lfs = require "lfs"
local process = require "support.process"
local tmp = require "support.tmp"

local nixpkgs = {}

nixpkgs.root = lfs.currentdir()
nixpkgs.path = nixpkgs.root .. "/spec/support/nixpkgs"

--- default.nix, as an expression.
nixpkgs.package = ("(import %s { pkgs = import %s { }; })"):format(nixpkgs.root, nixpkgs.path)

--- A copy of what the flake is made of, without what a checkout has besides.
---@return string path
function nixpkgs.source()
  local path = tmp.dir("flake")
  process.check { "cp", "-r", "Makefile", "bindings", "core", "default.nix", "flake.nix", "man",
    "nix", "scripts", "templates", path }
  return path
end

--- Runs one of nix's programs; raises when it fails.
---@param nix support.Nix
---@param argv string[]
---@return string stdout, string stderr
function nixpkgs.check(nix, argv)
  local result = nix:run(argv)
  assert(result.code == 0, result.stderr)
  return result.stdout, result.stderr
end

--- The value of an expression.
---@param nix support.Nix
---@param text string
---@return any
function nixpkgs.eval(nix, text)
  local json = nixpkgs.check(nix, { "nix-instantiate", "--eval", "--strict", "--json",
    "--read-write-mode", "--expr", text })
  return cjson.decode(json)
end

return nixpkgs
