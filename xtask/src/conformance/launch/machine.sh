#!/bin/sh
# A machine that is thrown away: sh machine.sh WORK COMMAND…
#
# What starts a node component mounts, writes below /var and /etc, makes cgroups and starts daemons, all as root. Here it does so
# in namespaces of its own: its root is the real one with a layer of memory over it, which is gone afterwards; its first process is
# the command; its only network is lo; its cgroups lie in one that is removed at the end. Everything is shared as systemd has it.
# WORK is the one directory that is really written to. Whatever still runs after a minute is ended.
set -eu
work=$1
shift
name=ocelet-launch-$$
real=/sys/fs/cgroup

if [ -e $real/cgroup.controllers ]; then
    trees=$real
else
    trees=$(find $real -mindepth 1 -maxdepth 1 -type d)
fi
cleanup() {
    for tree in $trees; do
        [ ! -d "$tree/$name" ] || find "$tree/$name" -depth -type d -exec rmdir {} \;
    done
}
trap cleanup EXIT
for tree in $trees; do
    mkdir "$tree/$name"
    # A group of processors has none until it is told.
    for file in cpuset.cpus cpuset.mems; do
        if [ -e "$tree/$name/$file" ] && [ "$trees" != $real ]; then
            cat "$tree/$file" >"$tree/$name/$file"
        fi
    done
done

# What this machine may lack that real ones have, and that is therefore taken out of what is started: the right to raise limits.
lacks=$(grep -q '^CapBnd:.*[13579bdf]......$' /proc/self/status || echo SYS_RESOURCE)

enter='
for tree in $trees; do echo $$ >"$tree/$name/cgroup.procs"; done
exec timeout --signal KILL 60 unshare --cgroup --mount --pid --net --uts --ipc --fork --kill-child --propagation private sh -euc "$inside" sh "$@"
'
inside='
layer=$work/machine
mkdir -p "$layer"
mount -t tmpfs machine "$layer"
mkdir "$layer/upper" "$layer/work" "$layer/root"
root=$layer/root
mount -t overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" machine "$root"
mkdir -p "$root$work"
mount --bind "$work" "$root$work"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t tmpfs run "$root/run"
mkdir "$root/run/lock"
if [ "$trees" = "$real" ]; then
    mount -t cgroup2 cgroup2 "$root$real"
    # A group with processes of its own gives its children nothing.
    mkdir "$root$real/first"
    echo 1 >"$root$real/first/cgroup.procs"
else
    mount -t tmpfs cgroup "$root$real"
    for controllers in $(cut -d: -f2 /proc/self/cgroup | grep .); do
        directory=$root$real/${controllers#name=}
        mkdir "$directory"
        case $controllers in
        name=*) mount -t cgroup -o "none,$controllers" cgroup "$directory" ;;
        *) mount -t cgroup -o "$controllers" cgroup "$directory" ;;
        esac
    done
fi
# The layers of containers cannot lie on layers.
for directory in containerd containers docker; do
    mkdir -p "$root/var/lib/$directory"
    mount -t tmpfs "$directory" "$root/var/lib/$directory"
done
rm -rf "$root/var/lib/kubelet" "$root/etc/kubernetes"
ip link set lo up
cd "$root"
mkdir -p mnt/real
pivot_root . mnt/real
umount -l /mnt/real
mount --make-rshared /
exec "$@"
'
export work name real trees lacks inside
# The shell that enters leaves the real groups with all that it starts.
sh -euc "$enter" sh "$@"
