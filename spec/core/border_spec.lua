--- The border between Lua and C: every function and method, with everything that it does not take. It must
--- raise, whatever comes, and in any state of the collector; what it may not do is crash.

local border = require "support.border"
local faulty = require "support.faulty"
local lfs = require "lfs"
local lua = require "support.lua"
local tmp = require "support.tmp"

local function nothing() end

--- Values that are not of the type; the first is `nil`, unless it may be left out.
local function wrong(param)
  local kind = border.object_kind(param)
  local list = { n = 0 }
  local function add(value)
    list.n = list.n + 1
    list[list.n] = value
  end
  if param.type == "boolean" then return list end -- in Lua, anything is true or false
  if not param.optional then add(nil) end
  for _, value in ipairs { true, nothing, coroutine.create(nothing), io.stdout,
    kind == "Hash" and border.make.Sink() or border.make.Hash() } do
    add(value)
  end
  if border.is_table(param) then
    add(1) add("x")
  elseif kind then
    local closed = border.make[kind]()
    closed:close()
    add(1) add("x") add({}) add(closed)
  else
    add({})
    if param.type == "integer" or param.type == "number" then add("x") end
    if param.type == "integer" then add(1.5) add(2^70) add(0 / 0) end
  end
  return list
end

--- Calls `visit(f, arguments, at, what)` with each argument of each function made wrong in each way.
local function each_wrong(visit)
  for _, entry in ipairs(border.functions) do
    local f, first = border.find(entry), entry.kind and 1 or 0
    local function arguments(at, value)
      local list = { n = first + #entry.params, entry.kind and border.make[entry.kind]() }
      for i, param in ipairs(entry.params) do
        if i == at then list[first + i] = value else list[first + i] = border.right(param) end
      end
      return list
    end
    for at, param in ipairs(entry.params) do
      local values = wrong(param)
      for i = 1, values.n do
        local what = ("%s: %s = %s"):format(entry.name, param.name, tostring(values[i]))
        visit(f, arguments(at, values[i]), first + at, what)
      end
      for _, field in ipairs(border.classes[param.type] or {}) do
        local fields = wrong(field)
        for i = 1, border.tables[param.type] ~= border.tables["hocker.Error"] and fields.n or 0 do
          local options = border.right(param)
          options[field.name] = fields[i]
          local what = ("%s: %s.%s = %s"):format(entry.name, param.name, field.name,
            tostring(fields[i]))
          visit(f, arguments(at, options), nil, what)
        end
      end
      if border.classes[param.type] and param.type ~= "hocker.Error" then
        local options = border.right(param)
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
    for _, entry in ipairs(border.functions) do
      local f = border.find(entry)
      for at in ipairs(skipped[entry.name] and {} or entry.params) do
        for _, value in ipairs(extremes) do
          local list = { entry.kind and border.make[entry.kind]() }
          local first = #list
          for i, param in ipairs(entry.params) do
            if i == at then list[first + i] = value else list[first + i] = border.right(param) end
          end
          local ok, made, err = pcall(f, table.unpack(list, 1, first + #entry.params))
          assert.is_true(not ok or err == nil or type(err) ~= "string", entry.name)
          if ok and type(made) == "userdata" then made:close() end -- a file's name was relative
        end
      end
    end
    assert.equal(before, #tmp.list("."), "a file appeared in " .. lfs.currentdir())
  end)

  it("does without what a finalizer closes while it works", function()
    local headers = { ["WWW-Authenticate"] = { 'Basic realm="x"', "Bearer" } }
    local reply = { status = 401, headers = headers, body = "who" }
    local server = faulty.start { routes = { ["*"] = reply } }
    finally(function() server:stop() end)
    -- What is used after it was freed has other bytes then, also without a sanitizer.
    local points = lua.check({ "spec/support/finalizers_main.lua", server:url() },
      { env = { MALLOC_PERTURB_ = "165" } })
    assert.is_true(tonumber(points) > 100, points)
  end)

  it("does without what a metamethod closes while it works", function()
    local transfer = border.make.Transfer()
    local err = setmetatable({}, { __index = function(_, key)
      transfer:close()
      return key == "code" and "io" or "why"
    end })
    assert.error_matches(function() transfer:fail(err) end, "it is closed")
  end)

  it("makes objects that end with a coroutine that is closed", function()
    local objects = {}
    local co = coroutine.create(function()
      local list <close> = setmetatable({}, { __close = function(self)
        for _, object in pairs(self) do object:close() end
      end })
      for kind, new in pairs(border.make) do
        list[kind] = new()
        objects[kind] = list[kind]
      end
      local hash <close> = border.make.Hash()
      objects.closed = hash
      coroutine.yield()
    end)
    assert(coroutine.resume(co))
    assert.is_true(coroutine.close(co))
    assert.error(function() objects.closed:update("") end)
    assert.error(function() objects.Sink:write("") end)
  end)
end)
