--- The options that several commands share, as data for hocker.arguments, and what they become.
---
--- An option that has `per_run` is said anew each time: no environment variable and no configuration
--- gives it a value. Secrets are such, and what they are for: they would go to whichever registry
--- is named. `instead_of` names one that it has no value beside, if the command line gives that. `fault` says what
--- is wrong with a text that comes from there, so that its place can be told; on a command line it shows when it is used.

local core = require "hocker.core"
local lazy = require "hocker.lazy"

local parts = lazy "hocker.parts"
local platform = lazy "hocker.platform"
local reference = lazy "hocker.reference"

local M = {}

local function whole(least)
  return function(text)
    local n = math.tointeger(tonumber(text))
    if n and n >= least then return n end
    return nil, ("it must be a whole number, %d or more, not '%s'"):format(least, text)
  end
end

local function seconds(text)
  local n = tonumber(text)
  if n and n > 0 and n <= 86400 then return n end
  return nil, ("it must be a number of seconds, not '%s'"):format(text)
end

local function uri_fault(text) return reference.uri_fault(text) end

-- A half of a platform is filled in by this machine's, whichever that is.
local function platform_fault(text)
  local _, err = platform.parse(text, { os = "linux", architecture = "amd64" })
  return err and err.message
end

--- The words that name an image.
M.image = {
  { words = "image", help = "NAME TAG, or one reference: [host[:port]/]path[:tag][@digest]" },
}

--- The words that name one image or several.
M.images = {
  { words = "image", count = "+",
    help = "NAME TAG, or one or more references: [host[:port]/]path[:tag][@digest]" },
}

M.registry = {
  { names = "--registry", value = "URI", fault = uri_fault,
    help = "registry root, with or without /v2; https://registry-1.docker.io/v2/ by default" },
}

M.mirrors = {
  { names = "--mirror", value = "URI", many = true, configured_by = "mirrors", fault = uri_fault,
    help = "registry to try first, as --registry has it; may be repeated, and is tried in order, "
      .. "instead of those in config.lua" },
}

M.credentials = {
  { names = "-u --username", value = "NAME", per_run = true, help = "user name" },
  { names = "-p --password", value = "SECRET", per_run = true,
    help = "password; --password-stdin hides it better" },
  { names = "--password-stdin", flag = true, per_run = true,
    help = "read the password from standard input" },
  { names = "-t --token", value = "TOKEN", per_run = true,
    help = "bearer token, sent as it is" },
  { names = "-f --credentials-file --credential-file", value = "PATH", per_run = true,
    help = "file with USERNAME= and PASSWORD= lines, or BEARER_TOKEN=" },
  { names = "--authfile", value = "PATH",
    help = "docker's config.json or podman's auth.json; else it is looked for where those are" },
}

M.network = {
  { names = "--cacert", value = "PEM", help = "further certificate authorities to trust" },
  { names = "--cert", value = "PEM", help = "client certificate" },
  { names = "--key", value = "PEM", help = "its key" },
  { names = "--insecure", flag = true, per_run = true,
    help = "accept any certificate, plain http where no scheme is given, and credentials over it" },
  { names = "--retries", value = "N", default = "3", convert = whole(0),
    help = "tries more, without progress between them, before giving up (3)" },
  { names = "--connect-timeout", value = "S", default = "30", convert = seconds,
    help = "seconds to connect (30)" },
  { names = "--stall-timeout", value = "S", default = "60", convert = seconds,
    help = "seconds without data before a transfer is broken off and continued (60)" },
}

M.policies = {
  { names = "--policy", value = "NAME-or-FILE", many = true, per_run = true,
    configured_by = "policies",
    help = "script that is asked at each decision of a fetch: a NAME, NAME:KEY=VALUE,... or a "
      .. "file; may be repeated, and comes after those in config.lua" },
}

M.platform = {
  { names = "--platform", value = "OS/ARCH[/VARIANT]", instead_of = "index", fault = platform_fault,
    help = "which image of an index; this machine's by default" },
}

--- Of a command that takes several.
M.platforms = {
  { names = "--platform", value = "OS/ARCH[/VARIANT]", many = true, fault = platform_fault,
    help = "which image of an index; may be repeated, for several" },
}

M.out = {
  { names = "-o --out", value = "PATH", per_run = true,
    help = "write there and print the path; - is standard output" },
}

M.layer_form = {
  { names = "--layers", value = "FORM", choices = { "uncompressed", "compressed" },
    help = "layers in a docker-archive: uncompressed (as docker save), or compressed as stored" },
}

M.repo_tags = {
  { names = "--repo-tag", value = "NAME:TAG", many = true, per_run = true,
    help = "name inside the archive; may be repeated" },
}

M.progress = {
  { names = "--progress", value = "MODE", default = "auto",
    choices = { "auto", "bar", "plain", "json", "none" },
    help = "auto, bar, plain, json or none, on standard error" },
}

M.verbosity = {
  { names = "-q --quiet", flag = true, instead_of = "verbose", help = "errors only" },
  { names = "-v --verbose", flag = true, instead_of = "quiet", help = "say what is requested" },
}

M.jobs = {
  { names = "--jobs", value = "N", default = "6", convert = whole(1),
    help = "layers to fetch at the same time (6), 32 at most" },
}

--- What every command takes; hocker.command has read it before the command is loaded.
M.scripts = {
  { names = "--scripts", value = "DIR", many = true, per_run = true,
    help = "folder of scripts and configuration that comes before all others; may be repeated" },
  { names = "--no-user-scripts", flag = true, per_run = true,
    help = "run only what comes with hocker, without any configuration" },
}

--- Reading ends where it is asked for.
M.help = { names = "-h --help", flag = true, help = "show this help" }

--- All that a command needs to talk to a registry that is named elsewhere.
M.access = { M.policies, M.mirrors, M.credentials, M.network, M.verbosity }

--- All that a command needs to talk to a registry.
M.fetch = { M.registry, M.access }

local function collect(list, flat)
  for _, item in ipairs(list) do
    if item.names or item.words then flat[#flat + 1] = item else collect(item, flat) end
  end
  return flat
end

--- The options and words of a command in one list: its `args` are a list of them and of such lists.
---@param list table
---@return table[]
function M.flatten(list)
  return collect(list, {})
end

local keys = {} -- by the names; each is asked for many times

--- The field of a command's arguments that an option is: `connect_timeout` for --connect-timeout.
---@param spec table
---@return string
function M.key(spec)
  local names = spec.names
  local key = keys[names]
  if not key then
    key = (names:match("%-%-(%S+)") or names:match("%-(%S+)")):gsub("-", "_")
    keys[names] = key
  end
  return key
end

local COUNTS <const> = {
  ["?"] = { 0, 1 }, ["*"] = { 0, math.maxinteger }, ["+"] = { 1, math.maxinteger },
}

--- How many words there may be: "2", "1-2", "?" for one at most, "*" for any, "+" for one or more.
---@param spec table
---@return integer? least nil when that can't be understood
---@return integer? most
function M.count(spec)
  local count = tostring(spec.count or "1-2")
  if COUNTS[count] then return table.unpack(COUNTS[count]) end
  local least, most = count:match("^(%d%d?)%-(%d%d?)$")
  least = tonumber(least or count:match("^%d%d?$"))
  most = tonumber(most or least)
  if least and most > 0 and least <= most then return least, most end
end

local function is_one_of(text, choices)
  for _, choice in ipairs(choices) do
    if choice == text then return true end
  end
  return false
end

--- The value that an option has by a text, from wherever that comes.
---@param spec table
---@param text string
---@return any? value
---@return string? why there is none
function M.value(spec, text)
  if spec.choices and not is_one_of(text, spec.choices) then
    return nil, ("'%s' is none of %s"):format(text, table.concat(spec.choices, ", "))
  end
  if not spec.convert then return text end
  local value, why = spec.convert(text)
  if value ~= nil then return value end
  return nil, why or "malformed value '" .. text .. "'"
end

--- The options of a command by their keys.
---@param list table
---@return table<string, table>
function M.by_key(list)
  local specs = {}
  for _, spec in ipairs(M.flatten(list)) do
    if spec.names then specs[M.key(spec)] = spec end
  end
  return specs
end

--- The session's options from a command's arguments.
---@param args table
---@return hocker.FetchOptions
function M.session(args)
  local jobs = args.jobs or 1
  return {
    cacert = args.cacert, cert = args.cert, key = args.key, insecure = args.insecure,
    retries = args.retries, connect_timeout = args.connect_timeout,
    stall_timeout = args.stall_timeout, connections = math.max(jobs, parts.connections) + 2,
    user_agent = "hocker/" .. core.version,
  }
end

return M
