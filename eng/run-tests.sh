#!/usr/bin/env bash
# Runs the test projects one after the other and ends with one line over all of them: "N passed, N failed, N skipped".
# usage: run-tests.sh [--build] CONFIGURATION [--fuzz] [PROJECT...]
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
build=; [ "${1:-}" = --build ] && { build=1; shift; }
configuration=$1; shift
[ "${1:-}" = --fuzz ] && { shift; set -- fuzz/*.Tests; }
[ -z "$build" ] || dotnet build Berth.slnx -c "$configuration" -v quiet -nologo || exit 1

passed=0 failed=0 skipped=0 broken=()
if [ $# -gt 0 ]; then projects=("$@"); else projects=(test/*.Tests fuzz/*.Tests); fi
logs=out/test; mkdir -p $logs
for project in "${projects[@]}"; do
    name=$(basename "$project")
    program=; for folder in test fuzz; do [ -d $folder/$name ] && program=$folder/$name/bin/$configuration/net10.0/$name; done
    [ -x "$program" ] || { echo "$name: not built: $program is missing"; broken+=("$name"); continue; }
    start=$SECONDS
    # A project that hangs is a failure, not a build that never ends.
    BERTH_BIN=$PWD/out/bin timeout --kill-after=30 "${BERTH_TEST_SECONDS:-1500}" "$program" -noColor >"$logs/$name.log" 2>&1 </dev/null
    code=$?
    total=$(grep -E '^ +.*Total: [0-9]+' "$logs/$name.log" | tail -n 1)
    if [ -z "$total" ]; then
        echo "$name: ended with $code and no summary:"; tail -n 40 "$logs/$name.log"; broken+=("$name"); continue
    fi
    count() { sed -n "s/.*$1: \([0-9]*\).*/\1/p" <<<"$total"; }
    bad=$(( $(count Failed) + $(count Errors) ))
    [ $code -ne 0 ] && [ $bad -eq 0 ] && bad=1
    good=$(( $(count Total) - $(count Failed) - $(count Skipped) ))
    passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + $(count Skipped)))
    printf '%-32s %4d passed %3d failed %3d skipped  %4ds\n' "$name" "$good" "$bad" "$(count Skipped)" $((SECONDS - start))
    [ "$(count Skipped)" = 0 ] || grep -A1 '\[SKIP\]' "$logs/$name.log" | grep -v '^--'
    [ $bad -eq 0 ] || grep -A25 '\[FAIL\]' "$logs/$name.log" | head -n 200
done
[ ${#broken[@]} -eq 0 ] || { echo "did not finish: ${broken[*]}"; failed=$((failed + ${#broken[@]})); }
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
