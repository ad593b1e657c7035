/* Vector words of AVX2 with AVX-VNNI (Intel Alder Lake and the N series, AMD Zen 5, and later). Floats are AVX2's: where a
 * single file has both sets, only the kernels that multiply bytes are compiled for this one, too. */
#include "isa/begin.h"

#define SLIM_ISA_SUFFIX avxvnni
#define SLIM_TARGET __attribute__((target("avx2,fma")))
#if defined(SLIM_SINGLE_FILE) && SLIM_HAS_ISA_AVX2
#define SLIM_FROM_AVX2 1
#endif

#include "isa/avx2_words.h"

#if SLIM_KNOWS_AVXVNNI
/* vpdpbusd and vpdpwssd as text, which names the encoding: assemblers take that of AVX-512 otherwise, which tests ask for, to run
 * these kernels where there is AVX-512 VNNI. */
#if defined(SLIM_AVXVNNI_EVEX)
#define SLIM_VNNI "%{evex%} "
#else
#define SLIM_VNNI "%{vex%} "
#endif

#include "isa/vnni_dot.h"

SLIM_TILE __m256i slim_dot_words_avxvnni(__m256i x, __m256i w, __m256i acc)
{
    __asm__(SLIM_VNNI "vpdpwssd %2, %1, %0" : "+x"(acc) : "x"(x), "x"(w));
    return acc;
}

#undef SLIM_WIDE_MULADD
#define SLIM_WIDE_MULADD(x, w, a) slim_dot_words_avxvnni((x), (w), (a))

#define SLIM_GEMM_U8_TILES(X) X(2, 6, 3, 1) X(1, 12, 4, 1)
#define SLIM_GEMM_U8_WIDTH(vectors, k, m) ((vectors) >= 2 ? 2 : 1)
#else
#include "isa/avx2_dot.h"   /* which nothing chooses (isa/select.c) */
#endif
