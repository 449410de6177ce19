# The provider with Docker: a kind cluster named gameday, with a kubeconfig of its own.
# shellcheck shell=bash disable=SC2154
#
# GAMEDAY_CNI chooses the network: cilium (default where its command line, `cilium`, is installed) or kindnet (kind's
# own, which enforces NetworkPolicy but knows no CiliumNetworkPolicy; tests that need one are skipped).
kind_name=gameday
kind_node=$kind_name-control-plane
kind_version=v0.31.0
kind_audit=/etc/kubernetes/audit
if [ -z "${GAMEDAY_CNI:-}" ]; then
  if command -v cilium >/dev/null; then GAMEDAY_CNI=cilium; else GAMEDAY_CNI=kindnet; fi
fi

kind_here() {
  if command -v kind >/dev/null; then kind "$@"
  elif command -v go >/dev/null; then go run "sigs.k8s.io/kind@$kind_version" "$@"
  else fail "no kind: install kind, or Go to have it fetched"; fi
}

provider_kubeconfig() { echo "$state/kind.kubeconfig"; }
provider_path() { dirname "$(command -v kubectl || fail "no kubectl: install it")"; }
provider_proof_image() { echo docker.io/library/python:3.13-slim; }
provider_is_up() { [ "$(docker inspect -f '{{.State.Running}}' "$kind_node" 2>/dev/null)" = true ] && [ -s "$(provider_kubeconfig)" ]; }

provider_up() {
  command -v kubectl >/dev/null || fail "no kubectl: install it"
  mkdir -p "$state"
  local no_cni=false
  [ "$GAMEDAY_CNI" = kindnet ] || no_cni=true
  say "creating the kind cluster $kind_name, network $GAMEDAY_CNI"
  kind_here delete cluster --name "$kind_name" --kubeconfig "$(provider_kubeconfig)" >"$cache/kind.log" 2>&1
  # --kubeconfig, or kind would change the user's own context.
  kind_here create cluster --name "$kind_name" --kubeconfig "$(provider_kubeconfig)" --config - >>"$cache/kind.log" 2>&1 <<CONFIG || fail "kind made no cluster; see $cache/kind.log"
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
networking: {disableDefaultCNI: $no_cni}
nodes:
- role: control-plane
  extraMounts:
  - {hostPath: "$here/bed/audit.yaml", containerPath: $kind_audit/policy.yaml, readOnly: true}
  kubeadmConfigPatches:
  - |
    kind: ClusterConfiguration
    apiServer:
      extraArgs:
        audit-policy-file: $kind_audit/policy.yaml
        audit-log-path: $kind_audit/log/audit.log
        audit-log-maxsize: "200"
        audit-log-maxbackup: "2"
        audit-log-mode: batch
        audit-log-batch-max-wait: 1s
      extraVolumes:
      - {name: audit, hostPath: $kind_audit, mountPath: $kind_audit, readOnly: false, pathType: DirectoryOrCreate}
CONFIG
  if [ "$GAMEDAY_CNI" = cilium ]; then
    say "installing Cilium"
    KUBECONFIG=$(provider_kubeconfig) cilium install --wait >>"$cache/kind.log" 2>&1 || fail "Cilium was not installed; see $cache/kind.log"
  fi
  KUBECONFIG=$(provider_kubeconfig) kubectl wait node --all --for condition=Ready --timeout 180s >/dev/null
  docker pull --quiet "$(provider_proof_image)" >/dev/null || fail "the image $(provider_proof_image) cannot be pulled"
  provider_load "$(provider_proof_image)"
}

provider_down() {
  kind_here delete cluster --name "$kind_name" --kubeconfig "$(provider_kubeconfig)" >"$cache/kind.log" 2>&1 || fail "kind did not delete its cluster; see $cache/kind.log"
  rm -f "$(provider_kubeconfig)"
}

provider_build_image() { # tag, dockerfile, context
  say "building image $1"
  docker build --quiet --tag "$1" -f "$2" "$3" >"$cache/image.log" 2>&1 || { tail -n 20 "$cache/image.log" >&2; fail "image $1 was not built"; }
}

provider_load() { kind_here load docker-image --name "$kind_name" "$1" >"$cache/load.log" 2>&1 || { cat "$cache/load.log" >&2; fail "image $1 was not loaded"; }; }

provider_save() { docker save --output "$2" "$1" || fail "image $1 was not built: run 'cluster build-image' first"; } # tag, file

in_node() { docker exec "$kind_node" "$@"; }

provider_kill_pod() { # pod, namespace
  local ids id pid
  ids=$(in_node crictl ps --quiet --label "io.kubernetes.pod.name=$1" --label "io.kubernetes.pod.namespace=$2")
  [ "$ids" ] || fail "no pod $1 in namespace $2 runs on the node"
  for id in $ids; do
    pid=$(in_node crictl inspect --output go-template --template '{{.info.pid}}' "$id")
    in_node kill -KILL "$pid"
  done
}

provider_signal() { # signal, component: a killed one is started again by the kubelet or systemd
  in_node pkill "-$1" --full "^([^ ]*/)?$2( |\$)" || fail "$2 does not run"
}

# The rotated ones are named after the time of it, so they sort before the one that is written.
provider_audit_log() { in_node sh -c "find $kind_audit/log -name 'audit*.log' -print0 | sort -z | xargs -0 -r cat"; }
