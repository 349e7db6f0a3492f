-- Policies that raise, refuse and answer while there are transfers, sinks with threads and a file; run by
-- test_bindings.c as test_bindings.lua is. What is loaded before `begin` has all memory.
local core, port, dir, begin = ...

package.path, package.cpath = "scripts/?.lua", package.cpath
package.loaded["hocker.core"] = core

local policy = require "hocker.policy"
local session = require "hocker.session"
for _, name in ipairs { "credentials", "platform", "policy.decisions", "reference" } do
  require("hocker." .. name)
end

local URL = ("http://127.0.0.1:%d"):format(port)

local function chain(file)
  return core.sink.queue(core.sink.verify(file:sink(), { max = 100, name = "x" }), 100)
end

-- One exchange with a policy of one hook, in a task.
local function fetch(path, hook, act)
  local policies = policy.compose { { name = "p", path = "p", hooks = { [hook] = act } } }
  local s <close> = assert(session.new { policies = policies })
  local file <close> = assert(core.file(dir .. "/out"))
  local ok, err = s:run { function()
    local response, problem = s:fetch { url = URL .. path, sink = chain(file) }
    return response and true, problem
  end }
  return ok, err and err.code
end

local function check(want, ...)
  local ok, code = fetch(...)
  assert((ok or code) == want)
end

local function raise() error "it raises" end

local function raise_with_more()
  local file <close> = assert(core.file(dir .. "/out"))
  local left = chain(file)
  left:write "x"
  error { code = "io", message = "with something open" }
end

begin()
check("internal", "/ok", "request", raise)
check("internal", "/redirect", "redirect", raise)
check("refused", "/challenge", "challenge", function() return policy.refuse "no" end)
check("io", "/later", "retry", raise_with_more)
check("internal", "/none", "decision", raise)
check("internal", "/ok", "request", function() return { retries = "many" } end)
check(true, "/ok", "request", function() return { retries = 0 } end)
