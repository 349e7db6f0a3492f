--- Images in one archive, whatever its format: docker's, or the OCI layout as a tar or a directory.
---
---     local hocker = require "hocker"
---     local archive = hocker.archive
---     local repository = assert(hocker.open "debian:12")
---     local image = assert(archive.image(repository, "oci-archive"))
---     local output <close> = assert(archive.open("oci-archive", "debian.tar"))
---     assert(archive.write { session = repository.session, images = { image },
---       format = "oci-archive", output = output })
---     assert(output:commit())
---
--- What is fetched is planned over all images, so that what they share is fetched and kept once. All
--- layers are fetched at the same time and written straight to their places; where these depend on
--- sizes that are not in the manifest, a gzip layer's own claim is asked for first.

local core = require "hocker.core"
local docker = require "hocker.archive.docker"
local layers = require "hocker.archive.layers"
local names = require "hocker.archive.name"
local oci = require "hocker.archive.oci"
local output = require "hocker.archive.output"

local M = {}

---@class hocker.archive.Format
---@field open fun(path: string): hocker.archive.Output?, hocker.Error?
---@field plan fun(images: hocker.archive.Image[], compressed: boolean): hocker.archive.Plan

---@type table<string, hocker.archive.Format>
local FORMATS <const> = {
  ["docker-archive"] = { open = output.tar, plan = docker.plan },
  ["oci-archive"] = { open = output.tar, plan = oci.archive_plan },
  oci = { open = output.directory, plan = oci.plan },
}

--- The names of the formats.
M.formats = { "docker-archive", "oci-archive", "oci" }

local function format_of(name)
  return FORMATS[name] or error(("there is no format '%s'"):format(tostring(name)), 3)
end

--- Opens the place where an archive shall be.
---@param format string one of M.formats
---@param path string
---@return hocker.archive.Output? output, hocker.Error? err
function M.open(format, path)
  return format_of(format).open(path)
end

--- What of the layers can be asked for before the images' configurations are known, as jobs for the
--- session.
---@param format string one of M.formats
---@param compressed boolean as M.write has it
---@param out hocker.archive.Output
---@param images hocker.archive.Image[] without configurations
---@return (fun(): true?, hocker.Error?)[] jobs
function M.peek(format, compressed, out, images)
  if not out:is_empty() then return {} end -- they may be there
  return layers.peek(images, format == "docker-archive" and not compressed)
end

-- A layer that is at hand, and is kept as it is stored, is a document: it is verified now, and waits
-- for no turn.
local function embed(plan)
  local rest = {}
  for _, layer in ipairs(plan.layers) do
    if not (layer.exact and layers.is_at_hand(layer.descriptor)) then rest[#rest + 1] = layer end
  end
  plan.layers = rest
  for _, entry in ipairs(plan.entries) do
    local layer = entry.layer
    if layer and layer.exact and layers.is_at_hand(layer.descriptor) then
      local bytes, err = layers.embedded(layer)
      if not bytes then return nil, err end
      entry.layer, entry.bytes = nil, bytes
    end
  end
  return true
end

--- Fetches what an archive has to know of an image, which gets the name that it was asked for by.
---@param repository hocker.Registry
---@param format string one of M.formats
---@param want hocker.Platform?
---@return hocker.archive.Image? image, hocker.Error? err
function M.image(repository, format, want)
  local image, config, err
  image, err = repository:image(want)
  if not image then return nil, err end
  config, err = repository:config(image)
  if not config then return nil, err end
  return { source = repository, image = image, config = config,
    names = names.own(repository.ref, format) }
end

---@class hocker.archive.Runner
---@field run fun(self, jobs: (fun(): true?, hocker.Error?)[], limit: integer?): true?, hocker.Error?

---@class hocker.archive.Options
---@field session hocker.archive.Runner the session of the images' registries, or what runs jobs as it does
---@field images hocker.archive.Image[]
---@field format string
---@field output hocker.archive.Output the caller commits it
---@field compressed boolean? keep a docker-archive's layers as they are stored
---@field jobs integer? layers at the same time; 6, and 32 at most
---@field progress hocker.Progress?

--- Fetches the images' layers into an archive. Nothing is visible until the caller commits the
--- output, but for standard output: there, an archive of certain sizes goes out as it comes, and is
--- broken off inside when something is wrong.
---@param opts hocker.archive.Options
---@return true? ok, hocker.Error? err
function M.write(opts)
  local format, out = format_of(opts.format), opts.output
  local jobs = math.min(opts.jobs or 6, layers.max_jobs)
  if #opts.images == 0 then return nil, core.error("usage", "an archive of no images") end
  local plan = format.plan(opts.images, opts.compressed or false)
  local ok, err = embed(plan)
  if ok then ok, err = layers.learn_sizes(opts.session, plan.layers, jobs) end
  if ok then ok, err = out:begin(plan) end
  if not ok then return nil, err end
  ok, err = layers.fetch(opts.session, plan.layers, function(layer) return out:sink(layer) end,
    { jobs = jobs, progress = opts.progress, in_turn = out.in_turn })
  if not ok then return nil, err end
  return out:finish()
end

return M
