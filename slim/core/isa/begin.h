/* What the vector words of every instruction set share. Included first by each `isa/ISA.h`; `isa/end.h` undoes it.
 *
 * An instruction set defines
 *   SLIM_ISA_SUFFIX, SLIM_TARGET       the ending of its names, and the attribute that lets its functions use it
 *   SLIM_LANES                         32-bit lanes of a vector: 1, 4, 8 or 16
 *   SLIM_VF_..., SLIM_VI_...           words on vectors of floats and of int32
 *   SLIM_VF_POWER(t)                   2^n of the float t = n + 1.5 * 2^23, whose low bits are n; 0 for n = -127
 *   SLIM_VF_TURNS_..., SPLAT_TWO       products of two inputs at once, where the set has 16 lanes
 *   SLIM_DOT_...                       products of 4 unsigned and 4 signed bytes a lane
 *   SLIM_WIDE, SLIM_DEPTH              channels that uint8 depthwise kernels take together, and rows of the window
 *   SLIM_WIDE_...                      words on so many bytes, of so many rows
 *   SLIM_SLIDES, SLIM_WINOGRADS        where slide_u8 and winograd_u8 are compiled for the set
 *   SLIM_BF16_...                      products of 2 pairs of bf16 a lane, where the set may have them
 *   SLIM_GEMM_U8_STREAMS               taps, words of each, taps of one word after them, vectors of channels: where weights stay in
 *                                      registers
 *   SLIM_GEMM_U8_ENDS                  vectors of channels before half of one that two rows share, where it is worth it
 *   SLIM_GEMM_..._TILES, ..._WIDTH     tile sizes, in vectors and rows, and the choice among them
 * and the kernels in `kernels/` are written on these alone. */
#define SLIM_JOIN2(a, b) a##_##b
#define SLIM_JOIN(a, b) SLIM_JOIN2(a, b)
#define SLIM_NAME(name) SLIM_JOIN(name, SLIM_ISA_SUFFIX)
#define SLIM_TILE SLIM_INLINE SLIM_TARGET
#if defined(__clang__)
#define SLIM_STEP static __attribute__((noinline)) SLIM_TARGET
#else
#define SLIM_STEP static __attribute__((noinline, noclone)) SLIM_TARGET   /* gcc -O3 copies functions for constant arguments */
#endif
#define SLIM_HOT_STEP SLIM_HOT SLIM_STEP         /* one that would be slower if compiled for size */
#define SLIM_VECTORS (SLIM_PANEL / SLIM_LANES)   /* in a panel of 16 channels */
#define SLIM_COLUMNS 4                            /* output columns that depthwise kernels compute together */
#define SLIM_REACH ((SLIM_COLUMNS - 1) * 2 + 5)   /* input columns that they touch at most: stride 2, 5x5 */
#define SLIM_BLOCK 256                            /* channels that they take there before they move on, at most */

/* Loops over registers have constant bounds and must disappear (UNROLL); others stay as they are, for code size (ROLL). */
#if defined(__clang__)
#define SLIM_UNROLL _Pragma("clang loop unroll(full)")
#define SLIM_ROLL _Pragma("nounroll")
#else
#define SLIM_UNROLL _Pragma("GCC unroll 32")
#define SLIM_ROLL _Pragma("GCC unroll 1")
#endif
#define SLIM_FEW __asm__ volatile("")   /* in a loop that runs a few times: it is not vectorized */

/* As for Intel's processors gcc does not keep pointers in vector registers where integer ones run out: a tile's first addresses
 * would wait there behind the products of the tile before (32 -> 16 channels: 96 -> 105 GFLOP/s, on a Zen 4 too). */
#if defined(__GNUC__) && !defined(__clang__)
#define SLIM_TUNE ",tune=icelake-server"
#else
#define SLIM_TUNE ""
#endif

/* g++ 12 takes the values that its own AVX-512 header leaves undefined on purpose for mistakes. `isa/end.h` ends this. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

/* Kernels are compiled as the compiler was asked to, other than the rest (base/config.h), but for two kinds of copies of loops
 * that gain nothing: a KB with AVX2. */
#if defined(SLIM_SMALL_LOOPS)
#pragma GCC push_options
#pragma GCC optimize("O3", "no-split-loops", "no-version-loops-for-strides")
#endif
