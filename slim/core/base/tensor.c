/* Sizes of types and shapes, and the two byte loops that keep the core free of libc. */
#include "base/internal.h"

SLIM_INTERNAL size_t slim_type_bytes(int type)
{
    switch (type) {
    case SLIM_U8: case SLIM_I8: case SLIM_BOOL: return 1;
    case SLIM_F16: case SLIM_BF16: return 2;
    case SLIM_F32: case SLIM_I32: return 4;
    case SLIM_I64: return 8;
    default: return 0;
    }
}

/* Tensors stay below 2^40 elements, so that products of a few such counts with small factors fit 64 bits; on a 32-bit
 * target below 2^28, so that their bytes fit. */
SLIM_INTERNAL int slim_count_elements(int rank, const int32_t *dims, size_t *count)
{
    const uint64_t limit = sizeof(size_t) == 8 ? (uint64_t)1 << 40 : (uint64_t)1 << 28;
    uint64_t product = 1;
    for (int i = 0; i < rank; i++) {
        if (dims[i] < 1)
            return 0;
        product *= (uint64_t)dims[i];
        if (product > limit)
            return 0;
    }
    *count = (size_t)product;
    return 1;
}

SLIM_INTERNAL void slim_copy(void *to, const void *from, size_t bytes)
{
    __builtin_memcpy(to, from, bytes);
}

SLIM_INTERNAL void slim_fill(void *to, int byte, size_t bytes)
{
    __builtin_memset(to, byte, bytes);
}
