-- Which images may be fetched at all.
--
--   registries     hosts, whatever they have: "docker.io", "registry.example:5000"
--   repositories   names: "docker.io/library/debian"; * stands for any part of a name, ** for any parts
--   digests        true: by digest alone, since a tag may stand for something else tomorrow
--
-- An image is allowed whose registry or whose repository is named; all are, where neither is said.

local parameters = require "hocker.policy.parameters"
local policy = require "hocker.policy"
local reference = require "hocker.reference"

-- A Lua pattern of a name.
local function compile(text)
  local pattern = text:gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0"):gsub("%*%*", "\0")
    :gsub("%*", "[^/]*"):gsub("\0", ".*")
  return "^" .. pattern .. "$"
end

local function matches(name, patterns)
  for _, pattern in ipairs(patterns) do
    if name:find(pattern) then return true end
  end
  return false
end

-- The hosts as names have them, Docker Hub's by one of its names; or nil and what is none.
local function read_hosts(list)
  local hosts = {}
  for _, text in ipairs(list) do
    local ref = reference.parse { text .. "/a/b" }
    if not ref or ref.path ~= "a/b" then
      return nil, ("parameter 'registries': '%s' is not the host of a registry"):format(text)
    end
    hosts[ref.host] = true
  end
  return hosts
end

return function(given)
  local opts, why = parameters.read(given,
    { registries = "list", repositories = "list", digests = "flag" })
  if not opts then return nil, why end
  local hosts, patterns
  hosts, why = read_hosts(opts.registries or {})
  if not hosts then return nil, why end
  patterns = {}
  for i, text in ipairs(opts.repositories or {}) do patterns[i] = compile(text) end
  local all = not opts.registries and not opts.repositories
  return {
    resolve = function(image)
      if not (all or hosts[image.host] or matches(image.name, patterns)) then
        return policy.refuse(image.name .. " is not among the registries and repositories that "
          .. "are allowed")
      elseif opts.digests and not image.digest then
        return policy.refuse(image.reference .. " has no digest, and images are allowed by digest "
          .. "alone")
      end
    end,
  }
end
