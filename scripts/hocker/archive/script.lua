--- A program that prints an image's archive: a file that names the image's pieces, with a first line
--- by which the system has hocker read it. Nothing of the pieces is in it, and no shell is needed.
---
---     #!/usr/bin/hocker stream
---     {"compressed":false,"config":{"digest":...},"layers":[...],"names":["demo:v1"],"version":1}

local core = require "hocker.core"
local descriptor = require "hocker.descriptor"
local files = require "hocker.archive.files"
local json = require "hocker.json"

local M = {}

local VERSION <const> = 1
local LINE_MAX <const> = 255 -- what Linux reads of the first line
local SIZE_MAX <const> = 8 << 20

---@class hocker.archive.Script
---@field pieces hocker.archive.Pieces
---@field names string[] each NAME:TAG
---@field compressed boolean whether layers stay as they are stored

local function fail(code, message, ...)
  return nil, core.error(code, message:format(...))
end

local function check_paths(pieces)
  local list = { pieces.config, table.unpack(pieces.layers) }
  for _, piece in ipairs(list) do
    if piece.path:sub(1, 1) ~= "/" then
      return fail("usage", "--script needs absolute paths, not '%s'", piece.path)
    end
  end
  return true
end

--- The text of a script.
---@param script hocker.archive.Script
---@param program string the path of the hocker that reads it
---@return string? text, hocker.Error? err "usage"
function M.print(script, program)
  local line = ("#!%s stream\n"):format(program)
  if not program:find("^/[^%s%c]+$") then
    return fail("usage", "--script must be an absolute path without spaces, not '%s'", program)
  elseif #line > LINE_MAX then
    return fail("usage", "--script %s: it is too long for the first line of a script", program)
  end
  local ok, err = check_paths(script.pieces)
  if not ok then return nil, err end
  return line .. json.encode {
    version = VERSION, config = script.pieces.config, layers = json.array(script.pieces.layers),
    names = json.array(script.names), compressed = script.compressed,
  } .. "\n"
end

-- Reading -----------------------------------------------------------------------------------------

local function is_size(value)
  return math.type(value) == "integer" and value >= 0 and value <= descriptor.size_max
end

local function is_path(text)
  return type(text) == "string" and not text:find("\0", 1, true)
end

local function read_piece(value, what, media_type)
  if not json.is_object(value) or not is_path(value.path) then
    return fail("protocol", "%s has no path", what)
  end
  local one, err = descriptor.read({
    mediaType = media_type or value.mediaType, digest = value.digest, size = value.size,
  }, what)
  if not one then return nil, err end
  one.path, one.contentSize = value.path, value.contentSize
  return one
end

local function read_layers(list)
  local layers, err = {}
  if not json.is_array(list) then return fail("protocol", "there is no list of layers") end
  for i, value in ipairs(list) do
    layers[i], err = read_piece(value, "layer " .. i)
    if not layers[i] then return nil, err end
    if not is_size(layers[i].contentSize) then
      return fail("protocol", "layer %d has no size of its content", i)
    end
  end
  return layers
end

local function read_document(doc)
  if doc.version ~= VERSION then
    return fail("unsupported", "it is of a version that this hocker does not know")
  elseif not descriptor.is_strings(doc.names) or type(doc.compressed) ~= "boolean" then
    return fail("protocol", "it says not how to archive the image")
  end
  local config, layers, err
  config, err = read_piece(doc.config, "the configuration", "a configuration")
  if not config then return nil, err end
  layers, err = read_layers(doc.layers)
  if not layers then return nil, err end
  return { pieces = { config = config, layers = layers }, names = doc.names,
    compressed = doc.compressed }
end

--- Reads a script.
---@param path string
---@return hocker.archive.Script? script, hocker.Error? err
function M.read(path)
  local text, err = files.read_text(path, SIZE_MAX)
  if not text then return nil, err end
  local script
  local doc = json.decode(text:match("^#![^\n]*\n(.*)$") or "", path)
  if not json.is_object(doc) then
    return fail("usage", "%s: is no script of hocker assemble", path)
  end
  script, err = read_document(doc)
  if script then return script end
  return nil, core.error(err.code, ("%s: %s"):format(path, err.message))
end

return M
