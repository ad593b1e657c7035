/* Vector words that AVX2 has with and without VNNI: 16 registers of 8 lanes. */
#include <immintrin.h>

#define SLIM_LANES 8

#define SLIM_VF __m256
#define SLIM_KEEP(v) __asm__("" : "+x"(v))   /* in its register: gcc would load it for each use */
#define SLIM_VF_LOAD(p) _mm256_loadu_ps(p)
#define SLIM_VF_LOAD_BITS(p) _mm256_castsi256_ps(SLIM_VI_LOAD(p))
#define SLIM_VF_STORE(p, v) _mm256_storeu_ps((p), (v))
#define SLIM_VF_SPLAT(x) _mm256_set1_ps(x)
#define SLIM_VF_ADD(a, b) _mm256_add_ps((a), (b))
#define SLIM_VF_SUB(a, b) _mm256_sub_ps((a), (b))
#define SLIM_VF_MUL(a, b) _mm256_mul_ps((a), (b))
#define SLIM_VF_DIV(a, b) _mm256_div_ps((a), (b))
#define SLIM_VF_FMA(x, w, a) _mm256_fmadd_ps((x), (w), (a))
#define SLIM_VF_MAX(a, b) _mm256_max_ps((a), (b))   /* a > b ? a : b */
#define SLIM_VF_MIN(a, b) _mm256_min_ps((a), (b))

#define SLIM_VI __m256i
#define SLIM_VI_LOAD(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define SLIM_VI_STORE(p, v) _mm256_storeu_si256((__m256i *)(void *)(p), (v))
#define SLIM_VI_SPLAT(x) _mm256_set1_epi32(x)
#define SLIM_VI_ADD(a, b) _mm256_add_epi32((a), (b))
#define SLIM_VI_MUL(a, b) _mm256_mullo_epi32((a), (b))
#define SLIM_VI_LOAD_U8(p) _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(p)))
#define SLIM_VI_TO_VF(a) _mm256_cvtepi32_ps(a)
#define SLIM_VF_POWER(t) \
    _mm256_castsi256_ps(_mm256_add_epi32(_mm256_slli_epi32(_mm256_castps_si256(t), 23), _mm256_set1_epi32(127 << 23)))
#define SLIM_VF_ROUND(a) _mm256_cvtps_epi32(a)       /* to nearest, ties to even */
#define SLIM_VI_STORE_U8(p, v) SLIM_NAME(slim_store_u8)((p), (v))

SLIM_TILE void SLIM_NAME(slim_store_u8)(void *p, __m256i v)
{
    __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    _mm_storel_epi64((__m128i *)p, _mm_packus_epi16(words, words));
}

/* Two rows of a window: bytes of both in turn, to become 16-bit integers. */
SLIM_TILE __m128i SLIM_NAME(slim_pair)(const void *p, const void *q)
{
    return _mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)p), _mm_loadl_epi64((const __m128i *)q));
}

#define SLIM_WIDE 8
#define SLIM_DEPTH 2
#define SLIM_WIDE_ACC __m256i
#define SLIM_WIDE_X __m256i
#define SLIM_WIDE_W __m256i
#define SLIM_WIDE_START(table) SLIM_VI_LOAD(table)
#define SLIM_WIDE_LOAD_X(p) _mm256_cvtepu8_epi16(SLIM_NAME(slim_pair)((p)[0], (p)[1]))
#define SLIM_WIDE_LOAD_W(p) _mm256_cvtepi8_epi16(SLIM_NAME(slim_pair)((p)[0], (p)[1]))
#define SLIM_WIDE_MULADD(x, w, a) _mm256_add_epi32((a), _mm256_madd_epi16((x), (w)))
#define SLIM_WIDE_PART(a, i) (a)

/* A single row (a dense layer) gets more vectors, to hide the latency of additions. */
#define SLIM_GEMM_F32_TILES(X) X(4, 1, 1, 1, 1) X(2, 6, 4, 1, 1) X(1, 8, 8, 1, 1)
#define SLIM_GEMM_F32_WIDTH(vectors, k, m) ((m) == 1 && (vectors) >= 4 ? 4 : (vectors) >= 2 ? 2 : 1)

#include "isa/parts.h"
