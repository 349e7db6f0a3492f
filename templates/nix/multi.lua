--- Prints one expression for several platforms: what fetchdocker.lua prints of each, and a choice
--- between them by the system that the image is to run on. `callPackage` gives it nixpkgs' stdenv; without
--- one it is the system that evaluates.

local core = require "hocker.core"
local fetchers = require "hocker.fetchers"
local nix = require "hocker.nix"
local platform = require "hocker.platform"

-- Nix's systems, and the platform that runs there. On a Mac containers run in a Linux of its own.
local SYSTEMS <const> = {
  { "aarch64-darwin", "linux/arm64" }, { "aarch64-linux", "linux/arm64" },
  { "armv5tel-linux", "linux/arm/v5" }, { "armv6l-linux", "linux/arm/v6" },
  { "armv7l-linux", "linux/arm/v7" }, { "i686-linux", "linux/386" },
  { "loongarch64-linux", "linux/loong64" }, { "mips-linux", "linux/mips" },
  { "mips64-linux", "linux/mips64" }, { "mips64el-linux", "linux/mips64le" },
  { "mipsel-linux", "linux/mipsle" }, { "powerpc64-linux", "linux/ppc64" },
  { "powerpc64le-linux", "linux/ppc64le" }, { "riscv64-linux", "linux/riscv64" },
  { "s390x-linux", "linux/s390x" }, { "x86_64-darwin", "linux/amd64" },
  { "x86_64-linux", "linux/amd64" },
}

-- The calls, and the names that they are bound to.
local function bind_images(image)
  local bindings, names = {}, {}
  for i, one in ipairs(image.images) do
    if not one.platform then
      return nil, core.error("usage", "a manifest alone does not tell which platform it is for; "
        .. "--fetch finds it out")
    end
    local call, err = fetchers.call(image, one)
    if not call then return nil, err end
    names[i] = platform.format(one.platform)
    bindings[i] = { names[i], call }
  end
  return bindings, names
end

local function bind_systems(image)
  local bindings = {}
  for _, row in ipairs(SYSTEMS) do
    local system, name = table.unpack(row)
    local found = platform.select(image.images, assert(platform.parse(name)))
    if found then
      local image_name = platform.format(found.platform)
      bindings[#bindings + 1] = { system, nix.select("images", image_name) }
    end
  end
  return bindings
end

local function print(image)
  local images, names = bind_images(image)
  if not images then return nil, names end
  local complaint = nix.text {
    image.name .. ": no image for ", nix.id "system", "; there is " .. table.concat(names, ", "),
  }
  local body = nix.let({
    { "images", nix.attrs(images) },
    { "systems", nix.attrs(bind_systems(image)) },
    { "system", nix.select("stdenv.hostPlatform", "system", nix.id "builtins.currentSystem") },
  }, nix.select("systems", nix.id "system", nix.call("throw", complaint)))
  local formals = table.move(fetchers.formals, 1, #fetchers.formals, 1, {})
  formals[#formals + 1] = { "stdenv", nix.attrs {} }
  return nix.print(nix.fn(formals, body)) .. "\n"
end

return { platforms = "all", print = print }
