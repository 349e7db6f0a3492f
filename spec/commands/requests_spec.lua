-- What hocker-image asks a registry for: no request that it does not need, and none that waits for
-- another whose answer it does not need. Over a slow link each is felt.

local faulty = require "support.faulty"
local image = require "support.image"
local process = require "support.process"
local program = require "support.program"
local served = require "support.served"
local tmp = require "support.tmp"

describe("hocker-image", function()
  local tiny, large, server

  lazy_setup(function()
    tiny = image.build { layers = { { random = 1000 }, { random = 2000 }, { random = 0 } } }
    large = image.build { layers = { { random = 300000 }, { random = 400000 } } }
    server = faulty.start {}
  end)
  lazy_teardown(function() server:stop() end)

  local function words(...)
    return { "--registry", server:url(), "demo/app", "v1", "-q", ... }
  end

  -- The paths that were asked for, sorted, ranges behind them.
  local function asked()
    local list = {}
    for i, request in ipairs(server:requests()) do
      list[i] = request.target .. (request.headers.range and " " .. request.headers.range or "")
    end
    table.sort(list)
    return list
  end

  local function sorted(list)
    table.sort(list)
    return list
  end

  local function tail(layer)
    return ("%s bytes=%d-%d"):format(served.blob(layer), layer.size - 4, layer.size - 1)
  end

  local function serve(img, changes)
    local routes = served.routes(img)
    for route, change in pairs(changes or {}) do
      for key, value in pairs(change) do routes[route][key] = value end
    end
    server:set(routes)
    server:forget()
  end

  for _, format in ipairs { "docker-archive", "oci-archive", "oci" } do
    it("asks for each part of a small image once: " .. format, function()
      serve(tiny)
      program.check("hocker-image", words("--format", format, "--out", tmp.path()))
      assert.same(sorted {
        served.manifest(), served.blob(tiny.config), served.blob(tiny.layers[1]),
        served.blob(tiny.layers[2]), served.blob(tiny.layers[3]),
      }, asked())
    end)
  end

  -- A configuration that never comes shows what does not wait for it.
  local function fail_without_config(img, ...)
    serve(img, { [served.blob(img.config)] = { stall = 1 } })
    program.refuses(6, "hocker-image",
      words("--out", tmp.path(), "--stall-timeout", "1", "--retries", "0", ...))
    return asked()
  end

  it("lets small layers wait for nothing but the manifest", function()
    assert.same(sorted {
      served.manifest(), served.blob(tiny.config), served.blob(tiny.layers[1]),
      served.blob(tiny.layers[2]), served.blob(tiny.layers[3]),
    }, fail_without_config(tiny))
  end)

  it("learns the sizes of large layers while the configuration comes", function()
    assert.same(sorted { served.manifest(), served.blob(large.config),
      tail(large.layers[1]), tail(large.layers[2]) }, fail_without_config(large))
    assert.same(sorted { served.manifest(), served.blob(large.config) },
      fail_without_config(large, "--layers", "compressed"))
  end)

  it("asks for the size of a large gzip layer only where it needs it", function()
    local parts = { served.manifest(), served.blob(large.config), served.blob(large.layers[1]),
      served.blob(large.layers[2]) }
    serve(large)
    program.check("hocker-image", words("--layers", "compressed", "--out", tmp.path()))
    assert.same(sorted(table.move(parts, 1, 4, 1, {})), asked())
    serve(large)
    program.check("hocker-image", words("--out", tmp.path()))
    parts[5], parts[6] = tail(large.layers[1]), tail(large.layers[2])
    assert.same(sorted(parts), asked())
  end)

  it("asks for no layer that is in the layout already", function()
    local out = tmp.path()
    serve(tiny)
    program.check("hocker-image", words("--format", "oci", "--out", out))
    server:forget()
    program.check("hocker-image", words("--format", "oci", "--out", out))
    assert.same(sorted { served.manifest(), served.blob(tiny.config) }, asked())
  end)

  it("keeps few small layers in memory", function()
    local many = {}
    for i = 1, 20 do many[i] = { random = 260000 + i } end
    many = image.build { layers = many }
    serve(many)
    local out = tmp.path()
    program.check("hocker-image", words("--out", out))
    local tails = 0
    for _, path in ipairs(asked()) do
      if path:find(" bytes=", 1, true) then tails = tails + 1 end
    end
    assert.is_true(tails >= 4, tails)
    assert.equal(0, process.run({ "tar", "-tf", out }).code)
  end)
end)
