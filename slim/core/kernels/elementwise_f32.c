/* Sums, products and hard swish element by element; see kernels.h. Included by `isa/ISA.c`, once an instruction set. */
SLIM_TILE void SLIM_NAME(slim_elementwise_f32_vectors)(const int mode, const float *a, const float *b, float *out, size_t at,
                                                       size_t end, size_t lanes)
{
    const SLIM_VF zero = SLIM_VF_SPLAT(0.0f), half = SLIM_VF_SPLAT(0.5f), one = SLIM_VF_SPLAT(1.0f);
    const SLIM_VF sixth = SLIM_VF_SPLAT(1.0f / 6.0f);
    SLIM_ROLL
    for (; at < end; at += SLIM_LANES) {
        SLIM_VF x = SLIM_VF_LOAD_PART(a + at, lanes), y;
        if (mode == SLIM_ELEMENTWISE_ADD)
            y = SLIM_VF_ADD(x, SLIM_VF_LOAD_PART(b + at, lanes));
        else if (mode == SLIM_ELEMENTWISE_MULTIPLY)
            y = SLIM_VF_MUL(x, SLIM_VF_LOAD_PART(b + at, lanes));
        else
            y = SLIM_VF_MUL(x, SLIM_VF_MIN(SLIM_VF_MAX(SLIM_VF_FMA(x, sixth, half), zero), one));
        SLIM_VF_STORE_PART(out + at, lanes, y);
    }
}

SLIM_TILE void SLIM_NAME(slim_elementwise_f32_all)(const int mode, const float *a, const float *b, float *out, size_t count)
{
    const size_t whole = count - count % SLIM_LANES;
    SLIM_NAME(slim_elementwise_f32_vectors)(mode, a, b, out, 0, whole, SLIM_LANES);
    SLIM_NAME(slim_elementwise_f32_vectors)(mode, a, b, out, whole, count, count - whole);
}

SLIM_STEP void SLIM_NAME(slim_elementwise_f32)(int mode, const float *a, const float *b, float *out, size_t count)
{
    if (mode == SLIM_ELEMENTWISE_ADD)
        SLIM_NAME(slim_elementwise_f32_all)(SLIM_ELEMENTWISE_ADD, a, b, out, count);
    else if (mode == SLIM_ELEMENTWISE_MULTIPLY)
        SLIM_NAME(slim_elementwise_f32_all)(SLIM_ELEMENTWISE_MULTIPLY, a, b, out, count);
    else
        SLIM_NAME(slim_elementwise_f32_all)(SLIM_ELEMENTWISE_HARD_SWISH, a, b, out, count);
}
