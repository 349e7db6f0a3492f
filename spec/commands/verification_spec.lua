local faulty = require "support.faulty"
local image = require "support.image"
local lfs = require "lfs"
local process = require "support.process"
local program = require "support.program"
local served = require "support.served"
local tmp = require "support.tmp"

local A = "sha256:" .. ("a"):rep(64)

describe("verification", function()
  local img, layer, server

  lazy_setup(function()
    img = image.build { layers = { { ["etc/motd"] = "hello\n" }, { random = 150000 } } }
    layer = img.layers[2]
    server = faulty.start {}
  end)
  lazy_teardown(function() server:stop() end)

  local function words(...) return { "--registry", server:url(), "demo/app", "v1", ... } end

  local function commands(name, ...)
    if name == "hocker-layer" then return words("--layer", layer.digest, ...) end
    return words(...)
  end

  -- Runs a program that has to find fault, in a directory of nothing, in one where the output
  -- exists already, and to standard output. Nothing unverified may be seen in any.
  local function finds(name, pattern, ...)
    for _, before in ipairs { {}, { ["out"] = "what was there before" } } do
      local dir = tmp.dir()
      for file, content in pairs(before) do
        tmp.write(dir .. "/" .. file, content)
      end
      local line = program.refuses(5, name, commands(name, "--out", dir .. "/out", ...))
      assert.matches(pattern, line, 1, true)
      assert.same(before.out and { "out" } or {}, tmp.list(dir))
      if before.out then assert.equal(before.out, tmp.read(dir .. "/out")) end
    end
    local path = tmp.path()
    local result = program.run(name, commands(name, "--out", "-", ...), { stdout = path })
    assert.equal(5, result.code, result.stderr)
    program.line(result, name)
    -- An archive whose sizes are certain goes out as it comes: what is seen of it must be in two.
    if lfs.attributes(path, "size") > 0 then
      assert.same({ "hocker-image", "--layers=compressed" }, { name, ... })
      assert.equal(2, process.run({ "tar", "-tf", path }).code)
    end
  end

  -- A blob in the place of another: its descriptor is right, its content is up to the caller.
  local function replace(routes, old, content)
    local digest = image.digest(content)
    routes[served.blob(digest)] = { body = content }
    routes[served.manifest()] = served.document(served.changed(img.oci, {
      [('"size": %d,\n         "digest": "%s"'):format(old.size, old.digest)] =
        ('"size": %d,\n         "digest": "%s"'):format(#content, digest) }))
  end

  local function with_config(routes, from, to)
    local config = served.changed({ bytes = img.config.bytes }, { [from] = to })
    routes[served.blob(config)] = { body = config.bytes }
    routes[served.manifest()] = served.document(served.changed(img.oci, {
      [('"size": %d,\n      "digest": "%s"'):format(img.config.size, img.config.digest)] =
        ('"size": %d,\n      "digest": "%s"'):format(#config.bytes, config.digest) }))
  end

  -- The second layer's blob as a registry might send it wrongly.
  local blobs = {
    ["with a wrong byte"] = function(reply) reply.flip = 70000 end,
    ["with a wrong first byte"] = function(reply) reply.flip = 0 end,
    ["with a wrong last byte"] = function(reply) reply.flip = layer.size - 1 end,
    ["that is one byte longer"] = function(reply)
      reply.file, reply.body = nil, tmp.read(layer.file) .. "\0"
    end,
    ["that is one byte shorter"] = function(reply)
      reply.file, reply.body = nil, tmp.read(layer.file):sub(1, -2)
    end,
    ["that is empty"] = function(reply) reply.file, reply.body = nil, "" end,
    ["that is another blob"] = function(reply) reply.file = img.layers[1].file end,
    ["that is not compressed"] = function(reply) reply.file = layer.tar end,
    ["of no stated length that ends early"] = function(reply)
      reply.range, reply.length = nil, false
      reply.file, reply.body = nil, tmp.read(layer.file):sub(1, 80000)
    end,
    ["with a wrong byte, in chunks"] = function(reply) reply.chunked, reply.flip = true, 70000 end,
  }
  for what, spoil in pairs(blobs) do
    it("finds a layer " .. what, function()
      local routes = served.routes(img)
      spoil(routes[served.blob(layer)])
      server:set(routes)
      finds("hocker-layer", layer.digest)
      finds("hocker-image", layer.digest)
      finds("hocker-image", layer.digest, "--layers=compressed")
    end)
  end

  local function gzip(path)
    return process.check { "gzip", "-nc", path }
  end

  -- Layers that are what their descriptor says, but no such content.
  local contents = {
    ["cut short"] = function(bytes) return bytes:sub(1, -1000) end,
    ["cut in its trailer"] = function(bytes) return bytes:sub(1, -2) end,
    ["cut in its header"] = function(bytes) return bytes:sub(1, 5) end,
    ["with a wrong checksum"] = function(bytes)
      return bytes:sub(1, -9) .. ("\0"):rep(4) .. bytes:sub(-4)
    end,
    ["with garbage behind it"] = function(bytes) return bytes .. "garbage" end,
    ["with half another member behind it"] = function(bytes) return bytes .. bytes:sub(1, 50) end,
    ["damaged inside"] = function(bytes)
      return bytes:sub(1, 60000) .. ("\255"):rep(9) .. bytes:sub(60010)
    end,
    ["of another file"] = function() return gzip(img.layers[1].tar) end,
    ["of nothing"] = function() return gzip("/dev/null") end,
  }
  for what, make in pairs(contents) do
    it("finds gzip " .. what .. ", whose digest is right", function()
      local routes = served.routes(img)
      replace(routes, layer, make(tmp.read(layer.file)))
      server:set(routes)
      finds("hocker-image", "layer")
      finds("hocker-image", "layer", "--layers=compressed")
    end)
  end

  it("finds zstd that is cut short", function()
    local routes = served.routes(img)
    replace(routes, layer, process.check({ "zstd", "-qc", layer.tar }):sub(1, -500))
    server:set(routes)
    finds("hocker-image", "zstd")
  end)

  -- Documents: a change to the routes, and a part of the message.
  local documents = {
    ["a layer whose content is not what the configuration says"] = { function(routes)
      with_config(routes, layer.diff_id, A)
    end, A },
    ["a configuration of more layers"] = { function(routes)
      with_config(routes, '"diff_ids":[', '"diff_ids":["' .. A .. '",')
    end, "diff_ids" },
    ["a configuration of fewer layers"] = { function(routes)
      with_config(routes, ('"%s",'):format(img.layers[1].diff_id), "")
    end, "diff_ids" },
    ["a configuration with a diffID that is no digest"] = { function(routes)
      with_config(routes, layer.diff_id, "sha256:../../../etc/passwd")
    end, "diff_id 2" },
    ["layers in another order than the configuration's"] = { function(routes)
      local first, second = img.layers[1].diff_id, layer.diff_id
      with_config(routes, ('"%s","%s"'):format(first, second), ('"%s","%s"'):format(second, first))
    end, "digest" },
    ["a size of a layer that is too small"] = { function(routes)
      routes[served.manifest()] = served.document(served.changed(img.oci,
        { ['"size": ' .. layer.size] = '"size": ' .. layer.size - 1 }))
    end, "sha256:" },
    ["a size of a layer that is too large"] = { function(routes)
      routes[served.manifest()] = served.document(served.changed(img.oci,
        { ['"size": ' .. layer.size] = '"size": ' .. layer.size + 1 }))
    end, "sha256:" },
    ["a layer that leads elsewhere"] = { function(routes)
      routes[served.manifest()] = served.document(served.changed(img.oci,
        { [layer.digest] = "sha256:../../../../etc/passwd" }))
    end, "layer 2" },
    ["two documents in one"] = { function(routes)
      routes[served.manifest()] = served.document(served.changed(img.oci,
        { ['"layers"'] = '"manifests": [], "layers"' }))
    end, "kind" },
  }
  for what, case in pairs(documents) do
    it("finds " .. what, function()
      local routes = served.routes(img)
      case[1](routes)
      server:set(routes)
      finds("hocker-image", case[2])
    end)
  end

  -- The same, for every program that reads a configuration.
  local configs = {
    ["with a wrong byte"] = function(reply) reply.flip = 20 end,
    ["that is longer"] = function(reply) reply.body = reply.body .. " " end,
    ["that is shorter"] = function(reply) reply.body = reply.body:sub(1, -2) end,
    ["that is empty"] = function(reply) reply.body = "" end,
    ["that is another"] = function(reply) reply.body = reply.body:gsub("linux", "minix") end,
  }
  for what, spoil in pairs(configs) do
    it("finds a configuration " .. what, function()
      local routes = served.routes(img)
      spoil(routes[served.blob(img.config)])
      server:set(routes)
      finds("hocker-config", img.config.digest)
      finds("hocker-image", img.config.digest)
    end)
  end

  -- A change to the manifest's reply, for every program that reads one.
  local manifests = {
    ["that is not what Docker-Content-Digest says"] = function(reply)
      reply.headers["Docker-Content-Digest"] = A
    end,
    ["whose Docker-Content-Digest is no digest"] = function(reply)
      reply.headers["Docker-Content-Digest"] = "sha256:\27[31mred"
    end,
    ["that was sent as another kind of document"] = function(reply)
      reply.headers["Content-Type"] = "application/vnd.oci.image.index.v1+json"
    end,
    ["with one kind of name and another of fields"] = function(reply)
      reply.body = reply.body:gsub("image%.manifest", "image.index", 1)
      reply.headers["Content-Type"] = "application/json"
    end,
  }
  for what, spoil in pairs(manifests) do
    it("finds a manifest " .. what, function()
      local routes = served.routes(img)
      spoil(routes[served.manifest()])
      server:set(routes)
      finds("hocker-manifest", "manifest")
      finds("hocker-config", "manifest")
      finds("hocker-image", "manifest")
    end)
  end

  it("takes a Docker-Content-Digest that is right", function()
    local routes = served.routes(img)
    routes[served.manifest()].headers["Docker-Content-Digest"] = img.oci.digest
    server:set(routes)
    assert.equal(img.oci.bytes, program.check("hocker-manifest", words()))
  end)

  it("finds a manifest that is not the one of the digest", function()
    local routes = served.routes(img)
    routes[served.manifest(A)] = served.document(img.oci)
    server:set(routes)
    for _, name in ipairs { "hocker-manifest", "hocker-config", "hocker-image" } do
      local dir = tmp.dir()
      local line = program.refuses(5, name, { "--registry", server:url(), "demo/app", A, "--out",
        dir .. "/out" })
      assert.matches(A, line, 1, true)
      assert.matches(img.oci.digest, line, 1, true)
      assert.same({}, tmp.list(dir))
    end
  end)

  it("finds a manifest that is not the one of its index", function()
    local other = image.build { layers = { { other = "1" } } }
    local routes = served.routes(img)
    routes[served.manifest()] = served.document(image.index { img })
    routes[served.manifest(img.oci.digest)] = served.document(other.oci)
    server:set(routes)
    finds("hocker-manifest", img.oci.digest)
    finds("hocker-image", img.oci.digest)
  end)

  it("stops the other layers at the first fault", function()
    local many = {}
    for i = 1, 4 do
      many[i] = { random = 100000 + i }
    end
    local slow = image.build { layers = many }
    local routes = served.routes(slow)
    routes[served.blob(slow.layers[1])].flip = 10
    for i = 2, 4 do
      routes[served.blob(slow.layers[i])].stall = 50000
    end
    server:set(routes)
    local dir = tmp.dir()
    program.refuses(5, "hocker-image", words("--out", dir .. "/out", "--jobs=4"), { timeout = 20 })
    assert.same({}, tmp.list(dir))
  end)
end)
