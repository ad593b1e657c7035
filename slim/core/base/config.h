/* How the core is compiled: linkage, threads, floating point. Every file includes this first. */
#ifndef SLIM_CONFIG_H
#define SLIM_CONFIG_H

#include <stddef.h>
#include <stdint.h>

/* Functions shared between the core's files: hidden in the library, `static` in the single file. */
#ifndef SLIM_INTERNAL
#define SLIM_INTERNAL
#endif

/* Threads need pthread and atomic words of 64 bits; targets without them are compiled with -DSLIM_THREADS=0. */
#ifndef SLIM_THREADS
#if (defined(__linux__) || defined(__APPLE__)) && __GCC_ATOMIC_LLONG_LOCK_FREE == 2
#define SLIM_THREADS 1
#else
#define SLIM_THREADS 0
#endif
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "slim programs are little-endian"
#endif

/* Compilers that came with assemblers that know AVX-VNNI; others leave it out. */
#if defined(__x86_64__) && ((defined(__clang__) && __clang_major__ >= 12) || (!defined(__clang__) && __GNUC__ >= 11))
#define SLIM_KNOWS_AVXVNNI 1
#else
#define SLIM_KNOWS_AVXVNNI 0
#endif

/* No contraction of a multiply and an add that the text does not ask for: integer results (which pass through one float
 * multiply) are the same bits on every target, and the single file gives what the library gives. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

/* 1: for size. Kernels have fewer and smaller tiles. `slim build --optimize size` sets it in the file that it writes. */
#ifndef SLIM_SMALL
#define SLIM_SMALL 0
#endif

/* gcc -O3 makes versions of loops for what rarely happens, vectorizes loops that run a few times, copies functions into others and
 * adds paths on which an input would be absent: outside the kernels that is a tenth of the code and no time. Functions whose loops
 * are worth it say so. A small build is compiled for size but for those and the kernels that would be slower: gemm_f32 with
 * AVX2 by a sixth. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__) && !defined(__OPTIMIZE_SIZE__)
#if SLIM_SMALL
#pragma GCC optimize("Os")
#define SLIM_HOT __attribute__((optimize("O2")))
#else
#define SLIM_SMALL_LOOPS 1
#pragma GCC optimize("O2", "no-inline-functions", "no-isolate-erroneous-paths-dereference")
#define SLIM_HOT
#endif
#define SLIM_VECTORIZE __attribute__((optimize("O3")))
#define SLIM_BRIEF __attribute__((optimize("Os")))   /* what runs once a step */
#else
#define SLIM_HOT
#define SLIM_VECTORIZE
#define SLIM_BRIEF
#endif

/* What runs when a session is set up rather than in each inference: compiled for size. */
#define SLIM_COLD __attribute__((cold))
#define SLIM_INLINE static inline __attribute__((always_inline, unused))
/* One function that several call, often in several files, where compilers would put a copy into each. */
#define SLIM_SHARED static __attribute__((noinline, unused))
#define SLIM_MIN(a, b) ((a) < (b) ? (a) : (b))
#define SLIM_MAX(a, b) ((a) > (b) ? (a) : (b))

#endif
