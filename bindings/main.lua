#!/usr/bin/env lua
-- main: the program `hocker` and, under other names, its commands, for plain Lua: what a rock installs.

os.exit(require("hocker.command").main(arg[0], arg), true)
