/* Vector words of AVX-512 with VNNI (Intel Ice Lake and Cascade Lake, AMD Zen 4, and later). */
#include "isa/begin.h"

#define SLIM_ISA_SUFFIX avx512vnni
#define SLIM_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma" SLIM_TUNE)))

#include "isa/avx512_words.h"

#define SLIM_VNNI ""
#include "isa/vnni_dot.h"

/* Four rows of a window, 16 channels: each 32-bit lane gets the four bytes of a channel. Rows become quarters of a vector,
 * words of four channels change places, then bytes within each quarter. */
SLIM_TILE __m512i slim_four_rows_avx512vnni(const void *p0, const void *p1, const void *p2, const void *p3)
{
    const __m512i words = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i bytes = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    __m512i rows = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)p0));
    rows = _mm512_inserti32x4(rows, _mm_loadu_si128((const __m128i *)p1), 1);
    rows = _mm512_inserti32x4(rows, _mm_loadu_si128((const __m128i *)p2), 2);
    rows = _mm512_inserti32x4(rows, _mm_loadu_si128((const __m128i *)p3), 3);
    return _mm512_shuffle_epi8(_mm512_permutexvar_epi32(words, rows), bytes);
}

/* Eight words of memory in both halves of a vector, and the first half of one with the second of another. */
#define SLIM_VI_LOAD_TWICE(p) _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)(const void *)(p)))
#define SLIM_VI_HALVES(low, high) _mm512_mask_blend_epi32((__mmask16)0xFF00, (low), (high))
#define SLIM_VI_AS_VF(a) _mm512_castsi512_ps(a)
#define SLIM_BYTES_STORE_HALVES(out, stride, x, bytes) slim_bytes_store_halves_avx512vnni((out), (stride), (x), &(bytes))
SLIM_TILE void slim_bytes_store_halves_avx512vnni(uint8_t *out, size_t stride, const __m512 *x, const SLIM_BYTES *b)
{
    const __m512i words = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i bytes = _mm512_permutexvar_epi32(words, slim_bytes_pack_avx512vnni(x[0], x[1], x[2], x[3], b, 0));
    __m128i part[4];
    part[0] = _mm512_castsi512_si128(bytes);
    part[1] = _mm512_extracti32x4_epi32(bytes, 1);
    part[2] = _mm512_extracti32x4_epi32(bytes, 2);
    part[3] = _mm512_extracti32x4_epi32(bytes, 3);
    SLIM_UNROLL
    for (int i = 0; i < 8; i += 2, out += 2 * stride) {
        _mm_storel_epi64((__m128i *)(void *)out, part[i / 2]);
        _mm_storeh_pi((__m64 *)(void *)(out + stride), _mm_castsi128_ps(part[i / 2]));
    }
}

#define SLIM_WIDE 16
#define SLIM_DEPTH 4
#define SLIM_WIDE_ACC __m512i
#define SLIM_WIDE_X __m512i
#define SLIM_WIDE_W __m512i
#define SLIM_WIDE_START(table) SLIM_VI_LOAD(table)
#define SLIM_WIDE_LOAD_X(p) slim_four_rows_avx512vnni((p)[0], (p)[1], (p)[2], (p)[3])
#define SLIM_WIDE_LOAD_W(p) slim_four_rows_avx512vnni((p)[0], (p)[1], (p)[2], (p)[3])
#define SLIM_WIDE_MULADD(x, w, a) slim_dot_avx512vnni((x), (w), (a))
#define SLIM_WIDE_PART(a, i) (a)

/* vdpbf16ps and vcvtne2ps2bf16 as text: compilers need not know AVX512_BF16, which not every processor with VNNI has. They
 * round to nearest, ties to even, take subnormal numbers for zero and give none. */
SLIM_TILE __m512 slim_bf16_dot_avx512vnni(__m512i x, __m512i w, __m512 acc)
{
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(acc) : "v"(x), "v"(w));
    return acc;
}

SLIM_TILE __m512i slim_bf16_round_avx512vnni(__m512 low, __m512 high)
{
    __m512i both;
    __asm__("vcvtne2ps2bf16 %1, %2, %0" : "=v"(both) : "v"(low), "v"(high));
    return both;
}

#define SLIM_BF16_DOT(x, w, a) slim_bf16_dot_avx512vnni((x), (w), (a))
#define SLIM_BF16_SPLAT(p) slim_dot_input_avx512vnni((const uint8_t *)(const void *)(p))
#define SLIM_BF16_ROUND(low, high) slim_bf16_round_avx512vnni((low), (high))
#define SLIM_GEMM_BF16_TILES(X) X(4, 1, 1) X(2, 12, 4) X(1, 13, 4)
#define SLIM_GEMM_BF16_WIDTH(vectors, m) ((m) == 1 && (vectors) >= 4 ? 4 : (vectors) >= 2 ? 2 : 1)

#define SLIM_SLIDES 1
#define SLIM_WINOGRADS 1
#if SLIM_SMALL
#define SLIM_GEMM_U8_TILES(X) X(1, 8, 1, 1) X(2, 8, 4, 1)
#define SLIM_GEMM_U8_WIDTH(vectors, k, m) ((vectors) >= 2 ? 2 : 1)
#else
#define SLIM_GEMM_U8_STREAMS(X) X(1, 4, 0, 4) X(1, 4, 0, 2) X(1, 6, 0, 4) X(2, 3, 1, 2) X(1, 8, 0, 1)
#define SLIM_GEMM_U8_ENDS(X) X(1) X(2)
#define SLIM_GEMM_U8_TILES(X) X(1, 14, 1, 1) X(2, 12, 4, 1) X(3, 9, 3, 1) X(4, 6, 2, 1)
#define SLIM_GEMM_U8_WIDTH(vectors, k, m) \
    ((vectors) % 4 == 0 ? 4 : (vectors) % 3 == 0 ? 3 : (vectors) >= 2 ? 2 : 1)
#endif
