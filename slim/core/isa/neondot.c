/* The kernels for NEON with the dot product. */
#include "kernels/kernels.h"

#include "isa/neondot.h"
#include "isa/kernels.h"
