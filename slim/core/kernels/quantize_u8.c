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
    float lanes[SLIM_LANES], part[4 * SLIM_LANES];
    uint8_t part_to[4 * SLIM_LANES];
    int sure = 1;
    SLIM_ROLL
    for (size_t at = 0; at < task.n; at += 4 * SLIM_LANES) {
        const size_t left = task.n - at;
        const int whole = left >= 4 * SLIM_LANES;
        if (!whole) {
            slim_fill(part, 0, sizeof part);
            slim_copy(part, task.from + at, left * sizeof(float));
        }
        SLIM_NAME(slim_quantize_u8_some)(&task, whole ? task.from + at : part, whole ? task.to + at : part_to, &doubt, &finite,
                                         &bytes);
        if (!whole)
            slim_copy(task.to + at, part_to, left);
    }
    SLIM_VF_STORE(lanes, SLIM_VF_ADD(doubt, finite));
    SLIM_ROLL
    for (int i = 0; i < SLIM_LANES; i++) {
        SLIM_FEW;
        sure &= lanes[i] < task.limit;
    }
    return sure;
}
