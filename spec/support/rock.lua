--- The rock, made and installed by LuaRocks into a tree of its own, without a network.

local clients = require "support.clients"
local process = require "support.process"
local tmp = require "support.tmp"

local rock = {}

local client = {}

---@return boolean ok, string? reason
function client.available()
  local found = process.which("luarocks") ~= nil
  return found, not found and "luarocks is not installed" or nil
end

rock.available = client.available

--- Skips the running test where there is no LuaRocks.
function rock.need()
  clients.need(client)
end

-- What the rock depends on is installed, but by Debian.
local CONFIG = 'rocks_provided = { ["lua-cjson"] = "2.1.0-1" }\n'

--- Runs LuaRocks, which has to succeed.
---@param words string[]
---@return string stdout
function rock.luarocks(words)
  local argv = table.move(words, 1, #words, 4, { "luarocks", "--lua-version", "5.4" })
  return process.check(argv, { env = { LUAROCKS_CONFIG = tmp.file(CONFIG, "config.lua"),
    HOME = tmp.root(), LUA_PATH = false, LUA_CPATH = false, MAKEFLAGS = "-j2" } })
end

---@return string tree
function rock.make()
  local tree = tmp.dir("tree") .. "/my rocks"
  rock.luarocks { "--tree", tree, "make", "rockspec/hocker-scm-1.rockspec" }
  return tree
end

return rock
