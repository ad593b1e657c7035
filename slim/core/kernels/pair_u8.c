/* Sums and products of two rows of bytes; see slim_pair_u8_task. Included by `isa/ISA.c`. */

/* `nv` vectors from element `at` on, of which `last` lanes of the last one are stored. */
SLIM_TILE void SLIM_NAME(slim_pair_u8_some)(const slim_pair_u8_task *task, const uint8_t *a, const uint8_t *b, uint8_t *out,
                                            const SLIM_BYTES *bytes, size_t last, const int nv)
{
    const SLIM_VI ma = SLIM_VI_SPLAT(task->multiplier_a), mb = SLIM_VI_SPLAT(task->multiplier_b);
    const SLIM_VI zero_a = SLIM_VI_SPLAT(-task->zero_a), zero_b = SLIM_VI_SPLAT(-task->zero_b);
    const SLIM_VF scale = SLIM_VF_SPLAT(task->scale);
    SLIM_VF x[4];
    int v;
    SLIM_UNROLL
    for (v = 0; v < nv; v++) {
        SLIM_VI p = SLIM_VI_ADD(SLIM_VI_LOAD_U8(a + v * SLIM_LANES), zero_a);
        SLIM_VI q = SLIM_VI_ADD(SLIM_VI_LOAD_U8(b + v * SLIM_LANES), zero_b);
        p = task->product ? SLIM_VI_MUL(p, q) : SLIM_VI_ADD(SLIM_VI_MUL(p, ma), SLIM_VI_MUL(q, mb));
        x[v] = SLIM_VF_MUL(SLIM_VI_TO_VF(p), scale);
    }
    SLIM_BYTES_STORE(out, x, nv, last, *bytes);
}

SLIM_STEP void SLIM_NAME(slim_pair_u8)(const slim_pair_u8_task *shared)
{
    const slim_pair_u8_task task = *shared;   /* bytes that are written could alias it */
    const SLIM_BYTES bytes = SLIM_BYTES_OF(task.lo, task.hi, task.zero_point);
    size_t at = 0;
    for (; !SLIM_SMALL && at + 4 * SLIM_LANES <= task.n; at += 4 * SLIM_LANES)
        SLIM_NAME(slim_pair_u8_some)(&task, task.a + at, task.b + at, task.out + at, &bytes, SLIM_LANES, 4);
    for (; at + SLIM_LANES <= task.n; at += SLIM_LANES)
        SLIM_NAME(slim_pair_u8_some)(&task, task.a + at, task.b + at, task.out + at, &bytes, SLIM_LANES, 1);
    if (at < task.n) {
        uint8_t a[SLIM_LANES] = {0}, b[SLIM_LANES] = {0};
        __builtin_memcpy(a, task.a + at, task.n - at);
        __builtin_memcpy(b, task.b + at, task.n - at);
        SLIM_NAME(slim_pair_u8_some)(&task, a, b, task.out + at, &bytes, task.n - at, 1);
    }
}
