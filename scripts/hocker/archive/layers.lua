--- Fetches layers to where they belong, several at the same time, each verified twice: as it is
--- stored, and as what it unpacks to.

local core = require "hocker.core"

local M = {}

--- Most bytes that one layer may unpack to. Against bombs: real layers are far below it.
M.max_size = 256 << 30

--- The chain behind a layer's own verification. `target` comes last in it, so that it finishes only
--- when all is verified.
---@param layer hocker.archive.Layer
---@param target hocker.core.Sink taken
---@return hocker.core.Sink
function M.chain(layer, target)
  local name = "content of layer " .. layer.descriptor.digest
  local content = core.sink.verify(layer.compressed and core.sink.null() or target,
    { digest = layer.diff_id, name = name })
  local inflated = core.sink.inflate(content, { max = M.max_size, name = name })
  return layer.compressed and core.sink.tee(inflated, target) or inflated
end

--- The bytes of a layer that is in its descriptor, verified like any.
---@param layer hocker.archive.Layer
---@return string? bytes, hocker.Error? err
function M.embedded(layer)
  local buffer <close> = core.buffer(math.max(layer.descriptor.size, 1))
  local ok, err = layer.registry:blob(layer.descriptor, M.chain(layer, buffer:sink()), "layer")
  if not ok then return nil, err end
  return buffer:data()
end

-- The uncompressed size of a gzip layer is in its last four bytes (RFC 1952: ISIZE). It is a hint.
local function learn_size(layer)
  local descriptor = layer.descriptor
  if layer.size then
    return true
  elseif not descriptor.mediaType:find("gzip$") then
    layer.size = not descriptor.mediaType:find("zstd$") and descriptor.size or nil
    return true
  end
  local tail, err = layer.registry:tail(descriptor, 4)
  if err and err.code ~= "unsupported" and err.code ~= "protocol" then return nil, err end
  layer.size = tail and #tail == 4 and string.unpack("<I4", tail) or nil
  return true
end

local function each(list, f)
  local jobs = {}
  for i, item in ipairs(list) do jobs[i] = function() return f(item) end end
  return jobs
end

--- Finds out what can be known of the layers' sizes.
---@param session hocker.Session
---@param layers hocker.archive.Layer[]
---@param limit integer at the same time
---@return true? ok, hocker.Error? err
function M.learn_sizes(session, layers, limit)
  return session:run(each(layers, learn_size), limit)
end

--- Fetches the layers that are not there yet, in their order, as far as they are not at the same
--- time. `open` makes the sink of one.
---@param session hocker.Session
---@param layers hocker.archive.Layer[]
---@param open fun(layer: hocker.archive.Layer): hocker.core.Sink?, hocker.Error?
---@param opts { jobs: integer, progress: hocker.Progress? }
---@return true? ok, hocker.Error? err
function M.fetch(session, layers, open, opts)
  local missing = {}
  for _, layer in ipairs(layers) do
    if not layer.present then missing[#missing + 1] = layer end
  end
  local progress = opts.progress
  if progress then progress:plan(missing) end
  return session:run(each(missing, function(layer)
    local ok, err = layer.registry:blob(layer.descriptor, function()
      local target, problem = open(layer)
      if not target then return nil, problem end
      return M.chain(layer, target)
    end, "layer", {
      threaded = true,
      on_start = progress and function(transfer) progress:start(layer, transfer) end,
    })
    if ok and progress then progress:done(layer) end
    return ok, err
  end), opts.jobs)
end

return M
