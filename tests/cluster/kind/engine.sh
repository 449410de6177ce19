# A Docker engine made here, for root on Debian where none answers: Debian's, in namespaces and control groups of its own. The
# machine gets no interface, rule, mount or service from it; `down` ends it with everything in it and keeps its images.
# shellcheck shell=bash disable=SC2154
engine=$kind_state/engine
engine_packages=(runc iptables iproute2 jq procps socat util-linux libdevmapper1.02.1 mmdebstrap)
engine_programs=$cache/engine-$(digest_of "$kind_folder/engine.sh")
export ENGINE_STATE=$engine ENGINE_DATA=$cache/docker

own_engine_runs() { [ -S "$engine/docker.sock" ] && engine_process_is unshare "$engine/pid"; }
engine_process_is() { [ -s "$2" ] && [ "$(cat "/proc/$(<"$2")/comm" 2>/dev/null)" = "$1" ]; } # name, file with its number

# While it runs, it is the engine of every command. Its client is Debian's, the bed's kubectl stands beside it.
use_own_engine() {
  unset DOCKER_CONTEXT DOCKER_TLS_VERIFY
  export DOCKER_HOST=unix://$engine/docker.sock PATH=$engine_programs:$binaries:$PATH
}
! own_engine_runs || use_own_engine

need_engine() { # an engine that answers: the one that is there, else one that is made
  own_engine_runs && return
  local answer
  answer=$(docker info 2>&1 >/dev/null) && return
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    fail "no Docker engine answers: install and start Docker; as root on Debian an engine is made here (${answer##*$'\n'})"
  fi
  [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ] \
    || fail "no Docker engine answers, and none can be made on a machine that has cgroup v2 alone: install and start Docker"
  own_engine_up
}

own_engine_up() {
  need_packages "${engine_packages[@]}"
  fetch_engine
  own_engine_down
  say "starting a Docker engine in namespaces of its own"
  mkdir -p "$engine" "$ENGINE_DATA"
  # A copy: what runs must not depend on the checkout that it was started from. The descriptors are locks.
  rm -rf "$engine/files" && cp -r "$kind_folder/engine" "$engine/files"
  PATH=$engine_programs:$PATH setsid "$engine/files/run" </dev/null >"$engine/log" 2>&1 8>&- 9>&- &
  local run=$! end=$((SECONDS + 60))
  use_own_engine
  until docker info >/dev/null 2>&1; do
    if [ $SECONDS -ge $end ] || ! kill -0 $run 2>/dev/null; then tail -n 5 "$engine/log" >&2; fail "the engine did not start; see $engine/log"; fi
    sleep 0.1
  done
}

# Out of Debian's packages, which are not installed: that would start an engine on this machine.
fetch_engine() {
  [ ! -e "$engine_programs/done" ] || return 0
  say "taking Docker out of Debian's packages"
  rm -rf "$engine_programs" && mkdir -p "$engine_programs/work"
  (
    cd "$engine_programs/work" \
      && { apt-get download -qq docker.io containerd || { apt-get update -qq && apt-get download -qq docker.io containerd; }; } \
      && for package in *.deb; do dpkg-deb --fsys-tarfile "$package" | tar -x ./usr || exit 1; done \
      && find usr/bin usr/sbin -type f -exec mv -t .. {} +
  ) >"$kind_state/engine.log" 2>&1 || fail "Docker could not be taken out of the packages docker.io and containerd; see $kind_state/engine.log"
  rm -rf "$engine_programs/work"
  touch "$engine_programs/done"
}

# kind publishes the API server in the engine's network. This hands the same port of this machine's loopback on, over a socket
# that both see.
open_api_port() {
  local port inside
  port=$(sed -n 's|^ *server: https://127\.0\.0\.1:||p' "$(provider_kubeconfig)")
  [ "$port" ] || fail "$(provider_kubeconfig) names no port of 127.0.0.1"
  inside=$(engine_child) || fail "the engine ended; see $engine/log"
  close_api_port
  setsid nsenter --target "$inside" --net --pid socat "UNIX-LISTEN:$engine/api.sock,fork,backlog=128,unlink-early" "TCP:127.0.0.1:$port" \
    </dev/null >"$engine/api.log" 2>&1 8>&- 9>&- &
  setsid socat "TCP-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork,backlog=128" "UNIX-CONNECT:$engine/api.sock" \
    </dev/null >>"$engine/api.log" 2>&1 8>&- 9>&- &
  echo $! >"$engine/port-pid"
  local end=$((SECONDS + 30))
  until kubectl_here get --raw /readyz >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { tail -n 5 "$engine/api.log" >&2; fail "the API server does not answer on port $port; see $engine/api.log"; }
    sleep 0.1
  done
}

close_api_port() {
  ! engine_process_is socat "$engine/port-pid" || kill "$(<"$engine/port-pid")" || true
  rm -f "$engine/port-pid"
}

engine_child() { pgrep --parent "$(<"$engine/pid")" | head -n 1; } # process 1 of its namespaces

own_engine_down() {
  close_api_port
  ! engine_process_is unshare "$engine/pid" || kill -KILL "$(<"$engine/pid")" || true
  [ -e "$engine/cgroups" ] || return 0
  local group
  while read -r group; do
    # A group can be removed once the kernel has let its last process go.
    for _ in $(seq 100); do
      [ -d "$group" ] || break
      ! find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || break
      sleep 0.1
    done
  done <"$engine/cgroups"
  rm -f "$engine"/{pid,cgroups,docker.sock,api.sock}
}

# The image that the Dockerfiles start from, and that pods of proofs run: the root file system of the bed's base.
build_own_base() {
  build_base_root
  local own; own=localhost/gameday-base:$(basename "$base" .tar)
  have_image "$own" || docker import --change 'CMD ["python3"]' "$base" "$own" >"$kind_state/image.log" 2>&1 || fail "$base was not imported; see $kind_state/image.log"
  docker tag "$own" "$proof_image" || fail "the image $own cannot be tagged as $proof_image"
}

# The engine's network leads nowhere: what a Dockerfile installs, the image that it starts from brings.
own_build_base=localhost/gameday-base:packages
build_own_build_base() { # dockerfile, context
  build_own_base
  wheels_for_images "$2"
  local context=$kind_state/base-context lock npm=""
  mkdir -p "$context"
  rm -rf "$context"/{wheels,npm}
  cp -rlH "$cache/wheels" "$context/wheels"
  mkdir "$context/npm"
  lock=$(dirname "$1")/package-lock.json
  if [ -e "$lock" ]; then
    node_packages_for "$lock" "$2/requirements-foreign.txt"
    cp -r "$cache/npm/." "$context/npm/"
    npm=true
  fi
  docker build --quiet --build-arg "FROM=$proof_image" --build-arg "NPM_OFFLINE=$npm" --tag "$own_build_base" -f "$kind_folder/engine/base.Dockerfile" "$context" \
    >"$kind_state/image.log" 2>&1 || { tail -n 20 "$kind_state/image.log" >&2; fail "the image that others start from was not built"; }
}
