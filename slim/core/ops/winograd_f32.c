/* 3x3 convolution with stride 1 in fp32 with fewer multiplications: Winograd's F(4,3).
 *
 * Takes what conv_f32 takes. A block of tiles is transformed; then each task takes two panels of filters, transforms them
 * into the second-level cache, some input channels at a time, multiplies plane by plane, and transforms its outputs back.
 * Filters are transformed in every run: that takes less time than reading them transformed, 4 times the bytes, from memory.
 * Against direct convolution the error grows by about 10 dB, to a signal-to-noise ratio of 110 dB and more. */
#include "kernels/kernels.h"
#include "ops/check.h"
#include "ops/window.h"

enum {
    WINOGRAD_PLANES = 36,
    WINOGRAD_PANELS = 2,        /* of filters that a task takes: two registers of 512 bits */
    WINOGRAD_CHANNELS = 64,     /* of the input, whose filters are transformed at a time: 288 KB for a second-level cache */
    WINOGRAD_TILES = 64,        /* whose products a task holds at a time, at most: as much again */
    WINOGRAD_FEW_TILES = 8,    /* fewest that a task is given */
    WINOGRAD_STRIDE_PAD = 16    /* floats between planes, against cache sets that coincide */
};
#define WINOGRAD_INPUT_BYTES ((size_t)1 << 20)   /* of transformed input at a time: 2.25 times the image's */

typedef struct winograd_plan {
    size_t k, n;                /* input and output channels */
    size_t k_row;               /* floats from one tile of a plane to the next */
    size_t k_block;             /* input channels whose filters are transformed at a time */
    size_t panels, groups;      /* of filters; groups of WINOGRAD_PANELS */
    size_t tiles_h, tiles_w, tiles;         /* of all images */
    size_t block;                           /* tiles whose input is transformed at a time, */
    size_t chunk, chunks;                   /* and whose products are; chunks of a block */
    size_t pieces;                          /* tasks of a group and block, each of some chunks */
    size_t input_plane, weight_plane, output_plane;   /* floats */
    int few;                    /* tiles: filters are transformed between the products, and a panel is a task */
    size_t zeros_bytes;
    size_t shared_bytes, own_bytes;         /* of scratch memory, for each worker */
} winograd_plan;

static winograd_plan winograd_layout(const slim_winograd_f32_attributes *a, const slim_value *x, const int32_t *y,
                                     const slim_session *session)
{
    const size_t workers = (size_t)session->threads, width = WINOGRAD_PANELS * SLIM_PANEL;
    winograd_plan p;
    size_t most;
    p.k = (size_t)x->dims[3];
    p.n = (size_t)a->out_channels;
    p.panels = slim_ceil_div(p.n, SLIM_PANEL);
    p.groups = slim_ceil_div(p.panels, WINOGRAD_PANELS);
    p.k_row = slim_ceil_div(p.k, SLIM_PANEL) * SLIM_PANEL;
    p.k_row += p.k_row % 256 == 0 ? WINOGRAD_STRIDE_PAD : 0;
    p.k_block = slim_ceil_div(p.k, slim_ceil_div(p.k, WINOGRAD_CHANNELS));
    p.tiles_h = slim_ceil_div((size_t)y[1], 4);
    p.tiles_w = slim_ceil_div((size_t)y[2], 4);
    p.tiles = (size_t)y[0] * p.tiles_h * p.tiles_w;
    most = SLIM_MAX((size_t)WINOGRAD_TILES, WINOGRAD_INPUT_BYTES / (WINOGRAD_PLANES * p.k_row * sizeof(float)));
    p.block = slim_ceil_div(p.tiles, slim_ceil_div(p.tiles, most));
    p.pieces = workers == 1 ? 1 : slim_ceil_div(2 * workers, p.groups);
    p.pieces = SLIM_MAX((size_t)1, SLIM_MIN(p.pieces, p.block / WINOGRAD_FEW_TILES));
    p.chunk = slim_ceil_div(p.block, SLIM_MAX(p.pieces, slim_ceil_div(p.block, WINOGRAD_TILES)));
    p.chunks = slim_ceil_div(p.block, p.chunk);
    p.input_plane = p.block * p.k_row + WINOGRAD_STRIDE_PAD;
    p.weight_plane = p.k_block * width + WINOGRAD_STRIDE_PAD;
    p.output_plane = p.chunk * width + WINOGRAD_STRIDE_PAD;
    p.zeros_bytes = slim_align(SLIM_MAX(p.k_row, width) * sizeof(float));
    p.shared_bytes = slim_align(slim_ceil_div(p.zeros_bytes + WINOGRAD_PLANES * p.input_plane * sizeof(float), workers));
    p.own_bytes = slim_align(WINOGRAD_PLANES * (p.weight_plane + p.output_plane) * sizeof(float));
    p.few = session->kernels->winograd_few_f32 && p.tiles <= SLIM_WINOGRAD_FEW;
    if (p.few) {
        const size_t floats = WINOGRAD_PLANES * SLIM_WINOGRAD_FEW;
        const size_t channels = slim_ceil_div(p.k, SLIM_WINOGRAD_FEW_CHANNELS) * SLIM_WINOGRAD_FEW_CHANNELS;
        p.output_plane = SLIM_WINOGRAD_FEW * SLIM_PANEL;
        p.shared_bytes = slim_align(slim_ceil_div(p.zeros_bytes + floats * channels * sizeof(float), workers));
        p.own_bytes = floats * SLIM_PANEL * sizeof(float);
    }
    return p;
}

SLIM_COLD static slim_status winograd_prepare(slim_prepare *p)
{
    const slim_winograd_f32_attributes *a = (const slim_winograd_f32_attributes *)p->attributes;
    slim_window window;
    slim_status status;
    int32_t dims[4];
    if ((status = slim_prepare_expect(p, 0, SLIM_F32, 4, 0)) != SLIM_OK
        || (status = slim_prepare_expect(p, 1, SLIM_F32, 3, 1)) != SLIM_OK
        || (status = slim_prepare_expect(p, 2, SLIM_F32, 1, 1)) != SLIM_OK
        || (status = slim_check_output_type(p, 0, SLIM_F32)) != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    const slim_value *w = slim_prepare_input(p, 1);
    const slim_value *bias = slim_prepare_input(p, 2);
    const slim_value *residual = slim_prepare_input(p, 3);
    if ((status = slim_window_size(p, x, &window, &dims[1], &dims[2])) != SLIM_OK)
        return status;
    if (window.kernel_h != 3 || window.kernel_w != 3 || window.stride_h != 1 || window.stride_w != 1
        || window.dilation_h != 1 || window.dilation_w != 1 || a->groups != 1 || a->out_channels < 1)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the window is not 3x3 with stride 1");
    dims[0] = x->dims[0];
    dims[3] = a->out_channels;
    winograd_plan plan = winograd_layout(a, x, dims, p->session);
    if ((size_t)w->dims[0] != plan.panels || (size_t)w->dims[1] != 9 * plan.k || w->dims[2] != SLIM_PANEL
        || (size_t)bias->dims[0] != plan.panels * SLIM_PANEL)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the weights or the bias do not fit the channels");
    if (residual && (residual->type != SLIM_F32 || residual->rank != 4 || residual->dims[0] != dims[0]
                     || residual->dims[1] != dims[1] || residual->dims[2] != dims[2] || residual->dims[3] != dims[3]))
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the residual has another shape than the output");
    slim_prepare_scratch(p, plan.shared_bytes + plan.own_bytes);
    return slim_prepare_output(p, 0, 4, dims);
}

typedef struct winograd_context {
    const slim_step *step;
    const slim_winograd_f32_attributes *a;
    const slim_value *x, *w, *bias, *residual, *y;
    winograd_plan plan;
    size_t threads;
    float *zeros;               /* shared: [k_row] and of a task's outputs at least */
    float *inputs;              /* shared: planes of [block][k_row] */
    size_t first, count;        /* tiles of the block */
} winograd_context;

typedef struct winograd_place {
    size_t image;
    int32_t y, x;               /* of the tile's first output pixel */
} winograd_place;

static winograd_place winograd_tile(const winograd_plan *p, size_t tile)
{
    winograd_place place;
    place.x = (int32_t)(tile % p->tiles_w) * 4;
    place.y = (int32_t)(tile / p->tiles_w % p->tiles_h) * 4;
    place.image = tile / p->tiles_w / p->tiles_h;
    return place;
}

SLIM_VECTORIZE static void winograd_input(void *context, size_t index, int worker)
{
    const winograd_context *c = (const winograd_context *)context;
    const winograd_plan *p = &c->plan;
    const float *pixels[WINOGRAD_PLANES];
    const winograd_place place = winograd_tile(p, c->first + index);
    const int32_t in_h = c->x->dims[1], in_w = c->x->dims[2];
    const float *image = (const float *)c->x->data + place.image * (size_t)in_h * (size_t)in_w * p->k;
    slim_winograd_f32_input task;
    (void)worker;
    for (int i = 0; i < 6; i++) {
        int32_t row = place.y - c->a->pad_top + i;
        for (int j = 0; j < 6; j++) {
            int32_t column = place.x - c->a->pad_left + j;
            int inside = row >= 0 && row < in_h && column >= 0 && column < in_w;
            pixels[i * 6 + j] = inside ? image + ((size_t)row * (size_t)in_w + (size_t)column) * p->k : c->zeros;
        }
    }
    task.pixels = pixels;
    task.channels = p->few ? SLIM_MIN(p->k, (size_t)SLIM_WINOGRAD_FEW_CHANNELS) : p->k;
    task.planes = c->inputs + index * (p->few ? SLIM_WINOGRAD_FEW_CHANNELS : p->k_row);
    task.plane_stride = p->few ? SLIM_WINOGRAD_FEW * SLIM_WINOGRAD_FEW_CHANNELS : p->input_plane;
    c->step->kernels->winograd_input_f32(&task);
    for (size_t from = task.channels; from < p->k; from += task.channels) {   /* of few tiles, the other blocks of channels */
        for (size_t i = 0; i < WINOGRAD_PLANES; i++)
            pixels[i] += task.channels;
        task.channels = SLIM_MIN(p->k - from, task.channels);
        task.planes += WINOGRAD_PLANES * task.plane_stride;
        c->step->kernels->winograd_input_f32(&task);
    }
}

/* The planes of the filters `panel` to panel + panels, input channels from `from` on: each [panels][channels][16]. */
static void winograd_weights(const winograd_context *c, size_t panel, size_t panels, size_t from, size_t channels, float *to)
{
    const winograd_plan *p = &c->plan;
    const float *weights = (const float *)c->w->data;
    slim_winograd_f32_weights task;
    task.tap_stride = p->k * SLIM_PANEL;
    task.channels = channels;
    task.plane_stride = p->weight_plane;
    for (size_t i = 0; i < panels; i++) {
        task.weights = weights + ((panel + i) * 9 * p->k + from) * SLIM_PANEL;
        task.planes = to + i * channels * SLIM_PANEL;
        c->step->kernels->winograd_weights_f32(&task);
    }
}

/* Fetches a part of the weights that come next, half of a tap for each plane, so that reading them from memory takes no time
 * of its own. Processors drop prefetches from pages whose translation they do not hold, so one byte of the tap that follows is
 * really read: one instruction, always as far from the last one, so that the processor expects it. */
static void winograd_fetch(const winograd_context *c, size_t panel, size_t panels, size_t from, size_t e)
{
    const winograd_plan *p = &c->plan;
    const size_t tap = e % 18 / 2;
    if (from + p->k_block < p->k) {
        from += p->k_block;
    } else {
        panel += WINOGRAD_PANELS;
        from = 0;
    }
    panel += e / 18;
    if (e / 18 >= panels || panel >= p->panels)
        return;
    const size_t half = SLIM_MIN(p->k_block, p->k - from) / 2;
    const float *next = (const float *)c->w->data + ((panel * 9 + tap) * p->k + from + e % 2 * half) * SLIM_PANEL;
    for (size_t i = 0; i < half; i++)
        __builtin_prefetch(next + i * SLIM_PANEL, 0, 2);
    if (e % 2 == 0 && tap < 8)
        (void)*(const volatile unsigned char *)(next + (p->k + half) * SLIM_PANEL);
}

SLIM_VECTORIZE static void winograd_output(const winograd_context *c, const float *planes, size_t tile, size_t panel, size_t panels)
{
    const winograd_plan *p = &c->plan;
    const winograd_place place = winograd_tile(p, tile);
    const int32_t out_h = c->y->dims[1], out_w = c->y->dims[2];
    const size_t pixel = (place.image * (size_t)out_h + (size_t)place.y) * (size_t)out_w + (size_t)place.x;
    slim_winograd_f32_output task;
    task.planes = planes;
    task.plane_stride = p->output_plane;
    task.bias = (const float *)c->bias->data + panel * SLIM_PANEL;
    task.out_stride = c->y->row_stride;
    task.out_row = (size_t)out_w * task.out_stride;
    task.out = (float *)c->y->data + pixel * task.out_stride + panel * SLIM_PANEL;
    task.residual_stride = p->n;
    task.residual_row = (size_t)out_w * p->n;
    task.residual = c->residual ? (const float *)c->residual->data + pixel * p->n + panel * SLIM_PANEL : NULL;
    task.rows = SLIM_MIN(out_h - place.y, 4);
    task.columns = SLIM_MIN(out_w - place.x, 4);
    task.n = SLIM_MIN(panels * SLIM_PANEL, p->n - panel * SLIM_PANEL);
    task.lo = c->a->lo;
    task.hi = c->a->hi;
    c->step->kernels->winograd_output_f32(&task);
}

/* A group of filters on a chunk of tiles. `weights` still holds the group's filters, transformed, where `again`. */
static void winograd_chunk(const winograd_context *c, float *weights, size_t panel, size_t first, size_t tiles, int again)
{
    const winograd_plan *p = &c->plan;
    const size_t panels = SLIM_MIN(p->panels - panel, (size_t)WINOGRAD_PANELS);
    float *outputs = weights + WINOGRAD_PLANES * p->weight_plane;
    slim_winograd_f32_product task;
    task.m = tiles;
    task.in_stride = p->k_row;
    task.panels = panels;
    task.out_stride = WINOGRAD_PANELS * SLIM_PANEL;
    for (size_t from = 0; from < p->k; from += task.k) {
        task.k = SLIM_MIN(p->k_block, p->k - from);
        task.add = from > 0;
        if (!again || p->k_block < p->k)
            winograd_weights(c, panel, panels, from, task.k, weights);
        for (size_t e = 0; e < WINOGRAD_PLANES; e++) {
            winograd_fetch(c, panel, panels, from, e);
            task.in = c->inputs + e * p->input_plane + first * p->k_row + from;
            task.weights = weights + e * p->weight_plane;
            task.out = outputs + e * p->output_plane;
            c->step->kernels->winograd_product_f32(&task);
        }
    }
    for (size_t i = 0; i < tiles; i++)
        winograd_output(c, outputs + i * WINOGRAD_PANELS * SLIM_PANEL, c->first + first + i, panel, panels);
}

/* A group of filters on a piece of the block. */
SLIM_VECTORIZE static void winograd_filter(void *context, size_t index, int worker)
{
    const winograd_context *c = (const winograd_context *)context;
    const winograd_plan *p = &c->plan;
    unsigned char *own = slim_step_scratch(c->step, 0) + c->threads * p->shared_bytes + (size_t)worker * p->own_bytes;
    const size_t panel = index / p->pieces * WINOGRAD_PANELS, piece = index % p->pieces;
    const size_t begin = piece * p->chunks / p->pieces, end = (piece + 1) * p->chunks / p->pieces;
    for (size_t chunk = begin; chunk < end && chunk * p->chunk < c->count; chunk++) {
        const size_t first = chunk * p->chunk;
        winograd_chunk(c, (float *)own, panel, first, SLIM_MIN(p->chunk, c->count - first), chunk > begin);
    }
}

/* A panel of filters on all tiles where they are few. */
static void winograd_few(void *context, size_t panel, int worker)
{
    const winograd_context *c = (const winograd_context *)context;
    const winograd_plan *p = &c->plan;
    slim_winograd_f32_few task;
    task.in = c->inputs;
    task.k = p->k;
    task.weights = (const float *)c->w->data + panel * 9 * p->k * SLIM_PANEL;
    task.out = (float *)(slim_step_scratch(c->step, 0) + c->threads * p->shared_bytes + (size_t)worker * p->own_bytes);
    c->step->kernels->winograd_few_f32(&task);
    for (size_t i = 0; i < p->tiles; i++)
        winograd_output(c, task.out + i * SLIM_PANEL, i, panel, 1);
}

static void winograd_run(const slim_step *s)
{
    winograd_context c;
    c.step = s;
    c.a = (const slim_winograd_f32_attributes *)s->attributes;
    c.x = slim_step_input(s, 0);
    c.w = slim_step_input(s, 1);
    c.bias = slim_step_input(s, 2);
    c.residual = s->inputs > 3 ? slim_step_input(s, 3) : NULL;
    c.y = slim_step_output(s, 0);
    c.threads = (size_t)s->session->threads;
    c.plan = winograd_layout(c.a, c.x, c.y->dims, s->session);
    c.zeros = (float *)slim_step_scratch(s, 0);
    c.inputs = c.zeros + c.plan.zeros_bytes / sizeof(float);
    slim_fill(c.zeros, 0, c.plan.zeros_bytes);
    for (c.first = 0; c.first < c.plan.tiles; c.first += c.count) {
        c.count = SLIM_MIN(c.plan.block, c.plan.tiles - c.first);
        slim_parallel(s, c.count, winograd_input, &c);
        if (c.plan.few)
            slim_parallel(s, c.plan.panels, winograd_few, &c);
        else
            slim_parallel(s, c.plan.groups * c.plan.pieces, winograd_filter, &c);
    }
}

SLIM_INTERNAL const slim_operator slim_op_winograd_f32 = {
    SLIM_OP_WINOGRAD_F32, 3, 4, 1, sizeof(slim_winograd_f32_attributes) / 4, 1, "winograd_f32", winograd_prepare, winograd_run,
};
