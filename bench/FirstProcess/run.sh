#!/usr/bin/env bash
# usage (root, after ./dev build): bench/FirstProcess/run.sh [TIMES]
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
[ "$(id -u)" = 0 ] || { echo "bench: needs root: containers are made" >&2; exit 1; }
tools=$PWD/out/bench/first
mkdir -p "$tools"
gcc -O2 -static -o "$tools/floor" bench/FirstProcess/floor.c
gcc -O2 -nostdlib -static -o "$tools/stamp" bench/FirstProcess/stamp.c
dotnet publish bench/FirstProcess -c Release -v quiet -nologo -o "$tools"
exec "$tools/FirstProcess" "$PWD/out/bin/berth-runtime" "$tools" "${1:-100}"
