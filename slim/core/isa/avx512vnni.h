/* Vector words of AVX-512 with VNNI (Intel Ice Lake and Cascade Lake, AMD Zen 4, and later). */
#include "isa/begin.h"

#define SLIM_ISA_SUFFIX avx512vnni
#define SLIM_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")))

#include "isa/avx512_words.h"

/* vpdpbusd as text: around the intrinsic gcc 12 spills accumulators, which halves the speed of a tile. */
SLIM_TILE __m512i slim_dot_avx512vnni(__m512i x, __m512i w, __m512i acc)
{
    __asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(x), "v"(w));
    return acc;
}

SLIM_TILE __m512i slim_dot_input_avx512vnni(const uint8_t *p)
{
    int32_t four;
    __builtin_memcpy(&four, p, 4);
    return _mm512_set1_epi32(four);
}

#define SLIM_DOT_W __m512i
#define SLIM_DOT_X __m512i
#define SLIM_DOT_LOAD_W(p) SLIM_VI_LOAD(p)
#define SLIM_DOT_LOAD_X(p) slim_dot_input_avx512vnni(p)
#define SLIM_DOT(x, w, a) slim_dot_avx512vnni((x), (w), (a))
#define SLIM_DOT_ACC SLIM_VI
#define SLIM_DOT_ZERO SLIM_VI_SPLAT(0)
#define SLIM_DOT_SUM(a) (a)
#define SLIM_DOT_SIGNED 0

#define SLIM_GEMM_U8_TILES(X) X(1, 14, 4, 1) X(2, 12, 4, 1) X(3, 9, 3, 1) X(4, 6, 2, 1)
#define SLIM_GEMM_U8_WIDTH(vectors, k) \
    ((vectors) % 4 == 0 ? 4 : (vectors) % 3 == 0 ? 3 : (vectors) >= 2 ? 2 : 1)
