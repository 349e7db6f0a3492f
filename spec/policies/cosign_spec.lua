--- The policy cosign, with keys and signatures of the openssl program, in a real registry.

local image = require "support.image"
local policy = require "hocker.policy"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local signer = require "support.signer"
local support = require "support.scripts"
local tmp = require "support.tmp"

describe("the policy cosign", function()
  local reg, key, count

  setup(function()
    reg = registry.start()
    key = signer.new "ecdsa"
    count = 0
  end)
  teardown(function() reg:stop() end)

  --- A new image: its name, and its manifest.
  local function push()
    count = count + 1
    local img = image.build { layers = { { n = tostring(count) } } }
    local path = "demo/app" .. count
    return path, img, img:push(reg, path, "v1")
  end

  local function words(path, by, ...)
    return { ("%s/%s:v1"):format(reg:host(), path), "--policy", "cosign:key=" .. by.path, ... }
  end

  local function accepts(path, by)
    program.check("hocker-image", words(path, by or key, "--out", tmp.path("image")))
  end

  local function refuses(path, why, by)
    local out = tmp.path("image")
    local line = program.refuses(8, "hocker-image", words(path, by or key, "--out", out))
    assert.matches(why, line, 1, true)
    assert.is_false(tmp.exists(out))
    program.refuses(8, "hocker-manifest", words(path, by or key))
  end

  for _, kind in ipairs(signer.kinds) do
    it("accepts a signature of " .. kind, function()
      local by = signer.new(kind)
      local path, _, made = push()
      by:push(reg, path, made.digest)
      accepts(path, by)
      refuses(path, "is by the key", signer.new(kind))
    end)
  end

  it("refuses an image without a signature", function()
    local path, _, made = push()
    refuses(path, made.digest .. " is not signed")
  end)

  it("refuses the signature of another image", function()
    local path, _, made = push()
    key:push(reg, path, made.digest, { payload = signer.payload("sha256:" .. ("a"):rep(64)) })
    refuses(path, "no signature of " .. made.digest .. " is by the key")
  end)

  it("refuses a signature of other bytes, and what is none", function()
    for _, signature in ipairs { key:sign("other"), "", "nonsense", ("x"):rep(5000) } do
      local path, _, made = push()
      key:push(reg, path, made.digest, { signature = signature })
      refuses(path, "is by the key")
    end
  end)

  it("refuses what was signed for another purpose, or is no payload", function()
    local path, _, made = push()
    for _, payload in ipairs { signer.payload(made.digest):gsub("cosign container", "another"),
      made.digest, "[]", "{", '{"critical":1}', '{"critical":{"image":1}}',
      '{"critical":{"image":{"docker-manifest-digest":{}}}}' } do
      key:push(reg, path, made.digest, { payload = payload })
      refuses(path, "is by the key")
    end
  end)

  it("accepts if one of several signatures is good", function()
    local path, _, made = push()
    key:push(reg, path, made.digest, { payloads = { "{}", signer.payload(made.digest) } })
    accepts(path)
  end)

  -- What a server says of one signature does not count for the others.
  it("accepts if one is good, though others can't be had", function()
    local path, _, made = push()
    key:push(reg, path, made.digest, { payloads = { "{}", signer.payload(made.digest) } })
    local lost = image.digest("{}"):sub(8)
    os.remove(("%s/docker/registry/v2/blobs/sha256/%s/%s/data"):format(reg.root, lost:sub(1, 2),
      lost))
    accepts(path)
  end)

  it("can be there twice, for two keys that have to sign", function()
    local path, _, made = push()
    local other = signer.new "ed25519"
    local list = words(path, key, "--policy", "cosign:key=" .. other.path)
    key:push(reg, path, made.digest)
    program.refuses(8, "hocker-config", list)
    other:push(reg, path, made.digest)
    program.refuses(8, "hocker-config", list)
    other:push(reg, path, made.digest, { more = key })
    program.check("hocker-config", list)
  end)

  it("accepts if one of several keys has signed", function()
    local path, _, made = push()
    key:push(reg, path, made.digest)
    program.check("hocker-manifest", { ("%s/%s:v1"):format(reg:host(), path), "--policy",
      ("cosign:key=%s,key=%s"):format(signer.new("rsa").path, key.path) })
  end)

  it("lets an index answer for its manifests, and not the other way round", function()
    local img = image.build { layers = { { n = "index" } } }
    img:upload(reg, "demo/multi", nil, { format = "oci" })
    local index = image.index { img }
    image.put_manifest(reg, "demo/multi", "v1", index)
    key:push(reg, "demo/multi", img.oci.digest)
    refuses("demo/multi", index.digest .. " is not signed")
    key:push(reg, "demo/multi", index.digest)
    accepts("demo/multi")
    program.check("hocker-manifest", { ("%s/demo/multi@%s"):format(reg:host(), img.oci.digest),
      "--policy", "cosign:key=" .. key.path })
  end)

  it("refuses blobs that no signed manifest names", function()
    local path, img, made = push()
    key:push(reg, path, made.digest)
    local out = tmp.path("layer")
    assert.matches("is of no signed manifest", program.refuses(8, "hocker-layer",
      words(path, key, "--layer", img.layers[1].digest, "--out", out)))
    assert.is_false(tmp.exists(out))
    program.refuses(8, "hocker-config", words(path, key, "--digest", img.config.digest))
    program.check("hocker-config", words(path, key))
  end)

  it("has its signatures judged by the other policies", function()
    local path, _, made = push()
    key:push(reg, path, made.digest)
    local log = tmp.path("log")
    program.check("hocker-manifest", words(path, key, "--policy", "audit:file=" .. log))
    assert.matches(made.digest:gsub(":", "-") .. ".sig", tmp.read(log), 1, true)
  end)

  it("tells that a registry can't be asked for signatures", function()
    local path, _, made = push()
    key:push(reg, path, made.digest)
    local refuse = tmp.file([[local policy = require "hocker.policy"
      return { request = function(r)
        if r.url:find("%.sig$") then return policy.refuse "no signatures today" end
      end }]], "p.lua")
    assert.matches("no signatures today",
      program.refuses(8, "hocker-manifest", words(path, key, "--policy", refuse)))
  end)

  it("needs a key that can be used", function()
    local open = support.folder { ["k.pub"] = key.public } .. "/k.pub"
    process.check { "chmod", "o+w", open }
    local small = tmp.file("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "k")
    for _, case in ipairs { { {}, "it needs 'key'" },
      { { key = "/none" }, "there is no /none", "io" },
      { { key = "cosign.pub" }, "parameter 'key' must be an absolute path" },
      { { key = open }, "can be written by", "refused" },
      { { key = small }, "the key is broken" },
      { { key = tmp.file(key.private, "k") }, "is not a public one" },
      { { keys = "x" }, "there is no parameter 'keys'; did you mean 'key'?" } } do
      case[1][1] = "cosign"
      local one, err = policy.load(case[1])
      assert.is_nil(one)
      assert.equal(case[3] or "usage", err.code)
      assert.matches(case[2], err.message, 1, true)
    end
  end)
end)
