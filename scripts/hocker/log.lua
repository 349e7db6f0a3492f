--- Notes for people, on standard error: each a line, with the program's name in front.

local M = {}

---@class hocker.Log
---@field program string
---@field level integer 0 quiet, 1 warnings, 2 details
---@field stream file*
---@field before fun()? called before a line, so that a progress bar can make room
local methods = {}
local mt = { __name = "hocker.Log", __index = methods }

--- Notes of a program.
---@param program string
---@param level integer?
---@param stream file*? standard error
---@return hocker.Log
function M.new(program, level, stream)
  return setmetatable({ program = program, level = level or 1, stream = stream or io.stderr }, mt)
end

--- Makes text from outside fit for a terminal: control characters become \xNN.
---@param text string
---@return string
function M.printable(text)
  return (text:gsub("[%c\x7f]", function(c) return ("\\x%02x"):format(c:byte()) end)
    :gsub("\xc2([\x80-\x9f])", function(c) return ("\\xc2\\x%02x"):format(c:byte()) end))
end

--- Cuts text that is too long, between two characters.
---@param text string
---@param max integer most bytes
---@return string
function M.shorten(text, max)
  if #text <= max then return text end
  local stop = max - 3
  while stop > 0 and (text:byte(stop + 1) & 0xc0) == 0x80 do stop = stop - 1 end
  return text:sub(1, stop) .. "..."
end

local function line(self, level, text)
  if self.level < level then return end
  if self.before then self.before() end
  self.stream:write(self.program, ": ", text, "\n")
end

--- What makes the command fail, printed at any level. A bug's traceback keeps its lines.
---@param text string
---@param traceback string?
function methods:error(text, traceback)
  line(self, 0, M.printable(text) .. (traceback or ""))
end

--- What the user should know.
---@param text string
function methods:warn(text) line(self, 1, M.printable(text)) end

--- What helps to find a fault.
---@param text string
function methods:debug(text) line(self, 2, M.printable(text)) end

return M
