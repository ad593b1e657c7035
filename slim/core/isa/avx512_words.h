/* Vector words that AVX-512 has with and without VNNI: 32 registers of 16 lanes. */
#include <immintrin.h>

#define SLIM_LANES 16

#define SLIM_VF __m512
#define SLIM_KEEP(v) __asm__("" : "+v"(v))   /* in its register: gcc would load it for each use */
#define SLIM_VF_LOAD(p) _mm512_loadu_ps(p)
#define SLIM_VF_LOAD_BITS(p) _mm512_castsi512_ps(SLIM_VI_LOAD(p))
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
#define SLIM_VI_STORE_U8(p, v) _mm_storeu_si128((__m128i *)(void *)(p), _mm512_cvtepi32_epi8(v))

/* A masked byte store is slow, so whole vectors go without a mask. */
#define SLIM_VI_STORE_U8_PART(p, count, v) SLIM_NAME(slim_store_u8_part)((p), (count), (v))
SLIM_TILE void SLIM_NAME(slim_store_u8_part)(uint8_t *p, size_t count, __m512i v)
{
    if (count == SLIM_LANES)
        SLIM_VI_STORE_U8(p, v);
    else
        _mm_mask_storeu_epi8((void *)p, (__mmask16)((1u << count) - 1), _mm512_cvtepi32_epi8(v));
}

#define SLIM_GEMM_F32_TILES(X) X(1, 14, 4, 1) X(2, 12, 4, 1) X(3, 9, 3, 1) X(4, 6, 2, 1)
#define SLIM_GEMM_F32_WIDTH(vectors, k, m) \
    ((vectors) % 3 == 0 ? 3 : (k) <= 32 && (vectors) % 4 == 0 ? 4 : (vectors) >= 2 ? 2 : 1)
