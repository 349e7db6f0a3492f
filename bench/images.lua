--- The images of the corpus by name.

local images = {}

local function many(n, size)
  local sizes = {}
  for i = 1, n do
    sizes[i] = size
  end
  return sizes
end

--- Layers, in megabytes of content: about a third of it when compressed.
local SIZES = {
  layers = { 640, 160, 80, 40, 20 },
  single = { 640 },
  sixty = many(60, 4),
  tiny = many(3, 0.01),
  slow = { 120 },
}

--- One of the images that have a name.
---@param bench bench.Context
---@param name string
---@return bench.Image
function images.get(bench, name)
  local sizes = SIZES[name]
  return bench.corpus:image(name, bench.small and table.move(sizes, 1, 5, 1, {}) or sizes)
end

--- An image of so many layers of the same size. It is packed fast: many of them are needed.
---@param bench bench.Context
---@param layers integer
---@param size number megabytes of content of each
---@return bench.Image
function images.uniform(bench, layers, size)
  return bench.corpus:image(("%dx%g"):format(layers, size):gsub("%.", "_"), many(layers, size), 1)
end

return images
