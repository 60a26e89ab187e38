# shellcheck shell=bash
# What the scripts share. Sourced, never run.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root" || exit 1

# rustup's programs win over a distribution's older ones.
PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
export PATH

have() { command -v "$1" >/dev/null 2>&1; }

# Says one line of progress, named after the script that speaks.
say() { printf '%s: %s\n' "$(basename "$0")" "$*"; }

# Says what went wrong and what to do about it, and ends the script.
die() {
    printf '%s: error: %s\n' "$(basename "$0")" "$1" >&2
    shift
    for hint in "$@"; do
        printf '%s: hint: %s\n' "$(basename "$0")" "$hint" >&2
    done
    exit 1
}

# True when version $1 is $2 or newer.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1)" = "$2" ]; }
