/* What one core of this machine can do, as one line of JSON: multiply-adds in registers, and reading from each level of
 * memory. GFLOP/s and GOP/s count a multiply-add as two. A figure that the processor has no instruction for is null.
 * Each figure is the best of several short tries: a peak is what is left when nothing disturbs. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TRIES 15         /* of reading memory */
#define FAST_TRIES 300   /* of arithmetic: short ones, to fit between disturbances */
#define CHAINS 12 /* independent accumulators: two ports times a latency of four, and some */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#if defined(__x86_64__)
/* one instruction on CHAINS accumulators, n times */
#define LOOP(name, instruction, reg)                                                                                   \
    static void name(long n)                                                                                           \
    {                                                                                                                  \
        __asm__ volatile("vzeroall\n1:\n\t" instruction(0, reg) instruction(1, reg) instruction(2, reg) instruction(3, reg)      \
                             instruction(4, reg) instruction(5, reg) instruction(6, reg) instruction(7, reg)           \
                                 instruction(8, reg) instruction(9, reg) instruction(10, reg) instruction(11, reg)     \
                                     "dec %0\n\tjnz 1b\n\tvzeroupper"                                                                \
                         : "+r"(n)                                                                                     \
                         :                                                                                             \
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",    \
                           "xmm11", "xmm14", "xmm15", "cc");                                                                             \
    }
#define FMA(i, reg) "vfmadd231ps %%" reg "14, %%" reg "15, %%" reg #i "\n\t"
#define DOT(i, reg) "vpdpbusd %%" reg "14, %%" reg "15, %%" reg #i "\n\t"
#define DOTVEX(i, reg) "%{vex%} vpdpbusd %%" reg "14, %%" reg "15, %%" reg #i "\n\t"
LOOP(fma512, FMA, "zmm")
LOOP(fma256, FMA, "ymm")
LOOP(dot512, DOT, "zmm")
LOOP(dotvex, DOTVEX, "ymm")

/* 2 operations for each of `width` multiply-adds */
static double rate(void (*loop)(long), int width)
{
    const long n = 50000;
    double best = 0;
    for (int i = 0; i < FAST_TRIES; i++) {
        double start = now();
        loop(n);
        double rate = 2.0 * width * CHAINS * (double)n / (now() - start) / 1e9;
        if (rate > best) best = rate;
    }
    return best;
}

static double fp32_peak(void)
{
    if (__builtin_cpu_supports("avx512f")) return rate(fma512, 16);
    if (__builtin_cpu_supports("fma")) return rate(fma256, 8);
    return 0;
}

static double int8_peak(void)
{
    if (__builtin_cpu_supports("avx512vnni")) return rate(dot512, 64);
#if defined(__GNUC__) && __GNUC__ >= 12
    if (__builtin_cpu_supports("avxvnni")) return rate(dotvex, 32);
#endif
    return 0;
}
#else
static double fp32_peak(void) { return 0; }
static double int8_peak(void) { return 0; }
#endif

typedef float vector __attribute__((vector_size(64), aligned(64)));

/* GB/s of reading `bytes` again and again */
#if defined(__x86_64__)
__attribute__((target("avx512f")))
#endif
static double read_wide(const vector *data, size_t bytes)
{
    size_t n = bytes / sizeof *data;
    int repeats = (int)(((size_t)64 << 20) / bytes) + 1;
    double best = 0;
    for (int i = 0; i < TRIES; i++) {
        vector sums[4] = {{0}, {0}, {0}, {0}};
        double start = now();
        for (int r = 0; r < repeats; r++) {
            for (size_t k = 0; k + 8 <= n; k += 8) {
                sums[0] += data[k] + data[k + 4];
                sums[1] += data[k + 1] + data[k + 5];
                sums[2] += data[k + 2] + data[k + 6];
                sums[3] += data[k + 3] + data[k + 7];
            }
            __asm__ volatile("" ::"r"(data) : "memory");
        }
        double seconds = now() - start;
        volatile float keep = (sums[0] + sums[1] + sums[2] + sums[3])[0];
        (void)keep;
        double rate = (double)bytes * repeats / seconds / 1e9;
        if (rate > best) best = rate;
    }
    return best;
}

static double read_plain(const unsigned long *data, size_t bytes)
{
    size_t n = bytes / sizeof *data;
    int repeats = (int)(((size_t)64 << 20) / bytes) + 1;
    double best = 0;
    for (int i = 0; i < TRIES; i++) {
        unsigned long a = 0, b = 0, c = 0, d = 0;
        double start = now();
        for (int r = 0; r < repeats; r++) {
            for (size_t k = 0; k + 4 <= n; k += 4) a += data[k], b += data[k + 1], c += data[k + 2], d += data[k + 3];
            __asm__ volatile("" ::"r"(data) : "memory");
        }
        double seconds = now() - start;
        volatile unsigned long keep = a + b + c + d;
        (void)keep;
        double rate = (double)bytes * repeats / seconds / 1e9;
        if (rate > best) best = rate;
    }
    return best;
}

static void print_rate(const char *name, double value)
{
    if (value > 0)
        printf("\"%s\": %.1f, ", name, value);
    else
        printf("\"%s\": null, ", name);
}

int main(void)
{
    static const struct {
        const char *name;
        size_t bytes;
    } levels[] = {{"l1", 16 << 10}, {"l2", 256 << 10}, {"l3", 8 << 20}, {"dram", (size_t)256 << 20}};
    printf("{");
    print_rate("fp32_gflops", fp32_peak());
    print_rate("int8_gops", int8_peak());
    printf("\"read_gb_s\": {");
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        void *data = NULL;
        if (posix_memalign(&data, 64, levels[i].bytes)) return 1;
        memset(data, 0, levels[i].bytes);
        int wide = 0;
#if defined(__x86_64__)
        wide = __builtin_cpu_supports("avx512f");
#endif
        double rate = wide ? read_wide(data, levels[i].bytes) : read_plain(data, levels[i].bytes);
        printf("%s\"%s\": %.1f", i ? ", " : "", levels[i].name, rate);
        free(data);
    }
    printf("}}\n");
    return 0;
}
