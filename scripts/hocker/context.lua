--- What a command is given: its output, its log, and the way to a registry.

local core = require "hocker.core"
local credentials = require "hocker.credentials"
local options = require "hocker.options"
local platform = require "hocker.platform"
local progress = require "hocker.progress"
local reference = require "hocker.reference"
local registry = require "hocker.registry"
local session = require "hocker.session"

local M = {}

---@class hocker.Context
---@field program string the command's name, for messages
---@field out file* where results go
---@field log hocker.Log
local methods = {}
local mt = { __name = "hocker.Context", __index = methods }

---@param opts { program: string, out: file*?, log: hocker.Log }
---@return hocker.Context
function M.new(opts)
  return setmetatable({ program = opts.program, out = opts.out or io.stdout, log = opts.log }, mt)
end

--- The repository that the arguments name, with the credentials and limits that they give.
---@param args table
---@return hocker.Registry? registry, hocker.Error? err
function methods:registry(args)
  local ref, err = reference.parse(args.image, { registry = args.registry })
  if not ref then return nil, err end
  local cred
  cred, err = credentials.from_flags {
    username = args.username, password = args.password, password_stdin = args.password_stdin,
    token = args.token, credentials_file = args.credentials_file,
  }
  if err then return nil, err end
  local opts = options.session(args)
  opts.log = self.log
  opts.tick = function() if self.progress then self.progress:tick() end end
  local s
  s, err = session.new(opts)
  if not s then return nil, err end
  return registry.new {
    session = s, ref = ref, credentials = cred, insecure = args.insecure, log = self.log,
  }
end

--- The platform of --platform, or this machine's.
---@param args table
---@return hocker.Platform? platform, hocker.Error? err
function methods:platform(args)
  local host = registry.host_platform()
  if not args.platform then return host end
  return platform.parse(args.platform, host)
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
---@return true? ok, hocker.Error? err
function methods:deliver(args, bytes)
  local file <close>, err = core.file(args.out or "-")
  if not file then return nil, err end
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
