#!/bin/sh
# examples/demo.sh [BUILD]: what `make demo` shows.
#
# Starts a real registry on a free port of this machine, pushes an image of three layers to it
# with skopeo, runs the quickstart against it, and checks each result with other programs.
# DEMO_HUB=1 asks Docker Hub too. Leaves nothing behind.
set -eu

build=${1:-build}
bin=$(cd "$build/bin" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/hocker-demo.XXXXXX")
registry=''
checks=0

clean_up() {
	trap '' HUP INT TERM
	if [ -n "$registry" ]; then
		kill "$registry" 2>/dev/null || :
		wait "$registry" 2>/dev/null || :
	fi
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Nobody's credentials, settings or proxies.
export PATH="$bin:$PATH:/usr/sbin:/sbin" HOME="$work" LC_ALL=C no_proxy=127.0.0.1,localhost
unset REGISTRY_AUTH_FILE DOCKER_CONFIG XDG_CONFIG_HOME XDG_RUNTIME_DIR HOCKER_PATH

die() {
	echo "not ok: $*" >&2
	exit 1
}

# ok WHAT COMMAND...: the command has to succeed.
ok() {
	what=$1
	shift
	"$@" >"$work/check" 2>&1 || {
		cat "$work/check" >&2
		die "$what"
	}
	checks=$((checks + 1))
	echo "ok: $what"
}

# Shows a command as a user types it, runs it, and shows the beginning of what it says. Its
# standard output stays in $work/said.
show() {
	printf '\n$ %s\n' "$1"
	status=0
	eval "$1" >"$work/said" 2>"$work/noted" || status=$?
	cat "$work/noted" "$work/said" | awk '
		NR > 40 { next }
		length($0) > 140 {
			print substr($0, 1, 140) " [" length($0) - 140 " more characters]"
			next
		}
		{ print }
		END { if (NR > 40) print "[" NR - 40 " more lines]" }'
	[ $status -eq 0 ] || die "exit code $status"
}

sha256() {
	sha256sum "$@" | cut -d ' ' -f 1
}

same() {
	[ "$1" = "$2" ] || { echo "$1 is not $2"; return 1; }
}

# --- a registry, and an image in it ---------------------------------------------------------

cd "$work"
mkdir registry
cat >registry.yml <<END
version: 0.1
log: {level: info, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $work/registry}}
http: {addr: 127.0.0.1:0}
END
: >registry.log
docker-registry serve registry.yml >>registry.log 2>&1 &
registry=$!
port=''
tries=300
while [ -z "$port" ]; do
	port=$(sed -n 's/.*listening on 127\.0\.0\.1:\([0-9]*\).*/\1/p' registry.log)
	tries=$((tries - 1))
	if [ $tries -eq 0 ] || ! kill -0 "$registry" 2>/dev/null; then
		cat registry.log >&2
		die "docker-registry did not start"
	fi
	sleep 0.1
done
echo "A docker-registry listens on 127.0.0.1:$port."

# layer NUMBER MEGABYTES DIRECTORY...: a tar of the first files of these directories, by name.
layer() {
	number=$1 limit=$2
	shift 2
	find "$@" -maxdepth 2 -type f -perm -004 -size +0 -size -16384k -printf '%s %P\t%p\n' 2>/dev/null |
		sort -k 2 | awk -v limit="$limit" '
		total < limit * 1000000 { total += $1; sub(/^[^\t]*\t\//, ""); print }' >"files$number"
	tar --format=gnu --mtime=@0 --owner=0 --group=0 --numeric-owner --no-recursion \
		-C / -cf "layer$number.tar" --verbatim-files-from -T "files$number"
}
layer 1 60 /usr/bin
layer 2 60 /usr/lib
layer 3 20 /usr/share
size=$(cat layer?.tar | wc -c)
[ "$size" -gt 30000000 ] || die "this machine has too few files: $size bytes"

diff1=$(sha256 layer1.tar) diff2=$(sha256 layer2.tar) diff3=$(sha256 layer3.tar)
arch=$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
printf '{"architecture":"%s","config":{"Cmd":["/usr/bin/env"]},"created":"%s","os":"linux",%s}' \
	"$arch" 1970-01-01T00:00:00Z "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\
\"sha256:$diff1\",\"sha256:$diff2\",\"sha256:$diff3\"]}" >config.json
echo '[{"Config":"config.json","RepoTags":["demo/app:v1"],' \
	'"Layers":["layer1.tar","layer2.tar","layer3.tar"]}]' >manifest.json
tar -cf pushed.tar manifest.json config.json layer1.tar layer2.tar layer3.tar
# The daemonless way in, as hocker is the daemonless way out.
skopeo --insecure-policy copy --quiet --dest-tls-verify=false docker-archive:pushed.tar \
	"docker://127.0.0.1:$port/demo/app:v1"
rm pushed.tar
echo "It has demo/app:v1 now: three layers of this machine's files, $((size / 1000000)) MB."

# --- what skopeo says of it -----------------------------------------------------------------

inspect() {
	skopeo --insecure-policy inspect --tls-verify=false "$@" \
		"docker://127.0.0.1:$port/demo/app:v1"
}
inspect --raw >raw.json
digest=$(inspect --format '{{.Digest}}')
lua5.4 -e 'local m = require("cjson").decode(io.read("a")) print(m.config.digest)
	for _, layer in ipairs(m.layers) do print(layer.digest) end' <raw.json |
	sed 's/^sha256://' >digests
config=$(sed -n 1p digests)
first=$(sed -n 2p digests)

# --- the quickstart -------------------------------------------------------------------------

url=http://127.0.0.1:$port/v2/

show "hocker-manifest --registry $url demo/app v1"
ok "the manifest is byte for byte what skopeo gets" cmp said raw.json
ok "its digest is the registry's, $digest" same "sha256:$(sha256 said)" "$digest"

show "hocker-config --registry $url demo/app v1"
ok "the configuration has the digest in the manifest, $config" same "$(sha256 said)" "$config"
ok "it is byte for byte what was pushed" cmp said config.json

show "hocker-layer --registry $url --layer $first --out layer.tar.gz demo/app v1"
ok "the layer has the digest in its name" same "$(sha256 layer.tar.gz)" "$first"
gzip -dc layer.tar.gz >layer.tar
ok "it unpacks to what was pushed" cmp layer.tar layer1.tar
ok "tar lists the same files" same "$(tar -tf layer.tar)" "$(tar -tf layer1.tar)"
rm layer.tar layer.tar.gz

show "hocker-image --registry $url --out app.tar demo/app v1"
ok "its members are a configuration, three layers, manifest.json and repositories" \
	same "$(tar -tf app.tar | sort)" "$(printf '%s\n' "$config.json" "$diff1.tar" "$diff2.tar" \
		"$diff3.tar" manifest.json repositories | sort)"
for diff in "$diff1" "$diff2" "$diff3"; do
	ok "layer $diff is what its name says" same "$(tar -xOf app.tar "$diff.tar" | sha256)" "$diff"
done
skopeo --insecure-policy inspect --config --raw docker-archive:app.tar >skopeo.json
ok "skopeo reads the archive, and finds the same configuration" cmp skopeo.json config.json

show "hocker-image --registry $url --out again.tar demo/app v1"
ok "a second run gives the same archive, byte for byte" cmp app.tar again.tar
rm app.tar again.tar

show "hocker-image --registry $url --format oci --out layout demo/app v1"
skopeo --insecure-policy inspect --config --raw oci:layout >skopeo.json
ok "skopeo reads the OCI layout, and finds the same configuration" cmp skopeo.json config.json
rm -r layout

show "hocker-image --out x.tar localhost:$port/demo/app:v1"
skopeo --insecure-policy inspect --config --raw docker-archive:x.tar >skopeo.json
ok "by one reference it is the same image" cmp skopeo.json config.json

show "hocker-manifest --registry $url demo/app v1 | docker2nix --registry $url demo/app v1"
sed -n 's/.*layerDigest = "\([0-9a-f]*\)".*/\1/p' said >named
sed 1d digests >layers
ok "the expression names every layer" cmp named layers
if command -v nix-instantiate >/dev/null && command -v nix-hash >/dev/null; then
	cp said app.nix
	export NIX_STORE_DIR="$work/nix/store" NIX_STATE_DIR="$work/nix/state" \
		NIX_LOG_DIR="$work/nix/log" NIX_CONF_DIR="$work/nix/conf"
	ok "Nix parses it" nix-instantiate --parse app.nix
	while read -r hash; do
		nix-hash --type sha256 --to-base32 "$hash"
	done <digests >hashes
	sed -n 's/.*sha256 = "\([0-9a-z]*\)".*/\1/p' app.nix >written
	ok "Nix writes the hashes the same way" cmp written hashes
else
	echo "(With Nix here, it would be asked to parse that.)"
fi

# --- Docker Hub -----------------------------------------------------------------------------

if [ "${DEMO_HUB:-}" = 1 ]; then
	show "hocker-manifest library/hello-world latest"
	show "hocker-image --out hello.tar hello-world:latest"
	ok "skopeo reads the archive" skopeo --insecure-policy inspect docker-archive:hello.tar
fi

echo
echo "All $checks checks passed. Without --registry the same commands ask Docker Hub, such as"
echo "hocker-image --out hello.tar hello-world:latest; DEMO_HUB=1 make demo tries that as well."
