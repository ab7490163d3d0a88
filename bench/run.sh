#!/usr/bin/env bash
# usage: bench/run.sh [CASE...]; without a case all of them. RUNS=20 by default.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
[ "$(id -u)" = 0 ] || { echo "bench: needs root: containers are made" >&2; exit 1; }
dotnet build bench/Berth.Bench -c Release -v quiet -nologo
mkdir -p out/bench
gcc -O2 -static -o out/bench/floor bench/FirstProcess/floor.c
# A mount namespace of its own: the stores' tmpfs and what podman must not see end with the run.
exec unshare --mount --propagation private env BERTH_BIN="$PWD/out/bin" BENCH_OUT="$PWD/out/bench" \
    bench/Berth.Bench/bin/Release/net10.0/Berth.Bench "$@"
