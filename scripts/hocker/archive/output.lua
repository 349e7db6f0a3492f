--- Where an archive goes: a tar in a file, a tar to standard output, or a directory.
---
--- Each kind has the same methods, called in this order:
---
---   begin(plan)   all that is known before the first layer
---   sink(layer)   for the content of one layer
---   finish()      when all layers are there
---   commit()      makes it visible
---   close()       drops what was not committed; `<close>` works
---
--- After `begin`, the field `in_turn` says whether layers have to be started in their order.

local core = require "hocker.core"
local json = require "hocker.json"
local layers = require "hocker.archive.layers"
local oci = require "hocker.archive.oci"

local M = {}

---@class hocker.archive.Output
---@field in_turn boolean?
---@field is_empty fun(self): boolean whether no layer can be there yet
---@field begin fun(self, plan: hocker.archive.Plan): true?, hocker.Error?
---@field sink fun(self, layer: hocker.archive.Layer): hocker.core.Sink?, hocker.Error?
---@field finish fun(self): true?, hocker.Error?
---@field commit fun(self): true?, hocker.Error?
---@field close fun(self)

local function class()
  local methods = {}
  return methods, { __name = "hocker.archive.Output", __index = methods,
    __close = function(self) self:close() end }
end

-- A tar ------------------------------------------------------------------------------------------

local Tar, tar_mt = class()

-- Declares all members; those of layers give the sinks.
local function declare(self, plan)
  self.sinks, self.indexes = {}, {}
  for i, entry in ipairs(plan.entries) do
    local ok, err
    if entry.layer then
      ok, err = self.tar:member(entry.name, entry.layer.size)
      self.sinks[entry.layer], self.indexes[entry.layer] = ok, i
    else
      ok, err = self.tar:put(entry.name, entry.bytes)
    end
    if not ok then return nil, err end
  end
  return true
end

function Tar:begin(plan)
  local err
  if not self.file then
    self.file, err = core.file("-")
    if not self.file then return nil, err end
  end
  self.tar, err = core.tar(self.file)
  if not self.tar then return nil, err end
  return declare(self, plan)
end

function Tar:sink(layer)
  local sink = self.sinks[layer]
  self.sinks[layer] = nil
  if sink then return sink end
  return self.tar:sink(self.indexes[layer]) -- the one before it failed
end

function Tar.is_empty() return true end
function Tar:finish() return self.tar:finish() end
function Tar:commit() return self.file:commit() end

function Tar:close()
  for _, sink in pairs(self.sinks or {}) do sink:close() end
  if self.tar then self.tar:close() end
  if self.file then self.file:close() end
end

-- Standard output ------------------------------------------------------------------------------

local Stream, stream_mt = class()

local function all_certain(list)
  for _, layer in ipairs(list) do
    if not layer.exact or layer.source:starts_over() then return false end
  end
  return true
end

-- Where a size is only claimed, a wrong one could not be put right on the way, and neither could
-- bytes of a mirror that lies: such an archive waits in a temporary file until it is whole.
function Stream:begin(plan)
  if not all_certain(plan.layers) then
    setmetatable(self, tar_mt)
    return self:begin(plan)
  end
  self.tar, self.in_turn = core.tar_stream(core.sink.stdout()), true
  return declare(self, plan)
end

Stream.sink, Stream.finish, Stream.close = Tar.sink, Tar.finish, Tar.close
Stream.is_empty = Tar.is_empty

function Stream.commit() return true end

-- A directory -----------------------------------------------------------------------------------

local Dir, dir_mt = class()

local DOCUMENT_MAX = 4 << 20

local function read(self, name)
  local buffer <close> = core.buffer(DOCUMENT_MAX)
  local ok, err = self.dir:read(name, buffer:sink())
  if not ok then return nil, err end
  return buffer:data()
end

local function read_object(self, name)
  local text, err = read(self, name)
  if not text then return nil, err end
  local doc
  doc, err = json.decode(text, name)
  if not json.is_object(doc) then return nil, err or core.error("io", name .. ": is no object") end
  return doc
end

local function refuse(self, err)
  if err.code == "interrupted" then return nil, err end
  return nil, core.error("io", ("%s: is neither empty nor an OCI image layout: %s")
    :format(self.path, err.message))
end

local function read_index(self)
  local index, err = read_object(self, "index.json")
  if index and not json.is_array(index.manifests) then
    index, err = nil, core.error("io", "index.json: there is no list of manifests")
  end
  if not index then return refuse(self, err) end
  return index
end

local function check_layout(self)
  local marker, err = read_object(self, "oci-layout")
  if not marker then return refuse(self, err) end
  if not tostring(marker.imageLayoutVersion):find("^1%.") then
    return refuse(self, core.error("io", "oci-layout: its version is not 1"))
  end
  return read_index(self)
end

-- Whether a layer is there already, and is what it should be: read and verified like a fetched one.
local function is_present(self, layer)
  local descriptor = layer.descriptor
  local sink = core.sink.queue(core.sink.verify(layers.chain(layer, core.sink.null()),
    { size = descriptor.size, digest = descriptor.digest, name = layer.name }))
  local ok, err = self.dir:read(layer.name, sink)
  if not ok and err.code == "interrupted" then return nil, err end
  return true, ok == true
end

function Dir:begin(plan)
  self.plan = plan
  if not self.dir:exists() then return true end
  local index, err = check_layout(self)
  if not index then return nil, err end
  for _, layer in ipairs(plan.layers) do
    local ok, present = is_present(self, layer)
    if not ok then return nil, present end
    layer.present = present
  end
  return true
end

function Dir:sink(layer)
  return self.dir:sink(layer.name)
end

local function put(self, name, bytes)
  local sink <close>, err = self.dir:sink(name)
  if not sink then return nil, err end
  local ok
  ok, err = sink:write(bytes)
  if not ok then return nil, err end
  return sink:finish()
end

-- The index comes last, and is read again under a lock: others may have added to it meanwhile.
function Dir:finish()
  local ok, err, index
  for _, entry in ipairs(self.plan.entries) do
    if entry.bytes then
      ok, err = put(self, entry.name, entry.bytes)
      if not ok then return nil, err end
    end
  end
  ok, err = self.dir:lock()
  if ok and self.dir:exists() then
    index, err = read_index(self)
    ok = index
  elseif ok then
    ok, err = put(self, "oci-layout", oci.marker)
  end
  if not ok then return nil, err end
  return put(self, "index.json", oci.index_json(index, self.plan.index))
end

function Dir:is_empty() return not self.dir:exists() end
function Dir:commit() return self.dir:commit() end
function Dir:close() self.dir:close() end

-- All ----------------------------------------------------------------------------------------------

--- Opens a tar. A file is made now, so that a folder that is missing or not writable is found before
--- anything is fetched.
---@param path string "-" is standard output
---@return hocker.archive.Output? output, hocker.Error? err
function M.tar(path)
  if path == "-" then return setmetatable({}, stream_mt) end
  local file, err = core.file(path)
  if not file then return nil, err end
  return setmetatable({ file = file }, tar_mt)
end

--- Opens a directory for an OCI layout: a new one, or one to add to.
---@param path string
---@return hocker.archive.Output? output, hocker.Error? err
function M.directory(path)
  if path == "-" then
    return nil, core.error("usage",
      "a directory can't go to standard output; --format oci-archive can")
  end
  local dir, err = core.dir(path)
  if not dir then return nil, err end
  local self = setmetatable({ dir = dir, path = path }, dir_mt)
  if dir:exists() then
    local index
    index, err = check_layout(self)
    if not index then
      self:close()
      return nil, err
    end
  end
  return self
end

return M
