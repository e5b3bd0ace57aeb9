#!/bin/sh
# Prints the last log lines of every server or every client pod.
#
#   scripts/logs.sh server|client        the last 100 lines of each pod
#   scripts/logs.sh server|client -f     and goes on printing as they come, until interrupted
set -eu
. "$(dirname "$0")/common.sh"
case ${1-} in
    server | client) app=smoker-$1; shift ;;
    '') fail "server or client? (see --help)" 2 ;;
    *) takes_nothing "$@" ;;
esac
follow=
case ${1-} in -f) follow=--follow; shift ;; esac
takes_nothing "$@"
need kubectl "see https://kubernetes.io/docs/tasks/tools"

# Without the request limit kubectl follows five pods at the most.
exec kubectl logs -n smoker -l "app=$app" --prefix --tail=100 --max-log-requests=1000 $follow
