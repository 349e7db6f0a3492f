local faulty = require "support.faulty"
local image = require "support.image"
local process = require "support.process"
local program = require "support.program"
local served = require "support.served"
local tmp = require "support.tmp"

local function encode(bytes)
  return (process.check({ "base64", "-w0" }, { stdin = bytes }))
end

local function with_data(digest, data)
  return ('"digest": "%s"'):format(digest), ('"digest": "%s", "data": "%s"'):format(digest, data)
end

describe("a descriptor with its content", function()
  local server, img, config, layer, routes

  lazy_setup(function()
    server = faulty.start {}
    img = image.build { layers = { { random = 3000000 }, { ["etc/motd"] = "hello\n" },
      { random = 2000000 } } }
    config, layer = img.config, img.layers[2]
  end)
  lazy_teardown(function() server:stop() end)
  before_each(function()
    server:forget()
    routes = served.routes(img)
    routes[served.blob(config)], routes[served.blob(layer)] = nil, nil
  end)

  -- Serves the image with these data in place of two blobs.
  local function serve(config_data, layer_data)
    local changes = {}
    local from, to = with_data(config.digest, config_data)
    changes[from] = to
    from, to = with_data(layer.digest, layer_data)
    changes[from] = to
    routes[served.manifest()] = served.document(served.changed(img.oci, changes))
    server:set(routes)
  end

  local function words(...)
    return { "--registry", server:url(), "demo/app", "v1", ... }
  end

  it("is not asked for", function()
    serve(encode(config.bytes), encode(tmp.read(layer.file)))
    assert.equal(config.bytes, program.check("hocker-config", words()))
    for _, request in ipairs(server:requests()) do assert.not_matches("/blobs/", request.path) end
  end)

  it("is in every form of an archive what it would be from the registry", function()
    local forms = { {}, { "--layers", "compressed" }, { "--format", "oci-archive" } }
    for _, form in ipairs(forms) do
      for _, out in ipairs { tmp.path("a.tar"), "-" } do
        local list = words("--out", out, table.unpack(form))
        serve(encode(config.bytes), encode(tmp.read(layer.file)))
        local path = out
        local got = program.check("hocker-image", list)
        if out == "-" then path = tmp.file(got, "b.tar") end
        assert.not_matches(layer.digest:sub(8), table.concat((function()
          local paths = {}
          for i, request in ipairs(server:requests()) do paths[i] = request.path end
          return paths
        end)(), " "), 1, true)
        local names = process.check { "tar", "-tf", path }
        local name = form[1] == nil and layer.diff_id:sub(8) .. ".tar"
          or form[1] == "--layers" and layer.digest:sub(8) .. ".tar.gz"
          or "blobs/sha256/" .. layer.digest:sub(8)
        assert.matches(name, names, 1, true)
        assert.equal(tmp.read(form[1] == nil and layer.tar or layer.file),
          process.check { "tar", "-xOf", path, name })
      end
    end
  end)

  it("is in a directory too", function()
    serve(encode(config.bytes), encode(tmp.read(layer.file)))
    local path = tmp.path("layout")
    program.check("hocker-image", words("--format", "oci", "--out", path))
    assert.equal(layer.digest,
      image.digest_of_file(path .. "/blobs/sha256/" .. layer.digest:sub(8)))
  end)

  it("must be what the descriptor promises", function()
    local good, blob = encode(config.bytes), tmp.read(layer.file)
    local wrong = {
      { encode(config.bytes .. " "), encode(blob), 5, "config " },
      { encode((config.bytes:gsub("linux", "linuz"))), encode(blob), 5, "config " },
      { "no base 64", encode(blob), 1, "'data' is not base 64" },
      { "", encode(blob), 5, "config " },
      { good, encode(blob:sub(1, -2)), 5, "layer " },
      { good, encode(blob:sub(1, -2) .. "x"), 5, "layer " },
      { good, "e30", 1, "'data' is not base 64" },
    }
    for _, case in ipairs(wrong) do
      serve(case[1], case[2])
      for _, form in ipairs { "docker-archive", "oci-archive", "oci" } do
        local path = tmp.path("a.tar")
        local line = program.refuses(case[3], "hocker-image",
          words("--format", form, "--out", path))
        assert.matches(case[4], line, 1, true)
        assert.is_false(tmp.exists(path))
      end
    end
  end)
end)
