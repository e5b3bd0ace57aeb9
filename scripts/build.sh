#!/bin/sh
# Builds dist/smoker, one static executable that needs nothing from the machine it runs on,
# proves that it is static and starts, and prints its size.
#
#   scripts/build.sh                     with Rust's ready-made musl library, which rustup is asked for if it
#                                        is missing; where it cannot be had, as if --std-from-source were given
#   scripts/build.sh --std-from-source   with the library compiled from Debian's sources: scripts/musl-std.sh
set -eu
. "$(dirname "$0")/common.sh"
source=no
case ${1-} in --std-from-source) source=yes; shift ;; esac
takes_nothing "$@"
need cargo "install Rust, see https://rustup.rs"
need readelf "install binutils"

target=$(uname -m)-unknown-linux-musl
std_is_here() { [ -d "$(rustc --print target-libdir --target "$target" 2>/dev/null)" ]; }
fetch_std() { command -v rustup >/dev/null && timeout 300 rustup --quiet target add "$target" 2>/dev/null; }

if [ $source = no ] && { std_is_here || fetch_std; }; then
    # Relative relocations take 24 KB less when packed. musl applies such since 1.2.4, which comes with Rust 1.93.
    packed=
    if [ "$(rustc --version | cut -d. -f2)" -ge 93 ]; then packed=-Clink-arg=-Wl,-z,pack-relative-relocs; fi
    cargo rustc --release --locked --target "$target" --target-dir target --bin smoker -- $packed
    built=target/$target/release/smoker
else
    scripts/musl-std.sh
    built=target/musl-std/$target/release/smoker
fi

# A static executable names neither a program interpreter nor a library that it needs.
headers=$(readelf --wide --program-headers --dynamic "$built")
case $headers in *INTERP* | *NEEDED*) fail "$built is not static" ;; esac
"$built" version >/dev/null || fail "$built does not start"
mkdir -p dist
install -m 0755 "$built" dist/smoker
echo "dist/smoker: static, $(wc -c <dist/smoker) bytes"
