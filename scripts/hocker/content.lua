--- What is in blobs: whole in memory, or in pieces for scripts. Both are methods of a registry, `read` and `chunks`.
---
--- Pieces come through a pipe of the core, which a worker fills: what is inflated waits there, in bounded
--- memory, until the script takes it, and the network slows down to the script.

local core = require "hocker.core"

local M = {}

local READ_MAX <const> = 64 << 20
local CONTENT_MAX <const> = 1 << 40
local PIPE <const> = 512 << 10
local QUEUE <const> = 512 << 10
local READERS_MAX <const> = 4 -- before it is looked for those that nobody has any more

---@class hocker.ChunkOptions
---@field inflate boolean? gzip and zstd are decompressed
---@field diff_id string? the digest of what is decompressed
---@field max integer? most bytes that it may inflate to; 1 TiB

-- The end of the chain, which inflates if that is asked for.
local function chain(sink, descriptor, opts)
  if not opts.inflate then return sink end
  local name = "content of " .. descriptor.digest
  if opts.diff_id then
    sink = core.sink.verify(sink, { digest = opts.diff_id, name = name })
  end
  return core.sink.inflate(sink, { max = opts.max or CONTENT_MAX, name = name })
end

---@class hocker.ReadOptions
---@field max integer? most bytes; 64 MiB
---@field kind string? for messages: "layer", "config"
---@field chain (fun(sink: hocker.core.Sink): hocker.core.Sink)? what the bytes go through before they are kept

--- A whole blob in memory, verified.
---@param source hocker.archive.Source a registry, or files
---@param descriptor hocker.Descriptor
---@param opts hocker.ReadOptions?
---@return string? bytes, hocker.Error? err
function M.read(source, descriptor, opts)
  opts = opts or {}
  local max, buffer = opts.max or READ_MAX, nil
  if descriptor.size and descriptor.size > max then
    return nil, core.error("refused", ("blob %s has %d bytes, and %d are the limit"):format(
      descriptor.digest, descriptor.size, max))
  end
  local ok, err = source:blob(descriptor, function()
    buffer = core.buffer(math.max(max, 1))
    local sink = buffer:sink()
    return opts.chain and opts.chain(sink) or sink
  end, opts.kind)
  if not ok then return nil, err end
  return buffer:data()
end

-- What is in its descriptor is in memory already, and small.
local function embedded_chunks(registry, descriptor, opts)
  local bytes, err = M.read(registry, descriptor,
    { chain = function(sink) return chain(sink, descriptor, opts) end })
  if not bytes then error(err, 0) end
  local done = false
  return function()
    if done or bytes == "" then return nil end
    done = true
    return bytes
  end
end

-- While a script reads one of several blobs, the others hold their connections: each has one more, but for
-- the first of a task, which waits for nothing that the task holds.
local function spare_connections(session)
  local count, seen = 0, {}
  for reader in pairs(session.readers) do
    if reader.running > 0 then
      if seen[reader.owner] or not session.tasks[reader.owner] then count = count + 1 end
      seen[reader.owner] = true
    end
  end
  session.core:spare(count)
  return count
end

-- Starts a reader. Those that were left without a word, `next` alone having been called, are garbage by now.
local function start(session, group, fetch)
  session.readers[group] = true
  group:start(fetch)
  if spare_connections(session) > READERS_MAX then
    collectgarbage()
    spare_connections(session)
  end
end

--- See `hocker.Registry:chunks`.
---@param registry hocker.Registry
---@param descriptor hocker.Descriptor
---@param opts hocker.ChunkOptions?
---@return fun(): string?
function M.chunks(registry, descriptor, opts)
  opts = opts or {}
  if descriptor.data or descriptor.content then
    return embedded_chunks(registry, descriptor, opts)
  end
  local session, pipe, begun = registry.session, nil, false
  local group = session:group()
  local function open()
    if begun then
      return nil, core.error("network", "a part of it was read already, so it can't begin anew")
    end
    pipe = core.pipe(PIPE)
    return chain(pipe:sink(), descriptor, opts)
  end
  local function fetch()
    return registry:blob(descriptor, open, nil, { queue = QUEUE })
  end
  local chunk
  local function look()
    chunk = pipe and pipe:read()
    return chunk or group.running == 0
  end
  local function next_chunk()
    if group.next == 1 then start(session, group, fetch) end
    local ok, err = session:await(look)
    if ok and not chunk then ok, err = group:wait() end
    if not ok then error(err, 0) end
    begun = true
    return chunk or nil
  end
  return next_chunk, nil, nil, group
end

return M
