/* The functions that activations are made of, element by element. Included by `isa/ISA.c`, once an instruction set.
 *
 * Plain C on blocks of a fixed size, which compilers turn into the vectors of the target, and GELU, which transformers wait
 * for, in vector words. No product is contracted into a sum, so every instruction set gives the same bits. */
#include "ops/approximate.h"
#include "ops/lanes.h"
#include "ops/unary.h"

#define SLIM_UNARY_LOOP(expression)                  \
    for (size_t i = 0; i < SLIM_LANE_BLOCK; i++) {       \
        float x = block[i];                          \
        block[i] = expression;                       \
    }                                                \
    break

SLIM_STEP void SLIM_NAME(slim_unary_f32_block)(int mode, float alpha, float beta, float *__restrict block)
{
    switch (mode) {
    case UNARY_CLIP:
        for (size_t i = 0; i < SLIM_LANE_BLOCK; i++) {
            float v = block[i] > alpha ? block[i] : alpha;
            block[i] = v < beta ? v : beta;
        }
        break;
    case UNARY_HARD_SIGMOID:
        for (size_t i = 0; i < SLIM_LANE_BLOCK; i++) {
            float v = alpha * block[i] + beta;
            v = v > 0.0f ? v : 0.0f;
            v = v < 1.0f ? v : 1.0f;
            block[i] = v;
        }
        break;
    case UNARY_SIGMOID: SLIM_UNARY_LOOP(slim_sigmoid(x));
    case UNARY_TANH: SLIM_UNARY_LOOP(slim_tanh(x));
    case UNARY_EXP: SLIM_UNARY_LOOP(slim_exp(x));
    case UNARY_ERF: SLIM_UNARY_LOOP(slim_erf(x));
    case UNARY_GELU_TANH: SLIM_UNARY_LOOP(0.5f * x * (1.0f + slim_tanh(0.797884561f * (x + 0.044715f * x * x * x))));
    default: SLIM_UNARY_LOOP(x * slim_sigmoid(alpha * x));
    }
}
#undef SLIM_UNARY_LOOP

/* x (1 + erf(x / sqrt 2)) / 2, by slim_erf's quotient with both factors in its coefficients. */
SLIM_TILE SLIM_VF SLIM_NAME(slim_gelu)(SLIM_VF x)
{
    static const float above[] = { 6.295089406e-06f, 1.664181909e-04f, 4.662371706e-03f, 3.365939856e-02f, 3.989422619e-01f };
    static const float below[] = { 7.265849126e-05f, 1.871151151e-03f, 2.852726541e-02f, 2.510379851e-01f, 1.0f };
    SLIM_VF z = SLIM_VF_MIN(SLIM_VF_SPLAT(5.54f), SLIM_VF_MAX(SLIM_VF_SPLAT(-5.54f), x));   /* a NaN stays */
    SLIM_VF u = SLIM_VF_MUL(z, z), p = SLIM_VF_SPLAT(2.265056409e-08f), q = SLIM_VF_SPLAT(1.190369517e-06f);
    SLIM_UNROLL
    for (int i = 0; i < 5; i++) {
        p = SLIM_VF_ADD(SLIM_VF_MUL(p, u), SLIM_VF_SPLAT(above[i]));
        q = SLIM_VF_ADD(SLIM_VF_MUL(q, u), SLIM_VF_SPLAT(below[i]));
    }
    SLIM_VF share = SLIM_VF_ADD(SLIM_VF_DIV(SLIM_VF_MUL(z, p), q), SLIM_VF_SPLAT(0.5f));   /* below 0 at -5.54 */
    return SLIM_VF_MUL(x, SLIM_VF_MAX(SLIM_VF_SPLAT(0.0f), share));
}

SLIM_STEP void SLIM_NAME(slim_gelu_all)(float *y, const float *x, size_t n)
{
    const size_t whole = n - n % SLIM_LANES, rest = n - whole;
    SLIM_ROLL
    for (size_t at = 0; at < whole; at += SLIM_LANES)
        SLIM_VF_STORE(y + at, SLIM_NAME(slim_gelu)(SLIM_VF_LOAD(x + at)));
    if (rest)
        SLIM_VF_STORE_PART(y + whole, rest, SLIM_NAME(slim_gelu)(SLIM_VF_LOAD_PART(x + whole, rest)));
}

SLIM_STEP void SLIM_NAME(slim_unary_f32)(int mode, float alpha, float beta, float *y, const float *x, size_t n)
{
    float block[SLIM_LANE_BLOCK];
    if (mode == UNARY_GELU) {
        SLIM_NAME(slim_gelu_all)(y, x, n);
        return;
    }
    for (size_t at = 0; at < n; at += SLIM_LANE_BLOCK) {
        size_t count = SLIM_MIN(SLIM_LANE_BLOCK, n - at);
        if (count < SLIM_LANE_BLOCK)
            __builtin_memset(block, 0, sizeof block);
        slim_copy_lanes(block, x + at, count);
        SLIM_NAME(slim_unary_f32_block)(mode, alpha, beta, block);
        slim_copy_lanes(y + at, block, count);
    }
}
