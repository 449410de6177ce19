# What both providers build, once, where nothing ready-made can be pulled: Kubernetes, Cilium, containerd and etcd from Go
# modules, and the root file system of Debian that images start from.
# shellcheck shell=bash disable=SC2034,SC2154
bed=$here/bed
binaries=$cache/bin-$(digest_of "$bed/build" "$here"/modules/*/go.mod)
base=$cache/base-$(digest_of "$bed/base-packages").tar

build_binaries() {
  [ -e "$binaries/done" ] && return
  command -v go >/dev/null || fail "no Go: install Go 1.26 or later, or start Docker to use kind"
  need_room 16
  say "building Kubernetes, Cilium, containerd, etcd and CoreDNS from Go modules: about 15 minutes, once"
  mkdir -p "$binaries"
  "$bed/build" "$binaries" "$here/modules" || fail "the build from Go modules failed: what Go says about it stands above"
  touch "$binaries/done"
}

need_room() { # GB
  local free; free=$(df --output=avail -k "$cache" | tail -n 1)
  [ "$free" -gt "$1"000000 ] || fail "$cache has $((free / 1000000)) GB free, the build needs $1: make room or set GAMEDAY_CACHE"
}

build_base_root() {
  [ -e "$base" ] && return
  say "building the Debian base image"
  debian_root "$base" "$bed/base-packages"
}

debian_root() { # archive, file with a package a line
  mmdebstrap --quiet --variant=minbase --format=tar --include="$(paste -sd, "$2")" bookworm "$1.new" >"$cache/mmdebstrap.log" 2>&1 \
    || fail "mmdebstrap could not build $1; see $cache/mmdebstrap.log"
  mv "$1.new" "$1"
}
