-- Writes the manual pages: the options come from the commands themselves, so that pages and programs
-- can't differ; the prose is here.
--
--   lua man/generate.lua DIR        (with the library on package.path: see `make docs`)

local command = require "hocker.command"
local scripts = require "hocker.scripts"

local PROSE = {
  manifest = [[
Prints the manifest that the registry has for IMAGE, byte for byte: its SHA-256 is the image's digest. If the name
is that of an index, the manifest of one platform is printed, or with --index the index itself.]],
  config = [[
Prints the configuration of IMAGE, byte for byte: the JSON that says what to run, and lists the digests of the
layers' content.]],
  layer = [[
Fetches one layer, compressed as the registry has it, and verifies it against its digest. The manifest is not
fetched, and the tag not used.]],
  image = [[
Fetches whole images as one archive. By default it is what docker load and podman load take: the configuration, one
member a distinct layer, manifest.json and repositories. With --format oci-archive it is a tar of an OCI image layout,
which docker load takes too; with --format oci the layout is a directory, which is made, or added to if it is a layout.
The same images give the same bytes, on every run and machine. Layers are fetched at the same time, and each is verified as it
is stored and as it is unpacked.
.PP
Layers that the registry does not have but the manifest has urls for are fetched there with --foreign-layers: by https alone,
unless the registry itself is plain http, and without credentials.
.PP
Two words are NAME TAG whenever the second can be a tag or a digest: it has no slash, and no colon but a digest's. All
other words are a reference each, of several images that share the archive and what is the same in them.
.PP
With --out - the archive goes out while it is fetched where all sizes are certain: oci-archive, --layers compressed, and
layers that are stored uncompressed. If one is found wrong then, the exit code is 5 and the tar breaks off inside a member.]],
  docker2nix = [[
Reads a manifest, as hocker-manifest prints it, and prints a Nix expression that calls fetchdocker with one
fetchDockerLayer a layer. The digests in the manifest are the hashes that Nix needs, so nothing is downloaded.
Neither a network nor Nix is used.]],
  tags = [[
Prints all tags of a repository, one a line, in the order of the registry. A registry that gives them in pages is asked for
all of these, which must be of the same list. Nothing is printed unless all is there.]],
}

local NAME = [[
IMAGE is a name without a tag, [host[:port]/]path. Docker Hub is the default, and a name of one component there is in
library/. With \-\-registry, it is a path at that registry.]]

local IMAGE = [[
IMAGE is either two words, NAME and TAG, where TAG may be a digest, or one reference as docker writes it,
[host[:port]/]path[:tag][@digest]. A tag and a digest together are resolved by the digest, and the tag stays as a name.
Docker Hub is the default, and a name of one component there is in library/. With \-\-registry, NAME is a path at that
registry.]]

local CREDENTIALS = [[
Without credentials, a token is fetched from where the registry says, if it asks for one. A user name and a password
answer a Basic challenge, or get a token; \-\-token is sent as it is. A credentials file holds the lines USERNAME=... and
PASSWORD=..., or BEARER_TOKEN=... . The three ways exclude each other.
.PP
Without any of them, the first of these places that has an entry for the registry is taken: in a Nix build,
the environment variables DOCKER_TOKEN, else DOCKER_USER and DOCKER_PASS; the file of \-\-authfile;
that of REGISTRY_AUTH_FILE; containers/auth.json in XDG_RUNTIME_DIR and in ~/.config, where podman and skopeo keep
logins; docker's ~/.docker/config.json, or the one in DOCKER_CONFIG; ~/.dockercfg; ~/.netrc, or the file of NETRC.
Credential helpers that these files name are asked; one that fails is an error. With \-v it is told which are used.
.PP
Secrets are never sent to the target of a
redirect, nor over plain http to another machine unless \-\-insecure is given.]]

local CODES = {
  { 0, "done" }, { 2, "the command line is wrong" }, { 3, "there is no such image" },
  { 4, "not authorised" }, { 5, "verification failed" }, { 6, "network, after the retries" },
  { 7, "local files and pipes" }, { 8, "refused by a safety rule" },
  { "130, 143", "interrupted" }, { 1, "anything else" },
}

-- Dashes that are typed must not become hyphens; a dot or quote that begins a line is no request.
local function escape(text)
  return (text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("^([.'])", "\\&%1"))
end

local function option(spec)
  local names = {}
  for name in spec.names:gmatch("%S+") do
    names[#names + 1] = "\\fB" .. escape(name) .. "\\fR" .. (spec.value and " \\fI" .. escape(spec.value) .. "\\fR" or "")
  end
  return (".TP\n%s\n%s.\n"):format(table.concat(names, ", "), escape(spec.help))
end

-- The options in order, and whether there is an IMAGE; `args` nests.
local function options(args, into)
  for _, item in ipairs(args) do
    if item.names then into[#into + 1] = option(item) elseif not item.words then options(item, into) end
  end
  return into
end

local function section(name, text)
  return (".SH %s\n%s\n"):format(name, text)
end

local function exit_codes()
  local lines = {}
  for _, row in ipairs(CODES) do lines[#lines + 1] = (".TP\n%s\n%s."):format(row[1], row[2]) end
  return table.concat(lines, "\n")
end

local function page(program, summary, body)
  return (".\\\" Made by man/generate.lua.\n.TH %s 1 \"\" hocker \"User commands\"\n.SH NAME\n%s \\- %s\n%s")
    :format(program:upper():gsub("-", "\\-"), escape(program), escape(summary), body)
end

-- A command that is no program of its own has a page named as if it were one.
local function page_name(entry)
  return entry.program or "hocker-" .. entry.name
end

local function command_page(entry)
  local name, program = entry.name, entry.program or "hocker " .. entry.name
  local spec = assert(scripts.bundled("commands/" .. name))
  local body = section("SYNOPSIS", (".B %s\n[options] %s"):format(escape(program),
    spec.usage or "IMAGE"))
    .. section("DESCRIPTION", escape(PROSE[name]):gsub("\\e", "\\"))
    .. section("IMAGES", name == "tags" and NAME or IMAGE)
    .. section("OPTIONS", table.concat(options(spec.args, {})))
  if name ~= "docker2nix" then body = body .. section("CREDENTIALS", CREDENTIALS) end
  return page(page_name(entry), spec.summary, body .. section("EXIT STATUS", exit_codes())
    .. section("SEE ALSO", ".BR hocker (1)"))
end

local function hocker_page()
  local list = {}
  for _, entry in ipairs(command.programs) do
    local spec = assert(scripts.bundled("commands/" .. entry.name))
    list[#list + 1] = (".TP\n.BR \"hocker %s\" \", \" %s (1)\n%s."):format(entry.name,
      escape(page_name(entry)), escape(spec.summary))
  end
  return page("hocker", "fetch docker and OCI images from registries, without a daemon",
    section("SYNOPSIS", ".B hocker\nCOMMAND [options] ...")
    .. section("DESCRIPTION", "Each command but tags is also a program of its own.\n" .. table.concat(list, "\n"))
    .. section("EXIT STATUS", exit_codes()))
end

local function write(path, text)
  local f <close> = assert(io.open(path, "wb"))
  assert(f:write(text))
end

local dir = assert(arg[1], "usage: lua man/generate.lua DIR")
write(dir .. "/hocker.1", hocker_page())
for _, entry in ipairs(command.programs) do
  write(("%s/%s.1"):format(dir, page_name(entry)), command_page(entry))
end
