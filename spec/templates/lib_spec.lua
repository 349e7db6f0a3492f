local cjson = require "cjson"
local clients = require "support.clients"
local image = require "support.image"
local jessie = require "support.jessie"
local nixlib = require "support.nixlib"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local tmp = require "support.tmp"

local HEX = "cd0a524342efac6edff500c17e625735bbe479c926439b263bbe3c8518a0849c"
local NIX32 = "1744l0c8ag5y7ck9nhr6r5wy9frmaxi7xh80ypgnxb7g891m42nd"

local function hex(digest) return digest:match("%x+$") end

-- Every path that a store path refers to, and itself.
local function closure(nix, path)
  local result = nix:run { "nix-store", "--query", "--requisites", path }
  assert.equal(0, result.code, result.stderr)
  local list = {}
  for line in result.stdout:gmatch("[^\n]+") do list[#list + 1] = line end
  return list
end

local function layer_path(nix, path, layer)
  for _, one in ipairs(closure(nix, path)) do
    if one:find("docker-layer-" .. hex(layer.digest), 1, true) then return one end
  end
end

describe("the Nix library", function()
  local reg, docker

  lazy_setup(function()
    reg = registry.start()
    if clients.docker.available() then docker = clients.docker.start() end
  end)
  lazy_teardown(function()
    reg:stop()
    if docker then docker:stop() end
  end)

  -- Builds an image by docker2nix's expression; the result's path.
  local function build(nix, name, tag, opts, attribute)
    local file = nixlib.file(reg, name, tag, opts)
    return nix:build("--expr", nixlib.image(file) .. (attribute or ""))
  end

  local function loaded_id(path, name)
    clients.need(clients.docker)
    docker:load(path)
    return (docker:run({ "inspect", "--format={{.Id}}", name }).stdout:match("%S+"))
  end

  describe("builds what docker2nix prints, and docker loads it:", function()
    local two = { { ["etc/motd"] = "hello\n" }, { random = 50000 } }
    local cases = {
      { "a Docker image", { layers = two }, "v2s2" },
      { "an OCI image", { layers = two }, "oci" },
      { "layers of zstd", { layers = two, compression = "zstd" }, "oci" },
      { "layers that are not compressed", { layers = two, compression = "none" }, "oci" },
      { "no layer", { layers = {} }, "oci" },
      { "a layer that is there twice", { layers = { two[1], { a = "1" }, two[1] } }, "v2s2" },
    }
    for i, case in ipairs(cases) do
      it(case[1], function()
        clients.need(clients.nix)
        local nix, img = clients.nix.new(), image.build(case[2])
        local name = ("demo/case%d"):format(i)
        img:upload(reg, name, "v1", { format = case[3] })
        local result = build(nix, name, "v1")
        assert.same({ "compositeImage.sh" }, tmp.list(result))
        local path = nixlib.print(result .. "/compositeImage.sh")
        assert.equal(img.config.digest, loaded_id(path, reg:host() .. "/" .. name .. ":v1"))
      end)
    end

    it("an image for podman too", function()
      clients.need(clients.nix, clients.podman)
      local nix, img = clients.nix.new(), image.build { layers = two, compression = "zstd" }
      img:upload(reg, "demo/podman", "v1", { format = "oci" })
      local script = build(nix, "demo/podman", "v1") .. "/compositeImage.sh"
      local podman = clients.podman.new()
      podman:load(nixlib.print(script))
      local id = podman:run { "image", "inspect", "--format={{.Id}}",
        reg:host() .. "/demo/podman:v1" }
      assert.equal(hex(img.config.digest) .. "\n", id.stdout)
    end)

    it("one platform of an index", function()
      clients.need(clients.nix)
      local nix = clients.nix.new()
      local arm = image.build { architecture = "arm64", layers = { { arm = "1" } } }
      local amd = image.build { architecture = "amd64", layers = { { amd = "1" } } }
      arm:upload(reg, "demo/index", nil, { format = "oci" })
      amd:upload(reg, "demo/index", nil, { format = "oci" })
      image.put_manifest(reg, "demo/index", "v1", image.index { arm, amd })
      local result = build(nix, "demo/index", "v1", { platform = "linux/arm64" })
      assert.equal(arm.config.digest, loaded_id(nixlib.print(result .. "/compositeImage.sh"),
        reg:host() .. "/demo/index:v1"))
    end)

    it("several platforms in one expression", function()
      clients.need(clients.nix)
      local nix, images, ids = clients.nix.new(), {}, {}
      for i, architecture in ipairs { "amd64", "arm64" } do
        images[i] = image.build { architecture = architecture, layers = two }
        images[i]:upload(reg, "demo/multi", nil, { format = "oci" })
        ids[i] = images[i].config.digest
      end
      image.put_manifest(reg, "demo/multi", "v1", image.index(images))
      local text = program.check("docker2nix", { "--fetch", "--template", "multi", "--registry",
        reg:url(), "demo/multi", "v1" })
      local path = tmp.file(text, "multi.nix")
      for i, system in ipairs { "x86_64-linux", "aarch64-linux" } do
        local expr = ([[%s.call ({ fetchdocker, fetchDockerConfig, fetchDockerLayer }@these:
          import %s (these // { stdenv.hostPlatform.system = "%s"; }))]])
          :format(nixlib.library(), path, system)
        local script = nix:build("--expr", expr) .. "/compositeImage.sh"
        assert.equal(ids[i], loaded_id(nixlib.print(script), reg:host() .. "/demo/multi:v1"))
      end
    end)

    it("an image that is named by a reference, at a registry of this machine", function()
      clients.need(clients.nix)
      local nix, img = clients.nix.new(), image.build()
      img:upload(reg, "demo/local", "v1")
      for _, host in ipairs { reg:host(), reg:host("localhost") } do
        local words = { host .. "/demo/local:v1" }
        local text = program.check("docker2nix", words,
          { stdin = program.check("hocker-manifest", words) })
        local script = nix:build("--expr", nixlib.image(tmp.file(text, "image.nix")) .. ".stream")
        assert.equal(img.config.digest, loaded_id(nixlib.print(script),
          host .. "/v2/demo/local:v1"))
      end
    end)

    it("a name of three parts, and one of one part", function()
      clients.need(clients.nix)
      local nix, img = clients.nix.new(), image.build()
      img:upload(reg, "demo/of/three", "v1")
      img:upload(reg, "single", "v1")
      local result = build(nix, "demo/of/three", "v1")
      assert.equal(img.config.digest, loaded_id(nixlib.print(result .. "/compositeImage.sh"),
        reg:host() .. "/demo/of/three:v1"))
      local one = nix:build("--expr", ([[with %s; fetchdocker rec {
        name = "single"; registry = "%s/v2/"; repository = ""; imageName = "single"; tag = "v1";
        imageConfig = fetchDockerConfig { inherit registry repository imageName tag;
          hash = "sha256:%s"; };
        imageLayers = [ (fetchDockerLayer { inherit registry repository imageName;
          layerDigest = "%s"; }) ];
      }]]):format(nixlib.library(), reg:url(), hex(img.config.digest), img.layers[1].digest))
      assert.equal(img.config.digest, loaded_id(nixlib.print(one .. "/compositeImage.sh"),
        reg:host() .. "/v2/single:v1"))
    end)
  end)

  describe("with an image in the store", function()
    local nix, img, file, result

    lazy_setup(function()
      if not clients.nix.available() then return end
      nix = clients.nix.new()
      img = image.build { layers = { { ["etc/motd"] = "hello\n" }, { random = 50000 } } }
      img:upload(reg, "demo/app", "v1")
      file = nixlib.file(reg, "demo/app", "v1")
      result = nix:build("--expr", nixlib.image(file))
    end)

    local function test(name, body)
      it(name, function()
        clients.need(clients.nix)
        body()
      end)
    end

    test("keeps each blob as the registry has it, and nothing twice", function()
      local list = closure(nix, result)
      assert.equal(4, #list)
      for _, layer in ipairs(img.layers) do
        local path = layer_path(nix, result, layer)
        assert.equal("docker-layer-" .. hex(layer.digest) .. ".tar.gz", path:match("/%w+-([^/]*)$"))
        assert.equal(layer.digest, image.digest_of_file(path))
      end
      for _, path in ipairs(list) do
        if path:find("docker-config", 1, true) then
          assert.equal(img.config.digest, image.digest_of_file(path))
        end
      end
      assert.is_true(#tmp.read(result .. "/compositeImage.sh") < 4096)
    end)

    test("prints what hocker-image writes, byte for byte", function()
      local want = tmp.path("want.tar")
      program.check("hocker-image", { "--registry", reg:url(), "demo/app", "v1", "--out", want,
        "-q" })
      local digest = image.digest_of_file(want)
      assert.equal(digest, image.digest_of_file(nixlib.print(result .. "/compositeImage.sh")))
      local stream = nix:build("--expr", nixlib.image(file) .. ".stream")
      assert.equal(digest, image.digest_of_file(nixlib.print(stream)))
      local archive = nix:build("--expr", nixlib.image(file) .. ".archive")
      assert.equal(digest, image.digest_of_file(archive))
    end)

    test("builds the same again", function()
      local check = nix:run { "nix-build", "--no-out-link", "--check", "--expr",
        nixlib.image(file) }
      assert.equal(0, check.code, check.stderr)
    end)

    test("shares layers, whatever image, tag and registry they are of", function()
      local other = image.build { layers = { { ["etc/motd"] = "hello\n" }, { b = "other" } } }
      other:upload(reg, "else/where", "v2", { format = "oci" })
      local before = #reg:requests()
      local second = build(nix, "else/where", "v2")
      assert.equal(layer_path(nix, result, img.layers[1]),
        layer_path(nix, second, other.layers[1]))
      for i, request in ipairs(reg:requests()) do
        if i > before then assert.not_matches(hex(img.layers[1].digest), request.path, 1, true) end
      end
    end)

    test("names the image as it is told to", function()
      local function names(arguments)
        local expr = ("(%s.call ({ fetchdocker, fetchDockerConfig, fetchDockerLayer }: import %s {"
          .. " inherit fetchDockerConfig fetchDockerLayer;"
          .. " fetchdocker = a: fetchdocker (a // { %s }); })).stream")
          :format(nixlib.library(), file, arguments)
        local path = nixlib.print(nix:build("--expr", expr))
        local text = process.check { "tar", "-xOf", path, "manifest.json" }
        return cjson.decode(text)[1]
      end
      assert.same({ "a/b:1" }, names('image = "a/b:1";').RepoTags)
      assert.same({ "a/b:1", "c:2" }, names('repoTags = [ "a/b:1" "c:2" ];').RepoTags)
      assert.equal(cjson.null, names("image = null;").RepoTags)
      assert.equal(cjson.null, names(('tag = "%s";'):format(img.v2s2.digest)).RepoTags)
      assert.equal(hex(img.layers[1].digest) .. ".tar.gz", names("compressed = true;").Layers[1])
    end)

    test("fetches the configuration when the tag has moved on", function()
      local moved = image.build { layers = { { gone = "1" } } }
      moved:upload(reg, "demo/moving", "v1")
      local path = nixlib.file(reg, "demo/moving", "v1")
      image.build({ layers = { { new = "2" } } }):upload(reg, "demo/moving", "v1")
      local script = nix:build("--expr", nixlib.image(path)) .. "/compositeImage.sh"
      assert.equal(moved.config.digest, loaded_id(nixlib.print(script),
        reg:host() .. "/demo/moving:v1"))
    end)

    test("refuses a layer whose content is not the configuration's", function()
      local expr = ([[with %s; fetchdocker rec {
        name = "wrong"; registry = "%s"; repository = "demo"; imageName = "app"; tag = "v1";
        imageConfig = fetchDockerConfig { inherit registry repository imageName tag;
          sha256 = "%s"; };
        imageLayers = map (layerDigest: fetchDockerLayer {
          inherit registry repository imageName layerDigest; }) [ "%s" "%s" ];
      }]]):format(nixlib.library(), reg:url(), hex(img.config.digest), hex(img.layers[2].digest),
        hex(img.layers[1].digest))
      local wrong = nix:run { "nix-build", "--no-out-link", "--expr", expr }
      assert.not_equal(0, wrong.code)
      assert.matches("content of layer", wrong.stderr, 1, true)
    end)

    test("keeps hocker too, where that is in the store", function()
      local folder = tmp.dir("hocker")
      process.check { "mkdir", folder .. "/bin" }
      process.check { "cp", program.path("hocker"), folder .. "/bin/hocker" }
      local added = nix:run { "nix-store", "--add", folder }
      local stored = added.stdout:match("%S+")
      local library = ("(import %s { hocker = builtins.storePath %s; })")
        :format(nixlib.path, stored)
      local script = nix:build("--expr", ("(%s.call %s)"):format(library, file))
      local found = false
      for _, path in ipairs(closure(nix, script)) do found = found or path == stored end
      assert.is_true(found)
      nixlib.print(script .. "/compositeImage.sh")
    end)
  end)

  describe("takes", function()
    local nix

    local function test(name, body)
      it(name, function()
        clients.need(clients.nix)
        nix = nix or clients.nix.new()
        body()
      end)
    end

    local function eval(expr)
      local result = nix:run { "nix-instantiate", "--eval", "--strict", "--json", "--expr",
        ("with %s; %s"):format(nixlib.library(), expr) }
      return result.code == 0 and cjson.decode(result.stdout) or nil, result.stderr
    end

    local function image_named(name)
      return ('(fetchdocker { name = %s; imageName = "x"; tag = "1"; imageLayers = [ ]; ' ..
        'imageConfig = "/x"; })'):format(name)
    end

    test("the expression of debian:jessie as it is", function()
      local got, err = eval(('let i = call %s; in [ i.name i.image (map (l: l.outputHash) ' ..
        "i.imageLayers) i.imageConfig.outputHash i.drvPath ]")
        :format(tmp.file(jessie.expression, "debian.nix")))
      assert.is_truthy(got, err)
      got[5] = nil
      assert.same({ "debian", "registry-1.docker.io/v2/library/debian:jessie", { NIX32 },
        jessie.expression:match('sha256 = "(%w+)"') }, got)
    end)

    test("every name, and makes one for the store of it", function()
      for name, want in pairs {
        ["plain"] = "plain", ["b/c"] = "b-c", ["a b\nc"] = "a-b-c", ["$" .. "{x}"] = "x-",
        ["..hidden"] = "hidden", ["-"] = "image", [""] = "image", ["\u{e9}t\u{e9}"] = "t-",
        ["a'\"\\`;"] = "a-", ["v1.0_x+y?z=1"] = "v1.0_x+y?z=1", [("n"):rep(300)] = ("n"):rep(180),
      } do
        local quoted = cjson.encode(name):gsub("%$", "\\$"):gsub("\\/", "/")
        local expr = "let i = %s; in [ i.name i.stream.name i.drvPath i.archive.drvPath ]"
        local got, err = eval(expr:format(image_named(quoted)))
        assert.is_truthy(got, err)
        assert.equal(want, got[1])
        assert.equal(want .. "-stream", got[2])
      end
    end)

    test("hashes in every spelling", function()
      local sri = "sha256-zQpSQ0LvrG7f9QDBfmJXNbvkeckmQ5smO748hRighJw="
      local paths = {}
      for _, given in ipairs { "", ('sha256 = "%s";'):format(NIX32), ('sha256 = "%s";'):format(HEX),
        ('hash = "%s";'):format(sri), ('hash = "sha256:%s";'):format(HEX) } do
        local path, err = eval(('(fetchDockerLayer { imageName = "x"; layerDigest = "%s"; %s })' ..
          ".outPath"):format(HEX, given))
        assert.is_truthy(path, err)
        paths[path] = true
      end
      assert.is_nil(next(paths, (next(paths))))
    end)

    test("no digest that is none, and no two hashes", function()
      for call, message in pairs {
        ['fetchDockerLayer { imageName = "x"; layerDigest = "../x"; }'] = "is no digest",
        ['fetchDockerLayer { imageName = "x"; layerDigest = ""; }'] = "is no digest",
        ['fetchDockerConfig { imageName = "x"; }'] = "sha256 (or hash) is missing",
        ['fetchDockerConfig { imageName = "x"; sha256 = "a"; hash = "b"; }'] = "give one",
        ['fetchDockerConfig { imageName = "x"; sha265 = "a"; }'] = "sha265",
      } do
        local got, err = eval(("(%s).drvPath"):format(call))
        assert.is_nil(got)
        assert.matches(message, err, 1, true)
      end
    end)

    test("words that look like options as what they are", function()
      local layer = nix:run { "nix-build", "--no-out-link", "--expr", ([[with %s; fetchDockerLayer {
        registry = "%s"; repository = "--out=x"; imageName = "-v"; layerDigest = "%s";
      }]]):format(nixlib.library(), reg:url(), HEX) }
      assert.not_equal(0, layer.code)
      assert.matches("cannot be part of a name", layer.stderr, 1, true)
    end)

    test("a package's system, and calls functions and files", function()
      local got, err = eval(([[(import %s {
        hocker = { outPath = "/x"; system = "riscv64-linux"; };
      }).call ({ fetchDockerLayer }:
        (fetchDockerLayer { imageName = "x"; layerDigest = "%s"; }).system)]])
        :format(nixlib.path, HEX))
      assert.equal("riscv64-linux", got, err)
    end)
  end)
end)
