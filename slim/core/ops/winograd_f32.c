/* 3x3 convolution with stride 1 in fp32 with fewer multiplications: Winograd's F(6,3), F(4,3) and F(3,3).
 *
 * Takes what conv_f32 takes. An image is cut into tiles of 6, 4 and 3 output pixels a side, so that points are fewest. Some rows of
 * tiles are transformed; then each task takes two panels of filters, transforms them into the second-level cache, some input
 * channels at a time, multiplies plane by plane, and transforms its outputs back. Filters are transformed in every run: that
 * takes less time than reading them transformed, 4 to 7 times the bytes, from memory. Against direct convolution the error grows by
 * 10 to 15 dB, to a signal-to-noise ratio of 108 dB and more. */
#include "kernels/kernels.h"
#include "ops/check.h"
#include "ops/window.h"

enum {
    WINOGRAD_PANELS = 2,        /* of filters that a task takes: two registers of 512 bits */
    WINOGRAD_WIDTH = WINOGRAD_PANELS * SLIM_PANEL,
    WINOGRAD_CHANNELS = 64,     /* of the input, whose filters are transformed at a time: 288 or 512 KB for a second-level cache */
    WINOGRAD_TILES = 64,        /* in rows whose products a task holds at a time, at most, if not one: as much again */
    WINOGRAD_STRIDE_PAD = 16,   /* floats between planes, against cache sets that coincide */
    WINOGRAD_FILTER = 10        /* products that a point of a filter's transform takes the time of, thirds */
};
#define WINOGRAD_INPUT_BYTES ((size_t)1 << 20)   /* of transformed input at a time */

/* Rows or columns of an image in tiles: the first `sixes` have 6, `fours` more have 4, and the others 3. */
typedef struct winograd_side {
    size_t tiles, sixes, fours;
} winograd_side;

static size_t winograd_points(winograd_side side)
{
    return 5 * side.tiles + 3 * side.sixes + side.fours;
}

/* Tiles with fewest points, among them at most `sixes` of 6: a few at most are not of the largest size. */
SLIM_COLD static winograd_side winograd_cut(int32_t size, size_t sixes)
{
    const size_t all = (size_t)size, most = SLIM_MIN(sixes, slim_ceil_div(all, 6));
    winograd_side best = {slim_ceil_div(all, 4), 0, slim_ceil_div(all, 4)}, side;
    for (side.sixes = most - SLIM_MIN(most, (size_t)3); side.sixes <= most; side.sixes++) {
        const size_t rest = all - SLIM_MIN(all, 6 * side.sixes), fours = slim_ceil_div(rest, 4);
        for (side.fours = fours - SLIM_MIN(fours, (size_t)3); side.fours <= fours; side.fours++) {
            side.tiles = side.sixes + side.fours + slim_ceil_div(rest - SLIM_MIN(rest, 4 * side.fours), 3);
            if (winograd_points(side) < winograd_points(best))
                best = side;
        }
    }
    return best;
}

static size_t winograd_start(winograd_side side, size_t tile)
{
    return 3 * tile + 3 * SLIM_MIN(tile, side.sixes) + SLIM_MIN(tile - SLIM_MIN(tile, side.sixes), side.fours);
}

static size_t winograd_size(winograd_side side, size_t tile)
{
    return tile < side.sixes ? 6 : tile < side.sixes + side.fours ? 4 : 3;
}

/* Tiles of a side that have a value at a point: the first ones. */
static size_t winograd_with(winograd_side side, size_t point)
{
    return point < 5 ? side.tiles : point < 6 ? side.sixes + side.fours : side.sixes;
}

typedef struct winograd_plan {
    size_t k, n;                /* input and output channels */
    size_t k_row;               /* floats from one tile of a plane to the next */
    size_t k_block;             /* input channels whose filters are transformed at a time */
    size_t panels, groups;      /* of filters; groups of WINOGRAD_PANELS */
    winograd_side rows, columns;            /* of an image */
    winograd_side all;          /* rows of all images: by the sizes of their tiles */
    size_t points;              /* of a filter's side */
    size_t block;                           /* rows of tiles whose input is transformed at a time, */
    size_t chunk, chunks;                   /* and whose products are; chunks of a block */
    size_t pieces;                          /* tasks of a group and block, each of some chunks */
    size_t input[SLIM_WINOGRAD_SIDE + 1];   /* floats before a plane of a row; of a row, at the end */
    size_t output[SLIM_WINOGRAD_SIDE + 1];
    size_t weight_plane;                    /* floats */
    enum slim_winograd_tiles few;           /* or many: of few filters are transformed between the products, and a panel is a task */
    size_t zeros_bytes;
    size_t shared_bytes, own_bytes;         /* of scratch memory, for each worker */
} winograd_plan;

static winograd_side winograd_of_images(winograd_side side, size_t images)
{
    const winograd_side all = {side.tiles * images, side.sixes * images, side.fours * images};
    return all;
}

static int winograd_is(winograd_side side, size_t sixes, size_t fours, size_t threes)
{
    return side.sixes == sixes && side.fours == fours && side.tiles == sixes + fours + threes;
}

/* Tiles of 6 where they save more products than transforming filters to more points costs. Few tiles are those of
 * slim_winograd_f32_few. */
static void winograd_tiles(winograd_plan *p, const int32_t *y, int few)
{
    const winograd_side rows = winograd_cut(y[1], SIZE_MAX), columns = winograd_cut(y[2], SIZE_MAX), nine = {3, 1, 2};
    const size_t images = (size_t)y[0], fours_h = slim_ceil_div((size_t)y[1], 4), fours_w = slim_ceil_div((size_t)y[2], 4);
    p->rows = winograd_cut(y[1], 0);
    p->columns = winograd_cut(y[2], 0);
    p->points = 6;
    p->few = SLIM_WINOGRAD_MANY;
    if (few && images * fours_h * fours_w <= SLIM_WINOGRAD_FEW) {
        p->few = SLIM_WINOGRAD_MIXED;
        if (!(images == 1 && winograd_is(p->rows, 0, 1, 1) && winograd_is(p->columns, 0, 1, 1))) {
            p->few = SLIM_WINOGRAD_FOURS;
            p->rows.fours = p->rows.tiles = fours_h;
            p->columns.fours = p->columns.tiles = fours_w;
        }
    } else if (few && images == 1 && (y[1] == 13 || y[1] == 14) && (y[2] == 13 || y[2] == 14)) {
        p->rows = p->columns = nine;
        p->points = 8;
        p->few = SLIM_WINOGRAD_NINE;
    } else if (3 * images * winograd_points(rows) * winograd_points(columns) + WINOGRAD_FILTER * 64
               < 3 * images * winograd_points(p->rows) * winograd_points(p->columns) + WINOGRAD_FILTER * 36) {
        p->rows = rows;
        p->columns = columns;
        p->points = 8;
    }
    p->all = winograd_of_images(p->rows, images);
}

/* Floats before each plane of a row, whose tiles are `floats` apart. */
static void winograd_planes(size_t *planes, winograd_side columns, size_t points, size_t rows, size_t floats)
{
    planes[0] = 0;
    for (size_t j = 0; j < SLIM_WINOGRAD_SIDE; j++)
        planes[j + 1] = planes[j] + (j < points ? rows * winograd_with(columns, j) * floats + WINOGRAD_STRIDE_PAD : 0);
}

static winograd_plan winograd_layout(const slim_winograd_f32_attributes *a, const slim_value *x, const int32_t *y,
                                     const slim_session *session)
{
    const size_t workers = (size_t)session->threads;
    winograd_plan p;
    size_t most;
    p.k = (size_t)x->dims[3];
    p.n = (size_t)a->out_channels;
    p.panels = slim_ceil_div(p.n, SLIM_PANEL);
    p.groups = slim_ceil_div(p.panels, WINOGRAD_PANELS);
    p.k_row = slim_ceil_div(p.k, SLIM_PANEL) * SLIM_PANEL;
    p.k_row += p.k_row % 256 == 0 ? WINOGRAD_STRIDE_PAD : 0;
    winograd_tiles(&p, y, session->kernels->winograd_few_f32 != NULL);
    most = WINOGRAD_INPUT_BYTES / (winograd_points(p.columns) * p.points * p.k_row * sizeof(float));
    p.block = slim_ceil_div(p.all.tiles, slim_ceil_div(p.all.tiles, SLIM_MAX(most, (size_t)1)));
    p.pieces = workers == 1 ? 1 : slim_ceil_div(2 * workers, p.groups);
    p.pieces = SLIM_MIN(p.pieces, p.block);
    most = SLIM_MAX(WINOGRAD_TILES / p.columns.tiles, (size_t)1);
    p.chunk = slim_ceil_div(p.block, SLIM_MAX(p.pieces, slim_ceil_div(p.block, most)));
    p.chunks = slim_ceil_div(p.block, p.chunk);
    p.k_block = SLIM_MIN(p.k, (size_t)WINOGRAD_CHANNELS);
    p.weight_plane = p.k_block * WINOGRAD_WIDTH + WINOGRAD_STRIDE_PAD;
    winograd_planes(p.input, p.columns, p.points, p.block, p.k_row);
    winograd_planes(p.output, p.columns, p.points, p.chunk, WINOGRAD_WIDTH);
    p.zeros_bytes = slim_align(SLIM_WINOGRAD_SIDE * p.k_row * sizeof(float));
    p.shared_bytes = p.points * p.input[SLIM_WINOGRAD_SIDE] * sizeof(float);
    p.own_bytes = slim_align(p.points * (p.points * p.weight_plane + p.output[SLIM_WINOGRAD_SIDE]) * sizeof(float));
    if (p.few) {
        const size_t channels = slim_ceil_div(p.k, SLIM_WINOGRAD_CHANNELS) * SLIM_WINOGRAD_CHANNELS;
        p.block = p.all.tiles;
        for (size_t j = 0; j <= SLIM_WINOGRAD_SIDE; j++) {
            const size_t six = SLIM_MIN(j, (size_t)6), nine = 9 * six + 3 * (j - six);
            const size_t slots = p.few == SLIM_WINOGRAD_NINE ? nine : SLIM_WINOGRAD_FEW * six;
            p.input[j] = slots * SLIM_WINOGRAD_CHANNELS;
            p.output[j] = slots * SLIM_PANEL;
        }
        p.shared_bytes = p.points * p.output[SLIM_WINOGRAD_SIDE] / SLIM_PANEL * channels * sizeof(float);
        p.own_bytes = slim_align(p.points * p.output[SLIM_WINOGRAD_SIDE] * sizeof(float));
    }
    p.shared_bytes = slim_align(slim_ceil_div(p.zeros_bytes + p.shared_bytes, workers));
    return p;
}

SLIM_COLD static slim_status winograd_prepare(slim_prepare *p)
{
    const slim_winograd_f32_attributes *a = (const slim_winograd_f32_attributes *)p->attributes;
    slim_window window;
    slim_status status;
    int32_t dims[4];
    if ((status = slim_prepare_expect(p, 0, SLIM_F32, 4, 0)) != SLIM_OK
        || (status = slim_prepare_expect(p, 1, SLIM_F32, 4, 1)) != SLIM_OK
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
    if ((size_t)w->dims[0] != plan.panels || (size_t)w->dims[1] != plan.k || w->dims[2] != 9 || w->dims[3] != SLIM_PANEL
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
    float *zeros;               /* shared: a row of pixels outside the image */
    float *inputs;              /* shared: planes of [rows of tiles of the block][columns][k_row] */
    size_t first, count;        /* rows of tiles of the block */
} winograd_context;

/* A tile's place in a plane of column j. */
static size_t winograd_slot(const winograd_plan *p, size_t row, size_t column, size_t j)
{
    const int same = p->few == SLIM_WINOGRAD_FOURS || p->few == SLIM_WINOGRAD_MIXED;   /* in all planes */
    return row * (same ? p->columns.tiles : winograd_with(p->columns, j)) + column;
}

typedef struct winograd_place {
    size_t image;
    size_t y, x;                /* of the tile's first output pixel */
    size_t rows, columns;       /* of the tile */
} winograd_place;

static winograd_place winograd_tile(const winograd_plan *p, size_t row, size_t column)
{
    const size_t sizes[] = {p->rows.sixes, p->rows.fours, p->rows.tiles - p->rows.sixes - p->rows.fours};
    const size_t all[] = {p->all.sixes, p->all.fours};
    size_t size = 0, before = 0;
    winograd_place place;
    for (; size < 2 && row >= all[size]; size++) {
        row -= all[size];
        before += sizes[size];
    }
    place.image = row / sizes[size];
    row = before + row % sizes[size];
    place.y = winograd_start(p->rows, row);
    place.x = winograd_start(p->columns, column);
    place.rows = winograd_size(p->rows, row);
    place.columns = winograd_size(p->columns, column);
    return place;
}

static void winograd_input(void *context, size_t index, int worker)
{
    const winograd_context *c = (const winograd_context *)context;
    const winograd_plan *p = &c->plan;
    const size_t row = index / p->columns.tiles, column = index % p->columns.tiles;
    const winograd_place place = winograd_tile(p, c->first + row, column);
    const int32_t in_h = c->x->dims[1], in_w = c->x->dims[2], sides = (int32_t)place.columns + 2;
    const int32_t top = (int32_t)place.y - c->a->pad_top, left = (int32_t)place.x - c->a->pad_left;
    const int32_t first = SLIM_MIN(SLIM_MAX(-left, 0), sides), end = SLIM_MAX(SLIM_MIN(in_w - left, sides), first);
    const float *image = (const float *)c->x->data + place.image * (size_t)in_h * (size_t)in_w * p->k;
    slim_winograd_f32_input task;
    (void)worker;
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
static const float *winograd_taps(const winograd_context *c, size_t panel, size_t from)
{
    return (const float *)c->w->data + (panel * c->plan.k + from) * 9 * SLIM_PANEL;
}

/* The planes of the filters `panel` to panel + panels, input channels from `from` on: each plane [panels][channels][16]. */
static void winograd_weights(const winograd_context *c, size_t panel, size_t panels, size_t from, size_t channels, float *to)
{
    const winograd_plan *p = &c->plan;
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
static void winograd_fetch(const winograd_context *c, size_t panel, size_t panels, size_t from, size_t plane)
{
    const winograd_plan *p = &c->plan;
    const size_t planes = p->points * p->points / 2;
    if (from + p->k_block < p->k) {
        from += p->k_block;
    } else {
        panel += WINOGRAD_PANELS;
        from = 0;
    }
    panel += plane / planes;
    if (plane >= panels * planes || panel >= p->panels)
        return;
    const size_t share = 9 * SLIM_MIN(p->k_block, p->k - from) / planes;
    const float *next = winograd_taps(c, panel, from) + plane % planes * share * SLIM_PANEL;
    for (size_t i = 0; i < share; i++)
        __builtin_prefetch(next + i * SLIM_PANEL, 0, 2);
    if (plane % planes + 1 < planes)
        (void)*(const volatile unsigned char *)(next + share * SLIM_PANEL);
}

/* One tile of some rows from the `first` of the block on. */
SLIM_VECTORIZE static void winograd_output(const winograd_context *c, const float *outputs, size_t first, size_t row, size_t column,
                                           size_t panel, size_t panels)
{
    const winograd_plan *p = &c->plan;
    const winograd_place place = winograd_tile(p, c->first + first + row, column);
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
    task.lo = c->a->lo;
    task.hi = c->a->hi;
    c->step->kernels->winograd_output_f32(&task);
}

/* A group of filters on some of the block's rows of tiles. `weights` still holds the group's filters, transformed, where `again`. */
static void winograd_chunk(const winograd_context *c, float *weights, size_t panel, size_t first, size_t rows, int again)
{
    const winograd_plan *p = &c->plan;
    const size_t panels = SLIM_MIN(p->panels - panel, (size_t)WINOGRAD_PANELS);
    float *outputs = weights + p->points * p->points * p->weight_plane;
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
                const size_t columns = winograd_with(p->columns, j);
                winograd_fetch(c, panel, panels, from, i * p->points + j);
                task.m = high * columns;
                task.in = c->inputs + i * p->input[SLIM_WINOGRAD_SIDE] + p->input[j] + first * columns * p->k_row + from;
                task.out = outputs + i * p->output[SLIM_WINOGRAD_SIDE] + p->output[j];
                c->step->kernels->winograd_product_f32(&task);
                task.weights += p->weight_plane;
            }
        }
    }
    for (size_t i = 0; i < rows * p->columns.tiles; i++)
        winograd_output(c, outputs, first, i / p->columns.tiles, i % p->columns.tiles, panel, panels);
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
    task.tiles = p->few;
    task.weights = winograd_taps(c, panel, 0);
    task.next = winograd_taps(c, panel + 1 < p->panels ? panel + 1 : panel, 0);
    task.out = (float *)(slim_step_scratch(c->step, 0) + c->threads * p->shared_bytes + (size_t)worker * p->own_bytes);
    c->step->kernels->winograd_few_f32(&task);
    for (size_t i = 0; i < p->all.tiles * p->columns.tiles; i++)
        winograd_output(c, task.out, 0, i / p->columns.tiles, i % p->columns.tiles, panel, 1);
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
    for (c.first = 0; c.first < c.plan.all.tiles; c.first += c.count) {
        c.count = SLIM_MIN(c.plan.block, c.plan.all.tiles - c.first);
        slim_parallel(s, c.count * c.plan.columns.tiles, winograd_input, &c);
        if (c.plan.few)
            slim_parallel(s, c.plan.panels, winograd_few, &c);
        else
            slim_parallel(s, c.plan.groups * c.plan.pieces, winograd_filter, &c);
    }
}

SLIM_INTERNAL const slim_operator slim_op_winograd_f32 = {
    SLIM_OP_WINOGRAD_F32, 3, 4, 1, sizeof(slim_winograd_f32_attributes) / 4, 1, "winograd_f32", winograd_prepare, winograd_run,
};
