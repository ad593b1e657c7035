/* Loads and stores of fewer lanes than a vector has, for instruction sets without masks. Included last by `isa/ISA.h`. */
static __attribute__((noinline, unused)) void SLIM_NAME(slim_copy_part)(void *to, const void *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        ((char *)to)[i] = ((const char *)from)[i];
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
