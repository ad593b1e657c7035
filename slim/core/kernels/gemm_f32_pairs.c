/* fp32 matrix products of 17 to 24 output channels with 16 lanes; included by `kernels/gemm_f32.c`.
 *
 * 24 channels are one and a half vectors, and an instruction of half a vector costs more than half the time. For two inputs
 * at once they are three whole ones: lanes take turns between the products of even and of odd k, which are added in the end.
 * That is another order of the sums, so only where no thread count makes it another number of channels. */
#define SLIM_PAIRS_ROWS 9

/* Rows `row` to row + mr, the last two panels from `vector` on. */
SLIM_TILE void SLIM_NAME(slim_gemm_f32_pairs_tile)(const slim_gemm_f32_task *task, size_t row, size_t vector, const int mr)
{
    const size_t taps = task->taps, k = task->k, channel = vector * SLIM_LANES;
    const float *weights = task->weights + vector * taps * k * SLIM_PANEL, *more = weights + taps * k * SLIM_PANEL;
    const float *const *rows = task->rows + row * taps;
    float *out = task->out + row * task->out_stride + channel;
    const float *bias = task->bias + channel, *residual = task->residual;
    const size_t last = task->n - channel - SLIM_LANES;   /* lanes of the second vector */
    const SLIM_VF zero = SLIM_VF_SPLAT(0.0f), first = SLIM_VF_LOAD(bias), second = SLIM_VF_LOAD(bias + SLIM_LANES);
    SLIM_VF lo, hi, acc[SLIM_PAIRS_ROWS][3];
    int i, v, adds = residual != NULL;
    SLIM_UNROLL
    for (i = 0; i < mr; i++) {
        acc[i][0] = SLIM_VF_TURNS_LOW(first, zero);
        acc[i][1] = SLIM_VF_TURNS_HIGH(first, zero);
        acc[i][2] = SLIM_VF_TURNS_HALF(second, zero);
    }
    for (size_t tap = 0; tap < taps; tap++) {
        const float *const *from = rows + tap, *x[SLIM_PAIRS_ROWS];
        SLIM_UNROLL
        for (i = 0; i < mr; i++) {
            __asm__("" : "+r"(from));   /* as in gemm_f32.c */
            x[i] = *from;
            from += taps;
        }
        for (size_t j = 0; j < k; j += 2, weights += 2 * SLIM_PANEL, more += 2 * SLIM_PANEL) {
            SLIM_VF w[3];
            w[0] = SLIM_VF_TURNS_LOW(SLIM_VF_LOAD(weights), SLIM_VF_LOAD(weights + SLIM_PANEL));
            w[1] = SLIM_VF_TURNS_HIGH(SLIM_VF_LOAD(weights), SLIM_VF_LOAD(weights + SLIM_PANEL));
            w[2] = SLIM_VF_TURNS_HALF(SLIM_VF_LOAD(more), SLIM_VF_LOAD(more + SLIM_PANEL));
            SLIM_UNROLL
            for (i = 0; i < mr; i++) {
                const SLIM_VF two = SLIM_VF_SPLAT_TWO(x[i] + j);
                SLIM_UNROLL
                for (v = 0; v < 3; v++)
                    acc[i][v] = SLIM_VF_FMA(two, w[v], acc[i][v]);
            }
        }
    }
    lo = SLIM_VF_SPLAT(task->lo);
    hi = SLIM_VF_SPLAT(task->hi);
    if (adds)
        residual += row * task->residual_stride + channel;
    SLIM_UNROLL
    for (i = 0; i < mr; i++) {
        SLIM_VF y = SLIM_VF_TURNS_SUM(acc[i][0], acc[i][1]), z = SLIM_VF_TURNS_SUM_HALF(acc[i][2]);
        __asm__("" : "+r"(adds));   /* a jump for each row: gcc would make the loop twice */
        if (adds) {
            y = SLIM_VF_ADD(y, SLIM_VF_LOAD(residual));
            z = SLIM_VF_ADD(z, SLIM_VF_LOAD_PART(residual + SLIM_LANES, last));
            residual += task->residual_stride;
        }
        SLIM_VF_STORE(out, SLIM_VF_MIN(SLIM_VF_MAX(y, lo), hi));
        SLIM_VF_STORE_PART(out + SLIM_LANES, last, SLIM_VF_MIN(SLIM_VF_MAX(z, lo), hi));
        out += task->out_stride;
    }
}

SLIM_STEP void SLIM_NAME(slim_gemm_f32_pairs_many)(const slim_gemm_f32_task *task, size_t row, size_t vector)
{
    SLIM_NAME(slim_gemm_f32_pairs_tile)(task, row, vector, SLIM_PAIRS_ROWS);
}

SLIM_STEP void SLIM_NAME(slim_gemm_f32_pairs_one)(const slim_gemm_f32_task *task, size_t row, size_t vector)
{
    SLIM_NAME(slim_gemm_f32_pairs_tile)(task, row, vector, 1);
}

/* All rows; the last tile reaches back over some that are done, unless what it adds is already there. */
SLIM_STEP void SLIM_NAME(slim_gemm_f32_pairs)(const slim_gemm_f32_task *task, size_t vector)
{
    size_t row = 0;
    for (; row + SLIM_PAIRS_ROWS <= task->m; row += SLIM_PAIRS_ROWS)
        SLIM_NAME(slim_gemm_f32_pairs_many)(task, row, vector);
    if (row < task->m && row && task->residual != task->out) {
        SLIM_NAME(slim_gemm_f32_pairs_many)(task, task->m - SLIM_PAIRS_ROWS, vector);
        row = task->m;
    }
    for (; row < task->m; row++)
        SLIM_NAME(slim_gemm_f32_pairs_one)(task, row, vector);
}
#undef SLIM_PAIRS_ROWS
