# shellcheck shell=sh
# What the scripts beside this one share. To be sourced; it moves to the top of the repository.

cd "$(dirname "$0")/.." || exit

# The comment at the head of the calling script is its help text.
usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "scripts/${0##*/}"; }

# fail MESSAGE [EXIT STATUS]
fail() { printf '%s: %s\n' "${0##*/}" "$1" >&2; exit "${2:-1}"; }

# need TOOL WHERE IT COMES FROM
need() { command -v "$1" >/dev/null 2>&1 || fail "$1 is needed and was not found: $2"; }

# For the scripts that take no argument but --help: takes_nothing "$@"
takes_nothing() {
    case ${1-} in
        '') ;;
        -h | --help) usage; exit 0 ;;
        *) fail "unexpected argument: $1 (see --help)" 2 ;;
    esac
}
