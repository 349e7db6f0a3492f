-- Writes the reference of the library: what the comments and annotations of its modules say.
--
--   lua docs/generate.lua DIR        (see `make docs`)
--
-- A module's first comment is its introduction, with an example that a spec runs. Then come its classes with
-- their fields, and its functions; those without a comment are not for users.

local MODULES = { "hocker", "registry", "session", "reference", "manifest", "platform", "archive", "nix",
  "template", "policy", "digest", "tar", "json", "scripts", "context", "log", "core" }

-- Modules that users meet only by what these hand out: their types are on these pages.
local BEHIND = {
  registry = { "images", "content", "layout" },
  manifest = { "descriptor" },
  session = { "auth", "notices" },
  archive = { "archive/plan", "archive/output" },
  context = { "progress", "credentials", "configuration" },
}

local FILES = { hocker = "scripts/hocker/init.lua", core = "docs/api/core.lua" }

-- --- reading -----------------------------------------------------------------------------------------

-- The comments of a file, each with the first line after it: { comment = string[], line = string }.
local function read_blocks(path)
  local blocks, comment = {}, nil
  for line in io.lines(path) do
    if line:find("^%-%-%-") then
      comment = comment or {}
      comment[#comment + 1] = line:sub(4)
    elseif comment then
      blocks[#blocks + 1] = { comment = comment, line = line }
      comment = nil
    end
  end
  return blocks
end

-- The end of a type that begins a text: a space outside of brackets that no `:`, `,` or `|` goes on over.
local function type_end(text)
  local depth = 0
  for at = 1, #text do
    local char = text:sub(at, at)
    if char:find("[%(%[{<]") then depth = depth + 1
    elseif char:find("[%)%]}>]") then depth = depth - 1
    elseif char == " " and depth == 0 and not text:sub(at - 1, at - 1):find("[:,|]") then
      return at - 1
    end
  end
  return #text
end

-- --- writing -----------------------------------------------------------------------------------------

-- Text that markdown would take for more, but for the code in it.
local function escape(text)
  return ((text .. "``"):gsub("([^`]*)(`[^`]*`)", function(plain, inside)
    return plain:gsub("[<*_]", { ["<"] = "&lt;", ["*"] = "\\*", ["_"] = "\\_" }) .. inside
  end):sub(1, -3))
end

local function code(text)
  return text:find("`", 1, true) and escape(text) or "`" .. text .. "`"
end

-- Where each type is described: "core.md#hockererror".
local places = {}

-- A type, with a link to where it is described.
local function kind(text)
  local place = places[text:match("^([%w_.]+)[%[%]?]*$")]
  return place and ("[%s](%s)"):format(code(text), place) or code(text)
end

-- A paragraph's lines, where what is indented is code.
local function prose(lines)
  local out, inside = {}, false
  for _, line in ipairs(lines) do
    local indented = line:match("^     ?(.*)$")
    if indented and not inside then out[#out + 1] = "```lua"
    elseif not indented and inside and line ~= "" then out[#out + 1] = "```\n" end
    if indented or line ~= "" then inside = indented ~= nil end
    out[#out + 1] = indented or line:gsub("^ ", "")
  end
  if inside then out[#out + 1] = "```" end
  return (table.concat(out, "\n"):gsub("\n+```\n\n", "\n```\n\n"))
end

-- `name`, its type, and what is said of it.
local function named(text)
  local name, rest = text:match("^(%[[^%]]*%]%??) (.*)$")
  if not name then name, rest = text:match("^(%S+) ?(.*)$") end
  local stop = type_end(rest)
  local said = rest:sub(stop + 2)
  return ("* `%s`: %s%s"):format(name, kind(rest:sub(1, stop)), said ~= "" and ", " .. escape(said) or "")
end

-- What is returned: types, each with a name if it has one, and what is said of the last.
local function returned(text)
  local out = {}
  repeat
    local stop = type_end(text)
    local name, more = text:sub(stop + 2):match("^([%w_]*)(.*)$")
    out[#out + 1] = (name ~= "" and ("`%s`: "):format(name) or "") .. kind(text:sub(1, stop))
    text = more:match("^, (.*)$")
    if not text and more:find("%S") then out[#out] = out[#out] .. ", " .. escape(more:match("%S.*")) end
  until not text
  return "* returns " .. table.concat(out, "; ")
end

-- A comment in parts: its text, and its annotations in the order of the source.
local function parse(comment)
  local text, tags = {}, {}
  for _, line in ipairs(comment) do
    local tag, rest = line:match("^@(%a+) ?(.*)$")
    if tag then tags[#tags + 1] = { tag, rest } else text[#text + 1] = line end
  end
  return text, tags
end

local function describe_tags(tags)
  local lines = {}
  for _, item in ipairs(tags) do
    if item[1] == "param" or item[1] == "field" then lines[#lines + 1] = named(item[2])
    elseif item[1] == "return" then lines[#lines + 1] = returned(item[2])
    elseif item[1] == "type" then lines[#lines + 1] = "* " .. kind(item[2]) end
  end
  return lines
end

local function section(title, text, tags)
  local parts = { "### " .. title }
  if #text > 0 then parts[#parts + 1] = prose(text) end
  local lines = describe_tags(tags)
  if #lines > 0 then parts[#parts + 1] = table.concat(lines, "\n") end
  return table.concat(parts, "\n\n") .. "\n"
end

local function class_of(tags)
  for _, item in ipairs(tags) do
    if item[1] == "class" then
      local name, said = item[2]:match("^(%S+) ?(.*)$")
      local parent = said:match("^(%S+)") and name:sub(-1) == ":" and said:match("^(%S+)")
      return name:gsub(":$", ""), parent and said:sub(#parent + 2) or said, parent
    end
  end
end

-- What a block declares to be other names of types.
local function aliases_of(tags)
  local list = {}
  for _, item in ipairs(tags) do
    local name, text = item[2]:match("^(%S+) (.*)$")
    if item[1] == "alias" then list[#list + 1] = { name = name, text = text } end
  end
  return list
end

local function file_of(module)
  return FILES[module] or ("scripts/hocker/%s.lua"):format(module)
end

-- The blocks of a module, without its introduction, and those of the classes behind it.
local function blocks_of(module)
  local blocks = read_blocks(file_of(module))
  local first = table.remove(blocks, 1)
  for _, behind in ipairs(BEHIND[module] or {}) do
    for _, block in ipairs(read_blocks(file_of(behind))) do
      local _, tags = parse(block.comment)
      if class_of(tags) or aliases_of(tags)[1] then blocks[#blocks + 1] = block end
    end
  end
  return blocks, first
end

local function note_types(module)
  local function note(name)
    if name then places[name] = ("%s.md#%s"):format(module, name:lower():gsub("%.", "")) end
  end
  for _, block in ipairs((blocks_of(module))) do
    local _, tags = parse(block.comment)
    note((class_of(tags)))
    for _, alias in ipairs(aliases_of(tags)) do note(alias.name) end
  end
end

-- The name of what a line declares, as a user says it.
local function declared(line, module, classes)
  local owner, sign, name, params = line:match("^function ([%w_.]+)([.:])([%w_]+)(%b())")
  if not owner then
    owner, name = line:match("^(M)%.([%w_]+) = ")
    sign, params = ".", ""
  end
  if not owner then return nil end
  if owner == "M" then owner = module end
  return (classes[owner] or owner) .. sign .. name .. params
end

-- The text of a module's page.
local function page(module)
  local blocks, first = blocks_of(module)
  local classes, out = {}, { kinds = {}, functions = {} }
  local title = module == "hocker" and "hocker" or "hocker." .. module
  local intro = parse(first.comment)
  for _, block in ipairs(blocks) do
    local text, tags = parse(block.comment)
    local class, said, parent = class_of(tags)
    if class then
      local variable = block.line:match("^local (%w+) = ")
      local short = class:match("([^.]+)$")
      if variable then classes[variable] = short:lower() end
      if parent then text[#text + 1] = " A " .. kind(parent) .. " with more." end
      if said ~= "" then table.insert(text, 1, " " .. escape(said)) end
      out.kinds[#out.kinds + 1] = section(class, text, tags)
    elseif aliases_of(tags)[1] then
      for _, alias in ipairs(aliases_of(tags)) do
        out.kinds[#out.kinds + 1] = section(alias.name, text, { { "type", alias.text } })
      end
    else
      local name = declared(block.line, module, classes)
      if name then out.functions[#out.functions + 1] = section(name, text, tags) end
    end
  end
  local parts = { "<!-- Made by docs/generate.lua. -->\n# " .. title .. "\n", prose(intro) .. "\n" }
  for _, part in ipairs { { "Functions", out.functions }, { "Types", out.kinds } } do
    if #part[2] > 0 then
      parts[#parts + 1] = "## " .. part[1] .. "\n"
      table.move(part[2], 1, #part[2], #parts + 1, parts)
    end
  end
  return (table.concat(parts, "\n"):gsub("%f[%w]M%.", module .. "."))
end

local dir = assert(arg[1], "usage: lua docs/generate.lua DIR")
for _, module in ipairs(MODULES) do note_types(module) end
for _, module in ipairs(MODULES) do
  local f <close> = assert(io.open(("%s/%s.md"):format(dir, module), "wb"))
  assert(f:write(page(module)))
end
