#!/bin/sh
# Makes the image of dist/smoker under the name that the manifests use, localhost/smoker:VERSION, and brings it to
# the nodes without a registry.
#
#   scripts/load.sh kind [CLUSTER]         into every node of a kind cluster
#   scripts/load.sh minikube [PROFILE]     into every node of a minikube cluster
#   scripts/load.sh k3s                    into this machine's k3s (as root, on each node)
#   scripts/load.sh containerd             into this machine's containerd (as root, on each node);
#                                          CONTAINERD_ADDRESS names its socket where that is not the usual one
#   scripts/load.sh archive FILE           into a file, for the nodes that this machine cannot reach
set -eu
. "$(dirname "$0")/common.sh"
case ${1-}:$# in
    kind:[12] | minikube:[12] | k3s:1 | containerd:1 | archive:2) to=$1 ;;
    :0) fail "where to? (see --help)" 2 ;;
    archive:1) fail "archive: into which file? (see --help)" 2 ;;
    *:1) takes_nothing "$@" ;;
    *) fail "unexpected arguments: $* (see --help)" 2 ;;
esac
need podman "install podman"
case $to in
    kind) need kind "see https://kind.sigs.k8s.io" ;;
    minikube) need minikube "see https://minikube.sigs.k8s.io" ;;
    k3s) need k3s "see https://k3s.io; it is run on the node itself" ;;
    containerd) need ctr "it comes with containerd; it is run on the node itself" ;;
esac

[ -f dist/smoker ] || fail "no dist/smoker: run scripts/build.sh first"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
image=localhost/smoker:$version
# Built here and now, so that what is loaded is never an older build of the same name.
podman build --quiet --tag "$image" . >/dev/null

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
archive=$work/smoker.tar
podman save --quiet --output "$archive" "$image"
case $to in
    kind) kind load image-archive "$archive" --name "${2:-kind}" ;;
    minikube) minikube image load "$archive" --profile "${2:-minikube}" ;;
    k3s) k3s ctr -n k8s.io images import "$archive" ;;
    containerd) ctr -n k8s.io images import "$archive" ;;
    archive) (cd "$OLDPWD" && cp "$archive" "$2") ;;
esac
echo "$image: $to"
