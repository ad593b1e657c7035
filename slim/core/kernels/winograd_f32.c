/* Winograd's transforms for 3x3 convolutions, a vector of channels at a time. Included by `isa/ISA.c`.
 *
 * F(4,3) interpolates at 0, 1, -1, 2, -2 and infinity, F(2,3) at 0, 1, -1 and infinity; the matrices are factored by hand
 * into sums and differences. Rows are transformed first, into a small block that stays in the first-level cache. */

/* B^T d for one row or column of 6 (4) values, `step` vectors apart. */
SLIM_TILE void SLIM_NAME(slim_winograd_in)(const SLIM_VF *d, SLIM_VF *o, const int step, const int points)
{
    const SLIM_VF minus = SLIM_VF_SPLAT(-1.0f);
    if (points == 6) {
        const SLIM_VF four = SLIM_VF_SPLAT(4.0f), minus_four = SLIM_VF_SPLAT(-4.0f), minus_five = SLIM_VF_SPLAT(-5.0f);
        SLIM_VF a = SLIM_VF_FMA(d[2 * step], minus_four, d[4 * step]);
        SLIM_VF b = SLIM_VF_FMA(d[step], minus_four, d[3 * step]);
        SLIM_VF c = SLIM_VF_FMA(d[2 * step], minus, d[4 * step]);
        SLIM_VF e = SLIM_VF_MUL(SLIM_VF_FMA(d[step], minus, d[3 * step]), SLIM_VF_SPLAT(2.0f));
        o[0] = SLIM_VF_FMA(d[0], four, SLIM_VF_FMA(d[2 * step], minus_five, d[4 * step]));
        o[step] = SLIM_VF_ADD(a, b);
        o[2 * step] = SLIM_VF_FMA(b, minus, a);
        o[3 * step] = SLIM_VF_ADD(c, e);
        o[4 * step] = SLIM_VF_FMA(e, minus, c);
        o[5 * step] = SLIM_VF_FMA(d[step], four, SLIM_VF_FMA(d[3 * step], minus_five, d[5 * step]));
    } else {
        o[0] = SLIM_VF_FMA(d[2 * step], minus, d[0]);
        o[step] = SLIM_VF_ADD(d[step], d[2 * step]);
        o[2 * step] = SLIM_VF_FMA(d[step], minus, d[2 * step]);
        o[3 * step] = SLIM_VF_FMA(d[3 * step], minus, d[step]);
    }
}

/* A^T m for one row or column: 6 values to 4, or 4 to 2. */
SLIM_TILE void SLIM_NAME(slim_winograd_out)(const SLIM_VF *m, SLIM_VF *o, const int step, const int out_step, const int points)
{
    const SLIM_VF minus = SLIM_VF_SPLAT(-1.0f);
    SLIM_VF sum = SLIM_VF_ADD(m[step], m[2 * step]);
    SLIM_VF difference = SLIM_VF_FMA(m[2 * step], minus, m[step]);
    if (points == 6) {
        SLIM_VF sum2 = SLIM_VF_ADD(m[3 * step], m[4 * step]);
        SLIM_VF difference2 = SLIM_VF_FMA(m[4 * step], minus, m[3 * step]);
        o[0] = SLIM_VF_ADD(SLIM_VF_ADD(m[0], sum), sum2);
        o[out_step] = SLIM_VF_FMA(difference2, SLIM_VF_SPLAT(2.0f), difference);
        o[2 * out_step] = SLIM_VF_FMA(sum2, SLIM_VF_SPLAT(4.0f), sum);
        o[3 * out_step] = SLIM_VF_ADD(SLIM_VF_FMA(difference2, SLIM_VF_SPLAT(8.0f), difference), m[5 * step]);
    } else {
        o[0] = SLIM_VF_ADD(m[0], sum);
        o[out_step] = SLIM_VF_FMA(m[3 * step], minus, difference);
    }
}

SLIM_TILE void SLIM_NAME(slim_winograd_input_tile)(const slim_winograd_f32_input *task, size_t c, const int points)
{
    SLIM_VF block[36], row[6];
    float *to = task->planes + c;
    int i, j;
    SLIM_UNROLL
    for (i = 0; i < points; i++) {
        SLIM_UNROLL
        for (j = 0; j < points; j++)
            row[j] = SLIM_VF_LOAD(task->pixels[i * points + j] + c);
        SLIM_NAME(slim_winograd_in)(row, block + i * points, 1, points);
    }
    SLIM_UNROLL
    for (j = 0; j < points; j++) {
        SLIM_VF column[36];
        SLIM_NAME(slim_winograd_in)(block + j, column + j, points, points);
        SLIM_UNROLL
        for (i = 0; i < points; i++)
            SLIM_VF_STORE(to + (size_t)(i * points + j) * task->plane_stride, column[i * points + j]);
    }
}

SLIM_STEP void SLIM_NAME(slim_winograd_input_f32)(const slim_winograd_f32_input *task)
{
    const size_t end = slim_ceil_div(task->channels, SLIM_PANEL) * SLIM_PANEL;
    size_t c;
    if (task->points == 6) {
        SLIM_ROLL
        for (c = 0; c < end; c += SLIM_LANES)
            SLIM_NAME(slim_winograd_input_tile)(task, c, 6);
    } else {
        SLIM_ROLL
        for (c = 0; c < end; c += SLIM_LANES)
            SLIM_NAME(slim_winograd_input_tile)(task, c, 4);
    }
}

SLIM_TILE void SLIM_NAME(slim_winograd_output_tile)(const slim_winograd_f32_output *task, size_t c, const int points)
{
    const int size = points - 2;
    const size_t lanes = SLIM_MIN(task->n - c, (size_t)SLIM_LANES);
    const SLIM_VF bias = SLIM_VF_LOAD(task->bias + c), lo = SLIM_VF_SPLAT(task->lo), hi = SLIM_VF_SPLAT(task->hi);
    SLIM_VF block[24], row[6], result[16];
    int i, j;
    SLIM_UNROLL
    for (i = 0; i < points; i++) {
        SLIM_UNROLL
        for (j = 0; j < points; j++)
            row[j] = SLIM_VF_LOAD(task->planes + (size_t)(i * points + j) * task->plane_stride + c);
        SLIM_NAME(slim_winograd_out)(row, block + i * size, 1, 1, points);
    }
    SLIM_UNROLL
    for (j = 0; j < size; j++)
        SLIM_NAME(slim_winograd_out)(block + j, result + j, size, size, points);
    SLIM_ROLL
    for (i = 0; i < size * size; i++) {
        SLIM_VF v = SLIM_VF_ADD(result[i], bias);
        if (!task->out[i])
            continue;
        if (task->residual)
            v = SLIM_VF_ADD(v, SLIM_VF_LOAD_PART(task->residual[i] + c, lanes));
        SLIM_VF_STORE_PART(task->out[i] + c, lanes, SLIM_VF_MIN(SLIM_VF_MAX(v, lo), hi));
    }
}

SLIM_STEP void SLIM_NAME(slim_winograd_output_f32)(const slim_winograd_f32_output *task)
{
    size_t c;
    if (task->points == 6) {
        SLIM_ROLL
        for (c = 0; c < task->n; c += SLIM_LANES)
            SLIM_NAME(slim_winograd_output_tile)(task, c, 6);
    } else {
        SLIM_ROLL
        for (c = 0; c < task->n; c += SLIM_LANES)
            SLIM_NAME(slim_winograd_output_tile)(task, c, 4);
    }
}
