/* Loads and stores of fewer lanes than a vector has, for instruction sets without masks. Included last by `isa/ISA.h`. */
SLIM_TILE SLIM_VF SLIM_NAME(slim_load_part)(const float *p, size_t count)
{
    float part[SLIM_LANES] = {0};
    for (size_t i = 0; i < count; i++)
        part[i] = p[i];
    return SLIM_VF_LOAD(part);
}

SLIM_TILE void SLIM_NAME(slim_store_part)(float *p, size_t count, SLIM_VF v)
{
    float part[SLIM_LANES];
    SLIM_VF_STORE(part, v);
    for (size_t i = 0; i < count; i++)
        p[i] = part[i];
}

SLIM_TILE void SLIM_NAME(slim_store_u8_part)(uint8_t *p, size_t count, SLIM_VI v)
{
    uint8_t part[SLIM_LANES];
    SLIM_VI_STORE_U8(part, v);
    for (size_t i = 0; i < count; i++)
        p[i] = part[i];
}

#define SLIM_VF_LOAD_PART(p, count) SLIM_NAME(slim_load_part)((p), (count))
#define SLIM_VF_STORE_PART(p, count, v) SLIM_NAME(slim_store_part)((p), (count), (v))
#define SLIM_VI_STORE_U8_PART(p, count, v) SLIM_NAME(slim_store_u8_part)((p), (count), (v))
