--- The programs that an image is made for: docker, podman and nix, each with data directories of
--- its own, so that nothing of the machine is read or changed.
---
---     clients.need(clients.docker)          -- else the test is skipped, with the reason
---     local docker = clients.docker.start()
---     assert.matches("Loaded image: demo:v1", docker:load(path))

local process = require "support.process"
local tmp = require "support.tmp"

local clients = {}

---@class support.Client
---@field available fun(): boolean, string? whether it can be used, or why not

--- Skips the running test unless all of these can be used. To be called in an `it`.
---@param ... support.Client
function clients.need(...)
  for _, client in ipairs { ... } do
    local ok, reason = client.available()
    if not ok then
      -- The `pending` of a spec's own environment; a module sees another one.
      require("busted.core")().pending(reason)
    end
  end
end

local function lacks(...)
  for _, name in ipairs { ... } do
    if not process.which(name) then
      return name .. " is not installed"
    end
  end
end

-- docker -------------------------------------------------------------------------------------

---@class support.Docker
local docker = {}
docker.__index = docker
clients.docker = {}

---@return boolean ok, string? reason
function clients.docker.available()
  local reason = lacks("dockerd", "docker") or
    not process.is_root() and "dockerd by hand needs root" or nil
  return not reason, reason
end

--- Starts a dockerd of its own, without a network, and waits until it answers.
---@return support.Docker
function clients.docker.start()
  local dir = tmp.dir("docker")
  local self = setmetatable({ host = "unix://" .. dir .. "/sock", dir = dir }, docker)
  self.process = process.spawn { "dockerd", "--bridge=none", "--iptables=false",
    "--ip6tables=false", "--storage-driver=vfs", "--data-root=" .. dir .. "/data",
    "--exec-root=" .. dir .. "/exec", "--pidfile=" .. dir .. "/pid", "--host=" .. self.host }
  self.process:wait_for("API listen on")
  return self
end

--- The words that a command for it begins with.
---@return string[]
function docker:words()
  return { process.which("docker"), "--config", self.dir, "--host", self.host }
end

--- Runs `docker ...` against it.
---@param argv string[]
---@param opts support.process.Options?
---@return support.Result
function docker:run(argv, opts)
  local words = self:words()
  return process.run(table.move(argv, 1, #argv, #words + 1, words), opts)
end

--- `docker load`; raises when it fails.
---@param path string
---@return string stdout such as "Loaded image: demo:v1\n"
function docker:load(path)
  local result = self:run { "load", "--input", path }
  assert(result.code == 0, result.stderr)
  return result.stdout
end

function docker:stop()
  self.process:stop()
end

-- podman -------------------------------------------------------------------------------------

---@class support.Podman
local podman = {}
podman.__index = podman
clients.podman = {}

---@return boolean ok, string? reason
function clients.podman.available()
  local reason = lacks("podman") or not process.is_root() and lacks("newuidmap") or nil
  return not reason, reason
end

--- A podman with an empty storage.
---@return support.Podman
function clients.podman.new()
  return setmetatable({ dir = tmp.dir("podman") }, podman)
end

--- The words that a command for it begins with.
---@return string[]
function podman:words()
  return { process.which("podman"), "--storage-driver=vfs", "--root=" .. self.dir .. "/root",
    "--runroot=" .. self.dir .. "/run", "--tmpdir=" .. self.dir .. "/tmp",
    "--cgroup-manager=cgroupfs", "--events-backend=none" }
end

--- Runs `podman ...` on its storage.
---@param argv string[]
---@param opts support.process.Options?
---@return support.Result
function podman:run(argv, opts)
  local words = self:words()
  return process.run(table.move(argv, 1, #argv, #words + 1, words), opts)
end

--- `podman load`; raises when it fails.
---@param path string
---@return string stdout such as "Loaded image: localhost/demo:v1\n"
function podman:load(path)
  local result = self:run { "load", "--input", path }
  assert(result.code == 0, result.stderr)
  return result.stdout
end

-- nix ----------------------------------------------------------------------------------------

---@class support.Nix
---@field dir string
---@field store string
local nix = {}
nix.__index = nix
clients.nix = {}

---@return boolean ok, string? reason
function clients.nix.available()
  local reason = lacks("nix-instantiate", "nix-build", "nix-store", "nix-hash")
  return not reason, reason
end

local CONF = "sandbox = %s\nsandbox-fallback = false\nbuild-users-group =\nsubstituters =\n"

--- A nix with an empty store, no build users and nowhere to download from; and no sandbox, unless
--- paths are given that are to be seen in one.
---@param opts { sandbox: string[]? }?
---@return support.Nix
function clients.nix.new(opts)
  local dir, sandbox = tmp.dir("nix"), opts and opts.sandbox
  local self = setmetatable({ dir = dir, store = dir .. "/store" }, nix)
  process.check { "mkdir", dir .. "/conf" }
  local conf = CONF:format(sandbox ~= nil)
  if sandbox then conf = ("%ssandbox-paths = %s\n"):format(conf, table.concat(sandbox, " ")) end
  tmp.write(dir .. "/conf/nix.conf", conf)
  self.env = { NIX_STORE_DIR = self.store, NIX_STATE_DIR = dir .. "/state",
    NIX_LOG_DIR = dir .. "/log", NIX_CONF_DIR = dir .. "/conf", NIX_PATH = "", HOME = dir,
    NIX_REMOTE = "", XDG_CACHE_HOME = dir .. "/cache", NIX_USER_CONF_FILES = "" }
  return self
end

clients.sandbox = {}

--- Whether builds can have namespaces of their own.
---@return boolean ok, string? reason
function clients.sandbox.available()
  local reason = not process.is_root() and "a sandbox of nix here needs root" or lacks("unshare")
  if not reason and process.run({ "unshare", "--mount", "--pid", "--fork",
    "--mount-proc", "true" }).code ~= 0 then
    reason = "no namespaces may be made here"
  end
  return not reason, reason
end

clients.ssh = {}

--- Whether there is OpenSSH, the server too.
---@return boolean ok, string? reason
function clients.ssh.available()
  local reason = lacks("sshd", "ssh", "ssh-keygen")
  return not reason, reason
end

--- Runs one of nix's programs on its store.
---@param argv string[] such as {"nix-build", "x.nix"}
---@param opts support.process.Options? `env` adds to nix's own
---@return support.Result
function nix:run(argv, opts)
  local merged = { env = {} }
  for name, value in pairs(opts or {}) do
    merged[name] = value
  end
  local env = {}
  for _, from in ipairs { self.env, merged.env } do
    for name, value in pairs(from) do
      env[name] = value
    end
  end
  merged.env = env
  return process.run(argv, merged)
end

--- `nix-build`; raises when it fails.
---@param ... string its arguments
---@return string path of the result
function nix:build(...)
  local result = self:run { "nix-build", "--no-out-link", ... }
  assert(result.code == 0, result.stderr)
  return result.stdout:match("^%S+")
end

return clients
