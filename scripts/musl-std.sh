#!/bin/sh
# The second way to a static binary, for machines that cannot fetch Rust's musl library: compiles that library from
# Debian's sources together with Smoker, into target/musl-std. scripts/build.sh calls it and does the rest.
#
#   scripts/musl-std.sh
#
# It installs nothing. What it needs, on Debian 12 (rustc-web and rust-web-src are in the security suite):
#
#   apt-get install rustc-web rust-web-src musl-tools libunwind-14-dev
#
# and a cargo, rustup's or Debian's (package cargo-web).
set -eu
. "$(dirname "$0")/common.sh"
takes_nothing "$@"

rustc=/usr/bin/rustc
std=/usr/lib/rustlib/src/rust/library
unwind=/usr/lib/llvm-14/lib/libunwind.a
linker=$(command -v musl-gcc || true)
for file in $rustc $std $unwind "$linker"; do
    [ -e "$file" ] || fail "no static standard library for $(uname -m): \`rustup target add $(uname -m)-unknown-linux-musl\` \
did not provide one, and the way round it is not installed. On Debian 12, as root:
    apt-get install rustc-web rust-web-src musl-tools libunwind-14-dev"
done

dir=$PWD/target/musl-std
mkdir -p "$dir/lib"

# LLVM's unwinder was compiled against glibc, of whose checked functions it calls one. musl has the plain ones only.
cat >"$dir/lib/fprintf_chk.c" <<'C'
#include <stdarg.h>
#include <stdio.h>
int __fprintf_chk(FILE *f, int flag, const char *format, ...) {
    va_list rest; va_start(rest, format); int n = vfprintf(f, format, rest); va_end(rest); return n; }
C
"$linker" -O2 -c "$dir/lib/fprintf_chk.c" -o "$dir/lib/fprintf_chk.o"
cp "$unwind" "$dir/lib/libunwind.a"
ar r "$dir/lib/libunwind.a" "$dir/lib/fprintf_chk.o"

# RUSTC_BOOTSTRAP lets a stable compiler build std. crt-static with the static relocation model, because musl-gcc
# knows no static-pie. A target directory of its own: two compilers in one would each discard the other's work.
export RUSTC=$rustc RUSTC_BOOTSTRAP=1 LIBRARY_PATH="$dir/lib"
export RUSTFLAGS="${RUSTFLAGS-} -Clinker=$linker -Clink-self-contained=no -Ctarget-feature=+crt-static -Crelocation-model=static"
cargo build --release --locked -Zbuild-std=std,panic_unwind --target "$(uname -m)-unknown-linux-musl" --target-dir "$dir"
