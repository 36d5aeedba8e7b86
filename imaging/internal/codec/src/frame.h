// What a decoder returns to the host outside of the sandbox. The layout is what
// frame.go reads: 32-bit words, most of them as ISO/IEC 23091-2 numbers them.
#pragma once
#include <stdint.h>

struct frame {
  uint32_t error;  // 0 is none
  uint32_t width, height;
  uint32_t chroma;  // 0 none, 1 4:2:0, 2 4:2:2, 3 4:4:4
  uint32_t bits;    // of a sample; above 8, samples are 16-bit little-endian
  uint32_t primaries, transfer, matrix, full_range;
  const uint8_t *plane[3];
  uint32_t stride[3];  // bytes
};
