/* The functions that activations are made of, element by element. Included by `isa/ISA.c`, once an instruction set.
 *
 * Plain C on blocks of a fixed size, which compilers turn into the vectors of the target: no product is contracted into a
 * sum, so every instruction set gives the same bits. */
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
    case UNARY_GELU: SLIM_UNARY_LOOP(0.5f * x * (1.0f + slim_erf(x * 0.707106781f)));
    case UNARY_GELU_TANH: SLIM_UNARY_LOOP(0.5f * x * (1.0f + slim_tanh(0.797884561f * (x + 0.044715f * x * x * x))));
    default: SLIM_UNARY_LOOP(x * slim_sigmoid(alpha * x));
    }
}
#undef SLIM_UNARY_LOOP

SLIM_STEP void SLIM_NAME(slim_unary_f32)(int mode, float alpha, float beta, float *y, const float *x, size_t n)
{
    float block[SLIM_LANE_BLOCK];
    for (size_t at = 0; at < n; at += SLIM_LANE_BLOCK) {
        size_t count = SLIM_MIN(SLIM_LANE_BLOCK, n - at);
        if (count < SLIM_LANE_BLOCK)
            __builtin_memset(block, 0, sizeof block);
        slim_copy_lanes(block, x + at, count);
        SLIM_NAME(slim_unary_f32_block)(mode, alpha, beta, block);
        slim_copy_lanes(y + at, block, count);
    }
}
