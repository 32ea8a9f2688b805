#!/bin/sh
# Starts what `ocelet launch` wrote, on the machine of machine.sh: sh start.sh WORK RUNTIME COMPONENT
#
# WORK/out/RUNTIME-COMPONENT has what was printed, the commands that bring the image, and the directory of files; WORK/seen gets
# what the component saw.
# By hand first, and then as the unit has it, whose lines are run in the order of systemd, once systemd-analyze knows them all.
set -eu
work=$1
runtime=$2
component=$3
case $runtime in
runc | crun) out=$work/out/bundle-$component ;;
sysext) out=$work/out/systemd-$component ;;
*) out=$work/out/$runtime-$component ;;
esac
seen=$work/seen/$runtime-$component
mkdir -p "$seen"
cd "$work"

say() { echo "start.sh: $*" >&2; }

# Until a command succeeds, 20 seconds at most.
await() {
    for _ in $(seq 200); do
        if "$@" >/dev/null 2>&1; then return; fi
        sleep 0.1
    done
    say "this does not come true: $*"
    exit 1
}

# What the component says that it sees, and what the host sees of it.
look() {
    await grep -qx end "$report"
    cp "$report" "$seen/$1.report"
    cp /proc/self/mountinfo "$seen/$1.mountinfo"
    for namespace in cgroup mnt net pid uts; do readlink /proc/self/ns/$namespace; done >"$seen/$1.namespaces"
}

# As if the component had never run.
forget() {
    if umount /var/lib/kubelet/mounted 2>/dev/null; then rmdir /var/lib/kubelet/mounted; fi
    : >"$report"
}

# The lines of a unit, as systemd reads them: `-` may fail, `$$` is a dollar, specifiers are those of a system's unit.
lines() {
    sed -n "s/^$2=//p" "$1" | sed "s|%t|/run|g; s|%N|$component|g; s|%%|%|g"
}
each() {
    lines "$1" "$2" | while read -r line; do
        case $line in
        -*) sh -c "$(printf '%s' "${line#-}" | sed 's/\$\$/$/g')" </dev/null || : ;;
        *) sh -c "$(printf '%s' "$line" | sed 's/\$\$/$/g')" </dev/null ;;
        esac
    done
}
unit() {
    forget
    systemd-analyze --man=no verify "$1" >"$seen/verify" 2>&1 || echo "ended with $?" >>"$seen/verify"
    for directory in $(lines "$1" RuntimeDirectory); do mkdir -p "/run/$directory"; done
    each "$1" ExecStartPre
    # No systemd splits the unit's cgroup here, and none hears of a start.
    command=$(lines "$1" ExecStart | sed 's/ --cgroups=split / /; s/ --sdnotify=conmon / /; s/\$\$/$/g')
    (
        set -a
        for file in $(lines "$1" EnvironmentFile | sed 's/^-//'); do [ ! -r "$file" ] || . "$file"; done
        exec sh -c "exec $command" </dev/null
    ) &
    started=$!
    look unit
    if grep -q '^ExecStop=' "$1"; then each "$1" ExecStop; else kill $started; fi
    # A command that only started a container in the background has ended long ago.
    wait $started || :
    each "$1" ExecStopPost
}

daemon() {
    case $runtime in
    docker)
        dockerd --iptables=false --ip6tables=false --bridge=none --ip-forward=false --ip-masq=false \
            --storage-driver overlay2 --default-ulimit nofile=20000:20000 >"$seen/daemon.log" 2>&1 &
        await docker version
        ;;
    ctr | nerdctl)
        containerd --config "$work/containerd.toml" >"$seen/daemon.log" 2>&1 &
        await ctr version
        ;;
    esac
}

# The image under the name that the script has for it, as `ocelet launch` says that it comes there.
bring() { (cd "$out" && sh -eu ./bring); }

# What real machines do not need, said here.
adapt() {
    if [ -n "$lacks" ]; then
        case $runtime in
        docker) sed -i "s/--privileged/--cap-add ALL --cap-drop $lacks --security-opt seccomp=unconfined/" "$@" ;;
        runc | crun) sed -i "/\"CAP_$lacks\",\{0,1\}\$/d" "$@" ;;
        esac
    fi
}

export CONTAINERS_CONF="$work/containers.conf"
# What hosts may have, and what a user asks for.
mkdir -p /usr/libexec/kubernetes/kubelet-plugins /lib/modules /srv/host
mkdir -p /var/lib/kubelet /etc/kubernetes
# Where the probe reports.
report=/run/xtables.lock
if [ "$component" = kubelet ]; then
    report=/var/lib/kubelet/report
    # As kubeadm of an earlier release has written it: with a flag that no later kubelet knows.
    echo 'KUBELET_KUBEADM_ARGS="--node-ip=10.0.0.1 --pod-infra-container-image=registry.k8s.io/pause:3.9"' \
        >/var/lib/kubelet/kubeadm-flags.env
fi
daemon
case $runtime in
runc | crun)
    # Where the unit expects it.
    mkdir -p /var/lib/ocelet
    cp -a "$out/files" "/var/lib/ocelet/$component"
    adapt "/var/lib/ocelet/$component/config.json"
    export RUNTIME="$runtime"
    if [ "$component" = kubeadm ]; then
        "/var/lib/ocelet/$component/start" >"$seen/said"
        exit
    fi
    unit "/var/lib/ocelet/$component/$component.service"
    ;;
quadlet)
    cp -a "$out/files/." /
    bring
    mkdir -p /run/units
    quadlet -no-kmsg-log /run/units
    cp "/run/units/$component.service" "$seen/"
    unit "/run/units/$component.service"
    ;;
systemd | sysext | crio)
    if [ "$runtime" = sysext ]; then
        mkdir -p /var/lib/extensions
        cp -a "$out/files" "/var/lib/extensions/$component"
        systemd-sysext refresh
    else
        cp -a "$out/files/." /
    fi
    systemd-tmpfiles --create "/usr/lib/tmpfiles.d/$component.conf"
    unit "/usr/lib/systemd/system/$component.service"
    ;;
*)
    cp -a "$out/files/." /
    cp "$out/printed" printed
    adapt printed
    bring
    if [ "$component" = kubeadm ]; then
        sh printed >"$seen/said"
        exit
    fi
    sh printed
    look hand
    each "/etc/systemd/system/$component.service" ExecStop
    each "/etc/systemd/system/$component.service" ExecStopPost
    adapt "/usr/local/libexec/$component/start"
    unit "/etc/systemd/system/$component.service"
    ;;
esac
