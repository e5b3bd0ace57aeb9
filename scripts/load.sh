#!/bin/sh
# Brings the image of `podman build -t smoker .` to the nodes without a registry, under the name that the manifests
# use: localhost/smoker:VERSION, the version being the image's own label.
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
    *) takes_nothing "$@" ;;
esac
need podman "install podman"
case $to in
    kind) need kind "see https://kind.sigs.k8s.io" ;;
    minikube) need minikube "see https://minikube.sigs.k8s.io" ;;
    k3s) need k3s "see https://k3s.io; it is run on the node itself" ;;
    containerd) need ctr "it comes with containerd; it is run on the node itself" ;;
esac

built=localhost/smoker:latest
podman image exists "$built" || fail "no image $built: run scripts/build.sh, then podman build -t smoker ."
version=$(podman image inspect --format '{{index .Labels "org.opencontainers.image.version"}}' "$built")
image=localhost/smoker:$version
podman tag "$built" "$image"

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
