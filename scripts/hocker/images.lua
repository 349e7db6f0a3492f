--- From what a name stands for, a manifest or an index, to the images: of one platform, of several,
--- or of all that there are.

local core = require "hocker.core"
local lazy = require "hocker.lazy"
local platform = require "hocker.platform"

local decisions = lazy "hocker.policy.decisions"

local M = {}

---@class hocker.Image What a manifest is of: enough to fetch all the rest.
---@field ref hocker.Reference pinned to the manifest's digest
---@field manifest hocker.Manifest
---@field index hocker.Manifest? the index it was chosen from
---@field platform hocker.Platform? as the index says, else as the configuration, where it was read; normalised

---@class hocker.Images
---@field index hocker.Manifest? what the name stands for, if it is one
---@field digest string of what the name stands for
---@field images hocker.Image[]

local INDEX_DEPTH <const> = 4 -- indexes in indexes; real ones have one level
local IMAGES_MAX <const> = 64 -- of one name, all in memory; real indexes have a dozen
local JOBS <const> = 6

local function explain(registry, err)
  if err.code == "interrupted" or err.policy then return nil, err end
  return nil, core.error(err.code, ("%s: %s"):format(tostring(registry.ref), err.message),
    { ref = registry.ref })
end

-- Which image of an index is taken: a policy may want another platform's.
local function choose(registry, document, want)
  if document.kind ~= "index" or not registry.session.policies then return want end
  return decisions.platform(registry, document, want)
end

--- Follows indexes down to the image of a platform.
---@param registry hocker.Registry
---@param document hocker.Manifest
---@param want hocker.Platform
---@return hocker.Image? image, hocker.Error? err
local function resolve(registry, document, want)
  local index, named = document.kind == "index" and document or nil, nil
  for _ = 1, INDEX_DEPTH do
    if document.kind == "image" then
      return { ref = registry.ref:with_digest(document.digest), manifest = document, index = index,
        platform = named and platform.normalise(named) }
    end
    local entry, err = platform.select(document.manifests, want)
    if not entry then return explain(registry, err) end
    named = entry.platform or named
    document, err = registry:document(entry.digest)
    if not document then return nil, err end
  end
  return explain(registry, core.error("unsupported", ("indexes in indexes, more than %d deep")
    :format(INDEX_DEPTH)))
end

--- The image of one platform. A manifest alone is taken for what it is.
---@param registry hocker.Registry
---@param want hocker.Platform
---@return hocker.Image? image, hocker.Error? err
function M.one(registry, want)
  local document, err = registry:document()
  if not document then return nil, err end
  want, err = choose(registry, document, want)
  if not want then return nil, err end
  return resolve(registry, document, want)
end

-- What nothing else tells the platform of, its configuration does.
local function learn_platform(registry, image)
  if image.platform then return image end
  local config, err = registry:config(image)
  if not config then return nil, err end
  if not (config.platform.os and config.platform.architecture) then
    return explain(registry, core.error("unsupported",
      "neither an index nor the image's configuration says which platform it is for"))
  end
  image.platform = platform.normalise(config.platform)
  return image
end

-- An image that is not chosen by its platform may be of another one.
local function check_platform(registry, image, want)
  local _, err = platform.select({ image }, want)
  if err then return explain(registry, err) end
  return image
end

--- An image that no index told the platform of may be of another one than was asked for. Its
--- configuration tells the system and the architecture, but often no variant.
---@param registry hocker.Registry
---@param image hocker.Image
---@param config hocker.Config
---@param want hocker.Platform
---@return true? ok, hocker.Error? err "not_found"
function M.check(registry, image, config, want)
  local have = config.platform
  if image.platform or not (have.os and have.architecture) then return true end
  have = platform.normalise(have)
  if have.architecture == want.architecture then have.variant = want.variant end
  local ok, err = check_platform(registry, { platform = have }, want)
  return ok and true, err
end

-- One job of M.several.
local function fetch(registry, document, want, opts)
  local chosen, err = choose(registry, document, want or opts.host)
  if not chosen then return nil, err end
  local image
  image, err = resolve(registry, document, chosen)
  if image and not opts.manifests_only then image, err = learn_platform(registry, image) end
  if image and want and image.platform then image, err = check_platform(registry, image, chosen) end
  return image, err
end

--- The image of each platform that is wanted, or all images of an index, the first of each platform.
--- The manifests are fetched at the same time. An image's platform is always known then: where no index
--- tells it, from the configuration, unless no more than manifests may be fetched.
---@param registry hocker.Registry
---@param wants hocker.Platform[]? nil: all
---@param opts { host: hocker.Platform, manifests_only: boolean? }
---@return hocker.Images? found in the order of `wants`, or of the index
---@return hocker.Error? err "not_found" for a platform that is not there
function M.several(registry, wants, opts)
  local document, err = registry:document()
  if not document then return nil, err end
  local index = document.kind == "index" and document or nil
  local list = wants or index and platform.list(index.manifests) or {}
  if not wants and #list == 0 then list = { false } end -- one image, which tells no platform yet
  if #list > IMAGES_MAX then
    return explain(registry, core.error("refused", ("%d platforms, more than %d")
      :format(#list, IMAGES_MAX)))
  end
  local images, jobs = {}, {}
  for i, want in ipairs(list) do
    jobs[i] = function()
      local image, problem = fetch(registry, document, want, opts)
      images[i] = image
      return image and true, problem
    end
  end
  local ok
  ok, err = registry.session:run(jobs, JOBS)
  if not ok then return nil, err end
  return { index = index, digest = document.digest, images = images }
end

return M
