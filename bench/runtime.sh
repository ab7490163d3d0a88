#!/usr/bin/env bash
# Runtimes side by side over the same bundle: `run`, and `create` + `start` + `delete --force`, with and without a system call filter;
# one directly after the other, and each after a rest of 30 ms: whoever moves a process into a cgroup by its `cgroup.procs` after a while
# in which nobody did waits for the kernel's read-copy-update to come round (cgroup_threadgroup_rwsem), which a neighbour in a row spares it.
# usage (root, after ./dev build): bench/runtime.sh [TIMES]     medians in ms; every round gives each runtime its turn
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
[ "$(id -u)" = 0 ] || { echo "bench: needs root: containers are made" >&2; exit 1; }
# A mount namespace of its own: Debian's crun refuses the version 2 tree beside version 1's, so it is hidden from all.
[ "${1:-}" = --inside ] || exec unshare --mount --propagation private "$0" --inside "${1:-20}"
umount /sys/fs/cgroup/unified 2>/dev/null || true
times=$2 work=$(mktemp -d) out=$PWD/out
trap 'rm -rf "$work"' EXIT

declare -A program=([berth]="$out/bin/berth-runtime" [crun]=crun [runc]=runc)
mkdir -p "$out/bench"
gcc -O2 -static -o "$out/bench/floor" bench/FirstProcess/floor.c
for kind in plain filter; do
    mkdir -p "$work/$kind/rootfs"/{bin,proc,sys,dev,etc,tmp}
    cp /bin/busybox "$work/$kind/rootfs/bin/true"
    (cd "$work/$kind" && runc spec)
done
python3 - "$work" <<'PY'
import json, sys
# Podman's policy as an engine would resolve it for this processor and no further capability.
work = sys.argv[1]
rules = []
for rule in json.load(open('/usr/share/containers/seccomp.json'))['syscalls']:
    include, exclude = rule.get('includes') or {}, rule.get('excludes') or {}
    if include.get('caps') or ('arches' in include and 'amd64' not in include['arches']) or 'amd64' in exclude.get('arches', []):
        continue
    kept = {name: rule[name] for name in ('names', 'action', 'errnoRet') if rule.get(name) is not None}
    if rule.get('args'):
        kept['args'] = [{name: each[name] for name in ('index', 'value', 'valueTwo', 'op') if name in each} for each in rule['args']]
    rules.append(kept)
for kind in ('plain', 'filter'):
    path = f'{work}/{kind}/config.json'
    config = json.load(open(path))
    config['ociVersion'] = '1.0.2'
    config['process'].update(terminal=False, args=['/bin/true'])
    if kind == 'filter':
        config['linux']['seccomp'] = {'defaultAction': 'SCMP_ACT_ERRNO', 'defaultErrnoRet': 38,
            'architectures': ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'], 'syscalls': rules}
    json.dump(config, open(path, 'w'))
PY

milliseconds() { # COMMAND...: its time; what it says goes to a file, because a created container keeps its streams
    local start=$EPOCHREALTIME
    "$@" </dev/null >"$work/said" 2>&1 || { cat "$work/said" >&2; return 1; }
    local end=$EPOCHREALTIME
    echo $(( (${end/./} - ${start/./}) )) | awk '{ printf "%.3f\n", $1 / 1000 }'
}
run() { "${program[$1]}" --root "$work/state-$1" run --bundle "$work/$2" bench; }
steps() {
    "${program[$1]}" --root "$work/state-$1" create --bundle "$work/$2" bench
    "${program[$1]}" --root "$work/state-$1" start bench
    "${program[$1]}" --root "$work/state-$1" delete --force bench
}
floor() {
    rm -rf "$work/upper" "$work/work"; mkdir -p "$work/upper" "$work/work" "$work/merged"
    "$out/bench/floor" "$work/plain/rootfs" "$work/upper" "$work/work" "$work/merged" /bin/true
}
for ((round = -2; round < times; round++)); do
    for pause in row rest; do
        for kind in plain filter; do
            for each in berth crun runc; do
                for what in run steps; do
                    [ $pause = row ] || sleep 0.03
                    took=$(milliseconds $what $each $kind)
                    [ $round -lt 0 ] || echo "$took" >>"$work/$what-$kind-$pause-$each"
                done
            done
        done
    done
    took=$(milliseconds floor); [ $round -lt 0 ] || echo "$took" >>"$work/floor"
done
median() { sort -n "$1" | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'; }
printf '| work | berth | crun | runc | crun / berth | runc / berth |\n|---|---|---|---|---|---|\n'
for pause in row rest; do
    for kind in plain filter; do
        for what in run steps; do
            b=$(median "$work/$what-$kind-$pause-berth") c=$(median "$work/$what-$kind-$pause-crun")
            r=$(median "$work/$what-$kind-$pause-runc") how="in a row"
            [ $pause = row ] || how="after a rest"
            awk -v w="$what, $kind, $how" -v b="$b" -v c="$c" -v r="$r" \
                'BEGIN { printf "| %s | %.1f | %.1f | %.1f | %.2f | %.2f |\n", w, b, c, r, c / b, r / b }'
        done
    done
done
echo "floor (namespaces, mounts, pivot by a static C program; no cgroup): $(median "$work/floor") ms"
