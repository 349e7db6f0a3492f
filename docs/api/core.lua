---@meta hocker.core
--- The C core, as Lua sees it. Bytes of layers never pass through here: a transfer writes to a
--- chain of sinks that lives in C, and Lua builds the chain and answers questions.
---
--- Functions that can fail return `nil, err`; `err` is a `hocker.Error`. Misuse (a wrong type, a
--- closed object, an unknown option) raises, and so does the end of memory, with a `hocker.Error`
--- whose code is "memory", or with Lua's own message.

---@class hocker.core
---@field version string the library's version
---@field inflate_backend string what reads gzip: "isa-l" or "zlib"
local core = {}

---@class hocker.Error What went wrong. `tostring(err)` is the message.
---@field code string "usage", "not_found", "unauthorized", "verification", "network", "io", "refused", "interrupted", "protocol", "unsupported", "memory", "internal"
---@field message string one line
---@field http integer? HTTP status
---@field sys integer? errno, or the number of the signal
local Error = {}

--- Makes an error object; the one constructor, so that all errors look alike.
---@param code string one of the codes above
---@param message string
---@param fields table? further fields
---@return hocker.Error
function core.error(code, message, fields) end

---@class hocker.core.digest Digests are strings: "sha256:" and 64, "sha512:" and 128 lower-case hex digits.
core.digest = {}

--- The strict parser: returns its argument when it is a digest.
---@param text string
---@return string? digest, hocker.Error? err
function core.digest.check(text) end

--- The hex digits alone.
---@param digest string
---@return string? hex, hocker.Error? err
function core.digest.hex(digest) end

--- Nix's base 32.
---@param digest string
---@return string? text, hocker.Error? err
function core.digest.nix32(digest) end

--- Subresource Integrity: "sha256-" and base 64.
---@param digest string
---@return string? text, hocker.Error? err
function core.digest.sri(digest) end

--- The digest of a string.
---@param data string
---@param algorithm? "sha256"|"sha512"
---@return string digest
function core.digest.of(data, algorithm) end

---@class hocker.core.Hash
local Hash = {}

--- A streaming hash.
---@param algorithm? "sha256"|"sha512"
---@return hocker.core.Hash
function core.digest.new(algorithm) end

--- Adds bytes.
---@param data string
---@return hocker.core.Hash self
function Hash:update(data) end

--- The digest of all updates; once.
---@return string digest
function Hash:final() end

function Hash:close() end

---@class hocker.core.url
core.url = {}

---@class hocker.Url
---@field scheme string "http" or "https"
---@field host string lower case, without port; an IPv6 literal in brackets
---@field port integer
---@field path string
---@field query string?
---@field origin string scheme://host[:port], the default port left out
---@field loopback boolean whether the host is this machine, by its text
---@field userinfo boolean whether a user name or password is in it

--- Takes a URL apart.
---@param text string an absolute http(s) URL
---@return hocker.Url? url, hocker.Error? err
function core.url.parse(text) end

--- Resolves a reference against a base (RFC 3986 section 5).
---@param base string
---@param ref string
---@return string? url, hocker.Error? err
function core.url.join(base, ref) end

--- Adds one query parameter, percent-encoded.
---@param url string
---@param key string
---@param value string
---@return string? url, hocker.Error? err when it gets too long, or has a fragment
function core.url.add_query(url, key, value) end

--- Whether two URLs have the same scheme, host and port.
---@param a string
---@param b string
---@return boolean
function core.url.same_origin(a, b) end

--- Whether two host names share a registrable domain (Public Suffix List) or are equal.
---@param host_a string
---@param host_b string
---@return boolean
function core.url.same_site(host_a, host_b) end

--- For messages: without user info, the query replaced.
---@param url string
---@return string
function core.url.redact(url) end

---@class hocker.core.auth
core.auth = {}

---@class hocker.Challenge
---@field scheme string lower case
---@field params table<string, string> names in lower case

--- Parses WWW-Authenticate field values (RFC 9110 section 11). What stands before a fault counts;
--- beyond 16 challenges, or parameters of one, the rest is dropped.
---@param values string[] one a header line
---@return hocker.Challenge[]? challenges, hocker.Error? err
function core.auth.challenges(values) end

--- The value of an Authorization header (RFC 7617).
---@param user string
---@param password string
---@return string? value, hocker.Error? err
function core.auth.basic(user, password) end

--- The value of an Authorization header (RFC 6750).
---@param token string
---@return string? value, hocker.Error? err
function core.auth.bearer(token) end

---@class hocker.core.signature
core.signature = {}

--- Whether bytes were signed with the private half of a key: ECDSA on P-256 or RSA over SHA-256, or Ed25519.
---@param key string PEM text, "-----BEGIN PUBLIC KEY-----"; at most 64 KiB
---@param data string
---@param signature string its bytes, not base 64
---@return true? ok, hocker.Error? err "verification": it is not; "usage": that is no key that can be used
function core.signature.verify(key, data, signature) end

---@class hocker.core.Sink One end of a chain. A sink that is given to another, or to a transfer, is taken: the Lua object is spent.
local Sink = {}

--- Writes to the chain from Lua; blocks when it must.
---@param data string
---@return true? ok, hocker.Error? err
function Sink:write(data) end

--- Ends the chain and waits for its verdict.
---@return true? ok, hocker.Error? err
function Sink:finish() end

--- Drops the chain; also called when it is collected. `<close>` works.
function Sink:close() end

---@class hocker.core.sink
core.sink = {}

---@class hocker.Expect
---@field size integer? exact number of bytes
---@field max integer? ceiling where the size is not known
---@field digest string?
---@field name string? for messages, "layer sha256:..."

--- Passes bytes on and checks them.
---@param next hocker.core.Sink
---@param expect hocker.Expect
---@return hocker.core.Sink
function core.sink.verify(next, expect) end

--- Decompresses gzip and zstd by their magic; other bytes pass.
---@param next hocker.core.Sink
---@param opts { max: integer, name: string? } `max`: most bytes of output
---@return hocker.core.Sink
function core.sink.inflate(next, opts) end

--- Lets a worker thread do the rest of the chain.
---@param next hocker.core.Sink
---@param bytes integer? size of the ring between the threads; 512 KiB
---@return hocker.core.Sink
function core.sink.queue(next, bytes) end

--- Writes everything to both.
---@param a hocker.core.Sink
---@param b hocker.core.Sink
---@return hocker.core.Sink
function core.sink.tee(a, b) end

--- Drops everything: for chains that only check.
---@return hocker.core.Sink
function core.sink.null() end

--- Standard output, unbuffered and as it comes.
---@return hocker.core.Sink
function core.sink.stdout() end

---@class hocker.core.Buffer Memory with a ceiling.
local Buffer = {}

--- Memory for what a chain ends in; more than `max` bytes fail the chain.
---@param max integer most bytes
---@return hocker.core.Buffer
function core.buffer(max) end

--- A sink that fills it; one at a time.
---@return hocker.core.Sink
function Buffer:sink() end

--- What has arrived, when its sink has finished or is closed.
---@return string
function Buffer:data() end

function Buffer:close() end

---@class hocker.core.Meter Keeps nothing of what comes but its size and its digest.
local Meter = {}

--- Counts what goes by, and hashes it.
---@param hashes boolean? whether there is to be a digest
---@return hocker.core.Meter
function core.meter(hashes) end

--- A sink that begins at nothing; one at a time.
---@return hocker.core.Sink
function Meter:sink() end

--- Bytes that its sink was given, when it has finished.
---@return integer
function Meter:size() end

--- The sha256 digest of these.
---@return string
function Meter:digest() end

function Meter:close() end

---@class hocker.core.Pipe Hands what comes to a reader, who takes it in pieces. It belongs at the end of a chain that begins with a queue: whose worker waits while nobody reads.
local Pipe = {}

--- A ring of bytes from a chain to Lua.
---@param bytes integer most that wait to be read
---@return hocker.core.Pipe
function core.pipe(bytes) end

--- The sink that fills it; once.
---@return hocker.core.Sink
function Pipe:sink() end

--- What has come since: bytes; `false` where there is nothing now, and `session:step` with `await` says when to
--- ask again; `nil` alone at the end, when all was verified.
---@return string|false|nil bytes
---@return hocker.Error? err "io": the chain was dropped unfinished; what was read is worth nothing
function Pipe:read() end

function Pipe:close() end

---@class hocker.core.File An output file that appears under its name by `commit` only.
local File = {}

--- A file, which gets its name when it is whole; until then it is a temporary one beside it.
---@param path string "-" is standard output
---@return hocker.core.File? file, hocker.Error? err
function core.file(path) end

--- A sink that writes from the start of the file.
---@return hocker.core.Sink
function File:sink() end

--- Lets those execute the file who may read it.
function File:make_executable() end

--- Waits until nobody else has the file's folder locked, and locks it until the file is closed: for who
--- reads a file to replace it.
---@return true? ok, hocker.Error? err
function File:lock() end

--- Gives the file its name.
---@return true? ok, hocker.Error? err
function File:commit() end

--- Drops what was not committed. `<close>` works.
function File:close() end

---@class hocker.core.Tar A deterministic tar whose members may be filled at the same time.
local Tar = {}

--- A tar in a file, whose members may be written in any order and at the same time.
---@param file hocker.core.File
---@return hocker.core.Tar? tar, hocker.Error? err
function core.tar(file) end

--- Declares the next member and returns the sink for its content.
---@param name string
---@param size integer? when known: the member is then written in place
---@return hocker.core.Sink? sink, hocker.Error? err
function Tar:member(name, size) end

--- Another sink for a member whose sink ended unfinished: it begins anew.
---@param index integer which of the members, from 1, in the order of their declaration
---@return hocker.core.Sink? sink, hocker.Error? err "usage": it has one, or is finished
function Tar:sink(index) end

---@class hocker.TarKind What a member is beside its name and its content.
---@field type? "file"|"directory"|"symlink"|"link" "file"
---@field mode integer? permissions; 0644, 0755 of a directory, 0777 of a symlink
---@field uid integer? 0
---@field gid integer? 0
---@field mtime integer? seconds; 0
---@field target string? of a symlink, or a link

--- Says what the member is that is declared next. What is no file has no content: its size is 0.
---@param kind hocker.TarKind
---@return true? ok, hocker.Error? err "usage": there is no such target
function Tar:next(kind) end

--- Adds a member whose content is at hand.
---@param name string
---@param data string
---@return true? ok, hocker.Error? err
function Tar:put(name, data) end

--- When all sinks have finished: completes the archive. The file is then to be committed.
---@return true? ok, hocker.Error? err
function Tar:finish() end

function Tar:close() end

---@class hocker.core.TarStream The same bytes as a Tar, in order, to a sink where nothing can be put right later.
local TarStream = {}

--- A tar on its way: members wait for their turn.
---@param out hocker.core.Sink taken
---@return hocker.core.TarStream
function core.tar_stream(out) end

--- Declares the next member and returns the sink for its content, which belongs behind a queue: a write
--- blocks until the members before it are complete. All are declared before the first byte.
---@param name string
---@param size integer exact: any other number of bytes is "verification"
---@return hocker.core.Sink? sink, hocker.Error? err
function TarStream:member(name, size) end

--- Adds a member whose content is at hand; it waits in memory for its turn.
---@param name string
---@param data string
---@return true? ok, hocker.Error? err
function TarStream:put(name, data) end

--- When all sinks have finished: writes the rest, and finishes the sink.
---@return true? ok, hocker.Error? err
function TarStream:finish() end

function TarStream:close() end

---@class hocker.core.Dir An output directory: a new one that appears by `commit`, or one that is added to.
local Dir = {}

--- A directory, new or one that is there, whose files get their names when they are whole.
---@param path string
---@return hocker.core.Dir? dir, hocker.Error? err
function core.dir(path) end

--- Whether something is in it already.
---@return boolean
function Dir:exists() end

--- Writes the content of a file to a sink, which is taken and finished. Regular files only; no link is
--- followed.
---@param name string
---@param to hocker.core.Sink
---@return true? ok, hocker.Error? err "not_found"
function Dir:read(name, to) end

--- The sink for the content of a file, which gets its name when the sink finishes.
---@param name string
---@return hocker.core.Sink? sink, hocker.Error? err
function Dir:sink(name) end

--- Waits until nobody else has it locked, and locks it until it is closed.
---@return true? ok, hocker.Error? err
function Dir:lock() end

--- Gives a new directory its name.
---@return true? ok, hocker.Error? err
function Dir:commit() end

function Dir:close() end

---@class hocker.core.Join Parts of one body that come at the same time, in order in front of a chain.
local Join = {}

--- Puts the parts of a body, which come at the same time, in their order.
---@param next hocker.core.Sink taken
---@return hocker.core.Join
function core.join(next) end

--- Gives out the first bytes that nobody has been given, at most `bytes`: the sink for them, and their
--- place. A part that is ahead of the chain waits in memory. What it does not bring is given out again.
---@param bytes integer? all by default: then what waits among them is thrown away
---@param ahead integer? how far beyond what the chain has; 0 by default
---@return hocker.core.Sink? sink nil when there are none so near
---@return integer? first the first offset
---@return integer? last math.maxinteger where the end is unknown
function Join:part(bytes, ahead) end

--- Says how many bytes there are in all: then the chain is finished when so many have come. Before, a part
--- of unknown end that finishes is the last.
---@param bytes integer
---@return true? ok, hocker.Error? err "protocol" when more have come already
function Join:set_size(bytes) end

--- Whether the chain has all, and is finished. For when all parts are over.
---@return boolean? finished false when bytes are missing, or a queue is still at it
---@return hocker.Error? err
function Join:finish() end

--- Bytes that have come.
---@return integer received
function Join:progress() end

function Join:close() end

---@class hocker.core.Session
local Session = {}

---@class hocker.SessionOptions
---@field connect_timeout number? seconds; 30
---@field stall_timeout number? seconds without a byte; 60
---@field connections integer? most connections to one host; 8
---@field user_agent string?
---@field cacert string? PEM file of further trusted CAs
---@field cert string? PEM file of a client certificate
---@field key string? PEM file of its key
---@field insecure boolean? accept any certificate

--- Connections, and an event loop for transfers.
---@param opts hocker.SessionOptions?
---@return hocker.core.Session? session, hocker.Error? err
function core.session(opts) end

---@class hocker.Trust
---@field origin string a URL of it
---@field cacerts string[]? PEM files of further trusted CAs
---@field cert string? PEM file of a client certificate, in the place of the session's
---@field key string? PEM file of its key

--- What one origin gets beside the session's options. To be called before the first request to it.
---@param trust hocker.Trust
---@return true? ok, hocker.Error? err
function Session:trust(trust) end

---@class hocker.Request
---@field url string
---@field method? "GET"|"HEAD"|"POST"
---@field headers string[]? "Name: value"
---@field authorization string? goes to the URL's own origin only
---@field body string?
---@field content_type string?
---@field range? { first: integer, last: integer } offsets, inclusive; "unsupported" when the server ignores it
---@field apart boolean? not on a connection that others use: HTTP/1.1, where a server would take all on one
---@field from integer? bytes of the body that are there already: it begins as one that broke behind them is continued
---@field retries integer? failures in a row, without progress, that are retried; 3
---@field sink hocker.core.Sink? taken

--- Starts a transfer, and takes its sink, also on failure.
---@param request hocker.Request
---@return hocker.core.Transfer? transfer, hocker.Error? err
function Session:start(request) end

---@class hocker.Event
---@field type "challenge"|"redirect"|"retry"|"done"
---@field transfer hocker.core.Transfer

--- Runs the loop until an event is there or the time is over (then nothing is returned).
---@param seconds number
---@param await boolean? whether it is over, too, when there may be something to read from a pipe
---@return hocker.Event? event, hocker.Error? err
function Session:step(seconds, await) end

--- Transfers under way.
---@return integer
function Session:active() end

--- From now on there may be so many connections to one host beside those of the options: for transfers that hold
--- theirs while somebody reads elsewhere.
---@param connections integer
function Session:spare(connections) end

function Session:close() end

---@class hocker.core.Transfer
local Transfer = {}

---@class hocker.Response
---@field status integer
---@field url string that it came from
---@field received integer body bytes that are there, of this response and those before it
---@field headers table<string, string> names in lower case; repeated fields joined by ", "
---@field challenges string[] the WWW-Authenticate values
---@field body string of an error response, at most 64 KiB

--- What came of the last response, or a part of it while it comes.
---@return hocker.Response
function Transfer:response() end

--- What went wrong.
---@return hocker.Error? err nil when all is well
function Transfer:error() end

--- For a redirect: where to.
---@return string? url
function Transfer:target() end

--- For a retry: seconds to wait, and failures so far.
---@return number seconds, integer failures
function Transfer:delay() end

--- Body bytes so far, and in all when known; and for how many seconds its sink had no room for more.
---@return integer received, integer? total, number held
function Transfer:progress() end

--- Answers a challenge.
---@param authorization string
---@return true? ok, hocker.Error? err
function Transfer:authorize(authorization) end

--- Answers a redirect.
---@return true? ok, hocker.Error? err
function Transfer:follow() end

--- Answers a failure.
---@param seconds number
---@return true? ok, hocker.Error? err
function Transfer:retry(seconds) end

--- Ends it; "done" follows.
---@param err hocker.Error
---@return true? ok, hocker.Error? err
function Transfer:fail(err) end

--- Ends it early, and well: its sink is finished with what has come; "done" follows. For a body whose rest
--- is fetched otherwise.
---@return boolean stopped false where it waits for an answer, or all has come
function Transfer:stop() end

--- Stops it and frees its sink. `<close>` works.
function Transfer:close() end

---@class hocker.core.script Files that will be obeyed: they, and all on the way to them, belong to root or the user, and others can't write to them.
core.script = {}

--- The table that a text of Lua returns, run where there is nothing: no library, no global, little memory and
--- time. The table holds strings without zero bytes, numbers, booleans and such tables.
---@param text string
---@param chunk_name string as of `load`
---@return table? data, hocker.Error? err "usage"
function core.script.data(text, chunk_name) end

--- Whether the process has rights that its user has not. Then only what is built in may be run.
---@return boolean
function core.script.elevated() end

--- Whether scripts would be taken from a directory.
---@param path string
---@return true? ok, hocker.Error? err "not_found", "refused", "io"
function core.script.folder(path) end

--- The text of a file; a relative path begins at the current directory.
---@param path string
---@param max integer most bytes
---@return string? text, hocker.Error? err "not_found", "refused", "io"
function core.script.read(path, max) end

---@class hocker.core.system
core.system = {}

--- Seconds of a clock that is never set.
---@return number
function core.system.clock() end

--- The width of the terminal that a descriptor is.
---@param fd integer
---@return integer? columns nil when it is none
function core.system.columns(fd) end

--- The signal that has asked the program to stop.
---@return hocker.Error? err "interrupted"; nil when there was none
function core.system.interrupted() end

--- Takes back that a signal has asked the program to stop: it was told, and something else may begin.
function core.system.go_on() end

--- From now on such a signal is raised, as an error object, also in a script that waits for nothing, and in
--- the coroutines that it makes.
function core.system.heed() end

--- The names of what is in a folder, in no order.
---@param path string
---@return string[]? names, hocker.Error? err "io"
function core.system.list(path) end

--- What `uname -m` prints.
---@return string
function core.system.machine() end

--- Makes the folders on the way to a path that are not there.
---@param path string
---@return true? ok, hocker.Error? err "io"
function core.system.make_folders(path) end

--- The file of the program that this process runs.
---@return string? path nil where the system does not tell
function core.system.program() end

--- Writes the content of a regular file to a sink, which is taken and finished.
---@param path string
---@param to hocker.core.Sink
---@return true? ok, hocker.Error? err "not_found", "io"
function core.system.read(path, to) end

---@class hocker.core.Command
---@field argv string[] a name to look up in the absolute folders of $PATH, and its arguments
---@field input string? standard input; at most 4 KiB
---@field timeout number? seconds until it is killed, with all that it started; 30
---@field max integer? most bytes of output; 64 KiB

--- Runs a program to its end, without a shell.
---@param command hocker.core.Command
---@return { status: integer, output: string, errors: string }? result `status` is 128 + N for a death by signal N
---@return hocker.Error? err "io": not there, or too slow; "protocol": too much output; "usage", "interrupted"
function core.system.run(command) end

--- The number of the user that this process is of.
---@return integer
function core.system.user() end

return core
