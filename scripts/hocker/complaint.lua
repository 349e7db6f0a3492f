--- Why a server says no, in its own words: one readable line from whatever it sent. Registries
--- send distribution-spec's list of errors, those in front of them and behind them all else.

local json = require "hocker.json"
local log = require "hocker.log"

local M = {}

local TEXT_MAX <const> = 300 -- bytes
local TEXT_LOOK <const> = 8192 -- where words are looked for in what is no JSON

-- Where objects that are no list of errors have their words: GitLab, Quay, Azure, Google, token
-- servers (`details`), OAuth 2 (RFC 6749 section 5.2), problems (RFC 9457). Amazon, Artifactory and others
-- have them as `Message` and `errorMessage`: neither case nor `_` counts.
local MESSAGES <const> = {
  "message", "errordescription", "details", "detail", "errormessage", "title", "msg", "reason",
}

-- One line; nil when nothing is left of it, or it is no text.
local function one_line(text)
  if type(text) ~= "string" or not utf8.len(text) or text:find("\0", 1, true) then return nil end
  text = text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")
  return text ~= "" and text or nil
end

local function join(code, message)
  if code and message and code ~= message then return code .. ": " .. message, code end
  return message or code, code
end

local read_value

local function read_list(list)
  for _, item in ipairs(list) do
    local text, code = read_value(item)
    if text and #list == 1 then return text, code end
    if text then
      local more = #list == 2 and "1 more error" or ("%d more errors"):format(#list - 1)
      return ("%s (and %s)"):format(log.shorten(text, TEXT_MAX - 30), more), code
    end
  end
end

-- The fields of an object by their names in small letters; of those that are alike, the last one.
local function fields_of(doc)
  local names, fields = {}, {}
  for name in pairs(doc) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do fields[name:lower():gsub("_", "")] = doc[name] end
  return fields
end

local function read_object(doc)
  doc = fields_of(doc)
  local inner = doc.errors or doc.error
  if type(inner) == "table" then
    local text, code = read_value(inner)
    if text then return text, code end
  end
  local code, message = one_line(doc.code) or one_line(doc.error), one_line(doc.errors)
  for _, name in ipairs(MESSAGES) do message = message or one_line(doc[name]) end
  return join(code, message)
end

function read_value(value)
  if json.is_array(value) then return read_list(value) end
  if json.is_object(value) then return read_object(value) end
  return one_line(value)
end

local ENTITIES <const> = { amp = "&", lt = "<", gt = ">", quot = '"', ["#39"] = "'", nbsp = " " }

local function without_tags(text)
  return one_line(text:gsub("<[^>]*>", " "):gsub("&(#?%w+);", ENTITIES))
end

-- The first of some elements that says something.
local function element(page, ...)
  for _, name in ipairs { ... } do
    local any = name:gsub("%a", function(c) return ("[%s%s]"):format(c:lower(), c:upper()) end)
    local inside = page:match("<" .. any .. "%f[%W][^>]*>(.-)</" .. any)
    local text = inside and without_tags(inside)
    if text then return text end
  end
end

-- A web page's title, or what an object store says in XML.
local function read_page(page)
  local code = element(page, "code")
  if code and page:find("<Error", 1, true) then return join(code, element(page, "message")) end
  return element(page, "title", "h1", "h2", "p", "body", "html")
end

-- Whether there is a text in it.
local function says_something(value)
  if json.is_array(value) or json.is_object(value) then
    for _, item in pairs(value) do
      if says_something(item) then return true end
    end
    return false
  end
  return type(value) == "string"
end

-- JSON that has its words where nobody looks is quoted as it is.
local function read_json(doc, body)
  local text, code = read_value(doc)
  if text or type(doc) ~= "table" or not says_something(doc) then return text, code end
  return one_line(body)
end

local function read_body(body)
  local doc = json.decode(body)
  if doc ~= nil then return read_json(doc, body) end
  body = log.shorten(body, TEXT_LOOK)
  if body:find("^%s*<") then return read_page(body) end
  return one_line(body:match("[^\r\n]*%S[^\r\n]*"))
end

--- The words of an error response.
---@param response hocker.Response?
---@return string? text one line, nil when there are none
---@return string? code the first error's, as the server has it
function M.read(response)
  if not response or (response.body or "") == "" then return nil end
  local text, code = read_body(response.body)
  return text and log.shorten(text, TEXT_MAX), code
end

return M
