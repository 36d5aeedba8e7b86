// The instructions of SSE2 to SSE4.1 that libwebp uses, in WebAssembly's.
//
// Shifts take constants of less than the width of a lane, and _mm_shuffle_epi8
// indexes of less than 16 or with the highest bit set, as all in libwebp are.
#pragma once
#include <stdint.h>
#include <wasm_simd128.h>

typedef v128_t __m128i;

#define inline_simd static inline __attribute__((always_inline, unused))

// Two operands, the same as WebAssembly's instruction.
#define same2(name, wasm) \
  inline_simd __m128i _mm_##name(__m128i a, __m128i b) { return wasm_##wasm(a, b); }
same2(add_epi8, i8x16_add)
same2(add_epi16, i16x8_add)
same2(add_epi32, i32x4_add)
same2(add_epi64, i64x2_add)
same2(adds_epi8, i8x16_add_sat)
same2(adds_epu8, u8x16_add_sat)
same2(adds_epi16, i16x8_add_sat)
same2(adds_epu16, u16x8_add_sat)
same2(sub_epi8, i8x16_sub)
same2(sub_epi16, i16x8_sub)
same2(sub_epi32, i32x4_sub)
same2(sub_epi64, i64x2_sub)
same2(subs_epi8, i8x16_sub_sat)
same2(subs_epu8, u8x16_sub_sat)
same2(subs_epi16, i16x8_sub_sat)
same2(subs_epu16, u16x8_sub_sat)
same2(and_si128, v128_and)
same2(or_si128, v128_or)
same2(xor_si128, v128_xor)
same2(avg_epu8, u8x16_avgr)
same2(min_epu8, u8x16_min)
same2(max_epu8, u8x16_max)
same2(min_epi16, i16x8_min)
same2(max_epi16, i16x8_max)
same2(cmpeq_epi8, i8x16_eq)
same2(cmpeq_epi16, i16x8_eq)
same2(cmpeq_epi32, i32x4_eq)
same2(cmpgt_epi8, i8x16_gt)
same2(cmpgt_epi16, i16x8_gt)
same2(cmpgt_epi32, i32x4_gt)
same2(mullo_epi16, i16x8_mul)
same2(mullo_epi32, i32x4_mul)
same2(madd_epi16, i32x4_dot_i16x8)
same2(packs_epi16, i8x16_narrow_i16x8)
same2(packus_epi16, u8x16_narrow_i16x8)
same2(packs_epi32, i16x8_narrow_i32x4)
same2(shuffle_epi8, i8x16_swizzle)

// Parts of two operands.
#define mix2(name, shuffle, ...) \
  inline_simd __m128i _mm_##name(__m128i a, __m128i b) { return wasm_##shuffle(a, b, __VA_ARGS__); }
mix2(unpacklo_epi8, i8x16_shuffle, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
mix2(unpackhi_epi8, i8x16_shuffle, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
mix2(unpacklo_epi16, i16x8_shuffle, 0, 8, 1, 9, 2, 10, 3, 11)
mix2(unpackhi_epi16, i16x8_shuffle, 4, 12, 5, 13, 6, 14, 7, 15)
mix2(unpacklo_epi32, i32x4_shuffle, 0, 4, 1, 5)
mix2(unpackhi_epi32, i32x4_shuffle, 2, 6, 3, 7)
mix2(unpacklo_epi64, i64x2_shuffle, 0, 2)
mix2(unpackhi_epi64, i64x2_shuffle, 1, 3)

#define _MM_SHUFFLE(d, c, b, a) ((d) << 6 | (c) << 4 | (b) << 2 | (a))
#define lane(m, i) ((m) >> 2 * (i) & 3)
#define _mm_shuffle_epi32(a, m) wasm_i32x4_shuffle(a, a, lane(m, 0), lane(m, 1), lane(m, 2), lane(m, 3))
#define _mm_shufflelo_epi16(a, m) \
  wasm_i16x8_shuffle(a, a, lane(m, 0), lane(m, 1), lane(m, 2), lane(m, 3), 4, 5, 6, 7)
#define _mm_shufflehi_epi16(a, m) \
  wasm_i16x8_shuffle(a, a, 0, 1, 2, 3, 4 + lane(m, 0), 4 + lane(m, 1), 4 + lane(m, 2), 4 + lane(m, 3))

// Bytes of 32, of which the latter 16 are zero.
#define byte_after(n, i) ((n) + (i) < 16 ? (n) + (i) : 16)
#define byte_before(n, i) ((i) < (n) ? 16 : (i) - (n))
#define shift_bytes(at, a, n) \
  wasm_i8x16_shuffle(a, wasm_i64x2_const(0, 0), at(n, 0), at(n, 1), at(n, 2), at(n, 3), at(n, 4), at(n, 5), at(n, 6), \
                     at(n, 7), at(n, 8), at(n, 9), at(n, 10), at(n, 11), at(n, 12), at(n, 13), at(n, 14), at(n, 15))
#define _mm_srli_si128(a, n) shift_bytes(byte_after, a, n)
#define _mm_slli_si128(a, n) shift_bytes(byte_before, a, n)

#define _mm_blend_epi16(a, b, m) \
  wasm_i16x8_shuffle(a, b, (m) & 1 ? 8 : 0, (m) & 2 ? 9 : 1, (m) & 4 ? 10 : 2, (m) & 8 ? 11 : 3, (m) & 16 ? 12 : 4, \
                     (m) & 32 ? 13 : 5, (m) & 64 ? 14 : 6, (m) & 128 ? 15 : 7)
inline_simd __m128i _mm_blendv_epi8(__m128i a, __m128i b, __m128i m) {
  return wasm_v128_bitselect(b, a, wasm_i8x16_shr(m, 7));
}

#define _mm_slli_epi16(a, n) wasm_i16x8_shl(a, n)
#define _mm_slli_epi64(a, n) wasm_i64x2_shl(a, n)
#define _mm_srai_epi16(a, n) wasm_i16x8_shr(a, n)
#define _mm_srai_epi32(a, n) wasm_i32x4_shr(a, n)
#define _mm_srli_epi16(a, n) wasm_u16x8_shr(a, n)
#define _mm_srli_epi32(a, n) wasm_u32x4_shr(a, n)
#define _mm_srli_epi64(a, n) wasm_u64x2_shr(a, n)

#define _mm_extract_epi8(a, n) wasm_u8x16_extract_lane(a, n)
#define _mm_insert_epi16(a, v, n) wasm_i16x8_replace_lane(a, n, v)
inline_simd int _mm_cvtsi128_si32(__m128i a) { return wasm_i32x4_extract_lane(a, 0); }
inline_simd __m128i _mm_cvtsi32_si128(int a) { return wasm_i32x4_replace_lane(wasm_i64x2_const(0, 0), 0, a); }
inline_simd __m128i _mm_cvtepu8_epi16(__m128i a) { return wasm_u16x8_extend_low_u8x16(a); }
inline_simd int _mm_movemask_epi8(__m128i a) { return wasm_i8x16_bitmask(a); }

inline_simd __m128i _mm_setzero_si128(void) { return wasm_i64x2_const(0, 0); }
inline_simd __m128i _mm_set1_epi8(int v) { return wasm_i8x16_splat(v); }
inline_simd __m128i _mm_set1_epi16(int v) { return wasm_i16x8_splat(v); }
inline_simd __m128i _mm_set1_epi32(int v) { return wasm_i32x4_splat(v); }
#define _mm_setr_epi8 wasm_i8x16_make
#define _mm_set_epi8(p, o, n, m, l, k, j, i, h, g, f, e, d, c, b, a) \
  wasm_i8x16_make(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)
#define _mm_set_epi16(h, g, f, e, d, c, b, a) wasm_i16x8_make(a, b, c, d, e, f, g, h)
#define _mm_set_epi32(d, c, b, a) wasm_i32x4_make(a, b, c, d)

inline_simd __m128i _mm_load_si128(const __m128i *p) { return wasm_v128_load(p); }
inline_simd __m128i _mm_loadu_si128(const __m128i *p) { return wasm_v128_load(p); }
inline_simd __m128i _mm_loadl_epi64(const __m128i *p) { return wasm_v128_load64_zero(p); }
inline_simd void _mm_store_si128(__m128i *p, __m128i a) { wasm_v128_store(p, a); }
inline_simd void _mm_storeu_si128(__m128i *p, __m128i a) { wasm_v128_store(p, a); }
inline_simd void _mm_storel_epi64(__m128i *p, __m128i a) { wasm_v128_store64_lane(p, a, 0); }
inline_simd void _mm_maskmoveu_si128(__m128i a, __m128i m, char *p) {
  wasm_v128_store(p, wasm_v128_bitselect(a, wasm_v128_load(p), wasm_i8x16_shr(m, 7)));
}

inline_simd __m128i _mm_andnot_si128(__m128i a, __m128i b) { return wasm_v128_andnot(b, a); }
inline_simd __m128i _mm_abs_epi16(__m128i a) { return wasm_i16x8_abs(a); }
inline_simd __m128i _mm_sign_epi16(__m128i a, __m128i b) {
  __m128i negative = wasm_i16x8_shr(b, 15);
  __m128i some = wasm_i16x8_ne(b, wasm_i64x2_const(0, 0));
  return wasm_v128_and(some, wasm_i16x8_sub(wasm_v128_xor(a, negative), negative));
}

// The higher halves of products: those of every other lane are made at once, the
// rest being zero. Widening and a shuffle would be slower.
inline_simd __m128i _mm_mulhi_epi16(__m128i a, __m128i b) {
  __m128i odd = wasm_i32x4_splat((int)0xffff0000);
  __m128i lo = wasm_i32x4_dot_i16x8(wasm_v128_andnot(a, odd), b);
  __m128i hi = wasm_i32x4_dot_i16x8(wasm_v128_and(a, odd), b);
  return wasm_v128_or(wasm_u32x4_shr(lo, 16), wasm_v128_and(hi, odd));
}
inline_simd __m128i _mm_mulhi_epu16(__m128i a, __m128i b) {
  __m128i more = wasm_i16x8_add(wasm_v128_and(wasm_i16x8_shr(a, 15), b), wasm_v128_and(wasm_i16x8_shr(b, 15), a));
  return wasm_i16x8_add(_mm_mulhi_epi16(a, b), more);
}
inline_simd __m128i _mm_mul_epu32(__m128i a, __m128i b) {
  return wasm_u64x2_extmul_low_u32x4(wasm_i32x4_shuffle(a, a, 0, 2, 0, 2), wasm_i32x4_shuffle(b, b, 0, 2, 0, 2));
}

inline_simd __m128i _mm_hadd_epi32(__m128i a, __m128i b) {
  return wasm_i32x4_add(wasm_i32x4_shuffle(a, b, 0, 2, 4, 6), wasm_i32x4_shuffle(a, b, 1, 3, 5, 7));
}
inline_simd __m128i _mm_sad_epu8(__m128i a, __m128i b) {
  __m128i d = wasm_v128_or(wasm_u8x16_sub_sat(a, b), wasm_u8x16_sub_sat(b, a));
  __m128i s = wasm_u32x4_extadd_pairwise_u16x8(wasm_u16x8_extadd_pairwise_u8x16(d));
  return wasm_i64x2_add(wasm_v128_and(s, wasm_i64x2_const(0xffffffff, 0xffffffff)), wasm_u64x2_shr(s, 32));
}
