--- Why a server says no, in its own words: one readable line from whatever it sent. Registries
--- send distribution-spec's list of errors, those in front of them and behind them all else.

local json = require "hocker.json"
local log = require "hocker.log"

local M = {}

local TEXT_MAX <const> = 300 -- bytes
local TEXT_LOOK <const> = 8192 -- where words are looked for in what is no JSON

-- Where objects that are no list of errors have their words: GitLab, Quay, Azure, Google, token
-- servers (`details`), OAuth 2 (RFC 6749 section 5.2), problems (RFC 9457).
local MESSAGES <const> = {
  "message", "error_description", "details", "detail", "error_message", "title",
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

local function read_object(doc)
  local inner = doc.errors or doc.error
  if type(inner) == "table" then
    local text, code = read_value(inner)
    if text then return text, code end
  end
  local code, message = one_line(doc.code) or one_line(doc.error), nil
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

local function read_body(body)
  local doc = json.decode(body)
  if doc ~= nil then return read_value(doc) end
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
