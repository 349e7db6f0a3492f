--- hocker: docker and OCI images from registries, verified, without a daemon.
---
---     local hocker = require "hocker"
---     local repository = assert(hocker.open "debian:12")
---     local image = assert(repository:image())
---     for _, layer in ipairs(image.manifest.layers) do
---       print(layer.digest, layer.size)
---     end
---
--- `open` finds credentials, certificates, mirrors and the configuration as all commands do. Every other field
--- is a module of the library, loaded when it is first used: `hocker.reference`, `hocker.tar`.

local lazy = require "hocker.lazy"

local configuration = lazy "hocker.configuration"
local context = lazy "hocker.context"
local core = lazy "hocker.core"
local log = lazy "hocker.log"
local options = lazy "hocker.options"
local settings = lazy "hocker.settings"

local M = {}

local current -- the context of the command that runs a script, if one does

---@class hocker.OpenOptions What the options of the same names say on the command line.
---@field registry string?
---@field mirror string[]?
---@field username string?
---@field password string?
---@field token string?
---@field credentials_file string?
---@field authfile string?
---@field platform string? what `image` chooses from an index
---@field cacert string?
---@field cert string?
---@field key string?
---@field insecure boolean?
---@field retries integer?
---@field connect_timeout number?
---@field stall_timeout number?
---@field jobs integer?
---@field policy string[]? those that are asked besides the configured ones

-- An option's value, by the rules of a configuration.
local function value_of(spec, key, value)
  local why
  if type(value) == "table" then
    for _, item in ipairs(value) do
      if type(item) ~= "string" then why = "it must be a list of strings" end
    end
  end
  if not why then value, why = settings.from_data(spec, value) end
  if not why then return value end
  return nil, core.error("usage", ("%s: %s"):format(key, why))
end

-- The options, with those that the environment and the configuration give.
local function complete(ctx, given)
  local command = { args = { options.fetch, options.platform, options.jobs } }
  local known, args = options.by_key(command.args), {}
  for key, value in pairs(given or {}) do
    if not known[key] then error(("unknown option '%s'"):format(tostring(key)), 4) end
    local err
    args[key], err = value_of(known[key], key, value)
    if err then return nil, err end
  end
  return settings.fill(ctx.configuration, command, args)
end

local function own_context()
  local found, err = configuration.load()
  if not found then return nil, err end
  local words = rawget(_G, "arg") -- of a program, there need not be one
  local name = type(words) == "table" and words[0] or "hocker"
  return context.new { program = name, log = log.new(name), configuration = found }
end

local function check_name(image)
  if type(image) == "string" then return end
  error("an image's name is a string, not " .. tostring(image), 3)
end

--- Opens the repositories of several images, which share a session: its connections, and the tasks that
--- `session:run` runs at the same time.
---@param images string[] references as docker writes them
---@param opts hocker.OpenOptions?
---@return hocker.Registry[]? repositories, hocker.Error? err
function M.open_all(images, opts)
  if type(images) ~= "table" then error("a list of images' names is needed", 2) end
  for _, image in ipairs(images) do check_name(image) end
  local ctx, err = current, nil
  if not ctx then ctx, err = own_context() end
  if not ctx then return nil, err end
  local args, want, list, words
  args, err = complete(ctx, opts)
  if not args then return nil, err end
  want, err = ctx:platform(args)
  if not want then return nil, err end
  words = {}
  for i, image in ipairs(images) do words[i] = { image } end
  list, err = ctx:registries(args, words)
  for _, repository in ipairs(list or {}) do repository.platform = want end
  return list, err
end

--- Opens the repository of an image. Makes no request.
---@param image string a reference as docker writes it
---@param opts hocker.OpenOptions?
---@return hocker.Registry? repository, hocker.Error? err
function M.open(image, opts)
  check_name(image)
  local list, err = M.open_all({ image }, opts)
  return list and list[1], err
end

--- Lets `open` work with the log and the configuration of a command, or with its own again.
---@param ctx hocker.Context?
---@return hocker.Context? before what it worked with until now
function M.use(ctx)
  local before = current
  current = ctx
  return before
end

return setmetatable(M, {
  __index = function(self, name)
    local module = require("hocker." .. name)
    self[name] = module
    return module
  end,
})
