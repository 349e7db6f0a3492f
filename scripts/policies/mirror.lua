-- Where images are fetched instead of where they are named. A parameter is a registry, or a longer part
-- of the name; the longest that fits counts.
--
--   ["docker.io"] = "https://mirror.example"          a mirror, or a list: asked first, in this order
--   ["quay.io/team"] = "registry.example/quay/team"   another name, which the image then has

local parameters = require "hocker.policy.parameters"

local function is_mirror(text)
  return text:find("://", 1, true) ~= nil
end

local function check(prefix, list)
  if #list == 0 then return prefix .. ": where to?" end
  for _, text in ipairs(list) do
    if is_mirror(text) ~= is_mirror(list[1]) or not is_mirror(text) and #list > 1 then
      return prefix .. ": it must be mirrors, each with its scheme, or one other name"
    end
  end
end

return function(given)
  local kinds = {}
  for prefix in pairs(given) do kinds[prefix] = "list" end
  local places, why = parameters.read(given, kinds)
  if not places then return nil, why end
  local found = {}
  for prefix, list in pairs(places) do
    why = check(prefix, list)
    if why then return nil, why end
    found[prefix:lower()] = list -- names are in lower case
  end
  return {
    resolve = function(image)
      local prefix = image.name
      while prefix and not found[prefix] do prefix = prefix:match("^(.*)/") end
      local list = found[prefix]
      if not list then return nil end
      if is_mirror(list[1]) then return { mirrors = list } end
      return { name = list[1] .. image.name:sub(#prefix + 1) }
    end,
  }
end
