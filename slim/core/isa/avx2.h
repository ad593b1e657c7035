/* Vector words of AVX2 with FMA (Intel Haswell, AMD Zen, and later). Bytes are multiplied as 16-bit integers. */
#include "isa/begin.h"

#define SLIM_ISA_SUFFIX avx2
#define SLIM_TARGET __attribute__((target("avx2,fma")))

#include "isa/avx2_words.h"

#include "isa/avx2_dot.h"
