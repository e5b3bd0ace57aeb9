#!/bin/sh
# Applies manifests/ to the cluster that kubectl points at and waits until the server and every node's client run.
# The nodes must have the image already: scripts/load.sh, or a registry named in the manifests.
#
#   scripts/deploy.sh    waits DEPLOY_TIMEOUT (120s unless set) for each of the two
set -eu
. "$(dirname "$0")/common.sh"
takes_nothing "$@"
need kubectl "see https://kubernetes.io/docs/tasks/tools"

kubectl apply -f manifests/
for workload in deployment/smoker-server daemonset/smoker-client; do
    kubectl rollout status -n smoker "$workload" --timeout="${DEPLOY_TIMEOUT:-120s}" || {
        kubectl get pods -n smoker -o wide
        fail "$workload does not run (ErrImagePull or ErrImageNeverPull: the node lacks the image, see scripts/load.sh)"
    }
done
