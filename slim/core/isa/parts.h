/* Loads and stores of fewer lanes than a vector has, for instruction sets without masks. Included last by `isa/ISA.h`. */
static __attribute__((noinline, unused)) void SLIM_NAME(slim_copy_part)(void *to, const void *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        ((char *)to)[i] = ((const char *)from)[i];
        __asm__ volatile("" ::: "memory");   /* not to be vectorized: there are few */
    }
}

SLIM_TILE SLIM_VF SLIM_NAME(slim_load_part)(const float *p, size_t count)
{
    float part[SLIM_LANES] = {0};
    if (count == SLIM_LANES)
        return SLIM_VF_LOAD(p);
    SLIM_NAME(slim_copy_part)(part, p, count * sizeof(float));
    return SLIM_VF_LOAD(part);
}

SLIM_TILE void SLIM_NAME(slim_store_part)(float *p, size_t count, SLIM_VF v)
{
    if (count == SLIM_LANES) {
        SLIM_VF_STORE(p, v);
    } else {
        float part[SLIM_LANES];
        SLIM_VF_STORE(part, v);
        SLIM_NAME(slim_copy_part)(p, part, count * sizeof(float));
    }
}

SLIM_TILE void SLIM_NAME(slim_store_u8_part)(uint8_t *p, size_t count, SLIM_VI v)
{
    if (count == SLIM_LANES) {
        SLIM_VI_STORE_U8(p, v);
    } else {
        uint8_t part[SLIM_LANES];
        SLIM_VI_STORE_U8(part, v);
        SLIM_NAME(slim_copy_part)(p, part, count);
    }
}

#define SLIM_VF_LOAD_PART(p, count) SLIM_NAME(slim_load_part)((p), (count))
#define SLIM_VF_STORE_PART(p, count, v) SLIM_NAME(slim_store_part)((p), (count), (v))
#define SLIM_VI_STORE_U8_PART(p, count, v) SLIM_NAME(slim_store_u8_part)((p), (count), (v))

/* Scaled sums to bytes: zero point + round(clamp(x)). */
typedef struct SLIM_NAME(slim_bytes) {
    SLIM_VF lo, hi;
    SLIM_VI zero_point;
} SLIM_NAME(slim_bytes);

SLIM_TILE SLIM_NAME(slim_bytes) SLIM_NAME(slim_bytes_of)(float lo, float hi, int32_t zero_point)
{
    SLIM_NAME(slim_bytes) b;
    b.lo = SLIM_VF_SPLAT(lo);
    b.hi = SLIM_VF_SPLAT(hi);
    b.zero_point = SLIM_VI_SPLAT(zero_point);
    return b;
}

/* nv vectors of neighbouring channels; `last` lanes of the last one are stored. */
SLIM_TILE void SLIM_NAME(slim_bytes_store)(uint8_t *out, const SLIM_VF *x, const int nv, size_t last,
                                           const SLIM_NAME(slim_bytes) *b)
{
    SLIM_VI y[8];
    int v;
    SLIM_UNROLL
    for (v = 0; v < nv; v++)
        y[v] = SLIM_VI_ADD(SLIM_VF_ROUND(SLIM_VF_MIN(SLIM_VF_MAX(x[v], b->lo), b->hi)), b->zero_point);
    SLIM_UNROLL
    for (v = 0; v < nv - 1; v++)
        SLIM_VI_STORE_U8(out + v * SLIM_LANES, y[v]);
    SLIM_VI_STORE_U8_PART(out + v * SLIM_LANES, last, y[v]);
}

#define SLIM_BYTES SLIM_NAME(slim_bytes)
#define SLIM_BYTES_OF(lo, hi, zero_point) SLIM_NAME(slim_bytes_of)((lo), (hi), (zero_point))
#define SLIM_BYTES_STORE(out, x, nv, last, bytes) SLIM_NAME(slim_bytes_store)((out), (x), (nv), (last), &(bytes))
