/* 3x3 convolution with stride 1 in fp32 with fewer multiplications: Winograd's F(6,3), F(4,3) and F(3,3).
 *
 * Takes what conv_f32 takes. An image is cut into tiles of 6, 4 and 3 output pixels a side, so that points are fewest. A task
 * transforms some rows of tiles, then, two panels at a time, filters into the second-level cache, some input channels at a time,
 * multiplies plane by plane, and transforms its outputs back. Filters are transformed in every run: that
 * takes less time than reading them transformed, 4 to 7 times the bytes, from memory. Against direct convolution the error grows by
 * 10 to 15 dB, to a signal-to-noise ratio of 108 dB and more. */
#include "kernels/kernels.h"
#include "ops/check.h"
#include "ops/winograd.h"

enum {
    WINOGRAD_PANELS = 2,        /* of filters that a task takes: two registers of 512 bits */
    WINOGRAD_WIDTH = WINOGRAD_PANELS * SLIM_PANEL,
    WINOGRAD_CHANNELS = 64,     /* of the input, whose filters are transformed at a time: 288 or 512 KB for a second-level cache */
    WINOGRAD_TILES = 64,        /* in rows whose products a task holds at a time, at most, if not one: as much again */
    WINOGRAD_STRIDE_PAD = 16,   /* floats between planes, against cache sets that coincide */
    WINOGRAD_FILTER = 10        /* products that a point of a filter's transform takes the time of, thirds */
};
#define WINOGRAD_INPUT_BYTES ((size_t)1 << 20)   /* of transformed input at a time */

/* Tiles of a side that have a value at a point: the first ones. */
static size_t winograd_with(slim_winograd_side side, size_t point)
{
    return point < 5 ? side.tiles : point < 6 ? side.sixes + side.fours : side.sixes;
}

typedef struct winograd_plan {
    slim_winograd_walk walk;
    const slim_winograd_f32_attributes *a;
    size_t k, n;                /* input and output channels */
    size_t k_row;               /* floats from one tile of a plane to the next */
    size_t k_block;             /* input channels whose filters are transformed at a time */
    slim_winograd_grid grid;
    slim_winograd_side all;     /* rows */
    size_t points;              /* of a filter's side */
    size_t chunk;               /* rows of tiles of a block whose products are made at a time */
    size_t input[SLIM_WINOGRAD_SIDE + 1];   /* floats before a plane of a row; of a row, at the end */
    size_t output[SLIM_WINOGRAD_SIDE + 1];
    size_t weight_plane;                    /* floats */
    enum slim_winograd_tiles few;           /* or many: of few filters are transformed between the products, and a panel is a task */
    size_t bytes;                           /* of all that a worker has */
} winograd_plan;

static int winograd_is(slim_winograd_side side, size_t sixes, size_t fours, size_t threes)
{
    return side.sixes == sixes && side.fours == fours && side.tiles == sixes + fours + threes;
}

/* Tiles of 6 where they save more products than transforming filters to more points costs. Few tiles are those of
 * slim_winograd_f32_few. */
static void winograd_tiles(winograd_plan *p, const int32_t *y, int few)
{
    const slim_winograd_side rows = slim_winograd_cut(y[1], SIZE_MAX), columns = slim_winograd_cut(y[2], SIZE_MAX), nine = {3, 1, 2};
    const size_t images = (size_t)y[0], fours_h = slim_ceil_div((size_t)y[1], 4), fours_w = slim_ceil_div((size_t)y[2], 4);
    p->grid.rows = slim_winograd_cut(y[1], 0);
    p->grid.columns = slim_winograd_cut(y[2], 0);
    p->points = 6;
    p->few = SLIM_WINOGRAD_MANY;
    if (few && images * fours_h * fours_w <= SLIM_WINOGRAD_FEW) {
        p->few = SLIM_WINOGRAD_MIXED;
        if (!(images == 1 && winograd_is(p->grid.rows, 0, 1, 1) && winograd_is(p->grid.columns, 0, 1, 1))) {
            p->few = SLIM_WINOGRAD_FOURS;
            p->grid.rows.fours = p->grid.rows.tiles = fours_h;
            p->grid.columns.fours = p->grid.columns.tiles = fours_w;
        }
    } else if (few && images == 1 && (y[1] == 13 || y[1] == 14) && (y[2] == 13 || y[2] == 14)) {
        p->grid.rows = p->grid.columns = nine;
        p->points = 8;
        p->few = SLIM_WINOGRAD_NINE;
    } else if (3 * images * slim_winograd_points(rows) * slim_winograd_points(columns) + WINOGRAD_FILTER * 64
               < 3 * images * slim_winograd_points(p->grid.rows) * slim_winograd_points(p->grid.columns) + WINOGRAD_FILTER * 36) {
        p->grid.rows = rows;
        p->grid.columns = columns;
        p->points = 8;
    }
    p->grid.images = images;
    p->all = slim_winograd_rows(&p->grid);
}

/* Floats before each plane of a row, whose tiles are `floats` apart. */
static void winograd_planes(size_t *planes, slim_winograd_side columns, size_t points, size_t rows, size_t floats)
{
    planes[0] = 0;
    for (size_t j = 0; j < SLIM_WINOGRAD_SIDE; j++)
        planes[j + 1] = planes[j] + (j < points ? rows * winograd_with(columns, j) * floats + WINOGRAD_STRIDE_PAD : 0);
}

static winograd_plan winograd_layout(const slim_winograd_f32_attributes *a, const slim_value *x, const int32_t *y,
                                     const slim_session *session)
{
    winograd_plan p;
    size_t most;
    p.a = a;
    p.k = (size_t)x->dims[3];
    p.n = (size_t)a->out_channels;
    p.walk.panels = slim_ceil_div(p.n, SLIM_PANEL);
    p.k_row = slim_ceil_div(p.k, SLIM_PANEL) * SLIM_PANEL;
    p.k_row += p.k_row % 256 == 0 ? WINOGRAD_STRIDE_PAD : 0;
    winograd_tiles(&p, y, session->kernels->winograd_few_f32 != NULL);
    most = slim_winograd_points(p.grid.columns);   /* in a row of points */
    p.walk.tasks = slim_winograd_share(p.few ? 1 : p.all.tiles, most * slim_winograd_points(p.all), p.walk.panels,
                                       2 * WINOGRAD_FILTER * p.points * p.points / 3, session->threads);
    most = WINOGRAD_INPUT_BYTES / (most * p.points * p.k_row * sizeof(float));
    p.walk.block = slim_ceil_div(p.walk.tasks.rows, slim_ceil_div(p.walk.tasks.rows, SLIM_MAX(most, (size_t)1)));
    most = SLIM_MAX(WINOGRAD_TILES / p.grid.columns.tiles, (size_t)1);
    p.chunk = slim_ceil_div(p.walk.block, slim_ceil_div(p.walk.block, most));
    p.k_block = SLIM_MIN(p.k, (size_t)WINOGRAD_CHANNELS);
    p.weight_plane = p.k_block * WINOGRAD_WIDTH + WINOGRAD_STRIDE_PAD;
    winograd_planes(p.input, p.grid.columns, p.points, p.walk.block, p.k_row);
    winograd_planes(p.output, p.grid.columns, p.points, p.chunk, WINOGRAD_WIDTH);
    p.walk.zeros = SLIM_WINOGRAD_SIDE * p.k_row;
    p.walk.inputs = p.points * p.input[SLIM_WINOGRAD_SIDE];
    p.bytes = (p.walk.zeros + p.walk.inputs + p.points * (p.points * p.weight_plane + p.output[SLIM_WINOGRAD_SIDE])) * sizeof(float);
    if (p.few) {
        p.walk.block = p.all.tiles;
        const size_t channels = slim_ceil_div(p.k, SLIM_WINOGRAD_CHANNELS) * SLIM_WINOGRAD_CHANNELS;
        for (size_t j = 0; j <= SLIM_WINOGRAD_SIDE; j++) {
            const size_t six = SLIM_MIN(j, (size_t)6), nine = 9 * six + 3 * (j - six);
            const size_t slots = p.few == SLIM_WINOGRAD_NINE ? nine : SLIM_WINOGRAD_FEW * six;
            p.input[j] = slots * SLIM_WINOGRAD_CHANNELS;
            p.output[j] = slots * SLIM_PANEL;
        }
        p.walk.inputs = p.points * p.output[SLIM_WINOGRAD_SIDE] / SLIM_PANEL * channels;
        p.bytes = (p.walk.zeros + p.walk.inputs + p.points * p.output[SLIM_WINOGRAD_SIDE]) * sizeof(float);
    }
    return p;
}

SLIM_COLD static slim_status winograd_prepare(slim_prepare *p)
{
    const slim_winograd_f32_attributes *a = (const slim_winograd_f32_attributes *)p->attributes;
    slim_status status;
    int32_t dims[4];
    if ((status = slim_winograd_prepare(p, 1, dims)) != SLIM_OK)
        return status;
    winograd_plan plan = winograd_layout(a, slim_prepare_input(p, 0), dims, p->session);
    slim_prepare_scratch(p, plan.bytes);
    return slim_check_product(p, 4, plan.walk.panels, 9 * plan.k, 4, dims);
}

/* A tile's place in a plane of column j. */
static size_t winograd_slot(const winograd_plan *p, size_t row, size_t column, size_t j)
{
    const int same = p->few == SLIM_WINOGRAD_FOURS || p->few == SLIM_WINOGRAD_MIXED;   /* in all planes */
    return row * (same ? p->grid.columns.tiles : winograd_with(p->grid.columns, j)) + column;
}

static void winograd_input(const slim_winograd_context *c, size_t index)
{
    const winograd_plan *p = (const winograd_plan *)(const void *)c->walk;
    const size_t row = index / p->grid.columns.tiles, column = index % p->grid.columns.tiles;
    const slim_winograd_place place = slim_winograd_tile(&p->grid, c->first + row, column);
    const int32_t in_h = c->x->dims[1], in_w = c->x->dims[2], sides = (int32_t)place.columns + 2;
    const int32_t top = (int32_t)place.y - p->a->pad_top, left = (int32_t)place.x - p->a->pad_left;
    const int32_t first = SLIM_MIN(SLIM_MAX(-left, 0), sides), end = SLIM_MAX(SLIM_MIN(in_w - left, sides), first);
    const float *image = (const float *)c->x->data + place.image * (size_t)in_h * (size_t)in_w * p->k;
    slim_winograd_f32_input task;
    for (int32_t i = 0; i < (int32_t)place.rows + 2; i++) {
        const int inside = top + i >= 0 && top + i < in_h && end > first;
        task.pixels[i] = inside ? image + ((size_t)(top + i) * (size_t)in_w + (size_t)(left + first)) * p->k : c->zeros;
    }
    task.pixel_stride = p->k;
    task.first = (size_t)first;
    task.count = (size_t)(end - first);
    task.rows = place.rows;
    task.columns = place.columns;
    task.channels = p->few ? SLIM_MIN(p->k, (size_t)SLIM_WINOGRAD_CHANNELS) : p->k;
    for (size_t j = 0; j < place.columns + 2; j++)
        task.planes[j] = c->inputs + p->input[j] + winograd_slot(p, row, column, j) * (p->few ? SLIM_WINOGRAD_CHANNELS : p->k_row);
    task.plane_row = p->input[SLIM_WINOGRAD_SIDE];
    c->step->kernels->winograd_input_f32(&task);
    for (size_t from = task.channels; from < p->k; from += task.channels) {   /* of few tiles, the other blocks of channels */
        for (size_t i = 0; i < place.rows + 2; i++)
            task.pixels[i] += task.channels;
        for (size_t j = 0; j < place.columns + 2; j++)
            task.planes[j] += p->points * task.plane_row;
        task.channels = SLIM_MIN(p->k - from, task.channels);
        c->step->kernels->winograd_input_f32(&task);
    }
}

/* The filters of a panel from an input channel on, a multiple of SLIM_WINOGRAD_CHANNELS. */
static const float *winograd_taps(const slim_winograd_context *c, size_t panel, size_t from)
{
    const winograd_plan *p = (const winograd_plan *)(const void *)c->walk;
    return (const float *)c->w->data + (panel * p->k + from) * 9 * SLIM_PANEL;
}

/* The planes of the filters `panel` to panel + panels, input channels from `from` on: each plane [panels][channels][16]. */
static void winograd_weights(const slim_winograd_context *c, size_t panel, size_t panels, size_t from, size_t channels, float *to)
{
    const winograd_plan *p = (const winograd_plan *)(const void *)c->walk;
    slim_winograd_f32_weights task;
    task.points = p->points;
    task.plane_stride = p->weight_plane;
    for (size_t i = 0; i < panels; i++) {
        for (size_t at = 0; at < channels; at += task.channels) {
            task.channels = SLIM_MIN(channels - at, (size_t)SLIM_WINOGRAD_CHANNELS);
            task.weights = winograd_taps(c, panel + i, from + at);
            task.tap_stride = task.channels * SLIM_PANEL;
            task.planes = to + (i * channels + at) * SLIM_PANEL;
            c->step->kernels->winograd_weights_f32(&task);
        }
    }
}

/* Fetches a part of the weights that come next, for each plane as much, so that reading them from memory takes no time
 * of its own. Processors drop prefetches from pages whose translation they do not hold, so one byte of the part that follows is
 * really read: one instruction, always as far from the last one, so that the processor expects it. */
static void winograd_fetch(const slim_winograd_context *c, size_t panel, size_t panels, size_t from, size_t plane)
{
    const winograd_plan *p = (const winograd_plan *)(const void *)c->walk;
    const size_t planes = p->points * p->points / 2;
    if (from + p->k_block < p->k) {
        from += p->k_block;
    } else {
        panel += WINOGRAD_PANELS;
        from = 0;
    }
    panel += plane / planes;
    if (plane >= panels * planes || panel >= c->last)
        return;
    const size_t share = 9 * SLIM_MIN(p->k_block, p->k - from) / planes;
    const float *next = winograd_taps(c, panel, from) + plane % planes * share * SLIM_PANEL;
    for (size_t i = 0; i < share; i++)
        __builtin_prefetch(next + i * SLIM_PANEL, 0, 2);
    if (plane % planes + 1 < planes)
        (void)*(const volatile unsigned char *)(next + share * SLIM_PANEL);
}

/* One tile of some rows from the `first` of the block on. */
SLIM_VECTORIZE static void winograd_output(const slim_winograd_context *c, const float *outputs, size_t first, size_t row, size_t column,
                                           size_t panel, size_t panels)
{
    const winograd_plan *p = (const winograd_plan *)(const void *)c->walk;
    const slim_winograd_place place = slim_winograd_tile(&p->grid, c->first + first + row, column);
    const size_t width = p->few ? SLIM_PANEL : WINOGRAD_WIDTH;
    const size_t out_h = (size_t)c->y->dims[1], out_w = (size_t)c->y->dims[2];
    const size_t pixel = (place.image * out_h + place.y) * out_w + place.x;
    slim_winograd_f32_output task;
    for (size_t j = 0; j < place.columns + 2; j++)
        task.planes[j] = outputs + p->output[j] + winograd_slot(p, row, column, j) * width;
    task.plane_row = p->output[SLIM_WINOGRAD_SIDE];
    task.rows = place.rows;
    task.columns = place.columns;
    task.bias = (const float *)c->bias->data + panel * SLIM_PANEL;
    task.out_stride = c->y->row_stride;
    task.out_row = out_w * task.out_stride;
    task.out = (float *)c->y->data + pixel * task.out_stride + panel * SLIM_PANEL;
    task.residual_stride = p->n;
    task.residual_row = out_w * p->n;
    task.residual = c->residual ? (const float *)c->residual->data + pixel * p->n + panel * SLIM_PANEL : NULL;
    task.out_rows = SLIM_MIN(out_h - place.y, place.rows);
    task.out_columns = SLIM_MIN(out_w - place.x, place.columns);
    task.n = SLIM_MIN(panels * SLIM_PANEL, p->n - panel * SLIM_PANEL);
    task.lo = p->a->lo;
    task.hi = p->a->hi;
    c->step->kernels->winograd_output_f32(&task);
}

/* A group of filters on some of the block's rows of tiles. `weights` still holds the group's filters, transformed, where `again`. */
static void winograd_chunk(const slim_winograd_context *c, size_t panel, size_t first, size_t rows, int again)
{
    const winograd_plan *p = (const winograd_plan *)(const void *)c->walk;
    const size_t panels = SLIM_MIN(c->last - panel, (size_t)WINOGRAD_PANELS);
    float *weights = c->work, *outputs = weights + p->points * p->points * p->weight_plane;
    slim_winograd_f32_product task;
    task.in_stride = p->k_row;
    task.panels = panels;
    task.out_stride = WINOGRAD_WIDTH;
    for (size_t from = 0; from < p->k; from += task.k) {
        task.k = SLIM_MIN(p->k_block, p->k - from);
        task.add = from > 0;
        if (!again || p->k_block < p->k)
            winograd_weights(c, panel, panels, from, task.k, weights);
        task.weights = weights;
        for (size_t i = 0; i < p->points; i++) {
            const size_t all = winograd_with(p->all, i), high = SLIM_MIN(rows, all - SLIM_MIN(all, c->first + first));
            for (size_t j = 0; j < p->points; j++) {
                const size_t columns = winograd_with(p->grid.columns, j);
                winograd_fetch(c, panel, panels, from, i * p->points + j);
                task.m = high * columns;
                task.in = c->inputs + i * p->input[SLIM_WINOGRAD_SIDE] + p->input[j] + first * columns * p->k_row + from;
                task.out = outputs + i * p->output[SLIM_WINOGRAD_SIDE] + p->output[j];
                c->step->kernels->winograd_product_f32(&task);
                task.weights += p->weight_plane;
            }
        }
    }
    for (size_t i = 0; i < rows * p->grid.columns.tiles; i++)
        winograd_output(c, outputs, first, i / p->grid.columns.tiles, i % p->grid.columns.tiles, panel, panels);
}

/* A group of filters on the block. */
static void winograd_filter(const slim_winograd_context *c, size_t panel)
{
    const winograd_plan *p = (const winograd_plan *)(const void *)c->walk;
    for (size_t first = 0; first < c->count; first += p->chunk)
        winograd_chunk(c, panel, first, SLIM_MIN(p->chunk, c->count - first), first > 0);
}

/* A panel of filters on all tiles where they are few. */
static void winograd_few(const slim_winograd_context *c, size_t panel)
{
    const winograd_plan *p = (const winograd_plan *)(const void *)c->walk;
    slim_winograd_f32_few task;
    task.in = c->inputs;
    task.k = p->k;
    task.tiles = p->few;
    task.weights = winograd_taps(c, panel, 0);
    task.next = winograd_taps(c, panel + 1 < c->last ? panel + 1 : panel, 0);
    task.out = c->work;
    c->step->kernels->winograd_few_f32(&task);
    for (size_t i = 0; i < p->all.tiles * p->grid.columns.tiles; i++)
        winograd_output(c, task.out, 0, i / p->grid.columns.tiles, i % p->grid.columns.tiles, panel, 1);
}

static void winograd_run(const slim_step *s)
{
    const slim_winograd_f32_attributes *a = (const slim_winograd_f32_attributes *)s->attributes;
    winograd_plan plan = winograd_layout(a, slim_step_input(s, 0), slim_step_output(s, 0)->dims, s->session);
    plan.walk.rows = plan.all.tiles;
    plan.walk.columns = plan.grid.columns.tiles;
    plan.walk.width = plan.few ? 1 : WINOGRAD_PANELS;
    plan.walk.input = winograd_input;
    plan.walk.filter = plan.few ? winograd_few : winograd_filter;
    slim_winograd_run(s, &plan.walk);
}

SLIM_INTERNAL const slim_operator slim_op_winograd_f32 = {
    SLIM_OP_WINOGRAD_F32, 3, 4, 1, sizeof(slim_winograd_f32_attributes) / 4, 1, "winograd_f32", winograd_prepare, winograd_run,
};
