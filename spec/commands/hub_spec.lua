local certs = require "support.certs"
local cjson = require "cjson"
local faulty = require "support.faulty"
local image = require "support.image"
local process = require "support.process"
local program = require "support.program"
local proxy = require "support.proxy"
local tmp = require "support.tmp"

-- A Docker Hub on this machine, by the names and the rules of the real one: whoever has no token
-- is sent to auth.docker.io.
describe("Docker Hub", function()
  local ca = certs.shared()
  local img, hub, way

  local function guarded(scope, reply)
    reply.when = { authorization = "^Bearer a%-token$" }
    return { reply, { status = 401, headers = { ["WWW-Authenticate"] =
      ('Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="%s"')
      :format(scope) } } }
  end

  local function repository(routes, path)
    local scope = ("repository:%s:pull"):format(path)
    local root = "/v2/" .. path
    local media = { ["Content-Type"] = img.v2s2.media_type }
    for _, reference in ipairs { "jessie", "latest", img.v2s2.digest } do
      routes[root .. "/manifests/" .. reference] = guarded(scope,
        { body = img.v2s2.bytes, headers = media })
    end
    routes[root .. "/blobs/" .. img.config.digest] = guarded(scope, { file = img.config.file })
    for _, layer in ipairs(img.layers) do
      routes[root .. "/blobs/" .. layer.digest] = guarded(scope,
        { file = layer.file, range = true })
    end
  end

  lazy_setup(function()
    img = image.build()
    local routes = { ["/token"] = { body = '{"token":"a-token","expires_in":300}' } }
    repository(routes, "library/debian")
    repository(routes, "bitnami/nginx")
    hub = faulty.start { routes = routes,
      tls = ca:server { "DNS:registry-1.docker.io", "DNS:auth.docker.io" } }
    way = proxy.start { ["registry-1.docker.io:443"] = hub.port, ["auth.docker.io:443"] = hub.port }
  end)
  lazy_teardown(function()
    way:stop()
    hub:stop()
  end)
  before_each(function() hub:forget() end)

  local function words(...) return { "--cacert", ca.cert, ... } end

  local function token_requests()
    local list = {}
    for _, request in ipairs(hub:requests()) do
      if request.headers.host == "auth.docker.io" then
        list[#list + 1] = request
      end
    end
    return list
  end

  describe("is where hocker-manifest looks for", function()
    -- words, the path there
    local names = {
      { { "debian", "jessie" }, "library/debian" },
      { { "library/debian", "jessie" }, "library/debian" },
      { { "debian:jessie" }, "library/debian" },
      { { "debian" }, "library/debian" },
      { { "docker.io/debian:jessie" }, "library/debian" },
      { { "index.docker.io/library/debian", "jessie" }, "library/debian" },
      { { "debian", "jessie", "--registry=https://registry-1.docker.io/v2/" }, "library/debian" },
      { { "debian", "jessie", "--registry=https://registry-1.docker.io" }, "library/debian" },
      { { "bitnami/nginx:latest" }, "bitnami/nginx" },
    }
    for _, case in ipairs(names) do
      it(table.concat(case[1], " "), function()
        assert.equal(img.v2s2.bytes, program.check("hocker-manifest",
          words(table.unpack(case[1])), { env = way:env() }))
        local asked = token_requests()
        assert.equal(1, #asked)
        assert.matches("service=registry.docker.io", asked[1].query, 1, true)
        assert.matches("scope=repository%%3A" .. case[2]:gsub("/", "%%%%2F") .. "%%3Apull",
          asked[1].query)
        assert.is_nil(asked[1].headers.authorization)
      end)
    end
  end)

  it("gives a whole image for one token", function()
    local path = tmp.path()
    program.check("hocker-image", words("debian:jessie", "--out", path), { env = way:env() })
    assert.equal(1, #token_requests())
  end)

  describe("gives hocker-image's archive the name", function()
    for _, case in ipairs {
      { { "library/debian", "jessie" }, "registry-1.docker.io/v2/library/debian:jessie" },
      { { "debian", "jessie" }, "registry-1.docker.io/v2/library/debian:jessie" },
      { { "debian:jessie" }, "docker.io/library/debian:jessie" },
      { { "docker.io/bitnami/nginx:latest" }, "docker.io/bitnami/nginx:latest" },
    } do
      it(case[2] .. " for " .. table.concat(case[1], " "), function()
        local path = tmp.path()
        program.check("hocker-image", words("--out", path, table.unpack(case[1])),
          { env = way:env() })
        local list = cjson.decode(process.check { "tar", "-xOf", path, "manifest.json" })
        assert.same({ case[2] }, list[1].RepoTags)
      end)
    end
  end)

  it("sends user name and password to auth.docker.io only", function()
    program.check("hocker-manifest", words("debian", "jessie", "-u", "alice", "-p", "s3cret"),
      { env = way:env() })
    local asked = token_requests()
    assert.equal("Basic YWxpY2U6czNjcmV0", asked[1].headers.authorization)
    assert.matches("account=alice", asked[1].query, 1, true)
    for _, request in ipairs(hub:requests()) do
      if request.headers.host ~= "auth.docker.io" then
        assert.not_matches("Basic", request.headers.authorization or "")
      end
    end
  end)
end)
