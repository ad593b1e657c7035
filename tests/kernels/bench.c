/* Speed of the kernels of an instruction set, one thread: GFLOP/s or GOP/s (two a multiply-add) of processor time,
 * the median of many runs.
 *
 *   bench ISA [SECONDS]      ISA: the number of slim_isa; time spent on each shape
 *
 * Rows are handed over 256 at a time, as the operators do. */
#include "kernels/kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STRIP ((size_t)256)
#define RUNS 2000

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);   /* other programs' turns do not count */
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *get(size_t bytes)
{
    void *p = NULL;
    if (posix_memalign(&p, 64, bytes + 256))
        exit(2);
    memset(p, 0, bytes + 256);
    return p;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef struct bench {
    const slim_kernels *kernels;
    size_t size, k, n;    /* pixels a side; input and output channels, or channels and stride */
    void *x, *w, *bias, *out;
    const void **rows;
} bench;

static void run_gemm_f32(const bench *b)
{
    slim_gemm_f32_task t;
    memset(&t, 0, sizeof t);
    size_t m = b->size * b->size;
    t.taps = 1, t.k = b->k, t.n = b->n, t.out_stride = b->n, t.alone = 1;
    t.weights = (const float *)b->w, t.bias = (const float *)b->bias;
    t.lo = 0, t.hi = 6;
    for (size_t i = 0; i < m; i += STRIP) {
        t.m = SLIM_MIN(STRIP, m - i);
        for (size_t r = 0; r < t.m; r++)
            b->rows[r] = (const float *)b->x + (i + r) * b->k;
        t.rows = (const float *const *)b->rows;
        t.out = (float *)b->out + i * b->n;
        b->kernels->gemm_f32(&t);
    }
}

static void run_gemm_u8(const bench *b)
{
    slim_gemm_u8_task t;
    memset(&t, 0, sizeof t);
    size_t m = b->size * b->size;
    t.taps = 1, t.k = b->k, t.n = b->n, t.out_stride = b->n;
    t.weights = (const int8_t *)b->w, t.channels = (const int32_t *)b->bias;
    t.lo = 0, t.hi = 255;
    for (size_t i = 0; i < m; i += STRIP) {
        t.m = SLIM_MIN(STRIP, m - i);
        for (size_t r = 0; r < t.m; r++)
            b->rows[r] = (const uint8_t *)b->x + (i + r) * b->k;
        t.rows = (const uint8_t *const *)b->rows;
        t.out = (uint8_t *)b->out + i * b->n;
        b->kernels->gemm_u8(&t);
    }
}

#define DEPTHWISE(t, b) \
    (t).out_width = (b)->size / (b)->n, (t).in_width = (b)->size, (t).channels = (b)->k, (t).kernel_h = 3, (t).kernel_w = 3, \
    (t).stride_h = (int)(b)->n, (t).stride_w = (int)(b)->n, (t).dilation_h = 1, (t).dilation_w = 1, (t).pad_left = 1, \
    (t).out_stride = (b)->k, (t).out_row_stride = (b)->k * (t).out_width
#define DEPTHWISE_ROWS ((size_t)4)

static void run_depthwise_f32(const bench *b)
{
    slim_depthwise_f32_task t;
    memset(&t, 0, sizeof t);
    DEPTHWISE(t, b);
    t.weights = (const float *)b->w, t.bias = (const float *)b->bias;
    t.lo = 0, t.hi = 6;
    for (size_t y = 0; y < b->size / b->n; y += DEPTHWISE_ROWS) {
        t.out_rows = SLIM_MIN(DEPTHWISE_ROWS, b->size / b->n - y);
        for (size_t i = 0; i < (t.out_rows - 1) * b->n + 3; i++) {
            size_t row = y * b->n + i - 1;
            b->rows[i] = row < b->size ? (const float *)b->x + row * b->size * b->k : NULL;
        }
        t.rows = (const float *const *)b->rows;
        t.out = (float *)b->out + y * t.out_row_stride;
        b->kernels->depthwise_f32(&t);
    }
}

static void run_depthwise_u8(const bench *b)
{
    slim_depthwise_u8_task t;
    memset(&t, 0, sizeof t);
    DEPTHWISE(t, b);
    t.weights = (const int8_t *)b->w, t.channels_table = (const int32_t *)b->bias;
    t.lo = 0, t.hi = 255;
    for (size_t y = 0; y < b->size / b->n; y += DEPTHWISE_ROWS) {
        t.out_rows = SLIM_MIN(DEPTHWISE_ROWS, b->size / b->n - y);
        for (size_t i = 0; i < (t.out_rows - 1) * b->n + 3; i++) {
            size_t row = y * b->n + i - 1;
            b->rows[i] = row < b->size ? (const uint8_t *)b->x + row * b->size * b->k : NULL;
        }
        t.rows = (const uint8_t *const *)b->rows;
        t.out = (uint8_t *)b->out + y * t.out_row_stride;
        b->kernels->depthwise_u8(&t);
    }
}

static void measure(const char *name, void (*run)(const bench *), bench *b, double operations, double seconds)
{
    static double times[RUNS];
    size_t pixels = b->size * b->size, widest = slim_align(SLIM_MAX(b->k, b->n)) + SLIM_PANEL;
    int count = 0;
    double end = now() + seconds;
    b->x = get(pixels * b->k * 4);
    b->w = get(widest * widest * 4);
    b->bias = get(widest * 12);
    b->out = get(pixels * widest * 4);
    b->rows = (const void **)get(STRIP * sizeof(void *));
    run(b);
    while (count < RUNS && (count < 3 || now() < end)) {
        double start = now();
        run(b);
        times[count++] = now() - start;
    }
    qsort(times, (size_t)count, sizeof times[0], ascending);
    printf("%-14s %3zux%-3zu %4zu %4zu  %8.4f ms  %7.1f G/s\n", name, b->size, b->size, b->k, b->n, times[count / 2] * 1e3,
           operations / times[count / 2] * 1e-9);
    free(b->x), free(b->w), free(b->bias), free(b->out), free(b->rows);
}

int main(int argc, char **argv)
{
    static const size_t products[][3] = {{112, 32, 64}, {112, 16, 96}, {56, 144, 24}, {56, 64, 64}, {56, 128, 128}, {28, 192, 32},
                                         {28, 256, 256}, {14, 384, 64}, {14, 96, 576}, {14, 512, 512}, {7, 960, 160},
                                         {7, 320, 1280}, {7, 1024, 1024}, {1, 1280, 1000}};
    static const size_t depthwise[][3] = {{112, 32, 1}, {112, 96, 2}, {56, 128, 1}, {56, 144, 1}, {28, 192, 1}, {14, 512, 1},
                                          {14, 576, 2}, {7, 960, 1}};
    bench b;
    double seconds = argc > 2 ? atof(argv[2]) : 0.1;
    b.kernels = slim_find_kernels((slim_isa)(argc > 1 ? atoi(argv[1]) : 0));
    if (!b.kernels)
        return 3;
    printf("%s: kernel, pixels, channels in and out (depthwise: channels, stride)\n", b.kernels->name);
    for (int u8 = 0; u8 < 2; u8++) {
        for (size_t i = 0; i < sizeof products / sizeof products[0]; i++) {
            b.size = products[i][0], b.k = products[i][1], b.n = products[i][2];
            measure(u8 ? "gemm_u8" : "gemm_f32", u8 ? run_gemm_u8 : run_gemm_f32, &b,
                    2.0 * (double)(b.size * b.size * b.k * b.n), seconds);
        }
        for (size_t i = 0; i < sizeof depthwise / sizeof depthwise[0]; i++) {
            b.size = depthwise[i][0], b.k = depthwise[i][1], b.n = depthwise[i][2];
            measure(u8 ? "depthwise_u8" : "depthwise_f32", u8 ? run_depthwise_u8 : run_depthwise_f32, &b,
                    18.0 * (double)(b.size * b.size / (b.n * b.n) * b.k), seconds);
        }
    }
    return 0;
}
