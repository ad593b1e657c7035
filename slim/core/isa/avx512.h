/* Vector words of AVX-512 (F, BW, DQ, VL: Intel Skylake-X and later). Bytes are multiplied as 16-bit integers. */
#include "isa/begin.h"

#define SLIM_ISA_SUFFIX avx512
#define SLIM_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma" SLIM_TUNE)))

#include "isa/avx512_words.h"

/* Four products a lane, as two 16-bit multiply-adds: of the even bytes, and of the odd ones. */
typedef struct slim_dot_avx512 {
    __m512i even, odd;
} slim_dot_avx512;

SLIM_TILE slim_dot_avx512 slim_dot_weights_avx512(const int8_t *p)
{
    slim_dot_avx512 w;
    __m512i bytes = SLIM_VI_LOAD(p);
    w.even = _mm512_srai_epi16(_mm512_slli_epi16(bytes, 8), 8);
    w.odd = _mm512_srai_epi16(bytes, 8);
    return w;
}

SLIM_TILE slim_dot_avx512 slim_dot_input_avx512(const uint8_t *p)
{
    slim_dot_avx512 x;
    int32_t four;
    __builtin_memcpy(&four, p, 4);
    __m512i bytes = _mm512_set1_epi32(four);
    x.even = _mm512_and_si512(bytes, _mm512_set1_epi16(255));
    x.odd = _mm512_srli_epi16(bytes, 8);
    return x;
}

#define SLIM_DOT_W slim_dot_avx512
#define SLIM_DOT_X slim_dot_avx512
#define SLIM_DOT_LOAD_W(p) slim_dot_weights_avx512(p)
#define SLIM_DOT_LOAD_X(p) slim_dot_input_avx512(p)
#define SLIM_DOT(x, w, a) \
    _mm512_add_epi32((a), _mm512_add_epi32(_mm512_madd_epi16((x).even, (w).even), _mm512_madd_epi16((x).odd, (w).odd)))
#define SLIM_DOT_ACC SLIM_VI
#define SLIM_DOT_START(bias) (bias)
#define SLIM_DOT_SUM(a) (a)
#define SLIM_DOT_SIGNED 0

/* Two rows of a window: bytes of both in turn, to become 16-bit integers. */
SLIM_TILE __m256i slim_pair_avx512(const void *p, const void *q)
{
    __m128i a = _mm_loadu_si128((const __m128i *)p), b = _mm_loadu_si128((const __m128i *)q);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_unpacklo_epi8(a, b)), _mm_unpackhi_epi8(a, b), 1);
}

#define SLIM_WIDE 16
#define SLIM_DEPTH 2
#define SLIM_WIDE_ACC __m512i
#define SLIM_WIDE_X __m512i
#define SLIM_WIDE_W __m512i
#define SLIM_WIDE_START(table) SLIM_VI_LOAD(table)
#define SLIM_WIDE_LOAD_X(p) _mm512_cvtepu8_epi16(slim_pair_avx512((p)[0], (p)[1]))
#define SLIM_WIDE_LOAD_W(p) _mm512_cvtepi8_epi16(slim_pair_avx512((p)[0], (p)[1]))
#define SLIM_WIDE_MULADD(x, w, a) _mm512_add_epi32((a), _mm512_madd_epi16((x), (w)))
#define SLIM_WIDE_PART(a, i) (a)

#define SLIM_GEMM_U8_TILES(X) X(1, 14, 4, 1) X(2, 10, 3, 1)
#define SLIM_GEMM_U8_WIDTH(vectors, k, m) ((vectors) >= 2 ? 2 : 1)
