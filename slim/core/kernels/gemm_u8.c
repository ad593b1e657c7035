/* uint8 x int8 matrix product with requantization; see slim_gemm_u8_task. Included by `isa/ISA.c`. The tiles are as in
 * gemm_f32.c, with four steps of k in each 32-bit lane. */

/* Sums as floats, of a tile whose output is float. sums: [mr][nv] vectors. */
SLIM_STEP void SLIM_NAME(slim_gemm_u8_floats)(const slim_gemm_u8_task *task, const int32_t *sums, size_t row, size_t vector,
                                              int mr, int nv)
{
    const size_t channel = vector * SLIM_LANES;
    const SLIM_VF lo = SLIM_VF_SPLAT(task->lo), hi = SLIM_VF_SPLAT(task->hi);
    SLIM_ROLL
    for (int i = 0; i < mr; i++) {
        SLIM_ROLL
        for (int v = 0; v < nv; v++, sums += SLIM_LANES) {
            const size_t o = channel + (size_t)v * SLIM_LANES, lanes = SLIM_MIN(task->n - o, (size_t)SLIM_LANES);
            const int32_t *table = task->channels + o / SLIM_PANEL * (3 * SLIM_PANEL) + o % SLIM_PANEL;
            SLIM_VF x = SLIM_VF_MUL(SLIM_VI_TO_VF(SLIM_VI_LOAD(sums)), SLIM_VF_LOAD_BITS(table + 2 * SLIM_PANEL));
            SLIM_VF_STORE_PART((float *)task->out + (row + (size_t)i) * task->out_stride + o, lanes,
                               SLIM_VF_MIN(SLIM_VF_MAX(x, lo), hi));
        }
    }
}

/* Rows of a tile whose last vector is not whole: `bytes` of each, from rows of `step` bytes. */
SLIM_STEP void SLIM_NAME(slim_gemm_u8_part)(uint8_t *out, size_t stride, const uint8_t *from, size_t step, size_t bytes, int mr)
{
    SLIM_ROLL
    for (int i = 0; i < mr; i++, out += stride, from += step) {
        size_t at = 0;
        SLIM_ROLL
        for (; at + 8 <= bytes; at += 8) {
            __builtin_memcpy(out + at, from + at, 8);
            __asm__ volatile("" ::: "memory");   /* not to be vectorized: there are few */
        }
        SLIM_ROLL
        for (; at < bytes; at++) {
            out[at] = from[at];
            __asm__ volatile("" ::: "memory");
        }
    }
}

/* Requantize and store a tile, of floats only where `floats`. acc: [mr][nv] */
SLIM_TILE void SLIM_NAME(slim_gemm_u8_finish)(const slim_gemm_u8_task *task, SLIM_DOT_ACC (*acc)[8], size_t row, size_t vector,
                                              const int mr, const int nv, const int floats)
{
    const size_t channel = vector * SLIM_LANES;
    int i, v;
    if (floats && task->float_output) {
        int32_t sums[16 * 8 * SLIM_LANES] __attribute__((aligned(64)));
        SLIM_UNROLL
        for (i = 0; i < mr; i++) {
            SLIM_UNROLL
            for (v = 0; v < nv; v++)
                SLIM_VI_STORE(sums + (i * nv + v) * SLIM_LANES, SLIM_DOT_SUM(acc[i][v]));
        }
        SLIM_NAME(slim_gemm_u8_floats)(task, sums, row, vector, mr, nv);
    } else {
        const SLIM_BYTES bytes = SLIM_BYTES_OF(task->lo, task->hi, task->zero_point);
        const size_t width = (size_t)nv * SLIM_LANES, rest = SLIM_MIN(task->n - channel, width);
        const int whole = rest == width;
        uint8_t *const to = (uint8_t *)task->out + row * task->out_stride + channel;
        uint8_t part[16 * 8 * SLIM_LANES] __attribute__((aligned(64)));   /* whole vectors, where the output's are not */
        uint8_t *out = whole ? to : part;
        const size_t stride = whole ? task->out_stride : width;   /* bytes that are written could alias it */
        SLIM_VF multiplier[8], x[8];
        SLIM_UNROLL
        for (v = 0; v < nv; v++) {
            size_t o = channel + (size_t)v * SLIM_LANES;
            multiplier[v] = SLIM_VF_LOAD_BITS(task->channels + o / SLIM_PANEL * (3 * SLIM_PANEL) + 2 * SLIM_PANEL + o % SLIM_PANEL);
        }
        SLIM_UNROLL
        for (i = 0; i < mr; i++, out += stride) {
#ifdef SLIM_BYTES_STORE_ROWS
            const int rows = nv <= 2 ? 4 / nv : 1;   /* four vectors are packed and permuted in as many steps as fewer */
            if (rows > 1 && i - i % rows + rows <= mr) {
                if (i % rows)
                    continue;
                SLIM_UNROLL
                for (v = 0; v < 4; v++)
                    x[v] = SLIM_VF_MUL(SLIM_VI_TO_VF(SLIM_DOT_SUM(acc[i + v / nv][v % nv])), multiplier[v % nv]);
                SLIM_BYTES_STORE_ROWS(out, stride, x, nv, (size_t)SLIM_LANES, bytes);
                continue;
            }
#endif
            SLIM_UNROLL
            for (v = 0; v < nv; v++)
                x[v] = SLIM_VF_MUL(SLIM_VI_TO_VF(SLIM_DOT_SUM(acc[i][v])), multiplier[v]);
            SLIM_BYTES_STORE(out, x, nv, (size_t)SLIM_LANES, bytes);
        }
        if (!whole)
            SLIM_NAME(slim_gemm_u8_part)(to, task->out_stride, part, width, rest, mr);
    }
}

/* Rows `row` to row + mr, vectors `vector` to vector + nv; of floats only where `floats`. */
SLIM_TILE void SLIM_NAME(slim_gemm_u8_tile)(const slim_gemm_u8_task *task, size_t row, size_t vector, const int mr,
                                            const int nv, const int floats)
{
    const size_t long_taps = task->taps, taps = long_taps + task->rests;
    const size_t panel_stride = (long_taps * slim_ceil_div(task->k, 4) + task->rests * slim_ceil_div(task->rest, 4))
        * (4 * SLIM_PANEL);
    const uint8_t *const *rows = task->rows + row * taps;
    const int8_t *weights[4];    /* of each panel */
    SLIM_DOT_ACC acc[16][8];
    size_t tap, j;
    int i, v;
    SLIM_UNROLL
    for (v = 0; v < nv; v += SLIM_VECTORS)
        weights[v / SLIM_VECTORS] = task->weights + (vector / SLIM_VECTORS + (size_t)(v / SLIM_VECTORS)) * panel_stride
            + vector % SLIM_VECTORS * (4 * SLIM_LANES);
    SLIM_UNROLL
    for (v = 0; v < nv; v++) {
        const int32_t *table = task->channels + (vector + (size_t)v) / SLIM_VECTORS * (3 * SLIM_PANEL)
            + (vector + (size_t)v) % SLIM_VECTORS * SLIM_LANES;
        SLIM_VI bias = SLIM_VI_LOAD(table);
#if SLIM_DOT_SIGNED
        bias = SLIM_VI_ADD(bias, SLIM_VI_LOAD(table + SLIM_PANEL));
#endif
        SLIM_UNROLL
        for (i = 0; i < mr; i++)
            acc[i][v] = SLIM_DOT_START(bias);
    }
    for (tap = 0; tap < taps; tap++) {
        const size_t k = tap < long_taps ? task->k : task->rest;
        const uint8_t *x[16];
        SLIM_UNROLL
        for (i = 0; i < mr; i++)
            x[i] = rows[(size_t)i * taps + tap];
        for (j = 0; j < k; j += 4) {
            SLIM_DOT_W w[8];
            SLIM_UNROLL
            for (v = 0; v < nv; v++)
                w[v] = SLIM_DOT_LOAD_W(weights[v / SLIM_VECTORS] + v % SLIM_VECTORS * (4 * SLIM_LANES));
            SLIM_UNROLL
            for (v = 0; v < nv; v += SLIM_VECTORS)
                weights[v / SLIM_VECTORS] += 4 * SLIM_PANEL;
            SLIM_UNROLL
            for (i = 0; i < mr; i++) {
                SLIM_DOT_X four = SLIM_DOT_LOAD_X(x[i] + j);
                SLIM_UNROLL
                for (v = 0; v < nv; v++)
                    acc[i][v] = SLIM_DOT(four, w[v], acc[i][v]);
            }
        }
    }
    SLIM_NAME(slim_gemm_u8_finish)(task, acc, row, vector, mr, nv, floats);
}

/* A tile is a function: in a loop over rows gcc would make versions of it. */
#define SLIM_GEMM_U8_STEP(name, mr, nv, floats) \
    SLIM_STEP void SLIM_NAME(slim_gemm_u8_##name)(const slim_gemm_u8_task *task, size_t row, size_t vector) \
    { \
        SLIM_NAME(slim_gemm_u8_tile)(task, row, vector, mr, nv, floats); \
    }

/* nv vectors of channels, all rows: tiles of `a` rows, of floats only where nv is even (those are few), then of `b`, of `c`. Where
 * b is c, tiles of `a` reach back for what is a third of one. */
#define SLIM_GEMM_U8_GROUP(nv, a, b, c) \
    SLIM_GEMM_U8_STEP(nv##x##a, a, nv, nv % 2 == 0) \
    SLIM_GEMM_U8_STEP(nv##_some, b, nv, 1) \
    SLIM_GEMM_U8_STEP(nv##_few, c, nv, 1) \
    SLIM_STEP void SLIM_NAME(slim_gemm_u8_##nv)(const slim_gemm_u8_task *task, size_t vector) \
    { \
        size_t row = 0; \
        for (; row + a <= task->m && !(nv % 2 && task->float_output); row += a) \
            SLIM_NAME(slim_gemm_u8_##nv##x##a)(task, row, vector); \
        if (b == c && 3 * (task->m - row) >= a && task->m >= a && !(nv % 2 && task->float_output)) { \
            SLIM_NAME(slim_gemm_u8_##nv##x##a)(task, task->m - a, vector);   /* the last ones again */ \
            return; \
        } \
        for (; b > c && row + b <= task->m; row += b) \
            SLIM_NAME(slim_gemm_u8_##nv##_some)(task, row, vector); \
        for (; row + c <= task->m; row += c) \
            SLIM_NAME(slim_gemm_u8_##nv##_few)(task, row, vector); \
    }
SLIM_GEMM_U8_TILES(SLIM_GEMM_U8_GROUP)
#undef SLIM_GEMM_U8_GROUP
#undef SLIM_GEMM_U8_STEP

#ifdef SLIM_GEMM_U8_STREAMS
/* nv vectors of channels, all rows, of `taps` of `words` words and `rests` of one, so few that their weights stay in registers:
 * rows go through one after the other, so that the products of some run beside the requantization of others. Returns nv, or 0
 * where it is not for these channels. */
SLIM_TILE size_t SLIM_NAME(slim_gemm_u8_stream)(const slim_gemm_u8_task *task, size_t vector, const int taps, const int words,
                                                const int rests, const int nv, const int mr)
{
    const int steps = taps * words + rests;
    const size_t stride = task->out_stride, m = task->m;
    const SLIM_BYTES bytes = SLIM_BYTES_OF(task->lo, task->hi, task->zero_point);
    const uint8_t *const *const rows = task->rows;
    uint8_t *const out = (uint8_t *)task->out + vector * SLIM_LANES;
    SLIM_DOT_W w[8][4];
    SLIM_VI bias[4];
    SLIM_VF multiplier[4];
    int fit = m >= (size_t)mr, i, j, v;
    SLIM_UNROLL
    for (v = 0; v < nv; v++) {
        const int32_t *table = task->channels + (vector + (size_t)v) * (3 * SLIM_PANEL);
        const int8_t *weights = task->weights + (vector + (size_t)v) * (size_t)steps * (4 * SLIM_PANEL);
        bias[v] = SLIM_VI_LOAD(table);
        multiplier[v] = SLIM_VF_LOAD_BITS(table + 2 * SLIM_PANEL);
        fit &= SLIM_BYTES_FIT(bias[v], multiplier[v]);
        SLIM_UNROLL
        for (j = 0; j < steps; j++)
            w[j][v] = SLIM_DOT_LOAD_W(weights + j * (4 * SLIM_PANEL));
    }
    if (!fit)
        return 0;
    SLIM_ROLL
    for (size_t at = 0; at < m; at += (size_t)mr) {
        const size_t row = SLIM_MIN(at, m - (size_t)mr);   /* the last ones again */
        const uint8_t *const *const from = rows + row * (size_t)(taps + rests);
        SLIM_DOT_ACC acc[4];
        SLIM_VF x[4];
        SLIM_UNROLL
        for (v = 0; v < mr * nv; v++)
            acc[v] = SLIM_DOT_START(bias[v % nv]);
        SLIM_UNROLL
        for (j = 0; j < steps; j++) {
            const int rest = j - taps * words;
            SLIM_UNROLL
            for (i = 0; i < mr; i++) {
                const uint8_t *const *const tap = from + i * (taps + rests);
                const SLIM_DOT_X four = SLIM_DOT_LOAD_X(rest < 0 ? tap[j / words] + 4 * (j % words) : tap[taps + rest]);
                SLIM_UNROLL
                for (v = 0; v < nv; v++)
                    acc[i * nv + v] = SLIM_DOT(four, w[j][v], acc[i * nv + v]);
            }
        }
        SLIM_UNROLL
        for (v = 0; v < mr * nv; v++)
            x[v] = SLIM_VF_MUL(SLIM_VI_TO_VF(SLIM_DOT_SUM(acc[v])), multiplier[v % nv]);
        SLIM_BYTES_STORE_FIT(out + row * stride, stride, x, nv, bytes);
    }
    return (size_t)nv;
}

#define SLIM_GEMM_U8_STREAM(taps, words, rests, nv) \
    SLIM_STEP size_t SLIM_NAME(slim_gemm_u8_stream_##taps##_##words##_##rests##_##nv)(const slim_gemm_u8_task *task, size_t vector) \
    { \
        return SLIM_NAME(slim_gemm_u8_stream)(task, vector, taps, words, rests, nv, 4 / nv); \
    }
SLIM_GEMM_U8_STREAMS(SLIM_GEMM_U8_STREAM)
#undef SLIM_GEMM_U8_STREAM

/* How many vectors of channels from `vector` on are done, with as many as there are tiles for. */
SLIM_STEP size_t SLIM_NAME(slim_gemm_u8_streams)(const slim_gemm_u8_task *task, size_t vector)
{
    const size_t left = task->n / SLIM_LANES - vector, k = slim_ceil_div(task->k, 4);
    if (task->rest > 4 || task->float_output)
        return 0;
#define SLIM_GEMM_U8_STREAM(some, words, others, nv) \
    if (task->taps == some && k == words && task->rests == others && left >= nv) \
        return SLIM_NAME(slim_gemm_u8_stream_##some##_##words##_##others##_##nv)(task, vector);
    SLIM_GEMM_U8_STREAMS(SLIM_GEMM_U8_STREAM)
#undef SLIM_GEMM_U8_STREAM
    return 0;
}
#endif

#ifdef SLIM_GEMM_U8_ENDS
#include "kernels/gemm_u8_ends.c"
#endif

#define SLIM_GEMM_U8_CASE(nv, a, b, c) case nv: SLIM_NAME(slim_gemm_u8_##nv)(task, vector); break;
SLIM_STEP void SLIM_NAME(slim_gemm_u8)(const slim_gemm_u8_task *task)
{
    size_t vectors = slim_ceil_div(task->n, SLIM_LANES), vector = 0;
    while (vector < vectors) {
#ifdef SLIM_GEMM_U8_STREAMS
        const size_t done = SLIM_NAME(slim_gemm_u8_streams)(task, vector);
        vector += done;
        if (done)
            continue;
#endif
#ifdef SLIM_GEMM_U8_ENDS
        if (SLIM_NAME(slim_gemm_u8_ends)(task, vector))
            return;
#endif
        size_t width = SLIM_GEMM_U8_WIDTH(vectors - vector, task->taps * task->k, task->m);
        switch (width) { SLIM_GEMM_U8_TILES(SLIM_GEMM_U8_CASE) }
        vector += width;
    }
}
#undef SLIM_GEMM_U8_CASE
