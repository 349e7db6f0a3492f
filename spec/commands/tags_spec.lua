local certs = require "support.certs"
local cjson = require "cjson"
local faulty = require "support.faulty"
local image = require "support.image"
local nginx = require "support.nginx"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local token_server = require "support.token_server"

local PATH = "/v2/demo/app/tags/list"

-- Runs a command that has to fail, and returns its line.
local function refuses(code, words)
  local result = program.run("hocker", words)
  assert.equal(code, result.code, result.stderr)
  assert.equal("", result.stdout)
  return program.line(result, "hocker tags")
end

describe("hocker tags", function()
  describe("of a registry", function()
    local reg

    lazy_setup(function()
      reg = registry.start()
      local img = image.build()
      for _, tag in ipairs { "v1", "v10", "v2", "latest" } do img:upload(reg, "demo/app", tag) end
    end)
    lazy_teardown(function() reg:stop() end)

    it("prints them one a line, in the order of the registry", function()
      local sent = cjson.decode(process.check { "curl", "-sSf", reg:url() .. PATH }).tags
      assert.equal(4, #sent)
      for _, words in ipairs { { reg:host() .. "/demo/app" },
        { "--registry", reg:url(), "demo/app" } } do
        table.insert(words, 1, "tags")
        assert.equal(table.concat(sent, "\n") .. "\n", program.check("hocker", words))
      end
    end)

    it("of many tags prints all", function()
      process.check { "sh", "-c", [[cd "$0" && cp -r app many && cd many/_manifests/tags &&
        for i in $(seq 1 2100); do cp -r v1 t$i; done]],
        reg.root .. "/docker/registry/v2/repositories/demo" }
      local _, count = program.check("hocker", { "tags", reg:host() .. "/demo/many" })
        :gsub("\n", "")
      assert.equal(2104, count)
    end)

    it("that lacks the name ends with 3", function()
      local line = refuses(3, { "tags", reg:host() .. "/demo/none" })
      assert.matches("NAME_UNKNOWN", line, 1, true)
      assert.matches("(check the name)", line, 1, true)
    end)

    it("takes no tag and no digest", function()
      for _, ending in ipairs { ":v1", ":latest", "@sha256:" .. ("0"):rep(64) } do
        local line = refuses(2, { "tags", reg:host() .. "/demo/app" .. ending })
        assert.matches("leave that of the name out", line, 1, true)
      end
    end)
  end)

  it("gets a token where one is needed", function()
    local tokens = token_server.start { users = { alice = "secret" }, anonymous = false }
    local reg = registry.start { auth = "token", token = tokens }
    finally(function()
      reg:stop()
      tokens:stop()
    end)
    image.build():push(reg, "demo/app", "v1", { user = "alice:secret" })
    assert.equal("v1\n", program.check("hocker", { "tags", reg:host() .. "/demo/app", "-u", "alice",
      "-p", "secret" }))
    refuses(4, { "tags", reg:host() .. "/demo/app" })
  end)

  describe("of a server", function()
    local server

    lazy_setup(function() server = faulty.start {} end)
    lazy_teardown(function() server:stop() end)
    before_each(function() server:forget() end)

    local function words()
      return { "tags", "--registry", server:url(), "demo/app", "--retries", "0" }
    end

    local function page(tags, link)
      return { body = tags, headers = { Link = link and ('<%s>; rel="next"'):format(link) or nil } }
    end

    it("follows links to further pages, relative and absolute", function()
      server:set {
        [PATH .. "?n=1000"] = page('{"tags":["b","a"]}', PATH .. "?n=2&last=a"),
        [PATH .. "?n=2&last=a"] = page('{"tags":["c"]}', "{url}" .. PATH .. "?n=2&last=c"),
        [PATH .. "?n=2&last=c"] = page('{"tags":null}', "?n=2&last=d"),
        [PATH .. "?n=2&last=d"] = page('{"name":"demo/app","tags":["z"]}'),
      }
      assert.equal("b\na\nc\nz\n", program.check("hocker", words()))
      assert.equal(4, #server:requests())
    end)

    local other = faulty.start { routes = { ["*"] = page('{"tags":["stolen"]}') } }
    teardown(function() other:stop() end)

    -- the first page, exit code, requests, part of the message
    local refused = {
      ["a circle"] = { page('{"tags":["a"]}', PATH .. "?n=1000&x"), 1, 2, "in a circle" },
      ["another server"] = { page('{"tags":[]}', other:url() .. PATH), 8, 1, "not of this list" },
      ["another path"] = { page('{"tags":[]}', "/v2/demo/other/tags/list"), 8, 1,
        "not of this list" },
      ["a path that goes up"] = { page('{"tags":[]}', "../../other/tags/list"), 8, 1,
        "not of this list" },
      ["the end of this path"] = { page('{"tags":[]}', "/app/tags/list"), 8, 1,
        "not of this list" },
      ["https, where this is none"] = { page('{"tags":[]}', "https://127.0.0.1" .. PATH), 8, 1,
        "not of this list" },
      ["a user's name"] = { page('{"tags":[]}', "http://a:b@127.0.0.1" .. PATH), 8, 1,
        "not of this list" },
      ["another scheme"] = { page('{"tags":[]}', "file:///etc/passwd"), 1, 1, "can't be read" },
      ["a terminal's orders"] = { page('{"tags":["ok","\\u001b[31m"]}'), 1, 1, "is not a tag" },
      ["two lines"] = { page('{"tags":["a\\nb"]}'), 1, 1, "is not a tag" },
      ["an empty tag"] = { page('{"tags":[""]}'), 1, 1, "is not a tag" },
      ["a number"] = { page('{"tags":[1]}'), 1, 1, "not a list of strings" },
      ["an object"] = { page('{"tags":{}}'), 1, 1, "not a list of strings" },
      ["a list"] = { page('["a"]'), 1, 1, "not a list of strings" },
      ["no JSON"] = { page("<html>"), 1, 1, "not valid JSON" },
      ["too much"] = { page('{"tags":[]' .. (" "):rep(4 << 20) .. "}"), 5, 1, "bytes" },
      ["a failure"] = { { status = 500, body = '{"message":"oh"}' }, 6, 1, "HTTP 500: oh" },
    }
    for what, case in pairs(refused) do
      it("refuses " .. what .. ", and prints nothing", function()
        server:set { [PATH] = case[1] }
        local line = refuses(case[2], words())
        assert.matches(case[4], line, 1, true)
        assert.equal(case[3], #server:requests())
        assert.equal(0, #other:requests())
      end)
    end

    it("stays where the list is, behind a proxy that has its own scheme or path", function()
      local ca = certs.shared()
      local front = nginx.start { tls = ca:server(), server = ([[
        location /reg/v2/ {
          rewrite ^/reg(.*)$ $1 break;
          proxy_pass %s;
        }
      ]]):format(server:url()) }
      finally(function() front:stop() end)
      server:set {
        [PATH .. "?n=1000"] = page('{"tags":["a"]}', PATH .. "?last=a"),
        [PATH .. "?last=a"] = page('{"tags":["b"]}', "{url}" .. PATH .. "?last=b"),
        [PATH .. "?last=b"] = page('{"tags":["c"]}', "http://127.0.0.1" .. PATH .. "?last=c"),
        [PATH .. "?last=c"] = page('{"tags":["d"]}'),
      }
      assert.equal("a\nb\nc\nd\n", program.check("hocker", { "tags", "--registry",
        front:url() .. "/reg", "demo/app", "--cacert", ca.cert }))
      assert.equal(4, #front:requests())
    end)

    it("finds a failure on a later page, and prints nothing", function()
      server:set { [PATH .. "?n=1000"] = page('{"tags":["b","a"]}', PATH .. "?last=a") }
      assert.matches("HTTP 404", refuses(3, words()), 1, true)
    end)

    it("does not go to a second server that it was redirected to", function()
      other:set { [PATH] = page('{"tags":["a"]}', "?last=a") }
      server:set { [PATH] = { status = 307, headers = { Location = other:url() .. PATH } } }
      assert.matches("not of this list", refuses(8, words()), 1, true)
      assert.equal(1, #other:requests())
    end)
  end)
end)
