-- Tells which bindings a run of test_bindings.lua has not used: all functions of the core, and all methods
-- of its objects.
local open, debug, use, port, dir = ...

local core = open()

local unused = {}

local function add(name, value)
  if type(value) == "function" then
    unused[value] = name
  elseif type(value) == "table" then
    for key, inner in pairs(value) do add(name .. "." .. key, inner) end
  end
end

add("core", core)
for kind, metatable in pairs(debug.getregistry()) do
  if type(kind) == "string" and kind:find("^hocker%.%u") and type(metatable) == "table" then
    add(kind, metatable.__index)
    add(kind .. ".__tostring", metatable.__tostring)
  end
end

debug.sethook(function() unused[debug.getinfo(2, "f").func] = nil end, "c")
local kept = use(function() return core end, port, dir)
debug.sethook()

local names = {}
for _, name in pairs(unused) do names[#names + 1] = name end
table.sort(names)
assert(#names == 0, "never used: " .. table.concat(names, ", "))
return kept
