# The provider without Docker: a real one-node Kubernetes with Cilium, built from Go modules, in Linux namespaces.
# shellcheck shell=bash disable=SC2154
# shellcheck source=../built.sh
source "$here/built.sh"
packages=(clang-19 runc iptables mmdebstrap buildah iproute2 openssl util-linux)
export GAMEDAY_BED=$bed GAMEDAY_STATE=$state GAMEDAY_BIN=$binaries GAMEDAY_IMAGES=$cache/images

provider_kubeconfig() { echo "$state/admin.kubeconfig"; }
provider_path() { echo "$binaries"; }
provider_proof_image() { echo localhost/base:bed; }
provider_is_up() {
  [ -s "$state/pid" ] && [ "$(cat "/proc/$(<"$state/pid")/comm" 2>/dev/null)" = unshare ] && [ -e "$state/ready" ]
}

provider_up() {
  [ "$(id -u)" = 0 ] || fail "not root: the cluster without Docker makes Linux namespaces; run as root, or start Docker"
  [ -e /proc/net/if_inet6 ] || fail "this kernel runs without IPv6, which the cluster's pods have: boot it without ipv6.disable=1, or start Docker"
  need_packages "${packages[@]}"
  build_binaries
  build_base
  export PATH=$binaries:$PATH
  say "starting the node"
  "$bed/up" || fail "the node did not start; see $state/log"
  touch "$state/ready"
}

provider_down() { "$bed/down"; }

build_base() {
  mkdir -p "$GAMEDAY_IMAGES"
  build_base_root
  local mark; mark=$GAMEDAY_IMAGES/.base-$(digest_of <(basename "$base" "$binaries") "$bed/Dockerfile")
  [ -e "$mark" ] && return
  say "building the node's images"
  local context=$cache/bed-context
  mkdir -p "$context"
  ln -f "$base" "$context/base.tar"
  cp "$binaries/coredns" "$binaries/pause" "$context/"
  for target in pause coredns base; do bud "localhost/$target:bed" --target "$target" -f "$bed/Dockerfile" "$context"; done
  touch "$mark"
}

buildah_here() { buildah --root "$cache/buildah" --runroot "$cache/buildah-run" "$@"; }
archive_of() { echo "$GAMEDAY_IMAGES/$(tr /: __ <<<"$1").tar"; }

bud() { # tag, buildah's arguments: builds and writes the archive that the node loads
  local tag=$1; shift
  buildah_here bud --quiet --layers --isolation chroot --tag "$tag" "$@" >"$cache/image.log" 2>&1 || { tail -n 20 "$cache/image.log" >&2; fail "image $tag was not built"; }
  local archive; archive=$(archive_of "$tag")
  rm -f "$archive"
  buildah_here push --quiet "$tag" "docker-archive:$archive:$tag" >&2
}

provider_build_image() { # tag, dockerfile, context, build arguments
  local tag=$1 dockerfile=$2 context=$3 argument own=()
  for argument in "${@:4}"; do own+=(--build-arg "$argument"); done
  need_packages "${packages[@]}"
  build_binaries
  build_base
  wheels_for_images "$context"
  local npm=()
  local lock; lock=$(dirname "$dockerfile")/package-lock.json
  if [ -e "$lock" ]; then
    node_packages_for "$lock" "$context/requirements-foreign.txt"
    npm=(--build-arg "NPM_OPTIONS=--offline --cache /npm" --volume "$cache/npm:/npm")
  fi
  say "building image $tag"
  bud "$tag" --build-arg BASE_IMAGE=localhost/base:bed --build-arg "PIP_OPTIONS=--no-index --find-links=/wheels" \
    --volume "$cache/wheels:/wheels:ro" "${npm[@]}" "${own[@]}" -f "$dockerfile" "$context"
}

in_node() { nsenter --target "$(<"$state/pid")" --mount -- "$@"; }
ctr_in_node() { in_node "$binaries/ctr" --namespace k8s.io "$@"; }

built_archive_of() {
  local archive; archive=$(archive_of "$1")
  [ -e "$archive" ] || fail "image $1 was not built: run 'cluster build-image' first"
  echo "$archive"
}

provider_save() { # tag, file
  local archive; archive=$(built_archive_of "$1")
  cp "$archive" "$2"
}

provider_load() {
  local archive; archive=$(built_archive_of "$1")
  ctr_in_node image import --local "$archive" >"$cache/load.log" 2>&1 || { cat "$cache/load.log" >&2; fail "image $1 was not loaded"; }
}

provider_kill_pod() {
  local filter="labels.\"io.kubernetes.pod.name\"==$1,labels.\"io.kubernetes.pod.namespace\"==$2,labels.\"io.cri-containerd.kind\"==container" known running id
  known=$(ctr_in_node containers ls -q "$filter")
  # The container of an earlier pod of this name may still be listed; it has no running task.
  running=$(ctr_in_node tasks ls | awk '$3 == "RUNNING" {print $1}' | grep -Fx "$known") ||
    fail "no pod $1 in namespace $2 runs on the node"
  for id in $running; do ctr_in_node tasks kill --signal SIGKILL --all "$id"; done
}

provider_signal() { # signal component: a killed one is gone afterwards, so that no later signal is for it
  local pid; pid=$(cat "$state/run/$2.pid" 2>/dev/null) || fail "$2 does not run"
  # shellcheck disable=SC2016
  nsenter --target "$(pgrep -P "$(<"$state/pid")" | head -n 1)" --pid --mount -- bash -c \
    'kill "-$1" "$2" && { [ "$1" != KILL ] || while kill -0 "$2" 2>/dev/null; do sleep 0.05; done; }' - "$1" "$pid"
}

# The rotated ones are named after the time of it, so they sort before the one that is written.
provider_audit_log() { find "$state/log" -name 'audit*.log' -print0 | sort -z | xargs -0 -r cat; }
