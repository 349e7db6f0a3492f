# The phases of a package that is built by make.
set -eu
runHook() { :; }

PATH=/usr/local/bin:/usr/bin:/bin
for input in $nativeBuildInputs; do
	PATH=$input/bin:$PATH
done
export PATH CFLAGS=-O0

cp -r "$src" source
chmod -R u+w source
cd source
# shellcheck disable=SC2086 # a list of words
make -j2 $makeFlags
# shellcheck disable=SC2086
make install $makeFlags
[ -z "${doInstallCheck-}" ] || eval "$installCheckPhase"
