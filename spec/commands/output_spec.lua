local faulty = require "support.faulty"
local image = require "support.image"
local lfs = require "lfs"
local process = require "support.process"
local program = require "support.program"
local served = require "support.served"
local tmp = require "support.tmp"

local function inode(path) return lfs.attributes(path, "ino") end

describe("output", function()
  local img, layer, server

  lazy_setup(function()
    img = image.build { layers = { { ["etc/motd"] = "hello\n" }, { random = 2500000 } } }
    layer = img.layers[2]
    server = faulty.start { routes = served.routes(img) }
  end)
  lazy_teardown(function() server:stop() end)
  before_each(function()
    server:set(served.routes(img))
    server:forget()
  end)

  -- The command line of a program that fetches demo/app.
  local function words(name, ...)
    local list = { "--registry", server:url(), "demo/app", "v1" }
    if name == "hocker-layer" then
      table.move({ "--layer", layer.digest }, 1, 2, #list + 1, list)
    end
    return table.move({ ... }, 1, select("#", ...), #list + 1, list)
  end

  -- What each program writes, as a digest.
  local written = {
    ["hocker-manifest"] = function() return image.digest(img.oci.bytes) end,
    ["hocker-config"] = function() return img.config.digest end,
    ["hocker-layer"] = function() return layer.digest end,
    ["hocker-image"] = function()
      local path = tmp.path()
      program.check("hocker-image", words("hocker-image", "--out", path))
      return image.digest_of_file(path)
    end,
  }

  -- Every program through a shell line, in which "$@" is the program and its words.
  local function shell(line, name, ...)
    local argv, opts = program.command(name, { ... })
    return process.run({ "bash", "-c", line, "bash", table.unpack(argv) }, opts)
  end

  -- The same, fetching demo/app.
  local function shell_fetch(line, name, ...)
    return shell(line, name, table.unpack(words(name, ...)))
  end

  local function check_line(code, result, name, pattern)
    assert.equal(code, result.code, result.stderr)
    assert.matches(pattern, program.line(result, name), 1, true)
  end

  for name, digest in pairs(written) do
    describe("of " .. name, function()
      it("replaces a file by another one", function()
        local dir = tmp.dir()
        local path, link = dir .. "/out", dir .. "/link"
        tmp.write(path, "old")
        assert(lfs.link(path, link))
        local before = inode(path)
        program.check(name, words(name, "--out", path))
        assert.equal(digest(), image.digest_of_file(path))
        assert.not_equal(before, inode(path))
        assert.equal("old", tmp.read(link))
        assert.same({ "link", "out" }, tmp.list(dir))
      end)

      it("has the permissions of the umask", function()
        for mask, mode in pairs { ["022"] = "rw-r--r--", ["077"] = "rw-------",
          ["002"] = "rw-rw-r--" } do
          local path = tmp.path()
          assert.equal(0, shell_fetch("umask " .. mask .. '; exec "$@"', name, "--out", path).code)
          assert.equal(mode, lfs.attributes(path, "permissions"))
        end
      end)

      it("follows a symbolic link", function()
        local dir = tmp.dir()
        tmp.write(dir .. "/target", "old")
        assert(lfs.link("target", dir .. "/out", true))
        program.check(name, words(name, "--out", dir .. "/out"))
        assert.equal("link", lfs.symlinkattributes(dir .. "/out", "mode"))
        assert.equal(digest(), image.digest_of_file(dir .. "/target"))
        assert.same({ "out", "target" }, tmp.list(dir))
      end)

      it("goes to /dev/stdout, to a pipe, and to nowhere", function()
        local path = tmp.path()
        assert.equal(0, shell_fetch('"$@" | cat >' .. path, name, "--out", "/dev/stdout").code)
        local bytes = tmp.read(path)
        assert.equal("/dev/stdout\n", bytes:sub(-12))
        assert.equal(digest(), image.digest(bytes:sub(1, -13)))
        assert.equal("/dev/null\n", program.check(name, words(name, "--out", "/dev/null")))
      end)

      it("goes to a FIFO", function()
        local fifo, path = tmp.path(), tmp.path()
        local result = shell_fetch(('mkfifo %s; cat %s >%s & "$@" && wait')
          :format(fifo, fifo, path), name, "--out", fifo)
        assert.equal(0, result.code, result.stderr)
        assert.equal(digest(), image.digest_of_file(path))
      end)

      it("fails in a directory that is not there", function()
        local path = tmp.dir() .. "/missing/out"
        local line = program.refuses(7, name, words(name, "--out", path))
        assert.matches(path, line, 1, true)
        assert.matches("No such file or directory", line, 1, true)
      end)

      it("fails below a file", function()
        local path = tmp.file("file") .. "/out"
        local line = program.refuses(7, name, words(name, "--out", path))
        assert.matches("Not a directory", line, 1, true)
      end)

      it("fails in a directory that is not writable", function()
        local dir = tmp.dir()
        process.check { "chmod", "555", dir }
        -- root may write everywhere, but for this.
        local drop = process.is_root()
          and "exec setpriv --inh-caps -dac_override --bounding-set -dac_override " or "exec "
        local result = shell_fetch(drop .. '"$@"', name, "--out", dir .. "/out")
        check_line(7, result, name, "Permission denied")
        assert.same({}, tmp.list(dir))
      end)

      it("fails where a directory is", function()
        local dir = tmp.dir()
        for _, path in ipairs { dir, dir .. "/" } do
          assert.matches(path, program.refuses(7, name, words(name, "--out", path)), 1, true)
        end
        assert.same({}, tmp.list(dir))
      end)

      it("fails without a path", function()
        program.refuses(2, name, words(name, "--out", ""))
      end)

      it("fails on a full device", function()
        local line = program.refuses(7, name, words(name, "--out", "/dev/full"))
        assert.matches("No space left on device", line, 1, true)
        local result = shell_fetch('exec "$@" >/dev/full', name, "--out", "-")
        check_line(7, result, name, "No space left on device")
      end)

      it("fails when the path can't be printed, but is there", function()
        local path = tmp.path()
        local result = shell_fetch('exec "$@" >/dev/full', name, "--out", path)
        check_line(7, result, name, "standard output")
        assert.equal(digest(), image.digest_of_file(path))
      end)

      it("fails on a standard output that is closed", function()
        local result = shell_fetch('exec "$@" >&-', name, "--out", "-")
        assert.equal(7, result.code, result.stderr)
        program.line(result, name)
      end)

      it("to standard output needs a temporary directory for what is large only", function()
        local list, env = words(name, "--out", "-"), { env = { TMPDIR = "/nonexistent" } }
        if name == "hocker-manifest" or name == "hocker-config" then
          assert.equal(written[name](), image.digest(program.check(name, list, env)))
        else
          assert.matches("/nonexistent", program.refuses(7, name, list, env), 1, true)
        end
      end)
    end)
  end

  for _, name in ipairs { "hocker-layer", "hocker-image" } do
    it("of " .. name .. " fails before anything is asked", function()
      program.refuses(7, name, words(name, "--out", "/nonexistent/out"))
      assert.same({}, server:requests())
    end)

    it("of " .. name .. " fails where a file may not grow, and leaves nothing", function()
      local dir = tmp.dir()
      local result = shell_fetch('ulimit -f 100; exec "$@"', name, "--out", dir .. "/out")
      check_line(7, result, name, "File too large")
      assert.same({}, tmp.list(dir))
    end)

    it("of " .. name .. " fails on a pipe whose reader has gone", function()
      local result = shell_fetch('"$@" | head -c 1 >/dev/null; exit ${PIPESTATUS[0]}', name,
        "--out", "-", "-q")
      check_line(7, result, name, "Broken pipe")
    end)

    it("of " .. name .. " has to be said where", function()
      assert.matches("--out", program.refuses(2, name, words(name)), 1, true)
      assert.same({}, server:requests())
    end)
  end

  for what, words_of in pairs {
    ["hocker --version"] = { "hocker", "--version" }, ["hocker --help"] = { "hocker", "--help" },
    ["hocker-image --help"] = { "hocker-image", "--help" },
    ["docker2nix --version"] = { "docker2nix", "--version" },
  } do
    it("of " .. what .. " fails on a full device", function()
      local result = shell('exec "$@" >/dev/full', table.unpack(words_of))
      check_line(7, result, words_of[1], "No space left on device")
    end)
  end

  it("of docker2nix fails on a full device", function()
    local result = shell(('exec "$@" >/dev/full <%s'):format(tmp.file(img.oci.bytes)), "docker2nix",
      "a/b", "1")
    check_line(7, result, "docker2nix", "No space left on device")
  end)
end)

describe("an interrupted program", function()
  local img, server

  lazy_setup(function()
    img = image.build { layers = { { random = 300000 }, { random = 300001 } } }
    server = faulty.start {}
  end)
  lazy_teardown(function() server:stop() end)
  before_each(function() server:forget() end)

  local function words(name, ...)
    local list = { "--registry", server:url(), "demo/app", "v1" }
    if name == "hocker-layer" then
      table.move({ "--layer", img.layers[1].digest }, 1, 2, #list + 1, list)
    end
    return table.move({ ... }, 1, select("#", ...), #list + 1, list)
  end

  -- Starts a program, sends the signal as soon as the condition holds, and looks how it ends.
  local function interrupt(signal, code, name, list, opts, condition)
    local running = program.spawn(name, list, opts)
    finally(function() running:stop() end)
    process.eventually(function()
      assert(running:alive(), running:stderr())
      return condition(running)
    end, "the moment to interrupt")
    running:kill(signal)
    local result = running:wait(10)
    assert.equal(code, result.code, result.stderr)
    assert.equal("", result.stdout)
    assert.matches("interrupted", program.line(result, name), 1, true)
  end

  local function stalled(kinds)
    local routes = served.routes(img)
    for _, layer in ipairs(img.layers) do
      routes[served.blob(layer)].stall = kinds == "bodies" and 150000 or nil
      routes[served.blob(layer)].delay = kinds == "answers" and 600 or nil
    end
    return routes
  end

  -- Whether some of a layer's content is in the directory, which is then not empty either.
  local function has_content(dir)
    for _, name in ipairs(tmp.list(dir)) do
      if lfs.attributes(dir .. "/" .. name, "size") > 100000 then return true end
    end
  end

  for signal, code in pairs { INT = 130, TERM = 143, HUP = 129 } do
    for _, name in ipairs { "hocker-layer", "hocker-image" } do
      it(("by SIG%s: %s ends with %d and leaves nothing"):format(signal, name, code), function()
        server:set(stalled("bodies"))
        local dir = tmp.dir()
        interrupt(signal, code, name, words(name, "--out", dir .. "/out"), nil,
          function() return has_content(dir) end)
        assert.same({}, tmp.list(dir))
      end)
    end
  end

  it("leaves an existing file as it was", function()
    server:set(stalled("bodies"))
    local dir = tmp.dir()
    tmp.write(dir .. "/out", "old")
    interrupt("INT", 130, "hocker-image", words("hocker-image", "--out", dir .. "/out"), nil,
      function()
        assert.equal("old", tmp.read(dir .. "/out"))
        return has_content(dir)
      end)
    assert.same({ "out" }, tmp.list(dir))
    assert.equal("old", tmp.read(dir .. "/out"))
  end)

  it("ends while it waits for an answer", function()
    server:set(stalled("answers"))
    local dir = tmp.dir()
    interrupt("TERM", 143, "hocker-layer", words("hocker-layer", "--out", dir .. "/out"), nil,
      function() return #server:requests() > 0 end)
    assert.same({}, tmp.list(dir))
  end)

  it("ends while it waits to try again", function()
    server:set { ["*"] = { status = 503, headers = { ["Retry-After"] = 200 } } }
    interrupt("INT", 130, "hocker-manifest", words("hocker-manifest"), nil,
      function(running) return running:stderr():find("retry 1 in 200.0 s", 1, true) end)
  end)

  it("ends while nobody reads its output", function()
    server:set(served.routes(img))
    local fifo = tmp.path()
    process.check { "mkfifo", fifo }
    interrupt("TERM", 143, "hocker-layer", words("hocker-layer", "--out", fifo, "-q"), nil,
      function() return #server:requests() > 0 end)
  end)

  for what, line in pairs {
    ["docker2nix, which waits for a manifest,"] = { "docker2nix", { "a/b", "1" } },
    ["hocker-manifest, which waits for a password,"] = { "hocker-manifest",
      { "localhost:1/a/b:1", "-u", "alice", "--password-stdin" } },
  } do
    it(what .. " ends", function()
      local fifo = tmp.path()
      process.check { "mkfifo", fifo }
      local argv, opts = program.command(table.unpack(line))
      -- Open at both ends, so that nothing comes and nothing ends.
      local running = process.spawn({ "bash", "-c", ('echo ready >&2; exec "$@" <>%s'):format(fifo),
        "bash", table.unpack(argv) }, opts)
      finally(function() running:stop() end)
      local function reads()
        local name = tmp.read(("/proc/%d/comm"):format(running.pid))
        return name ~= "bash\n" and tmp.read(("/proc/%d/wchan"):format(running.pid)):find("pipe")
      end
      process.eventually(reads, line[1] .. " to read")
      running:kill("INT")
      local result = running:wait(10)
      assert.equal(130, result.code, result.stderr)
      assert.equal("", result.stdout)
    end)
  end
end)
