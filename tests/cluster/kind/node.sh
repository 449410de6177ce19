# The node image for the engine that is made here, which can pull none: built from Go modules and Debian packages, and kept by the
# engine. The bed's programs are in it, kubeadm, crictl and a CoreDNS with kubeadm's plugins come to them.
# shellcheck shell=bash disable=SC2154
node_module=$kind_folder/modules/node
node_programs=$cache/node-$(digest_of "$node_module/go.mod" "$node_module/coredns/main.go" "$here/modules/kubernetes/go.mod")
node_root=$cache/node-root-$(digest_of "$kind_folder/node/packages").tar
node_image=localhost/gameday-node:$(digest_of "$kind_module/go.mod" "$kind_folder/node.sh" "$bed/cilium.yaml" <(basename -a "$binaries" "$node_programs" "$node_root") \
  <(find "$kind_folder/node" -type f -print0 | sort -z | xargs -0 cat))

build_node_image() {
  have_image "$node_image" && return
  need_room 12
  build_binaries
  build_node_programs
  if [ ! -e "$node_root" ]; then
    say "building the node's Debian"
    debian_root "$node_root" "$kind_folder/node/packages"
  fi
  say "building the node image"
  # In a process of its own, which `set -e` ends at the first failure: here it would not, as somebody looks at how it ends.
  "$kind_folder/node/build" "$kind_state/node-context" >"$kind_state/node.log" 2>&1 || { tail -n 20 "$kind_state/node.log" >&2; fail "the node image was not built; see $kind_state/node.log"; }
  rm -rf "$kind_state/node-context"
}
export NODE_BINARIES=$binaries NODE_PROGRAMS=$node_programs NODE_ROOT=$node_root NODE_IMAGE=$node_image KIND_MODULE=$kind_module

build_node_programs() {
  [ ! -e "$node_programs/done" ] || return 0
  command -v go >/dev/null || fail "no Go, which builds the node's programs: install Go 1.26 or later"
  say "building kubeadm, crictl and CoreDNS from Go modules: some minutes, once"
  mkdir -p "$node_programs"
  local version major minor
  version=$(go list -C "$node_module" -m -f '{{.Version}}' k8s.io/kubernetes)
  [ "$version" = "$(go list -C "$here/modules/kubernetes" -m -f '{{.Version}}' k8s.io/kubernetes)" ] \
    || fail "$node_module/go.mod names Kubernetes $version, modules/kubernetes/go.mod another: make them the same"
  IFS=v. read -r _ major minor _ <<<"$version"
  local flags; flags="-s -w $(printf -- '-X k8s.io/component-base/version.%s ' gitVersion="$version" gitMajor="$major" gitMinor="$minor")"
  {
    CGO_ENABLED=0 GOBIN=$node_programs GOFLAGS="${GOFLAGS:-} -buildvcs=false" nice -n 19 go install -C "$node_module" -trimpath -tags osusergo -ldflags "$flags" tool \
      && CGO_ENABLED=0 GOFLAGS="${GOFLAGS:-} -buildvcs=false" nice -n 19 go build -C "$node_module" -trimpath -ldflags "-s -w" -o "$node_programs/" ./coredns
  } >"$kind_state/build.log" 2>&1 || fail "the node's programs were not built; see $kind_state/build.log"
  touch "$node_programs/done"
}
