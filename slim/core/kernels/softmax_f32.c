/* Softmax of contiguous rows. Included by `isa/ISA.c`, once an instruction set. Sums are kept in sixteen lanes and folded in one
 * order, so that every instruction set gives the same bits.
 *
 * A row of attention is as short as the chain from its largest value to its sum is long: a few rows take each step together. */
#include "ops/approximate.h"
#include "ops/lanes.h"

/* The largest values of a row, in lanes. */
SLIM_TILE void SLIM_NAME(slim_largest)(const float *x, size_t n, float *lanes)
{
    SLIM_VF largest[SLIM_VECTORS];
    size_t i = 0;
    SLIM_UNROLL
    for (int v = 0; v < SLIM_VECTORS; v++)
        largest[v] = SLIM_VF_SPLAT(x[0]);
    SLIM_ROLL
    for (; i + SLIM_PANEL <= n; i += SLIM_PANEL) {
        SLIM_UNROLL
        for (int v = 0; v < SLIM_VECTORS; v++)
            largest[v] = SLIM_VF_MAX(SLIM_VF_LOAD(x + i + v * SLIM_LANES), largest[v]);
    }
    SLIM_UNROLL
    for (int v = 0; v < SLIM_VECTORS; v++)
        SLIM_VF_STORE(lanes + v * SLIM_LANES, largest[v]);
    SLIM_ROLL
    for (size_t j = 0; i + j < n; j++)
        lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
}

/* e^x for x <= 0 as slim_exp, but 0 from -87.7 down: two to the power of -127 is. */
SLIM_TILE SLIM_VF SLIM_NAME(slim_exp_below)(SLIM_VF x)
{
    static const float factors[] = { 8.375635549e-03f, 4.166828808e-02f, 1.666641036e-01f, 4.999999160e-01f, 1.0f, 1.0f };
    SLIM_VF clamped = SLIM_VF_MAX(SLIM_VF_SPLAT(-88.0f), x);   /* a NaN stays */
    SLIM_VF t = SLIM_VF_ADD(SLIM_VF_MUL(clamped, SLIM_VF_SPLAT(1.44269504f)), SLIM_VF_SPLAT(12582912.0f));
    SLIM_VF n = SLIM_VF_ADD(t, SLIM_VF_SPLAT(-12582912.0f)), p = SLIM_VF_SPLAT(1.383580951e-03f);
    SLIM_VF r = SLIM_VF_ADD(clamped, SLIM_VF_MUL(n, SLIM_VF_SPLAT(-0.693359375f)));
    r = SLIM_VF_ADD(r, SLIM_VF_MUL(n, SLIM_VF_SPLAT(2.12194440e-4f)));
    SLIM_UNROLL
    for (int i = 0; i < 6; i++)
        p = SLIM_VF_ADD(SLIM_VF_MUL(p, r), SLIM_VF_SPLAT(factors[i]));
    return SLIM_VF_MUL(p, SLIM_VF_POWER(t));
}

/* A panel of e^(x - largest), added to the sums of its lanes. */
SLIM_TILE void SLIM_NAME(slim_softmax_panel)(float *y, const float *x, SLIM_VF shift, SLIM_VF *sum)
{
    SLIM_UNROLL
    for (int v = 0; v < SLIM_VECTORS; v++) {
        SLIM_VF e = SLIM_NAME(slim_exp_below)(SLIM_VF_ADD(SLIM_VF_LOAD(x + v * SLIM_LANES), shift));
        SLIM_VF_STORE(y + v * SLIM_LANES, e);
        sum[v] = SLIM_VF_ADD(sum[v], e);
    }
}

#define SLIM_SOFTMAX_ROWS ((size_t)8)

/* y = e^(x - largest) of one row. Lanes: in, its largest values, and out, its sums. */
SLIM_TILE void SLIM_NAME(slim_softmax_powers)(float *y, const float *x, size_t n, float *lanes)
{
    const size_t whole = n - n % SLIM_PANEL;
    const SLIM_VF shift = SLIM_VF_SPLAT(-slim_lanes_largest(lanes));
    SLIM_VF sum[SLIM_VECTORS];
    SLIM_UNROLL
    for (int v = 0; v < SLIM_VECTORS; v++)
        sum[v] = SLIM_VF_SPLAT(0.0f);
    SLIM_ROLL
    for (size_t at = 0; at < whole; at += SLIM_PANEL)
        SLIM_NAME(slim_softmax_panel)(y + at, x + at, shift, sum);
    if (whole < n) {
        for (size_t i = 0; i < SLIM_PANEL; i++)
            lanes[i] = -slim_infinity();   /* e^x is 0 there */
        SLIM_ROLL
        for (size_t i = whole; i < n; i++)
            lanes[i - whole] = x[i];
        SLIM_NAME(slim_softmax_panel)(lanes, lanes, shift, sum);
        SLIM_ROLL
        for (size_t i = whole; i < n; i++)
            y[i] = lanes[i - whole];
    }
    SLIM_UNROLL
    for (int v = 0; v < SLIM_VECTORS; v++)
        SLIM_VF_STORE(lanes + v * SLIM_LANES, sum[v]);
}

/* x and y may be the same memory: after the largest is known everything happens in y. */
SLIM_STEP void SLIM_NAME(slim_softmax_f32)(float *y, const float *x, size_t rows, size_t n)
{
    float lanes[SLIM_SOFTMAX_ROWS][SLIM_PANEL];
    for (size_t some; rows; rows -= some, x += some * n, y += some * n) {
        some = SLIM_MIN(rows, SLIM_SOFTMAX_ROWS);
        SLIM_ROLL
        for (size_t r = 0; r < some; r++)
            SLIM_NAME(slim_largest)(x + r * n, n, lanes[r]);
        SLIM_ROLL
        for (size_t r = 0; r < some; r++)
            SLIM_NAME(slim_softmax_powers)(y + r * n, x + r * n, n, lanes[r]);
        SLIM_ROLL
        for (size_t r = 0; r < some; r++) {
            const float factor = 1.0f / slim_lanes_fold(lanes[r]);
            float *row = y + r * n;
            size_t at = 0;
            SLIM_ROLL
            for (; at + SLIM_LANES <= n; at += SLIM_LANES)
                SLIM_VF_STORE(row + at, SLIM_VF_MUL(SLIM_VF_LOAD(row + at), SLIM_VF_SPLAT(factor)));
            SLIM_ROLL
            for (; at < n; at++)
                row[at] *= factor;
        }
    }
}
#undef SLIM_SOFTMAX_ROWS
