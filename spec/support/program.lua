--- The programs under test, run as a user runs them: from outside, in an environment without
--- the credentials, proxies and settings of this machine.
---
---     local bytes = program.check("hocker-manifest", { "debian", "12" })
---     local line = program.refuses(3, "hocker-manifest", { "debian", "none" })

local lfs = require "lfs"
local luassert = require "luassert"
local process = require "support.process"
local tmp = require "support.tmp"

local program = {}

local build = os.getenv("HOCKER_BUILD") or "build"
if build:sub(1, 1) ~= "/" then
  build = lfs.currentdir() .. "/" .. build
end

--- Whether the programs are instrumented: slower, and larger in memory.
program.sanitized = build:find("[at]san") ~= nil

-- What would reach out of the test. `false` takes a variable away.
local CLEAN = {
  http_proxy = false, https_proxy = false, HTTP_PROXY = false, HTTPS_PROXY = false,
  all_proxy = false, ALL_PROXY = false, no_proxy = false, NO_PROXY = false,
  DOCKER_CONFIG = false, REGISTRY_AUTH_FILE = false, NETRC = false, XDG_CONFIG_HOME = false,
  SSL_CERT_FILE = false, HOCKER_PATH = false, DOCKER_TOKEN = false, DOCKER_USER = false,
  DOCKER_PASS = false, HOCKER_NO_USER_SCRIPTS = false, HOCKER_JOBS = false, HOCKER_PLATFORM = false,
  HOCKER_REGISTRY = false, HOCKER_RETRIES = false, HOCKER_PROGRESS = false, HOCKER_MIRROR = false,
  HOCKER_AUTHFILE = false, HOCKER_QUIET = false, HOCKER_VERBOSE = false,
  NIX_SSL_CERT_FILE = false, DOCKER_CREDENTIALS = false, NIX_BUILD_TOP = false,
  IN_NIX_SHELL = false,
}

local home

local function environment(more)
  home = home and tmp.exists(home) and home or tmp.dir("home")
  -- Without XDG_RUNTIME_DIR, /run is looked into.
  local env = { HOME = home, XDG_RUNTIME_DIR = home }
  for _, from in ipairs { CLEAN, more or {} } do
    for name, value in pairs(from) do
      env[name] = value
    end
  end
  return env
end

--- Where a program is.
---@param name string "hocker-image"
---@return string
function program.path(name)
  return build .. "/bin/" .. name
end

--- The words of a command line, and the options to run it with.
---@param name string
---@param words string[]?
---@param opts support.process.Options?
---@return string[] argv, support.process.Options opts
function program.command(name, words, opts)
  local copy = {}
  for key, value in pairs(opts or {}) do
    copy[key] = value
  end
  copy.env = environment(copy.env)
  return table.move(words or {}, 1, #(words or {}), 2, { program.path(name) }), copy
end

--- Runs a program to its end, however it ends.
---@param name string
---@param words string[]?
---@param opts support.process.Options?
---@return support.Result
function program.run(name, words, opts)
  return process.run(program.command(name, words, opts))
end

--- Starts a program; `support.process` says what can be done with it.
---@param name string
---@param words string[]?
---@param opts support.process.Options?
---@return support.Process
function program.spawn(name, words, opts)
  return process.spawn(program.command(name, words, opts))
end

--- Runs a program that has to succeed.
---@param name string
---@param words string[]?
---@param opts support.process.Options?
---@return string stdout, string stderr
function program.check(name, words, opts)
  local result = program.run(name, words, opts)
  luassert.equal(0, result.code, result.stderr)
  return result.stdout, result.stderr
end

-- Lines that may stand before the error.
local NOTES = { "; retry %d+ in %d+%.%d s$", "^Downloading layer: %x+ => wrote %x+$" }

local function is_note(line)
  for _, pattern in ipairs(NOTES) do
    if line:find(pattern) then
      return true
    end
  end
  return false
end

--- The one line on standard error that says why a program failed. There must be no other, but
--- for notes, and nothing in it that a terminal would obey.
---@param result support.Result
---@param name string the program's name for itself
---@return string line
function program.line(result, name)
  local lines = {}
  for line in result.stderr:gmatch("([^\n]*)\n?") do
    if line ~= "" and not is_note(line) then
      lines[#lines + 1] = line
    end
  end
  luassert.equal(1, #lines, "lines on standard error:\n" .. result.stderr)
  luassert.equal(name .. ": ", lines[1]:sub(1, #name + 2))
  luassert.is_nil(result.stderr:find("[%z\1-\9\11-\31\127]"), result.stderr)
  luassert.is_nil(result.stderr:find("\xc2[\x80-\x9f]"), result.stderr)
  luassert.equal("\n", result.stderr:sub(-1))
  return lines[1]
end

--- Runs a program that has to fail: with this exit code, with nothing on standard output and
--- with one line on standard error, which is returned.
---@param code integer
---@param name string
---@param words string[]?
---@param opts support.process.Options?
---@return string line
function program.refuses(code, name, words, opts)
  local result = program.run(name, words, opts)
  luassert.equal(code, result.code, result.stderr)
  luassert.equal("", result.stdout)
  return program.line(result, name)
end

return program
