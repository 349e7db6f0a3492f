--- Nix expressions, read by nix itself. No store is touched.

local json = require "hocker.json"
local process = require "support.process"
local tmp = require "support.tmp"

local nix = {}

local BARE = { "nix-instantiate", "--store", "dummy://" }

---@return boolean
function nix.available()
  return process.which("nix-instantiate") ~= nil
end

--- Runs nix-instantiate on a text.
---@param text string
---@param ... string its options
---@return support.Result
function nix.instantiate(text, ...)
  local words = table.move(BARE, 1, #BARE, 1, {})
  table.move({ ... }, 1, select("#", ...), #words + 1, words)
  words[#words + 1] = tmp.file(text, "expression.nix")
  return process.run(words, { env = { HOME = tmp.root(), NIX_PATH = "" } })
end

--- The expression as nix reads it; raises when it does not.
---@param text string
---@return string
function nix.parse(text)
  local result = nix.instantiate(text, "--parse")
  assert(result.code == 0, result.stderr)
  return result.stdout
end

--- The value of an expression; raises when it has none.
---@param text string
---@param ... string further options
---@return any
function nix.evaluate(text, ...)
  local result = nix.instantiate(text, "--eval", "--strict", "--json", ...)
  assert(result.code == 0, result.stderr)
  return assert(json.decode(result.stdout))
end

return nix
