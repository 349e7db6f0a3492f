--- What registries tell people in the headers of their answers: warnings, and how many pulls are
--- left. Nothing here is acted upon.

local core = require "hocker.core"
local field = require "hocker.field"
local log = require "hocker.log"

---@class hocker.Notices What was said so far, so that nothing is said twice.
---@field log hocker.Log
---@field seen table<string, boolean>
---@field count integer
local methods = {}
local mt = { __name = "hocker.Notices", __index = methods }

local M = {}

local TEXT_MAX <const> = 4096 -- bytes of a warning (distribution-spec, warnings)
local CLOCK <const> = 1000000000 -- more seconds than this are a time, and no duration
local NOTICES_MAX <const> = 64 -- of a run: a server that numbers its warnings is not heard for ever

---@param to hocker.Log
---@return hocker.Notices
function M.new(to)
  return setmetatable({ log = to, seen = {}, count = 0 }, mt)
end

-- Warnings ---------------------------------------------------------------------------------

--- The texts of a Warning field: those of the code 299, by no agent and without a date, as
--- distribution-spec has them. What stands before a fault counts.
---@param value string
---@return string[] texts
function M.warnings(value)
  local texts, at = {}, 1
  while true do
    local code, agent, open = value:match('^[%s,]*(%d%d%d) +(%S+) +"()', at)
    if not code then return texts end
    local text, dated
    text, at = field.quoted(value, open)
    if not text then return texts end
    dated = value:match('^ +"[^"]*"()', at)
    at = dated or at
    if code == "299" and agent == "-" and not dated and text:find("%S") then
      texts[#texts + 1] = text
    end
  end
end

-- Limits -----------------------------------------------------------------------------------

--- Seconds, in words.
---@param seconds integer
---@return string
function M.duration(seconds)
  if seconds >= 3600 and seconds % 3600 == 0 then return ("%d h"):format(seconds // 3600) end
  if seconds >= 60 and seconds % 60 == 0 then return ("%d min"):format(seconds // 60) end
  return ("%d s"):format(seconds)
end

-- "100;w=21600" as "100" and "6 h"; other text as it is.
local function read_limit(value)
  local count, window = (value or ""):match("^(%d+);w=(%d+)$")
  if count and #count < 12 and #window < 12 then
    return count, M.duration(math.tointeger(tonumber(window)))
  end
  return value and log.shorten(value, 60)
end

-- Docker Hub's name of a header, or the older one that others have.
local function ratelimit(headers, name)
  return headers["ratelimit-" .. name] or headers["x-ratelimit-" .. name]
end

--- The limit of pulls that an answer's headers tell, as Docker Hub sends them.
---@param headers table<string, string>
---@return string? text "100 in 6 h"
function M.limit(headers)
  local count, window = read_limit(ratelimit(headers, "limit"))
  return window and count .. " in " .. window or count
end

--- When a limit is over: after how long, or when, whichever the headers tell.
---@param headers table<string, string>
---@return string? text "in 42 s", "after Wed, 21 Oct 2026 07:28:00 GMT"
function M.reset(headers)
  local value = headers["retry-after"] or ratelimit(headers, "reset")
  local seconds = value and #value < 12 and math.tointeger(tonumber(value))
  if not seconds then return value and "after " .. log.shorten(value, 40) end
  if seconds >= CLOCK then seconds = math.max(seconds - os.time(), 1) end
  return "in " .. M.duration(seconds)
end

local function rate(headers)
  local limit, left = M.limit(headers), read_limit(ratelimit(headers, "remaining"))
  if not limit and not left then return nil end
  local source = headers["docker-ratelimit-source"]
  return ("pulls left: %s; limit: %s%s"):format(left or "not told", limit or "not told",
    source and "; counted for " .. log.shorten(source, 60) or "")
end

-- Showing ----------------------------------------------------------------------------------

-- Whether a text is new, and there is room for it.
local function is_new(self, text)
  if self.seen[text] or self.count >= NOTICES_MAX then return false end
  self.seen[text], self.count = true, self.count + 1
  return true
end

--- Shows what is new in an answer of the server that was asked. Where it redirects to is no
--- registry, and has nothing to say.
---@param response hocker.Response
---@param asked string the request's URL
function methods:show(response, asked)
  local value = response.headers["warning"]
  local limits = self.log.level >= 2 and rate(response.headers)
  if not (value or limits) or not core.url.same_origin(asked, response.url) then return end
  local host = core.url.parse(asked).host
  for _, text in ipairs(value and M.warnings(value) or {}) do
    text = ("%s warns: %s"):format(host, log.shorten(text, TEXT_MAX))
    if is_new(self, text) then self.log:warn(text) end
  end
  limits = limits and ("%s: %s"):format(host, limits)
  if limits and is_new(self, limits) then self.log:debug(limits) end
end

return M
