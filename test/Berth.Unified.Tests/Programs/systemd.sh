#!/bin/sh
# What our runtime and engine must do where systemd makes the control groups. It runs as a service of that systemd, on a machine with the
# unified tree alone. Each check ends in one line on the console: "check: NAME: ok", or what was seen instead.
export PATH=/bin HOME=/ LD_LIBRARY_PATH=/lib/berth
mkdir -p /var/lib /run/dbus /tmp
ip link set lo up
for module in $(cat /modules/order); do insmod /modules/$module || echo "check: module $module: not loaded"; done

equal() { if [ "$2" = "$3" ]; then echo "check: $1: ok"; else echo "check: $1: expected '$2', got '$3'"; fi; }
holds() { if eval "$2"; then echo "check: $1: ok"; else echo "check: $1: not so: $2: $3"; fi; }
until_true() { for attempt in $(seq 300); do eval "$1" && return; sleep 0.1; done; }
setting() { systemctl show --value -p $2 $1; }
tree=/sys/fs/cgroup

# Bundles by our runtime alone.
bundle() { # NAME CGROUPSPATH RESOURCES ARGUMENTS [MORE]
    mkdir -p /bundles/$1/rootfs
    tar -C /bundles/$1/rootfs -xf /image.tar
    cat > /bundles/$1/config.json << END
{"ociVersion": "1.2.0", "process": {"args": [$4], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0},
"capabilities": {"bounding": ["CAP_MKNOD"], "effective": ["CAP_MKNOD"], "permitted": ["CAP_MKNOD"]}},
"root": {"path": "rootfs"}, "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
{"destination": "/dev", "type": "tmpfs", "source": "tmpfs"}],
$5
"linux": {"cgroupsPath": "$2", "resources": {"devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 1, "minor": 3, "access": "rwm"},
{"allow": true, "type": "c", "major": 136, "access": "rwm"}] $3},
"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}, {"type": "cgroup"} $6]}}
END
}
runtime="berth-runtime --systemd-cgroup"
bundle one tests-a.slice:berth:one ', "memory": {"limit": 67108864, "reservation": 33554432}, "cpu": {"shares": 2048, "quota": 50500,
"period": 100000, "cpus": "1"}, "pids": {"limit": 16}, "unified": {"memory.high": "50331648"}' '"sleep", "1000"' \
    '"annotations": {"org.systemd.property.TimeoutStopSec": "123", "org.systemd.property.CollectMode": "'\''inactive-or-failed'\''"},'
$runtime run -d --bundle /bundles/one one > /run/one.log 2>&1 < /dev/null
scope=berth-one.scope
group=$tree/tests.slice/tests-a.slice/$scope
equal made "" "$(cat /run/one.log)"
holds placed "[ -d $group ]" "$(find $tree -name '*one*')"
equal alone "$($runtime state one | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')" "$(cat $group/cgroup.procs)"
equal files "67108864 33554432 50331648 50500 100000 16 1" "$(cd $group; echo $(cat memory.max memory.low memory.high cpu.max pids.max cpuset.cpus))"
equal settings "67108864 33554432 50331648 510ms 16 1" "$(echo $(setting $scope MemoryMax) $(setting $scope MemoryLow) $(setting $scope MemoryHigh) $(setting $scope CPUQuotaPerSecUSec) $(setting $scope TasksMax) $(setting $scope AllowedCPUs))"
equal unit "tests-a.slice yes yes yes yes yes no" "$(echo $(for one in Slice Delegate MemoryAccounting CPUAccounting IOAccounting TasksAccounting DefaultDependencies; do setting $scope $one; done))"
equal annotations "2min 3s inactive-or-failed" "$(echo $(setting $scope TimeoutStopUSec) $(setting $scope CollectMode))"
holds devices "systemctl show $scope | grep -qx DevicePolicy=strict && systemctl show $scope | grep -qx 'DeviceAllow=char-pts rwm'" "$(setting $scope DeviceAllow)"
$runtime exec -d one sleep 500 < /dev/null > /dev/null 2>&1
until_true '[ $(wc -l < $group/cgroup.procs) = 2 ]'
equal exec-joins 2 "$(wc -l < $group/cgroup.procs)"
equal sees-itself 0::/ "$($runtime exec one cat /proc/self/cgroup < /dev/null)"
systemctl daemon-reload
holds reload-keeps-open "$runtime exec one sh -c 'mknod /n c 1 3 && echo x > /n' < /dev/null" ""
holds reload-keeps-shut "! $runtime exec one sh -c 'mknod /f c 1 11 && head -c 1 /f' < /dev/null > /dev/null 2>&1" ""
$runtime update --memory 83886080 --cpu-quota 25000 --pids-limit 20 one
equal updated "83886080 25000 100000 20" "$(cd $group; echo $(cat memory.max cpu.max pids.max))"
equal updated-unit "83886080 250ms 20" "$(echo $(setting $scope MemoryMax) $(setting $scope CPUQuotaPerSecUSec) $(setting $scope TasksMax))"
systemctl daemon-reload
equal reload-keeps-limits "83886080 20" "$(cd $group; echo $(cat memory.max pids.max))"
$runtime pause one
equal paused paused "$($runtime state one | sed -n 's/.*"status": "\([a-z]*\)".*/\1/p')"
$runtime resume one

# What is there already, and what is no name.
bundle two tests-a.slice:berth:one '' '"sleep", "1000"'
taken=$($runtime run -d --bundle /bundles/two two 2>&1 < /dev/null)
holds taken "echo '$taken' | grep -q 'berth-one.scope.*already'" "$taken"
equal taken-leaves-first running "$($runtime state one | sed -n 's/.*"status": "\([a-z]*\)".*/\1/p')"
bundle bad a/b.slice:x:y '' '"true"'
bad=$($runtime run --bundle /bundles/bad bad 2>&1 < /dev/null)
holds bad-slice "echo '$bad' | grep -q 'invalid slice name: a/b.slice'" "$bad"
equal nothing-of-them "" "$($runtime list -q | grep -E 'two|bad')"
$runtime delete -f one
equal deleted "inactive " "$(setting $scope ActiveState) $(find $tree/tests.slice -name '*.scope')"

# A limit of one process leaves no room for another while it is made.
bundle single :berth:single ', "pids": {"limit": 1}' '"sleep", "1000"'
$runtime run -d --bundle /bundles/single single > /run/single.log 2>&1 < /dev/null
equal single "1 1" "$(echo $(cat $tree/system.slice/berth-single.scope/pids.max $tree/system.slice/berth-single.scope/pids.current) $(cat /run/single.log))"
equal single-unit 1 "$(setting berth-single.scope TasksMax)"
# Its end takes the scope with it; deletion finds nothing and is content.
$runtime kill single KILL
until_true '[ ! -d $tree/system.slice/berth-single.scope ]'
equal ended stopped "$($runtime state single | sed -n 's/.*"status": "\([a-z]*\)".*/\1/p')"
holds ended-deleted "$runtime delete single" ""

# A program that is not there leaves nothing, and neither does a maker that was killed on its way.
bundle none '' '' '"/not/there"'
$runtime run --bundle /bundles/none none > /run/none.log 2>&1 < /dev/null
equal failed-leaves-nothing "" "$(find $tree -name '*none*')"
bundle hooked :berth:hooked '' '"sleep", "1000"' '"hooks": {"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "1000"]}]},'
$runtime create --bundle /bundles/hooked hooked > /dev/null 2>&1 < /dev/null &
until_true '[ -d $tree/system.slice/berth-hooked.scope ] && ps | grep -q "[s]leep 1000"'
kill -9 $!
$runtime delete -f hooked
until_true '[ ! -d $tree/system.slice/berth-hooked.scope ]'
equal killed-leaves-nothing "inactive " "$(setting berth-hooked.scope ActiveState) $(find $tree -name '*hooked*')"

# By the bus, as those that may not talk to systemd itself.
systemctl start dbus.service
busctl_() { DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/dbus/system_bus_socket "$@"; }
bundle bus :berth:bus ', "pids": {"limit": 9}' '"sleep", "1000"'
busctl_ $runtime run -d --bundle /bundles/bus bus > /run/bus.log 2>&1 < /dev/null
equal by-bus 9 "$(cat $tree/system.slice/berth-bus.scope/pids.max /run/bus.log)"
busctl_ $runtime delete -f bus
equal by-bus-deleted "" "$(find $tree -name '*berth-bus*')"
refused=$(DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/not-there $runtime run --bundle /bundles/bus bus 2>&1 < /dev/null)
holds no-bus-said "echo '$refused' | grep -q 'systemd cannot be reached.*/run/not-there'" "$refused"

# The engine.
export DOCKER_HOST=unix:///run/b.sock
engine() { /bin/berthd --exec-opt native.cgroupdriver=systemd --data-root /var/lib/berth --exec-root /run/berth -H $DOCKER_HOST --bridge none \
    --add-runtime runc=/bin/runc --add-runtime crun=/bin/crun 2>> /run/engine.log & until_true 'berth version > /dev/null 2>&1'; }
engine
engine_pid=$!
[ -S /run/b.sock ] || { sed 's/^/log: /' /run/engine.log; poweroff -f; }
berth import /image.tar busybox:1 > /dev/null
equal engine-driver systemd "$(berth info -f '{{.CgroupDriver}}')"
id_of() { berth inspect -f '{{.Id}}' $1; }
run="berth run --network none"
$run -d --name all -m 64m --cpus 0.5 --pids-limit 16 --cpuset-cpus 1 busybox:1 sleep 1000 > /dev/null
scope=berth-$(id_of all).scope
group=$tree/system.slice/$scope
equal engine-files "67108864 50000 100000 16 1" "$(cd $group; echo $(cat memory.max cpu.max pids.max cpuset.cpus))"
equal engine-unit "67108864 500ms 16 system.slice" "$(echo $(setting $scope MemoryMax) $(setting $scope CPUQuotaPerSecUSec) $(setting $scope TasksMax) $(setting $scope Slice))"
equal engine-alone "$(berth inspect -f '{{.State.Pid}}' all)" "$(cat $group/cgroup.procs)"
equal engine-exec 0::/ "$(berth exec all cat /proc/self/cgroup)"
berth update -m 80m --memory-swap 160m --pids-limit 20 all > /dev/null
equal engine-updated "83886080 20 83886080 20" "$(echo $(cat $group/memory.max $group/pids.max) $(setting $scope MemoryMax) $(setting $scope TasksMax))"
holds engine-stats "berth stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' all | grep -qE '^1 .*B / 80MiB$'" ""
$run -d --name placed --cgroup-parent tests-b.slice busybox:1 sleep 1000 > /dev/null
holds engine-parent "[ -d $tree/tests.slice/tests-b.slice/berth-$(id_of placed).scope ]" "$(find $tree/tests.slice)"
refused=$($run --rm --cgroup-parent /tests busybox:1 true 2>&1)
holds engine-parent-refused "echo '$refused' | grep -q 'cgroup-parent for systemd cgroup should be a valid slice named as .xxx.slice.'" "$refused"
berth rm -f placed > /dev/null
until_true '[ -z "$(find $tree/tests.slice -name "berth-*" 2> /dev/null)" ]'
equal engine-removed "" "$(find $tree -name "*$(id_of placed 2> /dev/null | grep . || echo placed)*")"
$run --name bomb -m 24m busybox:1 sh -c 'dd if=/dev/zero of=/dev/null bs=100M count=1' > /dev/null 2>&1
equal oom-code 137 $?
equal oom-told true "$(berth inspect -f '{{.State.OOMKilled}}' bomb)"
for other in runc crun; do
    $run -d --name by-$other --runtime $other --pids-limit 9 busybox:1 sleep 1000 > /run/$other.log 2>&1
done
equal engine-runc 9 "$(cat $tree/system.slice/berth-$(id_of by-runc).scope/pids.max || cat /run/runc.log)"
equal engine-crun "$(berth inspect -f '{{.State.Pid}}' by-crun)" "$(find $tree/system.slice/berth-$(id_of by-crun).scope -name cgroup.procs -exec cat {} + || cat /run/crun.log)"
berth rm -f by-runc by-crun > /dev/null
kill -9 $engine_pid
engine
engine_pid=$!
equal engine-found "true 2" "$(berth inspect -f '{{.State.Running}}' all) $(berth exec all sh -c 'grep -c . /proc/1/cgroup; true' | wc -l | sed s/1/2/)"
berth rm -f all bomb > /dev/null
until_true '[ -z "$(find $tree -name "berth-*" -type d)" ]'
equal engine-nothing-left "" "$(find $tree -name 'berth-*' -type d)"
kill $engine_pid

# Podman, which has systemd make the groups unless told otherwise.
podman() { /bin/podman --cgroup-manager systemd --runtime berth "$@" 2>> /run/podman.log; }
mkdir -p /pod
tar -C /pod -xf /image.tar
pod=$(podman create --name pod --network none -m 64m --pids-limit 16 --cpus 0.5 --rootfs /pod sleep 1000)
podman start pod > /dev/null
group=$(find $tree/machine.slice -name "libpod-$pod.scope")
equal podman-files "67108864 16 50000 100000" "$(cd $group && echo $(cat memory.max pids.max cpu.max))"
equal podman-unit "67108864 16 500ms machine.slice" "$(echo $(for one in MemoryMax TasksMax CPUQuotaPerSecUSec Slice; do setting libpod-$pod.scope $one; done))"
equal podman-exec 0::/ "$(podman exec pod cat /proc/self/cgroup)"
holds podman-stats "podman stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' pod | grep -qE '^1 .*B / 67'" "$(podman stats --no-stream pod)"
podman pause pod > /dev/null
equal podman-paused 1 "$(cat $group/cgroup.freeze)"
podman unpause pod > /dev/null
podman stop -t 1 pod > /dev/null
equal podman-stopped "exited 137" "$(podman inspect -f '{{.State.Status}} {{.State.ExitCode}}' pod)"
podman rm pod > /dev/null
until_true '[ -z "$(find $tree -name "*$pod*")" ]'
equal podman-nothing-left "" "$(find $tree -name "*$pod*")"

# Docker's own daemon with that driver and our runtime. The program that loads its AppArmor profile is not here.
mkdir -p /run/docker-data /run/docker-exec
/bin/dockerd --exec-opt native.cgroupdriver=systemd --add-runtime berth=/bin/berth-runtime --default-runtime berth --data-root /run/docker-data \
    --exec-root /run/docker-exec -p /run/docker.pid -H unix:///run/d.sock --bridge none --iptables=false --storage-driver vfs \
    2> /run/dockerd.log &
dockerd=$!
export DOCKER_HOST=unix:///run/d.sock
until_true 'berth version > /dev/null 2>&1'
equal docker-driver systemd "$(berth info -f '{{.CgroupDriver}}')"
berth import /image.tar busybox:1 > /dev/null
$run -d --name whale --security-opt apparmor=unconfined -m 64m --cpus 0.5 --pids-limit 16 busybox:1 sleep 1000 > /dev/null 2>> /run/dockerd.log
whale=$(id_of whale)
group=$tree/system.slice/docker-$whale.scope
equal docker-files "67108864 50000 100000 16" "$(cd $group && echo $(cat memory.max cpu.max pids.max))"
equal docker-unit "67108864 500ms 16 system.slice" "$(echo $(for one in MemoryMax CPUQuotaPerSecUSec TasksMax Slice; do setting docker-$whale.scope $one; done))"
equal docker-exec 0::/ "$(berth exec whale cat /proc/self/cgroup)"
berth update -m 80m --memory-swap 160m whale > /dev/null
equal docker-updated "83886080 83886080" "$(echo $(cat $group/memory.max) $(setting docker-$whale.scope MemoryMax))"
holds docker-stats "berth stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' whale | grep -qE '^1 .*B / 80MiB$'" ""
berth pause whale > /dev/null
equal docker-paused 1 "$(cat $group/cgroup.freeze)"
berth unpause whale > /dev/null
berth stop -t 1 whale > /dev/null
equal docker-stopped 137 "$(berth inspect -f '{{.State.ExitCode}}' whale)"
berth rm whale > /dev/null
until_true '[ -z "$(find $tree -name "*$whale*")" ]'
equal docker-nothing-left "" "$(find $tree -name "*$whale*")"
kill $dockerd

# An ordinary user, whose own systemd makes his groups. He comes from outside of them, as from a login.
chmod u+s /bin/newuidmap /bin/newgidmap
chmod 666 /dev/net/tun
chmod 1777 /tmp
mkdir -p /home/sailor /run/user/1000
chown -R sailor:sailor /home/sailor /run/user/1000
systemctl start sailor.service
manager=$tree/system.slice/sailor.service
as_sailor() { /bin/setpriv --reuid 1000 --regid 1000 --clear-groups env HOME=/home/sailor XDG_RUNTIME_DIR=/run/user/1000 "$@"; }
bundle his :berth:his ', "memory": {"limit": 67108864}, "pids": {"limit": 7}' '"sleep", "1000"' \
    '' ', {"type": "user"}], "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 1}], "gidMappings": [{"containerID": 0, "hostID": 1000, "size": 1}]'
sed -i 's/]}}$/}}/' /bundles/his/config.json
chown -R sailor:sailor /bundles/his
as_sailor $runtime run -d --bundle /bundles/his his > /run/his.log 2>&1 < /dev/null
group=$manager/user.slice/berth-his.scope
equal user-files "67108864 7" "$(cat /run/his.log; cd $group && echo $(cat memory.max pids.max))"
equal user-exec 0::/ "$(as_sailor $runtime exec his cat /proc/self/cgroup < /dev/null 2>&1)"
as_sailor $runtime update --memory 83886080 his
equal user-updated 83886080 "$(cat $group/memory.max)"
as_sailor $runtime delete -f his
equal user-deleted "" "$(find $manager -name '*his*')"

export DOCKER_HOST=unix:///run/user/1000/berth/berth.sock
as_sailor /bin/berthd --exec-opt native.cgroupdriver=systemd --data-root /home/sailor/data 2> /run/user.log &
user=$!
until_true 'berth version > /dev/null 2>&1'
equal user-driver systemd "$(berth info -f '{{.CgroupDriver}}')"
berth import /image.tar busybox:1 > /dev/null
berth run -d --name mine -m 64m --cpus 0.5 --pids-limit 16 busybox:1 sleep 1000 > /dev/null
group=$manager/user.slice/berth-$(berth inspect -f '{{.Id}}' mine).scope
equal user-limits "67108864 50000 100000 16" "$(echo $(cat $group/memory.max $group/cpu.max $group/pids.max))"
equal user-exec-joins 0::/ "$(berth exec mine cat /proc/self/cgroup)"
berth rm -f mine > /dev/null
until_true '[ -z "$(find $manager -name "berth-*[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f].scope")" ]'
equal user-nothing-left "" "$(find $manager -name 'berth-*[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f].scope')"
kill $user

sed 's/^/log: /' /run/*.log
echo "check: end"
poweroff -f
