#!/usr/bin/env bash
# Runs the test projects one after the other and ends with one line over all of them: "N passed, N failed, N skipped".
# usage: run-tests.sh [--build] CONFIGURATION [--fuzz] [PROJECT...]
# BERTH_TEST_AGAIN=N tells a failure by chance from a defect: where at most N tests of the run failed, each runs three times more, alone. One that
# passes all three is counted as unsteady, not as passed, and the run does not fail for it; its failure is printed, and it is to be mended.
# A test whose subject is chance (attack, kill, crash, model, fuzz) has no such grace.
# What the tests leave on the host fails the run: it is compared before and after by eng/host-state.sh. Where test programs of another run were
# at work meanwhile, what is left is named and not counted, for it may be theirs.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
build=; [ "${1:-}" = --build ] && { build=1; shift; }
configuration=$1; shift
[ "${1:-}" = --fuzz ] && { shift; set -- fuzz/*.Tests; }
[ -z "$build" ] || dotnet build Berth.slnx -c "$configuration" -v quiet -nologo || exit 1

passed=0 failed=0 skipped=0 unsteady=0 broken=() once=()

# The tests that a report names as failed, a "project type.method" each line.
failures_of() {
    grep -oE '<test [^>]*result="Fail"' "$2" | sed -E "s/.* name=\"([^\"(]*).*/$1 \1/" | sort -u
}

passes_three_times() { # project type.method
    local i
    for i in 1 2 3; do
        BERTH_BIN=$PWD/out/bin timeout --kill-after=30 "${BERTH_TEST_SECONDS:-1500}" "$(program_of "$1")" -noColor -method "$2" \
            >"$logs/$1.again.log" 2>&1 </dev/null || return 1
        grep -qE 'Total: [1-9]' "$logs/$1.again.log" || return 1
    done
}

program_of() {
    local folder
    for folder in test fuzz; do [ -d $folder/$1 ] && printf '%s' "$folder/$1/bin/$configuration/net10.0/$1"; done
}

if [ $# -gt 0 ]; then projects=("$@"); else projects=(test/*.Tests fuzz/*.Tests); fi
# The attacks are tried a second time on containers that have a user namespace.
for i in "${!projects[@]}"; do
    [ "$(basename "${projects[i]}")" != Berth.Attack.Tests ] || projects[i]+=$'\n'"${projects[i]} BERTH_ATTACK_REMAP=1"
done
mapfile -t projects < <(printf '%s\n' "${projects[@]}")
logs=out/test; mkdir -p $logs
export BERTH_TEST_RUN=$$-$(date +%s)
eng/host-state.sh look >$logs/host.before
others=
for project in "${projects[@]}"; do
    read -r project setting <<<"$project"
    name=$(basename "$project")
    log=$logs/$name${setting:+.$setting}
    program=$(program_of "$name")
    [ -x "$program" ] || { echo "$name: not built: $program is missing"; broken+=("$name"); continue; }
    start=$SECONDS
    others+=$(eng/host-state.sh others)
    # A project that hangs is a failure, not a build that never ends.
    env BERTH_BIN="$PWD/out/bin" $setting timeout --kill-after=30 "${BERTH_TEST_SECONDS:-1500}" "$program" -noColor -xml "$log.xml" \
        >"$log.log" 2>&1 </dev/null
    code=$?
    total=$(grep -E '^ +.*Total: [0-9]+' "$log.log" | tail -n 1)
    if [ -z "$total" ]; then
        echo "$name: ended with $code and no summary:"; tail -n 40 "$log.log"; broken+=("$name"); continue
    fi
    count() { sed -n "s/.*$1: \([0-9]*\).*/\1/p" <<<"$total"; }
    bad=$(( $(count Failed) + $(count Errors) ))
    [ $code -ne 0 ] && [ $bad -eq 0 ] && bad=1
    good=$(( $(count Total) - $(count Failed) - $(count Skipped) ))
    passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + $(count Skipped)))
    printf '%-32s %4d passed %3d failed %3d skipped  %4ds%s\n' "$name" "$good" "$bad" "$(count Skipped)" $((SECONDS - start)) "${setting:+  $setting}"
    [ "$(count Skipped)" = 0 ] || grep -A1 '\[SKIP\]' "$log.log" | grep -v '^--'
    [ $bad -eq 0 ] || grep -A25 '\[FAIL\]' "$log.log" | head -n 200
    mapfile -t -O ${#once[@]} once < <(failures_of "$name" "$log.xml")
done
if [ $failed -gt 0 ] && [ $failed -eq ${#once[@]} ] && [ $failed -le "${BERTH_TEST_AGAIN:-0}" ] && [ ${#broken[@]} -eq 0 ]; then
    for test in "${once[@]}"; do
        if [[ $test =~ Attack|Kill|Crash|Model|Race|PowerLoss|Robustness|Fuzz ]]; then echo "${test#* }: failed, and is not asked again"; continue; fi
        if ! passes_three_times $test; then echo "${test#* }: failed, and fails again"; continue; fi
        echo "${test#* }: failed once (above), then passed three times alone: unsteady, mend it"
        unsteady=$((unsteady + 1)) failed=$((failed - 1))
    done
fi
others+=$(eng/host-state.sh others)
if ! left=$(eng/host-state.sh left $logs/host.before); then
    if [ -n "$others" ]; then echo "on the host, perhaps of another run that was at work at the same time:"
    else echo "left on the host by the tests, which leave nothing:"; failed=$((failed + 1)); fi
    printf '%s\n' "$left" | sed 's/^/    /'
fi
[ ${#broken[@]} -eq 0 ] || { echo "did not finish: ${broken[*]}"; failed=$((failed + ${#broken[@]})); }
[ $unsteady -eq 0 ] && tail= || tail=", $unsteady unsteady"
echo "$passed passed, $failed failed, $skipped skipped$tail"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
