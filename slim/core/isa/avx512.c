/* The kernels for AVX-512. */
#include "kernels/kernels.h"

#include "isa/avx512.h"
#include "isa/kernels.h"
