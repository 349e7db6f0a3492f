--- Platforms: reading what users and registries write, and choosing an image of an index.
---
--- A platform is a table as in an OCI descriptor. Names are Go's ("amd64"), but the other usual
--- spellings are read too. An architecture is never replaced by another one that might run as
--- well; a variant gives way to the lesser ones.
---
---     local platform = require "hocker.platform"
---     print(platform.format(assert(platform.parse "linux/aarch64"))) --> linux/arm64

local core = require "hocker.core"

---@class hocker.Platform
---@field os string
---@field architecture string
---@field variant string?
---@field ["os.version"] string?
---@field ["os.features"] string[]?

local M = {}

local OSES <const> = {
  aix = true, android = true, darwin = true, dragonfly = true, freebsd = true, illumos = true,
  ios = true, js = true, linux = true, netbsd = true, openbsd = true, plan9 = true,
  solaris = true, wasi = true, wasip1 = true, windows = true,
}

-- Spelling -> architecture, and the variant that it implies.
local ARCHITECTURES <const> = {
  amd64 = { "amd64" }, x86_64 = { "amd64" }, ["x86-64"] = { "amd64" }, x64 = { "amd64" },
  ["386"] = { "386" }, x86 = { "386" }, i386 = { "386" }, i486 = { "386" }, i586 = { "386" },
  i686 = { "386" },
  arm64 = { "arm64" }, aarch64 = { "arm64" },
  arm = { "arm" }, armhf = { "arm", "v7" }, armel = { "arm", "v6" }, armv5tel = { "arm", "v5" },
  armv5l = { "arm", "v5" }, armv6l = { "arm", "v6" }, armv7l = { "arm", "v7" },
  armv8l = { "arm", "v8" },
  loong64 = { "loong64" }, loongarch64 = { "loong64" },
  mips = { "mips" }, mipsle = { "mipsle" }, mipsel = { "mipsle" },
  mips64 = { "mips64" }, mips64le = { "mips64le" }, mips64el = { "mips64le" },
  ppc64 = { "ppc64" }, ppc64le = { "ppc64le" }, ppc64el = { "ppc64le" },
  powerpc64 = { "ppc64" }, powerpc64le = { "ppc64le" },
  riscv64 = { "riscv64" }, s390x = { "s390x" }, wasm = { "wasm" },
}

local LISTED <const> = 12 -- most platforms in a message

-- Normal form ------------------------------------------------------------------------------

--- "8", "v8.0" and "V8" are "v8".
local function plain_variant(variant)
  variant = variant:lower():gsub("^v?(%d)", "v%1"):gsub("%.0$", "")
  return variant
end

-- What an architecture's variant means when it is the ordinary one: nothing.
local ORDINARY <const> = { amd64 = "v1", arm64 = "v8" }

local function filled(text)
  return type(text) == "string" and text ~= "" and text or nil
end

--- The normal form of a platform: Go's names, no variant where it is the ordinary one
--- (amd64/v1, arm64/v8), always one for arm (v7 unless said).
---@param platform hocker.Platform as found; not changed
---@return hocker.Platform
function M.normalise(platform)
  if type(platform) ~= "table" then
    error("a platform is a table, as platform.parse gives it, not " .. tostring(platform), 2)
  end
  local os = (filled(platform.os) or ""):lower()
  local architecture = (filled(platform.architecture) or ""):lower()
  local known = ARCHITECTURES[architecture] or { architecture }
  local variant = plain_variant(filled(platform.variant) or known[2] or "")
  architecture = known[1]
  if variant == ORDINARY[architecture] or architecture == "386" then variant = "" end
  if architecture == "arm" and variant == "" then variant = "v7" end
  local features = platform["os.features"]
  return {
    os = os == "macos" and "darwin" or os,
    architecture = architecture,
    variant = filled(variant),
    ["os.version"] = filled(platform["os.version"]),
    ["os.features"] = type(features) == "table" and #features > 0 and features or nil,
  }
end

--- "linux/arm/v7", "windows(10.0.17763.1+win32k)/amd64": the normal form as text.
---@param platform hocker.Platform
---@return string
function M.format(platform)
  local p = M.normalise(platform)
  local system = { p["os.version"] or "", table.unpack(p["os.features"] or {}) }
  local detail = table.concat(system, "+")
  local parts = { p.os .. (detail ~= "" and "(" .. detail .. ")" or ""), p.architecture, p.variant }
  return table.concat(parts, "/")
end

-- Reading ----------------------------------------------------------------------------------

local function usage(text, why)
  text = #text > 60 and text:sub(1, 57) .. "..." or text
  return nil, core.error("usage",
    ("'%s' is not a platform: %s"):format(text, why))
end

--- os, os(version+feature+...): fills in `platform`.
local function read_os(text, platform)
  local name, detail = text:match("^([%w_.-]+)(.*)$")
  if not name then return false end
  platform.os = name
  if detail == "" then return true end
  local version, features = detail:match("^%(([%w_.-]*)(.*)%)$")
  if not version then return false end
  platform["os.version"] = filled(version)
  if features == "" then return version ~= "" end
  local list = {}
  for feature in features:gmatch("%+([^+]*)") do
    if not feature:find("^[%w_.-]+$") then return false end
    list[#list + 1] = feature
  end
  platform["os.features"] = list
  return features:sub(1, 1) == "+"
end

--- One word is a known system or a known architecture; the host has the other half.
local function read_word(word, host)
  local lower = word:lower()
  if ARCHITECTURES[lower] then
    return M.normalise { os = host and host.os or "linux", architecture = lower }
  end
  local platform = {}
  if not (read_os(word, platform) and (OSES[platform.os:lower()] or platform.os == "macos")) then
    return usage(word, "write OS/ARCH or OS/ARCH/VARIANT, as in linux/arm64")
  end
  if not host then return usage(word, "the architecture is missing, as in linux/arm64") end
  platform.architecture, platform.variant = host.architecture, host.variant
  return M.normalise(platform)
end

-- ARCH/VARIANT: no system is called as an architecture is.
local function read_short(text, host)
  local word, variant = text:lower():match("^([%w_-]+)/([%w.]+)$")
  if not (word and ARCHITECTURES[word]) then return nil end
  return M.normalise { os = host and host.os or "linux", architecture = word, variant = variant }
end

--- Reads OS/ARCH, OS/ARCH/VARIANT, OS(VERSION+FEATURE)/ARCH/VARIANT, ARCH/VARIANT, or one of OS and
--- ARCH. The system's version can also be at the end, as OS/ARCH:VERSION or OS/ARCH,osver=VERSION:
--- so crane and oras have it, and regctl. `local` is the host itself.
---@param text string
---@param host hocker.Platform? what a single word leaves open; without it the system is linux
---@return hocker.Platform? platform normalised
---@return hocker.Error? err "usage"
function M.parse(text, host)
  if text == "local" and host then return M.normalise(host) end
  if not text:find("/", 1, true) then return read_word(text, host) end
  local short = read_short(text, host)
  if short then return short end
  local bare, version = text:match("^(.*),osver=([%w_.-]+)$")
  if not bare then bare, version = text:match("^(.*):([%w_.-]+)$") end
  local os, rest = (bare or text):match("^([^/]*)/(.*)$")
  local architecture, variant = (rest or ""):match("^([%w_.-]+)/?([%w_.-]*)$")
  local platform = { architecture = architecture, variant = variant }
  if not architecture or rest:sub(-1) == "/" or not read_os(os, platform)
    or version and platform["os.version"] then
    return usage(text, "write OS/ARCH or OS/ARCH/VARIANT, as in linux/arm64")
  end
  platform["os.version"] = version or platform["os.version"]
  return M.normalise(platform)
end

--- The variant of an ARM processor, from its /proc/cpuinfo; uname cannot tell a v6 core apart
--- on some kernels.
local function arm_variant(cpuinfo)
  local number = cpuinfo:match("CPU architecture%s*:%s*(%w+)")
  if number == "7" and cpuinfo:find("ARMv6-compatible", 1, true) then number = "6" end
  if number == "AArch64" then number = "8" end
  return number and number:match("^[5-8]")
end

--- The platform of this machine; the system is always linux, as images for containers are.
---@param machine string what `uname -m` prints
---@param cpuinfo string? the text of /proc/cpuinfo
---@return hocker.Platform
function M.host(machine, cpuinfo)
  local platform = M.normalise { os = "linux", architecture = machine }
  if platform.architecture == "arm" then
    platform.variant = plain_variant(arm_variant(cpuinfo or "") or platform.variant)
  end
  return platform
end

-- Choosing ---------------------------------------------------------------------------------

local function numbered(first, last)
  local list = {}
  for n = first, last, -1 do list[#list + 1] = "v" .. n end
  return list
end

--- arm64: v9.N runs all of v9 below it, and v8.(N+5) and what is below that.
local function arm64_variants(major, minor)
  local list = {}
  if major == 9 then
    for n = minor, 1, -1 do list[#list + 1] = "v9." .. n end
    list[#list + 1] = "v9"
    minor = minor + 5
  end
  for n = minor, 1, -1 do list[#list + 1] = "v8." .. n end
  list[#list + 1] = ""
  return list
end

--- What does for a variant, the best first; "" is the ordinary one.
local function variants(architecture, variant)
  variant = variant or ""
  local major, minor = variant:match("^v(%d)%.?(%d?)$")
  major, minor = tonumber(major), tonumber(minor) or 0
  if architecture == "arm" and major then return numbered(major, 5) end
  if architecture == "amd64" and major then
    local list = numbered(major, 2)
    list[#list + 1] = ""
    return list
  end
  if architecture == "arm64" then
    if variant == "" then major = 8 end
    if major == 8 or major == 9 then return arm64_variants(major, minor) end
  end
  return variant == "" and { "" } or { variant, "" }
end

--- "10.0.17763" asks for any of its revisions.
local function version_fits(have, want)
  return not want or have ~= nil and (have == want or have:sub(1, #want + 1) == want .. ".")
end

local function features_fit(have, want)
  local set = {}
  for _, feature in ipairs(have or {}) do set[feature] = true end
  for _, feature in ipairs(want or {}) do
    if not set[feature] then return false end
  end
  return true
end

local function fits(have, want, variant)
  return have.os == want.os and have.architecture == want.architecture
    and (have.variant or "") == variant
    and version_fits(have["os.version"], want["os.version"])
    and features_fit(have["os.features"], want["os.features"])
end

local function named(platform)
  return type(platform) == "table" and (filled(platform.os) or filled(platform.architecture)) ~= nil
end

--- Attestations and other things that ride in an index beside the images.
local function is_image(descriptor)
  local platform, notes = descriptor.platform, descriptor.annotations
  if type(notes) == "table" and notes["vnd.docker.reference.type"] then return false end
  if not named(platform) then return descriptor.artifactType == nil end
  return not (platform.os == "unknown" and platform.architecture == "unknown")
end

local function not_found(list, want)
  local names, seen = {}, {}
  for _, entry in ipairs(list) do
    local name = entry.platform and M.format(entry.platform) or "one of no platform"
    if not seen[name] then names[#names + 1] = name end
    seen[name] = true
  end
  local there = table.concat(names, ", ", 1, math.min(#names, LISTED))
  if #names > LISTED then there = ("%s and %d more"):format(there, #names - LISTED) end
  return nil, core.error("not_found", ("no image for %s; %s"):format(M.format(want),
    #names > 0 and "there is " .. there or "the index has no images"))
end

-- The images among an index's entries, with the normal forms of their platforms.
local function images_of(descriptors)
  local images = {}
  for _, descriptor in ipairs(descriptors) do
    if is_image(descriptor) then
      images[#images + 1] = { descriptor = descriptor,
        platform = named(descriptor.platform) and M.normalise(descriptor.platform) or nil }
    end
  end
  return images
end

--- Chooses an image of an index: the first entry of the best variant. Attestations and artifacts
--- don't count. An entry that names no platform is taken when it is the only image there is;
--- its configuration then tells what it is for.
---@param descriptors hocker.Descriptor[]
---@param want hocker.Platform
---@return hocker.Descriptor? descriptor
---@return hocker.Error? err "not_found"; the message lists what is there
function M.select(descriptors, want)
  want = M.normalise(want)
  local images = images_of(descriptors)
  if #images == 1 and not images[1].platform then return images[1].descriptor end
  for _, variant in ipairs(variants(want.architecture, want.variant)) do
    for _, image in ipairs(images) do
      if image.platform and fits(image.platform, want, variant) then return image.descriptor end
    end
  end
  return not_found(images, want)
end

--- The platforms that an index has images for, each once and in its order.
---@param descriptors hocker.Descriptor[]
---@return hocker.Platform[] platforms normalised; empty where no image names one
function M.list(descriptors)
  local platforms, seen = {}, {}
  for _, image in ipairs(images_of(descriptors)) do
    local name = image.platform and M.format(image.platform)
    if name and not seen[name] then
      seen[name] = true
      platforms[#platforms + 1] = image.platform
    end
  end
  return platforms
end

return M
