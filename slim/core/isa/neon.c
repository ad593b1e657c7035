/* The kernels for NEON. */
#include "kernels/kernels.h"

#include "isa/neon.h"
#include "isa/kernels.h"
