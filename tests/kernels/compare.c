/* Compares the kernels of an instruction set with loops that say what they must compute, on seeded random shapes.
 *
 *   compare ISA COUNT SEED      ISA: the number of slim_isa
 *
 * Every buffer is allocated to its exact size (plus the bytes that the task structs allow to be read), so that a sanitizer
 * sees what is read or written outside. Memory between output rows holds a pattern that must survive. */
#include "kernels/kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOSE_BYTES 64   /* that kernels may read after an input row */

static uint32_t state;

static uint32_t draw(uint32_t below)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
}

static int range(int low, int high)
{
    return low + (int)draw((uint32_t)(high - low + 1));
}

static float draw_float(void)
{
    return (float)((int)draw(2001) - 1000) / 1000.0f;
}

static void *get(size_t bytes)
{
    void *p = NULL;
    if (posix_memalign(&p, 64, bytes ? bytes : 1))
        exit(2);
    memset(p, 0xA5, bytes);
    return p;
}

static float *floats(size_t count, size_t loose)
{
    float *p = (float *)get(count * 4 + loose);
    for (size_t i = 0; i < count; i++)
        p[i] = draw_float();
    return p;
}

/* Bytes, among them the extremes, where saturating arithmetic would show. */
static uint8_t *bytes(size_t count, size_t loose)
{
    uint8_t *p = (uint8_t *)get(count + loose);
    int extreme = draw(3) == 0;
    for (size_t i = 0; i < count; i++)
        p[i] = extreme ? (uint8_t)(draw(2) ? 255 : 0) : (uint8_t)draw(256);
    return p;
}

static int8_t *weight_bytes(size_t count)
{
    int8_t *p = (int8_t *)get(count);
    int extreme = draw(3) == 0;
    for (size_t i = 0; i < count; i++)
        p[i] = extreme ? (int8_t)(draw(2) ? 127 : -128) : (int8_t)range(-128, 127);
    return p;
}

static int fail(const char *kernel, const char *what, size_t a, size_t b)
{
    printf("%s: %s at %zu, %zu\n", kernel, what, a, b);
    return 1;
}

static float clamp(float x, float lo, float hi)
{
    x = x > lo ? x : lo;
    return x < hi ? x : hi;
}

static uint8_t requantize(int32_t acc, float multiplier, float lo, float hi, int32_t zero_point)
{
    return (uint8_t)((int32_t)nearbyintf(clamp((float)acc * multiplier, lo, hi)) + zero_point);
}

static int close_enough(float got, double expected, double magnitude)
{
    return fabs((double)got - expected) <= 1e-5 + 2e-6 * magnitude;
}

static int compare_gemm_f32(const slim_kernels *kernels)
{
    slim_gemm_f32_task t;
    int wrong = 0;
    memset(&t, 0, sizeof t);
    t.m = (size_t)range(1, 40);
    t.k = (size_t)range(1, 40);
    t.taps = (size_t)(draw(2) ? 1 : range(1, 9));
    t.n = (size_t)range(1, 200);
    t.out_stride = t.n + draw(3) * 5;
    t.residual_stride = t.n + draw(2) * 3;
    t.alone = (int)draw(2);
    size_t panels = slim_ceil_div(t.n, SLIM_PANEL), count = t.m * t.taps, steps = t.taps * t.k;
    float *x = floats(count * t.k, 0), *w = floats(panels * steps * SLIM_PANEL, 0), *bias = floats(panels * SLIM_PANEL, 0);
    float *residual = draw(2) ? floats((t.m - 1) * t.residual_stride + t.n, 0) : NULL;
    float *out = (float *)get(((t.m - 1) * t.out_stride + t.n) * 4);
    const float **rows = (const float **)get(count * sizeof *rows);
    for (size_t i = 0; i < count; i++)
        rows[i] = x + draw((uint32_t)count) * t.k;
    t.rows = rows;
    t.weights = w;
    t.bias = bias;
    t.residual = residual;
    t.out = out;
    t.lo = draw(2) ? -INFINITY : -0.5f;
    t.hi = draw(2) ? INFINITY : 1.5f;
    kernels->gemm_f32(&t);
    for (size_t i = 0; i < t.m && !wrong; i++) {
        for (size_t o = 0; o < t.n; o++) {
            double sum = bias[o], magnitude = 1;
            for (size_t s = 0; s < steps; s++) {
                double product = (double)rows[i * t.taps + s / t.k][s % t.k]
                    * w[(o / SLIM_PANEL * steps + s) * SLIM_PANEL + o % SLIM_PANEL];
                sum += product;
                magnitude += fabs(product);
            }
            sum += residual ? residual[i * t.residual_stride + o] : 0;
            sum = sum > t.lo ? sum : t.lo;
            sum = sum < t.hi ? sum : t.hi;
            if (!close_enough(out[i * t.out_stride + o], sum, magnitude))
                wrong = fail("gemm_f32", "another result", i, o);
        }
        for (size_t o = t.n; o < t.out_stride && i + 1 < t.m; o++)
            if (memcmp(&out[i * t.out_stride + o], "\xA5\xA5\xA5\xA5", 4))
                wrong = fail("gemm_f32", "written between rows", i, o);
    }
    free(x), free(w), free(bias), free(residual), free(out), free(rows);
    return wrong;
}

/* [panels][3][16]: bias, 128 times the sum of the weights, multiplier. */
static int32_t *channel_table(size_t panels, const int32_t *sums)
{
    int32_t *table = (int32_t *)get(panels * 3 * SLIM_PANEL * 4);
    const size_t large = draw(8) ? panels * SLIM_PANEL : draw((uint32_t)(panels * SLIM_PANEL));   /* scaled, no 32-bit integer */
    for (size_t o = 0; o < panels * SLIM_PANEL; o++) {
        int32_t *entry = table + o / SLIM_PANEL * 3 * SLIM_PANEL + o % SLIM_PANEL;
        float multiplier = (o == large ? 1e10f : 1.0f) * (0.0001f + 0.01f * (float)draw(1000) / 1000.0f);
        entry[0] = range(-20000, 20000);
        entry[SLIM_PANEL] = 128 * sums[o];
        memcpy(&entry[2 * SLIM_PANEL], &multiplier, 4);
    }
    return table;
}

static float multiplier_of(const int32_t *table, size_t o)
{
    float multiplier;
    memcpy(&multiplier, &table[o / SLIM_PANEL * 3 * SLIM_PANEL + 2 * SLIM_PANEL + o % SLIM_PANEL], 4);
    return multiplier;
}

static int compare_gemm_u8(const slim_kernels *kernels)
{
    slim_gemm_u8_task t;
    int wrong = 0;
    memset(&t, 0, sizeof t);
    t.m = (size_t)range(1, 40);
    t.k = (size_t)range(1, 70);
    t.taps = (size_t)(draw(2) ? 1 : range(1, 9));
    t.rests = draw(3) ? 0 : (size_t)range(1, 3);
    t.rest = t.rests ? (size_t)range(1, 9) : 0;
    if (draw(8) == 0) {   /* a first layer's, whose weights stay in registers */
        t.taps = 2, t.k = 12, t.rests = 1, t.rest = 3;
    }
    t.n = draw(4) ? (size_t)range(1, 200) : (size_t)range(0, 6) * 16 + 8;   /* half a vector of AVX-512 */
    t.out_stride = t.n + draw(3) * 5;
    t.float_output = draw(3) == 0;
    size_t panels = slim_ceil_div(t.n, SLIM_PANEL), all = t.taps + t.rests, count = t.m * all, quads = slim_ceil_div(t.k, 4);
    size_t rest_quads = slim_ceil_div(t.rest, 4), words = t.taps * quads + t.rests * rest_quads;
    size_t row_bytes = SLIM_MAX(quads, rest_quads) * 4, element = t.float_output ? 4 : 1;
    uint8_t *x = bytes(count * row_bytes, 0);
    int8_t *w = weight_bytes(panels * words * SLIM_PANEL * 4);
    int32_t *sums = (int32_t *)calloc(panels * SLIM_PANEL, 4);
    for (size_t s = 0; s < panels * words * SLIM_PANEL * 4; s++) {
        size_t word = s / (SLIM_PANEL * 4) % words, late = word < t.taps * quads ? 0 : word - t.taps * quads;
        if (word < t.taps * quads ? word % quads * 4 + s % 4 >= t.k : late % rest_quads * 4 + s % 4 >= t.rest)
            w[s] = 0;
        sums[s / (words * SLIM_PANEL * 4) * SLIM_PANEL + s / 4 % SLIM_PANEL] += w[s];
    }
    int32_t *table = channel_table(panels, sums);
    unsigned char *out = (unsigned char *)get(((t.m - 1) * t.out_stride + t.n) * element);
    const uint8_t **rows = (const uint8_t **)get(count * sizeof *rows);
    for (size_t i = 0; i < count; i++)
        rows[i] = x + draw((uint32_t)count) * row_bytes;
    t.rows = rows;
    t.weights = w;
    t.channels = table;
    t.out = out;
    t.zero_point = range(0, 255);
    t.lo = t.float_output ? -INFINITY : (float)(range(0, t.zero_point) - t.zero_point);
    t.hi = t.float_output ? (draw(2) ? INFINITY : 6.0f) : (float)(range(t.zero_point, 255) - t.zero_point);
    kernels->gemm_u8(&t);
    for (size_t i = 0; i < t.m && !wrong; i++) {
        for (size_t o = 0; o < t.n; o++) {
            int32_t acc = table[o / SLIM_PANEL * 3 * SLIM_PANEL + o % SLIM_PANEL];
            for (size_t tap = 0; tap < all; tap++)
                for (size_t s = 0; s < (tap < t.taps ? t.k : t.rest); s++) {
                    size_t word = s / 4 + (tap < t.taps ? tap * quads : t.taps * quads + (tap - t.taps) * rest_quads);
                    acc += rows[i * all + tap][s]
                        * w[((o / SLIM_PANEL * words + word) * SLIM_PANEL + o % SLIM_PANEL) * 4 + s % 4];
                }
            if (t.float_output) {
                float expected = clamp((float)acc * multiplier_of(table, o), t.lo, t.hi);
                if (memcmp(out + (i * t.out_stride + o) * 4, &expected, 4))
                    wrong = fail("gemm_u8", "another float", i, o);
            } else if (out[i * t.out_stride + o] != requantize(acc, multiplier_of(table, o), t.lo, t.hi, t.zero_point)) {
                wrong = fail("gemm_u8", "another result", i, o);
            }
        }
        for (size_t b = t.n * element; b < t.out_stride * element && i + 1 < t.m; b++)
            if (out[i * t.out_stride * element + b] != 0xA5)
                wrong = fail("gemm_u8", "written between rows", i, b);
    }
    free(x), free(w), free(sums), free(table), free(out), free(rows);
    return wrong;
}

/* gemm_u8 with a row pointer for each pixel and tap is the reference. */
static int compare_slide_u8(const slim_kernels *kernels)
{
    slim_slide_u8_task t;
    slim_gemm_u8_task g;
    int wrong = 0;
    if (!kernels->slide_u8)
        return 0;
    memset(&t, 0, sizeof t);
    memset(&g, 0, sizeof g);
    t.width = (size_t)range(SLIM_SLIDE_U8_WIDTH, 45);
    t.kernel_h = (size_t)range(1, 4);
    t.k = (size_t)range(1, 40);
    t.n = (size_t)range(1, 70);
    t.out_stride = t.n + draw(3) * 5;
    t.zero_point = g.zero_point = range(0, 255);
    t.lo = g.lo = (float)(range(0, t.zero_point) - t.zero_point);
    t.hi = g.hi = (float)(range(t.zero_point, 255) - t.zero_point);
    const size_t panels = slim_ceil_div(t.n, SLIM_PANEL), quads = slim_ceil_div(t.k, 4), count = t.kernel_h * (t.width + 2);
    const size_t written = (t.width - 1) * t.out_stride + t.n;
    g.m = t.width;
    g.taps = 3 * t.kernel_h;
    g.k = t.k;
    g.n = t.n;
    g.out_stride = t.out_stride;
    uint8_t *x = bytes(count * quads * 4, 0), *out = (uint8_t *)get(written), *expected = (uint8_t *)get(written);
    int8_t *w = weight_bytes(panels * g.taps * quads * SLIM_PANEL * 4);
    int32_t *sums = (int32_t *)calloc(panels * SLIM_PANEL, 4), *table = channel_table(panels, sums);
    const uint8_t **pixels = (const uint8_t **)get(count * sizeof *pixels);
    const uint8_t **rows = (const uint8_t **)get(g.m * g.taps * sizeof *rows);
    for (size_t s = 0; s < panels * g.taps * quads * SLIM_PANEL * 4; s++)
        if (s / (SLIM_PANEL * 4) % quads * 4 + s % 4 >= t.k)
            w[s] = 0;
    for (size_t i = 0; i < count; i++)
        pixels[i] = x + draw((uint32_t)count) * quads * 4;
    for (size_t i = 0; i < g.m * g.taps; i++)
        rows[i] = pixels[i % g.taps / 3 * (t.width + 2) + i / g.taps + i % 3];
    t.pixels = pixels;
    g.rows = rows;
    t.weights = g.weights = w;
    t.channels = g.channels = table;
    t.out = out;
    g.out = expected;
    kernels->gemm_u8(&g);
    kernels->slide_u8(&t);
    if (memcmp(out, expected, written))
        wrong = fail("slide_u8", "another result", t.width, t.n);
    free(x), free(out), free(expected), free(w), free(sums), free(table), free(pixels), free(rows);
    return wrong;
}

/* So is it of tiles of a 3x3 convolution. Constant bytes and weights make the largest sums, which only just fit. */
static int compare_winograd_u8(const slim_kernels *kernels)
{
    slim_winograd_u8_task t;
    slim_gemm_u8_task g;
    slim_winograd_u8_place places[20];
    int wrong = 0;
    if (!kernels->winograd_u8)
        return 0;
    memset(&t, 0, sizeof t);
    memset(&g, 0, sizeof g);
    t.tiles = (size_t)range(1, 20);
    t.k = (size_t)(draw(4) ? range(1, 3) * SLIM_WINOGRAD_U8_CHANNELS : SLIM_WINOGRAD_U8_MOST);
    t.n = (size_t)range(1, 70);
    t.out_stride = t.n + draw(3) * 5;
    t.out_row = 4 * t.out_stride + draw(2) * 7;
    t.zero_point = g.zero_point = range(0, 255);
    t.lo = g.lo = (float)(range(0, t.zero_point) - t.zero_point);
    t.hi = g.hi = (float)(range(t.zero_point, 255) - t.zero_point);
    const size_t panels = slim_ceil_div(t.n, SLIM_PANEL), steps = 9 * t.k / 4 * SLIM_PANEL * 4, count = t.tiles * 36;
    const size_t written = t.tiles * 4 * t.out_row;
    uint8_t *x = bytes(count * t.k, 0), *out = (uint8_t *)get(written), *expected = (uint8_t *)get(written);
    int8_t *w = weight_bytes(panels * steps);
    int32_t *sums = (int32_t *)calloc(panels * SLIM_PANEL, 4);
    if (draw(4) == 0) {
        memset(x, draw(2) ? 255 : 0, count * t.k);
        memset(w, draw(2) ? 127 : -128, panels * steps);
    }
    for (size_t s = 0; s < panels * steps; s++)
        sums[s / steps * SLIM_PANEL + s / 4 % SLIM_PANEL] += w[s];
    int32_t *table = channel_table(panels, sums);
    const uint8_t **pixels = (const uint8_t **)get(count * sizeof *pixels);
    const size_t whole = slim_ceil_div(t.tiles, SLIM_WINOGRAD_U8_TILES) * SLIM_WINOGRAD_U8_TILES;
    t.memory = (int16_t *)get(SLIM_WINOGRAD_U8_BYTES(whole, t.k));
    for (size_t i = 0; i < count; i++)
        pixels[i] = x + draw((uint32_t)count) * t.k;
    t.pixels = pixels;
    t.places = places;
    t.weights = g.weights = w;
    t.channels = g.channels = table;
    g.m = 1;
    g.taps = 9;
    g.k = t.k;
    g.n = t.n;
    for (size_t i = 0; i < t.tiles; i++) {
        places[i].out = out + i * 4 * t.out_row;
        places[i].rows = range(1, 4);
        places[i].columns = range(1, 4);
        for (int o = 0; o < places[i].rows * places[i].columns; o++) {
            const int row = o / places[i].columns, column = o % places[i].columns;
            const uint8_t *window[9];
            for (int tap = 0; tap < 9; tap++)
                window[tap] = pixels[i * 36 + (size_t)((row + tap / 3) * 6 + column + tap % 3)];
            g.rows = window;
            g.out = expected + (i * 4 + (size_t)row) * t.out_row + (size_t)column * t.out_stride;
            kernels->gemm_u8(&g);
        }
    }
    kernels->winograd_u8(&t);
    if (memcmp(out, expected, written))
        wrong = fail("winograd_u8", "another result", t.k, t.n);
    free(x), free(out), free(expected), free(w), free(sums), free(table), free(pixels), free(t.memory);
    return wrong;
}

/* A window and the input rows that it needs, of which the first and last may be padding. */
typedef struct window {
    size_t out_rows, out_width, in_width, channels, in_rows, out_stride, out_row_stride;
    int kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_left, top, bottom;
} window;

static window draw_window(void)
{
    window w;
    w.kernel_h = range(1, 6);
    w.kernel_w = draw(2) ? w.kernel_h : range(1, 6);
    if (draw(4))
        w.kernel_h = w.kernel_w = draw(3) ? 3 : 5;
    w.stride_h = range(1, 3);
    w.stride_w = draw(3) ? w.stride_h : range(1, 3);
    w.dilation_h = draw(4) ? 1 : range(1, 3);
    w.dilation_w = draw(4) ? w.dilation_h : range(1, 3);
    w.pad_left = range(0, 4);
    w.in_width = (size_t)range(1, 40);
    w.channels = (size_t)range(1, draw(8) ? 70 : 600);
    w.out_rows = (size_t)range(1, 5);
    int span = (w.kernel_w - 1) * w.dilation_w + 1;
    int out_width = ((int)w.in_width + w.pad_left + range(0, 4) - span) / w.stride_w + 1;
    w.out_width = (size_t)(out_width < 1 ? 1 : out_width);
    w.in_rows = (w.out_rows - 1) * (size_t)w.stride_h + (size_t)((w.kernel_h - 1) * w.dilation_h) + 1;
    w.top = range(0, 2);
    w.bottom = range(0, 2);
    w.out_stride = w.channels + draw(3) * 7;
    w.out_row_stride = w.out_stride * w.out_width;
    return w;
}

static int is_padding(const window *w, size_t row)
{
    return row < (size_t)w->top || row + (size_t)w->bottom >= w->in_rows;
}

/* Row and column of the input that an output and a filter position meet; 0 where that is padding. */
static int meets(const window *w, size_t r, size_t column, int ky, int kx, size_t *row, size_t *x)
{
    ptrdiff_t at = (ptrdiff_t)column * w->stride_w - w->pad_left + kx * w->dilation_w;
    *row = r * (size_t)w->stride_h + (size_t)(ky * w->dilation_h);
    *x = (size_t)at;
    return !is_padding(w, *row) && at >= 0 && at < (ptrdiff_t)w->in_width;
}

#define COPY_WINDOW(t, w) \
    (t).out_rows = (w).out_rows, (t).out_width = (w).out_width, (t).in_width = (w).in_width, (t).channels = (w).channels, \
    (t).kernel_h = (w).kernel_h, (t).kernel_w = (w).kernel_w, (t).stride_h = (w).stride_h, (t).stride_w = (w).stride_w, \
    (t).dilation_h = (w).dilation_h, (t).dilation_w = (w).dilation_w, (t).pad_left = (w).pad_left, \
    (t).out_stride = (w).out_stride, (t).out_row_stride = (w).out_row_stride

static int compare_depthwise_f32(const slim_kernels *kernels)
{
    slim_depthwise_f32_task t;
    window w = draw_window();
    int wrong = 0;
    memset(&t, 0, sizeof t);
    COPY_WINDOW(t, w);
    size_t taps = (size_t)(w.kernel_h * w.kernel_w), padded = slim_align(w.channels * 4) / 4, row_size = w.in_width * w.channels;
    float *x = floats(w.in_rows * row_size, LOOSE_BYTES), *weights = floats(padded * taps, 0), *bias = floats(padded, 0);
    size_t out_size = w.out_rows * w.out_row_stride - w.out_stride + w.channels;
    float *out = (float *)get(out_size * 4);
    const float **rows = (const float **)get(w.in_rows * sizeof *rows);
    for (size_t i = 0; i < w.in_rows; i++)
        rows[i] = is_padding(&w, i) ? NULL : x + i * row_size;
    t.rows = rows;
    t.weights = weights;
    t.bias = bias;
    t.out = out;
    t.lo = draw(2) ? -INFINITY : 0.0f;
    t.hi = draw(2) ? INFINITY : 1.0f;
    kernels->depthwise_f32(&t);
    for (size_t at = 0; at < out_size && !wrong; at++) {
        size_t r = at / w.out_row_stride, column = at % w.out_row_stride / w.out_stride, c = at % w.out_stride, row, ix;
        double sum, magnitude = 1;
        if (c >= w.channels) {
            if (memcmp(&out[at], "\xA5\xA5\xA5\xA5", 4))
                wrong = fail("depthwise_f32", "written between pixels", r, column);
            continue;
        }
        sum = bias[c];
        for (int ky = 0; ky < w.kernel_h; ky++)
            for (int kx = 0; kx < w.kernel_w; kx++)
                if (meets(&w, r, column, ky, kx, &row, &ix)) {
                    double product = (double)rows[row][ix * w.channels + c]
                        * weights[(c / SLIM_PANEL * taps + (size_t)(ky * w.kernel_w + kx)) * SLIM_PANEL + c % SLIM_PANEL];
                    sum += product;
                    magnitude += fabs(product);
                }
        sum = sum > t.lo ? sum : t.lo;
        sum = sum < t.hi ? sum : t.hi;
        if (!close_enough(out[at], sum, magnitude))
            wrong = fail("depthwise_f32", "another result", r, column);
    }
    free(x), free(weights), free(bias), free(out), free(rows);
    return wrong;
}

static int compare_depthwise_u8(const slim_kernels *kernels)
{
    slim_depthwise_u8_task t;
    window w = draw_window();
    int wrong = 0;
    memset(&t, 0, sizeof t);
    COPY_WINDOW(t, w);
    size_t taps = (size_t)(w.kernel_h * w.kernel_w), panels = slim_ceil_div(w.channels, SLIM_PANEL);
    size_t row_size = w.in_width * w.channels;
    uint8_t *x = bytes(w.in_rows * row_size, LOOSE_BYTES);
    int8_t *weights = weight_bytes(panels * SLIM_PANEL * taps);
    int32_t *sums = (int32_t *)calloc(panels * SLIM_PANEL, 4);
    for (size_t s = 0; s < panels * SLIM_PANEL * taps; s++)
        sums[s / (SLIM_PANEL * taps) * SLIM_PANEL + s % SLIM_PANEL] += weights[s];
    int32_t *table = channel_table(panels, sums);
    size_t out_size = w.out_rows * w.out_row_stride - w.out_stride + w.channels;
    uint8_t *out = (uint8_t *)get(out_size);
    const uint8_t **rows = (const uint8_t **)get(w.in_rows * sizeof *rows);
    for (size_t i = 0; i < w.in_rows; i++)
        rows[i] = is_padding(&w, i) ? NULL : x + i * row_size;
    t.rows = rows;
    t.weights = weights;
    t.channels_table = table;
    t.out = out;
    t.zero_point = range(0, 255);
    t.input_zero_point = range(0, 255);
    t.lo = (float)(range(0, t.zero_point) - t.zero_point);
    t.hi = (float)(range(t.zero_point, 255) - t.zero_point);
    kernels->depthwise_u8(&t);
    for (size_t at = 0; at < out_size && !wrong; at++) {
        size_t r = at / w.out_row_stride, column = at % w.out_row_stride / w.out_stride, c = at % w.out_stride, row, ix;
        if (c >= w.channels) {
            if (out[at] != 0xA5)
                wrong = fail("depthwise_u8", "written between pixels", r, column);
            continue;
        }
        int32_t acc = table[c / SLIM_PANEL * 3 * SLIM_PANEL + c % SLIM_PANEL];
        for (int ky = 0; ky < w.kernel_h; ky++)
            for (int kx = 0; kx < w.kernel_w; kx++)
                acc += (meets(&w, r, column, ky, kx, &row, &ix) ? rows[row][ix * w.channels + c] : t.input_zero_point)
                    * weights[(c / SLIM_PANEL * taps + (size_t)(ky * w.kernel_w + kx)) * SLIM_PANEL + c % SLIM_PANEL];
        if (out[at] != requantize(acc, multiplier_of(table, c), t.lo, t.hi, t.zero_point))
            wrong = fail("depthwise_u8", "another result", r, column);
    }
    free(x), free(weights), free(sums), free(table), free(out), free(rows);
    return wrong;
}

static int compare_pair_u8(const slim_kernels *kernels)
{
    slim_pair_u8_task t;
    int wrong = 0;
    memset(&t, 0, sizeof t);
    t.n = (size_t)range(1, 300);
    t.product = draw(2) == 0;
    t.zero_a = range(0, 255);
    t.zero_b = range(0, 255);
    t.multiplier_a = range(-(1 << 22), 1 << 22);
    t.multiplier_b = range(-(1 << 22), 1 << 22);
    t.scale = t.product ? 0.01f : 1e-7f;
    t.zero_point = range(0, 255);
    t.lo = (float)(range(0, t.zero_point) - t.zero_point);
    t.hi = (float)(range(t.zero_point, 255) - t.zero_point);
    uint8_t *a = bytes(t.n, 0), *b = bytes(t.n, 0), *out = (uint8_t *)get(t.n);
    t.a = a;
    t.b = b;
    t.out = draw(2) ? out : a;
    int32_t *sums = (int32_t *)get(t.n * 4);
    for (size_t i = 0; i < t.n; i++) {
        int32_t p = a[i] - t.zero_a, q = b[i] - t.zero_b;
        sums[i] = t.product ? p * q : p * t.multiplier_a + q * t.multiplier_b;
    }
    kernels->pair_u8(&t);
    for (size_t i = 0; i < t.n && !wrong; i++)
        if (t.out[i] != requantize(sums[i], t.scale, t.lo, t.hi, t.zero_point))
            wrong = fail("pair_u8", "another result", t.n, i);
    free(a), free(b), free(out), free(sums);
    return wrong;
}

static int compare_lookup_u8(const slim_kernels *kernels)
{
    const size_t n = (size_t)range(1, 700);
    uint8_t *table = bytes(256, 0), *from = bytes(n, 0), *to = (uint8_t *)get(n);
    int wrong = 0;
    kernels->lookup_u8(table, from, to, n);
    for (size_t i = 0; i < n && !wrong; i++)
        if (to[i] != table[from[i]])
            wrong = fail("lookup_u8", "another result", n, i);
    free(table), free(from), free(to);
    return wrong;
}

static int compare_mean_u8(const slim_kernels *kernels)
{
    slim_mean_u8_task t;
    int wrong = 0;
    memset(&t, 0, sizeof t);
    t.n = (size_t)range(1, 150);
    t.rows = (size_t)range(0, 7);
    t.columns = (size_t)range(1, 7);
    t.column_step = t.n * (size_t)range(1, 2);
    t.row_step = t.columns * t.column_step;
    t.scale = 0.02f;
    t.zero_point = range(0, 255);
    t.zeros = range(0, 255) * (int32_t)(t.rows * t.columns);
    t.lo = (float)(range(0, t.zero_point) - t.zero_point);
    t.hi = (float)(range(t.zero_point, 255) - t.zero_point);
    uint8_t *in = bytes(SLIM_MAX(t.rows, (size_t)1) * t.row_step - t.column_step + t.n, 0), *out = (uint8_t *)get(t.n);
    t.in = in;
    t.out = out;
    kernels->mean_u8(&t);
    for (size_t i = 0; i < t.n && !wrong; i++) {
        int32_t sum = -t.zeros;
        for (size_t at = 0; at < t.rows * t.columns; at++)
            sum += in[at / t.columns * t.row_step + at % t.columns * t.column_step + i];
        if (out[i] != requantize(sum, t.scale, t.lo, t.hi, t.zero_point))
            wrong = fail("mean_u8", "another result", t.n, i);
    }
    free(in), free(out);
    return wrong;
}

static int compare_max_u8(const slim_kernels *kernels)
{
    slim_max_u8_task t;
    int wrong = 0;
    memset(&t, 0, sizeof t);
    t.n = (size_t)range(16, 150);
    t.rows = (size_t)range(1, 5);
    t.columns = (size_t)range(1, 5);
    t.column_step = t.n * (size_t)range(1, 2);
    t.row_step = t.columns * t.column_step;
    uint8_t *from = bytes(t.rows * t.row_step - t.column_step + t.n, 0), *out = (uint8_t *)get(t.n);
    t.from = from;
    t.out = out;
    kernels->max_u8(&t);
    for (size_t i = 0; i < t.n && !wrong; i++) {
        uint8_t most = 0;
        for (size_t at = 0; at < t.rows * t.columns; at++)
            most = SLIM_MAX(most, from[at / t.columns * t.row_step + at % t.columns * t.column_step + i]);
        if (out[i] != most)
            wrong = fail("max_u8", "another result", t.n, i);
    }
    free(from), free(out);
    return wrong;
}

/* Near the middle between two integers the kernel must say that it is not sure; elsewhere it must be right. */
static int compare_quantize_u8(const slim_kernels *kernels)
{
    slim_quantize_u8_task t;
    const float scale = (float)range(1, 1000) * 0.00317f, sure = 0.5f - 1.0f / 16384.0f;
    const int close = draw(8) == 0, infinite = draw(8) == 0;
    int wrong = 0;
    memset(&t, 0, sizeof t);
    t.n = (size_t)range(1, 300);
    t.zero_point = range(0, 255);
    t.lo = (float)-t.zero_point;
    t.hi = (float)(255 - t.zero_point);
    t.factor = 1.0f / scale;
    t.limit = sure * sure;
    float *from = (float *)get(t.n * sizeof *from);
    for (size_t i = 0; i < t.n; i++)   /* up to 0.45 away from an integer, some out of range */
        from[i] = ((float)range(-400, 400) + (float)range(-450, 450) * 0.001f) * scale;
    if (close)
        from[draw((uint32_t)t.n)] = ((float)range((int)t.lo, (int)t.hi - 1) + 0.5f) * scale;
    if (infinite)
        from[draw((uint32_t)t.n)] = draw(2) ? INFINITY : NAN;
    uint8_t *to = (uint8_t *)get(t.n);
    t.from = from;
    t.to = to;
    const int known = kernels->quantize_u8(&t);
    if (known == (close || infinite))
        wrong = fail("quantize_u8", "sure of the wrong thing", t.n, 0);
    for (size_t i = 0; i < t.n && !wrong && known; i++) {
        float x = from[i] / scale;
        x = x > t.lo ? x : t.lo;
        x = x < t.hi ? x : t.hi;
        if (to[i] != (int)lrintf(x) + t.zero_point)
            wrong = fail("quantize_u8", "another result", t.n, i);
    }
    free(from), free(to);
    return wrong;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    const slim_kernels *kernels = slim_find_kernels((slim_isa)atoi(argv[1]));
    int count = atoi(argv[2]), seed = atoi(argv[3]);
    if (!kernels) {
        printf("not here\n");
        return 3;
    }
    for (int i = 0; i < count; i++) {
        state = (uint32_t)(seed + i) * 2654435761u + 1;
        if (compare_gemm_f32(kernels) + compare_gemm_u8(kernels) + compare_depthwise_f32(kernels) + compare_depthwise_u8(kernels)
            + compare_pair_u8(kernels) + compare_lookup_u8(kernels) + compare_mean_u8(kernels)
            + compare_quantize_u8(kernels) + compare_slide_u8(kernels)
            + compare_winograd_u8(kernels) + compare_max_u8(kernels)) {
            printf("seed %d\n", seed + i);
            return 1;
        }
    }
    printf("%s: %d\n", kernels->name, count);
    return 0;
}
