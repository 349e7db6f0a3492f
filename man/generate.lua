-- Writes the manual pages: the options come from the commands themselves, so that pages and programs
-- can't differ; the prose is here.
--
--   lua man/generate.lua DIR        (with the library on package.path: see `make docs`)

local command = require "hocker.command"
local options = require "hocker.options"
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
Prints a Nix expression that calls fetchdocker with one fetchDockerLayer a layer. The digests in the manifest are the
hashes that Nix needs, so no layer is downloaded. Nix itself is not used. The manifest is read on standard input, as
hocker-manifest prints it, and no network is used; or with --fetch it is fetched. The options of a registry are for that alone.
.PP
--template prints something else. multi is one expression for several platforms: stdenv.hostPlatform chooses, or where
there is no stdenv the system that evaluates. json has the same facts, each hash in all of Nix's forms. dockerTools is the arguments
of dockerTools.pullImage, with a hash that never fits, since no manifest has the right one: Nix tells it. nix2container is
the manifest itself, the lock of pullImageFromManifest. Another name is looked for as templates/NAME.lua and
templates/nix/NAME.lua where scripts are; what has a / in it or ends in .lua is the path of a file.
.PP
multi and json have all platforms of an index, or those of --platform, which may be repeated; the others have one,
this machine's by default. A manifest alone does not tell its platform, so multi needs --fetch.]],
  assemble = [[
Makes an archive that docker load and podman load take of files that are there: a configuration, and the layers as a registry
has them, compressed with gzip or zstd or not at all, the base first. It is what hocker-image makes of the same image. The layers'
content is verified by the configuration, and the configuration by --id where it is given. The files are read twice.
.PP
With --script a small program is written instead, which names the files and prints their archive when it is run; so the files,
and the hocker at that path, have to stay where they are. Its first line makes the system run hocker stream, so no shell is
needed. What it reads is verified again. It takes the options of hocker stream.]],
  stream = [[
Prints the archive that SCRIPT stands for, which hocker assemble --script wrote: what running SCRIPT does. Should a file no
more be what it was, the exit code is 5, and what was printed breaks off inside a member.]],
  tags = [[
Prints all tags of a repository, one a line, in the order of the registry. A registry that gives them in pages is asked for
all of these, which must be of the same list. Nothing is printed unless all is there.]],
  run = [[
Runs a Lua script with the whole library of hocker: require "hocker". SCRIPT is a file, which must belong to the user or to root
and which nobody else may write to, or - for standard input. What follows is the script's, options too: it gets them as its arguments and
in the table arg, whose field 0 is SCRIPT. Only --scripts, --no-user-scripts and +RTS count as hocker's wherever they stand; behind
-- nothing does, as in hocker run -- SCRIPT --scripts.
.PP
A script ends as a command does. It returns nothing or true when it is done, false if its answer is no (exit code 1), an exit code from
0 to 255, or nil and an error: an object of hocker, whose code tells the exit code, or a text. What it raises is printed with where that was.
Its file may begin with the line #!/usr/bin/env -S hocker run.]],
  repl = [[
Reads Lua, line by line, and runs it with the whole library of hocker, whose modules are fields of the global hocker. The values of an
expression are printed. What is not whole goes on in the next line. An error is printed, and the next line read; if standard
input is no terminal, the exit code is 1 then. An interrupt ends it.]],
  commands = [[
Prints each command, what it does, and which file it is. Those of the user are there too. One that is broken is named with
what is wrong with it; it harms no other.]],
  paths = [[
Prints the folders in which scripts and config.lua are looked for, in order, and with each whether it exists, or why nothing
is taken from it.]],
  settings = [[
Prints the value of each setting and where it comes from, in lines that could stand in a configuration: an environment
variable, a file, or what is built in. Options that are for the command line alone are not among them.]],
  which = [[
Prints the file that is used for WHAT: for commands/NAME (or NAME), for policies/NAME, for templates/nix/NAME, or for a module of the library,
hocker/NAME. What comes with hocker has a path that begins with hocker:/.]],
  lock = [[
Keeps a lock: a file of JSON that has, for images by names of your own, the digests of the index, of the manifests of all
platforms, or those that are asked for, and of their configurations and layers. It belongs with the sources of what uses the images;
fromLock, of hocker's Nix library, makes images of it. Only manifests are fetched, never a layer or a configuration.
.PP
The lock is written at once and whole, and only when something in it is new; who else changes it at the same time is waited for.
Credentials are not kept in it.]],
}

-- What the commands of a command do.
local PARTS = {
  lock = {
    add = [[
Puts an image into the lock, of all platforms that its index has, or of those that are asked for. A name that is there stays with
its image, which is looked up anew. The platform of an image without an index is the one that is asked for, else "any".]],
    update = [[
Takes what the tags stand for now, and prints what has changed. An image that was named by a digest stays as it is. When one
can't be looked up, nothing is written.]],
    outdated = [[
Tells which tags have moved, and for each platform the layers that came (+) and went (-), with their sizes, and how many bytes
there are to fetch. The exit code is 1 if any has moved.]],
    verify = [[
Fetches the manifests again, by the digests in the lock, and compares all that it has of them. Each difference is told, and the
exit code is 5 if there is any.]],
    remove = "Takes images out of the lock.",
    list = "Prints the images of the lock, each with its digest and its platforms.",
  },
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
the environment variables DOCKER_TOKEN, else DOCKER_USER and DOCKER_PASS, or the lines of these names in the file of
DOCKER_CREDENTIALS, else of /etc/nix-docker-credentials.txt; the file of \-\-authfile;
that of REGISTRY_AUTH_FILE; containers/auth.json in XDG_RUNTIME_DIR and in ~/.config, where podman and skopeo keep
logins; docker's ~/.docker/config.json, or the one in DOCKER_CONFIG; ~/.dockercfg; ~/.netrc, or the file of NETRC.
Credential helpers that these files name are asked; one that fails is an error. With \-v it is told which are used.
.PP
Secrets are never sent to the target of a
redirect, nor over plain http to another machine unless \-\-insecure is given.]]

local SCRIPTS = [[
Commands, templates and modules of the library are Lua scripts, and the first of these places that has one counts: the
folders of \-\-scripts; those of HOCKER_PATH; hocker in XDG_CONFIG_HOME, else ~/.config/hocker; /etc/hocker; share/hocker where
hocker is installed; and what comes with hocker. A file commands/NAME.lua is the command NAME. Nothing is ever taken from
the current directory. A script and all directories on the way to it must belong to the user or to root, and nobody else
may write to them: otherwise it is an error. With \-\-no-user-scripts only what comes with hocker is run.]]

local CONFIGURATION = [[
All files config.lua in these places count, and of several that set the same thing the first. A file is a Lua table of
data, without any function:
.PP
.nf
return {
  options = { jobs = 8 },
  commands = { image = { format = "oci-archive" } },
  mirrors = { ["docker.io"] = { "https://mirror.example" } },
  realms = { ["registry.example"] = { "auth.example.net" } },
  policies = { "audit", { "allow", registries = { "docker.io" } } },
}
.fi
.PP
options are those of all commands, named as on the command line with _ for \-; commands has those of one command. mirrors
are registries that are tried first, for a registry or for a longer part of an image's name; \-\-mirror counts instead of them.
realms are hosts of token servers that get a registry's credentials although they do not belong to its domain. policies are asked
before those of \-\-policy, and those of all files count, the last file first.
.PP
An option is what the command line says, else the environment variable HOCKER_OPTION (HOCKER_JOBS, HOCKER_CONNECT_TIMEOUT),
else the configuration, else what is built in. Secrets, \-\-insecure and \-\-out are for the command line alone.]]

local POLICIES = [[
Policies are scripts that are asked before each decision of a fetch, and may refuse it or make it stricter: those of the
configuration, then those of \-\-policy. A policy is policies/NAME.lua where scripts are, or a file's path; with NAME:KEY=VALUE,KEY=VALUE
it has parameters. These come with hocker:
.TP
\fBallow\fR
Allows images of the registries and repositories that are named, or with digests by digest alone. A * stands for a part of a name, ** for any number of them.
.TP
\fBmirror\fR
Its parameters are registries, or longer parts of names, and what to ask instead: a mirror's URI, or another name.
.TP
\fBoffline\fR
Looks into the OCI layout of the parameter layout first; with only, registries are not asked.
.TP
\fBbudget\fR
Limits the layers of an image, and the bytes of all that is fetched: bytes=2GiB.
.TP
\fBaudit\fR
Writes a line of JSON for each decision, to standard error or the end of file.
.TP
\fBcosign\fR
Accepts only images that the public key in the file key has signed.]]

local ENVIRONMENT = {
  { "HOCKER_PATH", "folders of scripts, separated by colons" },
  { "HOCKER_NO_USER_SCRIPTS", "1 is \\-\\-no\\-user\\-scripts; 0 is not" },
  { "HOCKER_OPTION", "the value of an option; a flag is 1 or 0, several values stand between spaces" },
}

local CODES = {
  { 0, "done" }, { 2, "the command line is wrong" }, { 3, "there is no such image" },
  { 4, "not authorised" }, { 5, "verification failed" }, { 6, "network, after the retries" },
  { 7, "local files and pipes" }, { 8, "refused by a policy or a safety rule" },
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

-- Whether a command takes an image; and whether it talks to its registry.
local function takes_image(args)
  for _, item in ipairs(options.flatten(args)) do
    if item.words == "image" then return true end
  end
  return false
end

local function takes_credentials(args)
  return options.by_key(args).username ~= nil
end

-- The arguments of a command, or of all its commands.
local function arguments(spec)
  if spec.args then return spec.args end
  local all = {}
  for i, sub in ipairs(spec.commands) do all[i] = sub.args end
  return all
end

local function print_options(args)
  local lines = {}
  for _, item in ipairs(options.flatten(args)) do
    if item.names then lines[#lines + 1] = option(item) end
  end
  return table.concat(lines)
end

-- Each option once, with the commands that take it.
local function users_of_options(spec)
  local order, users = {}, {}
  for _, sub in ipairs(spec.commands) do
    for _, item in ipairs(options.flatten(sub.args)) do
      if item.names and not users[item] then order[#order + 1], users[item] = item, {} end
      if item.names then table.insert(users[item], sub.name) end
    end
  end
  return order, users
end

-- The options of a command's commands, by who takes them.
local function shared_options(spec)
  local titles, groups = { "all" }, { all = {} }
  local order, users = users_of_options(spec)
  for _, item in ipairs(order) do
    local who = #users[item] == #spec.commands and "all" or table.concat(users[item], ", ")
    if not groups[who] then titles[#titles + 1], groups[who] = who, {} end
    table.insert(groups[who], item)
  end
  table.insert(groups.all, options.scripts)
  for i, who in ipairs(titles) do titles[i] = (".SS Of %s\n%s"):format(who, print_options(groups[who])) end
  return table.concat(titles)
end

local function option_text(spec)
  if spec.commands then return shared_options(spec) end
  return print_options { spec.args, options.scripts }
end

local function synopsis(program, spec)
  local lines = {}
  for i, one in ipairs(spec.commands or { spec }) do
    lines[i] = (".B %s\n[options] %s"):format(escape(spec.commands and program .. " " .. one.name or program),
      one.usage or "IMAGE"):gsub(" $", "")
  end
  return table.concat(lines, "\n.br\n")
end

-- What each of a command's commands does.
local function command_list(name, spec)
  local lines = {}
  for i, sub in ipairs(spec.commands) do
    lines[i] = (".TP\n\\fB%s\\fR %s\n%s"):format(sub.name, sub.usage, escape(PARTS[name][sub.name]))
  end
  return table.concat(lines, "\n")
end

local function section(name, text)
  return (".SH %s\n%s\n"):format(name, text)
end

local function list(rows)
  local lines = {}
  for _, row in ipairs(rows) do lines[#lines + 1] = (".TP\n%s\n%s."):format(row[1], row[2]) end
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
  local args = arguments(spec)
  local body = section("SYNOPSIS", synopsis(program, spec))
    .. section("DESCRIPTION", escape(PROSE[name]):gsub("\\e", "\\"))
  if spec.commands then body = body .. section("COMMANDS", command_list(name, spec)) end
  if takes_image(args) then body = body .. section("IMAGES", name == "tags" and NAME or IMAGE) end
  body = body .. section("OPTIONS", option_text(spec))
  if takes_credentials(args) then body = body .. section("CREDENTIALS", CREDENTIALS) end
  return page(page_name(entry), spec.summary, body .. section("EXIT STATUS", list(CODES))
    .. section("SEE ALSO", ".BR hocker (1)"))
end

local function hocker_page()
  local rows, programs = {}, {}
  for _, entry in ipairs(command.programs) do
    local spec = assert(scripts.bundled("commands/" .. entry.name))
    rows[#rows + 1] = (".TP\n.BR \"hocker %s\" \", \" %s (1)\n%s."):format(entry.name,
      escape(page_name(entry)), escape(spec.summary))
    programs[#programs + 1] = entry.program and escape(entry.program)
  end
  return page("hocker", "fetch docker and OCI images from registries, without a daemon",
    section("SYNOPSIS", ".B hocker\nCOMMAND [options] ...")
    .. section("DESCRIPTION", ("Some commands are also programs of their own: %s.\n%s")
      :format(table.concat(programs, ", "), table.concat(rows, "\n")))
    .. section("SCRIPTS", SCRIPTS) .. section("CONFIGURATION", CONFIGURATION)
    .. section("POLICIES", POLICIES) .. section("ENVIRONMENT", list(ENVIRONMENT)) .. section("EXIT STATUS", list(CODES)))
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
