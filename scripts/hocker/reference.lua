--- Which image, and where: NAME TAG as the original suite takes it, or one reference as docker
--- writes it (`[host[:port]/]path[:tag][@digest]`, the grammar of distribution/reference).
---
--- Nothing here talks to a network. What comes out is fit for a URL as it is.
---
---     local reference = require "hocker.reference"
---     local ref = assert(reference.parse { "debian:12" })
---     print(ref.name, ref.path, ref.tag) --> docker.io/library/debian, library/debian, 12

local core = require "hocker.core"

---@class hocker.Reference
---@field host string the registry as the user means it: "docker.io", "localhost:5000"
---@field registry string the registry as a URI: the text of --registry, else the same as `api`
---@field api string what requests start with; ends in "/v2/"
---@field path string the repository there: "library/debian"
---@field tag string? nil when there is a digest alone
---@field digest string?
---@field name string normalised, no tag: "docker.io/library/debian"
---@field repo_tags string[]? default RepoTags of an archive; nil (null) without a tag
---@field plain_ok boolean whether the caller may try plain http: no scheme given, and this machine or opts.insecure
local methods = {}
local mt = { __name = "hocker.Reference", __index = methods }

local M = {}

local HUB <const> = "docker.io"
local HUB_API <const> = "https://registry-1.docker.io/v2/"
local HUB_TAGS <const> = "registry-1.docker.io/v2" -- what the original names default images by
local HUB_HOSTS <const> = {
  ["docker.io"] = true, ["index.docker.io"] = true, ["registry-1.docker.io"] = true,
}

local NAME_MAX <const> = 255
local TAG_MAX <const> = 128

local function usage(message, ...)
  return nil, core.error("usage", message:format(...))
end

--- A user's text in a message: quoted, and cut where it is long.
local function show(text)
  return "'" .. (#text > 80 and text:sub(1, 77) .. "..." or text) .. "'"
end

-- Grammar ----------------------------------------------------------------------------------

local function check_tag(tag)
  if tag == "" then return usage("the tag is empty") end
  if core.digest.check(tag) then return usage("a digest comes after '@': NAME@%s", tag) end
  if #tag > TAG_MAX then return usage("a tag has at most %d characters", TAG_MAX) end
  if not tag:find("^[A-Za-z0-9_][A-Za-z0-9_.-]*$") then
    return usage("%s is not a tag: letters, digits, '_', '.' and '-', and not '.' or '-' first",
      show(tag))
  end
  return tag
end

local function check_digest(text)
  if text == "" then return usage("the digest is empty: write @sha256: and 64 hex digits") end
  if not core.digest.check(text) then
    return usage("%s is not a digest: sha256: and 64, or sha512: and 128 lower-case hex digits",
      show(text))
  end
  return text
end

local function separated_well(component)
  for run in component:gmatch("[._-]+") do
    if not (run == "." or run == "_" or run == "__" or run:find("^%-+$")) then return false end
  end
  return true
end

local function check_component(component)
  if component == "" then
    return usage("a name has no empty parts: no '/' first or last, and no '//'")
  elseif component:find("[A-Z]") then
    return usage("%s has capital letters, names have none: %s", show(component),
      show(component:lower()))
  elseif not (component:find("^[a-z0-9][a-z0-9._-]*$") and component:find("[a-z0-9]$")
      and separated_well(component)) then
    return usage("%s cannot be part of a name: lower-case letters and digits, with '.', '_', "
      .. "'__' or dashes between them", show(component))
  end
  return component
end

local function check_path(path)
  if path == "" then return usage("the image has no name") end
  for component in (path .. "/"):gmatch("([^/]*)/") do
    local ok, err = check_component(component)
    if not ok then return nil, err end
  end
  return path
end

-- Of a path; the host in front of it does not count.
local function check_length(path)
  if #path > NAME_MAX then return usage("a name has at most %d characters", NAME_MAX) end
  return path
end

local function split_host(text)
  local host, port = text:match("^(%[[%x:.]+%])(.*)$")
  if not host then host, port = text:match("^([^:]*)(.*)$") end
  return host, port
end

local function domain_ok(host)
  if host:find("^%[.*%]$") then return true end -- left to the URL parser
  for label in (host .. "."):gmatch("([^.]*)%.") do
    if not (label:find("^[A-Za-z0-9][A-Za-z0-9-]*$") and label:find("[A-Za-z0-9]$")) then
      return false
    end
  end
  return true
end

--- Checks host[:port]. Returns it in lower case, and its URL.
local function check_host(text)
  local host, port = split_host(text)
  if not domain_ok(host) then return usage("%s is not a host name", show(host)) end
  if port ~= "" then
    local number = port:match("^:([1-9]%d?%d?%d?%d?)$")
    if not number or tonumber(number) > 65535 then
      return usage("%s is not a port: host:PORT, from 1 to 65535", show(port:sub(2)))
    end
  end
  local url = core.url.parse("https://" .. text .. "/")
  if not url then return usage("%s is not a host name", show(text)) end
  return text:lower(), url
end

--- docker's rule for the part before the first "/".
local function looks_like_host(first)
  return first == "localhost" or first:find("[.:A-Z]") ~= nil or first:sub(1, 1) == "["
end

-- Where ------------------------------------------------------------------------------------

--- An image of Docker Hub; `name` has no host.
local function on_hub(name)
  local path, err = check_path(name)
  if not path then return nil, err end
  if not path:find("/", 1, true) then path = "library/" .. path end
  return { host = HUB, registry = HUB_API, api = HUB_API, path = path, name = HUB .. "/" .. path,
    plain_ok = false }
end

--- By a name that may carry its host.
local function by_name(name, insecure)
  local first, rest = name:match("^([^/]+)/(.*)$")
  if not first or not looks_like_host(first) then
    local at, err = on_hub(name)
    if at then at.tag_prefix = HUB_TAGS end
    return at, err
  end
  local host, url = check_host(first)
  if not host then return nil, url end
  if HUB_HOSTS[host] then return on_hub(rest) end
  local path, err = check_path(rest)
  if not path then return nil, err end
  local api = "https://" .. host .. "/v2/"
  return { host = host, registry = api, api = api, path = path, name = host .. "/" .. path,
    plain_ok = url.loopback or insecure or false }
end

local function check_registry(text)
  if not text:find("://", 1, true) then
    return usage("--registry %s has no scheme: write https:// in front of it", show(text))
  end
  local url = core.url.parse(text)
  if not url then
    return usage("--registry %s is not an http or https URI", core.url.redact(text))
  end
  local fault = url.port == 0 and "has a port that nothing listens on"
    or url.userinfo and "carries credentials; give them with --username and --password"
    or text:find("[?#]") and "has a query or a fragment; leave it out"
    or url.path:find("//", 1, true) and "has an empty part in its path"
    or url.path:find("/v1/?$") and "is for version 1 of the protocol; leave the v1 out"
  if fault then return usage("--registry %s %s", core.url.redact(text), fault) end
  return url
end

-- A URI's path as what is before "/v2/" and the part of the names that is after it.
local function split_root(path)
  path = path:gsub("/+$", "")
  local prefix, names = path:gsub("/v2$", ""), ""
  if prefix == path then
    local before, after = path:match("^(.-)/v2/(.+)$")
    if before then prefix, names = before, after .. "/" end
  end
  return prefix, names
end

--- By a registry's URI; the name is a path there.
local function by_registry(name, text)
  local url, err = check_registry(text)
  if not url then return nil, err end
  if name:find(":", 1, true) then
    return usage("with --registry the name is a path there, but %s begins with a host", show(name))
  end
  local prefix, names = split_root(url.path)
  local authority = url.origin:match("//(.*)$")
  local at
  name = names .. name
  if HUB_HOSTS[authority] and prefix == "" then
    at, err = on_hub(name)
  else
    at, err = check_path(name)
    at = at and { host = authority, api = url.origin .. prefix .. "/v2/", path = name,
      name = authority .. prefix .. "/" .. name, plain_ok = false }
  end
  if not at then return nil, err end
  at.registry = names == "" and text or at.api
  at.tag_prefix = text:match("//(.-)/*$"):sub(1, -1 - #names)
  return at
end

-- Words ------------------------------------------------------------------------------------

--- Splits at the first "@"; the digest is nil when there is none.
local function split_digest(text)
  local rest, digest = text:match("^([^@]*)@(.*)$")
  return rest or text, digest
end

--- Splits at the first ":" after the last "/".
local function split_tag(text)
  local name, tag = text:match("^(.*/[^/:]*):([^/]*)$")
  if not name then name, tag = text:match("^([^/:]*):([^/]*)$") end
  return name or text, tag
end

local function split_reference(text)
  if #text == 64 and not text:find("[^0-9a-f]") then
    return usage("64 hex digits are an image's id, not a name: write NAME@sha256:%s...",
      text:sub(1, 7))
  end
  local rest, digest = split_digest(text)
  local name, tag = split_tag(rest)
  if not tag and not digest then tag = "latest" end
  return { name = name, tag = tag, digest = digest }
end

local function split_words(name, word)
  local bare, digest = split_digest(name)
  local _, tag = split_tag(bare)
  if tag or digest then
    return usage("the tag is there twice, in the name and after it: write NAME TAG, or NAME:TAG")
  end
  tag, digest = split_digest(word)
  if not digest and tag:find(":", 1, true) then tag, digest = nil, tag end
  return { name = name, tag = tag, digest = digest }
end

local function split(words)
  if words[1] == "" then return usage("the image has no name") end
  local scheme = words[1]:match("^[%w+.-]+://")
  if scheme then return usage("an image has no scheme: leave '%s' out", scheme) end
  if words[2] then return split_words(words[1], words[2]) end
  return split_reference(words[1])
end

local function check_versions(parts)
  if parts.tag then
    local tag, err = check_tag(parts.tag)
    if not tag then return nil, err end
  end
  if parts.digest then return check_digest(parts.digest) end
  return true
end

local OPTIONS <const> = { registry = "string", insecure = "boolean" }

local function check_arguments(words, opts)
  if type(words) ~= "table" then error("reference.parse: words must be a list", 3) end
  for _, word in ipairs(words) do
    if type(word) ~= "string" then error("reference.parse: words must be strings", 3) end
  end
  for key, value in pairs(opts) do
    if not OPTIONS[key] then error(("reference.parse: unknown option '%s'"):format(key), 3) end
    if type(value) ~= OPTIONS[key] then
      error(("reference.parse: %s must be a %s"):format(key, OPTIONS[key]), 3)
    end
  end
end

local function finish(at, parts, two_words)
  local repo = two_words and at.tag_prefix and at.tag_prefix .. "/" .. at.path or at.name
  at.tag_prefix = nil
  at.tag, at.digest = parts.tag, parts.digest
  at.repo_tags = at.tag and { repo .. ":" .. at.tag }
  return setmetatable(at, mt)
end

---@class hocker.reference.Options
---@field registry string? a URI, with or without /v2, with a path before it
---@field insecure boolean? any host but Docker Hub may speak plain http

--- Reads what a user names an image by.
---
--- Two words are NAME and TAG; TAG may be a digest, or tag@digest. One word is a reference,
--- `latest` when it has neither tag nor digest. On Docker Hub, also when it is named by
--- --registry, a name of one part is in `library/`. With opts.registry the name is a path
--- there, and no host is looked for in it. What the URI has after /v2/ is what all names there begin
--- with, as a registry's project that is a cache of another registry has one.
---
--- repo_tags are, for one word and for a name that carries its host, the normalised reference;
--- for two words the original's: the registry's URI after "//", the path, the tag.
---@param words string[] { NAME, TAG } or { REFERENCE }
---@param opts hocker.reference.Options?
---@return hocker.Reference? reference
---@return hocker.Error? err "usage"
function M.parse(words, opts)
  opts = opts or {}
  check_arguments(words, opts)
  if #words < 1 or #words > 2 then
    return usage("an image is NAME TAG, or one reference such as debian:12; here are %d words",
      #words)
  end
  local parts, err = split(words)
  if not parts then return nil, err end
  local at
  if opts.registry then
    at, err = by_registry(parts.name, opts.registry)
  else
    at, err = by_name(parts.name, opts.insecure)
  end
  if not at then return nil, err end
  local ok
  ok, err = check_length(at.path)
  if ok then ok, err = check_versions(parts) end
  if not ok then return nil, err end

  return finish(at, parts, words[2] ~= nil)
end

-- A word that can be a TAG: no path in it, and no colon but a digest's.
local function is_version(word)
  local bare = split_digest(word)
  return not bare:find("/", 1, true) and (bare:find("^sha%d+:") or not bare:find(":", 1, true))
end

--- Tells which words name an image together, where there may be several images. Two words are NAME
--- TAG when the second can be a tag or a digest; all others are a reference each.
---@param words string[]
---@return string[][] images each for M.parse
function M.split_images(words)
  if #words == 2 and is_version(words[2]) then return { words } end
  local images = {}
  for i, word in ipairs(words) do images[i] = { word } end
  return images
end

--- Whether a text is a tag by the grammar.
---@param text string
---@return boolean
function M.is_tag(text)
  return check_tag(text) ~= nil
end

--- Another version of the same image.
---@param ref hocker.Reference
---@param tag string?
---@param digest string?
---@return hocker.Reference? reference
---@return hocker.Error? err "usage"
function M.versioned(ref, tag, digest)
  local ok, err = check_versions { tag = tag, digest = digest }
  if not ok then return nil, err end
  local copy = {}
  for key, value in pairs(ref) do copy[key] = value end
  if tag ~= ref.tag then
    local repo = ref.repo_tags and ref.repo_tags[1]:sub(1, -#ref.tag - 2) or ref.name
    copy.repo_tags = tag and { repo .. ":" .. tag }
  end
  copy.tag, copy.digest = tag, digest
  return setmetatable(copy, mt)
end

--- The same image at a mirror: its path there, its tag and digest.
---@param ref hocker.Reference
---@param uri string of --mirror
---@return hocker.Reference? reference
---@return hocker.Error? err "usage"
function M.at_mirror(ref, uri)
  local version = ref.tag and ref.digest and ref.tag .. "@" .. ref.digest or ref.tag or ref.digest
  local mirror, err = M.parse({ ref.path, version }, { registry = uri })
  if mirror then return mirror end
  return nil, core.error(err.code, (err.message:gsub("^%-%-registry", "--mirror")))
end

--- What is wrong with the URI of a registry or a mirror.
---@param uri string
---@return string? why nil if nothing is
function M.uri_fault(uri)
  local _, err = M.at_mirror({ path = "a/b", tag = "c" }, uri)
  return err and err.message:gsub("^%-%-mirror ", "") or nil
end

-- Methods ----------------------------------------------------------------------------------

--- The same image, pinned; the tag stays as a name.
---@param digest string
---@return hocker.Reference? reference
---@return hocker.Error? err
function methods:with_digest(digest)
  local ok, err = core.digest.check(digest)
  if not ok then return nil, err end
  local copy = {}
  for key, value in pairs(self) do copy[key] = value end
  copy.digest = digest
  return setmetatable(copy, mt)
end

--- What to ask a token for.
---@return string scope
function methods:scope()
  return "repository:" .. self.path .. ":pull"
end

--- The URL of a manifest: of `which`, else of the digest, else of the tag.
---@param which string? a digest or a tag
---@return string? url
---@return hocker.Error? err
function methods:manifest_url(which)
  which = which or self.digest or self.tag
  local check = which:find(":", 1, true) and core.digest.check or check_tag
  local ok, err = check(which)
  if not ok then return nil, err end
  return self.api .. self.path .. "/manifests/" .. which
end

--- Where the registry has a blob.
---@param digest string
---@return string? url
---@return hocker.Error? err
function methods:blob_url(digest)
  local ok, err = core.digest.check(digest)
  if not ok then return nil, err end
  return self.api .. self.path .. "/blobs/" .. digest
end

--- The path in two, at its first "/", as the Nix fetchers want it: "library", "debian". A path of
--- one part has no repository.
---@return string? repository
---@return string image_name
function methods:split()
  local repository, image_name = self.path:match("^([^/]+)/(.+)$")
  return repository, image_name or self.path
end

--- The normalised reference: name, tag and digest, whichever there are.
function mt:__tostring()
  return self.name .. (self.tag and ":" .. self.tag or "")
    .. (self.digest and "@" .. self.digest or "")
end

return M
