-- Reports what changed between two images: hocker run changes.lua OLD NEW
--
-- Their configurations are compared, and the files of the layers that only one of them has. Returns
-- false, exit code 1 of `hocker run`, if there is a difference.
local hocker = require "hocker"

assert(#arg == 2, hocker.core.error("usage", "needed: OLD NEW"))
local repositories = assert(hocker.open_all { arg[1], arg[2] })

local function describe(repository)
  local image = assert(repository:image())
  local config = assert(repository:config(image))
  return { repository = repository, layers = image.manifest.layers, config = config }
end

-- What a container gets, as lines that can be compared.
local function settings(config)
  local lines, run = {}, config.doc.config or {}
  for _, key in ipairs { "Entrypoint", "Cmd", "WorkingDir", "User" } do
    local value = run[key]
    if type(value) == "table" then value = table.concat(value, " ") end
    if value then lines[("%s: %s"):format(key, value)] = true end
  end
  for _, variable in ipairs(run.Env or {}) do lines["Env: " .. variable] = true end
  for key, value in pairs(run.Labels or {}) do lines[("Label: %s=%s"):format(key, value)] = true end
  return lines
end

-- The files that layers bring, without those that both images have; a whiteout takes one away.
local function files(one, other)
  local known, found = {}, {}
  for _, diff_id in ipairs(other.config.diff_ids) do known[diff_id] = true end
  for i, layer in ipairs(one.layers) do
    local diff_id = one.config.diff_ids[i]
    if not known[diff_id] then
      for entry in one.repository:entries(layer, diff_id) do
        if entry.whiteout then found[entry.whiteout .. " (removed)"] = true
        elseif entry.type ~= "directory" and not entry.opaque then
          found[("%s (%s, %d bytes)"):format(entry.path, entry.type, entry.size)] = true
        end
      end
    end
  end
  return found
end

local different = false

local function compare(old, new)
  local lines = {}
  for text in pairs(old) do lines[#lines + 1] = not new[text] and "- " .. text or nil end
  for text in pairs(new) do lines[#lines + 1] = not old[text] and "+ " .. text or nil end
  table.sort(lines, function(a, b) return a:sub(3) .. a < b:sub(3) .. b end)
  for _, line in ipairs(lines) do print(line) end
  different = different or #lines > 0
end

local old, new = describe(repositories[1]), describe(repositories[2])
compare(settings(old.config), settings(new.config))
compare(files(old, new), files(new, old))
return not different
