/* A table of 256 bytes for each of many bytes; see slim_kernels. Included by `isa/ISA.c`. */
SLIM_STEP void SLIM_NAME(slim_lookup_u8)(const uint8_t *table, const uint8_t *from, uint8_t *to, size_t n)
{
    size_t i = 0;
#ifdef SLIM_LOOKUP
    i = SLIM_LOOKUP(table, from, to, n);
#endif
    for (; i < n; i++)
        to[i] = table[from[i]];
}
