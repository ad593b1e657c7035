/* The kernels for AVX2. */
#include "kernels/kernels.h"

#include "isa/avx2.h"
#include "isa/kernels.h"
