#!/bin/sh
# Builds hevc.wasm.gz and av1.wasm.gz, on Debian 12 with
#
#   apt-get install clang-19 lld-19 wasi-libc libc++-19-dev-wasm32 \
#     libc++abi-19-dev-wasm32 libclang-rt-19-dev-wasm32
#
# from the directory that holds the upstream sources as Debian distributes them:
# libde265_1.1.3.orig.tar.gz and dav1d_1.5.4.orig.tar.xz. Their hashes are checked.
set -eu
src=$(cd "$(dirname "$0")" && pwd)
sha256sum -c <<SUMS
554228bd17788c99a7e63b37ab5634722190e6e2bf60c1dcb01cef328e133905  libde265_1.1.3.orig.tar.gz
686616b7c69eb88d44459391ab25cac13b6647a3b288835c5784e71c1514a5c5  dav1d_1.5.4.orig.tar.xz
SUMS
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/de265" "$tmp/dav1d" "$tmp/inc/libde265" "$tmp/obj"
tar xzf libde265_1.1.3.orig.tar.gz -C "$tmp/de265" --strip-components=1
tar xJf dav1d_1.5.4.orig.tar.xz -C "$tmp/dav1d" --strip-components=1

# One thread, no exceptions, no imports but tick and what the C library pulls in.
common="--target=wasm32-wasi -O3 -msimd128 -DNDEBUG -isystem $src/shim -I$src -I$tmp/inc"
link="-mexec-model=reactor -Wl,--no-entry,--strip-all,-z,stack-size=1048576
  -Wl,--export=decode,--export=malloc"

sed 's/@[A-Za-z_]*@/0/g' "$tmp/de265/libde265/de265-version.h.in" >"$tmp/inc/libde265/de265-version.h"
# shellcheck disable=SC2086,SC2046
clang++-19 $common $link -fno-exceptions -fno-rtti -DHAVE_POSIX_MEMALIGN=1 \
  -D_WASI_EMULATED_SIGNAL -lwasi-emulated-signal -I"$tmp/de265" -o "$tmp/hevc.wasm" "$src/hevc.cc" \
  $(ls "$tmp"/de265/libde265/*.cc | grep -v -e quality -e visualize -e image-io)

cp "$src/dav1d-config.h" "$tmp/inc/config.h"
echo '#define DAV1D_VERSION "1.5.4"' >"$tmp/inc/vcs_version.h"
d=$tmp/dav1d
c="$common -std=c11 -D_GNU_SOURCE -w -I$d -I$d/include -I$d/include/dav1d -I$d/src"
for f in "$d"/src/*.c; do
  case $f in
  *_tmpl.c)
    for bits in 8 16; do
      clang-19 $c -DBITDEPTH=$bits -c -o "$tmp/obj/$(basename "$f" .c)$bits.o" "$f"
    done
    ;;
  *) clang-19 $c -c -o "$tmp/obj/$(basename "$f" .c).o" "$f" ;;
  esac
done
clang-19 $c $link -Wl,--wrap=dav1d_filter_sbrow_8bpc,--wrap=dav1d_filter_sbrow_16bpc -o "$tmp/av1.wasm" "$src/av1.c" "$tmp"/obj/*.o

for name in hevc av1; do
  gzip -9nc "$tmp/$name.wasm" >"$src/../$name.wasm.gz"
done
