# The provider with Docker: a kind cluster named gameday, with a kubeconfig of its own.
# shellcheck shell=bash disable=SC2154
#
# The engine that answers is used, with the node image that kind takes. Where none answers, root on Debian gets an engine in
# namespaces of its own (engine.sh) and a node image that is built here (node.sh): no image is pulled then.
#
# GAMEDAY_KIND_IMAGE   a node image, as kind's --image; for one that the engine has, no registry is asked
# GAMEDAY_CNI          the network: cilium (default where its command line, `cilium`, is installed and no node image is named) or
#                      kindnet (what the node image brings. kind's own image has kindnet, which enforces NetworkPolicy but knows
#                      no CiliumNetworkPolicy; tests that need one are skipped)
# GAMEDAY_BASE         what the Dockerfiles take for their BASE_IMAGE, and the proof that policies hold for its pods
# GAMEDAY_PIP_OPTIONS  what the Dockerfiles take for their PIP_OPTIONS
kind_folder=$here/kind
kind_state=$cache/kind
kind_name=gameday
kind_node=$kind_name-control-plane
kind_audit=/etc/kubernetes/audit
kind_module=$kind_folder/modules/kind
kind_version=$(awk '$1 == "sigs.k8s.io/kind" {print $2} $1 == "require" && $2 == "sigs.k8s.io/kind" {print $3}' "$kind_module/go.mod")
# The default of that kind: pkg/apis/config/defaults/image.go.
kind_stock_image=docker.io/kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5
proof_image=localhost/gameday-base:dev
# shellcheck source=../built.sh
source "$here/built.sh"
# shellcheck source=engine.sh
source "$kind_folder/engine.sh"
# shellcheck source=node.sh
source "$kind_folder/node.sh"
mkdir -p "$kind_state"

provider_kubeconfig() { echo "$kind_state/kubeconfig"; }
provider_proof_image() { echo "$proof_image"; }

provider_path() {
  local kubectl; kubectl=$(command -v kubectl) || fail "no kubectl: install it"
  dirname "$kubectl"
}

provider_is_up() {
  [ -s "$(provider_kubeconfig)" ] && [ "$(docker inspect -f '{{.State.Running}}' "$kind_node" 2>/dev/null)" = true ]
}

# Sets $kind: the one on PATH unless it is older than what this was written for, else that one, built from its Go module.
need_kind() {
  [ -z "${kind:-}" ] || return 0
  local there; there=$(kind version -q 2>/dev/null) || there=
  if [ "$there" ] && not_older "$there" "${kind_version#v}"; then kind=kind; else build_kind "$there"; fi
}

not_older() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; } # version, the version that it must not be older than

build_kind() { # the version on PATH, or nothing
  local built; built=$cache/kind-$(digest_of "$kind_module/go.mod")
  if [ ! -x "$built/kind" ]; then
    command -v go >/dev/null || fail "${1:+kind on PATH is $1. }kind $kind_version or later is needed: install it, or Go 1.26 or later to have it built"
    say "building kind $kind_version"
    GOBIN=$built GOFLAGS="${GOFLAGS:-} -buildvcs=false" CGO_ENABLED=0 nice -n 19 go install -C "$kind_module" -trimpath -ldflags "-s -w" tool \
      >"$kind_state/build.log" 2>&1 || fail "kind was not built; see $kind_state/build.log"
  fi
  kind=$built/kind
}

have_image() { docker image inspect "$1" >/dev/null 2>&1; }

need_image() { # an image: pulled only where the engine does not have it
  have_image "$1" && return
  say "pulling $1"
  docker pull --quiet "$1" >"$kind_state/pull.log" 2>&1 || { cat "$kind_state/pull.log" >&2; fail "the image $1 cannot be pulled"; }
}

# The image with Python that the Dockerfiles start from also serves the proof. A tag: what is loaded by digest has no name.
need_proof_image() {
  local from=${GAMEDAY_BASE:-}
  if [ -z "$from" ] && own_engine_runs; then build_own_base; return; fi
  [ "$from" ] || from=$(sed -n 's/^ARG BASE_IMAGE=//p' "$here/../../Dockerfile")
  need_image "$from"
  docker tag "$from" "$proof_image" || fail "the image $from cannot be tagged as $proof_image"
}

# The cluster as kind is told of it. From Kubernetes 1.35 on, the kubelet has to be told to run on cgroup v1, and can be told how
# long it waits before it starts a container again that ended: else what `kill` ends comes back later each time.
kind_config() { # Kubernetes' minor version, whether the node image's network is not wanted, the mode of kube-proxy
  cat <<CONFIG
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
networking: {disableDefaultCNI: $2, kubeProxyMode: $3}
nodes:
- role: control-plane
  extraMounts:
  - {hostPath: "$kind_state/audit.yaml", containerPath: $kind_audit/policy.yaml, readOnly: true}
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
  [ "$1" -lt 35 ] || cat <<CONFIG
  - |
    kind: KubeletConfiguration
    failCgroupV1: false
    crashLoopBackOff: {maxContainerRestartPeriod: 1s}
CONFIG
}

provider_up() {
  need_engine
  need_kind
  local image=${GAMEDAY_KIND_IMAGE:-} network=${GAMEDAY_CNI:-} no_cni=false proxy=iptables
  if [ -z "$network" ] && [ -z "$image" ] && ! own_engine_runs && command -v cilium >/dev/null; then network=cilium; fi
  case ${network:=kindnet} in
    kindnet) ;;
    cilium)
      ! own_engine_runs || fail "the engine that is made here can pull no image of Cilium: leave GAMEDAY_CNI unset, the node image that is built here has Cilium"
      command -v cilium >/dev/null || fail "no cilium: install Cilium's command line, or set GAMEDAY_CNI to kindnet"
      no_cni=true proxy=none
      ;;
    *) fail "no network $network: set GAMEDAY_CNI to cilium or kindnet" ;;
  esac
  if [ -z "$image" ] && own_engine_runs; then
    build_node_image
    # Cilium stands in for kube-proxy.
    image=$node_image network="Cilium of the node image" proxy=none
  fi
  provider_path >/dev/null
  need_image "${image:=$kind_stock_image}"
  local version minor
  version=$(docker run --rm --entrypoint cat "$image" /kind/version) || fail "$image is no node image: it has no /kind/version"
  IFS=. read -r _ minor _ <<<"$version"
  delete_cluster
  # A copy: the node may be started again when the checkout is gone.
  cp "$bed/audit.yaml" "$kind_state/audit.yaml"
  say "creating the kind cluster $kind_name, Kubernetes $version, network $network"
  touch "$kind_state/made"
  # --kubeconfig, or kind would change the user's own context.
  kind_config "$minor" "$no_cni" "$proxy" | "$kind" create cluster --name "$kind_name" --image "$image" --kubeconfig "$(provider_kubeconfig)" \
    --config - >>"$kind_state/kind.log" 2>&1 || { tail -n 10 "$kind_state/kind.log" >&2; fail "kind made no cluster; see $kind_state/kind.log"; }
  ! own_engine_runs || open_api_port
  [ "$network" != cilium ] || install_cilium
  kubectl_here wait node --all --for condition=Ready --timeout 180s >"$kind_state/wait.log" 2>&1 || { cat "$kind_state/wait.log" >&2; fail "the node did not become ready"; }
  kubectl_here --namespace kube-system wait deployment/coredns --for condition=Available --timeout 120s >"$kind_state/wait.log" 2>&1 \
    || { cat "$kind_state/wait.log" >&2; fail "the cluster's DNS did not become ready"; }
  need_proof_image
  provider_load "$proof_image"
}

kubectl_here() { kubectl --kubeconfig "$(provider_kubeconfig)" "$@"; }

# The version and the settings of the bed's Cilium, by its chart.
install_cilium() {
  local version; version=$(awk '$1 == "github.com/cilium/cilium" {print $2}' "$here/modules/cilium/go.mod")
  say "installing Cilium $version"
  KUBECONFIG=$(provider_kubeconfig) cilium install --version "${version#v}" --values "$kind_folder/cilium-values.yaml" \
    --set "k8sServiceHost=$kind_node" --wait >>"$kind_state/kind.log" 2>&1 || fail "Cilium was not installed; see $kind_state/kind.log"
}

# What an earlier `up` made, also where it was ended half-way. Another cluster of this name is somebody else's.
delete_cluster() {
  local clusters
  clusters=$("$kind" get clusters 2>"$kind_state/kind.log") || fail "kind cannot list its clusters; see $kind_state/kind.log"
  if grep -qx "$kind_name" <<<"$clusters"; then
    [ -e "$kind_state/made" ] || own_engine_runs || fail "there is a kind cluster $kind_name that was not made with $cache: 'kind delete cluster --name $kind_name' removes it"
    "$kind" delete cluster --name "$kind_name" --kubeconfig "$(provider_kubeconfig)" >"$kind_state/kind.log" 2>&1 \
      || fail "kind did not delete its cluster; see $kind_state/kind.log"
  fi
  rm -f "$(provider_kubeconfig)" "$kind_state/made"
}

provider_down() {
  if own_engine_runs; then
    need_kind
    delete_cluster
    own_engine_down
  elif [ -e "$kind_state/made" ]; then
    need_kind
    docker info >"$kind_state/docker.log" 2>&1 || fail "the cluster's Docker engine does not answer: start it, then run 'make down' again; see $kind_state/docker.log"
    delete_cluster
  fi
}

provider_build_image() { # tag, dockerfile, context, build arguments
  need_engine
  local arguments=()
  if [ "${GAMEDAY_BASE:-}" ]; then arguments+=(--build-arg "BASE_IMAGE=$GAMEDAY_BASE")
  elif own_engine_runs; then
    build_own_build_base "$2" "$3"
    arguments+=(--build-arg "BASE_IMAGE=$own_build_base")
  fi
  [ -z "${GAMEDAY_PIP_OPTIONS:-}" ] || arguments+=(--build-arg "PIP_OPTIONS=$GAMEDAY_PIP_OPTIONS")
  local argument
  for argument in "${@:4}"; do arguments+=(--build-arg "$argument"); done
  say "building image $1"
  docker build --quiet "${arguments[@]}" --tag "$1" -f "$2" "$3" >"$kind_state/image.log" 2>&1 || { tail -n 20 "$kind_state/image.log" >&2; fail "image $1 was not built"; }
}

need_built() { have_image "$1" || fail "image $1 was not built: run 'cluster build-image' first"; }

provider_load() { # tag
  need_built "$1"
  need_kind
  local built there archive log
  built=$(docker image inspect --format '{{.Id}}' "$1")
  there=$(in_node crictl inspecti --output go-template --template '{{.status.id}}' "$1" 2>/dev/null) || there=
  [ "$built" != "$there" ] || return 0
  archive=$(mktemp "$kind_state/load.XXXXXX") log=$archive.log
  save_image "$1" "$archive"
  # Not `kind load docker-image`: it saves without a platform.
  "$kind" load image-archive --name "$kind_name" "$archive" >"$log" 2>&1 || { cat "$log" >&2; rm -f "$archive" "$log"; fail "image $1 was not loaded"; }
  rm -f "$archive" "$log"
}

# Docker's containerd store knows a pulled image as one of many platforms, of which it has the content of one: saved as a whole, it
# cannot be imported.
save_image() { # tag, file
  local platform=() store version architecture log=$2.log
  store=$(docker info --format '{{.DriverStatus}}')
  version=$(docker version --format '{{.Client.APIVersion}}') # the lower one of the client's and the engine's
  if [[ $store == *io.containerd.snapshotter* ]] && not_older "$version" 1.48; then
    architecture=$(docker version --format '{{.Server.Arch}}')
    platform=(--platform "linux/$architecture")
  fi
  docker save "${platform[@]}" --output "$2" "$1" 2>"$log" || { cat "$log" >&2; rm -f "$log"; fail "image $1 was not written to $2"; }
  rm -f "$log"
}

provider_save() { # tag, file
  need_built "$1"
  save_image "$1" "$2"
}

in_node() { docker exec "$kind_node" "$@"; }
cri_in_node() { in_node crictl --timeout 10s "$@" || fail "the node's containerd does not answer"; }

provider_kill_pod() { # pod, namespace
  local ids id
  ids=$(cri_in_node ps --quiet --state Running --label "io.kubernetes.pod.name=$1" --label "io.kubernetes.pod.namespace=$2")
  [ "$ids" ] || fail "no pod $1 in namespace $2 runs on the node"
  for id in $ids; do in_node ctr --namespace k8s.io tasks kill --signal SIGKILL --all "$id" || fail "container $id of pod $1 was not killed"; done
}

# A component is a unit of the node's systemd or a container of kube-system. Its name alone would also be found in command lines of
# users' pods.
component_pid() { # component
  local pid container
  pid=$(in_node systemctl show --property MainPID --value "$1") || fail "the node's systemd does not answer"
  if [ "$pid" = 0 ]; then
    container=$(cri_in_node ps --quiet --state Running --label "io.kubernetes.container.name=$1" --label io.kubernetes.pod.namespace=kube-system)
    [ "$container" ] || fail "$1 does not run"
    pid=$(cri_in_node inspect --output go-template --template '{{.info.pid}}' "$container")
  fi
  echo "$pid"
}

provider_signal() { # signal, component: a killed one is gone afterwards, so that no later signal is for it
  local pid; pid=$(component_pid "$2")
  # shellcheck disable=SC2016
  in_node sh -c 'kill -"$1" "$2" && { [ "$1" != KILL ] || while kill -0 "$2" 2>/dev/null; do sleep 0.05; done; }' - "$1" "$pid" \
    || fail "$2 got no signal: it ended just before"
}

# The rotated ones are named after the time of it, so they sort before the one that is written.
provider_audit_log() { in_node sh -c "find $kind_audit/log -name 'audit*.log' -print0 | sort -z | xargs -0 -r cat" || fail "the audit log cannot be read"; }
