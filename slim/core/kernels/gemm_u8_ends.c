/* Products whose outputs end in half a vector: that half of two rows shares one. Included by `gemm_u8.c` for AVX-512 VNNI.
 *
 * Words of two rows are there to be multiplied with the whole vectors before it; a blend makes the word of both. */

#define SLIM_ENDS_ROWS 8   /* of a tile */

/* Rows from `row` on, of nv whole vectors from `vector` on and the half behind them. */
SLIM_TILE void SLIM_NAME(slim_gemm_u8_ends_tile)(const slim_gemm_u8_task *task, size_t row, size_t vector, const int nv)
{
    const int mr = SLIM_ENDS_ROWS;
    const size_t long_taps = task->taps, taps = long_taps + task->rests;
    const size_t panel_stride = (long_taps * slim_ceil_div(task->k, 4) + task->rests * slim_ceil_div(task->rest, 4))
        * (4 * SLIM_PANEL);
    const uint8_t *const *rows = task->rows + row * taps;
    const SLIM_BYTES bytes = SLIM_BYTES_OF(task->lo, task->hi, task->zero_point);
    const int8_t *weights[3];
    SLIM_VI acc[SLIM_ENDS_ROWS][2], ends[SLIM_ENDS_ROWS / 2];
    SLIM_VF multiplier[3];
    int i, v;
    SLIM_UNROLL
    for (v = 0; v <= nv; v++) {
        const int32_t *table = task->channels + (vector + (size_t)v) * (3 * SLIM_PANEL);
        const SLIM_VI bias = v < nv ? SLIM_VI_LOAD(table) : SLIM_VI_LOAD_TWICE(table);
        multiplier[v] = v < nv ? SLIM_VF_LOAD_BITS(table + 2 * SLIM_PANEL)
                               : SLIM_VI_AS_VF(SLIM_VI_LOAD_TWICE(table + 2 * SLIM_PANEL));
        weights[v] = task->weights + (vector + (size_t)v) * panel_stride;
        SLIM_UNROLL
        for (i = 0; i < mr; i++) {
            if (v < nv)
                acc[i][v] = bias;
            else if (i % 2 == 0)
                ends[i / 2] = bias;
        }
    }
    for (size_t tap = 0; tap < taps; tap++) {
        const size_t k = tap < long_taps ? task->k : task->rest;
        const uint8_t *x[SLIM_ENDS_ROWS];
        SLIM_UNROLL
        for (i = 0; i < mr; i++)
            x[i] = rows[(size_t)i * taps + tap];
        for (size_t j = 0; j < k; j += 4) {
            const SLIM_VI half = SLIM_VI_LOAD_TWICE(weights[nv]);
            SLIM_VI w[2], word[2];
            SLIM_UNROLL
            for (v = 0; v < nv; v++)
                w[v] = SLIM_VI_LOAD(weights[v]);
            SLIM_UNROLL
            for (v = 0; v <= nv; v++)
                weights[v] += 4 * SLIM_PANEL;
            SLIM_UNROLL
            for (i = 0; i < mr; i++) {
                word[i % 2] = SLIM_DOT_LOAD_X(x[i] + j);
                SLIM_UNROLL
                for (v = 0; v < nv; v++)
                    acc[i][v] = SLIM_DOT(word[i % 2], w[v], acc[i][v]);
                if (i % 2)
                    ends[i / 2] = SLIM_DOT(SLIM_VI_HALVES(word[0], word[1]), half, ends[i / 2]);
            }
        }
    }
    uint8_t *out = (uint8_t *)task->out + row * task->out_stride + vector * SLIM_LANES;
    SLIM_VF y[4];
    SLIM_UNROLL
    for (i = 0; i < mr; i += 4 / nv) {
        SLIM_UNROLL
        for (v = 0; v < 4; v++)
            y[v] = SLIM_VF_MUL(SLIM_VI_TO_VF(acc[i + v / nv][v % nv]), multiplier[v % nv]);
        SLIM_BYTES_STORE_ROWS(out + (size_t)i * task->out_stride, task->out_stride, y, nv, SLIM_LANES, bytes);
    }
    SLIM_UNROLL
    for (v = 0; v < 4; v++)
        y[v] = SLIM_VF_MUL(SLIM_VI_TO_VF(ends[v]), multiplier[nv]);
    SLIM_BYTES_STORE_HALVES(out + nv * SLIM_LANES, task->out_stride, y, bytes);
}

#define SLIM_GEMM_U8_END(nv) \
    SLIM_STEP void SLIM_NAME(slim_gemm_u8_ends_step_##nv)(const slim_gemm_u8_task *task, size_t row, size_t vector) \
    { \
        SLIM_NAME(slim_gemm_u8_ends_tile)(task, row, vector, nv); \
    } \
    SLIM_STEP void SLIM_NAME(slim_gemm_u8_ends_##nv)(const slim_gemm_u8_task *task, size_t vector) \
    { \
        for (size_t row = 0; row < task->m; row += SLIM_ENDS_ROWS)   /* the last ones again */ \
            SLIM_NAME(slim_gemm_u8_ends_step_##nv)(task, SLIM_MIN(row, task->m - SLIM_ENDS_ROWS), vector); \
    }
SLIM_GEMM_U8_ENDS(SLIM_GEMM_U8_END)
#undef SLIM_GEMM_U8_END

/* All vectors that are left, from `vector` on, where there is a tile of as many and they end in a half. */
SLIM_STEP int SLIM_NAME(slim_gemm_u8_ends)(const slim_gemm_u8_task *task, size_t vector)
{
    const size_t left = task->n - vector * SLIM_LANES;
    if (task->float_output || task->m < SLIM_ENDS_ROWS)
        return 0;
#define SLIM_GEMM_U8_END(nv) \
    if (left == nv * SLIM_LANES + SLIM_LANES / 2) { \
        SLIM_NAME(slim_gemm_u8_ends_##nv)(task, vector); \
        return 1; \
    }
    SLIM_GEMM_U8_ENDS(SLIM_GEMM_U8_END)
#undef SLIM_GEMM_U8_END
    return 0;
}
#undef SLIM_ENDS_ROWS
