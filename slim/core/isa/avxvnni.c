/* The kernels for AVX2 with AVX-VNNI. */
#include "kernels/kernels.h"

#include "isa/avxvnni.h"
#include "isa/kernels.h"
