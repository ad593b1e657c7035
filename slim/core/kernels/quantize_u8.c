/* Floats to bytes by a multiplication; see slim_quantize_u8_task. Included by `isa/ISA.c`. */

/* Four vectors. What lies near the middle of two integers is seen in `doubt`, what is no finite number in `finite`. */
SLIM_TILE void SLIM_NAME(slim_quantize_u8_some)(const slim_quantize_u8_task *task, const float *from, uint8_t *to, SLIM_VF *doubt,
                                                SLIM_VF *finite, const SLIM_BYTES *bytes)
{
    const SLIM_VF factor = SLIM_VF_SPLAT(task->factor), lo = SLIM_VF_SPLAT(task->lo), hi = SLIM_VF_SPLAT(task->hi);
    const SLIM_VF minus = SLIM_VF_SPLAT(-1.0f), zero = SLIM_VF_SPLAT(0.0f);
    SLIM_VF x[4];
    int v;
    SLIM_UNROLL
    for (v = 0; v < 4; v++) {
        x[v] = SLIM_VF_MUL(SLIM_VF_LOAD(from + v * SLIM_LANES), factor);
        *finite = SLIM_VF_FMA(x[v], zero, *finite);
        x[v] = SLIM_VF_MIN(SLIM_VF_MAX(x[v], lo), hi);
        const SLIM_VF away = SLIM_VF_FMA(SLIM_VI_TO_VF(SLIM_VF_ROUND(x[v])), minus, x[v]);
        *doubt = SLIM_VF_MAX(SLIM_VF_MUL(away, away), *doubt);
    }
    SLIM_BYTES_STORE(to, x, 4, SLIM_LANES, *bytes);
}

SLIM_STEP int SLIM_NAME(slim_quantize_u8)(const slim_quantize_u8_task *shared)
{
    const slim_quantize_u8_task task = *shared;   /* bytes that are written could alias it */
    const SLIM_BYTES bytes = SLIM_BYTES_OF(task.lo, task.hi, task.zero_point);
    SLIM_VF doubt = SLIM_VF_SPLAT(0.0f), finite = SLIM_VF_SPLAT(0.0f);
    float lanes[SLIM_LANES];
    size_t at = 0;
    int sure = 1;
    for (; at + 4 * SLIM_LANES <= task.n; at += 4 * SLIM_LANES)
        SLIM_NAME(slim_quantize_u8_some)(&task, task.from + at, task.to + at, &doubt, &finite, &bytes);
    if (at < task.n) {
        float from[4 * SLIM_LANES] = {0.0f};
        uint8_t to[4 * SLIM_LANES];
        __builtin_memcpy(from, task.from + at, (task.n - at) * sizeof(float));
        SLIM_NAME(slim_quantize_u8_some)(&task, from, to, &doubt, &finite, &bytes);
        __builtin_memcpy(task.to + at, to, task.n - at);
    }
    SLIM_VF_STORE(lanes, SLIM_VF_ADD(doubt, finite));
    for (int i = 0; i < SLIM_LANES; i++)
        sure &= lanes[i] < task.limit;
    return sure;
}
