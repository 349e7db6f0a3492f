#!/bin/sh
# supervise.sh LOCK DIR COMMAND...: runs a server for spec/support/process.lua.
#
# Standard input is a pipe whose other end only the process of the specs holds. When that is
# closed, or the process is gone for whatever reason, the server and its process group are ended:
# TERM, ten seconds, KILL. DIR gets pid and, at the end, code. LOCK is held meanwhile.

lock=$1 dir=$2
shift 2
trap '' HUP INT QUIT TERM
# Standard error is closed to the shell's own remarks about signals.
exec 3<&0 9<"$lock" 2>/dev/null
flock -s 9

# A shell's background jobs ignore INT and QUIT, so the defaults have to be put back.
env --default-signal setsid "$@" \
	<"$dir/stdin" >"$dir/stdout" 2>"$dir/stderr" 3<&- 9<&- &
pid=$!
# Until it leads its group, signals would be lost on this shell's child.
until kill -0 "-$pid" || ! kill -0 $pid; do
	sleep 0.01
done

end_group() {
	kill -TERM "-$pid"
	tries=100
	while [ $tries -gt 0 ] && kill -0 "-$pid"; do
		sleep 0.1
		tries=$((tries - 1))
	done
	kill -KILL "-$pid"
}
{
	read -r _ <&3
	end_group
} &
guard=$!

echo $pid >"$dir/pid.new" && mv "$dir/pid.new" "$dir/pid"
wait $pid
code=$?
kill -KILL $guard
kill -KILL "-$pid" # what the server left behind
echo $code >"$dir/code.new" && mv "$dir/code.new" "$dir/code"
