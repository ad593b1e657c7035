/* The kernels for any processor. */
#include "kernels/kernels.h"

#include "isa/plain.h"
#include "isa/kernels.h"
