/* fp32 matrix product over rows of pointers; see slim_gemm_f32_task. Included by `isa/ISA.c`, once an instruction set.
 *
 * A tile of a few rows by a few vectors of output channels stays in registers while k runs. One group of channels goes over
 * all rows before the next, so that its weights are read once from far memory. */

#if defined(SLIM_VF_SPLAT_TWO)
#include "kernels/gemm_f32_pairs.c"
#endif

#define SLIM_PREFETCH(p) __builtin_prefetch((p), 0, 2)   /* into the second-level cache */
#define SLIM_GEMM_F32_AHEAD ((size_t)32 << 10)   /* weights of the next panels are fetched while these are in use, floats; */
#define SLIM_GEMM_F32_NEAR ((size_t)1 << 10)     /* where they are more than that, only those that come soon */

/* A large tile of 512-bit vectors would wait for its stores: each takes two cycles, and the next tile's products stand too far
 * behind them for the processor to see. So its last few k come row by row, between the stores. */
#define SLIM_GEMM_F32_LATE(mr, nv) ((size_t)(SLIM_LANES == 16 && (nv) > 1 && (mr) * (nv) >= 24 ? 3 : 0))

/* Parts of a larger product (slim_gemm_f32_part) are panels that tiles of so many vectors do: others have no code for them. */
#define SLIM_GEMM_F32_PART_WIDTH \
    ((int)SLIM_GEMM_F32_WIDTH(SLIM_GEMM_F32_PART_PANELS * SLIM_VECTORS, SLIM_PANEL * SLIM_PANEL, SLIM_PANEL))
#if SLIM_HAS_KERNEL_STRASSEN_F32
#define SLIM_GEMM_F32_PART(task, nv) ((nv) == SLIM_GEMM_F32_PART_WIDTH ? (task)->part : NULL)
#else
#define SLIM_GEMM_F32_PART(task, nv) ((const slim_gemm_f32_part *)NULL)
#endif

/* Rows `row` to row + mr, vectors `vector` to vector + nv. `subtracts`: the weights are a difference, made here and kept. */
SLIM_TILE void SLIM_NAME(slim_gemm_f32_tile)(const slim_gemm_f32_task *task, size_t row, size_t vector, const int mr,
                                             const int nv, const int subtracts)
{
    const slim_gemm_f32_part *part = SLIM_GEMM_F32_PART(task, nv);
    const int subtracted = part && part->minus && !subtracts;
    const size_t taps = task->taps, k = task->k;
    const size_t panel_stride = part && !subtracted ? part->panel_stride : taps * k * SLIM_PANEL;
    const float *const *rows = task->rows + row * taps;
    const size_t channel = vector * SLIM_LANES;
    const size_t group = ((size_t)(nv - 1) / SLIM_VECTORS + 1) * panel_stride;   /* floats to the panels that come next */
    const size_t ahead = group <= SLIM_GEMM_F32_AHEAD ? group : SLIM_GEMM_F32_NEAR;
    const size_t last = SLIM_MIN(task->n - channel - (size_t)(nv - 1) * SLIM_LANES, (size_t)SLIM_LANES);   /* lanes */
    const int fetches = part && mr > 4 && part->fetch[0] && k >= (size_t)mr;
    const size_t turn = k / (size_t)mr;    /* inputs from a row that is fetched to the next */
    const float *fetch[2] = {NULL, NULL};
    const float *weights[4], *minus[4];    /* of each panel */
    float *difference[4], *out = task->out + row * task->out_stride + channel;
    SLIM_VF lo, hi, acc[16][8];
    size_t tap, j, early = k - (subtracts ? 0 : SLIM_MIN(k, SLIM_GEMM_F32_LATE(mr, nv))), late = (k - early) * SLIM_PANEL;
    int i, v, more;
    SLIM_UNROLL
    for (v = 0; v < nv; v += SLIM_VECTORS) {
        const size_t panel = vector / SLIM_VECTORS + (size_t)(v / SLIM_VECTORS), lane = vector % SLIM_VECTORS * SLIM_LANES;
        weights[v / SLIM_VECTORS] = (subtracted ? part->difference : task->weights) + panel * panel_stride + lane;
        if (subtracts) {
            minus[v / SLIM_VECTORS] = part->minus + panel * part->minus_stride + lane;
            difference[v / SLIM_VECTORS] = part->difference + panel * taps * k * SLIM_PANEL + lane;
        }
    }
    SLIM_UNROLL
    for (v = 0; v < nv; v++) {
        SLIM_VF bias = SLIM_VF_LOAD(task->bias + channel + v * SLIM_LANES);
        SLIM_UNROLL
        for (i = 0; i < mr; i++)
            acc[i][v] = bias;
    }
    for (more = -1; more < (part ? SLIM_GEMM_F32_SUMS : 0); more++) {
        const float *sum = more < 0 ? task->residual : part->sums[more];
        const size_t stride = more < 0 ? task->residual_stride : part->sums_stride;
        if (!sum)
            continue;
        sum += row * stride + channel;
        SLIM_UNROLL
        for (i = 0; i < mr; i++) {
            SLIM_UNROLL
            for (v = 0; v < nv - 1; v++)
                acc[i][v] = SLIM_VF_ADD(acc[i][v], SLIM_VF_LOAD(sum + v * SLIM_LANES));
            acc[i][v] = SLIM_VF_ADD(acc[i][v], SLIM_VF_LOAD_PART(sum + v * SLIM_LANES, last));
            sum += stride;
        }
    }
    if (fetches) {
        fetch[0] = part->fetch[0] + row * part->fetch_stride + channel;
        fetch[1] = part->fetch[1] + row * part->fetch_stride + channel;
    }
    for (tap = 0; tap < taps; tap++) {
        const float *const *from = rows + tap;
        const float *x[16];
        SLIM_UNROLL
        for (i = 0; i < mr; i++) {
            __asm__("" : "+r"(from));   /* one after the other: gcc would keep an address for each row, most of them in memory */
            x[i] = *from;
            from += taps;
        }
        const size_t stop = tap + 1 < taps ? k : early;
        for (j = 0; j < stop;) {
            const size_t end = fetches ? SLIM_MIN(stop, j + turn) : stop;
            if (fetches) {
                SLIM_UNROLL
                for (v = 0; v < nv; v += SLIM_VECTORS) {
                    SLIM_PREFETCH(fetch[0] + v * SLIM_LANES);
                    SLIM_PREFETCH(fetch[1] + v * SLIM_LANES);
                }
                fetch[0] += part->fetch_stride;
                fetch[1] += part->fetch_stride;
            }
            for (; j < end; j++) {
                SLIM_VF w[8];
                SLIM_UNROLL
                for (v = 0; v < nv; v++)
                    w[v] = SLIM_VF_LOAD(weights[v / SLIM_VECTORS] + v % SLIM_VECTORS * SLIM_LANES);
                if (subtracts) {
                    SLIM_UNROLL
                    for (v = 0; v < nv; v++) {
                        const int p = v / SLIM_VECTORS, at = v % SLIM_VECTORS * SLIM_LANES;
                        w[v] = SLIM_VF_SUB(w[v], SLIM_VF_LOAD(minus[p] + at));
                        SLIM_VF_STORE(difference[p] + at, w[v]);
                    }
                    SLIM_UNROLL
                    for (v = 0; v < nv; v += SLIM_VECTORS) {
                        SLIM_PREFETCH(minus[v / SLIM_VECTORS] + ahead);
                        minus[v / SLIM_VECTORS] += SLIM_PANEL;
                        difference[v / SLIM_VECTORS] += SLIM_PANEL;
                    }
                }
                SLIM_UNROLL
                for (v = 0; v < nv; v += SLIM_VECTORS) {
                    if (mr > 1)             /* a single row reads as fast as memory does: fetching only takes its turns */
                        SLIM_PREFETCH(weights[v / SLIM_VECTORS] + ahead);
                    weights[v / SLIM_VECTORS] += SLIM_PANEL;
                }
                SLIM_UNROLL
                for (i = 0; i < mr; i++) {
                    SLIM_VF splat = SLIM_VF_SPLAT(x[i][j]);
                    SLIM_UNROLL
                    for (v = 0; v < nv; v++)
                        acc[i][v] = SLIM_VF_FMA(splat, w[v], acc[i][v]);
                }
            }
        }
    }
    lo = SLIM_VF_SPLAT(task->lo);
    hi = SLIM_VF_SPLAT(task->hi);
    rows += taps - 1;
    SLIM_UNROLL
    for (i = 0; i < mr; i++) {
        if (!subtracts && SLIM_GEMM_F32_LATE(mr, nv)) {
            const float *x = *rows + early;
            rows += taps;
            /* row by row, and in a loop: gcc must not know how often */
            __asm__ volatile("" : "+r"(rows), "+r"(out), "+r"(early), "+r"(late) : : "memory");
            SLIM_ROLL
            for (j = 0; j < late; j += SLIM_PANEL) {
                SLIM_VF splat = SLIM_VF_SPLAT(*x++);
                SLIM_UNROLL
                for (v = 0; v < nv; v++) {
                    SLIM_VF w = SLIM_VF_LOAD(weights[v / SLIM_VECTORS] + j + v % SLIM_VECTORS * SLIM_LANES);
                    acc[i][v] = SLIM_VF_FMA(splat, w, acc[i][v]);
                }
            }
        }
        SLIM_UNROLL
        for (v = 0; v < nv; v++)
            acc[i][v] = SLIM_VF_MIN(SLIM_VF_MAX(acc[i][v], lo), hi);
        SLIM_UNROLL
        for (v = 0; v < nv - 1; v++)
            SLIM_VF_STORE(out + v * SLIM_LANES, acc[i][v]);
        SLIM_VF_STORE_PART(out + v * SLIM_LANES, last, acc[i][v]);
        out += task->out_stride;
    }
}

#if SLIM_HAS_KERNEL_STRASSEN_F32
/* The difference of the weights of nv vectors, where there are too few rows for the tile that makes it. */
SLIM_STEP void SLIM_NAME(slim_gemm_f32_subtract)(const slim_gemm_f32_task *task, size_t vector)
{
    const slim_gemm_f32_part *part = task->part;
    const size_t floats = task->taps * task->k * SLIM_PANEL;
    for (size_t v = vector; v < vector + SLIM_GEMM_F32_PART_WIDTH; v++) {
        const size_t panel = v / SLIM_VECTORS, lane = v % SLIM_VECTORS * SLIM_LANES;
        const float *weights = task->weights + panel * part->panel_stride + lane;
        const float *minus = part->minus + panel * part->minus_stride + lane;
        float *difference = part->difference + panel * floats + lane;
        for (size_t at = 0; at < floats; at += SLIM_PANEL)
            SLIM_VF_STORE(difference + at, SLIM_VF_SUB(SLIM_VF_LOAD(weights + at), SLIM_VF_LOAD(minus + at)));
    }
}

/* Makes the difference, and returns how many rows are done with it. */
#define SLIM_GEMM_F32_DIFFERENCE(nv, a, e, b, c) \
    if (nv == SLIM_GEMM_F32_PART_WIDTH && task->m >= a) { \
        SLIM_NAME(slim_gemm_f32_tile)(task, 0, vector, a, nv, nv == SLIM_GEMM_F32_PART_WIDTH); \
        return a; \
    }
SLIM_STEP size_t SLIM_NAME(slim_gemm_f32_difference)(const slim_gemm_f32_task *task, size_t vector)
{
    SLIM_GEMM_F32_TILES(SLIM_GEMM_F32_DIFFERENCE)
    SLIM_NAME(slim_gemm_f32_subtract)(task, vector);
    return 0;
}
#undef SLIM_GEMM_F32_DIFFERENCE
#define SLIM_GEMM_F32_START(task, vector) SLIM_NAME(slim_gemm_f32_difference)((task), (vector))
#else
#define SLIM_GEMM_F32_START(task, vector) ((size_t)0)
#endif

/* Rows for tiles of `a`: as many as leave a multiple of `e`, where some number does. */
SLIM_STEP size_t SLIM_NAME(slim_gemm_f32_rows)(size_t m, size_t a, size_t e)
{
    for (size_t rest = 0; rest <= m; rest += e)
        if ((m - rest) % a == 0)
            return m - rest;
    return m;
}

/* A tile is a function: in a loop over rows gcc would make versions of it. */
#define SLIM_GEMM_F32_STEP(name, mr, nv) \
    SLIM_HOT_STEP void SLIM_NAME(slim_gemm_f32_##name)(const slim_gemm_f32_task *task, size_t row, size_t vector) \
    { \
        SLIM_NAME(slim_gemm_f32_tile)(task, row, vector, mr, nv, 0); \
    }

/* nv vectors of channels, all rows: tiles of `a` rows, of `e` where it is another number, then of `b`, then of `c`. */
#define SLIM_GEMM_F32_GROUP(nv, a, e, b, c) \
    SLIM_GEMM_F32_STEP(nv##x##a, a, nv) \
    SLIM_GEMM_F32_STEP(nv##_other, e, nv) \
    SLIM_GEMM_F32_STEP(nv##_some, b, nv) \
    SLIM_GEMM_F32_STEP(nv##_few, c, nv) \
    SLIM_STEP void SLIM_NAME(slim_gemm_f32_##nv)(const slim_gemm_f32_task *task, size_t vector) \
    { \
        const slim_gemm_f32_part *part = SLIM_GEMM_F32_PART(task, nv); \
        size_t row = part && part->minus ? SLIM_GEMM_F32_START(task, vector) : 0; \
        const size_t rows = e != a ? row + SLIM_NAME(slim_gemm_f32_rows)(task->m - row, a, e) : task->m; \
        for (; row + a <= rows; row += a) \
            SLIM_NAME(slim_gemm_f32_##nv##x##a)(task, row, vector); \
        for (; e != a && row + e <= task->m; row += e) \
            SLIM_NAME(slim_gemm_f32_##nv##_other)(task, row, vector); \
        for (; b > c && row + b <= task->m; row += b) \
            SLIM_NAME(slim_gemm_f32_##nv##_some)(task, row, vector); \
        for (; a > c && row + c <= task->m; row += c) \
            SLIM_NAME(slim_gemm_f32_##nv##_few)(task, row, vector); \
    }
SLIM_GEMM_F32_TILES(SLIM_GEMM_F32_GROUP)
#undef SLIM_GEMM_F32_GROUP
#undef SLIM_GEMM_F32_STEP

#define SLIM_GEMM_F32_CASE(nv, a, e, b, c) case nv: SLIM_NAME(slim_gemm_f32_##nv)(task, vector); break;
SLIM_STEP void SLIM_NAME(slim_gemm_f32)(const slim_gemm_f32_task *task)
{
    size_t vectors = slim_ceil_div(task->n, SLIM_LANES), vector = 0;
    while (vector < vectors) {
        size_t width = SLIM_GEMM_F32_WIDTH(vectors - vector, task->taps * task->k, task->m);
#if SLIM_HAS_KERNEL_STRASSEN_F32
        width = task->part ? (size_t)SLIM_GEMM_F32_PART_WIDTH : width;
#endif
#if defined(SLIM_VF_SPLAT_TWO)   /* the last half vector goes with the one before it */
        const size_t left = task->n - vector * SLIM_LANES;
        if (task->alone && !task->part && task->k % 2 == 0 && left > SLIM_LANES && (left - 1) % SLIM_LANES < SLIM_LANES / 2) {
            if (vectors - vector == 2) {
                SLIM_NAME(slim_gemm_f32_pairs)(task, vector);
                return;
            }
            width = vectors - vector == 3 ? 1 : width;
        }
#endif
        switch (width) { SLIM_GEMM_F32_TILES(SLIM_GEMM_F32_CASE) }
        vector += width;
    }
}
#undef SLIM_GEMM_F32_CASE
#undef SLIM_GEMM_F32_LATE
#undef SLIM_GEMM_F32_PART
#undef SLIM_GEMM_F32_PART_WIDTH
#undef SLIM_GEMM_F32_START
#undef SLIM_PREFETCH
#undef SLIM_GEMM_F32_AHEAD
#undef SLIM_GEMM_F32_NEAR
