--- Temporary directories, all under one root in $TMPDIR. The root goes when the specs are over,
--- however they end: a shell waits on a pipe that only this process holds open.

local lfs = require "lfs"

local tmp = {}

local root, janitor
local count = 0

--- Waits until no server holds the lock (see supervise.sh) before it removes their files.
local JANITOR = [[
trap '' HUP INT QUIT TERM
root=%s
read -r _
exec flock -w 60 "$root/.lock" sh -c 'chmod -R u+rwX "$0" && rm -rf "$0"' "$root" 2>/dev/null]]

local function make_root()
  local pipe <close> = assert(io.popen([[exec mktemp -d "${TMPDIR:-/tmp}/hocker-spec.XXXXXX"]]))
  root = assert(pipe:read("l"), "cannot make a temporary directory")
  assert(io.open(root .. "/.lock", "w")):close()
  janitor = assert(io.popen(JANITOR:format("'" .. root:gsub("'", [['\'']]) .. "'"), "w"))
end

--- The directory that all temporary files of this run lie in.
---@return string path
function tmp.root()
  if not root then
    make_root()
  end
  return root
end

--- A path that nothing has.
---@param name string? the end of it, "file" by default
---@return string path
function tmp.path(name)
  count = count + 1
  return ("%s/%d-%s"):format(tmp.root(), count, name or "file")
end

--- A new, empty directory.
---@param name string?
---@return string path
function tmp.dir(name)
  local path = tmp.path(name or "dir")
  assert(lfs.mkdir(path))
  return path
end

--- A new file.
---@param content string
---@param name string?
---@return string path
function tmp.file(content, name)
  local path = tmp.path(name)
  tmp.write(path, content)
  return path
end

---@param path string
---@param content string
function tmp.write(path, content)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(content))
end

---@param path string
---@return string content
function tmp.read(path)
  local file <close> = assert(io.open(path, "rb"))
  return assert(file:read("a"))
end

---@param path string
---@return boolean
function tmp.exists(path)
  return lfs.symlinkattributes(path, "mode") ~= nil
end

--- Names in a directory, sorted, without "." and "..".
---@param path string
---@return string[]
function tmp.list(path)
  local names = {}
  for name in lfs.dir(path) do
    if name ~= "." and name ~= ".." then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end

--- Removes everything now. Servers have to be stopped before.
function tmp.remove_all()
  if janitor then
    janitor:close()
    root, janitor = nil, nil
  end
end

return tmp
