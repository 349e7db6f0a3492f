--- The tags of a repository: pages of a list, that name each other by a Link (distribution-spec,
--- listing tags).

local core = require "hocker.core"
local descriptor = require "hocker.descriptor"
local field = require "hocker.field"
local json = require "hocker.json"
local log = require "hocker.log"
local reference = require "hocker.reference"

local M = {}

--- Most of a list: pages, bytes of one, and bytes of all.
M.limits = { pages = 10000, page = 4 << 20, bytes = 64 << 20 }

local PAGE_TAGS <const> = 1000 -- what is asked for; Amazon's refuses more

local function fail(code, message, ...)
  return nil, core.error(code, message:format(...))
end

--- Where a repository's list begins.
---@param ref hocker.Reference
---@return string url
function M.url(ref)
  return ("%s%s/tags/list?n=%d"):format(ref.api, ref.path, PAGE_TAGS)
end

--- The tags of a page.
---@param body string
---@return string[]? tags, hocker.Error? err
function M.parse(body)
  local doc, err = json.decode(body, "the list of tags")
  if err then return nil, err end
  local tags = json.is_object(doc) and descriptor.get(doc, "tags")
  if json.is_object(doc) and tags == nil then tags = json.array {} end -- Go prints none as null
  if not descriptor.is_strings(tags) then
    return fail("protocol", "the list of tags: 'tags' is not a list of strings")
  end
  for _, tag in ipairs(tags) do
    if not reference.is_tag(tag) then
      return fail("protocol", "the list of tags: '%s' is not a tag", log.shorten(tag, 80))
    end
  end
  return tags
end

-- Whether a URL is of the list that begins at the first one. A proxy in front of a registry may speak
-- https for it, or have a path that the registry does not know of.
local function is_of_list(url, first)
  if url.userinfo then return false end
  if url.origin ~= first.origin
    and not (url.host == first.host and first.scheme == "https" and url.scheme == "http") then
    return false
  end
  return url.path == first.path
    or url.path:find("^/v2/") ~= nil and first.path:sub(-#url.path) == url.path
end

-- The next page's URL: a page of the same list, wherever this one was redirected to. Credentials go
-- there, so nobody may choose where that is: what counts of a link is its query.
local function next_url(first, answer)
  local value = answer.headers["link"]
  local target = value and field.link(value, "next")
  if not target then return nil end
  local url, err = core.url.join(answer.url, target)
  local parsed = url and core.url.parse(url)
  if not parsed then
    return fail("protocol", "the list of tags: its next page can't be read%s",
      err and ": " .. err.message or "")
  elseif not is_of_list(parsed, assert(core.url.parse(first))) then
    return fail("refused", "the list of tags: its next page is not of this list: %s",
      core.url.redact(url))
  end
  return first:match("^[^?]*") .. (parsed.query and "?" .. parsed.query or "")
end

--- Collects all pages.
---@param ref hocker.Reference
---@param fetch fun(url: string?): string?, hocker.Response|hocker.Error, hocker.Response? gets a page; without a URL, the first
---@return string[]? tags in the registry's order
---@return hocker.Error? err
---@return hocker.Response? last that said no
function M.collect(ref, fetch)
  local all, seen, bytes, url = {}, {}, 0, nil
  for _ = 1, M.limits.pages do
    local body, answer, last = fetch(url)
    if not body then return nil, answer, last end
    local tags, err = M.parse(body)
    if not tags then return nil, err end
    table.move(tags, 1, #tags, #all + 1, all)
    bytes = bytes + #body
    if bytes > M.limits.bytes then break end
    url, err = next_url(M.url(ref), answer)
    if err then return nil, err end
    if not url then return all end
    if seen[url] then return fail("protocol", "the list of tags: its pages go in a circle") end
    seen[url] = true
  end
  return fail("refused", "the list of tags: has more than %d pages or %d MiB", M.limits.pages,
    M.limits.bytes >> 20)
end

return M
