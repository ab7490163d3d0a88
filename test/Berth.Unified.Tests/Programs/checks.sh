#!/bin/sh
# What the engine must do on a machine that has the unified tree of control groups alone. Each check ends in one line on the console:
# "check: NAME: ok", or what was seen instead.
export PATH=/bin HOME=/ DOCKER_HOST=unix:///run/b.sock LD_LIBRARY_PATH=/lib/berth
mkdir -p /proc /sys /dev /run /tmp /var/lib
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ip link set lo up
for module in $(cat /modules/order); do insmod /modules/$module || echo "check: module $module: not loaded"; done

equal() { if [ "$2" = "$3" ]; then echo "check: $1: ok"; else echo "check: $1: expected '$2', got '$3'"; fi; }
holds() { if eval "$2"; then echo "check: $1: ok"; else echo "check: $1: not so: $2: $3"; fi; }
until_true() { for attempt in $(seq 300); do eval "$1" && return; sleep 0.1; done; }
group_of() { echo /sys/fs/cgroup/berth/$(berth inspect -f '{{.Id}}' $1); }

/bin/berthd --data-root /var/lib/berth --exec-root /run/berth -H $DOCKER_HOST --bridge none --add-runtime runc=/bin/runc \
    --add-runtime crun=/bin/crun 2> /run/log &
until_true '[ -S /run/b.sock ]'
[ -S /run/b.sock ] || { sed 's/^/log: /' /run/log; poweroff -f; }
berth import /image.tar busybox:1 > /dev/null
equal version 2 "$(berth info -f '{{.CgroupVersion}}')"

run="berth run --network none"
$run -d --name all -m 64m --memory-reservation 32m --memory-swap 96m --cpus 0.5 --cpu-shares 2048 --cpuset-cpus 1 --pids-limit 16 \
    --device-write-bps /dev/vda:1mb --device /dev/vda busybox:1 sleep 1000 > /dev/null
group=$(group_of all)
equal memory.max 67108864 "$(cat $group/memory.max)"
equal memory.low 33554432 "$(cat $group/memory.low)"
equal memory.swap.max 33554432 "$(cat $group/memory.swap.max 2>/dev/null || echo 33554432)"
equal cpu.max "50000 100000" "$(cat $group/cpu.max)"
holds cpu.weight "[ $(cat $group/cpu.weight) -gt 50 ]" "$(cat $group/cpu.weight)"
equal cpuset.cpus 1 "$(cat $group/cpuset.cpus)"
equal cpuset-inside 1 "$(berth exec all sed -n 's/^Cpus_allowed_list:.//p' /proc/self/status)"
equal pids.max 16 "$(cat $group/pids.max)"
holds io.max "grep -q wbps=1048576 $group/io.max" "$(cat $group/io.max)"

# The limits are felt, not only written.
began=$(cut -d . -f 1 /proc/uptime)
berth exec all dd if=/dev/zero of=/dev/vda bs=65536 count=48 oflag=direct 2> /run/dd
took=$(( $(cut -d . -f 1 /proc/uptime) - began ))
holds io-throttled "[ $took -ge 2 ]" "$took s: $(cat /run/dd)"
berth exec all timeout 2 sh -c 'while :; do :; done'
holds cpu-throttled "[ $(sed -n 's/^nr_throttled //p' $group/cpu.stat) -gt 0 ]" "$(cat $group/cpu.stat)"
holds pids-refused "$run --rm --pids-limit 8 busybox:1 sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 3 & done' 2>&1 | grep -q fork" ""
$run --name bomb -m 24m busybox:1 sh -c 'dd if=/dev/zero of=/dev/null bs=100M count=1' > /dev/null 2>&1
equal oom-code 137 $?
equal oom-told true "$(berth inspect -f '{{.State.OOMKilled}}' bomb)"

# Freezing.
$run -d --name count busybox:1 sh -c 'i=0; while :; do i=$((i+1)); echo $i > /n; done' > /dev/null
until_true 'berth exec count test -s /n'
berth pause count > /dev/null
frozen=$(group_of count)
holds frozen "grep -q 'frozen 1' $frozen/cgroup.events" "$(cat $frozen/cgroup.events)"
first=$(cut -d ' ' -f 14 /proc/$(berth inspect -f '{{.State.Pid}}' count)/stat)
sleep 1
equal frozen-still "$first" "$(cut -d ' ' -f 14 /proc/$(berth inspect -f '{{.State.Pid}}' count)/stat)"
berth unpause count > /dev/null
until_true "grep -q 'frozen 0' $frozen/cgroup.events"
holds thawed "grep -q 'frozen 0' $frozen/cgroup.events" "$(cat $frozen/cgroup.events)"

# Devices, by a program in the kernel.
numbers=$(sed 's/:/ /' /sys/class/block/vda/dev)
holds device-refused "! $run --rm busybox:1 sh -c 'mknod /d b $numbers && head -c 1 /d' > /dev/null 2>&1" ""
holds device-made "$run --rm busybox:1 sh -c 'mknod /d b $numbers'" ""
holds device-read "$run --rm --device /dev/vda:/d:r busybox:1 sh -c 'head -c 1 /d > /dev/null'" ""
holds device-write-refused "! $run --rm --device /dev/vda:/d:r busybox:1 sh -c 'echo x > /d' 2> /dev/null" ""
holds device-null "$run --rm busybox:1 sh -c 'echo x > /dev/null && head -c 1 /dev/urandom > /dev/null'" ""

# Further processes and figures.
berth exec -d all sleep 500
until_true "grep -q 500 /proc/\$(tail -n 1 $group/cgroup.procs)/cmdline"
holds exec-joins "[ $(wc -l < $group/cgroup.procs) -ge 2 ]" "$(cat $group/cgroup.procs)"
equal exec-sees-itself 0::/ "$(berth exec all cat /proc/self/cgroup)"
holds mount-read-only "! berth exec all sh -c 'echo 1 > /sys/fs/cgroup/pids.max' 2> /dev/null" ""
holds mount-is-own "berth exec all grep -q sleep /proc/1/cmdline && berth exec all test -e /sys/fs/cgroup/memory.max" ""
stats=$(berth stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' all)
holds stats "echo '$stats' | grep -qE '^[1-9][0-9]* [1-9].*B / 64MiB\$'" "$stats"
berth update -m 80m --memory-swap 96m --cpus 0.25 --pids-limit 20 all > /dev/null
equal updated "83886080 25000 100000 20" "$(cat $group/memory.max) $(cat $group/cpu.max) $(cat $group/pids.max)"

berth rm -f all bomb count > /dev/null
until_true "[ -z \"\$(find /sys/fs/cgroup/berth -mindepth 1 -type d)\" ]"
equal nothing-left "" "$(find /sys/fs/cgroup/berth -mindepth 1 -type d)"

# A container that hands controllers down takes no process itself: a further one goes where the first is, or to a group that is named.
$run -d --name nests --privileged --cgroupns private busybox:1 sh -c 'cd /sys/fs/cgroup && busybox mkdir init && echo 1 > init/cgroup.procs && echo +pids > cgroup.subtree_control && echo x > /ready && sleep 1000' > /dev/null
until_true "[ -n \"\$(cat $(group_of nests)/cgroup.subtree_control)\" ]"
equal exec-beside 0::/init "$(berth exec nests cat /proc/self/cgroup 2>&1)"
berth rm -f nests > /dev/null
mkdir -p /run/bundle/rootfs
tar -C /run/bundle/rootfs -xf /image.tar
(cd /run/bundle && berth-runtime spec && sed -i 's/"terminal": true/"terminal": false/; s/"sh"/"sleep", "1000"/' config.json)
berth-runtime run -d --bundle /run/bundle direct < /dev/null > /run/direct.log 2>&1 || sed 's/^/log: /' /run/direct.log
mkdir /sys/fs/cgroup/direct/sub
equal exec-group 0::/sub "$(berth-runtime exec --cgroup sub direct cat /proc/self/cgroup 2>&1)"
holds exec-group-controller "berth-runtime exec --cgroup pids:sub direct true 2>&1 | grep -q 'unknown controller pids'" ""
holds exec-group-missing "berth-runtime exec --cgroup nope direct true 2>&1 | grep -q 'nope/cgroup.procs: no such file or directory'" ""
berth-runtime delete -f direct
equal exec-group-gone "" "$(find /sys/fs/cgroup/direct 2> /dev/null)"

# Further processes where no more may be made: they are moved in, and those that made them are gone.
for limit in 1 2 3; do
    $run -d --name full --pids-limit $limit busybox:1 sleep 1000 > /dev/null
    equal full-exec-$limit 0::/ "$(berth exec full cat /proc/self/cgroup 2>&1)"
    berth exec -d full sleep 501
    until_true "[ \"\$(cat $(group_of full)/pids.current)\" = 2 ]"
    equal full-counts-$limit "2 $limit" "$(echo $(cat $(group_of full)/pids.current $(group_of full)/pids.max))"
    berth rm -f full > /dev/null
done
# Device rules hold below a group that has some, and in one that somebody left with his.
configure() { # CGROUP RESOURCES
    cat > /run/bundle/config.json << END
{ "ociVersion": "1.0.2", "root": { "path": "rootfs" }, "process": { "args": ["sleep", "1000"], "cwd": "/", "env": ["PATH=/bin"], "user": { "uid": 0, "gid": 0 },
  "capabilities": { "bounding": ["CAP_MKNOD"], "effective": ["CAP_MKNOD"], "permitted": ["CAP_MKNOD"] } },
  "mounts": [{ "destination": "/proc", "type": "proc", "source": "proc" }, { "destination": "/dev", "type": "tmpfs", "source": "tmpfs" }],
  "linux": { "cgroupsPath": "$1", "resources": { $2 }, "namespaces": [{ "type": "pid" }, { "type": "mount" }, { "type": "ipc" }, { "type": "uts" }, { "type": "cgroup" }] } }
END
}
launch() { $1 run -d --bundle /run/bundle $2 < /dev/null > /run/$2.log 2>&1; } # RUNTIME NAME
opens() { $1 exec $2 sh -c "mknod /d b $numbers; head -c 1 /d | busybox wc -c" < /dev/null 2> /run/opens.log; } # RUNTIME NAME
everything='"devices": [{"allow": true, "access": "rwm"}]' nothing='"devices": [{"allow": false, "access": "rwm"}]'
configure /outer "$everything"
launch berth-runtime outer
equal device-everything 1 "$(opens berth-runtime outer)"
mkdir /sys/fs/cgroup/outer/init
cat /sys/fs/cgroup/outer/cgroup.procs > /sys/fs/cgroup/outer/init/cgroup.procs
configure /outer/in "$nothing"
below=
for inner in berth-runtime runc crun; do
    launch $inner in
    below="$below $? $(opens $inner in)"
    sed 's/^/log: /' /run/in.log
    $inner delete -f in
done
equal device-below " 0 0 0 0 0 0" "$below"
launch berth-runtime in
equal device-below-told "" "$(cat /run/in.log)"
berth-runtime delete -f in
berth-runtime delete -f outer
leave() { # RUNTIME NAME
    kill -9 $(cat /sys/fs/cgroup/left/cgroup.procs)
    until_true '[ -z "$(cat /sys/fs/cgroup/left/cgroup.procs)" ]'
    rm -rf /run/$1/$2
}
left=
for leaver in runc crun; do
    configure /left "$everything"
    launch $leaver left
    leave $leaver left
    configure /left "$nothing"
    launch berth-runtime mine
    left="$left $? $(opens berth-runtime mine)"
    leave berth-runtime mine
    configure /left "$everything"
    launch berth-runtime mine
    left="$left $? $(opens berth-runtime mine)"
    berth-runtime delete -f mine
done
equal device-left-by-others " 0 0 0 1 0 0 0 1" "$left"
configure /open "$everything"
/bin/setpriv --bounding-set -sys_admin,-bpf berth-runtime run -d --bundle /run/bundle open < /dev/null > /run/open.log 2>&1
holds device-everything-without-privilege "! grep -q 'set the device rules' /run/open.log" "$(cat /run/open.log)"
configure /shut "$nothing"
/bin/setpriv --bounding-set -sys_admin,-bpf berth-runtime run -d --bundle /run/bundle shut < /dev/null > /run/shut.log 2>&1
holds device-without-privilege "[ $? = 1 ] && grep -q 'set the device rules of cgroup /sys/fs/cgroup/shut: .*Operation not permitted' /run/shut.log" "$(cat /run/shut.log)"
$run -d --name outer --privileged --cgroupns private -v /bin/berth-runtime:/bin/berth-runtime -v /lib:/hl -v /lib64:/lib64 -v /run/bundle:/bundle busybox:1 sleep 1000 > /dev/null
configure /in "$nothing"
cat > /run/bundle/inner.sh << END
export LD_LIBRARY_PATH=/hl/berth HOME=/
busybox mkdir -p /run /tmp
berth-runtime run -d --bundle /bundle in < /dev/null && berth-runtime exec in sh -c 'mknod /d b $numbers 2> /dev/null; head -c 1 /d 2> /dev/null | busybox wc -c' < /dev/null
END
# Its processes stand where it makes the group, too.
equal device-in-a-container 0 "$(berth exec outer sh /bundle/inner.sh 2>&1)"
berth rm -f outer > /dev/null

# A group below one with processes has no controllers, and takes processes; below one that counts threads it is one of threads.
mkdir /sys/fs/cgroup/crowded
sleep 1000 &
crowd=$!
echo $crowd > /sys/fs/cgroup/crowded/cgroup.procs
configure /crowded/in "$nothing"
launch berth-runtime in
equal crowded-none "0 domain 1 running" "$? $(cat /sys/fs/cgroup/crowded/in/cgroup.type) $(wc -l < /sys/fs/cgroup/crowded/in/cgroup.procs) $(berth-runtime state in | sed -n 's/.*"status": "\(.*\)".*/\1/p')"
equal crowded-told "" "$(cat /run/in.log)"
berth-runtime delete -f in
configure /crowded/in "$nothing, \"memory\": { \"limit\": 67108864 }"
launch berth-runtime in
holds crowded-limit-told "grep -q 'The kernel offers no memory.max here: the memory limit is discarded' /run/in.log" "$(cat /run/in.log)"
berth-runtime delete -f in
echo +pids > /sys/fs/cgroup/crowded/cgroup.subtree_control
configure /crowded/in "$nothing, \"pids\": { \"limit\": 9 }"
launch berth-runtime in
equal threaded "0 threaded 9 1" "$? $(cat /sys/fs/cgroup/crowded/in/cgroup.type /sys/fs/cgroup/crowded/in/pids.max | tr '\n' ' ')$(berth-runtime ps -f json in | grep -c '^\[[0-9]*\]$')"
berth-runtime delete -f in
equal threaded-gone "" "$(find /sys/fs/cgroup/crowded/in 2> /dev/null)"
kill $crowd

# What is not given in an update stays, and swap is what is beside the memory.
configure /changed "$nothing, \"memory\": { \"limit\": 67108864, \"swap\": 67108864 }, \"cpu\": { \"quota\": 25000, \"period\": 50000 }"
launch berth-runtime changed
changed() { (cd /sys/fs/cgroup/changed; echo $(cat cpu.max memory.max; cat memory.swap.max 2> /dev/null || echo $1)); }
equal update-before "25000 50000 67108864 0" "$(changed 0)"
berth-runtime update --cpu-period 100000 changed
equal update-period "25000 100000 67108864 0" "$(changed 0)"
berth-runtime update --cpu-quota 20000 --memory-swap 96M changed
equal update-quota-and-swap "20000 100000 67108864 33554432" "$(changed 33554432)"
equal update-swap-below "memory+swap limit should be >= memory limit" "$(berth-runtime update --memory-swap 32M changed 2>&1 | sed 's/.*msg="\(.*\)"$/\1/')"
equal update-kept "20000 100000 67108864 33554432" "$(changed 33554432)"
berth-runtime update --memory -1 changed
equal update-unlimited "20000 100000 max max" "$(changed max)"
equal update-swap-alone "unable to set swap limit without memory limit" "$(berth-runtime update --memory-swap 96M changed 2>&1 | sed 's/.*msg="\(.*\)"$/\1/')"
berth-runtime delete -f changed
configure /changed "$nothing, \"memory\": { \"swap\": 67108864 }"
launch berth-runtime changed
holds swap-alone "[ $? = 1 ] && grep -q 'unable to set swap limit without memory limit' /run/changed.log" "$(cat /run/changed.log)"
equal swap-alone-none-left "" "$(find /sys/fs/cgroup/changed 2> /dev/null)"

# What version 2 has not is told, in Docker's words where its clients look for them, and refused where that is asked for.
told=$($run --rm --memory-swappiness 10 --oom-kill-disable busybox:1 true 2>&1)
holds swappiness-told "echo '$told' | grep -q '^WARNING: Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.'" "$told"
holds oom-kill-disable-told "echo '$told' | grep -q '^WARNING: Your kernel does not support OomKillDisable. OomKillDisable discarded.'" "$told"
configure /ignored "$nothing, \"cpu\": { \"realtimeRuntime\": 1000 }"
berth-runtime --strict run -d --bundle /run/bundle ignored < /dev/null > /run/ignored.log 2>&1
holds ignored-refused "[ $? = 1 ] && grep -q 'Real-time limits are discarded: cgroup version 2 has none. (refused: the container is strict)' /run/ignored.log" "$(cat /run/ignored.log)"
launch berth-runtime ignored
holds ignored-told "[ $? = 0 ] && grep -q 'Real-time limits are discarded' /run/ignored.log" "$(cat /run/ignored.log)"
berth-runtime delete -f ignored

# Containers by runtimes of others.
for other in runc crun; do
    $run -d --name by-$other --runtime $other -m 64m --cpus 0.5 --cpuset-cpus 1 --pids-limit 16 busybox:1 sleep 1000 > /run/$other.log 2>&1
done
limits() { echo $(cd $(group_of $1) && cat memory.max cpu.max cpuset.cpus pids.max); }
equal runc-limits "67108864 50000 100000 1 16" "$(limits by-runc; grep -v '^[0-9a-f]*$' /run/runc.log)"
equal crun-limits "67108864 50000 100000 1 16" "$(limits by-crun; grep -v '^[0-9a-f]*$' /run/crun.log)"
equal runc-exec 0::/ "$(berth exec by-runc cat /proc/self/cgroup)"
equal crun-exec 0::/ "$(berth exec by-crun cat /proc/self/cgroup)"
berth update -m 80m --memory-swap 160m by-runc by-crun > /dev/null
equal runc-updated 83886080 "$(cat $(group_of by-runc)/memory.max)"
equal crun-updated 83886080 "$(cat $(group_of by-crun)/memory.max)"
berth pause by-runc by-crun > /dev/null
holds runc-frozen "grep -q 'frozen 1' $(group_of by-runc)/cgroup.events" ""
holds crun-frozen "grep -q 'frozen 1' $(group_of by-crun)/cgroup.events" ""
berth unpause by-runc by-crun > /dev/null
stats=$(berth stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' by-runc by-crun)
equal others-stats 2 "$(echo "$stats" | grep -cE '^1 [1-9].*B / 80MiB$')"
$run --name bomb-runc --runtime runc -m 24m busybox:1 sh -c 'dd if=/dev/zero of=/dev/null bs=100M count=1' > /dev/null 2>&1
equal runc-oom "137 true" "$? $(berth inspect -f '{{.State.OOMKilled}}' bomb-runc)"
holds runc-device-refused "! $run --rm --runtime runc busybox:1 sh -c 'mknod /d b $numbers && head -c 1 /d' > /dev/null 2>&1" ""
holds crun-device-refused "! $run --rm --runtime crun busybox:1 sh -c 'mknod /d b $numbers && head -c 1 /d' > /dev/null 2>&1" ""
berth rm -f by-runc by-crun bomb-runc > /dev/null
until_true "[ -z \"\$(find /sys/fs/cgroup/berth -mindepth 1 -type d)\" ]"
equal others-nothing-left "" "$(find /sys/fs/cgroup/berth -mindepth 1 -type d)"

# AppArmor, which this kernel runs. The engine has found no way to its profiles yet, says so, and starts containers all the same.
holds apparmor-warned "berth info -f '{{.Warnings}}' | grep -q 'securityfs is not mounted'" "$(berth info)"
equal apparmor-without unconfined "$($run --rm busybox:1 cat /proc/self/attr/current 2>&1)"
mount -t securityfs securityfs /sys/kernel/security
mkdir -p /usr/sbin
ln -s /bin/apparmor_parser /usr/sbin/apparmor_parser
until_true "berth info -f '{{.SecurityOptions}}' | grep -q profile=berth-default"
holds apparmor-profile-told "berth info -f '{{.SecurityOptions}}' | grep -q name=apparmor,profile=berth-default" "$(berth info)"
holds apparmor-no-warning "! berth info -f '{{.Warnings}}' | grep -q AppArmor" "$(berth info)"
own="berth-default (enforce)"
equal apparmor-default "$own" "$($run --rm busybox:1 cat /proc/self/attr/current 2>&1)"
equal apparmor-docker-name "$own" "$($run --rm --security-opt apparmor=docker-default busybox:1 cat /proc/self/attr/current 2>&1)"
equal apparmor-no-new-privileges "$own" "$($run --rm --security-opt no-new-privileges busybox:1 cat /proc/self/attr/current 2>&1)"
equal apparmor-privileged unconfined "$($run --rm --privileged busybox:1 cat /proc/self/attr/current 2>&1)"
equal apparmor-init "$own sleep" "$($run --rm --init busybox:1 sh -c 'sleep 100 & cat /proc/1/attr/current; kill -0 1 && busybox readlink /proc/$!/exe > /dev/null && cat /proc/$!/comm; kill $!' 2>&1 | tr '\n' ' ' | sed 's/ $//')"
printf 'FROM busybox:1\nRUN cat /proc/self/attr/current > /label\n' > /run/Dockerfile
berth build -q --network none -t labelled - < /run/Dockerfile > /dev/null 2> /run/labelled || sed 's/^/log: /' /run/labelled
equal apparmor-build "$own" "$($run --rm labelled cat /label 2>&1)"
# All capabilities and every other wall away, and the host's /sys: what holds now is the profile.
walls="--cap-add ALL --security-opt seccomp=unconfined --security-opt systempaths=unconfined -v /sys:/sys -v /sys/fs/cgroup:/sys/fs/cgroup"
$run -d --name held $walls busybox:1 sleep 1000 > /dev/null
$run -d --name loose $walls --security-opt apparmor=unconfined busybox:1 sleep 1000 > /dev/null
equal apparmor-default-exec "$own" "$(berth exec held cat /proc/self/attr/current)"
equal apparmor-default-exec-privileged unconfined "$(berth exec --privileged held cat /proc/self/attr/current)"
equal apparmor-default-inspect "berth-default unconfined" "$(berth inspect -f '{{.AppArmorProfile}}' held loose | tr '\n' ' ' | sed 's/ $//')"
refused() { # NAME WORDS: neither done in the confined one nor impossible in the other
    if berth exec held sh -c "$2" > /run/held.log 2>&1; then echo "check: $1: expected a refusal"
    elif ! berth exec loose sh -c "$2" > /run/held.log 2>&1; then echo "check: $1: refused by another: $(cat /run/held.log | tr '\n' ' ')"
    else echo "check: $1: ok"; fi
}
refused apparmor-core-pattern 'p=$(cat /proc/sys/kernel/core_pattern); echo "$p" > /proc/sys/kernel/core_pattern'
refused apparmor-vm 'p=$(cat /proc/sys/vm/swappiness); echo $p > /proc/sys/vm/swappiness'
refused apparmor-sysrq 'echo h > /proc/sysrq-trigger'
refused apparmor-kcore 'head -c 1 /proc/kcore > /dev/null'
refused apparmor-sys 'p=$(cat /sys/kernel/rcu_expedited); echo $p > /sys/kernel/rcu_expedited'
refused apparmor-security-files 'cat /sys/kernel/security/lsm'
refused apparmor-mount 'busybox mkdir -p /mnt; mount -t tmpfs none /mnt'
refused apparmor-bind 'busybox mkdir -p /mnt; mount -o bind /bin /mnt'
refused apparmor-remount 'mount -o remount,rw /'
refused apparmor-umount 'umount /dev/mqueue'
stays() { # NAME WORDS: the container's own, which it does as ever
    if berth exec held sh -ec "$2" > /run/held.log 2>&1; then echo "check: $1: ok"; else echo "check: $1: $(cat /run/held.log | tr '\n' ' ')"; fi
}
stays apparmor-files-work 'b=busybox; $b mkdir -p /w/d; echo x > /w/f; echo y >> /w/f; $b mv /w/f /w/d/g; $b ln /w/d/g /w/h; $b ln -s h /w/s; $b chmod 4755 /w/h; $b chown 7:7 /w/d; $b rm -r /w/d; [ "$(cat /w/s | head -n 1)" = x ]; $b mkfifo /w/p; $b cp /bin/busybox /w/busybox; /w/busybox true; $b rm -r /w'
stays apparmor-tar-works 'b=busybox; $b mkdir -p /t/a; echo z > /t/a/f; $b tar -C /t -cf /t.tar a; $b rm -r /t/a; $b tar -C /t -xf /t.tar; [ "$(cat /t/a/f)" = z ]'
stays apparmor-processes-work 'sleep 100 & kill $!; sleep 100 & kill -9 $!; kill -0 1; cat /proc/1/environ > /dev/null; [ "$(busybox readlink /proc/1/exe)" = /bin/busybox ]; echo 5 > /proc/self/oom_score_adj'
stays apparmor-sockets-work 'b=busybox; $b ip link set lo up; echo hello | $b nc -l -p 7777 > /dev/null & for i in 1 2 3 4 5 6 7 8 9; do sleep 1; [ "$(echo x | timeout 5 busybox nc 127.0.0.1 7777)" = hello ] && exit 0; done; exit 1'
stays apparmor-devices-work 'echo x > /dev/null; head -c 1 /dev/urandom > /dev/null; [ -d /dev/shm ]; echo x > /dev/shm/x; cat /dev/shm/x'
stays apparmor-shm-parameter 'p=$(cat /proc/sys/kernel/shm_rmid_forced); echo $p > /proc/sys/kernel/shm_rmid_forced'
holds apparmor-stops "berth stop -t 1 held > /dev/null && [ \"\$(berth inspect -f '{{.State.ExitCode}}' held)\" = 137 ]" "$(berth ps -a)"
berth rm -f held loose > /dev/null
$run -d --name by-others --runtime runc busybox:1 sleep 1000 > /dev/null 2>&1
equal apparmor-runc "$own" "$(berth exec by-others cat /proc/self/attr/current 2>&1)"
holds apparmor-runc-stops "berth kill -s TERM by-others > /dev/null && berth rm -f by-others > /dev/null" ""
# Somebody takes it away: the next container has it again, or without the compiler a warning.
printf berth-default > /sys/kernel/security/apparmor/.remove
equal apparmor-again "$own" "$($run --rm busybox:1 cat /proc/self/attr/current 2>&1)"
mv /bin/apparmor_parser /bin/away
printf berth-default > /sys/kernel/security/apparmor/.remove
equal apparmor-no-compiler unconfined "$($run --rm busybox:1 cat /proc/self/attr/current 2>&1)"
holds apparmor-no-compiler-told "berth info -f '{{.Warnings}}' | grep -q 'apparmor_parser is not installed'" "$(berth info)"
mv /bin/away /bin/apparmor_parser
dd if=/policy of=/sys/kernel/security/apparmor/.load bs=1M 2> /run/policy || sed 's/^/log: /' /run/policy
confined="$run --rm --security-opt apparmor=berth-test busybox:1"
holds apparmor-told "berth info -f '{{.SecurityOptions}}' | grep -q name=apparmor" "$(berth info)"
equal apparmor-applied "berth-test (enforce)" "$($confined cat /proc/self/attr/current 2>&1)"
equal apparmor-felt "allowed denied" "$($confined sh -c 'echo allowed > /f && cat /f; echo x 2> /dev/null > /denied || echo denied' 2>&1 | tr '\n' ' ' | sed 's/ $//')"
equal apparmor-unconfined unconfined "$($run --rm --security-opt apparmor=unconfined busybox:1 cat /proc/self/attr/current 2>&1)"
holds apparmor-missing "$run --rm --security-opt apparmor=nosuch busybox:1 true 2>&1 | grep -q nosuch" "$($run --rm --security-opt apparmor=nosuch busybox:1 true 2>&1)"
$run -d --name confined --security-opt apparmor=berth-test busybox:1 sleep 1000 > /dev/null
equal apparmor-exec "berth-test (enforce)" "$(berth exec confined cat /proc/self/attr/current)"
equal apparmor-exec-privileged unconfined "$(berth exec --privileged confined cat /proc/self/attr/current)"
equal apparmor-inspect berth-test "$(berth inspect -f '{{.AppArmorProfile}}' confined)"
berth rm -f confined > /dev/null

# Limits of what containers write, by project quotas.
holds quota-refused "$run --rm --storage-opt size=16m busybox:1 true 2>&1 | grep -q 'over xfs with .pquota. mount option'" ""
holds quota-unknown "$run --rm --storage-opt bytes=16m busybox:1 true 2>&1 | grep -q 'Unknown option bytes'" ""
holds quota-malformed "$run --rm --storage-opt size=much busybox:1 true 2>&1 | grep -q \"invalid size: 'much'\"" ""
echo '{ "no-new-privileges": true }' > /run/limited.json
limited_engine() {
    /bin/berthd --config-file /run/limited.json --data-root /disk-$1/berth --exec-root /run/berth-$1 -H unix:///run/$1.sock --bridge none 2>> /run/$1.log &
    engine=$!
    until_true "berth -H unix:///run/$1.sock version > /dev/null 2>&1"
}
fill() { "$@" 2>&1 | grep -cE 'No space left|quota exceeded'; }
limits_on() { # FILE-SYSTEM DEVICE MOUNT-OPTION
    mkdir -p /disk-$1
    mount -t $1 -o $3 $2 /disk-$1
    limited_engine $1
    on="berth -H unix:///run/$1.sock"
    $on import /image.tar busybox:1 > /dev/null
    limited="$on run --rm --network none --storage-opt size=16m busybox:1"
    mkdir -p /context
    driver=$($on info -f '{{.Driver}}')
    # Builds and the files of stopped containers, on this kernel's overlays of one option; more layers than a page has room for by their paths.
    for number in $(seq 100); do echo "COPY file /f$number"; done | sed '1i FROM busybox:1' > /context/Dockerfile
    echo "RUN rm /f1 && echo run > /f2" >> /context/Dockerfile
    echo content > /context/file
    $on build --network none -q -t many /context > /dev/null 2> /run/built || sed 's/^/log: /' /run/built
    many=$($on run --rm --network none many sh -c 'ls / | grep -c ^f; cat /f2 /f100' 2>&1 | tr '\n' ' ')
    $on create --name still many true > /dev/null
    copied=$($on cp still:/f2 - 2>&1 | tar -xO f2 2>&1; $on cp /context/file still:/f1 2>&1; $on diff still 2>&1 | tr '\n' ' ')
    viewed=$($on run --rm --network none --mount type=image,source=many,target=/m busybox:1 cat /m/f100 2>&1)
    $on rm still > /dev/null
    $on run -d --name plain --network none busybox:1 sleep 1000 > /dev/null
    gains=$($on exec plain grep NoNewPrivs /proc/1/status /proc/self/status 2>&1 | grep -c 1$)
    $on rm -f plain > /dev/null
    fits=$(fill $limited dd if=/dev/zero of=/f bs=1M count=8) full=$(fill $limited dd if=/dev/zero of=/f bs=1M count=32)
    free=$(fill $on run --rm --network none busybox:1 dd if=/dev/zero of=/f bs=1M count=32)
    shown=$($limited busybox df -k / | awk 'END { print $(NF - 4) }')
    $on run --name kept --network none --storage-opt size=16m busybox:1 sh -c 'dd if=/dev/zero of=/f$(ls / | grep -c ^f) bs=1M count=12' > /dev/null 2>&1
    kill -9 $engine
    limited_engine $1
    again=$(fill $on start -a kept)
    option=$($on inspect -f '{{index .HostConfig.StorageOpt "size"}}' kept)
    $on rm kept > /dev/null
    until_true "[ -z \"\$(ls /disk-$1/berth/*/tmp /disk-$1/berth/*/*/tmp 2> /dev/null | grep -v :)\" ]"
}
limits_on xfs /dev/vdb pquota
equal quota-xfs "0 1 0 16384 1 16m" "$fits $full $free $shown $again $option"
equal no-new-privileges-of-the-engine 2 "$gains"
equal overlay-xfs "overlay2 99 run content run A /f1 content" "$(echo $driver $many $copied $viewed)"
equal quota-xfs-none-left "" "$(xfs_quota -x -c 'report -p -n -N' /disk-xfs | grep 16384)"
kill $engine
limits_on ext4 /dev/vdc prjquota
equal overlay-ext4 "overlay2 99 run content run A /f1 content" "$(echo $driver $many $copied $viewed)"
equal quota-ext4 "0 1 0 16384 1 16m" "$fits $full $free $shown $again $option"
kill $engine

# User namespaces of containers: this kernel's tmpfs has no idmapped mounts, its ext4 has.
holds userns-refused "$run --rm --userns=private busybox:1 true 2>&1 | grep -q 'the file system of /var/lib/berth has no idmapped mounts'" ""
holds userns-none-left "[ -z \"\$(berth ps -aq)\" ]" "$(berth ps -a)"
mkdir -p /disk
mke2fs /dev/vda > /dev/null 2>&1
mount -t ext4 /dev/vda /disk || echo "check: userns-disk: not mounted"
/bin/berthd --data-root /disk/lib --exec-root /run/mapped -H unix:///run/c.sock --bridge none --cgroup-parent /mapped 2> /run/mapped.log &
mapped=$!
until_true '[ -S /run/c.sock ]'
export DOCKER_HOST=unix:///run/c.sock
berth import /image.tar busybox:1 > /dev/null
$run -d --name own --userns=private -m 64m busybox:1 sleep 1000 > /dev/null 2> /run/own || sed 's/^/check: userns-run: /' /run/own
outside=$(stat -c %u /proc/$(berth inspect -f '{{.State.Pid}}' own))
holds userns-outside "[ $outside -ge 65536 ]" "$outside"
equal userns-inside "0:0" "$(berth exec own busybox stat -c %u:%g /bin/busybox)"
equal userns-disk 7 "$(berth exec own busybox chown 7 /bin/busybox; stat -c %u $(berth inspect -f '{{.GraphDriver.Data.UpperDir}}' own)/bin/busybox)"
equal userns-limit 67108864 "$(berth exec own cat /sys/fs/cgroup/memory.max)"
holds userns-cgroup "! berth exec own sh -c 'echo 1 > /sys/fs/cgroup/pids.max' 2> /dev/null" ""
equal userns-null-device "" "$(berth exec own sh -c 'echo x > /dev/null' 2>&1)"
$run -d --name tree --userns=private --cgroupns host busybox:1 sleep 1000 > /dev/null 2>> /run/own
equal userns-cgroup-of-host "0::/mapped/$(berth inspect -f '{{.Id}}' tree)" "$(berth exec tree cat /proc/self/cgroup)"
holds userns-cgroup-of-host-seen "berth exec tree test -d /sys/fs/cgroup/mapped" "$(cat /run/own)"
holds userns-cgroup-of-host-shut "! berth exec tree sh -c 'echo 1 > /sys/fs/cgroup/mapped/pids.max' 2> /dev/null" ""
equal userns-device 0 "$($run --rm --userns=private --device /dev/vda:/d:r busybox:1 sh -c 'head -c 1 /d > /dev/null && busybox stat -c %u /d' 2>&1)"
berth rm -f tree > /dev/null
berth run -d --name joins --userns=container:own --network container:own --pid container:own busybox:1 sleep 1000 > /dev/null
equal userns-joined $outside "$(stat -c %u /proc/$(berth inspect -f '{{.State.Pid}}' joins))"
berth rm -f own joins > /dev/null
kill $mapped
export DOCKER_HOST=unix:///run/b.sock

# An ordinary user's engine, in a group that was handed over to him.
chmod u+s /bin/newuidmap /bin/newgidmap
chmod 666 /dev/net/tun
chmod 1777 /tmp
mkdir -p /etc /home/sailor/run /sys/fs/cgroup/handed
echo 'sailor:x:1000:1000::/home/sailor:/bin/sh' > /etc/passwd
echo 'sailor:x:1000:' > /etc/group
echo 'sailor:100000:65536' | tee /etc/subuid > /etc/subgid
chown -R sailor:sailor /home/sailor /sys/fs/cgroup/handed
cat > /home/sailor/start.sh << 'END'
export HOME=/home/sailor XDG_RUNTIME_DIR=/home/sailor/run
echo 0 > /sys/fs/cgroup/handed/cgroup.procs
exec /bin/setpriv --reuid 1000 --regid 1000 --clear-groups /bin/berthd --data-root /home/sailor/data
END
sh /home/sailor/start.sh 2> /run/user.log &
user=$!
socket=/home/sailor/run/berth/berth.sock
until_true '[ -S $socket ]'
export DOCKER_HOST=unix://$socket
berth import /image.tar busybox:1 > /dev/null
equal user-driver cgroupfs "$(berth info -f '{{.CgroupDriver}}')"
berth run -d --name mine -m 64m --cpus 0.5 --pids-limit 16 busybox:1 sleep 1000 > /dev/null
group=/sys/fs/cgroup/handed/berth/$(berth inspect -f '{{.Id}}' mine)
equal user-limits "67108864 50000 100000 16" "$(cat $group/memory.max) $(cat $group/cpu.max) $(cat $group/pids.max)"
equal user-outside 1000 "$(stat -c %u /proc/$(berth inspect -f '{{.State.Pid}}' mine))"
berth pause mine > /dev/null
holds user-frozen "grep -q 'frozen 1' $group/cgroup.events" "$(cat $group/cgroup.events)"
berth unpause mine > /dev/null
holds user-userns-refused "berth run --rm --userns=private busybox:1 true 2>&1 | grep -q 'are in his user namespace already'" ""
stats=$(berth stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' mine)
holds user-stats "echo '$stats' | grep -qE '^[1-9][0-9]* [1-9].*B / 64MiB\$'" "$stats"
berth rm -f mine > /dev/null
until_true '[ -z "$(find /sys/fs/cgroup/handed/berth -mindepth 1 -type d)" ]'
equal user-nothing-left "" "$(find /sys/fs/cgroup/handed/berth -mindepth 1 -type d)"
kill $user
until_true '[ -z "$(ps -o user,comm | grep ^sailor)" ]'
equal user-ended "" "$(ps -o user,comm | grep ^sailor)"

sed 's/^/log: /' /run/log /run/mapped.log /run/user.log
echo "check: end"
poweroff -f
