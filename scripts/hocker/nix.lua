--- Prints Nix expressions.
---
--- An expression is a Lua value: strings, integers and booleans are themselves, the rest is made
--- by the functions below, and `print` lays it out. Whatever text goes in comes out as the same
--- text in Nix: no name can end a string, start an interpolation or pass for a keyword.
---
---     local nix = require "hocker.nix"
---     print(nix.print(nix.call("f", nix.attrs { { "name", 'a "b" ${c}' } })))
---     --> f {
---     -->   name = "a \"b\" \${c}";
---     --> }

local M = {}

local WIDTH <const> = 80 -- a list that fits is one line, and so are the arguments of a function
local INDENT <const> = "  "

local KEYWORDS <const> = {
  ["assert"] = true, ["else"] = true, ["if"] = true, ["in"] = true, inherit = true, let = true,
  ["or"] = true, rec = true, ["then"] = true, with = true,
}

local node_mt = { __name = "hocker.nix.Node" }

---@class hocker.nix.Node
---@field kind string

---@alias hocker.nix.Expr string|integer|boolean|hocker.nix.Node
---@alias hocker.nix.Binding hocker.nix.Node|{ [1]: string, [2]: hocker.nix.Expr }
---@alias hocker.nix.Formal string|{ [1]: string, [2]: hocker.nix.Expr }

local function node(kind, fields)
  fields.kind = kind
  return setmetatable(fields, node_mt)
end

local function is_node(value)
  return getmetatable(value) == node_mt
end

local function is_identifier(text)
  return type(text) == "string" and text:find("^[A-Za-z_][A-Za-z0-9_'-]*$") ~= nil
    and not KEYWORDS[text]
end

local function check_identifier(text, who)
  if not is_identifier(text) then
    error(("nix.%s: '%s' is not an identifier"):format(who, tostring(text)), 3)
  end
end

-- Strings ----------------------------------------------------------------------------------

local ESCAPES <const> = {
  ['"'] = '\\"', ["\\"] = "\\\\", ["$"] = "\\$", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
}

--- Nix has no escape for other control characters, but JSON has.
local function escape(char)
  return ESCAPES[char] or ([[${builtins.fromJSON "\"\\u%04x\""}]]):format(char:byte())
end

--- A Nix string. A NUL, which Nix strings cannot hold, raises.
---@param text string
---@return string
function M.quote(text)
  if text:find("\0", 1, true) then error("nix.quote: a Nix string cannot hold a NUL", 2) end
  return '"' .. text:gsub('["\\$\1-\31\127]', escape) .. '"'
end

--- An attribute's name: as it is, or quoted.
---@param name string
---@return string
function M.attribute(name)
  return is_identifier(name) and name or M.quote(name)
end

-- Making expressions -----------------------------------------------------------------------

M.null = node("id", { name = "null" })

--- An identifier, or a path of them: "pkgs.fetchurl".
---@param name string
---@return hocker.nix.Node
function M.id(name)
  if type(name) ~= "string" then error("nix.id: a string is needed", 2) end
  for part in (name .. "."):gmatch("([^.]*)%.") do check_identifier(part, "id") end
  return node("id", { name = name })
end

--- A string of pieces: text, which is quoted, and expressions, whose values are put in.
---@param pieces (string|hocker.nix.Node)[]
---@return hocker.nix.Node
function M.text(pieces)
  return node("text", { pieces = pieces })
end

--- Nix's way into a set: `set.name`, and what it is where there is none.
---@param set string|hocker.nix.Node a string is an identifier
---@param name hocker.nix.Expr a name, or an expression for it
---@param default hocker.nix.Expr?
---@return hocker.nix.Node
function M.select(set, name, default)
  return node("select", { set = type(set) == "string" and M.id(set) or set, name = name,
    default = default })
end

--- Lines that Nix passes over, an entry of attrs, rec and let.
---@param text string
---@return hocker.nix.Node
function M.comment(text)
  return node("comment", { text = text, names = {} })
end

--- `inherit a b;`, an entry of attrs, rec and let.
---@param names string[]
---@return hocker.nix.Node
function M.inherit(names)
  if #names == 0 then error("nix.inherit: no names", 2) end
  for _, name in ipairs(names) do check_identifier(name, "inherit") end
  return node("inherit", { names = names })
end

local function check_bindings(bindings, who)
  local seen = {}
  local function once(name)
    if type(name) ~= "string" then error(("nix.%s: a name must be a string"):format(who), 4) end
    if seen[name] then error(("nix.%s: '%s' is there twice"):format(who, name), 4) end
    seen[name] = true
  end
  for _, binding in ipairs(bindings) do
    if is_node(binding) then
      for _, name in ipairs(binding.names) do once(name) end
    else
      once(binding[1])
    end
  end
end

--- An attribute set, in the order given.
---@param bindings hocker.nix.Binding[] { name, value }, inherit and comment
---@return hocker.nix.Node
function M.attrs(bindings)
  check_bindings(bindings, "attrs")
  return node("attrs", { bindings = bindings, head = "{" })
end

--- The same, recursive.
---@param bindings hocker.nix.Binding[]
---@return hocker.nix.Node
function M.rec(bindings)
  check_bindings(bindings, "rec")
  return node("attrs", { bindings = bindings, head = "rec {" })
end

--- `let ... in body`; the body alone when there is nothing to bind.
---@param bindings hocker.nix.Binding[]
---@param body hocker.nix.Expr
---@return hocker.nix.Expr
function M.let(bindings, body)
  check_bindings(bindings, "let")
  if #bindings == 0 then return body end
  return node("let", { bindings = bindings, body = body })
end

--- A list.
---@param items hocker.nix.Expr[]
---@return hocker.nix.Node
function M.list(items)
  return node("list", { items = items })
end

--- Application. A string in the function's place is an identifier.
---@param f string|hocker.nix.Node
---@param ... hocker.nix.Expr
---@return hocker.nix.Node
function M.call(f, ...)
  if select("#", ...) == 0 then error("nix.call: no argument", 2) end
  return node("call", { f = type(f) == "string" and M.id(f) or f, ... })
end

--- A function of an attribute set: `{ a, b ? 1 }: body`.
---@param formals hocker.nix.Formal[] a name, or { name, default }; "..." may be the last
---@param body hocker.nix.Expr
---@return hocker.nix.Node
function M.fn(formals, body)
  local seen = {}
  for i, formal in ipairs(formals) do
    local name = type(formal) == "table" and formal[1] or formal
    if not (name == "..." and i == #formals) then check_identifier(name, "fn") end
    if seen[name] then error(("nix.fn: '%s' is there twice"):format(name), 2) end
    seen[name] = true
  end
  return node("fn", { formals = formals, body = body })
end

-- Printing ---------------------------------------------------------------------------------

local printers = {}

local function show(value, indent)
  local kind = type(value)
  if kind == "string" then return M.quote(value) end
  if kind == "boolean" then return tostring(value) end
  if math.type(value) == "integer" then return ("%d"):format(value) end
  if is_node(value) and printers[value.kind] then return printers[value.kind](value, indent) end
  error("nix.print: cannot print a " .. (math.type(value) or kind), 0)
end

local COMPOUND <const> = { call = true, fn = true, let = true }

local function is_simple(value)
  if not is_node(value) then return math.type(value) ~= "integer" or value >= 0 end
  return not COMPOUND[value.kind] and value.default == nil
end

--- An expression where only a simple one can stand: an item, a function, an argument.
local function show_simple(value, indent)
  local text = show(value, indent)
  return is_simple(value) and text or "(" .. text .. ")"
end

local entries = {}

function entries.inherit(inherit)
  return "inherit " .. table.concat(inherit.names, " ") .. ";"
end

-- A carriage return ends a comment too.
function entries.comment(comment, indent)
  local lines = {}
  for line in comment.text:gmatch("[^\r\n]+") do lines[#lines + 1] = "# " .. line end
  return table.concat(lines, "\n" .. indent)
end

local function show_bindings(bindings, indent)
  local lines = {}
  for i, binding in ipairs(bindings) do
    local text
    if is_node(binding) then
      text = entries[binding.kind](binding, indent)
    else
      text = M.attribute(binding[1]) .. " = " .. show(binding[2], indent) .. ";"
    end
    lines[i] = indent .. text .. "\n"
  end
  return table.concat(lines)
end

function printers.id(id)
  return id.name
end

function printers.attrs(set, indent)
  if #set.bindings == 0 then return set.head .. " }" end
  return set.head .. "\n" .. show_bindings(set.bindings, indent .. INDENT) .. indent .. "}"
end

function printers.let(let, indent)
  return "let\n" .. show_bindings(let.bindings, indent .. INDENT) .. indent .. "in "
    .. show(let.body, indent)
end

function printers.list(list, indent)
  if #list.items == 0 then return "[ ]" end
  local inner = indent .. INDENT
  local items, length = {}, #indent
  for i, item in ipairs(list.items) do
    items[i] = show_simple(item, inner)
    length = length + #items[i] + 1
    if items[i]:find("\n", 1, true) then length = math.huge end
  end
  if length + 4 <= WIDTH then return "[ " .. table.concat(items, " ") .. " ]" end
  return "[\n" .. inner .. table.concat(items, "\n" .. inner) .. "\n" .. indent .. "]"
end

function printers.call(call, indent)
  local parts = { show_simple(call.f, indent) }
  for i, argument in ipairs(call) do parts[i + 1] = show_simple(argument, indent) end
  return table.concat(parts, " ")
end

function printers.text(text, indent)
  local parts = {}
  for i, piece in ipairs(text.pieces) do
    parts[i] = is_node(piece) and "${" .. show(piece, indent) .. "}" or M.quote(piece):sub(2, -2)
  end
  return '"' .. table.concat(parts) .. '"'
end

function printers.select(select, indent)
  local name = select.name
  name = is_node(name) and "${" .. show(name, indent) .. "}" or M.attribute(name)
  local text = show_simple(select.set, indent) .. "." .. name
  if select.default == nil then return text end
  return text .. " or " .. show_simple(select.default, indent)
end

function printers.fn(fn, indent)
  local formals = {}
  for i, formal in ipairs(fn.formals) do
    formals[i] = type(formal) == "string" and formal
      or formal[1] .. " ? " .. show(formal[2], indent .. INDENT)
  end
  local head = #formals == 0 and "{ }" or "{ " .. table.concat(formals, ", ") .. " }"
  if #indent + #head >= WIDTH or head:find("\n", 1, true) then
    local last = formals[#formals] == "..." and "\n" or ",\n"
    head = "{\n" .. indent .. INDENT .. table.concat(formals, ",\n" .. indent .. INDENT) .. last
      .. indent .. "}"
  end
  return head .. ":\n" .. indent .. show(fn.body, indent)
end

--- The text of an expression, without a newline at its end.
---@param expr hocker.nix.Expr
---@return string
function M.print(expr)
  return show(expr, "")
end

return M
