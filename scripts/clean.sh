#!/bin/sh
# Removes from the cluster what scripts/deploy.sh put there, and waits until it is gone. The image stays on the nodes.
#
#   scripts/clean.sh
set -eu
. "$(dirname "$0")/common.sh"
takes_nothing "$@"
need kubectl "see https://kubernetes.io/docs/tasks/tools"

kubectl delete -f manifests/ --ignore-not-found --timeout=120s
