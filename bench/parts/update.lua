--- Bytes that an image costs a Nix store: at first, and again when one of its layers has changed.

local clients = require "support.clients"
local image = require "support.image"
local lfs = require "lfs"
local nixlib = require "support.nixlib"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local text = require "bench.text"
local tmp = require "support.tmp"

local MB = 1000 * 1000
local SIZES = { 30, 10, 4, 2, 1 } -- of layers, the base first: megabytes that can't be compressed
local CHANGED = 4

-- Two images that differ in one layer, both of the same name when pushed.
local function build(scale)
  local layers, changed = {}, {}
  for i, size in ipairs(SIZES) do
    layers[i] = { random = math.tointeger(size * scale * MB // 1) }
  end
  local before = image.build { layers = layers }
  table.move(before.layers, 1, #SIZES, 1, changed)
  changed[CHANGED] = image.build { layers = { layers[CHANGED] } }.layers[1]
  return before, image.build { layers = changed }
end

-- The ways ------------------------------------------------------------------------------------

local function bytes_of(path)
  local listed = process.check { "du", "--apparent-size", "--bytes", "--summarize", path }
  return math.tointeger(tonumber(listed:match("^%d+")))
end

-- What the two that build with Nix have in common: how much the store has grown by a build.
local function nix_build(nix, expression)
  process.check { "mkdir", "-p", nix.store }
  local before = bytes_of(nix.store)
  nix:build("--expr", expression)
  return bytes_of(nix.store) - before
end

local function with_lock(name)
  local nix, file = clients.nix.new(), tmp.dir("locked") .. "/hocker.lock"
  return function()
    local words = tmp.exists(file) and { "update" } or { "add", "app", name }
    program.check("hocker", { "lock", words[1], "--file", file, table.unpack(words, 2) })
    return nix_build(nix, ("(%s.fromLock %s).app.stream"):format(nixlib.library(), file))
  end
end

local function with_expression(name)
  local nix = clients.nix.new()
  return function()
    local file = tmp.file(program.check("docker2nix", { "--fetch", name }), "image.nix")
    return nix_build(nix, nixlib.image(file) .. ".stream")
  end
end

-- nixpkgs' pullImage is a derivation that runs this.
local function with_skopeo(name)
  return function()
    local path = tmp.path("image.tar")
    process.check({ "skopeo", "--insecure-policy", "copy", "--quiet", "--src-tls-verify=false",
      "docker://" .. name, "docker-archive:" .. path .. ":bench:v1" },
      { env = { HOME = tmp.root(), REGISTRY_AUTH_FILE = false }, timeout = 600 })
    return lfs.attributes(path, "size")
  end
end

local WAYS = {
  { "`hocker lock`, `fromLock`", with_lock, clients.nix },
  { "`docker2nix --fetch`, `fetchdocker`", with_expression, clients.nix },
  { "`skopeo copy`, as `pullImage` runs it", with_skopeo },
}

-- What it costs -------------------------------------------------------------------------------

-- What a run has fetched, by the registry's own log, and what it put into the store.
local function cost(reg, run)
  local before, fetched = #reg:requests(), 0
  local stored = run()
  local requests = reg:requests()
  for i = before + 1, #requests do
    -- The log has the length of a body that is only told of, too.
    fetched = fetched + (requests[i].method == "HEAD" and 0 or requests[i].size)
  end
  return { ("%d"):format(#requests - before), ("%d"):format(fetched), ("%d"):format(stored) }
end

local function rows(reg, images)
  local lines, runs = {}, {}
  for _, way in ipairs(WAYS) do
    local name, start, client = table.unpack(way)
    if not client or client.available() then
      runs[#runs + 1] = start(reg:host() .. "/bench/app:v1")
      lines[#lines + 1] = { name }
    end
  end
  for _, img in ipairs(images) do
    img:upload(reg, "bench/app", "v1", { format = "oci" })
    for i, run in ipairs(runs) do
      local line, found = lines[i], cost(reg, run)
      table.move(found, 1, #found, #line + 1, line)
    end
  end
  return lines
end

---@param bench bench.Context
---@return string
return function(bench)
  local before, after = build(bench.small and 0.01 or 1)
  local reg = registry.start()
  local lines = rows(reg, { before, after })
  reg:stop()
  local all = 0
  for _, layer in ipairs(before.layers) do all = all + layer.size end
  return ("%d layers, %d bytes; then one of them is another one, of %d bytes.\n\n%s"):format(
    #before.layers, all, after.layers[CHANGED].size, text.table({ "", "requests", "fetched",
      "stored", "requests, changed", "fetched, changed", "stored, changed" }, lines))
end
