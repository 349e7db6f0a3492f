--- What a command is given: its output, its log, and the way to a registry.

local core = require "hocker.core"
local lazy = require "hocker.lazy"

local certs = lazy "hocker.certs"
local configuration = lazy "hocker.configuration"
local credentials = lazy "hocker.credentials"
local decisions = lazy "hocker.policy.decisions"
local keyring = lazy "hocker.keyring"
local options = lazy "hocker.options"
local platform = lazy "hocker.platform"
local policy = lazy "hocker.policy"
local progress = lazy "hocker.progress"
local reference = lazy "hocker.reference"
local registry = lazy "hocker.registry"
local session = lazy "hocker.session"

local M = {}

---@class hocker.Context
---@field program string the command's name, for messages
---@field out file* where results go
---@field log hocker.Log
---@field configuration hocker.Configuration
local methods = {}
local mt = { __name = "hocker.Context", __index = methods }

--- What a command is given, made by the program.
---@param opts { program: string, out: file*?, log: hocker.Log, configuration: hocker.Configuration? }
---@return hocker.Context
function M.new(opts)
  return setmetatable({
    program = opts.program, out = opts.out or io.stdout, log = opts.log,
    configuration = opts.configuration or configuration.new(),
  }, mt)
end

-- What the command line gives is for one registry: another one must not see it.
local function from_flags(args, refs)
  local cred, err = credentials.from_flags {
    username = args.username, password = args.password, password_stdin = args.password_stdin,
    token = args.token, credentials_file = args.credentials_file,
  }
  for _, ref in ipairs(cred and refs or {}) do
    if ref.api ~= refs[1].api then
      return nil, core.error("usage", ("credentials are for one registry, and these images are of "
        .. "%s and %s"):format(refs[1].host, ref.host))
    end
  end
  return cred, err
end

-- The policies of the configuration, then those of the command line; nil alone when there are none.
local function open_policies(self, args)
  local specs = self.configuration:policies()
  for _, text in ipairs(args.policy or {}) do specs[#specs + 1] = policy.parse(text) end
  if #specs == 0 then return nil end
  return policy.open(specs, self.log)
end

-- Those of the command line, else from where they are kept. `named`: not those that name no registry.
local function find_credentials(self, args, ref, opts)
  local cred, err = opts.given, nil
  if not cred then
    cred, err = keyring.find(ref, { authfile = args.authfile, named_only = opts.named,
      log = self.log })
  end
  if not err and opts.policies then
    cred, err = decisions.credentials(opts.policies, ref, cred,
      { mirror = opts.mirror or false, log = self.log })
  end
  if cred and not opts.mirror then self.log:debug("using " .. tostring(cred)) end
  return cred, err
end

local function open_session(self, args, policies)
  local opts = options.session(args)
  opts.log, opts.policies = self.log, policies
  opts.tick = function() if self.progress then self.progress:tick() end end
  return session.new(opts)
end

-- The certificates that are kept for a registry. Those of the command line count instead of them.
local function trust(self, s, ref, args)
  local found, err = certs.find(ref, certs.roots(os.getenv), self.log)
  if not found then return not err, err end
  local pair = not args.cert
  return s.core:trust {
    origin = ref.api, cacerts = not args.cacert and found.cacerts or nil,
    cert = pair and found.cert or nil, key = pair and found.key or nil,
  }
end

-- Those of --mirror, in the place of those that are configured: `--mirror=` is none.
local function mirror_uris(self, args, ref)
  local given, uris = args.mirror or {}, {}
  if #given == 0 then return self.configuration:mirrors(ref) end
  for _, uri in ipairs(given) do
    if uri ~= "" then uris[#uris + 1] = uri end
  end
  return uris
end

-- The image at the mirrors: each has credentials of its own, or none. What is given on the command
-- line, or in the environment for whichever registry is asked, is not for them.
local function find_mirrors(self, args, ref, uris, policies)
  local mirrors = {}
  for i, uri in ipairs(uris) do
    local at, cred, err
    at, err = reference.at_mirror(ref, uri)
    if not at then return nil, err end
    cred, err = find_credentials(self, args, at,
      { named = true, mirror = true, policies = policies })
    if err then return nil, err end
    mirrors[i] = { ref = at, credentials = cred, realms = self.configuration:realms(at) }
  end
  return mirrors
end

local function trust_all(self, s, opts, args)
  local ok, err = trust(self, s, opts.ref, args)
  for _, mirror in ipairs(opts.mirrors) do
    if not ok then break end
    ok, err = trust(self, s, mirror.ref, {})
  end
  return ok, err
end

-- Which image is meant, and where it is looked for.
local function resolve(self, args, asked, policies)
  local function mirrors(ref) return mirror_uris(self, args, ref) end
  if not policies then return { ref = asked, mirrors = mirrors(asked) } end
  return decisions.resolve(policies, asked,
    { mirrors = mirrors, insecure = args.insecure, log = self.log })
end

-- All that an image's repository is opened with. A policy may have led to another registry than the one
-- that was named: that one does not see what is for whichever registry is named.
local function describe(self, args, asked, given, policies)
  local found, err = resolve(self, args, asked, policies)
  if not found then return nil, err end
  local ref, cred, mirrors = found.ref
  local moved = not core.url.same_origin(ref.api, asked.api)
  cred, err = find_credentials(self, args, ref,
    { given = not moved and given or nil, named = moved, policies = policies })
  if err then return nil, err end
  mirrors, err = find_mirrors(self, args, ref, found.mirrors, policies)
  if not mirrors then return nil, err end
  return {
    ref = ref, credentials = cred, mirrors = mirrors, layouts = found.layouts,
    insecure = args.insecure, log = self.log, foreign_layers = args.foreign_layers,
    realms = self.configuration:realms(ref),
  }
end

--- The repositories of several images, which share a session, with the credentials and limits that
--- the arguments give.
---@param args table
---@param refs hocker.Reference[]
---@return hocker.Registry[]? registries, hocker.Error? err
function methods:open(args, refs)
  local given, policies, s, err
  policies, err = open_policies(self, args)
  if err then return nil, err end
  given, err = from_flags(args, refs)
  if err then return nil, err end
  local registries = {}
  for i, ref in ipairs(refs) do
    registries[i], err = describe(self, args, ref, given, policies)
    if not registries[i] then return nil, err end
  end
  s, err = open_session(self, args, policies)
  if not s then return nil, err end
  for i, opts in ipairs(registries) do
    local ok
    ok, err = trust_all(self, s, opts, args)
    if not ok then
      s:close()
      return nil, err
    end
    opts.session = s
    registries[i] = registry.new(opts)
  end
  return registries
end

--- The repositories of images that are named on the command line.
---@param args table
---@param images string[][] the words of each
---@return hocker.Registry[]? registries, hocker.Error? err
function methods:registries(args, images)
  local refs, err = {}
  for i, words in ipairs(images) do
    refs[i], err = reference.parse(words, { registry = args.registry, insecure = args.insecure })
    if not refs[i] then return nil, err end
  end
  return self:open(args, refs)
end

--- The repository that the arguments name.
---@param args table
---@return hocker.Registry? registry, hocker.Error? err
function methods:registry(args)
  local registries, err = self:registries(args, { args.image })
  return registries and registries[1], err
end

--- The platform of --platform, or this machine's.
---@param args table
---@return hocker.Platform? platform, hocker.Error? err
function methods:platform(args)
  local host = registry.host_platform()
  if not args.platform then return host end
  return platform.parse(args.platform, host)
end

--- The platforms of a --platform that may be repeated, each once.
---@param args table
---@return hocker.Platform[]? platforms, hocker.Error? err
function methods:platforms(args)
  local host, list, seen = registry.host_platform(), {}, {}
  for _, text in ipairs(args.platform) do
    local want, err = platform.parse(text, host)
    if not want then return nil, err end
    local name = platform.format(want)
    if not seen[name] then list[#list + 1] = want end
    seen[name] = true
  end
  return list
end

--- The display that --progress asks for; notes make room for it.
---@param args table
---@return hocker.Progress
function methods:show_progress(args)
  self.progress = progress.new(args.quiet and "none" or args.progress)
  self.log.before = function() self.progress:clear() end
  return self.progress
end

--- Gives a small result to the user: to standard output, or to the file of --out, whose path is then
--- printed. Bytes are written as they are.
---@param args table
---@param bytes string
---@param executable boolean?
---@return true? ok, hocker.Error? err
function methods:deliver(args, bytes, executable)
  if (args.out or "-") == "-" then
    self.out:write(bytes)
    return true
  end
  local file <close>, err = core.file(args.out)
  if not file then return nil, err end
  if executable then file:make_executable() end
  local sink <close> = file:sink()
  local ok
  ok, err = sink:write(bytes)
  if ok then ok, err = sink:finish() end
  if not ok then return nil, err end
  return self:commit(args, file)
end

--- Gives a finished file its name and prints the path, unless it went to standard output.
---@param args table
---@param file hocker.core.File
---@return true? ok, hocker.Error? err
function methods:commit(args, file)
  local ok, err = file:commit()
  if not ok then return nil, err end
  if args.out and args.out ~= "-" then self.out:write(args.out, "\n") end
  return true
end

return M
