--- JSON as registries write it: strict to read, canonical to write.
---
--- lua-cjson parses. What it lets pass is refused by a scan of the same text: a key twice in
--- one object (two readers would see two documents: CVE-2021-41190's kin), bytes after a NUL,
--- raw control characters in strings, numbers that JSON does not know or that overflow.

local cjson = require "cjson"
local core = require "hocker.core"

local M = {}

local MAX_DEPTH <const> = 64

-- Most brackets in a text. "[]," is three bytes, but a table is a hundred: a few MiB of them
-- would be as many hundred MiB.
local MAX_TABLES <const> = 1 << 17

-- Floats are exact, and so stand for one integer only, below this.
local EXACT <const> = 1 << 53

local codec = cjson.new()
codec.decode_max_depth(MAX_DEPTH)
codec.decode_invalid_numbers(false)

--- What a JSON null is in Lua.
M.null = cjson.null

local array_mt = { __name = "hocker.json.array" }

--- Marks a list as an array, so that it prints as one even when empty. Decoded arrays are
--- marked already.
---@generic T
---@param list T[]
---@return T[] list the same table
function M.array(list)
  if type(list) ~= "table" then error("json.array: a table is needed", 2) end
  return setmetatable(list, array_mt)
end

--- Whether a value is a list that was marked, or decoded.
---@param value any
---@return boolean
function M.is_array(value)
  return getmetatable(value) == array_mt
end

--- Whether a value is a table that prints as an object.
---@param value any
---@return boolean
function M.is_object(value)
  return type(value) == "table" and getmetatable(value) ~= array_mt
end

-- Reading ----------------------------------------------------------------------------------

local TOKENS <const> = {
  T_OBJ_BEGIN = "'{'", T_OBJ_END = "'}'", T_ARR_BEGIN = "'['", T_ARR_END = "']'",
  T_COLON = "':'", T_COMMA = "','", T_STRING = "a string", T_NUMBER = "a number",
  T_BOOLEAN = "a boolean", T_NULL = "null", T_END = "the end of the text",
}

local function place(text, at)
  local line, start = 1, 1
  for after in text:sub(1, at - 1):gmatch("\n()") do
    line, start = line + 1, after
  end
  return ("line %d, column %d"):format(line, at - start + 1)
end

--- cjson's complaint in our words.
local function reword(text, message)
  if message:find("too many nested", 1, true) then
    return ("nested deeper than %d levels"):format(MAX_DEPTH)
  end
  message = message:gsub("T_[A-Z_]+", TOKENS)
  message = message:gsub("character (%d+)$", function(at) return place(text, tonumber(at)) end)
  return (message:gsub("^%u", string.lower))
end

-- Whether there are more of two characters than so many. A search for one is many times faster than for
-- any of a set.
local function has_more(text, one, other, most)
  local count = 0
  for _, char in ipairs { one, other } do
    local at = text:find(char, 1, true)
    while at do
      count = count + 1
      if count > most then return true end
      at = text:find(char, at + 1, true)
    end
  end
  return false
end

--- Where the string that opens at `at` closes; nil and the place of a raw control character.
local function string_end(text, at)
  local pos = at + 1
  while true do
    pos = text:find('["\\\0-\31]', pos)
    local char = text:sub(pos, pos)
    if char == '"' then return pos end
    if char ~= "\\" then return nil, pos end
    pos = pos + 2
  end
end

--- A key as a reader sees it: "\u0061" is "a".
local function key_of(text, first, last)
  local raw = text:sub(first + 1, last - 1)
  return raw:find("\\", 1, true) and codec.decode('"' .. raw .. '"') or raw
end

--- Reads the number whose first digit is at `at`. Returns where it ends, or nil and its fault.
local function number_end(text, at)
  local token = text:match("^[%d.eE+-]+", at)
  if text:sub(at - 1, at - 1) == "." then
    return nil, "a number has no digits before its point"
  elseif token:find("%.%D") or token:find("%.$") then
    return nil, "a number has no digits after its point"
  elseif math.abs(tonumber(token)) == math.huge then
    return nil, "a number is too large"
  end
  return at + #token
end

--- Scans a text that cjson has accepted. Returns the places of its empty arrays, as pairs of
--- offsets; or nil, what is wrong, and where.
local function scan(text)
  local seen, depth, holes, pos = {}, 0, {}, 1
  while true do
    local at = text:find('["{}%[%d]', pos)
    if not at then return holes end
    local char = text:sub(at, at)
    pos = at + 1
    if char == '"' then
      local close, bad = string_end(text, at)
      if not close then return nil, "a raw control character in a string", bad end
      pos = close + 1
      if text:find("^[ \t\r\n]*:", pos) then
        local key = key_of(text, at, close)
        if seen[depth][key] then
          local short = key:sub(1, (utf8.offset(key, 61) or 0) - 1)
          return nil, ("the key '%s' is there twice"):format(short), at
        end
        seen[depth][key] = true
      end
    elseif char == "{" then
      depth = depth + 1
      seen[depth] = {}
    elseif char == "}" then
      depth = depth - 1
    elseif char == "[" then
      local close = text:match("^[ \t\r\n]*()%]", pos)
      if close then holes[#holes + 1] = { at, close } end
    else
      local stop, fault = number_end(text, at)
      if not stop then return nil, fault, at end
      pos = stop
    end
  end
end

--- cjson makes the same table of [] and {}. A number that overflows cannot be in a scanned
--- text, so an array that holds one stands for an empty array.
local function fill(text, holes)
  local parts, pos = {}, 1
  for i, hole in ipairs(holes) do
    parts[i] = text:sub(pos, hole[1]) .. "1e999"
    pos = hole[2]
  end
  parts[#parts + 1] = text:sub(pos)
  return table.concat(parts)
end

--- Marks arrays and turns floats into the integers that they stand for.
local function settle(value)
  if math.type(value) == "float" then
    return math.abs(value) < EXACT and math.tointeger(value) or value
  elseif type(value) == "table" then
    if value[1] ~= nil then setmetatable(value, array_mt) end
    if value[1] == math.huge then value[1] = nil end
    for key, item in pairs(value) do value[key] = settle(item) end
  end
  return value
end

--- Reads one JSON document. null becomes `json.null`; a whole number below 2^53 becomes an
--- integer, any other number a float; arrays are marked as by `json.array`. At most 64 levels,
--- and 131072 arrays and objects. The caller bounds the text.
---@param text string
---@param what string? what the text is, for messages; "text"
---@return any value nil on failure
---@return hocker.Error? err "protocol"; "refused": too many arrays and objects
function M.decode(text, what)
  if type(text) ~= "string" then error("json.decode: text must be a string", 2) end
  what = what or "text"
  local function refuse(why)
    return nil, core.error("protocol", ("%s: not valid JSON: %s"):format(what, why))
  end
  local nul = text:find("\0", 1, true)
  if nul then return refuse("a NUL byte at " .. place(text, nul)) end
  local _, bad = utf8.len(text)
  if bad then return refuse("not UTF-8 at " .. place(text, bad)) end
  if has_more(text, "[", "{", MAX_TABLES) then
    return nil, core.error("refused",
      ("%s: has more than %d arrays and objects"):format(what, MAX_TABLES))
  end
  local ok, value = pcall(codec.decode, text)
  if not ok then return refuse(reword(text, value)) end
  local holes, fault, at = scan(text)
  if not holes then return refuse(("%s at %s"):format(fault, place(text, at))) end
  if #holes > 0 then value = codec.decode(fill(text, holes)) end
  return settle(value)
end

-- Writing ----------------------------------------------------------------------------------

local ESCAPES <const> = {
  ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r",
  ["\t"] = "\\t",
}

local function escape(char)
  return ESCAPES[char] or ("\\u%04x"):format(char:byte())
end

local function encode_string(text)
  if not utf8.len(text) then error("json.encode: a string is not UTF-8", 0) end
  return '"' .. text:gsub('["\\\0-\31]', escape) .. '"'
end

local function encode_number(number)
  if math.type(number) == "integer" then return ("%d"):format(number) end
  if number ~= number or math.abs(number) == math.huge then
    error("json.encode: a number is not finite", 0)
  end
  local short = ("%.14g"):format(number)
  return tonumber(short) == number and short or ("%.17g"):format(number)
end

--- Byte order; `<` on strings goes by the locale.
local function before(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

--- The keys of an object, in the order of their bytes.
---@param object table<string, any>
---@return string[]
function M.keys(object)
  local keys = {}
  for key in pairs(object) do
    if type(key) ~= "string" then
      error("json: an object's keys are strings, and lists are made with json.array", 0)
    end
    keys[#keys + 1] = key
  end
  table.sort(keys, before)
  return keys
end

-- One line, as canonical as can be.
local function join_line(parts, open, close)
  return open .. table.concat(parts, ",") .. close
end

-- For people: what has no array or object in it is one line, all else is a line an entry.
local function join_lines(parts, open, close, value, depth)
  if #parts == 0 then return open .. close end
  for _, item in pairs(value) do
    if type(item) == "table" then
      local indent = ("  "):rep(depth - 1)
      return ("%s\n%s  %s\n%s%s"):format(open, indent,
        table.concat(parts, ",\n" .. indent .. "  "), indent, close)
    end
  end
  return open .. " " .. table.concat(parts, ", ") .. " " .. close
end

local LINE <const> = { join = join_line, colon = ":" }
local LINES <const> = { join = join_lines, colon = ": " }

local encode_value

local function encode_array(list, depth, style)
  local parts = {}
  for i = 1, #list do parts[i] = encode_value(list[i], depth, style) end
  return style.join(parts, "[", "]", list, depth)
end

local function encode_object(object, depth, style)
  local parts = {}
  for i, key in ipairs(M.keys(object)) do
    parts[i] = encode_string(key) .. style.colon .. encode_value(object[key], depth, style)
  end
  return style.join(parts, "{", "}", object, depth)
end

function encode_value(value, depth, style)
  local kind = type(value)
  if kind == "string" then return encode_string(value) end
  if kind == "number" then return encode_number(value) end
  if kind == "boolean" then return tostring(value) end
  if value == M.null then return "null" end
  if kind ~= "table" then error("json.encode: cannot print a " .. kind, 0) end
  if depth == MAX_DEPTH then
    error(("json.encode: nested deeper than %d levels"):format(MAX_DEPTH), 0)
  end
  return (M.is_array(value) and encode_array or encode_object)(value, depth + 1, style)
end

--- Prints a value as canonical JSON: one line, keys in the order of their bytes, nothing
--- escaped that need not be. The same value gives the same bytes everywhere. A value that JSON
--- has no form for is misuse and raises.
---@param value any
---@return string text
function M.encode(value)
  return encode_value(value, 0, LINE)
end

--- Prints a value for files that people read and compare: indented, an array or object that holds
--- no other on one line, a newline at the end. Else as `encode`.
---@param value any
---@return string text
function M.pretty(value)
  return encode_value(value, 0, LINES) .. "\n"
end

return M
