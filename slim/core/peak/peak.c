/* What one core of this machine can do: multiply-adds in registers, and reading memory. Part of the library that
 * `slim bench --profile` and the benchmarks load, never of a single file.
 *
 * Each figure is the best of many short tries: a peak is what is left when nothing disturbs. */
#include "include/slim.h"

#include <time.h>

#define PEAK_ARITHMETIC_TRIES 300   /* short ones, to fit between disturbances */
#define PEAK_READ_TRIES 15
#define PEAK_CHAINS 12              /* independent accumulators: two ports times a latency of four, and some */
#define PEAK_STEPS 50000L
#if !defined(__clang__) && __GNUC__ >= 12
#define PEAK_HAS_AVXVNNI 1          /* __builtin_cpu_supports knows it */
#else
#define PEAK_HAS_AVXVNNI 0
#endif

SLIM_API double slim_peak_arithmetic(int integer);
SLIM_API double slim_peak_read(const void *memory, size_t bytes);

static double peak_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#if defined(__x86_64__) || defined(__aarch64__)
/* one instruction on every accumulator, n times */
#define PEAK_ALL(op, reg) \
    op(0, reg) op(1, reg) op(2, reg) op(3, reg) op(4, reg) op(5, reg) op(6, reg) op(7, reg) op(8, reg) op(9, reg) \
    op(10, reg) op(11, reg)
#if defined(__x86_64__)
#define PEAK_LOOP(name, op, reg) \
    static void name(long n) \
    { \
        __asm__ volatile("vzeroall\n1:\n\t" PEAK_ALL(op, reg) "dec %0\n\tjnz 1b\n\tvzeroupper" \
                         : "+r"(n) \
                         : \
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
                           "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc"); \
    }
#define PEAK_FMA(i, reg) "vfmadd231ps %%" reg "14, %%" reg "15, %%" reg #i "\n\t"
#define PEAK_DOT(i, reg) "vpdpbusd %%" reg "14, %%" reg "15, %%" reg #i "\n\t"
PEAK_LOOP(peak_fma512, PEAK_FMA, "zmm")
PEAK_LOOP(peak_fma256, PEAK_FMA, "ymm")
PEAK_LOOP(peak_dot512, PEAK_DOT, "zmm")
#if PEAK_HAS_AVXVNNI
#define PEAK_DOT_VEX(i, reg) "%{vex%} vpdpbusd %%" reg "14, %%" reg "15, %%" reg #i "\n\t"
PEAK_LOOP(peak_dot256, PEAK_DOT_VEX, "ymm")
#endif
#else
#define PEAK_LOOP(name, op, reg) \
    static void name(long n) \
    { \
        __asm__ volatile("1:\n\t" PEAK_ALL(op, reg) "subs %0, %0, #1\n\tb.ne 1b" \
                         : "+r"(n) \
                         : \
                         : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v14", "v15", "cc"); \
    }
#define PEAK_FMA(i, reg) "fmla " reg #i ".4s, " reg "14.4s, " reg "15.4s\n\t"
#define PEAK_DOT(i, reg) ".arch armv8.2-a+dotprod\n\tsdot " reg #i ".4s, " reg "14.16b, " reg "15.16b\n\t"
PEAK_LOOP(peak_fma128, PEAK_FMA, "v")
PEAK_LOOP(peak_dot128, PEAK_DOT, "v")
#include <sys/auxv.h>
#ifndef HWCAP_ASIMDDP
#define HWCAP_ASIMDDP (1 << 20)
#endif
#endif

/* Operations a second in units of 1e9, two for each of `width` multiply-adds. */
static double peak_rate(void (*loop)(long), int width)
{
    double best = 0;
    for (int i = 0; i < PEAK_ARITHMETIC_TRIES; i++) {
        double start = peak_now(), seconds;
        loop(PEAK_STEPS);
        seconds = peak_now() - start;
        if (2e-9 * width * PEAK_CHAINS * PEAK_STEPS > best * seconds)
            best = 2e-9 * width * PEAK_CHAINS * PEAK_STEPS / seconds;
    }
    return best;
}
#endif

/* Operations a second of the calling thread's core in units of 1e9, a multiply-add counted as two: fp32, or 8-bit integers
 * where `integer`. 0 where the processor has no instruction for it, or this file does not know it. */
double slim_peak_arithmetic(int integer)
{
#if defined(__x86_64__)
    if (integer && __builtin_cpu_supports("avx512vnni"))
        return peak_rate(peak_dot512, 64);
#if PEAK_HAS_AVXVNNI
    if (integer && __builtin_cpu_supports("avxvnni"))
        return peak_rate(peak_dot256, 32);
#endif
    if (!integer && __builtin_cpu_supports("avx512f"))
        return peak_rate(peak_fma512, 16);
    if (!integer && __builtin_cpu_supports("fma"))
        return peak_rate(peak_fma256, 8);
#elif defined(__aarch64__)
    if (!integer)
        return peak_rate(peak_fma128, 4);
    if (getauxval(AT_HWCAP) & HWCAP_ASIMDDP)
        return peak_rate(peak_dot128, 16);
#endif
    (void)integer;
    return 0;
}

typedef float peak_vector __attribute__((vector_size(64), aligned(64)));

/* The body of a reader: `bytes` again and again, until 64 MiB are through. */
#define PEAK_READER(name) \
    static double name(const peak_vector *data, size_t bytes) \
    { \
        const size_t n = bytes / sizeof *data; \
        const int repeats = (int)(((size_t)64 << 20) / bytes) + 1; \
        double best = 0; \
        for (int i = 0; i < PEAK_READ_TRIES; i++) { \
            peak_vector sums[4] = {{0}, {0}, {0}, {0}}; \
            double start = peak_now(), seconds; \
            for (int r = 0; r < repeats; r++) { \
                for (size_t k = 0; k + 8 <= n; k += 8) { \
                    sums[0] += data[k] + data[k + 4]; \
                    sums[1] += data[k + 1] + data[k + 5]; \
                    sums[2] += data[k + 2] + data[k + 6]; \
                    sums[3] += data[k + 3] + data[k + 7]; \
                } \
                __asm__ volatile("" ::"r"(data) : "memory"); \
            } \
            seconds = peak_now() - start; \
            peak_vector all = sums[0] + sums[1] + sums[2] + sums[3]; \
            __asm__ volatile("" ::"m"(all)); \
            if (1e-9 * (double)bytes * repeats > best * seconds) \
                best = 1e-9 * (double)bytes * repeats / seconds; \
        } \
        return best; \
    }
PEAK_READER(peak_read_plain)
#if defined(__x86_64__)
__attribute__((target("avx512f"))) PEAK_READER(peak_read_512)
__attribute__((target("avx2"))) PEAK_READER(peak_read_256)
#endif

/* Bytes a second in units of 1e9 at which the calling thread reads `memory` (64-byte aligned, at least 512 bytes) over and
 * over: the speed of the level of the caches that holds it. */
double slim_peak_read(const void *memory, size_t bytes)
{
    const peak_vector *data = (const peak_vector *)memory;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return peak_read_512(data, bytes);
    if (__builtin_cpu_supports("avx2"))
        return peak_read_256(data, bytes);
#endif
    return peak_read_plain(data, bytes);
}
