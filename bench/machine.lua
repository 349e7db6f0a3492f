--- What the measurements were made on: nothing that tells whose machine it is.

local process = require "support.process"
local tmp = require "support.tmp"

local machine = {}

local function first(command)
  local result = process.run { "sh", "-c", command }
  return result.stdout:match("^%s*([^\n]*%S)") or "unknown"
end

local function version(package)
  return first("pkg-config --modversion " .. package)
end

local function memory()
  local kib = tonumber(tmp.read("/proc/meminfo"):match("MemTotal:%s*(%d+)"))
  return ("%.0f GiB of memory"):format(kib / (1 << 20))
end

--- A list in Markdown.
---@return string
function machine.describe()
  local cpu = first("sed -n 's/^model name[^:]*: //p' /proc/cpuinfo")
  local sha = first("grep -c -m1 -wE 'sha_ni|sha2' /proc/cpuinfo") ~= "0"
  local lines = {
    ("%s, %s cores, %s instructions for SHA-256"):format(cpu, first("nproc"),
      sha and "with" or "without"),
    ("%s; Linux %s"):format(memory(), first("uname -r"):match("^[%d.]+")),
    ("output on %s"):format(first("df --output=fstype " .. process.quote(tmp.root()) ..
      " | tail -n 1")),
    ("libcurl %s, OpenSSL %s, zlib %s, ISA-L %s, %s"):format(version("libcurl"),
      version("libcrypto"), version("zlib"), version("libisal"),
      first("lua5.4 -v"):match("^Lua %S+") or "Lua"),
    ("skopeo %s, docker-registry %s"):format(first("skopeo --version"):match("[%d.]+") or "?",
      first("docker-registry --version"):match("%d[%d.]+") or "?"),
  }
  return "* " .. table.concat(lines, "\n* ") .. "\n"
end

return machine
