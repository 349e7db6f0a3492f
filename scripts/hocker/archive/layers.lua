--- Fetches layers to where they belong, several at the same time, each verified twice: as it is
--- stored, and as what it unpacks to.

local content = require "hocker.content"
local core = require "hocker.core"
local parts = require "hocker.parts"

local M = {}

--- Most bytes that one layer may unpack to. Against bombs: real layers are far below it.
M.max_size = 256 << 30

--- Most layers at the same time, whatever is asked for: each takes memory.
M.max_jobs = 32

-- Most zstd layers at the same time: each takes a window of memory, of 8 MiB where a builder wrote it.
local WINDOWS <const> = 2

-- Bytes of all queues together: layers that are fetched at the same time share them.
local QUEUES <const>, QUEUE_MAX <const>, QUEUE_MIN <const> = 8 << 20, 512 << 10, 64 << 10

-- Two queues a layer: before it is inflated, and after.
local function queue_size(jobs)
  return math.max(QUEUE_MIN, math.min(QUEUE_MAX, QUEUES // (2 * jobs)))
end

--- Unpacks what is written to it, and verifies that. With a queue, what comes out is hashed and
--- written by another thread, so that one large layer has more than one processor too.
---@param target hocker.core.Sink taken
---@param want { diff_id: string, name: string, queue: integer? } `name`: the layer, for messages; `queue`: bytes
---@return hocker.core.Sink
function M.content(target, want)
  local name = "content of layer " .. want.name
  local sink = core.sink.verify(target, { digest = want.diff_id, name = name })
  if want.queue then sink = core.sink.queue(sink, want.queue) end
  return core.sink.inflate(sink, { max = M.max_size, name = name })
end

--- The chain behind a layer's own verification. `target` comes last in it, so that it finishes only
--- when all is verified.
---@param layer hocker.archive.Layer
---@param target hocker.core.Sink taken
---@param queue integer? bytes, as M.content has it
---@return hocker.core.Sink
function M.chain(layer, target, queue)
  local want = { diff_id = layer.diff_id, name = layer.descriptor.digest, queue = queue }
  if not layer.compressed then return M.content(target, want) end
  return core.sink.tee(M.content(core.sink.null(), want), target)
end

--- Whether the bytes of a layer need not be fetched: they are in its descriptor, or were fetched before.
---@param descriptor hocker.Descriptor
---@return boolean
function M.is_at_hand(descriptor)
  return (descriptor.data or descriptor.content) ~= nil
end

--- The bytes of a layer that is at hand, verified like any.
---@param layer hocker.archive.Layer
---@return string? bytes, hocker.Error? err
function M.embedded(layer)
  return content.read(layer.source, layer.descriptor, { max = layer.descriptor.size, kind = "layer",
    chain = function(sink) return M.chain(layer, sink) end })
end

-- The uncompressed size of a gzip layer is in its last four bytes (RFC 1952: ISIZE). It is a hint; false
-- where there is none, or where the server refuses that part: it may still give the whole.
local function learn_claim(source, descriptor)
  if descriptor.claim ~= nil then return true end
  local tail, err = source:tail(descriptor, 4)
  if err and not parts.is_passing(err) then return nil, err end
  descriptor.claim = tail and #tail == 4 and string.unpack("<I4", tail) or false
  return true
end

local function claims_size(descriptor)
  return descriptor.mediaType:find("gzip$") ~= nil
end

local function learn_size(layer)
  local descriptor = layer.descriptor
  if layer.size then
    return true
  elseif not claims_size(descriptor) then
    layer.size = not descriptor.mediaType:find("zstd$") and descriptor.size or nil
    return true
  end
  local ok, err = learn_claim(layer.source, descriptor)
  layer.size = descriptor.claim or nil
  return ok, err
end

-- Fetching so little takes no longer than asking for its last four bytes.
local SMALL <const>, SMALL_ALL <const> = 256 << 10, 4 << 20

local function fetch_small(source, descriptor)
  local bytes, err = content.read(source, descriptor, { max = descriptor.size, kind = "layer" })
  descriptor.content = bytes
  return bytes and true, err
end

-- What is to be done with a layer, if anything, and the bytes that it takes of those that may be kept.
local function choose(descriptor, sizes, rest)
  if descriptor.data or descriptor.urls then return nil, 0 end
  if descriptor.size <= math.min(SMALL, rest) then return fetch_small, descriptor.size end
  return sizes and claims_size(descriptor) and learn_claim or nil, 0
end

--- What can be asked for while the configurations still come, as jobs: small layers, which are kept in
--- memory, and the sizes that others claim.
---@param images hocker.archive.Image[]
---@param sizes boolean whether those are needed
---@return (fun(): true?, hocker.Error?)[] jobs
function M.peek(images, sizes)
  local jobs, alike, rest = {}, {}, SMALL_ALL
  local function add(source, first)
    local act, bytes = choose(first, sizes, rest)
    rest = rest - bytes
    jobs[#jobs + 1] = act and function()
      local ok, err = act(source, first)
      for _, other in ipairs(alike[first]) do
        other.content, other.claim = first.content, first.claim
      end
      return ok, err
    end
  end
  for _, one in ipairs(images) do
    for _, descriptor in ipairs(one.image.manifest.layers) do
      local key = ("%s %d"):format(descriptor.digest, descriptor.size)
      local first = alike[key] or descriptor
      if first == descriptor then
        alike[key], alike[first] = first, {}
        add(one.source, first)
      end
      table.insert(alike[first], descriptor)
    end
  end
  return jobs
end

local function each(list, f)
  local jobs = {}
  for i, item in ipairs(list) do jobs[i] = function() return f(item) end end
  return jobs
end

--- Finds out what can be known of the layers' sizes.
---@param session hocker.archive.Runner
---@param layers hocker.archive.Layer[]
---@param limit integer at the same time
---@return true? ok, hocker.Error? err
function M.learn_sizes(session, layers, limit)
  return session:run(each(layers, learn_size), limit)
end

-- Those that are not there yet. The largest first, where the order is free: the one that takes
-- longest should not be alone at the end.
local function to_fetch(layers, in_turn)
  local missing, place = {}, {}
  for i, layer in ipairs(layers) do
    if not layer.present then missing[#missing + 1] = layer end
    place[layer] = i
  end
  if not in_turn then
    table.sort(missing, function(a, b)
      local x, y = a.descriptor.size, b.descriptor.size
      if x ~= y then return x > y end
      return place[a] < place[b]
    end)
  end
  return missing
end

local function has_window(layer)
  return layer.descriptor.mediaType:find("zstd$") ~= nil
end

-- A job that fetches one layer of the list after another, for as many tasks as there are. A layer is only
-- passed over for those before it, so that the one whose turn it is always runs.
local function one_after_another(list, fetch)
  local taken, windows = {}, 0
  local first = 1
  local function take()
    while taken[first] do first = first + 1 end
    for i = first, #list do
      if not taken[i] and (windows < WINDOWS or not has_window(list[i])) then
        taken[i] = true
        return list[i]
      end
    end
  end
  return function()
    for layer in take do
      local window = has_window(layer) and 1 or 0
      windows = windows + window
      local ok, err = fetch(layer)
      if not ok then return nil, err end
      windows = windows - window
    end
    return true
  end
end

--- Fetches the layers that are not there yet, several at the same time. `open` makes the sink of one.
---@param session hocker.archive.Runner
---@param layers hocker.archive.Layer[]
---@param open fun(layer: hocker.archive.Layer): hocker.core.Sink?, hocker.Error?
---@param opts { jobs: integer, progress: hocker.Progress?, in_turn: boolean? } in_turn: they must start in their order
---@return true? ok, hocker.Error? err
function M.fetch(session, layers, open, opts)
  local missing, queue = to_fetch(layers, opts.in_turn), queue_size(opts.jobs)
  local progress = opts.progress
  if progress then progress:plan(missing) end
  local job = one_after_another(missing, function(layer)
    local ok, err = layer.source:blob(layer.descriptor, function()
      local target, problem = open(layer)
      if not target then return nil, problem end
      return M.chain(layer, target, queue)
    end, "layer", {
      queue = queue,
      on_start = progress and function(transfer) progress:start(layer, transfer) end,
    })
    if ok and progress then progress:done(layer) end
    return ok, err
  end)
  local jobs = {}
  for i = 1, math.min(opts.jobs, #missing) do jobs[i] = job end
  return session:run(jobs)
end

return M
