--- Loaded by busted before the specs. What is required here is shared by all spec files (busted
--- gives each file its own copy of everything else), so what holds state is.

local busted = require "busted"
local process = require "support.process"
local tmp = require "support.tmp"

require "support.certs"
require "support.port"

local function clean()
  process.stop_all()
  tmp.remove_all()
end

busted.subscribe({ "exit" }, clean)

-- The interpreter turns SIGINT into an error, which must end the run and not only a test.
busted.subscribe({ "error" }, function(_, _, message)
  if tostring(message):find("interrupted!", 1, true) then
    clean()
    os.exit(130)
  end
  return nil, true
end)
