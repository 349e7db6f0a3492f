--- Digests: strings, "sha256:" and 64 lower-case hex digits, or "sha512:" and 128.
---
---     local digest = require "hocker.digest"
---     local empty = digest.of ""
---     print(empty, digest.hex(empty), digest.nix32(empty), digest.sri(empty))
---     assert(digest.parse(digest.sri(empty)) == empty)

local core = require "hocker.core"
local hash = require "hocker.hash"

local M = {}

--- The strict parser: returns its argument when it is a digest.
---@type fun(text: string): string?, hocker.Error?
M.check = core.digest.check

--- The digest that a hash in any of Nix's spellings stands for.
---@type fun(text: string): string?, hocker.Error?
M.parse = hash.digest

--- The digits alone.
---@type fun(digest: string): string?, hocker.Error?
M.hex = core.digest.hex

--- Nix's base 32.
---@type fun(digest: string): string?, hocker.Error?
M.nix32 = core.digest.nix32

--- Subresource Integrity: "sha256-" and base 64.
---@type fun(digest: string): string?, hocker.Error?
M.sri = core.digest.sri

--- The digest of a string; by "sha512" where that is asked for.
---@type fun(data: string, algorithm: string?): string
M.of = core.digest.of

--- The digest of a file.
---@param path string
---@return string? digest, hocker.Error? err
function M.of_file(path)
  local meter = core.meter(true)
  local ok, err = core.system.read(path, meter:sink())
  if not ok then return nil, err end
  return meter:digest()
end

--- A streaming hash, with `update(data)` and `final()`.
---@type fun(algorithm: string?): hocker.core.Hash
M.new = core.digest.new

return M
