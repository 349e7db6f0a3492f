--- A module that is loaded when one of its fields is first read. For what only some commands use:
--- to read all scripts takes longer than most commands take.
---
---     local registry = lazy "hocker.registry"
---
---@param name string
---@return table module stands for it
return function(name)
  return setmetatable({}, { __index = function(_, key) return require(name)[key] end })
end
