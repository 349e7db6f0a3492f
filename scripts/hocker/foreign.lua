--- Foreign layers: their manifest says by `urls` where they may be had, since the registry need not have
--- them (image-spec, descriptor).

local core = require "hocker.core"
local parts = require "hocker.parts"
local places = require "hocker.places"

local M = {}

local URLS_MAX = 8 -- of a layer that are tried

--- Whether a descriptor says where else its content is.
---@param descriptor hocker.Descriptor
---@return boolean
function M.is_foreign(descriptor)
  return descriptor.urls ~= nil and #descriptor.urls > 0
end

-- One byte of a blob: whether it is there, before its sink is given away, which can't be tried twice.
local function probe(self, url, more)
  local buffer <close> = core.buffer(1)
  local response, err = self.session:fetch {
    url = url, auth = more and more.auth, redirects = more and more.redirects,
    range = { first = 0, last = 0 }, sink = buffer:sink(), retries = more and more.retries,
  }
  return response ~= nil, err
end

--- Whether a layer is to be had by its urls: foreign, asked for, and not at the registry.
---@param self hocker.Registry
---@param descriptor hocker.Descriptor
---@return boolean? elsewhere, hocker.Error? err that is final
function M.is_elsewhere(self, descriptor)
  if not (self.foreign_layers and M.is_foreign(descriptor)) then return false end
  local ok, err = places.settle_scheme(self.session, self)
  if not ok then return nil, err end
  ok, err = probe(self, assert(self.ref:blob_url(descriptor.digest)),
    { auth = self.auth, redirects = false })
  if err and places.is_final(err) then return nil, err end
  return not ok and err.code == "not_found"
end

-- The urls that may be asked: https alone, unless the registry itself is not.
local function safe_urls(self, descriptor)
  local plain, list = self.ref.api:find("^http:") ~= nil, {}
  for _, text in ipairs(descriptor.urls) do
    local url = not text:find("\0", 1, true) and core.url.parse(text)
    if url and not url.userinfo and (plain or url.scheme == "https") and #list < URLS_MAX then
      list[#list + 1] = text
    end
  end
  return list
end

-- The first of them that has the layer. Whether the last one has it, its transfer will tell.
local function choose_url(self, list)
  for i = 1, #list - 1 do
    local there, err = probe(self, list[i], { retries = 0 })
    if there or err.code == "unsupported" or err.code == "protocol" then return list[i] end
    if places.is_final(err) then return nil, err end
  end
  return list[#list]
end

--- Fetches from one of the urls, as nobody: they are the manifest's word, and no registry.
---@param self hocker.Registry
---@param descriptor hocker.Descriptor
---@param what string for messages
---@param request hocker.Fetch all but where from
---@return true? ok, hocker.Error? err
function M.fetch(self, descriptor, what, request)
  local list = safe_urls(self, descriptor)
  what = ("%s of %s, a foreign layer"):format(what, tostring(self.ref))
  if #list == 0 then
    return nil, core.error("refused", what .. ": none of its urls is https")
  end
  local url, err = choose_url(self, list)
  if not url then return nil, err end
  local response
  request.url = url
  response, err = parts.exchange(self.session, request, descriptor.size)
  if response then return true end
  if err.code == "interrupted" or err.policy then return nil, err end
  return nil, core.error(err.code, what .. ": " .. err.message, { http = err.http })
end

--- What the registry does not have may be elsewhere, and that must be asked for: an error that says how.
---@param self hocker.Registry
---@param descriptor hocker.Descriptor
---@param err hocker.Error
---@return hocker.Error
function M.name_option(self, descriptor, err)
  if err.code ~= "not_found" or not M.is_foreign(descriptor) then return err end
  return core.error("not_found", err.message .. "; it is a foreign layer, which is kept elsewhere: "
    .. "--foreign-layers fetches it from there", { http = err.http, ref = self.ref })
end

return M
