local certs = require "support.certs"
local faulty = require "support.faulty"
local image = require "support.image"
local process = require "support.process"
local program = require "support.program"
local served = require "support.served"
local tmp = require "support.tmp"

describe("a foreign layer", function()
  local img, layer, server, other, routes

  lazy_setup(function()
    img = image.build { layers = { { a = "1" }, { random = 100000 } } }
    layer = img.layers[2]
    server, other = faulty.start {}, faulty.start {}
  end)
  lazy_teardown(function()
    server:stop()
    other:stop()
  end)
  before_each(function()
    server:forget()
    other:forget()
    routes = served.routes(img)
    other:set { ["/layer"] = { file = layer.file, range = true } }
  end)

  -- Serves the image without its layer, which is said to be at some urls.
  local function serve(...)
    local urls = '"' .. table.concat({ ... }, '","') .. '"'
    local from = ('"digest": "%s"'):format(layer.digest)
    local changed = served.changed(img.oci, { [from] = from .. ', "urls": [' .. urls .. "]" })
    routes[served.manifest()] = served.document(changed)
    routes[served.blob(layer)] = nil
    server:set(routes)
  end

  local function words(...)
    return { "--registry", server:url(), "demo/app", "v1", "--retries", "0", "--out",
      tmp.path("a.tar"), ... }
  end

  it("is fetched from its url when it is asked for, without credentials", function()
    for _, form in ipairs { "docker-archive", "oci-archive" } do
      serve(other:url() .. "/layer")
      local list = words("--foreign-layers", "--format", form, "-u", "me", "-p", "secret")
      local path = program.check("hocker-image", list):sub(1, -2)
      local name = form == "docker-archive" and layer.diff_id:sub(8) .. ".tar"
        or "blobs/sha256/" .. layer.digest:sub(8)
      assert.equal(tmp.read(form == "docker-archive" and layer.tar or layer.file),
        process.check { "tar", "-xOf", path, name })
      assert.is_true(#other:requests() > 0)
      for _, request in ipairs(other:requests()) do
        assert.is_nil(request.headers.authorization)
      end
    end
  end)

  it("is fetched from no other url than one that a policy refuses", function()
    local refuse = [[return { request = function(r)
      if r.url:find(%q, 1, true) then return require("hocker.policy").refuse "not that one" end
    end }]]
    for _, what in ipairs { "/first", "/blobs/" .. layer.digest } do
      serve(other:url() .. "/first", other:url() .. "/layer")
      assert.matches("policy '[^']*': not that one$", program.refuses(8, "hocker-image",
        words("--foreign-layers", "--policy", tmp.file(refuse:format(what), "p.lua"))))
      assert.same({}, other:requests())
    end
  end)

  it("is fetched from the first url that has it", function()
    serve("ftp://127.0.0.1/x", other:url() .. "/none", other:url() .. "/layer",
      other:url() .. "/never")
    program.check("hocker-image", words("--foreign-layers"))
    for _, request in ipairs(other:requests()) do assert.not_equal("/never", request.path) end
  end)

  it("is fetched from the registry where that has it", function()
    serve(other:url() .. "/layer")
    routes[served.blob(layer)] = { file = layer.file, range = true }
    server:set(routes)
    program.check("hocker-image", words("--foreign-layers"))
    program.check("hocker-image", words())
    assert.equal(0, #other:requests())
  end)

  it("is not asked for elsewhere without the option, which is named", function()
    serve(other:url() .. "/layer")
    local line = program.refuses(3, "hocker-image", words())
    assert.matches("it is a foreign layer", line, 1, true)
    assert.matches("--foreign-layers", line, 1, true)
    assert.equal(0, #other:requests())
  end)

  it("is verified as any, and a challenge is not answered", function()
    local cases = {
      { { file = layer.file, flip = 50 }, 5, "layer " .. layer.digest },
      { { body = "short" }, 5, "layer " .. layer.digest },
      { { status = 404 }, 3, "a foreign layer: " },
      { { status = 401, headers = { ["WWW-Authenticate"] = 'Basic realm="x"' } }, 4,
        "a foreign layer: " },
    }
    for _, case in ipairs(cases) do
      serve(other:url() .. "/layer")
      other:set { ["/layer"] = case[1] }
      other:forget()
      local list = words("--foreign-layers", "-u", "me", "-p", "secret")
      assert.matches(case[3], program.refuses(case[2], "hocker-image", list), 1, true)
      assert.is_false(tmp.exists(list[8]))
      assert.equal(1, #other:requests())
    end
  end)

  it("of an https registry is not fetched by plain http", function()
    local authority = certs.authority()
    local secure = faulty.start { tls = authority:server() }
    finally(function() secure:stop() end)
    serve(other:url() .. "/layer", "https://me:secret@127.0.0.1/layer", "nonsense", "")
    secure:set(routes)
    local list = words("--foreign-layers", "--cacert", authority.cert)
    list[2] = secure:url()
    local line = program.refuses(8, "hocker-image", list)
    assert.matches("none of its urls is https", line, 1, true)
    assert.equal(0, #other:requests())
  end)
end)
