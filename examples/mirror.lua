-- Keeps images in an OCI layout: hocker run mirror.lua DIRECTORY IMAGE...
--
-- What the layout has already is not fetched again; what the images share is there once.
local hocker = require "hocker"

assert(#arg >= 2, hocker.core.error("usage", "needed: DIRECTORY IMAGE..."))
local archive = hocker.archive
local repositories = assert(hocker.open_all(table.move(arg, 2, #arg, 1, {})))
local session = repositories[1].session

-- All manifests and configurations at the same time: each task waits for its own.
local images, tasks = {}, {}
for i, repository in ipairs(repositories) do
  tasks[i] = function()
    local err
    images[i], err = archive.image(repository, "oci")
    return images[i] and true, err
  end
end
assert(session:run(tasks))

local output <close> = assert(archive.open("oci", arg[1]))
assert(archive.write { session = session, images = images, format = "oci", output = output })
assert(output:commit())
for _, one in ipairs(images) do
  print(one.names[1] and one.names[1].full or one.image.ref.name, one.image.manifest.digest)
end
