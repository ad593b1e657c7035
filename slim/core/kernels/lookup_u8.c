/* A table of 256 bytes for each of many bytes; see slim_kernels. Included by `isa/ISA.c`. */
__attribute__((aligned(64)))   /* a loop of a few bytes, which takes a third longer where a line of code ends in it */
SLIM_STEP void SLIM_NAME(slim_lookup_u8)(const uint8_t *table, const uint8_t *from, uint8_t *to, size_t n)
{
    size_t i = 0;
#ifdef SLIM_LOOKUP
    i = SLIM_LOOKUP(table, from, to, n);
#endif
    for (; i < n; i++)
        to[i] = table[from[i]];
}
