/* uint8 depthwise convolution, NHWC; see slim_depthwise_u8_task. Included by `isa/ISA.c`, once an instruction set.
 *
 * As depthwise_f32.c, with SLIM_DEPTH rows of the window in each 32-bit lane of a vector where the instruction set adds up
 * the products inside a lane. Padding reads the input's zero point, which the bias already takes into account. */

/* Requantize and store `count` output pixels, SLIM_WIDE channels from `channel` on. sums: [SLIM_COLUMNS][SLIM_WIDE] */
SLIM_TILE void SLIM_NAME(slim_depthwise_u8_finish)(const slim_depthwise_u8_task *task, const int32_t *sums, uint8_t *out,
                                                   size_t count, size_t channel)
{
    const int32_t *table = task->channels_table + channel / SLIM_PANEL * (3 * SLIM_PANEL) + channel % SLIM_PANEL;
    const SLIM_VF lo = SLIM_VF_SPLAT(task->lo), hi = SLIM_VF_SPLAT(task->hi);
    const SLIM_VI zero_point = SLIM_VI_SPLAT(task->zero_point);
    for (int i = 0; i < SLIM_WIDE && channel + (size_t)i < task->channels; i += SLIM_LANES) {
        const size_t lanes = SLIM_MIN(task->channels - channel - (size_t)i, (size_t)SLIM_LANES), stride = task->out_stride;
        const SLIM_VF multiplier = SLIM_VF_LOAD_BITS(table + 2 * SLIM_PANEL + i);
        uint8_t *to = out + i;
        for (size_t c = 0; c < count; c++, to += stride) {
            SLIM_VF x = SLIM_VF_MUL(SLIM_VI_TO_VF(SLIM_VI_LOAD(sums + c * SLIM_WIDE + (size_t)i)), multiplier);
            SLIM_VI y = SLIM_VI_ADD(SLIM_VF_ROUND(SLIM_VF_MIN(SLIM_VF_MAX(x, lo), hi)), zero_point);
            SLIM_VI_STORE_U8_PART(to, lanes, y);
        }
    }
}

#if SLIM_DEPTH == 4
#include "kernels/depthwise_four_u8.c"
#else
/* Weights of a square window in the order in which tiles use them: SLIM_DEPTH rows together, then columns. */
SLIM_STEP void SLIM_NAME(slim_depthwise_u8_weights)(const slim_depthwise_u8_task *task, size_t channel, SLIM_WIDE_W *weights,
                                                    int kernel)
{
    static const int8_t zeros[SLIM_WIDE] = {0};
    const int8_t *panel = task->weights + channel / SLIM_PANEL * (SLIM_PANEL * (size_t)(kernel * kernel)) + channel % SLIM_PANEL;
    for (int ky = 0; ky < kernel; ky += SLIM_DEPTH)
        for (int kx = 0; kx < kernel; kx++) {
            const int8_t *w[SLIM_DEPTH];
            for (int i = 0; i < SLIM_DEPTH; i++)
                w[i] = ky + i < kernel ? panel + ((ky + i) * kernel + kx) * SLIM_PANEL : zeros;
            *weights++ = SLIM_WIDE_LOAD_W(w);
        }
}

/* `count` neighbouring output pixels, channels `channel` to `end`. in: [kernel][reach] the input pixels, from `channel` on and
 * less `offset`. */
SLIM_TILE void SLIM_NAME(slim_depthwise_u8_tile)(const slim_depthwise_u8_task *task, const uint8_t *const *in, size_t offset,
                                                 const SLIM_WIDE_W *weights, uint8_t *out, size_t count, size_t channel,
                                                 size_t end, const int kernel, const int stride)
{
    const int reach = (SLIM_COLUMNS - 1) * stride + kernel;
    int32_t sums[SLIM_COLUMNS * SLIM_WIDE] __attribute__((aligned(64)));
    for (size_t at = channel; at < end; at += SLIM_WIDE) {
        const int32_t *table = task->channels_table + at / SLIM_PANEL * (3 * SLIM_PANEL) + at % SLIM_PANEL;
        SLIM_WIDE_ACC acc[SLIM_COLUMNS];
        int ky, kx, x, c, i;
        SLIM_UNROLL
        for (c = 0; c < SLIM_COLUMNS; c++)
            acc[c] = SLIM_WIDE_START(table);
        SLIM_ROLL
        for (ky = 0; ky < kernel; ky += SLIM_DEPTH, weights += kernel) {
            SLIM_WIDE_W w[5];
            SLIM_UNROLL
            for (kx = 0; kx < kernel; kx++)
                w[kx] = weights[kx];
            SLIM_UNROLL
            for (x = 0; x < reach; x++) {
                const uint8_t *pixels[SLIM_DEPTH];
                SLIM_WIDE_X v;
                SLIM_UNROLL
                for (i = 0; i < SLIM_DEPTH; i++)   /* rows after the last have no weights */
                    pixels[i] = in[SLIM_MIN(ky + i, kernel - 1) * reach + x] + (at - channel + offset);
                v = SLIM_WIDE_LOAD_X(pixels);
                SLIM_UNROLL
                for (c = 0; c < SLIM_COLUMNS; c++)
                    if (x - c * stride >= 0 && x - c * stride < kernel)
                        acc[c] = SLIM_WIDE_MULADD(v, w[x - c * stride], acc[c]);
            }
        }
        SLIM_UNROLL
        for (c = 0; c < SLIM_COLUMNS; c++) {
            SLIM_UNROLL
            for (i = 0; i < SLIM_WIDE; i += SLIM_LANES)
                SLIM_VI_STORE(sums + c * SLIM_WIDE + i, SLIM_WIDE_PART(acc[c], i / SLIM_LANES));
        }
        SLIM_NAME(slim_depthwise_u8_finish)(task, sums, out + at, count, at);
    }
}

typedef void SLIM_NAME(slim_depthwise_u8_tiles)(const slim_depthwise_u8_task *task, const uint8_t *const *in, size_t offset,
                                                const SLIM_WIDE_W *weights, uint8_t *out, size_t count, size_t channel,
                                                size_t end);

#define SLIM_DEPTHWISE_U8(kernel, stride) \
    SLIM_STEP void SLIM_NAME(slim_depthwise_u8_##kernel##_##stride)(const slim_depthwise_u8_task *shared, \
                                                                    const uint8_t *const *in, size_t offset, \
                                                                    const SLIM_WIDE_W *weights, uint8_t *out, size_t count, \
                                                                    size_t channel, size_t end) \
    { \
        const slim_depthwise_u8_task task = *shared;   /* bytes that are written could alias it */ \
        SLIM_NAME(slim_depthwise_u8_tile)(&task, in, offset, weights, out, count, channel, end, kernel, stride); \
    }
SLIM_DEPTHWISE_U8(3, 1)
SLIM_DEPTHWISE_U8(3, 2)
#if SLIM_HAS_DEPTHWISE_5
SLIM_DEPTHWISE_U8(5, 1)
SLIM_DEPTHWISE_U8(5, 2)
#endif
#undef SLIM_DEPTHWISE_U8

/* Channels `channel` to `end` of all output rows. */
SLIM_STEP void SLIM_NAME(slim_depthwise_u8_rows)(const slim_depthwise_u8_task *task, SLIM_NAME(slim_depthwise_u8_tiles) *tile,
                                                 size_t channel, size_t end)
{
    const ptrdiff_t stride = task->stride_w, reach = (SLIM_COLUMNS - 1) * stride + task->kernel_w;
    const ptrdiff_t in_width = (ptrdiff_t)task->in_width;
    /* weight vectors for a vector of channels */
    const size_t steps = slim_ceil_div((size_t)task->kernel_h, SLIM_DEPTH) * (size_t)task->kernel_w;
    SLIM_WIDE_W weights[SLIM_BLOCK / SLIM_WIDE * ((5 + SLIM_DEPTH - 1) / SLIM_DEPTH * 5)];
    const size_t step = SLIM_COLUMNS * (size_t)stride * task->channels;
    const uint8_t *in[5 * SLIM_REACH];
    uint8_t padding[SLIM_BLOCK];
    slim_fill(padding, task->input_zero_point, sizeof padding);
    for (size_t c = channel; c < end; c += SLIM_WIDE)
        SLIM_NAME(slim_depthwise_u8_weights)(task, c, weights + (c - channel) / SLIM_WIDE * steps, task->kernel_w);
    for (size_t r = 0; r < task->out_rows; r++) {
        const uint8_t *const *rows = task->rows + r * (size_t)stride;
        uint8_t *out = task->out + r * task->out_row_stride;
        int complete = 1, inside = 0;   /* no row is padding; the tile before was inside, so that its table only moves on */
        size_t offset = 0;
        for (int ky = 0; ky < task->kernel_h; ky++) {
            SLIM_FEW;
            complete &= rows[ky] != NULL;
        }
        for (size_t column = 0; column < task->out_width; column += SLIM_COLUMNS, out += SLIM_COLUMNS * task->out_stride) {
            const ptrdiff_t first = (ptrdiff_t)column * stride - task->pad_left;
            const int now_inside = complete && first >= 0 && first + reach <= in_width;
            const uint8_t **pixel = in;
            offset += step;
            if (!now_inside || !inside) {
                offset = 0;
                for (int ky = 0; ky < task->kernel_h; ky++)
                    for (ptrdiff_t x = first; x < first + reach; x++) {
                        SLIM_FEW;
                        *pixel++ = rows[ky] && x >= 0 && x < in_width
                        ? rows[ky] + (size_t)x * task->channels + channel : padding;
                    }
            }
            inside = now_inside;
            tile(task, in, offset, weights, out, SLIM_MIN(task->out_width - column, (size_t)SLIM_COLUMNS), channel, end);
        }
    }
}
#endif

#if SLIM_HAS_DEPTHWISE_ANY
/* Any window, pixel by pixel and tap by tap. */
SLIM_STEP void SLIM_NAME(slim_depthwise_u8_any)(const slim_depthwise_u8_task *task, size_t channel, size_t end)
{
    static const int8_t zeros[SLIM_WIDE] = {0};
    uint8_t padding[SLIM_WIDE];
    __builtin_memset(padding, task->input_zero_point, sizeof padding);
    const size_t panel = SLIM_PANEL * (size_t)(task->kernel_h * task->kernel_w);
    for (size_t at = 0; at < task->out_rows * task->out_width; at++) {
        size_t r = at / task->out_width, column = at % task->out_width;
        ptrdiff_t first = (ptrdiff_t)column * task->stride_w - task->pad_left;
        uint8_t *out = task->out + r * task->out_row_stride + column * task->out_stride;
        for (size_t c = channel; c < end; c += SLIM_WIDE) {
            const int8_t *weights = task->weights + c / SLIM_PANEL * panel + c % SLIM_PANEL;
            const int32_t *table = task->channels_table + c / SLIM_PANEL * (3 * SLIM_PANEL) + c % SLIM_PANEL;
            SLIM_WIDE_ACC acc = SLIM_WIDE_START(table);
            for (int ky = 0; ky < task->kernel_h; ky++) {
                const uint8_t *row = task->rows[r * (size_t)task->stride_h + (size_t)(ky * task->dilation_h)];
                for (int kx = 0; kx < task->kernel_w; kx++, weights += SLIM_PANEL) {
                    const ptrdiff_t x = first + kx * task->dilation_w;
                    const int inside = row && x >= 0 && x < (ptrdiff_t)task->in_width;
                    const uint8_t *p[SLIM_DEPTH];
                    const int8_t *w[SLIM_DEPTH];
                    for (int i = 0; i < SLIM_DEPTH; i++) {
                        p[i] = inside ? row + (size_t)x * task->channels + c : padding;
                        w[i] = i == 0 ? weights : zeros;
                    }
                    acc = SLIM_WIDE_MULADD(SLIM_WIDE_LOAD_X(p), SLIM_WIDE_LOAD_W(w), acc);
                }
            }
            int32_t sums[SLIM_WIDE];
            for (int i = 0; i < SLIM_WIDE; i += SLIM_LANES)
                SLIM_VI_STORE(sums + i, SLIM_WIDE_PART(acc, i / SLIM_LANES));
            SLIM_NAME(slim_depthwise_u8_finish)(task, sums, out + c, 1, c);
        }
    }
}
#endif

SLIM_STEP void SLIM_NAME(slim_depthwise_u8)(const slim_depthwise_u8_task *task)
{
    const int kernel = task->kernel_h, stride = task->stride_h;
    const int known = task->kernel_w == kernel && (kernel == 3 || (SLIM_HAS_DEPTHWISE_5 && kernel == 5)) && task->stride_w == stride && stride <= 2
        && task->dilation_h == 1 && task->dilation_w == 1;
#if SLIM_DEPTH == 4
    if (known)
        SLIM_NAME(slim_depthwise_u8_four)(task);
#endif
#if SLIM_DEPTH != 4 || SLIM_HAS_DEPTHWISE_ANY
    const size_t blocks = slim_ceil_div(task->channels, SLIM_BLOCK);
    const size_t block = slim_ceil_div(task->channels, blocks * SLIM_PANEL) * SLIM_PANEL;
#if SLIM_DEPTH != 4
    if (known) {
        SLIM_NAME(slim_depthwise_u8_tiles) *tile = stride == 1 ? SLIM_NAME(slim_depthwise_u8_3_1)
                                                               : SLIM_NAME(slim_depthwise_u8_3_2);
#if SLIM_HAS_DEPTHWISE_5
        if (kernel == 5)
            tile = stride == 1 ? SLIM_NAME(slim_depthwise_u8_5_1) : SLIM_NAME(slim_depthwise_u8_5_2);
#endif
        for (size_t channel = 0; channel < task->channels; channel += block)
            SLIM_NAME(slim_depthwise_u8_rows)(task, tile, channel, SLIM_MIN(channel + block, task->channels));
    }
#endif
#if SLIM_HAS_DEPTHWISE_ANY
    for (size_t channel = 0; !known && channel < task->channels; channel += block)
        SLIM_NAME(slim_depthwise_u8_any)(task, channel, SLIM_MIN(channel + block, task->channels));
#endif
#endif
}
