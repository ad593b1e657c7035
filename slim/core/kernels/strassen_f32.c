/* Sums of halves of rows for Strassen's algorithm, and copies of the rows; see kernels.h. Included by `isa/ISA.c`, once an
 * instruction set. */
SLIM_STEP void SLIM_NAME(slim_strassen_rows_f32)(const float *a, const float *b, float *const *to, size_t half)
{
    SLIM_ROLL
    for (size_t i = 0; i < half; i += SLIM_LANES) {
        const size_t lanes = SLIM_MIN(half - i, (size_t)SLIM_LANES);
        const SLIM_VF a11 = SLIM_VF_LOAD_PART(a + i, lanes), a12 = SLIM_VF_LOAD_PART(a + half + i, lanes);
        const SLIM_VF a21 = SLIM_VF_LOAD_PART(b + i, lanes), a22 = SLIM_VF_LOAD_PART(b + half + i, lanes);
        const SLIM_VF s1 = SLIM_VF_ADD(a21, a22), s2 = SLIM_VF_SUB(s1, a11);
        SLIM_VF_STORE(to[0] + i, s1);
        SLIM_VF_STORE(to[1] + i, s2);
        SLIM_VF_STORE(to[2] + i, SLIM_VF_SUB(a11, a21));
        SLIM_VF_STORE(to[3] + i, SLIM_VF_SUB(a12, s2));
        if (to[4]) {
            SLIM_VF_STORE(to[4] + i, a11);
            SLIM_VF_STORE(to[5] + i, a12);
            SLIM_VF_STORE(to[6] + i, a22);
        }
    }
}
