--- Reads netrc files, where curl, git, nix and others find user names and passwords by host.
---
--- A file is a row of words: `machine HOST`, `login NAME`, `password SECRET`, `account TEXT`, and
--- `default`, which stands for every machine that comes before no other. A value may stand in
--- double quotes, with \", \\, \n, \r and \t inside. "#" begins a comment where a keyword would
--- be, not in a value; `macdef NAME` and all up to an empty line is passed over. Words that
--- nobody knows are passed over too.

local core = require "hocker.core"

local M = {}

local VALUES <const> = { machine = true, login = true, password = true, account = true }
local ESCAPES <const> = { n = "\n", r = "\r", t = "\t" }

-- Words ------------------------------------------------------------------------------------

-- The word in quotes that opens at `at`, and where it ends; nil when it never closes.
local function read_quoted(text, at)
  local parts, pos = {}, at + 1
  while true do
    local plain, char, after = text:match('^([^"\\\n]*)(["\\])()', pos)
    if not char then return nil end
    parts[#parts + 1] = plain
    if char == '"' then return table.concat(parts), after end
    local escaped = text:sub(after, after)
    if escaped == "" then return nil end
    parts[#parts + 1] = ESCAPES[escaped] or escaped
    pos = after + 1
  end
end

-- The next word from `pos`, and where it ends; nil at the end of the text.
local function read_word(text, pos)
  local at = text:match("^%s*()", pos)
  if at > #text then return nil, at end
  if text:sub(at, at) == '"' then return read_quoted(text, at) end
  return text:match("^(%S+)()", at)
end

-- The next keyword: comments are passed over.
local function read_keyword(text, pos)
  while true do
    local at = text:match("^%s*()", pos)
    if at > #text then return nil end
    if text:sub(at, at) ~= "#" then return text:match("^(%S+)()", at) end
    pos = text:match("^[^\n]*()", at)
  end
end

local function skip_macro(text, pos)
  local _, stop = text:find("\n[ \t\r]*\n", pos)
  return stop and stop + 1 or #text + 1
end

-- Entries ----------------------------------------------------------------------------------

---@class hocker.NetrcEntry
---@field machine string? lower case; nil for `default`
---@field login string?
---@field password string?

local function line_of(text, pos)
  return select(2, text:sub(1, pos - 1):gsub("\n", "")) + 1
end

--- The entries of a netrc file, in its order. A fault is named by its line only.
---@param text string
---@param source string for messages
---@return hocker.NetrcEntry[]? entries, hocker.Error? err "usage"
function M.parse(text, source)
  local entries, entry, pos = {}, nil, 1
  while true do
    local keyword, after = read_keyword(text, pos)
    if not keyword then return entries end
    if VALUES[keyword] then
      local value, stop = read_word(text, after)
      if not value then
        return nil, core.error("usage", ("%s: line %d: %s has no value, or a quote is never closed")
          :format(source, line_of(text, after), keyword))
      end
      if keyword == "machine" then
        entry = { machine = value:lower() }
        entries[#entries + 1] = entry
      elseif entry and not entry[keyword] then
        entry[keyword] = value
      end
      after = stop
    elseif keyword == "default" then
      entry = {}
      entries[#entries + 1] = entry
    elseif keyword == "macdef" then
      after = skip_macro(text, after)
    end
    pos = after
  end
end

-- "default login anonymous" is an FTP client's, from the days of anonymous FTP. No registry has that
-- user, and one that is sent a wrong password refuses what it would give to anybody.
local function is_for_ftp(entry)
  return not entry.machine and entry.login == "anonymous"
end

--- The first entry with a login and a password for one of the names, or the default.
---@param entries hocker.NetrcEntry[]
---@param names table<string, boolean> the host's names, in lower case
---@return hocker.NetrcEntry?
function M.find(entries, names)
  for _, entry in ipairs(entries) do
    if (not entry.machine or names[entry.machine]) and entry.login and entry.password
        and not is_for_ftp(entry) then
      return entry
    end
  end
end

return M
