/* 3x3 convolution with stride 2 in fp32 with fewer multiplications: Winograd's F(4,2) and F(3,2) on the even and odd rows and
 * columns of the input.
 *
 * Takes what conv_f32 takes. 4x4 outputs take 81 products instead of 144, 3x3 take 49 instead of 81, and sizes from 6 on are
 * sums of fours and threes. A task transforms some rows of tiles; then, two panels of filters and some input channels at a time, it
 * multiplies row of points by row of points, and transforms its outputs back. Error as of winograd_f32. */
#include "kernels/kernels.h"
#include "ops/check.h"
#include "ops/winograd.h"

enum {
    STRIDE2_PANELS = SLIM_STRIDE2_WIDTH / SLIM_PANEL,   /* of filters at a time: two registers of 512 bits */
    STRIDE2_CHANNELS = 128,     /* of the input that are summed at a time: 144 KB of sums of filters for a second-level cache */
    STRIDE2_TILES = 64,         /* in rows that are transformed at a time, at most, if not one: 160 KB of sums */
    STRIDE2_FILTER = 32         /* half products that a panel's sums take the time of, of those that tiles of 4 have 72 of */
};
#define STRIDE2_ROW_FLOATS ((size_t)1 << 22)    /* in a row of values of a row of tiles, at most */
#define STRIDE2_INPUT_BYTES ((size_t)2 << 20)

typedef struct stride2_plan {
    slim_winograd_walk walk;
    const slim_winograd_stride2_f32_attributes *a;
    size_t k, n;                /* input and output channels */
    size_t k_block;             /* input channels that are summed at a time */
    slim_winograd_grid grid;
    slim_winograd_side all;     /* rows */
    size_t tile, input_row, output_row;     /* floats: of a tile's row of values, of all tiles'; of a point's sums */
    size_t point;               /* floats of a group's filters at a row of points */
    size_t bytes;               /* of all that a worker has */
} stride2_plan;

static stride2_plan stride2_layout(const slim_winograd_stride2_f32_attributes *a, const slim_value *x, const int32_t *y, int threads)
{
    stride2_plan p;
    size_t most;
    p.a = a;
    p.k = (size_t)x->dims[3];
    p.n = (size_t)a->out_channels;
    p.walk.panels = slim_ceil_div(p.n, SLIM_PANEL);
    p.k_block = slim_ceil_div(p.k, slim_ceil_div(p.k, STRIDE2_CHANNELS) * SLIM_PANEL) * SLIM_PANEL;
    p.grid.rows = slim_winograd_cut(y[1], 0);
    p.grid.columns = slim_winograd_cut(y[2], 0);
    p.grid.images = (size_t)y[0];
    p.all = slim_winograd_rows(&p.grid);
    most = slim_winograd_points(p.grid.columns) * slim_winograd_points(p.all);
    p.walk.tasks = slim_winograd_share(p.all.tiles, most, p.walk.panels, STRIDE2_FILTER, threads);
    p.tile = SLIM_STRIDE2_FLOATS(p.k);
    most = SLIM_MIN((size_t)STRIDE2_TILES, STRIDE2_INPUT_BYTES / (SLIM_STRIDE2_SIDE * p.tile * sizeof(float))) / p.grid.columns.tiles;
    p.walk.block = slim_ceil_div(p.walk.tasks.rows, slim_ceil_div(p.walk.tasks.rows, SLIM_MAX(most, (size_t)1)));
    p.input_row = p.walk.block * p.grid.columns.tiles * p.tile;
    p.output_row = p.walk.block * p.grid.columns.tiles * 4 * SLIM_STRIDE2_WIDTH;
    p.point = STRIDE2_PANELS * 3 * p.k_block * SLIM_PANEL;
    p.walk.zeros = slim_ceil_div(p.k, SLIM_PANEL) * SLIM_PANEL;
    p.walk.inputs = SLIM_STRIDE2_SIDE * p.input_row;
    p.bytes = (p.walk.zeros + p.walk.inputs + 3 * p.point + SLIM_STRIDE2_POINTS * p.output_row) * sizeof(float);
    return p;
}

SLIM_COLD static slim_status stride2_prepare(slim_prepare *p)
{
    const slim_winograd_stride2_f32_attributes *a = (const slim_winograd_stride2_f32_attributes *)p->attributes;
    slim_status status;
    int32_t dims[4];
    if ((status = slim_winograd_prepare(p, 2, dims)) != SLIM_OK)
        return status;
    stride2_plan plan = stride2_layout(a, slim_prepare_input(p, 0), dims, p->session->threads);
    if (plan.grid.columns.tiles > STRIDE2_ROW_FLOATS / plan.tile)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the image is too wide");
    slim_prepare_scratch(p, plan.bytes);
    return slim_check_product(p, 3, plan.walk.panels, 9 * plan.k, 4, dims);
}

/* A tile's place in a row of points: tiles of 4 columns come first, then those of 3, so that each kind's lie side by side. */
static size_t stride2_index(const stride2_plan *p, size_t rows, size_t row, size_t column)
{
    if (column < p->grid.columns.fours)
        return row * p->grid.columns.fours + column;
    return rows * p->grid.columns.fours + row * (p->grid.columns.tiles - p->grid.columns.fours) + column - p->grid.columns.fours;
}

SLIM_VECTORIZE static void stride2_input(const slim_winograd_context *c, size_t index)
{
    const stride2_plan *p = (const stride2_plan *)(const void *)c->walk;
    const float *pixels[SLIM_STRIDE2_SIDE * SLIM_STRIDE2_SIDE];
    const size_t row = index / p->grid.columns.tiles, column = index % p->grid.columns.tiles;
    const slim_winograd_place place = slim_winograd_tile(&p->grid, c->first + row, column);
    const int32_t in_h = c->x->dims[1], in_w = c->x->dims[2];
    const float *image = (const float *)c->x->data + place.image * (size_t)in_h * (size_t)in_w * p->k;
    slim_winograd_stride2_input task;
    for (int i = 0; i < SLIM_STRIDE2_SIDE; i++) {
        int32_t y = 2 * (int32_t)place.y - p->a->pad_top + i;
        for (int j = 0; j < SLIM_STRIDE2_SIDE; j++) {
            int32_t x = 2 * (int32_t)place.x - p->a->pad_left + j;
            int inside = y >= 0 && y < in_h && x >= 0 && x < in_w;
            pixels[i * SLIM_STRIDE2_SIDE + j] = inside ? image + ((size_t)y * (size_t)in_w + (size_t)x) * p->k : c->zeros;
        }
    }
    task.pixels = pixels;
    task.channels = p->k;
    task.out = c->inputs + stride2_index(p, c->count, row, column) * p->tile;
    task.row_stride = p->input_row;
    task.rows = (int)place.rows;
    task.columns = (int)place.columns;
    c->step->kernels->winograd_stride2_input_f32(&task);
}

/* Rows of the filters `panel` to panel + panels, input channels from `from` on, at the points 1, -1 and 2. */
SLIM_VECTORIZE static void stride2_sums(const slim_winograd_context *c, size_t panel, size_t panels, size_t from, size_t channels, float *to)
{
    const stride2_plan *p = (const stride2_plan *)(const void *)c->walk;
    slim_winograd_stride2_weights task;
    task.tap_stride = p->k * SLIM_PANEL;
    task.channels = channels;
    task.point_stride = p->point;
    for (size_t i = 0; i < panels; i++) {
        task.taps = (const float *)c->w->data + ((panel + i) * 9 * p->k + from) * SLIM_PANEL;
        task.out = to + i * 3 * channels * SLIM_PANEL;
        c->step->kernels->winograd_stride2_weights_f32(&task);
    }
}

/* The filters of a row of points: sums, or taps as they come. */
SLIM_VECTORIZE static void stride2_weights(const slim_winograd_context *c, size_t panel, size_t from, slim_winograd_stride2_product *task, size_t point,
                            const float *sums)
{
    const stride2_plan *p = (const stride2_plan *)(const void *)c->walk;
    const size_t tap_stride = p->k * SLIM_PANEL;
    const float *taps = (const float *)c->w->data + panel * 9 * tap_stride + from * SLIM_PANEL;
    task->part[0].weights = taps + (point == 4 ? 6 : 0) * tap_stride;
    task->part[1].weights = taps + 3 * tap_stride;
    for (int i = 0; i < 2; i++) {
        task->part[i].panel_stride = 9 * tap_stride;
        task->part[i].column_stride = tap_stride;
    }
    if (point > 0 && point < 4) {
        task->part[0].weights = sums + (point - 1) * p->point;
        task->part[0].panel_stride = 3 * task->k * SLIM_PANEL;
        task->part[0].column_stride = task->k * SLIM_PANEL;
    }
    task->parts = point == 4 ? 1 : 2;
}

/* The weights that come next are read from memory meanwhile: each of nine pairs of a point and a part fetches a tap's. */
static void stride2_fetch(const slim_winograd_context *c, size_t panel, size_t from, slim_winograd_stride2_product *task, size_t point)
{
    const stride2_plan *p = (const stride2_plan *)(const void *)c->walk;
    const float *weights = (const float *)c->w->data;
    if (from + task->k < p->k) {
        from += task->k;
    } else {
        panel += panel + 2 * STRIDE2_PANELS <= c->last ? STRIDE2_PANELS : 0;
        from = 0;
    }
    task->fetch_stride = 9 * p->k * SLIM_PANEL;
    for (size_t i = 0; i < (size_t)task->parts; i++) {
        task->part[i].fetch = weights + ((panel * 9 + point + i * SLIM_STRIDE2_POINTS) * p->k + from) * SLIM_PANEL;
        for (size_t j = 0; j < task->panels; j++)
            (void)*(const volatile unsigned char *)(task->part[i].fetch + j * task->fetch_stride);
    }
}

SLIM_VECTORIZE static void stride2_output(const slim_winograd_context *c, const float *sums, size_t index, size_t panel, size_t panels)
{
    const stride2_plan *p = (const stride2_plan *)(const void *)c->walk;
    const size_t row = index / p->grid.columns.tiles, column = index % p->grid.columns.tiles;
    const slim_winograd_place place = slim_winograd_tile(&p->grid, c->first + row, column);
    const size_t out_h = (size_t)c->y->dims[1], out_w = (size_t)c->y->dims[2];
    const size_t pixel = (place.image * out_h + place.y) * out_w + place.x;
    slim_winograd_stride2_output task;
    task.sums = sums + stride2_index(p, c->count, row, column) * 4 * SLIM_STRIDE2_WIDTH;
    task.row_stride = p->output_row;
    task.outputs = (int)place.rows;
    task.factor = (place.rows == 4 ? 1.0f / 6 : 0.5f) * (place.columns == 4 ? 1.0f / 6 : 0.5f);
    task.bias = (const float *)c->bias->data + panel * SLIM_PANEL;
    task.out_stride = c->y->row_stride;
    task.out_row = out_w * task.out_stride;
    task.out = (float *)c->y->data + pixel * task.out_stride + panel * SLIM_PANEL;
    task.residual_stride = p->n;
    task.residual_row = out_w * p->n;
    task.residual = c->residual ? (const float *)c->residual->data + pixel * p->n + panel * SLIM_PANEL : NULL;
    task.rows = SLIM_MIN(out_h - place.y, place.rows);
    task.columns = SLIM_MIN(out_w - place.x, place.columns);
    task.n = SLIM_MIN(panels * SLIM_PANEL, p->n - panel * SLIM_PANEL);
    task.lo = p->a->lo;
    task.hi = p->a->hi;
    c->step->kernels->winograd_stride2_output_f32(&task);
}

/* A group of filters on the block. */
static void stride2_filter(const slim_winograd_context *c, size_t panel)
{
    const stride2_plan *p = (const stride2_plan *)(const void *)c->walk;
    float *weights = c->work, *sums = weights + 3 * p->point;
    const size_t panels = SLIM_MIN(c->last - panel, (size_t)STRIDE2_PANELS);
    const size_t fours = c->first < p->all.fours ? SLIM_MIN(c->count, p->all.fours - c->first) : 0;
    slim_winograd_stride2_product task;
    task.in_stride = p->tile;
    task.panels = panels;
    for (size_t from = 0; from < p->k; from += task.k) {
        task.k = SLIM_MIN(p->k_block, p->k - from);
        task.add = from > 0;
        stride2_sums(c, panel, panels, from, task.k, weights);
        for (size_t point = 0; point < SLIM_STRIDE2_POINTS; point++) {
            stride2_weights(c, panel, from, &task, point, weights);
            stride2_fetch(c, panel, from, &task, point);
            for (task.outputs = 4; task.outputs >= 3; task.outputs--) {
                const size_t columns = task.outputs == 4 ? p->grid.columns.fours : p->grid.columns.tiles - p->grid.columns.fours;
                const size_t skip = task.outputs == 4 ? 0 : p->grid.columns.fours;
                for (size_t i = 0; i < (size_t)task.parts; i++)
                    task.part[i].in = c->inputs + (point + i * SLIM_STRIDE2_POINTS) * p->input_row
                        + c->count * skip * p->tile + SLIM_STRIDE2_FLOATS(from);
                task.tiles = (point == 3 ? fours : c->count) * columns;
                task.out = sums + point * p->output_row + c->count * skip * 4 * SLIM_STRIDE2_WIDTH;
                c->step->kernels->winograd_stride2_product_f32(&task);
            }
        }
    }
    for (size_t i = 0; i < c->count * p->grid.columns.tiles; i++)
        stride2_output(c, sums, i, panel, panels);
}

static void stride2_run(const slim_step *s)
{
    const slim_winograd_stride2_f32_attributes *a = (const slim_winograd_stride2_f32_attributes *)s->attributes;
    stride2_plan plan = stride2_layout(a, slim_step_input(s, 0), slim_step_output(s, 0)->dims, s->session->threads);
    plan.walk.rows = plan.all.tiles;
    plan.walk.columns = plan.grid.columns.tiles;
    plan.walk.width = STRIDE2_PANELS;
    plan.walk.input = stride2_input;
    plan.walk.filter = stride2_filter;
    slim_winograd_run(s, &plan.walk);
}

SLIM_INTERNAL const slim_operator slim_op_winograd_stride2_f32 = {
    SLIM_OP_WINOGRAD_STRIDE2_F32, 3, 4, 1, sizeof(slim_winograd_stride2_f32_attributes) / 4, 1, "winograd_stride2_f32",
    stride2_prepare, stride2_run,
};
