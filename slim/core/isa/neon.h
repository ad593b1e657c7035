/* Vector words of NEON: every aarch64, and armv7 with NEON. */
#include "isa/begin.h"

#define SLIM_ISA_SUFFIX neon
#if defined(__arm__) && !defined(__ARM_NEON) && !defined(__clang__)
#define SLIM_TARGET __attribute__((target("fpu=neon")))
#else
#define SLIM_TARGET
#endif

#include "isa/neon_words.h"

/* Four products a lane: 8 bytes (2 channels) at a time to 16 bits, and those added up in pairs to 32. */
typedef struct slim_dot_sums_neon {
    int32x4_t low, high;
} slim_dot_sums_neon;

SLIM_TILE slim_dot_sums_neon slim_dot_start_neon(int32x4_t bias)
{
    slim_dot_sums_neon a;
    int32x4x2_t spread = vzipq_s32(bias, vdupq_n_s32(0));
    a.low = spread.val[0];
    a.high = spread.val[1];
    return a;
}

SLIM_TILE slim_dot_sums_neon slim_dot_neon(int8x16_t x, int8x16_t w, slim_dot_sums_neon a)
{
    a.low = vpadalq_s16(a.low, vmull_s8(vget_low_s8(x), vget_low_s8(w)));
    a.high = vpadalq_s16(a.high, vmull_s8(vget_low_s8(x), vget_high_s8(w)));
    return a;
}

SLIM_TILE int32x4_t slim_dot_sum_neon(slim_dot_sums_neon a)
{
    return vcombine_s32(vpadd_s32(vget_low_s32(a.low), vget_high_s32(a.low)),
                        vpadd_s32(vget_low_s32(a.high), vget_high_s32(a.high)));
}

#define SLIM_DOT_ACC slim_dot_sums_neon
#define SLIM_DOT_W int8x16_t
#define SLIM_DOT_X int8x16_t
#define SLIM_DOT_LOAD_W(p) vld1q_s8(p)
#define SLIM_DOT_LOAD_X(p) slim_dot_input_neon(p)
#define SLIM_DOT(x, w, a) slim_dot_neon((x), (w), (a))
#define SLIM_DOT_START(bias) slim_dot_start_neon(bias)
#define SLIM_DOT_SUM(a) slim_dot_sum_neon(a)

#if defined(__aarch64__)
#define SLIM_GEMM_U8_TILES(X) X(2, 6, 2, 1) X(1, 8, 4, 1)
#define SLIM_GEMM_U8_WIDTH(vectors, k, m) ((vectors) >= 2 ? 2 : 1)
#else
#define SLIM_GEMM_U8_TILES(X) X(1, 4, 2, 1)
#define SLIM_GEMM_U8_WIDTH(vectors, k, m) 1
#endif

#include "isa/parts.h"
