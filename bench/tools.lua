--- The programs that are compared, each as a command that fetches an image of the corpus.

local process = require "support.process"
local program = require "support.program"
local tmp = require "support.tmp"

local tools = {}

local BUILD = os.getenv("HOCKER_BUILD") or "build"

--- Where the variants are that were built; the first is as good as it gets on this machine.
tools.variants = { { name = "zlib", build = BUILD .. "/bench/zlib" } }
if (os.getenv("ISAL") or "") ~= "" then
  table.insert(tools.variants, 1, { name = "ISA-L", build = BUILD })
end

--- `hocker-image`, in the build directory given.
---@param build string
---@param url string of the registry
---@param made bench.Image
---@param words string[] further options
---@return fun(out: string): string[], support.process.Options
function tools.hocker(build, url, made, words)
  return function(out)
    local argv, opts = program.command("hocker-image", { "--registry", url,
      "bench/" .. made.name, "v1", "--out", out, "--quiet", table.unpack(words) })
    argv[1] = build .. "/bin/hocker-image"
    return argv, opts
  end
end

--- `skopeo copy` to an output of the transport.
---@param host string of the registry
---@param made bench.Image
---@param transport "docker-archive"|"oci"|"dir"
---@return fun(out: string): string[], support.process.Options
function tools.skopeo(host, made, transport)
  return function(out)
    return { "skopeo", "--insecure-policy", "copy", "--quiet", "--src-tls-verify=false",
      ("docker://%s/bench/%s:v1"):format(host, made.name), transport .. ":" .. out ..
      (transport == "dir" and "" or ":bench:v1") },
      { env = { HOME = tmp.root(), REGISTRY_AUTH_FILE = false } }
  end
end

--- The floor, in the build directory given.
---@param build string
---@param port integer of the registry
---@param made bench.Image
---@param option "-c"|"-k"|nil layers stay compressed; with "-k" their content is checked too
---@return fun(out: string): string[]
function tools.floor(build, port, made, option)
  return function(out)
    local argv = { build .. "/bench/floor" }
    argv[#argv + 1] = option
    table.move({ port, out }, 1, 2, #argv + 1, argv)
    for _, layer in ipairs(made.layers) do
      argv[#argv + 1] = ("/v2/bench/%s/blobs/%s,%d,%s,%d,%s"):format(made.name, layer.digest,
        layer.size, layer.digest:match("%x+$"), layer.content, layer.diff_id:match("%x+$"))
    end
    return argv
  end
end

-- What is in an output ------------------------------------------------------------------------

local MEMBERS = [[if [ -d "$0" ]; then find "$0" -type f -exec sha256sum {} +
else tar -xf "$0" --to-command=sha256sum; fi]]

--- A check that all of these digests are those of members of an archive, or files of a directory.
---@param digests string[]
---@return fun(out: string)
function tools.holds(digests)
  return function(out)
    local text = process.check({ "sh", "-c", MEMBERS, out }, { timeout = 600 })
    local found = {}
    for hex in text:gmatch("%f[%x]" .. ("%x"):rep(64)) do
      found["sha256:" .. hex] = true
    end
    for _, digest in ipairs(digests) do
      assert(found[digest], digest .. " is missing from the output")
    end
  end
end

--- A check that a file is these pieces, one after the other.
---@param pieces {size: integer, digest: string}[]
---@return fun(out: string)
function tools.joins(pieces)
  return function(out)
    local at = 1
    for _, piece in ipairs(pieces) do
      local hex = process.check({ "sh", "-c",
        [[tail -c +"$1" "$0" 2>/dev/null | head -c "$2" | sha256sum]], out, at, piece.size })
      assert("sha256:" .. hex:match("^%x+") == piece.digest, piece.digest .. " is not there")
      at = at + piece.size
    end
  end
end

return tools
