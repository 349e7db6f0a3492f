--- Which layers some images need, each once, whatever the number of images and places it is in.

local M = {}

---@class hocker.archive.Image One image, and the names that it gets.
---@field source hocker.archive.Source
---@field image hocker.Image
---@field config hocker.Config
---@field names hocker.archive.Name[]
---@field sizes integer[]? of its layers' content, where they are certain

---@class hocker.archive.Source Where layers come from: a repository (hocker.registry), or files (hocker.archive.files).
---@field blob fun(self, descriptor: hocker.Descriptor, sink: any, kind: string?, opts: table?): true?, hocker.Error? as hocker.Registry's
---@field tail (fun(self, descriptor: hocker.Descriptor, count: integer): string?, hocker.Error?)? its last bytes, a hint, where sizes are not certain
---@field starts_over fun(self): boolean whether a blob that went wrong is had from elsewhere, into a new sink

---@class hocker.archive.Name
---@field repo_tag string as docker's manifest.json has it
---@field full string the normalised reference
---@field tag string

---@class hocker.archive.Layer
---@field descriptor hocker.Descriptor
---@field diff_id string
---@field source hocker.archive.Source where it is fetched
---@field name string of the file
---@field compressed boolean? whether it is kept as it is stored
---@field size integer? of the file, where it is known or claimed
---@field exact boolean? whether the size is certain, should the layer be what it promises
---@field present boolean? whether it is there already

---@class hocker.archive.Entry A file of the archive: a document, or a layer.
---@field name string
---@field bytes string?
---@field layer hocker.archive.Layer?

---@class hocker.archive.Plan
---@field entries hocker.archive.Entry[] in their order
---@field layers hocker.archive.Layer[] those of the entries

--- The distinct layers of all images, in order, and the names of each image's, repeats included.
--- `name_of` says under which name a layer is kept. What is promised differently under one name is
--- fetched for each promise, so that the one that is wrong is found out.
---@param images hocker.archive.Image[]
---@param name_of fun(descriptor: hocker.Descriptor, diff_id: string): name: string, compressed: boolean
---@return hocker.archive.Layer[] layers, string[][] names
function M.layers(images, name_of)
  local layers, names, seen = {}, {}, {}
  for i, one in ipairs(images) do
    names[i] = {}
    for j, descriptor in ipairs(one.image.manifest.layers) do
      local diff_id = one.config.diff_ids[j]
      local name, compressed = name_of(descriptor, diff_id)
      local key = compressed and ("%s %s %d"):format(name, diff_id, descriptor.size) or name
      names[i][j] = name
      if not seen[key] then
        seen[key] = true
        local stored = compressed or descriptor.digest == diff_id
        local size = stored and descriptor.size or one.sizes and one.sizes[j] or nil
        layers[#layers + 1] = {
          descriptor = descriptor, diff_id = diff_id, source = one.source, name = name,
          compressed = compressed, size = size, exact = size ~= nil,
        }
      end
    end
  end
  return layers, names
end

--- Adds a document, unless one of its name is there.
---@param entries hocker.archive.Entry[]
---@param seen table<string, boolean> the names so far
---@param name string
---@param bytes string
function M.add_document(entries, seen, name, bytes)
  if seen[name] then return end
  seen[name] = true
  entries[#entries + 1] = { name = name, bytes = bytes }
end

---@param entries hocker.archive.Entry[]
---@param layers hocker.archive.Layer[]
function M.add_layers(entries, layers)
  for _, layer in ipairs(layers) do
    entries[#entries + 1] = { name = layer.name, layer = layer }
  end
end

return M
