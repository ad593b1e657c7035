/* Winograd for 3x3 convolutions with stride 2, a vector of channels at a time. Included by `isa/ISA.c`.
 *
 * Of a row of the window, taps 0 and 2 meet even pixels, tap 1 the odd ones. Both have one set of points, 0, 1, -1, 2 and
 * infinity, so that their products are summed before they are transformed back. Filters (a, b, c) become a + p c and b at a
 * point p, nothing divided: tiles of 3 outputs, which do without the point 2, share them with tiles of 4, and two of three
 * taps' transforms are additions, made where they are multiplied: storing transformed filters takes longer than making them. */

/* Rows of filters at the points 1, -1 and 2. */
SLIM_STEP void SLIM_NAME(slim_winograd_stride2_weights_f32)(const slim_winograd_stride2_weights *task)
{
    const size_t end = task->channels * SLIM_PANEL, step = task->point_stride;
    SLIM_ROLL
    for (int column = 0; column < 3; column++) {
        const float *a = task->taps + (size_t)column * task->tap_stride, *b = a + 6 * task->tap_stride;
        float *to = task->out + (size_t)column * end;
        SLIM_ROLL
        for (size_t at = 0; at < end; at += SLIM_LANES, a += SLIM_LANES, b += SLIM_LANES, to += SLIM_LANES) {
            const SLIM_VF first = SLIM_VF_LOAD(a), last = SLIM_VF_LOAD(b), sum = SLIM_VF_ADD(first, last);
            SLIM_VF_STORE(to, sum);
            SLIM_VF_STORE(to + step, SLIM_VF_SUB(first, last));
            SLIM_VF_STORE(to + 2 * step, SLIM_VF_ADD(sum, last));
        }
    }
}

/* Nine values of a row, or seven where the tile has 3 outputs, to the points of the even ones and of the odd. Where there is a
 * point 2, the others are those of differences without it. */
SLIM_TILE void SLIM_NAME(slim_stride2_in)(const SLIM_VF *d, SLIM_VF *v, int outputs)
{
    SLIM_VF e[7];
    int i;
    if (outputs == 4) {
        const SLIM_VF minus_two = SLIM_VF_SPLAT(-2.0f);
        SLIM_UNROLL
        for (i = 0; i < 7; i++)
            e[i] = SLIM_VF_FMA(d[i], minus_two, d[i + 2]);
    } else {
        SLIM_UNROLL
        for (i = 0; i < 7; i++)
            e[i] = d[i];
    }
    v[0] = SLIM_VF_SUB(e[4], e[0]);
    v[1] = SLIM_VF_ADD(e[4], e[2]);
    v[2] = SLIM_VF_SUB(e[4], e[2]);
    v[3] = SLIM_VF_SUB(d[6], d[2]);
    v[4] = SLIM_VF_SUB(e[6], e[2]);
    v[5] = SLIM_VF_SUB(e[5], e[1]);
    v[6] = SLIM_VF_ADD(e[5], e[3]);
    v[7] = SLIM_VF_SUB(e[5], e[3]);
    v[8] = SLIM_VF_SUB(d[7], d[3]);
}

SLIM_STEP void SLIM_NAME(slim_winograd_stride2_input_f32)(const slim_winograd_stride2_input *task)
{
    const size_t end = slim_ceil_div(task->channels, SLIM_PANEL) * SLIM_PANEL;
    SLIM_ROLL
    for (size_t c = 0; c < end; c += SLIM_LANES) {
        float block[SLIM_STRIDE2_SIDE][SLIM_STRIDE2_SIDE][SLIM_LANES];
        float *to = task->out + c / SLIM_PANEL * SLIM_STRIDE2_SIDE * SLIM_PANEL + c % SLIM_PANEL;
        SLIM_VF d[SLIM_STRIDE2_SIDE], v[SLIM_STRIDE2_SIDE];
        int i, j;
        SLIM_ROLL
        for (j = 0; j < SLIM_STRIDE2_SIDE; j++) {
            SLIM_UNROLL
            for (i = 0; i < SLIM_STRIDE2_SIDE; i++)
                d[i] = SLIM_VF_LOAD(task->pixels[i * SLIM_STRIDE2_SIDE + j] + c);
            SLIM_NAME(slim_stride2_in)(d, v, task->rows);
            SLIM_UNROLL
            for (i = 0; i < SLIM_STRIDE2_SIDE; i++)
                SLIM_VF_STORE(block[i][j], v[i]);
        }
        SLIM_ROLL
        for (i = 0; i < SLIM_STRIDE2_SIDE; i++, to += task->row_stride) {
            if (task->rows == 3 && i % 5 == 3)
                continue;
            SLIM_UNROLL
            for (j = 0; j < SLIM_STRIDE2_SIDE; j++)
                d[j] = SLIM_VF_LOAD(block[i][j]);
            SLIM_NAME(slim_stride2_in)(d, v, task->columns);
            SLIM_UNROLL
            for (j = 0; j < SLIM_STRIDE2_SIDE; j++) {
                SLIM_VF_STORE(to + j * SLIM_PANEL, v[j]);
                __builtin_prefetch(to + (SLIM_STRIDE2_SIDE + j) * SLIM_PANEL, 1, 3);
            }
        }
    }
}

/* Five values to four outputs, 6 times as large, or to three, twice as large. */
SLIM_TILE void SLIM_NAME(slim_stride2_out)(const SLIM_VF *m, SLIM_VF *o, int outputs)
{
    if (outputs == 4) {
        const SLIM_VF one = SLIM_VF_MUL(m[1], SLIM_VF_SPLAT(-3.0f));
        const SLIM_VF sum = SLIM_VF_ADD(one, m[2]), difference = SLIM_VF_SUB(one, m[2]);
        o[0] = SLIM_VF_FMA(m[0], SLIM_VF_SPLAT(3.0f), SLIM_VF_ADD(difference, m[3]));
        o[1] = SLIM_VF_FMA(m[3], SLIM_VF_SPLAT(2.0f), sum);
        o[2] = SLIM_VF_FMA(m[3], SLIM_VF_SPLAT(4.0f), difference);
        o[3] = SLIM_VF_FMA(m[4], SLIM_VF_SPLAT(6.0f), SLIM_VF_FMA(m[3], SLIM_VF_SPLAT(8.0f), sum));
    } else {
        const SLIM_VF sum = SLIM_VF_ADD(m[1], m[2]);
        o[0] = SLIM_VF_FMA(m[0], SLIM_VF_SPLAT(-2.0f), sum);
        o[1] = SLIM_VF_SUB(m[1], m[2]);
        o[2] = o[3] = SLIM_VF_FMA(m[4], SLIM_VF_SPLAT(2.0f), sum);
    }
}

SLIM_TILE void SLIM_NAME(slim_stride2_product)(const slim_winograd_stride2_product *task, size_t tile, size_t vector,
                                               const int tiles, const int nv, const int outputs)
{
    SLIM_VF acc[2][2][SLIM_STRIDE2_POINTS], o[4];
    int i, j, v;
    SLIM_UNROLL
    for (i = 0; i < tiles; i++) {
        SLIM_UNROLL
        for (v = 0; v < nv; v++) {
            SLIM_UNROLL
            for (j = 0; j < SLIM_STRIDE2_POINTS; j++)
                acc[i][v][j] = SLIM_VF_SPLAT(0.0f);
        }
    }
    SLIM_ROLL
    for (int part = 0; part < task->parts; part++) {
        const slim_winograd_stride2_part *p = &task->part[part];
        const size_t second = SLIM_VECTORS == 1 ? p->panel_stride : SLIM_LANES;
        const float *x = p->in + tile * task->in_stride, *fetch = p->fetch + vector / SLIM_VECTORS * task->fetch_stride;
        const float *w = p->weights + vector / SLIM_VECTORS * p->panel_stride + vector % SLIM_VECTORS * SLIM_LANES;
        SLIM_ROLL
        for (size_t left = task->k; left > 0; x += (SLIM_STRIDE2_SIDE - 1) * SLIM_PANEL) {
            size_t some = SLIM_MIN(left, (size_t)SLIM_PANEL);
            left -= some;
            SLIM_ROLL
            for (; some > 0; some--, x++, w += SLIM_PANEL, fetch += SLIM_PANEL) {
                SLIM_VF a[2], b[2], c[2], sum[2];
#define SLIM_POINT(slot, point, weights) \
    SLIM_UNROLL \
    for (i = 0; i < tiles; i++) { \
        const SLIM_VF splat = SLIM_VF_SPLAT(x[(size_t)i * task->in_stride + (slot) * SLIM_PANEL]); \
        SLIM_UNROLL \
        for (v = 0; v < nv; v++) \
            acc[i][v][point] = SLIM_VF_FMA(splat, weights[v], acc[i][v][point]); \
    }
                SLIM_UNROLL
                for (v = 0; v < nv; v++) {
                    a[v] = SLIM_VF_LOAD(w + (size_t)v * second);
                    c[v] = SLIM_VF_LOAD(w + 2 * p->column_stride + (size_t)v * second);
                }
                __builtin_prefetch(fetch, 0, 2);
                if (nv > 1 && SLIM_VECTORS == 1)
                    __builtin_prefetch(fetch + task->fetch_stride, 0, 2);
                SLIM_POINT(0, 0, a)
                SLIM_POINT(4, 4, c)
                SLIM_UNROLL
                for (v = 0; v < nv; v++)
                    sum[v] = SLIM_VF_SUB(a[v], c[v]);
                SLIM_POINT(2, 2, sum)
                SLIM_UNROLL
                for (v = 0; v < nv; v++)
                    sum[v] = SLIM_VF_ADD(a[v], c[v]);
                SLIM_POINT(1, 1, sum)
                if (outputs == 4) {
                    SLIM_UNROLL
                    for (v = 0; v < nv; v++)
                        sum[v] = SLIM_VF_ADD(sum[v], c[v]);
                    SLIM_POINT(3, 3, sum)
                }
                SLIM_UNROLL
                for (v = 0; v < nv; v++)
                    b[v] = SLIM_VF_LOAD(w + p->column_stride + (size_t)v * second);
                SLIM_POINT(5, 0, b)
                SLIM_POINT(6, 1, b)
                SLIM_POINT(7, 2, b)
                if (outputs == 4)
                    SLIM_POINT(8, 3, b)
#undef SLIM_POINT
            }
        }
    }
    SLIM_UNROLL
    for (i = 0; i < tiles; i++) {
        SLIM_UNROLL
        for (v = 0; v < nv; v++) {
            float *out = task->out + (tile + (size_t)i) * 4 * SLIM_STRIDE2_WIDTH + (vector + (size_t)v) * SLIM_LANES;
            SLIM_NAME(slim_stride2_out)(acc[i][v], o, outputs);
            SLIM_UNROLL
            for (j = 0; j < outputs; j++, out += SLIM_STRIDE2_WIDTH)
                SLIM_VF_STORE(out, task->add ? SLIM_VF_ADD(o[j], SLIM_VF_LOAD(out)) : o[j]);
        }
    }
}

#if SLIM_LANES == 16 || defined(__aarch64__)   /* 32 registers: two tiles by two vectors */
#define SLIM_STRIDE2_TILES(X) X(2, 2, 4) X(2, 2, 3) X(1, SLIM_STRIDE2_VECTORS, 4) X(1, SLIM_STRIDE2_VECTORS, 3)
#define SLIM_STRIDE2_PAIR(task, tile, vector) \
    ((task)->outputs == 4 ? SLIM_NAME(slim_stride2_2_4) : SLIM_NAME(slim_stride2_2_3))((task), (tile), (vector))
#else
#define SLIM_STRIDE2_TILES(X) X(1, SLIM_STRIDE2_VECTORS, 4) X(1, SLIM_STRIDE2_VECTORS, 3)
#endif
#define SLIM_STRIDE2_VECTORS (SLIM_LANES == 16 ? 1 : 2)   /* by one tile */

#define SLIM_STRIDE2_STEP(tiles, nv, outputs) \
    SLIM_STEP void SLIM_NAME(slim_stride2_##tiles##_##outputs)(const slim_winograd_stride2_product *task, size_t tile, \
                                                               size_t vector) \
    { \
        SLIM_NAME(slim_stride2_product)(task, tile, vector, tiles, nv, outputs); \
    }
SLIM_STRIDE2_TILES(SLIM_STRIDE2_STEP)

SLIM_STEP void SLIM_NAME(slim_winograd_stride2_product_f32)(const slim_winograd_stride2_product *task)
{
    const size_t vectors = task->panels * SLIM_VECTORS;
    SLIM_ROLL
    for (size_t vector = 0; vector < vectors; vector += 2) {
        const size_t end = SLIM_MIN(vector + 2, vectors);
        size_t tile = 0;
#ifdef SLIM_STRIDE2_PAIR
        const size_t pairs = end - vector == 2 ? task->tiles & ~(size_t)1 : 0;
        SLIM_ROLL
        for (; tile < pairs; tile += 2)
            SLIM_STRIDE2_PAIR(task, tile, vector);
#endif
        SLIM_ROLL
        for (; tile < task->tiles; tile++) {
            SLIM_ROLL
            for (size_t v = vector; v < end; v += SLIM_STRIDE2_VECTORS)
                (task->outputs == 4 ? SLIM_NAME(slim_stride2_1_4) : SLIM_NAME(slim_stride2_1_3))(task, tile, v);
        }
    }
}
#undef SLIM_STRIDE2_TILES
#undef SLIM_STRIDE2_PAIR
#undef SLIM_STRIDE2_VECTORS
#undef SLIM_STRIDE2_STEP

/* The columns' transform, bias, residual and clamp. */
SLIM_STEP void SLIM_NAME(slim_winograd_stride2_output_f32)(const slim_winograd_stride2_output *task)
{
    const SLIM_VF lo = SLIM_VF_SPLAT(task->lo), hi = SLIM_VF_SPLAT(task->hi), factor = SLIM_VF_SPLAT(task->factor);
    SLIM_ROLL
    for (size_t c = 0; c < task->n; c += SLIM_LANES) {
        const size_t lanes = SLIM_MIN(task->n - c, (size_t)SLIM_LANES);
        const SLIM_VF bias = SLIM_VF_LOAD(task->bias + c);
        SLIM_ROLL
        for (size_t column = 0; column < task->columns; column++) {
            const float *sums = task->sums + column * SLIM_STRIDE2_WIDTH + c;
            const float *residual = task->residual ? task->residual + column * task->residual_stride + c : NULL;
            float *out = task->out + column * task->out_stride + c;
            SLIM_VF m[SLIM_STRIDE2_POINTS], o[4];
            int i;
            SLIM_UNROLL
            for (i = 0; i < SLIM_STRIDE2_POINTS; i++)
                m[i] = SLIM_VF_LOAD(sums + (size_t)i * task->row_stride);
            SLIM_NAME(slim_stride2_out)(m, o, task->outputs);
            SLIM_UNROLL
            for (i = 0; i < 4; i++) {
                if (i >= task->rows)
                    continue;
                o[i] = SLIM_VF_FMA(o[i], factor, bias);
                if (residual)
                    o[i] = SLIM_VF_ADD(o[i], SLIM_VF_LOAD_PART(residual + (size_t)i * task->residual_row, lanes));
                SLIM_VF_STORE_PART(out + (size_t)i * task->out_row, lanes, SLIM_VF_MIN(SLIM_VF_MAX(o[i], lo), hi));
            }
        }
    }
}
