#!/usr/bin/env bash
# What ./dev demo shows: a base image from Debian's packages, an image built from a Dockerfile, a container, a hub and back.
# It uses an engine and a hub of its own, below out/demo, and stops both at the end.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
[ "$(id -u)" = 0 ] || exec sudo -E "$0" "$@"
state=$PWD/out/demo
run=$(mktemp -d /tmp/berth-demo.XXXXXX)
mkdir -p "$state"
PATH=$PWD/out/bin:$PATH
export BERTH_HOST=unix://$run/berth.sock DOCKER_CONFIG=$run/config
port=5055

step() { printf '\n\033[1;36m# %s\033[0m\n' "$1"; shift; printf '\033[1m$ %s\033[0m\n' "$*"; "$@"; }

pids=()
finish() {
    code=$?
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done
    rm -rf "$run"
    [ $code -eq 0 ] || printf '\ndemo: stopped with %s; the engine wrote to %s\n' "$code" "$state/berthd.log" >&2
}
trap finish EXIT

berthd -H "$BERTH_HOST" --data-root "$state/data" --exec-root "$run/exec" --pidfile "$run/berthd.pid" --bridge berthdemo0 \
    --cgroup-parent /berth-demo >"$state/berthd.log" 2>&1 &
pids+=($!)
password=$(head -c 18 /dev/urandom | base64)
berth-hub user add student --password-stdin --data "$run/hub" <<<"$password" >"$state/hub.log" 2>&1
berth-hub serve --listen 127.0.0.1:$port --data "$run/hub" >>"$state/hub.log" 2>&1 &
pids+=($!)
for _ in $(seq 100); do
    berth version >/dev/null 2>&1 && (: </dev/tcp/127.0.0.1/$port) 2>/dev/null && break
    sleep 0.1
done

step "The engine answers" berth version --format 'Berth {{.Server.Version}}, API {{.Server.APIVersion}}'
if ! berth image inspect debian:bookworm >/dev/null 2>&1; then
    step "A base image from Debian's signed packages, without any hub" berth image bootstrap debian:bookworm
fi
step "The Dockerfile" cat examples/one-line/Dockerfile
step "Build it: apt-get runs inside" berth build -t hello examples/one-line
step "Run it: an isolated process on this machine's kernel" berth run --rm hello
step "It sees only itself" berth run --rm hello sh -c 'echo "I am process $$ of user $(id -un) on host $(hostname)"; grep CapEff /proc/self/status; ls /'
step "Tag it for the hub" berth tag hello localhost:$port/student/hello:v1
step "Sign in to the hub, a registry with accounts" berth login localhost:$port -u student --password-stdin <<<"$password"
step "Push it" berth push localhost:$port/student/hello:v1
step "What the hub has of it" berth tags localhost:$port/student/hello
step "Forget it" berth rmi hello localhost:$port/student/hello:v1
step "Pull it back" berth pull localhost:$port/student/hello:v1
step "The same image" berth run --rm localhost:$port/student/hello:v1
step "Build again: nothing changed" berth build -t hello examples/one-line
printf '\nThat was Berth. "./dev install" puts it on this machine; then: berth run --rm -it debian:bookworm bash\n'
