local core = require "hocker.core"
local layers = require "hocker.archive.layers"

-- Runs jobs in turns: each goes on where it has yielded.
local runner = {}

function runner.run(_, jobs)
  local threads = {}
  for i, job in ipairs(jobs) do threads[i] = coroutine.create(job) end
  while #threads > 0 do
    local thread = table.remove(threads, 1)
    local _, ok, err = assert(coroutine.resume(thread))
    if coroutine.status(thread) ~= "dead" then threads[#threads + 1] = thread
    elseif not ok then return nil, err end
  end
  return true
end

describe("layers that are fetched", function()
  local started, running, most

  -- A source whose layers take as many turns as their size says.
  local source = {}
  function source.blob(_, descriptor)
    local kind = descriptor.mediaType:match("%a+$")
    started[#started + 1] = descriptor.digest
    running[kind] = running[kind] + 1
    most[kind] = math.max(most[kind], running[kind])
    most.all = math.max(most.all, running.gzip + running.zstd)
    for _ = 1, descriptor.size do coroutine.yield() end
    running[kind] = running[kind] - 1
    if descriptor.broken then return nil, core.error("network", "broken") end
    return true
  end

  before_each(function()
    started, running = {}, { gzip = 0, zstd = 0 }
    most = { gzip = 0, zstd = 0, all = 0 }
  end)

  -- Fetches layers by their kinds: "zzg" are two of zstd and one of gzip; "!" is a broken one.
  local function fetch(kinds, jobs)
    local list = {}
    for kind in kinds:gmatch(".") do
      list[#list + 1] = { source = source, descriptor = { size = 3, digest = tostring(#list + 1),
        mediaType = kind == "z" and "tar+zstd" or "tar+gzip", broken = kind == "!" } }
    end
    return layers.fetch(runner, list, error, { jobs = jobs, in_turn = true })
  end

  it("start in their order, as many as were asked for", function()
    assert(fetch("ggggggg", 3))
    assert.same({ "1", "2", "3", "4", "5", "6", "7" }, started)
    assert.equal(3, most.all)
  end)

  it("are no more than two of zstd, whatever was asked for", function()
    for jobs, want in pairs { [1] = 1, [2] = 2, [6] = 2, [32] = 2 } do
      started = {}
      most.zstd = 0
      assert(fetch("zzzzzz", jobs))
      assert.same({ "1", "2", "3", "4", "5", "6" }, started)
      assert.equal(want, most.zstd)
    end
  end)

  it("pass those over that wait, and come to them as soon as can be", function()
    assert(fetch("zzzgggz", 4))
    assert.same({ "1", "2", "4", "5", "3", "6", "7" }, started)
    assert.equal(4, most.all)
  end)

  it("are all, unless one fails", function()
    for _, kinds in ipairs { "", "z", "gz", "zg", "zzzg", "gzgzgz" } do
      started = {}
      assert(fetch(kinds, 6))
      assert.equal(#kinds, #started)
    end
    local ok, err = fetch("g!ggg", 1)
    assert.is_nil(ok)
    assert.equal("broken", err.message)
    assert.same({ "1", "2" }, { table.unpack(started, #started - 1) })
  end)
end)
