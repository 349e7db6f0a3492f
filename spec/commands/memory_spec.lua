local image = require "support.image"
local lfs = require "lfs"
local nginx = require "support.nginx"
local process = require "support.process"
local program = require "support.program"
local served = require "support.served"
local tmp = require "support.tmp"

-- An instrumented program is slow, and large by itself: it is only to get through.
local MB = program.sanitized and 1 << 15 or 1 << 20
local LIMIT = program.sanitized and 4 << 20 or 36 << 10 -- KiB

-- Layers that are made in little time. Their content is no tar: nothing here looks into it.
local function random(size)
  return ("openssl enc -aes-128-ctr -nosalt -iv 00 -K 01 </dev/zero 2>/dev/null | head -c %d")
    :format(size)
end

local function bash(line, path)
  return process.check { "bash", "-c", line, path }
end

-- A layer whose content is what one command prints, and which is stored as another prints it.
local function layer(content, stored, kind)
  local path = tmp.path("layer")
  bash(stored .. ' >"$0"', path)
  return { path = path, kind = kind, size = lfs.attributes(path, "size"),
    digest = image.digest_of_file(path), diff_id = "sha256:" .. bash(content .. " | sha256sum")
    :match("^%x+") }
end

-- What does not compress, as gzip: one member again and again.
local function gzip_of_random(size)
  local piece, member = tmp.path(), tmp.path()
  bash(random(size // 32) .. ' >"$0"', piece)
  bash(('gzip -1nc %s >"$0"'):format(piece), member)
  local made = layer(("{ for i in {1..32}; do cat %s; done; }"):format(piece),
    ("{ for i in {1..32}; do cat %s; done; }"):format(member), "gzip")
  os.remove(piece)
  os.remove(member)
  return made
end

-- The same as zstd, whose size is not known before the end, with a window of so many bits.
local function zstd_of_random(size, window)
  return layer(random(size), ("%s | zstd -q1c --zstd=wlog=%d"):format(random(size), window or 19),
    "zstd")
end

-- What unpacks to a thousand times as much.
local function gzip_of_zeros(size)
  local zeros = ("head -c %d /dev/zero"):format(size)
  return layer(zeros, zeros .. " | gzip -1nc", "gzip")
end

describe("memory stays below 36 MiB for", function()
  local front, root

  lazy_setup(function()
    root = tmp.dir()
    process.check { "mkdir", "-p", root .. "/v2/demo/app/manifests", root .. "/v2/demo/app/blobs" }
    front = nginx.start { server = ("root %s;"):format(root) }
  end)
  lazy_teardown(function()
    front:stop()
    process.check { "rm", "-rf", root }
  end)

  -- Serves an image of these layers, which are moved there.
  local function serve(layers)
    local list, diff_ids = {}, {}
    for i, one in ipairs(layers) do
      list[i] = ('{"mediaType":"application/vnd.oci.image.layer.v1.tar+%s","size":%d,' ..
        '"digest":"%s"}'):format(one.kind, one.size, one.digest)
      diff_ids[i] = ('"%s"'):format(one.diff_id)
      process.check { "mv", one.path, root .. served.blob(one) }
    end
    local config = ('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers",' ..
      '"diff_ids":[%s]}}'):format(table.concat(diff_ids, ","))
    local digest = image.digest(config)
    tmp.write(root .. served.blob(digest), config)
    tmp.write(root .. served.manifest(), ('{"schemaVersion":2,"config":{"mediaType":' ..
      '"application/vnd.oci.image.config.v1+json","size":%d,"digest":"%s"},"layers":[%s]}')
      :format(#config, digest, table.concat(list, ",")))
  end

  -- Runs a program, checks its peak and returns the path of its output.
  local function fetch(name, ...)
    local peak, path = tmp.path("peak"), tmp.path("out")
    local argv, opts = program.command(name, { "--registry", front:url(), "demo/app", "v1",
      "--out", path, ... }, { timeout = 600 })
    local result = process.run(table.move(argv, 1, #argv, 6,
      { "time", "-f", "%M", "-o", peak }), opts)
    assert.equal(0, result.code, result.stderr)
    local kib = tonumber(tmp.read(peak):match("(%d+)\n$"))
    assert.is_true(kib < LIMIT, ("%s took %d KiB at most"):format(name, kib))
    return path
  end

  it("a layer of a gigabyte, as stored and in an image with others", function()
    local big = gzip_of_random(1056 * MB)
    assert.is_true(program.sanitized or big.size >= 1 << 30)
    serve { big, zstd_of_random(128 * MB), gzip_of_zeros(256 * MB) }
    local path = fetch("hocker-layer", "--layer", big.digest)
    assert.equal(big.digest, image.digest_of_file(path))
    os.remove(path)
    path = fetch("hocker-image")
    assert.is_true(lfs.attributes(path, "size") > (1056 + 128 + 256) * MB)
    os.remove(path)
    os.remove(fetch("hocker-image", "--layers", "compressed"))
  end)

  it("zstd with large windows, few at the same time", function()
    local layers = {}
    for i = 1, 8 do layers[i] = zstd_of_random(10 * MB + i, 23) end
    serve(layers)
    for _, jobs in ipairs { "1", "6", "64" } do
      os.remove(fetch("hocker-image", "--jobs", jobs))
    end
    os.remove(fetch("hocker-image", "--jobs", "64", "--format", "oci-archive"))
  end)

  it("many layers at the same time", function()
    local layers = {}
    for i = 1, 12 do
      local size = 8 * MB + i
      layers[i] = layer(random(size), random(size) .. " | gzip -1nc", "gzip")
    end
    serve(layers)
    os.remove(fetch("hocker-image", "--jobs", "12"))
  end)
end)
