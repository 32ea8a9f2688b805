#!/bin/sh
# A real kubelet out of the bundle that was written for it, on the machine of machine.sh: sh real.sh WORK BUNDLE
#
# It is alone: no cluster, so that the two flags that name kubeconfigs are taken out, and its configuration asks no API server
# for anything. There is no container runtime either, and that is what it has to end with.
set -eu
work=$1
cp -a "$2" /var/lib/bundle
cd /var/lib/bundle
sed -i '/"--\(bootstrap-\)\{0,1\}kubeconfig=/d' config.json
[ -z "$lacks" ] || sed -i "/\"CAP_$lacks\",\{0,1\}\$/d" config.json
mkdir -p /usr/libexec/kubernetes/kubelet-plugins /lib/modules /var/lib/kubelet
cat >/var/lib/kubelet/config.yaml <<'END'
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous:
    enabled: false
  webhook:
    enabled: false
authorization:
  mode: AlwaysAllow
END
cat "$work/more.yaml" >>/var/lib/kubelet/config.yaml
./start
