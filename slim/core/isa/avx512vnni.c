/* The kernels for AVX-512 with VNNI. */
#include "kernels/kernels.h"

#include "isa/avx512vnni.h"
#include "isa/kernels.h"
