-- Finds the layers that hold a file: hocker run find.lua IMAGE PATH
--
-- Each layer is read while it streams by; nothing is unpacked. All layers are read at the same time.
local hocker = require "hocker"

assert(#arg == 2, hocker.core.error("usage", "needed: IMAGE PATH"))
local repository = assert(hocker.open(arg[1]))
local path = hocker.tar.clean(arg[2])
local image = assert(repository:image())
local config = assert(repository:config(image))

local found, tasks = {}, {}
for i, layer in ipairs(image.manifest.layers) do
  tasks[i] = function()
    for entry in repository:entries(layer, config.diff_ids[i]) do
      local gone = entry.whiteout -- the file, or a folder that it is in
      if entry.path == path then found[i] = ("%s, %d bytes"):format(entry.type, entry.size)
      elseif gone and (path .. "/"):sub(1, #gone + 1) == gone .. "/" then
        found[i] = found[i] or "removed"
      end
    end
    return true
  end
end
assert(repository.session:run(tasks, 4))

local any = false
for i, layer in ipairs(image.manifest.layers) do
  if found[i] then print(i, layer.digest, found[i]) end
  any = any or found[i] ~= nil
end
assert(any, hocker.core.error("not_found", ("no layer of %s has %s"):format(arg[1], path)))
