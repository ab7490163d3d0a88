#!/usr/bin/env bash
# What a test run leaves on its host: nothing. The host is compared before and after, by the names that the tests give to what they make
# and by the mark BERTH_TEST_RUN in the environment of their processes: what belongs to others is not looked at.
# usage: host-state.sh look >FILE   what there is now, a line each: mounts, cgroups of every tree, links, network namespaces, tables, files
#        host-state.sh left FILE    waits until nothing is there that was not (BERTH_LEFT_SECONDS, 30), else names it and fails
#        host-state.sh others       names the test programs of other runs: while they are at work, what has no mark may be theirs
set -uo pipefail

# What is started here is not of the run: nothing of it may have the mark, not even for the moment between fork and exec.
if [ -n "${BERTH_TEST_RUN:-}" ]; then exec env -u BERTH_TEST_RUN "HOST_STATE_RUN=$BERTH_TEST_RUN" "$0" "$@"; fi
run=${HOST_STATE_RUN:-}

# How directories begin; bridges of the tests' engines, and with some their cgroups, have two letters and a number, as EngineFixture's "bt".
files='(berth|blobs-|layers-|no-hub-)[^/]*'
links='((b[acdrtx]|rb)[0-9a-f]{3,}|veth[0-9a-f]{10})'

look() {
    awk '{print $5}' /proc/self/mountinfo | grep -E "^/(tmp|run|var/lib|dev/shm)/$files" | sed 's/^/mount /'
    find /sys/fs/cgroup -type d -regextype posix-extended -regex '.*/(berth-[^/]*|(bx|rb)[0-9a-f]{7,8})' -prune 2>/dev/null \
        | sed 's/^/cgroup /'
    ip -o link 2>/dev/null | sed -E 's/^[0-9]+: ([^:@]+).*/\1/' | grep -xE "$links" | sed 's/^/link /'
    ip netns list 2>/dev/null | cut -d' ' -f1 | grep -E '^berth' | sed 's/^/network namespace /'
    nft list tables 2>/dev/null | grep -E ' berth-' | sed 's/^table /table of nft /'
    # Berth-runtime's root stays when a caller has once asked for it, as runc's does; nothing stays in it.
    find /tmp /run /var/lib /dev/shm -mindepth 1 -maxdepth 1 2>/dev/null | grep -xE "/[a-z/]+/$files" \
        | grep -vxF /run/berth-runtime | sed 's/^/file /'
    find /run/berth-runtime -mindepth 1 -maxdepth 1 2>/dev/null | sed 's/^/file /'
    processes
}

# A process is of this run when its environment says so. Monitors have none, but stand in a directory of their engine. What has ended and
# waits for its parent is no more, and compilers that stay for the next build are the SDK's.
processes() {
    local process words
    for process in /proc/[0-9]*; do
        { { [ -n "$run" ] && grep -qz "^BERTH_TEST_RUN=$run\$" "$process/environ"; } \
            || [[ $(readlink "$process/cwd") =~ ^/tmp/$files/ ]]; } || continue
        words=$(tr '\0' ' ' <"$process/cmdline" | cut -c1-200)
        [[ -z $words || $words =~ VBCSCompiler|/nodemode: ]] && continue
        # The number may be another's next time: the time of its start tells which one it is.
        printf 'process %s %s(started at %s)\n' "${process#/proc/}" "$words" "$(sed 's/.*) //' "$process/stat" | cut -d' ' -f20)"
    done 2>/dev/null
}

left() { # FILE
    local end=$((SECONDS + ${BERTH_LEFT_SECONDS:-30})) left
    # What nobody waits for, as the other end of a veth pair or a process that was told to end, goes a moment later.
    while left=$(look | sort -u | comm -13 <(sort -u "$1") -) && [ -n "$left" ]; do
        [ $SECONDS -lt $end ] || { printf '%s\n' "$left"; return 1; }
        sleep 0.5
    done
}

others() {
    local process
    for process in /proc/[0-9]*; do
        [[ $(readlink "$process/exe") =~ /bin/[A-Z][a-z]+/net[0-9.]+/[A-Za-z.-]+\.Tests$ ]] || continue
        grep -qz "^BERTH_TEST_RUN=${run:--}\$" "$process/environ" || printf '%s %s\n' "${process#/proc/}" "$(readlink "$process/exe")"
    done 2>/dev/null
}

case ${1:-} in
    look|others) "$1" ;;
    left) left "$2" ;;
    *) sed -n 's/^# usage: //p; s/^#        //p' "$0" >&2; exit 2 ;;
esac
