--- Another machine for a nix: an sshd on a loopback address of its own, and a store and a state of
--- its own, under the same store path as those of the first, as every machine has /nix/store.
--- Whoever logs in is in its namespaces of mounts and processes; all else of the file system is
--- the same.
---
---     clients.need(clients.nix, clients.sandbox, clients.ssh)
---     local there = machine.new(nix)
---     nix:run { "nix-build", "--max-jobs", "0", "--builders", there.uri .. " x86_64-linux", ... }
---     there:run { "nix-store", "--query", "--references", path }
---     there:stop()

local port = require "support.port"
local process = require "support.process"
local tmp = require "support.tmp"

local machine = {}

local ADDRESS = "127.0.0.2"

---@class support.Machine
---@field nix support.Nix the first
---@field dir string where its store and state really are
---@field process support.Process the sshd
---@field config string of an ssh that reaches it
---@field uri string of its store
local methods = {}
local mt = { __name = "support.Machine", __index = methods }

-- What of /etc and /run decides about logins is its own too: what the first machine's root may do,
-- and has in its home, makes no difference. Processes end with their namespace, whatever they do.
local BOOT = [[
set -e
mount --bind "$1/store" "$2"
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/shadow" /etc/shadow
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -m 755 /run/sshd
exec "$3" -D -e -f "$1/sshd_config"
]]

local PASSWD = "root:x:0:0::%s/home:/bin/sh\nsshd:x:65534:65534::/run/sshd:/usr/sbin/nologin\n"
local SHADOW = "root:*:::::::\nsshd:*:::::::\n"

-- The folder above a temporary directory is everybody's, which a strict mode refuses.
local SERVER = [[
ListenAddress $ADDRESS:$PORT
HostKey "$DIR/host_key"
AuthorizedKeysFile "$DIR/key.pub"
AuthenticationMethods publickey
PermitRootLogin prohibit-password
PermitUserRC no
StrictModes no
UsePAM no
PidFile none
]]

-- The key exchange that is OpenSSH's default takes ten times as long.
local CLIENT = [[
Port $PORT
User root
IdentityFile "$DIR/key"
IdentitiesOnly yes
IdentityAgent none
UserKnownHostsFile "$DIR/known_hosts"
GlobalKnownHostsFile /dev/null
StrictHostKeyChecking yes
BatchMode yes
KexAlgorithms curve25519-sha256
ConnectTimeout 10
]]

-- One directive: sshd takes the first that it finds.
local function set_env(variables)
  local words = {}
  for name, value in pairs(variables) do
    words[#words + 1] = ('"%s=%s"'):format(name, value)
  end
  return "SetEnv " .. table.concat(words, " ") .. "\n"
end

local function make_keys(dir, host)
  for _, name in ipairs { "key", "host_key" } do
    process.check { "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", dir .. "/" .. name }
  end
  tmp.write(dir .. "/known_hosts", host .. " " .. tmp.read(dir .. "/host_key.pub"))
end

local function environment(nix, dir, more)
  local env = { PATH = os.getenv("PATH") }
  for _, from in ipairs { nix.env, more or {} } do
    for name, value in pairs(from) do env[name] = value end
  end
  env.NIX_STATE_DIR, env.NIX_LOG_DIR, env.HOME = dir .. "/state", dir .. "/log", dir .. "/home"
  return env
end

--- Starts one, which the programs of `nix` know from then on.
---@param nix support.Nix the first
---@param env table<string, string>? what else there is in the environment of logins
---@return support.Machine
function machine.new(nix, env)
  local dir, number = tmp.dir("machine"), port.free(ADDRESS)
  local facts = { DIR = dir, ADDRESS = ADDRESS, PORT = number }
  process.check { "mkdir", "-p", dir .. "/store", dir .. "/home", nix.store }
  make_keys(dir, ("[%s]:%d"):format(ADDRESS, number))
  tmp.write(dir .. "/passwd", PASSWD:format(dir))
  tmp.write(dir .. "/shadow", SHADOW)
  tmp.write(dir .. "/sshd_config", SERVER:gsub("%$(%u+)", facts) ..
    set_env(environment(nix, dir, env)))
  local config = dir .. "/ssh_config"
  tmp.write(config, (CLIENT:gsub("%$(%u+)", facts)))
  nix.env.NIX_SSHOPTS = "-F " .. config
  local child = process.spawn { "unshare", "--mount", "--pid", "--fork", "--kill-child",
    "--mount-proc", "sh", "-c", BOOT, "sh", dir, nix.store, process.which("sshd") }
  child:wait_for("Server listening on")
  return setmetatable({ nix = nix, dir = dir, process = child, config = config,
    uri = "ssh://root@" .. ADDRESS }, mt)
end

--- Runs a program there.
---@param argv string[]
---@param opts support.process.Options?
---@return support.Result
function methods:run(argv, opts)
  local words = { "ssh", "-F", self.config, ADDRESS, "--" }
  for _, word in ipairs(argv) do
    words[#words + 1] = process.quote(word)
  end
  return process.run(words, opts)
end

--- Whether a store path is there. Its state tells; nobody has to log in.
---@param path string
---@return boolean
function methods:has(path)
  return self.nix:run({ "nix-store", "--check-validity", path },
    { env = { NIX_STATE_DIR = self.dir .. "/state" } }).code == 0
end

function methods:stop()
  self.process:stop()
end

return machine
