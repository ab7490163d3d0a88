#!/bin/sh
# Drives an engine through docker-compose 1.29: a project of three services from up to down. DOCKER_HOST names the engine.
# Arguments: the project's name, the first three numbers of a free /24 network. Prints "good" when all holds.
set -eu
cd "$(dirname "$0")"
export COMPOSE_PROJECT_NAME=$1 BACK_PREFIX=$2 DOCKER_BUILDKIT=0 COMPOSE_DOCKER_CLI_BUILD=0
step=start
trap 'status=$?; [ $status = 0 ] || { echo "failed at: $step" >&2; docker-compose logs --no-color >&2; }
    docker-compose down -v --rmi local --timeout 0 >/dev/null 2>&1' EXIT
is() { # what was expected, what came
    [ "$1" = "$2" ] || { echo "$step: expected '$1', got '$2'" >&2; exit 1; }
}

step='up'; docker-compose up -d --build >&2
step='ps'; is 3 "$(docker-compose ps -q | wc -l)"
is healthy "$(docker inspect -f '{{.State.Health.Status}}' "${1}_db_1")"
step='build arguments, labels, copy-up'; is 'built page' "$(docker-compose exec -T web cat /pages/index.html)"
is front "$(docker inspect -f '{{.Config.Labels.role}}' "${1}_web_1")"
step='read-only bind'; docker-compose exec -T web sh -c '! touch /src/x' 2>/dev/null
step='names of services and aliases'; is 'built page' "$(docker-compose exec -T web wget -qO- http://site/)"
step='service to service'
until docker-compose logs --no-color worker | grep -q 'worker got from-db'; do sleep 0.2; done
step='fixed address'; docker-compose exec -T worker busybox ip addr show eth0 | grep -q "inet $BACK_PREFIX.50/24"
step='published port'; is 'built page' "$(curl -sS "http://$(docker-compose port web 80)/")"
step='scale'; docker-compose up -d --scale web=2 >&2; is 4 "$(docker-compose ps -q | wc -l)"
docker-compose up -d --scale web=1 >&2; is 3 "$(docker-compose ps -q | wc -l)"
step='up again changes nothing'; before=$(docker-compose ps -q); docker-compose up -d >&2; is "$before" "$(docker-compose ps -q)"
step='top'; docker-compose top worker | grep -q 'sleep 1000'
step='images'; docker-compose images | grep -q "${1}-web"
step='stop, start, restart'; docker-compose stop -t 0 worker >&2; docker-compose start worker >&2; docker-compose restart -t 0 worker >&2
step='pause'; docker-compose pause db >&2; is paused "$(docker inspect -f '{{.State.Status}}' "${1}_db_1")"; docker-compose unpause db >&2
step='run'; is one-off "$(docker-compose run --rm --no-deps -T web echo one-off 2>/dev/null)"
step='exit code of run'; code=0; docker-compose run --rm --no-deps -T web sh -c 'exit 3' >/dev/null 2>&1 || code=$?; is 3 $code
step='exit code of exec'; code=0; docker-compose exec -T web sh -c 'exit 4' >/dev/null 2>&1 || code=$?; is 4 $code
step='kill and rm'; docker-compose kill worker >&2; docker-compose rm -f worker >&2
step='events'; docker-compose events --json >"${TMPDIR:-/tmp}/$1.events" & events=$!
until docker-compose restart -t 0 db >&2 && grep -q '"action": "restart"' "${TMPDIR:-/tmp}/$1.events"; do sleep 0.2; done
kill $events; rm "${TMPDIR:-/tmp}/$1.events"
step='down'; docker-compose down -v --rmi local --timeout 0 >&2
is '' "$(docker ps -aq --filter "label=com.docker.compose.project=$1")"
is '' "$(docker volume ls -q --filter "label=com.docker.compose.project=$1")"
is '' "$(docker network ls -q --filter "label=com.docker.compose.project=$1")"
echo good
