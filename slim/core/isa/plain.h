/* Vector words of a compiler's baseline: SSE2 on x86-64, scalars elsewhere (Cortex-M, armv7 without NEON). */
#include "isa/begin.h"

#define SLIM_ISA_SUFFIX plain
#define SLIM_TARGET

#if defined(__SSE2__)
#include <emmintrin.h>

#define SLIM_LANES 4
#define SLIM_VF __m128
#define SLIM_KEEP(v) __asm__("" : "+x"(v))   /* in its register: gcc would load it for each use */
#define SLIM_VF_LOAD(p) _mm_loadu_ps(p)
#define SLIM_VF_LOAD_BITS(p) _mm_castsi128_ps(SLIM_VI_LOAD(p))
#define SLIM_VF_STORE(p, v) _mm_storeu_ps((p), (v))
#define SLIM_VF_SPLAT(x) _mm_set1_ps(x)
#define SLIM_VF_ADD(a, b) _mm_add_ps((a), (b))
#define SLIM_VF_SUB(a, b) _mm_sub_ps((a), (b))
#define SLIM_VF_MUL(a, b) _mm_mul_ps((a), (b))
#define SLIM_VF_DIV(a, b) _mm_div_ps((a), (b))
#define SLIM_VF_FMA(x, w, a) _mm_add_ps((a), _mm_mul_ps((x), (w)))
#define SLIM_VF_MAX(a, b) _mm_max_ps((a), (b))   /* a > b ? a : b */
#define SLIM_VF_MIN(a, b) _mm_min_ps((a), (b))

#define SLIM_VI __m128i
#define SLIM_VI_LOAD(p) _mm_loadu_si128((const __m128i *)(const void *)(p))
#define SLIM_VI_STORE(p, v) _mm_storeu_si128((__m128i *)(void *)(p), (v))
#define SLIM_VI_SPLAT(x) _mm_set1_epi32(x)
#define SLIM_VI_ADD(a, b) _mm_add_epi32((a), (b))
#define SLIM_VI_MUL(a, b) slim_multiply_plain((a), (b))
#define SLIM_VI_LOAD_U8(p) slim_load_u8_plain(p)
#define SLIM_VI_TO_VF(a) _mm_cvtepi32_ps(a)
#define SLIM_VF_ROUND(a) _mm_cvtps_epi32(a)       /* to nearest, ties to even */
#define SLIM_VI_STORE_U8(p, v) slim_store_u8_plain((p), (v))

#define SLIM_VF_POWER(t) \
    _mm_castsi128_ps(_mm_add_epi32(_mm_slli_epi32(_mm_castps_si128(t), 23), _mm_set1_epi32(127 << 23)))

/* SSE2 multiplies only every second lane. */
SLIM_INLINE __m128i slim_multiply_plain(__m128i a, __m128i b)
{
    __m128i even = _mm_mul_epu32(a, b), odd = _mm_mul_epu32(_mm_srli_epi64(a, 32), _mm_srli_epi64(b, 32));
    return _mm_unpacklo_epi32(_mm_shuffle_epi32(even, 0x08), _mm_shuffle_epi32(odd, 0x08));
}

SLIM_INLINE __m128i slim_load_u8_plain(const uint8_t *p)
{
    int32_t four;
    __builtin_memcpy(&four, p, 4);
    __m128i bytes = _mm_unpacklo_epi8(_mm_cvtsi32_si128(four), _mm_setzero_si128());
    return _mm_unpacklo_epi16(bytes, _mm_setzero_si128());
}

SLIM_INLINE void slim_store_u8_plain(void *p, __m128i v)
{
    v = _mm_packs_epi32(v, v);
    int32_t bytes = _mm_cvtsi128_si32(_mm_packus_epi16(v, v));
    __builtin_memcpy(p, &bytes, 4);
}

/* Four products a lane, as two 16-bit multiply-adds: of the even bytes, and of the odd ones. */
typedef struct slim_dot_plain {
    __m128i even, odd;
} slim_dot_plain;

SLIM_INLINE slim_dot_plain slim_dot_weights_plain(const int8_t *p)
{
    slim_dot_plain w;
    __m128i bytes = SLIM_VI_LOAD(p);
    w.even = _mm_srai_epi16(_mm_slli_epi16(bytes, 8), 8);
    w.odd = _mm_srai_epi16(bytes, 8);
    return w;
}

SLIM_INLINE slim_dot_plain slim_dot_input_plain(const uint8_t *p)
{
    slim_dot_plain x;
    int32_t four;
    __builtin_memcpy(&four, p, 4);
    __m128i bytes = _mm_set1_epi32(four);
    x.even = _mm_and_si128(bytes, _mm_set1_epi16(255));
    x.odd = _mm_srli_epi16(bytes, 8);
    return x;
}

#define SLIM_DOT_W slim_dot_plain
#define SLIM_DOT_X slim_dot_plain
#define SLIM_DOT_LOAD_W(p) slim_dot_weights_plain(p)
#define SLIM_DOT_LOAD_X(p) slim_dot_input_plain(p)
#define SLIM_DOT(x, w, a) \
    _mm_add_epi32((a), _mm_add_epi32(_mm_madd_epi16((x).even, (w).even), _mm_madd_epi16((x).odd, (w).odd)))

/* Two rows of a window: bytes of both in turn, as 16-bit integers. */
SLIM_INLINE __m128i slim_pair_plain(const void *p, const void *q)
{
    int32_t a, b;
    __builtin_memcpy(&a, p, 4);
    __builtin_memcpy(&b, q, 4);
    return _mm_unpacklo_epi8(_mm_cvtsi32_si128(a), _mm_cvtsi32_si128(b));
}

#define SLIM_WIDE 4
#define SLIM_DEPTH 2
#define SLIM_WIDE_ACC __m128i
#define SLIM_WIDE_X __m128i
#define SLIM_WIDE_W __m128i
#define SLIM_WIDE_START(table) SLIM_VI_LOAD(table)
#define SLIM_WIDE_LOAD_X(p) _mm_unpacklo_epi8(slim_pair_plain((p)[0], (p)[1]), _mm_setzero_si128())
#define SLIM_WIDE_LOAD_W(p) _mm_srai_epi16(_mm_unpacklo_epi8(_mm_setzero_si128(), slim_pair_plain((p)[0], (p)[1])), 8)
#define SLIM_WIDE_MULADD(x, w, a) _mm_add_epi32((a), _mm_madd_epi16((x), (w)))
#define SLIM_WIDE_PART(a, i) (a)

#else
#define SLIM_LANES 1
#define SLIM_VF float
#define SLIM_KEEP(v) (void)(v)
#define SLIM_VF_LOAD(p) (*(p))
#define SLIM_VF_LOAD_BITS(p) slim_float_plain(p)
#define SLIM_VF_STORE(p, v) (*(p) = (v))
#define SLIM_VF_SPLAT(x) (x)
#define SLIM_VF_ADD(a, b) ((a) + (b))
#define SLIM_VF_SUB(a, b) ((a) - (b))
#define SLIM_VF_MUL(a, b) ((a) * (b))
#define SLIM_VF_DIV(a, b) ((a) / (b))
#define SLIM_VF_FMA(x, w, a) ((a) + (x) * (w))
#define SLIM_VF_MAX(a, b) ((a) > (b) ? (a) : (b))
#define SLIM_VF_MIN(a, b) ((a) < (b) ? (a) : (b))

#define SLIM_VI int32_t
#define SLIM_VI_LOAD(p) (*(p))
#define SLIM_VI_STORE(p, v) (*(p) = (v))
#define SLIM_VI_SPLAT(x) (x)
#define SLIM_VI_ADD(a, b) ((int32_t)((uint32_t)(a) + (uint32_t)(b)))
#define SLIM_VI_MUL(a, b) ((int32_t)((uint32_t)(a) * (uint32_t)(b)))
#define SLIM_VI_LOAD_U8(p) ((int32_t)*(p))
#define SLIM_VI_TO_VF(a) ((float)(a))
#define SLIM_VF_ROUND(a) slim_round_plain(a)
#define SLIM_VI_STORE_U8(p, v) (*(uint8_t *)(p) = (uint8_t)(v))
#define SLIM_VF_POWER(t) slim_power_plain(t)

#undef SLIM_BLOCK
#define SLIM_BLOCK 32   /* for the stacks of microcontrollers */
#define SLIM_WIDE 1
#define SLIM_DEPTH 1
#define SLIM_WIDE_ACC int32_t
#define SLIM_WIDE_X int32_t
#define SLIM_WIDE_W int8_t
#define SLIM_WIDE_START(table) (*(table))
#define SLIM_WIDE_LOAD_X(p) ((int32_t)*(p)[0])
#define SLIM_WIDE_LOAD_W(p) (*(p)[0])
#define SLIM_WIDE_MULADD(x, w, a) SLIM_VI_ADD((a), (x) * (w))
#define SLIM_WIDE_PART(a, i) (a)

SLIM_INLINE float slim_power_plain(float t)
{
    uint32_t bits;
    __builtin_memcpy(&bits, &t, 4);
    bits = (bits << 23) + (127u << 23);
    __builtin_memcpy(&t, &bits, 4);
    return t;
}

SLIM_INLINE float slim_float_plain(const int32_t *p)
{
    float x;
    __builtin_memcpy(&x, p, 4);
    return x;
}

/* Adding 1.5 * 2^23 leaves no bits for a fraction: the addition rounds to nearest, ties to even. For |x| <= 2^22. */
SLIM_INLINE int32_t slim_round_plain(float x)
{
    int32_t bits;
    x += 12582912.0f;
    __builtin_memcpy(&bits, &x, 4);
    return bits - 0x4B400000;
}

typedef struct slim_dot_plain {
    int32_t b0, b1, b2, b3;
} slim_dot_plain;

SLIM_INLINE slim_dot_plain slim_dot_weights_plain(const int8_t *p)
{
    slim_dot_plain w = {p[0], p[1], p[2], p[3]};
    return w;
}

SLIM_INLINE slim_dot_plain slim_dot_input_plain(const uint8_t *p)
{
    slim_dot_plain x = {p[0], p[1], p[2], p[3]};
    return x;
}

#define SLIM_DOT_W slim_dot_plain
#define SLIM_DOT_X slim_dot_plain
#define SLIM_DOT_LOAD_W(p) slim_dot_weights_plain(p)
#define SLIM_DOT_LOAD_X(p) slim_dot_input_plain(p)
#define SLIM_DOT(x, w, a) \
    SLIM_VI_ADD((a), (x).b0 * (w).b0 + (x).b1 * (w).b1 + (x).b2 * (w).b2 + (x).b3 * (w).b3)
#endif

#define SLIM_DOT_ACC SLIM_VI
#define SLIM_DOT_START(bias) (bias)
#define SLIM_DOT_SUM(a) (a)
#define SLIM_DOT_SIGNED 0

#if SLIM_LANES == 4
#define SLIM_GEMM_F32_TILES(X) X(2, 4, 4, 2, 1) X(1, 4, 4, 2, 1)   /* vectors; rows of a tile, of what is left, 1 */
#define SLIM_GEMM_F32_WIDTH(vectors, k, m) ((vectors) >= 2 ? 2 : 1)
#define SLIM_GEMM_U8_TILES(X) X(2, 4, 2, 1) X(1, 4, 2, 1)
#define SLIM_GEMM_U8_WIDTH(vectors, k, m) ((vectors) >= 2 ? 2 : 1)
#else
#define SLIM_GEMM_F32_TILES(X) X(4, 4, 4, 1, 1) X(1, 4, 4, 1, 1)
#define SLIM_GEMM_F32_WIDTH(vectors, k, m) ((vectors) >= 4 ? 4 : 1)
#define SLIM_GEMM_U8_TILES(X) X(2, 2, 1, 1) X(1, 2, 1, 1)
#define SLIM_GEMM_U8_WIDTH(vectors, k, m) ((vectors) >= 2 ? 2 : 1)
#endif

#include "isa/parts.h"
