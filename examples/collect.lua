-- Puts files of an image into an archive of its own: hocker run collect.lua IMAGE OUT.tar PATTERN...
--
-- A pattern is Lua's: "^etc/.*%.conf$". Of several layers the last one counts, as in a container.
local hocker = require "hocker"

assert(#arg >= 3, hocker.core.error("usage", "needed: IMAGE OUT.tar PATTERN..."))
local repository = assert(hocker.open(arg[1]))
local image = assert(repository:image())
local config = assert(repository:config(image))

local function wanted(path)
  for i = 3, #arg do
    if path:find(arg[i]) then return true end
  end
end

local files = {}

local function remove(path)
  for name in pairs(files) do
    if (name .. "/"):sub(1, #path + 1) == path .. "/" then files[name] = nil end
  end
end

local function empty(folder)
  for name in pairs(files) do
    if name:sub(1, #folder) == folder then files[name] = nil end
  end
end

-- What a layer takes away is that of the layers below, so its own files come after.
for i, layer in ipairs(image.manifest.layers) do
  local own = {}
  for entry in repository:entries(layer, config.diff_ids[i]) do
    if entry.whiteout then remove(entry.whiteout)
    elseif entry.opaque then empty(entry.path:match("^.*/") or "")
    elseif (entry.type == "file" or entry.type == "symlink") and wanted(entry.path) then
      own[entry.path] = { kind = entry, data = assert(entry:read()) }
    end
  end
  for name, file in pairs(own) do files[name] = file end
end

local names = {}
for name in pairs(files) do names[#names + 1] = name end
table.sort(names)
local out <close> = assert(hocker.tar.create(arg[2]))
for _, name in ipairs(names) do
  assert(out:put(name, files[name].data, files[name].kind))
  print(name)
end
assert(out:commit())
