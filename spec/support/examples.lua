--- The examples of documents, and local things in the place of public ones.

local examples = {}

--- What stands for the things of the world: a text of a document, and its local replacement, in
--- which %HOST is the registry, %URL its URI, %LAYER a layer's digest, %ROOT and %BUILD folders,
--- %DOCKER a daemon, %PODMAN and %PODMANRUN how podman is called. The first that fits counts.
local NAMES = {
  { "https://registry.example:5000", "%URL" },
  { "registry-1.docker.io/v2/library/debian:jessie", "%HOST/library/debian:jessie" },
  { "library/debian jessie", "--registry %URL library/debian jessie" },
  { "debian:jessie", "%HOST/library/debian:jessie" },
  { "docker.io/library/debian:12", "%HOST/library/debian:12" },
  { "debian:12", "%HOST/library/debian:12" },
  { "alpine:3", "%HOST/library/alpine:3" },
  { "quay.io/coreos/etcd:v3.5.0", "%HOST/coreos/etcd:v3.5.0" },
  { "cd0a524342efac6edff500c17e625735bbe479c926439b263bbe3c8518a0849c", "%LAYER" },
  { "docker load", "docker --host %DOCKER load" },
  { "docker run", "docker --host %DOCKER run --network none" },
  { "podman load", "%PODMAN load" },
  { "podman run", "%PODMAN run --network none %PODMANRUN" },
  { "/usr/local/share/hocker/nix", "%ROOT/templates/nix/lib" },
  { "/usr/local/src/hocker", "%ROOT" },
  { '"/usr/local"', '"%BUILD"' },
  { "scripts/", "%ROOT/scripts/" },
  { "examples/", "%ROOT/examples/" },
  { "build/", "%BUILD/" },
}

--- The lines "    $ command" of a document, those that go on joined.
---@param text string
---@return string[]
function examples.commands(text)
  local list = {}
  for line in (text:gsub("\\\n%s*", "")):gmatch("\n    %$ ([^\n]*)") do list[#list + 1] = line end
  return list
end

-- The replacement that stands at a place of a text, and where the text goes on.
local function replacement(text, at)
  for _, name in ipairs(NAMES) do
    if text:sub(at, at + #name[1] - 1) == name[1] then return name[2], at + #name[1] end
  end
  return text:sub(at, at), at + 1
end

--- A text with local things in it.
---@param text string
---@param values table<string, string>
---@return string
function examples.localise(text, values)
  local parts, at = {}, 1
  while at <= #text do parts[#parts + 1], at = replacement(text, at) end
  return (table.concat(parts):gsub("%%(%u+)", values))
end

return examples
