--- The names that images have inside an archive.

local core = require "hocker.core"
local reference = require "hocker.reference"

local M = {}

local function parse(text)
  local ref, err = reference.parse({ text })
  if not ref then return nil, core.error(err.code, "--repo-tag: " .. err.message) end
  if not ref.tag or ref.digest then
    return nil, core.error("usage", ("--repo-tag must be NAME:TAG, not '%s'"):format(text))
  end
  return {
    repo_tag = text:find(":[^/]+$") and text or text .. ":" .. ref.tag,
    full = ref.name .. ":" .. ref.tag, tag = ref.tag,
  }
end

--- Reads NAME:TAGs, as --repo-tag has them.
---@param list string[]
---@return hocker.archive.Name[]? names, hocker.Error? err "usage"
function M.parse_all(list)
  local names, err = {}
  for i, text in ipairs(list) do
    names[i], err = parse(text)
    if not names[i] then return nil, err end
  end
  return names
end

--- The name of an image by the reference that it was fetched by; none without a tag.
---@param ref hocker.Reference
---@param format string of the archive: docker's keeps the name as it was written
---@return hocker.archive.Name[]
function M.own(ref, format)
  if not ref.tag then return {} end
  local full = ref.name .. ":" .. ref.tag
  return { { repo_tag = format == "docker-archive" and ref.repo_tags[1] or full, full = full,
    tag = ref.tag } }
end

return M
