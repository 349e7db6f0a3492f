--- The border between Lua and C: every function and method, with everything that it does not take. It must
--- raise, whatever comes, and in any state of the collector; what it may not do is crash.

local api = require "support.api"
local core = require "hocker.core"
local lfs = require "lfs"
local tmp = require "support.tmp"

local NOWHERE <const> = "http://127.0.0.1:1/"

local functions, classes = api.read()

--- New objects, by their kinds.
local make = {
  Hash = core.digest.new,
  Sink = core.sink.null,
  Buffer = function() return core.buffer(1) end,
  Meter = core.meter,
  Join = function() return core.join(core.sink.null()) end,
  Pipe = function() return core.pipe(1) end,
  File = function() return assert(core.file(tmp.path("file"))) end,
  Tar = function() return assert(core.tar(assert(core.file(tmp.path("tar"))))) end,
  TarStream = function() return core.tar_stream(core.sink.null()) end,
  Dir = function() return assert(core.dir(tmp.path("dir"))) end,
  Session = function() return assert(core.session()) end,
  Transfer = function() return assert(assert(core.session()):start { url = NOWHERE }) end,
}

--- What a function takes, where its type alone does not tell.
local RIGHT <const> = {
  code = "io", path = "/dev/null/x", max = 100, base = NOWHERE, url = NOWHERE, fd = 0, bytes = 1000,
  text = "return {}", chunk_name = "=x", index = 1, seconds = 0,
}
local TABLES <const> = {
  ["hocker.Request"] = function() return { url = NOWHERE } end,
  ["hocker.Trust"] = function() return { origin = NOWHERE } end,
  ["hocker.core.Command"] = function() return { argv = { "/nonexistent" } } end,
  ["hocker.Error"] = function() return core.error("io", "why") end,
}

local function is_table(param)
  return param.type:find("^{") or param.type:find("%[%]$") or param.type == "table"
    or TABLES[param.type] or classes[param.type] and not make[param.type:match("core%.(%u%w*)$")]
end

local function object_kind(param)
  local kind = param.type:match("^hocker%.core%.(%u%w*)$")
  return make[kind] and kind
end

local function right(param)
  if object_kind(param) then return make[object_kind(param)]() end
  if TABLES[param.type] then return TABLES[param.type]() end
  if is_table(param) then return {} end
  if param.type:find('^"') then return param.type:match('^"([^"]*)"') end
  if RIGHT[param.name] ~= nil and param.type ~= "boolean" then return RIGHT[param.name] end
  return ({ string = "x", integer = 1, number = 1, boolean = true })[param.type]
end

local function nothing() end

--- Values that are not of the type; the first is `nil`, unless it may be left out.
local function wrong(param)
  local kind = object_kind(param)
  local list = { n = 0 }
  local function add(value)
    list.n = list.n + 1
    list[list.n] = value
  end
  if param.type == "boolean" then return list end -- in Lua, anything is true or false
  if not param.optional then add(nil) end
  for _, value in ipairs { true, nothing, coroutine.create(nothing), io.stdout,
    kind == "Hash" and make.Sink() or make.Hash() } do
    add(value)
  end
  if is_table(param) then
    add(1) add("x")
  elseif kind then
    local closed = make[kind]()
    closed:close()
    add(1) add("x") add({}) add(closed)
  else
    add({})
    if param.type == "integer" or param.type == "number" then add("x") end
    if param.type == "integer" then add(1.5) add(2^70) add(0 / 0) end
  end
  return list
end

local function find(entry)
  if entry.kind then
    return debug.getmetatable(make[entry.kind]()).__index[entry.name:match(":(.*)")]
  end
  local value = core
  for part in entry.name:gmatch("[^.]+") do value = value[part] end
  return value
end

--- Calls `visit(f, arguments, at, what)` with each argument of each function made wrong in each way.
local function each_wrong(visit)
  for _, entry in ipairs(functions) do
    local f, first = find(entry), entry.kind and 1 or 0
    local function arguments(at, value)
      local list = { n = first + #entry.params, entry.kind and make[entry.kind]() }
      for i, param in ipairs(entry.params) do
        if i == at then list[first + i] = value else list[first + i] = right(param) end
      end
      return list
    end
    for at, param in ipairs(entry.params) do
      local values = wrong(param)
      for i = 1, values.n do
        local what = ("%s: %s = %s"):format(entry.name, param.name, tostring(values[i]))
        visit(f, arguments(at, values[i]), first + at, what)
      end
      for _, field in ipairs(classes[param.type] or {}) do
        local fields = wrong(field)
        for i = 1, TABLES[param.type] ~= TABLES["hocker.Error"] and fields.n or 0 do
          local options = right(param)
          options[field.name] = fields[i]
          local what = ("%s: %s.%s = %s"):format(entry.name, param.name, field.name,
            tostring(fields[i]))
          visit(f, arguments(at, options), nil, what)
        end
      end
      if classes[param.type] and param.type ~= "hocker.Error" then
        local options = right(param)
        options.unheard_of = 1
        visit(f, arguments(at, options), nil, entry.name .. ": an unknown option")
      end
    end
  end
end

--- Counts what is visited, and collects what did not raise, or not for this argument.
local function check(call)
  local count, faults = 0, {}
  each_wrong(function(f, arguments, at, what)
    count = count + 1
    local ok, message = call(f, table.unpack(arguments, 1, arguments.n))
    message = tostring(message)
    if ok then
      faults[#faults + 1] = what
    elseif at and not (message:find("bad argument #" .. at, 1, true)
      or message:find("option", 1, true)) or message:find("^[^\n]*%.lua:") then
      faults[#faults + 1] = what .. ": " .. message
    end
  end)
  assert.same({}, faults)
  assert.is_true(count > 500, count .. " calls")
end

describe("every binding", function()
  local before

  lazy_setup(function()
    before = #tmp.list(".")
  end)

  it("raises for an argument that is of another type, closed, or missing", function()
    check(pcall)
  end)

  it("raises in a coroutine too", function()
    check(function(f, ...) return coroutine.resume(coroutine.create(f), ...) end)
  end)

  it("raises while garbage is collected all the time", function()
    collectgarbage "generational"
    finally(function() collectgarbage "incremental" end)
    check(function(f, ...)
      debug.sethook(function() collectgarbage "step" end, "cr")
      local result = table.pack(pcall(f, ...))
      debug.sethook()
      return table.unpack(result, 1, result.n)
    end)
  end)

  it("survives numbers and texts at the ends of their types", function()
    local extremes = { "", "\0", ("x"):rep(100000), -1, 0, math.mininteger, math.maxinteger, -0.0,
      1e308, -1e308, 0 / 0, math.huge, {}, { {} }, { [1] = "\0" } }
    local skipped = { ["Session:step"] = true } -- it would wait for as long
    for _, entry in ipairs(functions) do
      local f = find(entry)
      for at in ipairs(skipped[entry.name] and {} or entry.params) do
        for _, value in ipairs(extremes) do
          local list = { entry.kind and make[entry.kind]() }
          local first = #list
          for i, param in ipairs(entry.params) do
            if i == at then list[first + i] = value else list[first + i] = right(param) end
          end
          local ok, made, err = pcall(f, table.unpack(list, 1, first + #entry.params))
          assert.is_true(not ok or err == nil or type(err) ~= "string", entry.name)
          if ok and type(made) == "userdata" then made:close() end -- a file's name was relative
        end
      end
    end
    assert.equal(before, #tmp.list("."), "a file appeared in " .. lfs.currentdir())
  end)

  it("makes objects that end with a coroutine that is closed", function()
    local objects = {}
    local co = coroutine.create(function()
      local list <close> = setmetatable({}, { __close = function(self)
        for _, object in pairs(self) do object:close() end
      end })
      for kind, new in pairs(make) do
        list[kind] = new()
        objects[kind] = list[kind]
      end
      local hash <close> = make.Hash()
      objects.closed = hash
      coroutine.yield()
    end)
    assert(coroutine.resume(co))
    assert.is_true(coroutine.close(co))
    assert.error(function() objects.closed:update("") end)
    assert.error(function() objects.Sink:write("") end)
  end)
end)
