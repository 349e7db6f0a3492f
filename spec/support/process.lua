--- Child processes: run one to its end, or spawn a server that never outlives the specs.

local cqueues = require "cqueues"
local lfs = require "lfs"
local tmp = require "support.tmp"

local process = {}

-- Servers may be where only root looks.
local PATH = 'PATH="$PATH:/usr/sbin:/sbin"; '

local SUPERVISE = debug.getinfo(1, "S").source:match("^@(.*/)") .. "supervise.sh"
if SUPERVISE:sub(1, 1) ~= "/" then
  SUPERVISE = lfs.currentdir() .. "/" .. SUPERVISE
end

---@class support.Result
---@field code integer the exit status; 128 + n for a death by signal n
---@field signal integer? the signal, when `run` saw one
---@field stdout string
---@field stderr string

---@class support.process.Options
---@field cwd string?
---@field env table<string, string|false>? false takes a variable away
---@field stdin string? what the child reads; nothing by default
---@field stdout string? of `run`: a file that gets standard output instead of the result
---@field timeout number? of `run`: seconds, 120 by default; past it the code is 124

--- A word for the shell.
---@param word string|number
---@return string
function process.quote(word)
  word = tostring(word)
  return word:find("^[%w_./:=@%%+,-]+$") and word or "'" .. word:gsub("'", [['\'']]) .. "'"
end

local function quote_all(words)
  local quoted = {}
  for i, word in ipairs(words) do
    quoted[i] = process.quote(word)
  end
  return table.concat(quoted, " ")
end

--- The words that set the environment, empty for nothing to set.
local function env_words(env)
  local unset, set = {}, {}
  for name, value in pairs(env or {}) do
    if value then
      set[#set + 1] = name .. "=" .. value
    else
      unset[#unset + 1] = "-u"
      unset[#unset + 1] = name
    end
  end
  if #unset + #set == 0 then
    return {}
  end
  table.sort(set)
  local words = table.move(unset, 1, #unset, 2, { "env" })
  return table.move(set, 1, #set, #words + 1, words)
end

--- One shell command that is replaced by the program it runs.
local function command_line(words, opts, redirect)
  local cd = opts.cwd and ("cd " .. process.quote(opts.cwd) .. " && ") or ""
  return PATH .. cd .. "exec " .. quote_all(words) .. (redirect or "")
end

local function append(words, more)
  return table.move(more, 1, #more, #words + 1, words)
end

--- Runs a program to its end.
---@param argv string[]
---@param opts support.process.Options?
---@return support.Result
function process.run(argv, opts)
  opts = opts or {}
  local stdin = opts.stdin and tmp.file(opts.stdin, "stdin") or "/dev/null"
  local stdout, stderr = opts.stdout or tmp.path("stdout"), tmp.path("stderr")
  local words = env_words(opts.env)
  append(words, { "timeout", "--foreground", "-k", "5", opts.timeout or 120 })
  append(words, argv)
  local redirect = " <" .. process.quote(stdin) .. " >" .. process.quote(stdout) ..
    " 2>" .. process.quote(stderr)
  local _, how, code = assert(io.popen(command_line(words, opts, redirect))):close()
  local result = {
    code = how == "signal" and 128 + code or code,
    signal = how == "signal" and code or nil,
    stdout = opts.stdout and "" or tmp.read(stdout),
    stderr = tmp.read(stderr),
  }
  os.remove(stderr)
  if not opts.stdout then
    os.remove(stdout)
  end
  if opts.stdin then
    os.remove(stdin)
  end
  return result
end

--- Runs a program that has to succeed.
---@param argv string[]
---@param opts support.process.Options?
---@return string stdout
function process.check(argv, opts)
  local result = process.run(argv, opts)
  if result.code ~= 0 then
    error(("%s: exit code %d\n%s%s"):format(quote_all(argv), result.code, result.stdout,
      result.stderr), 2)
  end
  return result.stdout
end

--- Where a program is; nil when it isn't.
---@param name string
---@return string? path
function process.which(name)
  local pipe <close> = assert(io.popen(PATH .. "command -v " .. process.quote(name)))
  return pipe:read("l")
end

---@return boolean
function process.is_root()
  local pipe <close> = assert(io.popen("id -u"))
  return pipe:read("l") == "0"
end

--- Waits until a condition holds, and returns what it returned; raises when time is up.
---@generic T
---@param condition fun(): T?
---@param what string for the message
---@param seconds number? 30 by default
---@return T
function process.eventually(condition, what, seconds)
  local deadline = cqueues.monotime() + (seconds or 30)
  repeat
    local value = condition()
    if value then
      return value
    end
    cqueues.sleep(0.01)
  until cqueues.monotime() > deadline
  error("waited in vain for " .. what, 2)
end

--- Reads something until it stays the same for a moment: a log whose writer may be behind.
---@generic T
---@param read fun(): T
---@return T
function process.settled(read)
  local before, value = nil, read()
  while value ~= before do
    cqueues.sleep(0.03)
    before, value = value, read()
  end
  return value
end

---@class support.Process
---@field pid integer the leader of its own process group
---@field dir string where its output is kept
local methods = {}
local mt = { __name = "support.Process", __index = methods }

--- All that were spawned, for `stop_all`. Strong: a server lives until it is stopped.
local spawned = {}

--- Starts a program in the background.
---@param argv string[]
---@param opts support.process.Options?
---@return support.Process
function process.spawn(argv, opts)
  opts = opts or {}
  local dir = tmp.dir("process")
  for _, name in ipairs { "stdin", "stdout", "stderr" } do
    tmp.write(dir .. "/" .. name, name == "stdin" and opts.stdin or "")
  end
  local words = append(env_words(opts.env), { SUPERVISE, tmp.root() .. "/.lock", dir })
  local self = setmetatable({ dir = dir, argv = argv }, mt)
  self.pipe = assert(io.popen(command_line(append(words, argv), opts), "w"))
  spawned[self] = true
  self.pid = process.eventually(function()
    return tmp.exists(dir .. "/pid") and math.tointeger(tonumber(tmp.read(dir .. "/pid")))
  end, "the process id of " .. argv[1])
  return self
end

---@return string
function methods:stdout()
  return tmp.read(self.dir .. "/stdout")
end

---@return string
function methods:stderr()
  return tmp.read(self.dir .. "/stderr")
end

---@return boolean
function methods:alive()
  return not tmp.exists(self.dir .. "/code")
end

--- Sends a signal to the process alone.
---@param signal string|integer? "TERM" by default
function methods:kill(signal)
  assert(io.popen(("kill -%s %d 2>/dev/null"):format(signal or "TERM", self.pid))):close()
end

--- Waits for the end of the process; raises when time is up.
---@param seconds number?
---@return support.Result
function methods:wait(seconds)
  process.eventually(function() return not self:alive() end, self.argv[1] .. " to end", seconds)
  return {
    code = math.tointeger(tonumber(tmp.read(self.dir .. "/code"))),
    stdout = self:stdout(),
    stderr = self:stderr(),
  }
end

--- Waits until the output has a Lua pattern; raises when the process ends without, or time is up.
---@param pattern string
---@param seconds number?
---@return string captures
function methods:wait_for(pattern, seconds)
  local function find()
    return self:stderr():match(pattern) or self:stdout():match(pattern)
  end
  local found = process.eventually(function()
    local ended = not self:alive()
    local text = find()
    return text or ended and { false }
  end, ("%q from %s"):format(pattern, self.argv[1]), seconds)
  if type(found) == "table" then
    error(("%s ended without %q:\n%s%s"):format(self.argv[1], pattern, self:stdout(),
      self:stderr()), 2)
  end
  return found
end

--- Ends the process and its group: TERM, and KILL ten seconds later.
function methods:stop()
  if spawned[self] then
    spawned[self] = nil
    self.pipe:close()
  end
end

--- Stops all that were spawned.
function process.stop_all()
  for self in pairs(spawned) do
    self:stop()
  end
end

return process
