/* Vector words of NEON with the dot product (Armv8.2 and later: Cortex-A55, A76, Apple A11, ...). */
#include "isa/begin.h"

#define SLIM_ISA_SUFFIX neondot
#define SLIM_TARGET

#include "isa/neon_words.h"

/* As text, because compilers disagree on how a function asks for the extension. */
SLIM_TILE int32x4_t slim_dot_neondot(int8x16_t x, int8x16_t w, int32x4_t acc)
{
    __asm__(".arch armv8.2-a+dotprod\n\tsdot %0.4s, %1.16b, %2.16b" : "+w"(acc) : "w"(x), "w"(w));
    return acc;
}

#define SLIM_DOT_ACC int32x4_t
#define SLIM_DOT_W int8x16_t
#define SLIM_DOT_X int8x16_t
#define SLIM_DOT_LOAD_W(p) vld1q_s8(p)
#define SLIM_DOT_LOAD_X(p) slim_dot_input_neondot(p)
#define SLIM_DOT(x, w, a) slim_dot_neondot((x), (w), (a))
#define SLIM_DOT_START(bias) (bias)
#define SLIM_DOT_SUM(a) (a)

#define SLIM_GEMM_U8_TILES(X) X(4, 6, 2, 1) X(2, 8, 4, 1) X(1, 8, 4, 1)
#define SLIM_GEMM_U8_WIDTH(vectors, k, m) ((vectors) >= 4 ? 4 : (vectors) >= 2 ? 2 : 1)

#include "isa/parts.h"
