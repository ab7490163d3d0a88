#!/usr/bin/env bash
# Runtimes side by side: the smallest memory limit in which a container starts, and the most memory that a whole start takes (the runtime's
# processes and the container's, as their cgroup counts it).
# usage (root, after ./dev build): bench/limits.sh [TIMES]     medians; every round gives each runtime its turn
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
[ "$(id -u)" = 0 ] || { echo "bench: needs root: containers are made" >&2; exit 1; }
# A mount namespace of its own: Debian's crun refuses the version 2 tree beside version 1's, so it is hidden from all.
[ "${1:-}" = --inside ] || exec unshare --mount --propagation private "$0" --inside "${1:-20}"
umount /sys/fs/cgroup/unified 2>/dev/null || true
times=$2 work=$(mktemp -d) group=berth-bench-$$
if [ -d /sys/fs/cgroup/memory ]; then
    tree=/sys/fs/cgroup/memory/$group peak=memory.max_usage_in_bytes
else
    tree=/sys/fs/cgroup/$group peak=memory.peak
fi
declare -A program=([berth]="$PWD/out/bin/berth-runtime" [crun]=crun [runc]=runc)

clean() {
    for runtime in berth crun runc; do "${program[$runtime]}" --root "$work/$runtime" delete --force bench >/dev/null 2>&1 || true; done
    find /sys/fs/cgroup -depth -type d -path "*/$group*" -exec rmdir {} + 2>/dev/null || true
    rm -rf "$work"
}
trap clean EXIT
mkdir -p "$work/rootfs"/{bin,proc,sys,dev,etc,tmp}
cp /bin/busybox "$work/rootfs/bin/true"
(cd "$work" && runc spec && mv config.json plain.json)

bundle() { # LIMIT-IN-KIB or 0, CGROUP
    python3 - "$work" "$1" "$2" <<'PY'
import json, sys
work, limit, group = sys.argv[1], int(sys.argv[2]) * 1024, sys.argv[3]
config = json.load(open(f'{work}/plain.json'))
config['ociVersion'] = '1.0.2'
config['process'].update(terminal=False, args=['/bin/true'])
config['linux']['cgroupsPath'] = group
if limit:
    config['linux']['resources']['memory'] = {'limit': limit}
json.dump(config, open(f'{work}/config.json', 'w'))
PY
}

run() { # RUNTIME
    timeout 20 "${program[$1]}" --root "$work/$1" run --bundle "$work" bench </dev/null >"$work/said" 2>&1 && return
    "${program[$1]}" --root "$work/$1" delete --force bench >/dev/null 2>&1 || true
    return 1
}

smallest() { # RUNTIME: in KiB, to 64
    local low=0 high=32768 middle
    while [ $((high - low)) -gt 64 ]; do
        middle=$(((low + high) / 2))
        bundle $middle "/$group-limited/c"
        if run "$1"; then high=$middle; else low=$middle; fi
    done
    echo $high
}

most() { # RUNTIME: in KiB. The runtime's own processes and the container's are in groups below the one that is read.
    mkdir "$tree"
    [ ! -e "$tree/memory.use_hierarchy" ] || echo 1 >"$tree/memory.use_hierarchy" 2>/dev/null || true
    [ -e "$tree/memory.max_usage_in_bytes" ] || echo +memory >"$(dirname "$tree")/cgroup.subtree_control" 2>/dev/null || true
    [ -e "$tree/memory.max_usage_in_bytes" ] || echo +memory >"$tree/cgroup.subtree_control"
    mkdir "$tree/own"
    bundle 0 "/$group/below"
    # The shell goes in, and becomes what starts the runtime.
    sh -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$tree/own" "${program[$1]}" --root "$work/$1" run --bundle "$work" bench \
        </dev/null >"$work/said" 2>&1 || { cat "$work/said" >&2; return 1; }
    echo $(($(cat "$tree/$peak") / 1024))
    find "$tree" -depth -type d -exec rmdir {} +
}

median() { sort -n | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'; }

for ((round = 0; round < times; round++)); do
    for runtime in berth crun runc; do most "$runtime" >>"$work/most-$runtime"; done
    [ $round -ge 5 ] || for runtime in berth crun runc; do smallest "$runtime" >>"$work/smallest-$runtime"; done
done
echo "| KiB | berth | crun | runc |"
echo "|---|---|---|---|"
for what in smallest most; do
    printf '| %s |' "$([ $what = most ] && echo 'most memory of a whole start' || echo 'smallest limit in which a container starts')"
    for runtime in berth crun runc; do printf ' %s |' "$(median <"$work/$what-$runtime")"; done
    echo
done
