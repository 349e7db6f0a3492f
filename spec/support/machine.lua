--- Another machine for a nix: a store and a state of its own, under the same store path as those of
--- the first, as every machine has /nix/store. It is a mount namespace; Nix talks to it by its
--- protocol for ssh, in which the host `localhost` stands for a program that is run directly.
---
---     local there = machine.new(nix)
---     nix:run { "nix-build", "--max-jobs", "0", "--builders", there.uri .. " x86_64-linux", ... }

local clients = require "support.clients"
local process = require "support.process"
local tmp = require "support.tmp"

local machine = {}

---@class support.Machine
---@field nix support.Nix the first
---@field dir string where its store and state really are
---@field uri string of its store
---@field enter string a program that runs its arguments there
local methods = {}
local mt = { __name = "support.Machine", __index = methods }

local ENTER = [[#!/bin/sh
exec unshare --mount sh -c 'mount --bind "$0" %s && exec "$@"' %s/store \
  env NIX_STATE_DIR=%s/state NIX_LOG_DIR=%s/log "$@"
]]

local SERVE = [[#!/bin/sh
exec %s nix-store "$@"
]]

local function script(name, text)
  local path = tmp.file(text, name)
  process.check { "chmod", "755", path }
  return path
end

--- To be used with clients.need.
machine.client = clients.sandbox

---@param nix support.Nix
---@return support.Machine
function machine.new(nix)
  local dir = tmp.dir("machine")
  process.check { "mkdir", "-p", dir .. "/store", nix.store }
  local enter = script("enter", ENTER:format(nix.store, dir, dir, dir))
  local serve = script("serve", SERVE:format(enter))
  return setmetatable({ nix = nix, dir = dir, enter = enter,
    uri = "ssh://localhost?remote-program=" .. serve }, mt)
end

--- Runs a program there.
---@param argv string[]
---@param opts support.process.Options?
---@return support.Result
function methods:run(argv, opts)
  return self.nix:run(table.move(argv, 1, #argv, 2, { self.enter }), opts)
end

--- Whether a store path is there.
---@param path string
---@return boolean
function methods:has(path)
  return self:run({ "nix-store", "--check-validity", path }).code == 0
end

return machine
