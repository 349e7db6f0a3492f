local changes = require "hocker.lock.changes"
local core = require "hocker.core"
local json = require "hocker.json"
local lock = require "hocker.lock"
local log = require "hocker.log"
local options = require "hocker.options"

local JOBS <const> = 6 -- tags that are asked for at the same time

local FILE <const> = {
  { names = "--file", value = "PATH", default = "hocker.lock", per_run = true,
    help = "the lock (hocker.lock in the current folder)" },
}

local NAMES <const> = {
  { words = "names", value = "<name>", count = "*", help = "names in the lock; all by default" },
}

-- Lines of an image, for standard output. What is in them may be a registry's word.
local function add_lines(lines, name, more)
  for _, line in ipairs(more) do
    lines[#lines + 1] = log.printable(("%s: %s"):format(name, line))
  end
end

local function print_lines(ctx, lines)
  for _, line in ipairs(lines) do ctx.out:write(line, "\n") end
end

local function describe(entry)
  local digest = lock.is_pinned(entry) and "" or "@" .. lock.top(entry).digest
  return ("%s%s %s"):format(entry.reference, digest, table.concat(lock.platforms(entry), " "))
end

-- --- the images that are meant --------------------------------------------------------------------

-- The names of the command line, each once, or all.
local function choose(doc, names)
  if #names == 0 then return lock.names(doc) end
  local chosen = {}
  for _, name in ipairs(names) do
    if not doc.images[name] then
      return nil, core.error("not_found", ("the lock has no image '%s'; hocker lock list prints "
        .. "all"):format(name))
    end
    chosen[name] = true
  end
  return json.keys(chosen)
end

---@class hocker.lock.Item
---@field name string
---@field entry hocker.Lock.Entry
---@field registry hocker.Registry

-- The images of these names, each with its repository.
local function open(ctx, args, doc, names, reference_of)
  local items, refs = {}, {}
  for i, name in ipairs(names) do
    local entry = doc.images[name]
    refs[i] = reference_of(entry)
    items[i] = { name = name, entry = entry }
  end
  if #items == 0 then return items end
  local list, err = ctx:open(args, refs)
  for i, item in ipairs(items) do item.registry = list and list[i] end
  return list and items, err
end

-- Those that have a tag, which may have moved.
local function open_tagged(ctx, args, doc)
  local names, err = choose(doc, args.names)
  if not names then return nil, err end
  local tagged = {}
  for _, name in ipairs(names) do
    if not lock.is_pinned(doc.images[name]) then tagged[#tagged + 1] = name end
  end
  return open(ctx, args, doc, tagged, lock.reference)
end

-- What the registry makes of an entry now, or by the digest that it was opened with.
local function resolve(item)
  return lock.look_up(item.registry, lock.wants(item.entry), lock.reference(item.entry))
end

-- Finds out which of them have moved: these get `now`, the new entry. One that can't be found out gets
-- `err`.
local function look(items)
  local jobs = {}
  for i, item in ipairs(items) do
    jobs[i] = function()
      item.digest, item.err = item.registry:digest()
      return true
    end
  end
  if #items == 0 then return true end
  local ok, err = items[1].registry.session:run(jobs, JOBS)
  if not ok then return nil, err end
  for _, item in ipairs(items) do
    local locked = lock.top(item.entry).digest
    if item.digest and item.digest ~= locked then item.now, item.err = resolve(item) end
    if item.now and lock.top(item.now).digest == locked then item.now = nil end
  end
  return true
end

local function moved_lines(item)
  local lines = { ("%s is now %s, and was %s"):format(item.entry.reference,
    lock.top(item.now).digest, lock.top(item.entry).digest) }
  local more = changes.between(item.entry, item.now)
  if #more == 0 then more = { "nothing else, for its platforms" } end
  return table.move(more, 1, #more, 2, lines)
end

-- The first error of several images; the others are told of.
local function first_error(ctx, items)
  local first
  for _, item in ipairs(items) do
    if item.err and item.err.code == "interrupted" then return item.err end
    if item.err and first then ctx.log:warn(item.err.message) end
    first = first or item.err
  end
  return first
end

-- --- the commands ---------------------------------------------------------------------------------

-- A name stays with its image; its platforms may be others.
local function check_free(name, old, new)
  if not old or old.reference == new.reference and old.registry == new.registry then return true end
  return nil, core.error("usage", ("'%s' is %s already: choose another name, or do "
    .. "'hocker lock remove %s' first"):format(name, old.reference, name))
end

local function add(ctx, args)
  local name, err = lock.check_name(args.name)
  if not name then return nil, err end
  local wants, registry, entry, ok
  wants, err = ctx:platforms(args)
  if not wants then return nil, err end
  if #wants == 0 then wants = nil end -- all
  registry, err = ctx:registry(args)
  if not registry then return nil, err end
  ok, err = lock.edit(args.file, function(doc)
    local problem
    entry, problem = lock.look_up(registry, wants)
    if entry then ok, problem = check_free(name, doc.images[name], entry) end
    if not (entry and ok) then return nil, problem end
    doc.images[name] = entry
    return true
  end, true)
  if not ok then return nil, err end
  print_lines(ctx, { ("%s: %s"):format(name, describe(entry)) })
  return true
end

local function update(ctx, args)
  local lines = {}
  local ok, err = lock.edit(args.file, function(doc)
    local items, problem = open_tagged(ctx, args, doc)
    if not items then return nil, problem end
    local done
    done, problem = look(items)
    problem = problem or first_error(ctx, items)
    if not done or problem then return nil, problem end
    for _, item in ipairs(items) do
      if item.now then
        add_lines(lines, item.name, moved_lines(item))
        doc.images[item.name] = item.now
      end
    end
    return true
  end)
  if not ok then return nil, err end
  print_lines(ctx, lines)
  return true
end

local function outdated(ctx, args)
  local doc, err = lock.read(args.file)
  if not doc then return nil, err end
  local items, ok
  items, err = open_tagged(ctx, args, doc)
  if not items then return nil, err end
  ok, err = look(items)
  if not ok then return nil, err end
  local lines, count = {}, 0
  for _, item in ipairs(items) do
    if item.now then
      count = count + 1
      add_lines(lines, item.name, moved_lines(item))
    end
  end
  print_lines(ctx, lines)
  err = first_error(ctx, items)
  if err then return nil, err end
  if count == 0 then return true end
  ctx.log:warn(("%d of %d tags moved; hocker lock update takes what is there now"):format(count,
    #items))
  return false
end

-- What is wrong with an entry. That there is no such manifest is a fault of the lock, too.
local function find_faults(item)
  local actual, err = resolve(item)
  if actual then return changes.faults(item.entry, actual) end
  if err.code == "not_found" then return { err.message } end
  return nil, err
end

local function verify(ctx, args)
  local doc, err = lock.read(args.file)
  if not doc then return nil, err end
  local names, items
  names, err = choose(doc, args.names)
  if not names then return nil, err end
  items, err = open(ctx, args, doc, names, function(entry)
    return lock.reference(entry):with_digest(lock.top(entry).digest)
  end)
  if not items then return nil, err end
  local lines, bad = {}, 0
  for _, item in ipairs(items) do
    local faults
    faults, item.err = find_faults(item)
    if faults and #faults > 0 then bad = bad + 1 end
    add_lines(lines, item.name, faults and #faults == 0 and { "verified" } or faults or {})
  end
  print_lines(ctx, lines)
  err = first_error(ctx, items)
  if err then return nil, err end
  if bad == 0 then return true end
  return nil, core.error("verification", ("%d of %d images are not as the lock says"):format(bad,
    #items))
end

local function remove(_, args)
  return lock.edit(args.file, function(doc)
    local names, err = choose(doc, args.names)
    for _, name in ipairs(names or {}) do doc.images[name] = nil end
    return names and true, err
  end)
end

local function list(ctx, args)
  local doc, err = lock.read(args.file)
  if not doc then return nil, err end
  local lines = {}
  for i, name in ipairs(lock.names(doc)) do
    lines[i] = ("%s: %s"):format(name, describe(doc.images[name]))
  end
  print_lines(ctx, lines)
  return true
end

return {
  name = "lock",
  summary = "keep images in a lock: by digest, of several platforms, for Nix",
  commands = {
    { name = "add", usage = "NAME IMAGE", run = add,
      summary = "put an image into the lock",
      args = {
        { words = "name", value = "<name>", count = "1", help = "its name there, and in Nix" },
        options.image, FILE,
        { names = "--platform", value = "OS/ARCH[/VARIANT]", many = true, per_run = true,
          help = "an image of an index to lock; may be repeated; all of them by default" },
        options.fetch,
      } },
    { name = "update", usage = "[NAME...]", run = update,
      summary = "take what the tags stand for now",
      args = { NAMES, FILE, options.access } },
    { name = "outdated", usage = "[NAME...]", run = outdated,
      summary = "tell which tags have moved; exit code 1 if any has",
      args = { NAMES, FILE, options.access } },
    { name = "verify", usage = "[NAME...]", run = verify,
      summary = "compare the lock with the manifests that it names",
      args = { NAMES, FILE, options.access } },
    { name = "remove", usage = "NAME...", run = remove,
      summary = "take images out of the lock",
      args = {
        { words = "names", value = "<name>", count = "+", help = "names in the lock" }, FILE,
        options.verbosity,
      } },
    { name = "list", usage = "", run = list,
      summary = "print the images of the lock",
      args = { FILE, options.verbosity } },
  },
}
