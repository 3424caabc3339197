#!/bin/sh
# PID 1 of one node: gives it a /run, a /var and a name of its own, then runs its daemons.
# Started by tests/src/lab/node.rs in fresh mount, PID, UTS, IPC and network namespaces.
# Usage: node.sh NAME NODE_IPS VAR KUBERNETES CONTAINERD CNI
set -eu
name=$1 node_ips=$2 var=$3 kubernetes=$4 containerd=$5 cni=$6

hostname "$name"
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/sysctl /run/parts/kubernetes /run/parts/containerd /run/parts/cni
mount --bind "$kubernetes" /run/parts/kubernetes
mount --bind "$containerd" /run/parts/containerd
mount --bind "$cni" /run/parts/cni
mount --bind "$var" /var
mount --bind /var/lib/kubelet/resolv.conf /etc/resolv.conf
mount --bind /var/lib/kubelet/hosts /etc/hosts

# kubelet sets these for the whole machine unless it finds them as it wants them.
for pair in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
    kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
    key=${pair%=*}
    file=/run/sysctl/$(echo "$key" | tr / .)
    echo "${pair#*=}" >"$file"
    [ ! -e "/proc/sys/$key" ] || mount --bind "$file" "/proc/sys/$key"
done

# Mounts made by pods with mountPropagation travel within the node, and no further.
mount --make-rshared /

export PATH="/run/parts/kubernetes:/run/parts/containerd:$PATH"
containerd --config /var/lib/kubelet/containerd.toml >/var/log/containerd.log 2>&1 &
until [ -S /run/containerd/containerd.sock ]; do sleep 0.05; done
kubelet --config /var/lib/kubelet/config.yaml --kubeconfig /var/lib/kubelet/kubeconfig \
    --hostname-override "$name" --node-ip "$node_ips" >/var/log/kubelet.log 2>&1 &
kube-proxy --config /var/lib/kubelet/proxy.yaml --hostname-override "$name" \
    >/var/log/kube-proxy.log 2>&1 &

# PID 1 reaps what the containers leave behind, and stays when a test kills a daemon.
while :; do
    wait || :
    sleep 1
done
