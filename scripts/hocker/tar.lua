--- Archives in tar's formats: what is in one, read as it streams by, and new ones.
---
---     local hocker = require "hocker"
---     local out = assert(hocker.tar.create("hello.tar"))
---     assert(out:put("hello.txt", "hello\n"))
---     assert(out:commit())
---
---     local file = assert(io.open("hello.tar", "rb"))
---     for entry in hocker.tar.entries(file:lines(4096)) do
---       print(entry.path, entry.size, entry:read())
---     end
---
--- It reads ustar, pax, GNU's and the oldest format, and believes nothing: names, records and numbers have
--- limits, and what contradicts itself is an error. Memory is that of one piece and one name, whatever the
--- archive says. Where programs differ it reads as docker does.

local core = require "hocker.core"

local M = {}

local BLOCK <const> = 512
local SPECIAL_MAX <const> = 1 << 20 -- of a pax header or a GNU name
local NAME_MAX <const> = 32 << 10
local IN_A_ROW_MAX <const> = 16     -- of those before one entry
local ENTRIES_MAX <const> = 1 << 22
local READ_MAX <const> = 16 << 20
local SIZE_MAX <const> = 1 << 60

---@class hocker.tar.Entry One file, as far as the archive tells.
---@field name string as it is in the archive
---@field path string where it would be under a root: without "./", "/" and "..", and without a slash at its end
---@field type "file"|"directory"|"symlink"|"link"|"character"|"block"|"fifo"|"other"
---@field size integer of its content
---@field mode integer
---@field uid integer
---@field gid integer
---@field mtime integer seconds
---@field target string? of a symlink, or a link
---@field sparse boolean? its content has holes, and can't be read
---@field whiteout string? the path that it takes away from the layers below
---@field opaque boolean? whether it takes away all that these have in its folder
local Entry = {}
local entry_mt = { __name = "hocker.tar.Entry", __index = Entry }

local function fault(message, ...)
  error(core.error("verification", "tar: " .. message:format(...)), 0)
end

-- --- the stream ------------------------------------------------------------------------------------

---@class hocker.tar.Source The bytes of an archive, from a function that gives them in pieces.
---@field next fun(): string?
---@field chunk string the piece at hand
---@field at integer the first byte of it that is not read
local Source = {}
Source.__index = Source

-- Up to so many bytes; "" at the end.
function Source:some(count)
  while self.at > #self.chunk do
    local chunk = self.next()
    if not chunk then return "" end
    self.chunk, self.at = chunk, 1
  end
  local bytes = self.chunk:sub(self.at, self.at + count - 1)
  self.at = self.at + #bytes
  return bytes
end

-- So many bytes, or fewer at the end.
function Source:take(count)
  local bytes = self:some(count)
  if #bytes == count then return bytes end
  local parts, have = { bytes }, #bytes
  while bytes ~= "" and have < count do
    bytes = self:some(count - have)
    parts[#parts + 1], have = bytes, have + #bytes
  end
  return table.concat(parts)
end

function Source:skip(count)
  while count > 0 do
    local left = #self.chunk - self.at + 1
    if left > 0 then
      local step = math.min(left, count)
      self.at, count = self.at + step, count - step
    elseif #self:some(1) == 0 then
      fault("it ends inside a file")
    else
      count = count - 1
    end
  end
end

local function padding(size)
  return -size % BLOCK
end

-- --- headers ---------------------------------------------------------------------------------------

local HEADER <const> = "c100c8c8c8c12c12c8c1c100c8c32c32c8c8c155"

local TYPES <const> = {
  ["0"] = "file", ["\0"] = "file", ["7"] = "file", ["S"] = "file", ["1"] = "link",
  ["2"] = "symlink", ["3"] = "character", ["4"] = "block", ["5"] = "directory", ["6"] = "fifo",
}

local function text(field)
  return field:match("^[^\0]*")
end

-- Base 256, with the highest bit as a mark and the next one as the sign.
local function binary(field, what)
  local value = field:byte() & 0x7f
  if value & 0x40 ~= 0 then value = value - 0x80 end
  for i = 2, #field do
    if value >= SIZE_MAX >> 8 or value < -(SIZE_MAX >> 8) then fault("%s is too large", what) end
    value = value << 8 | field:byte(i)
  end
  return value
end

local function any_number(field, what)
  if field:byte() & 0x80 ~= 0 then return binary(field, what) end
  local digits = field:match("^ *([0-7]*)[ \0]*$") or field:match("^ *([0-7]*)\0")
  if not digits then fault("%s is no number", what) end
  return digits == "" and 0 or tonumber(digits, 8)
end

local function number(field, what)
  local value = any_number(field, what)
  if value < 0 then fault("%s is negative", what) end
  return value
end

-- The sum's own field counts as spaces. Most bytes are zeros, which add nothing. Old programs added signed bytes.
local function check_sum(block, stored)
  local unsigned, negative = 8 * 32, 0
  for run in (block:sub(1, 148) .. block:sub(157)):gmatch("[^\0]+") do
    for i = 1, #run do
      local byte = run:byte(i)
      unsigned = unsigned + byte
      if byte > 127 then negative = negative + 256 end
    end
  end
  local signed = unsigned - negative
  if stored ~= unsigned and stored ~= signed then fault("a header is damaged") end
end

-- A time that is no number harms nobody: times before 1970 are written in several ways, base 256 is one.
local function time(field)
  local ok, value = pcall(any_number, field, "mtime")
  return ok and value or 0
end

local function parse_header(block)
  local name, mode, uid, gid, size, mtime, sum, kind, target, magic, _, _, _, _, prefix =
    HEADER:unpack(block)
  check_sum(block, number(sum, "a checksum"))
  local header = {
    name = text(name), kind = kind, target = text(target), size = number(size, "a size"),
    mode = number(mode, "a mode"), uid = number(uid, "an owner"), gid = number(gid, "a group"),
    mtime = time(mtime),
  }
  if magic == "ustar\00000" and prefix:byte() ~= 0 then
    header.name = text(prefix) .. "/" .. header.name
  end
  return header
end

-- --- what stands before a header -------------------------------------------------------------------

-- The records of a pax header: "LENGTH KEY=VALUE\n".
local function parse_records(data, records)
  local at = 1
  while at <= #data do
    local digits, start = data:match("^(%d+) ()", at)
    local length = digits and #digits < 8 and math.tointeger(tonumber(digits))
    local stop = length and at + length - 1
    if not stop or stop > #data or stop < start or data:byte(stop) ~= 10 then
      fault("a pax record is malformed")
    end
    local key, value = data:sub(start, stop - 1):match("^([^=]+)=(.*)$")
    if not key then fault("a pax record is malformed") end
    records[key], at = value, stop + 1
  end
end

local function special(source, header)
  if header.size > SPECIAL_MAX then fault("a header of %d bytes", header.size) end
  local data = source:take(header.size)
  if #data < header.size then fault("it ends inside a header") end
  source:skip(padding(header.size))
  return data
end

local SPECIAL <const> = {
  x = function(data, more) parse_records(data, more) end,
  g = function() end, -- what it says of all files, docker does not read
  L = function(data, more) more.path = text(data) end,
  K = function(data, more) more.linkpath = text(data) end,
}

local function whole(value, what)
  local n = value:find("^%d+$") and #value < 19 and math.tointeger(tonumber(value))
  if not n or n > SIZE_MAX then fault("%s is no size", what) end
  return n
end

local SPARSE <const> = { "GNU.sparse.major", "GNU.sparse.map", "GNU.sparse.size",
  "GNU.sparse.realsize" }

-- A pax record counts instead of the header's field, but for an empty one.
local function apply(header, more)
  local function given(key)
    local value = more[key]
    return value ~= "" and value or nil
  end
  header.name, header.target = given "path" or header.name, given "linkpath" or header.target
  for _, key in ipairs { "size", "uid", "gid" } do
    if given(key) then header[key] = whole(given(key), "pax " .. key) end
  end
  local mtime = (given "mtime" or ""):match("^(%-?%d+)")
  header.mtime = mtime and #mtime < 19 and math.tointeger(tonumber(mtime)) or header.mtime
  for _, key in ipairs(SPARSE) do header.sparse = header.sparse or more[key] and true end
  header.name = given "GNU.sparse.name" or header.name
  local real = given "GNU.sparse.realsize" or given "GNU.sparse.size"
  if real then header.real_size = whole(real, "a sparse size") end
end

-- GNU's old sparse files: the map may go on in blocks of its own.
local function read_sparse(source, header, block)
  local more = block:byte(483) ~= 0
  header.sparse, header.real_size = true, number(block:sub(484, 495), "a sparse size")
  while more do
    local extension = source:take(BLOCK)
    if #extension < BLOCK then fault("it ends inside a header") end
    more = extension:byte(505) ~= 0
  end
end

-- --- entries ---------------------------------------------------------------------------------------

--- Where a name leads under a root that it can't leave.
---@param name string
---@return string path
function M.clean(name)
  local parts = {}
  for part in name:gmatch("[^/]+") do
    if part == ".." then parts[#parts] = nil
    elseif part ~= "." then parts[#parts + 1] = part end
  end
  return table.concat(parts, "/")
end

local function mark_whiteout(entry)
  local folder, name = entry.path:match("^(.*/)%.wh%.([^/]*)$")
  if not folder then folder, name = "", entry.path:match("^%.wh%.([^/]*)$") end
  if name == ".wh..opq" then entry.opaque = true
  elseif name and name ~= "" and name:sub(1, 4) ~= ".wh." then entry.whiteout = folder .. name end
end

local function new_entry(source, header)
  for _, name in ipairs { header.name, header.target } do
    if #name > NAME_MAX then fault("a name of %d bytes", #name) end
    if name:find("\0", 1, true) then fault("a zero byte in a name") end
  end
  local kind = TYPES[header.kind] or "other"
  if kind == "file" and header.name:sub(-1) == "/" then kind = "directory" end
  local stored = (kind == "file" or kind == "other") and header.size or 0
  local entry = setmetatable({
    name = header.name, path = M.clean(header.name), type = kind,
    size = header.real_size or stored, mode = header.mode, uid = header.uid, gid = header.gid,
    mtime = header.mtime, sparse = header.sparse,
    target = (kind == "link" or kind == "symlink") and header.target or nil,
    source = source, left = stored, padding = padding(stored), -- what is not read yet
  }, entry_mt)
  mark_whiteout(entry)
  return entry
end

local function next_header(source)
  local block = source:take(BLOCK)
  if #block == 0 then return nil end
  if #block < BLOCK then fault("it ends inside a header") end
  if block:find("^\0+$") then
    block = source:take(BLOCK)
    if block:find("^\0*$") then return nil end
    fault("there is something after its end")
  end
  local header = parse_header(block)
  if header.kind == "S" then read_sparse(source, header, block) end
  return header
end

local function next_entry(source)
  local more, count = {}, 0
  while true do
    local header = next_header(source)
    if not header then
      if count > 0 then fault("a header that belongs to no file") end
      return nil
    end
    local read = SPECIAL[header.kind]
    if not read then
      apply(header, more)
      return new_entry(source, header)
    end
    read(special(source, header), more)
    count = header.kind == "g" and count or count + 1
    if count > IN_A_ROW_MAX then fault("too many headers before a file") end
  end
end

-- Passes over what was not read of the one before.
local function leave(entry)
  if not entry then return end
  entry.source:skip(entry.left + entry.padding)
  entry.left, entry.padding, entry.over = 0, 0, true
end

--- The entries of an archive, in their order. What is malformed raises an error object, `verification`; when the loop has ended,
--- all bytes have been asked for, so that whoever gives them has verified them.
---@param next_chunk fun(): string? gives its bytes in pieces
---@param ... any the other values of a generic `for`; the last is closed when the loop ends
---@return fun(): hocker.tar.Entry?
function M.entries(next_chunk, ...)
  local _, _, closer = ...
  local source = setmetatable({ next = next_chunk, chunk = "", at = 1 }, Source)
  local entry, count
  count = 0
  local function step()
    leave(entry)
    entry = next_entry(source)
    if entry then
      count = count + 1
      if count > ENTRIES_MAX then fault("more than %d files", ENTRIES_MAX) end
      return entry
    end
    source.at = #source.chunk + 1
    repeat until not next_chunk()
  end
  return step, nil, nil, closer
end

--- The content in pieces, before the next entry is asked for; once.
---@return fun(): string?
function Entry:chunks()
  if self.taken then error("the content of an entry is read once", 2) end
  if self.sparse then
    error(core.error("unsupported", ("tar: %s is sparse"):format(self.path)), 0)
  end
  self.taken = true
  return function()
    assert(not self.over, "this entry was left for the next one")
    if self.left == 0 then return nil end
    local bytes = self.source:some(self.left)
    if bytes == "" then fault("it ends inside a file") end
    self.left = self.left - #bytes
    return bytes
  end
end

--- The whole content, before the next entry is asked for; once.
---@param max integer? most bytes; 16 MiB
---@return string? bytes, hocker.Error? err "refused": it is larger; "unsupported": it is sparse
function Entry:read(max)
  max = max or READ_MAX
  if self.size > max then
    return nil, core.error("refused", ("tar: %s has %d bytes, and %d are the limit"):format(
      self.path, self.size, max))
  elseif self.sparse then
    return nil, core.error("unsupported", ("tar: %s is sparse"):format(self.path))
  end
  if self.taken then error("the content of an entry is read once", 2) end
  local parts = {}
  for chunk in self:chunks() do parts[#parts + 1] = chunk end
  return table.concat(parts)
end

-- --- writing ---------------------------------------------------------------------------------------

---@class hocker.tar.Writer An archive that is made: the same bytes whenever it is made of the same.
---@field file hocker.core.File
---@field tar hocker.core.Tar
local Writer = {}
local writer_mt = { __name = "hocker.tar.Writer", __index = Writer }

--- Makes an archive, which appears under its name by `commit`.
---@param path string "-" is standard output
---@return hocker.tar.Writer? writer, hocker.Error? err
function M.create(path)
  local file, err = core.file(path)
  if not file then return nil, err end
  local tar
  tar, err = core.tar(file)
  if not tar then return nil, err end
  return setmetatable({ file = file, tar = tar }, writer_mt)
end

local WRITTEN <const> = { file = true, directory = true, symlink = true, link = true }

-- Says what the next member is; an entry has more fields, which are not for this.
local function describe(self, kind)
  if kind.type and not WRITTEN[kind.type] then
    return nil, core.error("unsupported", ("tar: a %s is not written"):format(kind.type))
  end
  return self.tar:next { type = kind.type, mode = kind.mode, uid = kind.uid, gid = kind.gid,
    mtime = kind.mtime, target = kind.target }
end

--- Adds a file; or what `kind` says, which may be an entry of another archive.
---@param name string
---@param data string? what is no file has none
---@param kind hocker.TarKind|hocker.tar.Entry?
---@return true? ok, hocker.Error? err
function Writer:put(name, data, kind)
  local ok, err = describe(self, kind or {})
  if not ok then return nil, err end
  if data == nil and kind and kind.type and kind.type ~= "file" then data = "" end
  return self.tar:put(name, data)
end

--- Adds a file whose content is written to a sink, a blob's for `hocker.Registry:blob`, say.
---@param name string
---@param size integer? where it is known
---@param kind hocker.TarKind|hocker.tar.Entry?
---@return hocker.core.Sink? sink, hocker.Error? err
function Writer:sink(name, size, kind)
  local ok, err = describe(self, kind or {})
  if not ok then return nil, err end
  return self.tar:member(name, size)
end

--- When all sinks have finished: completes the archive and gives it its name.
---@return true? ok, hocker.Error? err
function Writer:commit()
  local ok, err = self.tar:finish()
  if not ok then return nil, err end
  return self.file:commit()
end

--- Drops what was not committed. `<close>` works.
function Writer:close()
  self.tar:close()
  self.file:close()
end
writer_mt.__close = Writer.close

return M
