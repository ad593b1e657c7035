/* Vector words that AVX-512 has with and without VNNI: 32 registers of 16 lanes. */
#include <immintrin.h>

#define SLIM_LANES 16

#define SLIM_VF __m512
#define SLIM_VF_LOAD(p) _mm512_loadu_ps(p)
#define SLIM_VF_STORE(p, v) _mm512_storeu_ps((p), (v))
#define SLIM_VF_SPLAT(x) _mm512_set1_ps(x)
#define SLIM_VF_ADD(a, b) _mm512_add_ps((a), (b))
#define SLIM_VF_MUL(a, b) _mm512_mul_ps((a), (b))
#define SLIM_VF_FMA(x, w, a) _mm512_fmadd_ps((x), (w), (a))
#define SLIM_VF_MAX(a, b) _mm512_max_ps((a), (b))   /* a > b ? a : b */
#define SLIM_VF_MIN(a, b) _mm512_min_ps((a), (b))
#define SLIM_VF_LOAD_PART(p, count) _mm512_maskz_loadu_ps((__mmask16)((1u << (count)) - 1), (p))
#define SLIM_VF_STORE_PART(p, count, v) _mm512_mask_storeu_ps((p), (__mmask16)((1u << (count)) - 1), (v))

#define SLIM_VI __m512i
#define SLIM_VI_LOAD(p) _mm512_loadu_si512((const void *)(p))
#define SLIM_VI_STORE(p, v) _mm512_storeu_si512((void *)(p), (v))
#define SLIM_VI_SPLAT(x) _mm512_set1_epi32(x)
#define SLIM_VI_ADD(a, b) _mm512_add_epi32((a), (b))
#define SLIM_VI_TO_VF(a) _mm512_cvtepi32_ps(a)
#define SLIM_VF_ROUND(a) _mm512_cvtps_epi32(a)       /* to nearest, ties to even */
/* Bytes become 32-bit lanes; a product of two such fits 16 x 16 bits, which multiply-add does as one instruction. */
#define SLIM_VI_LOAD_U8(p) _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)(p)))
#define SLIM_VI_LOAD_S8(p) _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)(p)))
#define SLIM_VI_MULADD(x, w, a) _mm512_add_epi32((a), _mm512_madd_epi16((x), (w)))
#define SLIM_VI_STORE_U8(p, v) _mm_storeu_si128((__m128i *)(void *)(p), _mm512_cvtepi32_epi8(v))
#define SLIM_VI_STORE_U8_PART(p, count, v) \
    _mm512_mask_cvtepi32_storeu_epi8((void *)(p), (__mmask16)((1u << (count)) - 1), (v))

#define SLIM_GEMM_F32_TILES(X) X(1, 14, 4, 1) X(2, 12, 4, 1) X(3, 9, 3, 1) X(4, 6, 2, 1)
#define SLIM_GEMM_F32_WIDTH(vectors, k) \
    ((vectors) % 3 == 0 ? 3 : (k) <= 32 && (vectors) % 4 == 0 ? 4 : (vectors) >= 2 ? 2 : 1)
