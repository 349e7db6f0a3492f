--- Policies in the library: whatever they do, nothing is left behind.

local core = require "hocker.core"
local credentials = require "hocker.credentials"
local faulty = require "support.faulty"
local hooks = require "hocker.policy.hooks"
local image = require "support.image"
local leaks = require "support.leaks"
local policy = require "hocker.policy"
local reference = require "hocker.reference"
local registry = require "hocker.registry"
local served = require "support.served"
local session = require "hocker.session"

local FETCHING = { "request", "redirect", "challenge", "manifest", "layer", "retry", "image" }

describe("policies of a session", function()
  local server, img

  setup(function()
    server = faulty.start {}
    img = image.build { layers = { { random = 200000 } } }
  end)
  teardown(function() server:stop() end)
  local count = 0

  -- A layer behind a challenge, a failure and a redirect.
  local function serve()
    local routes = served.routes(img)
    local layer = served.blob(img.layers[1])
    routes["/elsewhere"] = routes[layer]
    routes[layer] = {
      { status = 401, times = 1, headers = { ["WWW-Authenticate"] = 'Basic realm="x"' } },
      { status = 503, times = 1, headers = { ["Retry-After"] = 0 } },
      { status = 302, headers = { Location = "/elsewhere" } },
    }
    count = count + 1
    routes["/" .. count] = {} -- new routes, of which nothing is used up
    server:set(routes)
  end

  local function open(made)
    local s = assert(session.new {
      policies = policy.compose { { name = "house", path = "/house", hooks = made } } })
    local ref = assert(reference.parse({ "demo/app", "v1" }, { registry = server:url() }))
    return s, registry.new { session = s, ref = ref,
      credentials = assert(credentials.basic("a", "b", "here")) }
  end

  -- All that a fetch does; the layer goes through a queue, which is a thread.
  local function fetch(r)
    local found, err = r:image()
    if not found then return nil, err end
    local layer, tail, ok = found.manifest.layers[1]
    tail, err = r:tail(layer, 4)
    if not tail then return nil, err end
    ok, err = r:blob(layer, core.sink.null(), "layer", { queue = 1 << 16 })
    if not ok then return nil, err end
    return r:finished(found)
  end

  local function run(made, in_task)
    serve()
    local s <close>, r = open(made)
    if not in_task then return fetch(r) end
    return s:run { function() return fetch(r) end }
  end

  it("are asked for each decision, in a task and out of it", function()
    for _, in_task in ipairs { true, false } do
      local asked = {}
      local made = {}
      for _, hook in ipairs(hooks.order) do made[hook] = function() asked[hook] = true end end
      assert(run(made, in_task))
      for _, hook in ipairs(FETCHING) do
        assert.is_true(asked[hook], hook)
        asked[hook] = nil
      end
      assert.same({}, asked)
    end
  end)

  for _, hook in ipairs(FETCHING) do
    local ends = {
      raises = function() error "oh" end,
      refuses = function() return policy.refuse "no" end,
      ["answers nonsense"] = function() return 1 end,
    }
    for how, answer in pairs(ends) do
      it(("leave nothing behind when one %s at %s"):format(how, hook), function()
        for _, in_task in ipairs { false, true } do
          run({ [hook] = answer }, in_task) -- what is made once is made
          leaks.none(function()
            local ok, err = run({ [hook] = answer }, in_task)
            assert.is_nil(ok)
            assert.equal("house", err.policy)
            assert.equal(how == "refuses" and "refused" or "internal", err.code)
          end)
        end
      end)
    end
  end

  it("that refuse a request end its chain at once", function()
    local s <close> = open { request = function() return policy.refuse "no" end }
    local sink = core.sink.queue(core.sink.null())
    assert.is_nil(s:fetch { url = server:url(), sink = sink })
    assert.error_matches(function() sink:write("x") end, "closed")
  end)

  it("are asked about a blob once", function()
    local asked = 0
    assert(run { layer = function() asked = asked + 1 end })
    assert.equal(1, asked)
  end)

  it("may use tasks of their own, without being asked about these", function()
    local depth, most = 0, 0
    local made = {}
    function made.manifest(_, ctx)
      depth = depth + 1
      most = math.max(most, depth)
      local jobs = {}
      for i = 1, 3 do
        jobs[i] = function() return ctx.registry:document() ~= nil end
      end
      assert(ctx.registry.session:run(jobs))
      depth = depth - 1
    end
    for _, in_task in ipairs { false, true } do assert(run(made, in_task)) end
    assert.equal(1, most)
  end)
end)
