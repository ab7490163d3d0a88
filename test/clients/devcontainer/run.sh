#!/bin/bash
# Drives an engine through the devcontainers command line: build, up, exec. DOCKER_HOST names the engine.
# Arguments: the docker client to use, a directory to make the workspace in. Prints "good" when all holds.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
client=$1 workspace=$2/workspace
export DOCKER_BUILDKIT=0
devcontainer() {
    local verb=$1
    shift
    node "$here/../node_modules/@devcontainers/cli/devcontainer.js" "$verb" --workspace-folder "$workspace" --docker-path "$client" "$@"
}
clean() {
    "$client" ps -aq --filter "label=devcontainer.local_folder=$workspace" | xargs -r "$client" rm -f >/dev/null
    "$client" volume rm -f berth-devcontainer-test >/dev/null
}
trap clean EXIT
mkdir -p "$workspace"
cp -r "$here/.devcontainer" "$here/file.txt" "$workspace/"
devcontainer build --image-name berth-devcontainer-test >&2
[ "$("$client" run --rm berth-devcontainer-test cat /word)" = word ]
"$client" rmi berth-devcontainer-test >&2
devcontainer up >&2
got=$(devcontainer exec sh -c 'echo $INSIDE; cat /word /created file.txt; mount | grep -c " /kept "')
[ "$got" = $'yes\nword\ncreated\ncontent\n1' ] || { echo "got: $got" >&2; exit 1; }
# A second time finds the container that is there.
devcontainer up >&2
[ "$("$client" ps -q --filter "label=devcontainer.local_folder=$workspace" | wc -l)" = 1 ]
echo good
