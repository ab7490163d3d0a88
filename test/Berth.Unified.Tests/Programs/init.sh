#!/bin/sh
# The first process of the emulated machine. The kernel's own first tree cannot be pivoted away from, as containers do: the programs
# move to a tmpfs, and the checks run there, or the service manager that runs them.
export PATH=/bin
mount -t tmpfs -o size=700m root /new
for entry in /*; do
    case $entry in /new|/init) ;; *) mv $entry /new/ ;; esac
done
[ -e /new/first ] && exec /new/bin/busybox switch_root /new /first
exec /new/bin/busybox switch_root /new /checks.sh
