--- docs/extending.md: its scripts, as they stand there, and its command lines.

local configuration = require "hocker.configuration"
local described = require "support.described"
local hooks = require "hocker.policy.hooks"
local image = require "support.image"
local nix = require "support.nix"
local platform = require "hocker.platform"
local policy = require "hocker.policy"
local process = require "support.process"
local program = require "support.program"
local registry = require "support.registry"
local scripts = require "hocker.scripts"
local template = require "hocker.template"
local tmp = require "support.tmp"

local TEXT = tmp.read("docs/extending.md")

describe("docs/extending.md", function()
  local reg, pushed, env, home

  setup(function()
    reg = registry.start()
    pushed = image.build():push(reg, "library/debian", "12")
    home = tmp.dir("home")
    env = select(2, program.command("hocker", {}, { env = { HOME = home } })).env
    env.PATH = ("%s:%s"):format(program.path("hocker"):match("^(.*)/"), os.getenv("PATH"))
  end)
  teardown(function() reg:stop() end)

  local function run(line)
    line = line:gsub("debian:12", reg:host() .. "/library/debian:12")
    return process.run({ "sh", "-c", "umask 022; " .. line }, { env = env, cwd = home })
  end

  local function check(line)
    local result = run(line)
    assert.equal(0, result.code, result.stderr)
    return result.stdout
  end

  local function write_scripts()
    for path, text in TEXT:gmatch("\n```lua\n%-%- ~/([^\n]*)\n(.-)\n```\n") do
      process.check { "mkdir", "-p", (home .. "/" .. path):match("^(.*)/") }
      tmp.write(home .. "/" .. path, text)
    end
    process.check { "chmod", "-R", "go-w", home }
  end

  local RESULTS = {
    ["^mkdir "] = write_scripts,
    ["^hocker pin debian"] = function(text) assert.equal(pushed.digest .. "\n", text) end,
    ["^hocker pin %-%-short"] = function(text) assert.equal(pushed.digest .. "\n", text) end,
    ["^hocker pin %-%-help"] = function(text) assert.matches("print the digest alone", text) end,
    ["^hocker manifest %-%-policy house"] = function(text) assert.equal(pushed.bytes, text) end,
    ["^hocker run"] = function(text)
      assert.matches("^sha256:%x+\t%d+\t%d\t6\n$", text)
    end,
    ["hocker repl$"] = function(text)
      assert.equal(('"%s"\n'):format(image.digest "hello"), text)
    end,
    ["^hocker paths"] = function(text)
      assert.matches("user +" .. home:gsub("%p", "%%%0") .. "/.config/hocker +exists", text)
    end,
    ["^hocker commands"] = function(text)
      assert.matches("pin +print an image's name with its digest", text)
    end,
    ["^hocker which"] = function(text)
      assert.equal(home .. "/.config/hocker/commands/pin.lua\n", text)
    end,
    ["^hocker settings"] = function(text)
      for _, line in ipairs { "commands.image.jobs = 8 ", "commands.pin.short = true ",
        'mirrors["docker.io"] = { "https://mirror.example" } ' } do
        assert.matches(line, text, 1, true)
      end
    end,
  }

  it("has command lines that do what it says", function()
    local count = 0
    for line in TEXT:gmatch("\n    %$ ([^\n]*)") do
      local text, known = check(line), false
      for pattern, look in pairs(RESULTS) do
        if line:find(pattern) then
          look(text)
          known = true
        end
      end
      assert.is_true(known, line)
      count = count + 1
    end
    assert.equal(11, count)
  end)

  it("has scripts that do what it says", function()
    process.check { "mkdir", "-p", home .. "/.config/hocker/commands" }
    write_scripts()
    process.check { "rm", home .. "/.config/hocker/config.lua" }
    assert.equal(("%s/library/debian:12@%s\n"):format(reg:host(), pushed.digest),
      check "hocker pin debian:12")
    local name = check("hocker image debian:12"):match("^(%S+%-library%-debian%-12%.tar)\n$")
    assert.is_true(tmp.exists(home .. "/" .. name))
  end)

  it("names the fields that options and commands have", function()
    for _, field in ipairs { "summary", "usage", "args", "run", "names", "value", "help", "default",
      "many", "choices", "convert", "per_run" } do
      assert.matches("\n| `" .. field .. "` | ", TEXT, 1, true)
    end
  end)
end)

describe("the policies of docs/extending.md", function()
  local reg, pushed

  setup(function()
    reg = registry.start()
    pushed = image.build { layers = { { a = "1" }, { b = "2" } } }
    pushed.document = pushed:push(reg, "library/debian", "12")
  end)
  teardown(function() reg:stop() end)

  local function source(name)
    return TEXT:match("\n```lua\n(%-%- policies/" .. name .. "%.lua\n.-)\n```\n")
  end

  -- What the example's hook answers, or why it refuses.
  local function ask(name, facts, spec)
    local path, answer = tmp.file(source(name), name .. ".lua"), nil
    local all = assert(policy.open { spec and { path, tag = spec.tag } or path })
    local ok, err = all:ask(spec and "resolve" or name, facts,
      function(given) answer = given end)
    return ok and answer, err and err.message
  end

  local cases = {
    { "resolve", { host = "docker.io" }, { mirrors = { "https://mirror.example" } } },
    { "resolve", { host = "quay.io" } },
    { "credentials", { host = "quay.io" }, { none = true } },
    { "credentials", { host = "registry.example" } },
    { "request", { origin = "http://a" }, "http://a is not https" },
    { "request", { origin = "https://a" } },
    { "redirect", { target_origin = "https://a.b" }, "blobs don't come from https://a.b" },
    { "redirect", { target_origin = "https://a.example" } },
    { "challenge", { challenges = { { scheme = "basic" } } }, { answer = false } },
    { "challenge", { challenges = { { scheme = "bearer" } } } },
    { "platform", { platform = "a/b", platforms = { "c/d" } }, { platform = "linux/amd64" } },
    { "platform", { platform = "a/b", platforms = { "c/d", "a/b" } } },
    { "manifest", { layers = { { media_type = "x+zstd" } } }, "our docker can't read zstd" },
    { "manifest", { manifests = {} } },
    { "layer", { digest = "a" }, { max = 1 << 30 } },
    { "layer", { digest = "a", size = 1 } },
    { "retry", { status = 429 }, { give_up = true } },
    { "retry", { status = 503 }, { seconds = 10 } },
    { "old", { tag = "1" }, "1 is too old", { tag = "1" } },
    { "old", { tag = "2" }, nil, { tag = "1" } },
  }
  for i, case in ipairs(cases) do
    it(("decide as it says: %s, case %d"):format(case[1], i), function()
      local answer, why = ask(case[1], case[2], case[4])
      if type(case[3]) == "string" then
        assert.equal(("policy '%s': %s"):format(why:match("'(.-)'"), case[3]), why)
      else
        assert.is_nil(why)
        assert.same(case[3] or nil, answer)
      end
    end)
  end

  it("work in a fetch, all of them", function()
    local words = { reg:host() .. "/library/debian:12", "--out", tmp.path("image") }
    for _, hook in ipairs(hooks.order) do
      if hook ~= "request" and hook ~= "image" then
        words[#words + 1] = "--policy=" .. tmp.file(source(hook), hook .. ".lua")
      end
    end
    program.check("hocker-image", words)
    words[#words + 1] = "--policy=" .. tmp.file(source("image"), "image.lua")
    assert.matches("12 is older than this century", program.refuses(8, "hocker-image", words))
    words[#words + 1] = "--policy=" .. tmp.file(source("decision"), "decision.lua")
    local result = program.run("hocker-image", words)
    assert.equal(8, result.code)
    assert.matches(": image was refused by %S*image\n", result.stderr)
    table.remove(words)
    words[#words] = "--policy=" .. tmp.file(source("request"), "request.lua")
    assert.matches("is not https", program.refuses(8, "hocker-image", words))
  end)

  it("are configured as it says", function()
    local text = TEXT:match("\n```lua\n%-%- config%.lua\n(.-policies.-)\n```\n")
    local file = assert(configuration.parse(text, "/c"))
    assert.same({ "cosign", key = "/etc/hocker/cosign.pub" }, file.policies[3])
    assert.same({ "allow", registries = { "docker.io", "quay.io" }, digests = true },
      policy.parse(TEXT:match("%-%-policy (allow:%S+)`")))
  end)

  it("names all hooks, their answers, and those that come with hocker", function()
    for hook, fields in pairs(hooks.answers) do
      assert.matches("\n#### `" .. hook .. "`\n", TEXT, 1, true)
      local row = TEXT:match("\n| `" .. hook .. "` |[^\n]*")
      for field in pairs(fields) do assert.matches("`" .. field, row, 1, true) end
    end
    local at = 0
    for _, hook in ipairs(hooks.order) do
      local place = TEXT:find("\n| `" .. hook .. "` |")
      assert.is_true(place > at)
      at = place
    end
    for _, name in ipairs(scripts.list("policies")) do
      assert.matches("\n| `" .. name .. "` | ", TEXT, 1, true)
    end
  end)

  it("tells all facts", function()
    local path = tmp.file([[local seen = { bytes = true }
      return { decision = function(made)
        local f <close> = io.open(os.getenv("FACTS"), "a")
        for key in pairs(made.facts) do f:write(made.hook, " ", key, "\n") end
      end }]], "facts.lua")
    local out = tmp.path("facts")
    program.check("hocker-image", { reg:host() .. "/library/debian:12", "--out", tmp.path("image"),
      "--policy", path }, { env = { FACTS = out } })
    for line in tmp.read(out):gmatch("[^\n]+") do
      local hook, key = line:match("^(%S+) (%S+)$")
      assert.matches("[`(]" .. key .. "`", TEXT, 1, false)
      assert.is_not_nil(hooks.answers[hook])
    end
  end)
end)

describe("the templates of docs/extending.md", function()
  local debian = described.image({}, described.one { platform = platform.parse "linux/arm64" })

  local function print(name)
    local source = TEXT:match("\n```lua\n(%-%- templates/" .. name .. "%.lua\n.-)\n```\n")
    return template.print(assert(template.load(tmp.file(source, name .. ".lua"))), debian)
  end

  it("has a template of one line", function()
    assert.equal("docker.io/library/debian has 1 layers\n", print "names")
  end)

  it("has one that calls what it takes the place of", function()
    local bundled = assert(template.print(assert(template.load("fetchdocker")), debian))
    assert.equal("# Made by docker2nix.\n" .. bundled, print "fetchdocker")
  end)

  it("has one of several platforms", function()
    assert.equal(("linux/arm64 %s\n"):format(debian.digest), print "platforms")
  end)

  it("has one that prints Nix", function()
    local text = assert(print "layers")
    assert.matches("  # docker.io/library/debian\n", text, 1, true)
    if not nix.available() then pending("nix-instantiate is not installed") return end
    assert.same({ tag = "jessie", count = 1, layers = { {
      hash = "sha256-zQpSQ0LvrG7f9QDBfmJXNbvkeckmQ5smO748hRighJw=", size = 1 } } },
      nix.evaluate(("(%s) { lib = builtins; }"):format(text)))
  end)

  it("names all fields of a description, and all functions that make Nix", function()
    local full = described.image({ index = {}, alt_name = "a" }, debian.images[1])
    for _, fields in ipairs { full, full.images[1] } do
      for name in pairs(fields) do assert.matches("[|,] `" .. name .. "`", TEXT) end
    end
    for name in pairs(require "hocker.nix") do
      if name ~= "quote" and name ~= "attribute" then
        assert.matches("`nix." .. name, TEXT, 1, true)
      end
    end
  end)
end)
