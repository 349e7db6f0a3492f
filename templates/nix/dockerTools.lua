--- Prints the arguments of nixpkgs' `dockerTools.pullImage`, as nix-prefetch-docker does.
---
--- Its `hash` is that of the archive which skopeo makes of the image: no manifest has it. So the
--- text has the one that never fits, and Nix tells the right one when it has fetched the image.

local core = require "hocker.core"
local nix = require "hocker.nix"

local FAKE_HASH <const> = "sha256-" .. ("A"):rep(43) .. "="

-- skopeo finds a registry at the root of its host, and nowhere else.
local function check_registry(uri)
  local path = uri:match("^%a+://[^/]*(.-)/*$")
  if path == "" or path == "/v2" then return true end
  return nil, core.error("unsupported", ("dockerTools can't express a registry with a path: %s")
    :format(uri))
end

---@param image hocker.Description see hocker.template
---@return string? text, hocker.Error? err
return function(image)
  local ok, err = check_registry(image.registry)
  if not ok then return nil, err end
  local one = image.images[1]
  local bindings = {
    { "imageName", image.name },
    { "imageDigest", one.digest },
    nix.comment "No registry knows this hash: build once, and put here what Nix then got.",
    { "hash", FAKE_HASH },
    { "finalImageName", image.name },
    { "finalImageTag", image.tag or "latest" },
  }
  local function add(name, value)
    if value ~= nil then bindings[#bindings + 1] = { name, value } end
  end
  add("os", one.platform and one.platform.os)
  add("arch", one.platform and one.platform.architecture)
  if image.registry:find("^[Hh][Tt][Tt][Pp]:") then add("tlsVerify", false) end
  add("name", image.alt_name)
  return nix.print(nix.attrs(bindings)) .. "\n"
end
