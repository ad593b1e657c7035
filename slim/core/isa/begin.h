/* What the vector words of every instruction set share. Included first by each `isa/ISA.h`; `isa/end.h` undoes it.
 *
 * An instruction set defines
 *   SLIM_ISA_SUFFIX, SLIM_TARGET       the ending of its names, and the attribute that lets its functions use it
 *   SLIM_LANES                         32-bit lanes of a vector: 1, 4, 8 or 16
 *   SLIM_VF_..., SLIM_VI_...           words on vectors of floats and of int32
 *   SLIM_DOT_...                       products of 4 unsigned and 4 signed bytes a lane
 *   SLIM_TILE_...                      tile sizes, in rows and vectors
 * and the kernels in `kernels/` are written on these alone. */
#define SLIM_JOIN2(a, b) a##_##b
#define SLIM_JOIN(a, b) SLIM_JOIN2(a, b)
#define SLIM_NAME(name) SLIM_JOIN(name, SLIM_ISA_SUFFIX)
#define SLIM_TILE SLIM_INLINE SLIM_TARGET
#define SLIM_STEP static __attribute__((noinline)) SLIM_TARGET
#define SLIM_VECTORS (SLIM_PANEL / SLIM_LANES)   /* in a panel of 16 channels */

/* Loops over registers have constant bounds and must disappear. */
#if defined(__clang__)
#define SLIM_UNROLL _Pragma("unroll")
#else
#define SLIM_UNROLL _Pragma("GCC unroll 32")
#endif
