/* The kernels for WebAssembly SIMD. */
#include "kernels/kernels.h"

#include "isa/wasm.h"
#include "isa/kernels.h"
