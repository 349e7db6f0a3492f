--- The documents as a whole: where their links lead.

local lfs = require "lfs"
local tmp = require "support.tmp"

local function documents()
  local list = { "README.md", "CHANGELOG.md" }
  for _, folder in ipairs { "docs/", "docs/api/" } do
    for name in lfs.dir(folder) do
      if name:find("%.md$") then list[#list + 1] = folder .. name end
    end
  end
  return list
end

--- Without what is code.
local function read(path)
  return (tmp.read(path):gsub("\n```.-\n```", ""))
end

--- The names that GitHub gives the headings.
local function anchors(path)
  local found = {}
  for title in read(path):gmatch("\n#+ ([^\n]*)") do
    found[title:lower():gsub("[^%w%-_ ]", ""):gsub(" ", "-")] = true
  end
  return found
end

describe("the documents", function()
  it("have links that lead somewhere", function()
    local count = 0
    for _, path in ipairs(documents()) do
      for link in read(path):gmatch("%]%(([^)]+)%)") do
        local to, anchor = link:match("^([^#]*)#?(.*)$")
        local file = to == "" and path or (path:match("^.*/") or "") .. to
        if not link:find("^https?://") then
          assert.is_not_nil(lfs.attributes(file), path .. ": " .. link)
          assert.is_true(anchor == "" or anchors(file)[anchor], path .. ": " .. link)
          count = count + 1
        end
      end
    end
    assert.is_true(count > 100, count)
  end)
end)
