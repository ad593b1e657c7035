/* Floats to bytes by a multiplication; see slim_quantize_u8_task. Included by `isa/ISA.c`. */

/* Four vectors. What lies near the middle of two integers is seen in `doubt`, what is no number makes `sum` none. */
SLIM_TILE void SLIM_NAME(slim_quantize_u8_some)(const slim_quantize_u8_task *task, const float *from, uint8_t *to, SLIM_VF *doubt,
                                                SLIM_VF *sum, const SLIM_BYTES *bytes)
{
    const SLIM_VF factor = SLIM_VF_SPLAT(task->factor);
    SLIM_VF x[4];
    int v;
    SLIM_UNROLL
    for (v = 0; v < 4; v++) {
        x[v] = SLIM_VF_MUL(SLIM_VF_LOAD(from + v * SLIM_LANES), factor);
        *sum = SLIM_VF_ADD(*sum, x[v]);
#ifndef SLIM_BYTES_STORE_FIT   /* which clamps bytes; what fits no 32 bits is far from what it is rounded to */
        x[v] = SLIM_VF_MIN(SLIM_VF_MAX(x[v], SLIM_VF_SPLAT(task->lo)), SLIM_VF_SPLAT(task->hi));
#endif
        const SLIM_VF away = SLIM_VF_SUB(x[v], SLIM_VI_TO_VF(SLIM_VF_ROUND(x[v])));
        *doubt = SLIM_VF_MAX(SLIM_VF_MUL(away, away), *doubt);
    }
#ifdef SLIM_BYTES_STORE_FIT
    SLIM_BYTES_STORE_FIT(to, 0, x, 4, *bytes);
#else
    SLIM_BYTES_STORE(to, x, 4, SLIM_LANES, *bytes);
#endif
}

SLIM_STEP int SLIM_NAME(slim_quantize_u8)(const slim_quantize_u8_task *shared)
{
    const slim_quantize_u8_task task = *shared;   /* bytes that are written could alias it */
    const SLIM_BYTES bytes = SLIM_BYTES_OF(task.lo, task.hi, task.zero_point);
    SLIM_VF doubt = SLIM_VF_SPLAT(0.0f), sum = SLIM_VF_SPLAT(0.0f);
    const size_t step = 4 * SLIM_LANES;
    float lanes[SLIM_LANES], part[4 * SLIM_LANES];
    uint8_t part_to[4 * SLIM_LANES];
    int sure = 1;
    if (task.n < step) {
        slim_fill(part, 0, sizeof part);
        slim_copy(part, task.from, task.n * sizeof(float));
        SLIM_NAME(slim_quantize_u8_some)(&task, part, part_to, &doubt, &sum, &bytes);
        slim_copy(task.to, part_to, task.n);
    } else {
        SLIM_ROLL
        for (size_t done = 0; done < task.n; done += step) {
            const size_t at = SLIM_MIN(done, task.n - step);   /* the last ones again */
            SLIM_NAME(slim_quantize_u8_some)(&task, task.from + at, task.to + at, &doubt, &sum, &bytes);
        }
    }
    SLIM_VF_STORE(lanes, SLIM_VF_ADD(doubt, SLIM_VF_SUB(sum, sum)));
    SLIM_ROLL
    for (int i = 0; i < SLIM_LANES; i++) {
        SLIM_FEW;
        sure &= lanes[i] < task.limit;
    }
    return sure;
}
