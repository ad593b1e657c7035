/* The largest value or the scaled sum of some pixels, channel by channel; see slim_pool_f32_task. Included by `isa/ISA.c`. */

/* Channels c to end, nv vectors at a time, of which the last has `lanes`. */
SLIM_TILE void SLIM_NAME(slim_pool_f32_vectors)(const slim_pool_f32_task *task, size_t c, size_t end, size_t lanes,
                                                const int nv, const int sums)
{
    const float *const *pixels = task->pixels;
    const size_t count = task->count;
    const SLIM_VF scale = SLIM_VF_SPLAT(task->scale);
    float *out = task->out;
    SLIM_ROLL
    for (; c < end; c += (size_t)nv * SLIM_LANES) {
        SLIM_VF acc[4];
        int v;
        SLIM_UNROLL
        for (v = 0; v < nv; v++)
            acc[v] = SLIM_VF_LOAD_PART(pixels[0] + c + v * SLIM_LANES, lanes);
        SLIM_ROLL
        for (size_t i = 1; i < count; i++) {
            const float *pixel = pixels[i] + c;
            SLIM_UNROLL
            for (v = 0; v < nv; v++) {
                SLIM_VF x = SLIM_VF_LOAD_PART(pixel + v * SLIM_LANES, lanes);
                acc[v] = sums ? SLIM_VF_ADD(acc[v], x) : SLIM_VF_MAX(x, acc[v]);
            }
        }
        SLIM_UNROLL
        for (v = 0; v < nv; v++)
            SLIM_VF_STORE_PART(out + c + v * SLIM_LANES, lanes, sums ? SLIM_VF_MUL(acc[v], scale) : acc[v]);
    }
}

SLIM_TILE void SLIM_NAME(slim_pool_f32_all)(const slim_pool_f32_task *task, const int sums)
{
    const size_t fours = task->n - task->n % (4 * SLIM_LANES), whole = task->n - task->n % SLIM_LANES;
    SLIM_NAME(slim_pool_f32_vectors)(task, 0, fours, SLIM_LANES, 4, sums);
    SLIM_NAME(slim_pool_f32_vectors)(task, fours, whole, SLIM_LANES, 1, sums);
    SLIM_NAME(slim_pool_f32_vectors)(task, whole, task->n, task->n - whole, 1, sums);
}

SLIM_STEP void SLIM_NAME(slim_pool_f32)(const slim_pool_f32_task *task)
{
    if (task->sums)
        SLIM_NAME(slim_pool_f32_all)(task, 1);
    else
        SLIM_NAME(slim_pool_f32_all)(task, 0);
}
