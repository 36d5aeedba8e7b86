#!/bin/sh
# Builds libwebp.wasm.gz, on Debian 12 with
#
#   apt-get install clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32
#
# from the directory that holds the upstream source as Debian distributes it:
# libwebp_1.6.0.orig.tar.gz. Its hash is checked.
set -eu
src=$(cd "$(dirname "$0")" && pwd)
sha256sum -c <<SUMS
e4ab7009bf0629fd11982d4c2aa83964cf244cffba7347ecd39019a9e38c4564  libwebp_1.6.0.orig.tar.gz
SUMS
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/obj"
tar xzf libwebp_1.6.0.orig.tar.gz -C "$tmp" --strip-components=1

# One thread; with the kernels for SSE4.1, by way of shim.
c="--target=wasm32-wasi -O3 -msimd128 -DNDEBUG -D__SSE2__ -D__SSE4_1__ -w -isystem $src/shim -I$tmp"
for f in "$src/webp.c" "$src/hot.c" "$tmp"/src/dec/*.c "$tmp"/src/dsp/*.c "$tmp"/src/enc/*.c "$tmp"/src/utils/*.c "$tmp"/sharpyuv/*.c; do
  case $f in
  */cpu.c | *_avx2.c | *_mips*.c | *_msa.c | *_neon.c) continue ;;
  */cost_sse2.c | */enc_sse2.c | */enc_sse41.c | */cost_enc.c | */quant_enc.c) continue ;; # in hot.c
  esac
  # shellcheck disable=SC2086
  clang-19 $c -c -o "$tmp/obj/$(basename "$f" .c).o" "$f"
done
clang-19 --target=wasm32-wasi -mexec-model=reactor -Wl,--no-entry,--strip-all,-z,stack-size=1048576 \
  -Wl,--export=malloc,--export=decode,--export=reserve,--export=planes,--export=pixels,--export=encode -o "$tmp/libwebp.wasm" "$tmp"/obj/*.o
gzip -9nc "$tmp/libwebp.wasm" >"$src/../libwebp.wasm.gz"
