/* 3x3 convolution with stride 2 in fp32 with fewer multiplications: Winograd's F(4,2) and F(3,2) on the even and odd rows and
 * columns of the input.
 *
 * Takes what conv_f32 takes. 4x4 outputs take 81 products instead of 144, 3x3 take 49 instead of 81, and sizes from 6 on are
 * sums of fours and threes. Some rows of tiles are transformed; then each task takes two panels of filters and, some input
 * channels at a time, multiplies row of points by row of points, and transforms its outputs back. Error as of winograd_f32. */
#include "kernels/kernels.h"
#include "ops/check.h"
#include "ops/window.h"

enum {
    STRIDE2_PANELS = SLIM_STRIDE2_WIDTH / SLIM_PANEL,   /* of filters that a task takes: two registers of 512 bits */
    STRIDE2_CHANNELS = 128,     /* of the input that are summed at a time: 144 KB of sums of filters for a second-level cache */
    STRIDE2_TILES = 64          /* in rows that are transformed at a time, at most, if not one: 160 KB of sums */
};
#define STRIDE2_ROW_FLOATS ((size_t)1 << 22)    /* in a row of values of a row of tiles, at most */
#define STRIDE2_INPUT_BYTES ((size_t)2 << 20)

/* Rows or columns of an image in tiles, of which the first `fours` have 4 and the others 3. */
typedef struct stride2_side {
    size_t tiles, fours;
} stride2_side;

static stride2_side stride2_cut(int32_t size)
{
    stride2_side side;
    side.tiles = slim_ceil_div((size_t)size, 4);
    side.fours = side.tiles - SLIM_MIN(side.tiles, 4 * side.tiles - (size_t)size);
    return side;
}

static int32_t stride2_start(stride2_side side, size_t tile)
{
    return (int32_t)(tile < side.fours ? 4 * tile : 3 * tile + side.fours);
}

typedef struct stride2_plan {
    size_t k, n;                /* input and output channels */
    size_t k_block;             /* input channels that are summed at a time */
    size_t panels, groups;      /* of filters; groups of STRIDE2_PANELS */
    stride2_side rows, columns; /* of an image */
    size_t tile_rows, fours;    /* of all images; first those of tiles of 4 */
    size_t block;               /* rows of tiles whose input is transformed at a time */
    size_t piece, pieces;       /* rows of tiles of a task; tasks of a group and block */
    size_t tile, input_row, output_row;     /* floats: of a tile's row of values, of all tiles'; of a point's sums */
    size_t point;               /* floats of a group's filters at a row of points */
    size_t zeros_bytes;
    size_t shared_bytes, own_bytes;         /* of scratch memory, for each worker */
} stride2_plan;

static stride2_plan stride2_layout(const slim_winograd_stride2_f32_attributes *a, const slim_value *x, const int32_t *y, int threads)
{
    const size_t workers = (size_t)threads;
    stride2_plan p;
    size_t most;
    p.k = (size_t)x->dims[3];
    p.n = (size_t)a->out_channels;
    p.panels = slim_ceil_div(p.n, SLIM_PANEL);
    p.groups = slim_ceil_div(p.panels, STRIDE2_PANELS);
    p.k_block = slim_ceil_div(p.k, slim_ceil_div(p.k, STRIDE2_CHANNELS) * SLIM_PANEL) * SLIM_PANEL;
    p.rows = stride2_cut(y[1]);
    p.columns = stride2_cut(y[2]);
    p.tile_rows = (size_t)y[0] * p.rows.tiles;
    p.fours = (size_t)y[0] * p.rows.fours;
    p.tile = SLIM_STRIDE2_FLOATS(p.k);
    most = SLIM_MIN((size_t)STRIDE2_TILES, STRIDE2_INPUT_BYTES / (SLIM_STRIDE2_SIDE * p.tile * sizeof(float))) / p.columns.tiles;
    p.block = slim_ceil_div(p.tile_rows, slim_ceil_div(p.tile_rows, SLIM_MAX(most, (size_t)1)));
    p.pieces = threads == 1 ? 1 : SLIM_MIN(p.block, slim_ceil_div(2 * workers, p.groups));
    p.piece = slim_ceil_div(p.block, p.pieces);
    p.input_row = p.block * p.columns.tiles * p.tile;
    p.output_row = p.piece * p.columns.tiles * 4 * SLIM_STRIDE2_WIDTH;
    p.zeros_bytes = slim_align(slim_ceil_div(p.k, SLIM_PANEL) * SLIM_PANEL * sizeof(float));
    p.shared_bytes = slim_align(slim_ceil_div(p.zeros_bytes + SLIM_STRIDE2_SIDE * p.input_row * sizeof(float), workers));
    p.point = STRIDE2_PANELS * 3 * p.k_block * SLIM_PANEL;
    p.own_bytes = slim_align((3 * p.point + SLIM_STRIDE2_POINTS * p.output_row) * sizeof(float));
    return p;
}

SLIM_COLD static slim_status stride2_prepare(slim_prepare *p)
{
    const slim_winograd_stride2_f32_attributes *a = (const slim_winograd_stride2_f32_attributes *)p->attributes;
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
    if (window.kernel_h != 3 || window.kernel_w != 3 || window.stride_h != 2 || window.stride_w != 2
        || window.dilation_h != 1 || window.dilation_w != 1 || a->groups != 1 || a->out_channels < 1)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the window is not 3x3 with stride 2");
    dims[0] = x->dims[0];
    dims[3] = a->out_channels;
    stride2_plan plan = stride2_layout(a, x, dims, p->session->threads);
    if (plan.columns.tiles > STRIDE2_ROW_FLOATS / plan.tile)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the image is too wide");
    if ((size_t)w->dims[0] != plan.panels || (size_t)w->dims[1] != 9 * plan.k || w->dims[2] != SLIM_PANEL
        || (size_t)bias->dims[0] != plan.panels * SLIM_PANEL)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the weights or the bias do not fit the channels");
    if (residual && (residual->type != SLIM_F32 || residual->rank != 4 || residual->dims[0] != dims[0]
                     || residual->dims[1] != dims[1] || residual->dims[2] != dims[2] || residual->dims[3] != dims[3]))
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the residual has another shape than the output");
    slim_prepare_scratch(p, plan.shared_bytes + plan.own_bytes);
    return slim_prepare_output(p, 0, 4, dims);
}

typedef struct stride2_context {
    const slim_step *step;
    const slim_winograd_stride2_f32_attributes *a;
    const slim_value *x, *w, *bias, *residual, *y;
    stride2_plan plan;
    size_t threads;
    const float *zeros;         /* shared: a pixel of them */
    float *inputs;              /* shared: rows of values of tiles */
    size_t first, count;        /* rows of tiles of the block */
} stride2_context;

typedef struct stride2_place {
    size_t image;
    int32_t y, x;               /* of the tile's first output pixel */
    int rows, columns;
} stride2_place;

static stride2_place stride2_tile(const stride2_plan *p, size_t row, size_t column)
{
    const size_t threes = p->rows.tiles - p->rows.fours, at = row - p->fours;
    stride2_place place;
    place.rows = row < p->fours ? 4 : 3;
    place.columns = column < p->columns.fours ? 4 : 3;
    place.image = row < p->fours ? row / p->rows.fours : at / threes;
    place.y = stride2_start(p->rows, row < p->fours ? row % p->rows.fours : p->rows.fours + at % threes);
    place.x = stride2_start(p->columns, column);
    return place;
}

/* A tile's place in a row of points: tiles of 4 columns come first, then those of 3, so that each kind's lie side by side. */
static size_t stride2_index(const stride2_plan *p, size_t rows, size_t row, size_t column)
{
    if (column < p->columns.fours)
        return row * p->columns.fours + column;
    return rows * p->columns.fours + row * (p->columns.tiles - p->columns.fours) + column - p->columns.fours;
}

SLIM_VECTORIZE static void stride2_input(void *context, size_t index, int worker)
{
    const stride2_context *c = (const stride2_context *)context;
    const stride2_plan *p = &c->plan;
    const float *pixels[SLIM_STRIDE2_SIDE * SLIM_STRIDE2_SIDE];
    const size_t row = index / p->columns.tiles, column = index % p->columns.tiles;
    const stride2_place place = stride2_tile(p, c->first + row, column);
    const int32_t in_h = c->x->dims[1], in_w = c->x->dims[2];
    const float *image = (const float *)c->x->data + place.image * (size_t)in_h * (size_t)in_w * p->k;
    slim_winograd_stride2_input task;
    (void)worker;
    for (int i = 0; i < SLIM_STRIDE2_SIDE; i++) {
        int32_t y = 2 * place.y - c->a->pad_top + i;
        for (int j = 0; j < SLIM_STRIDE2_SIDE; j++) {
            int32_t x = 2 * place.x - c->a->pad_left + j;
            int inside = y >= 0 && y < in_h && x >= 0 && x < in_w;
            pixels[i * SLIM_STRIDE2_SIDE + j] = inside ? image + ((size_t)y * (size_t)in_w + (size_t)x) * p->k : c->zeros;
        }
    }
    task.pixels = pixels;
    task.channels = p->k;
    task.out = c->inputs + stride2_index(p, c->count, row, column) * p->tile;
    task.row_stride = p->input_row;
    task.rows = place.rows;
    task.columns = place.columns;
    c->step->kernels->winograd_stride2_input_f32(&task);
}

/* Rows of the filters `panel` to panel + panels, input channels from `from` on, at the points 1, -1 and 2. */
SLIM_VECTORIZE static void stride2_sums(const stride2_context *c, size_t panel, size_t panels, size_t from, size_t channels, float *to)
{
    const stride2_plan *p = &c->plan;
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
SLIM_VECTORIZE static void stride2_weights(const stride2_context *c, size_t panel, size_t from, slim_winograd_stride2_product *task, size_t point,
                            const float *sums)
{
    const stride2_plan *p = &c->plan;
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
static void stride2_fetch(const stride2_context *c, size_t panel, size_t from, slim_winograd_stride2_product *task, size_t point)
{
    const stride2_plan *p = &c->plan;
    const float *weights = (const float *)c->w->data;
    if (from + task->k < p->k) {
        from += task->k;
    } else {
        panel += panel + 2 * STRIDE2_PANELS <= p->panels ? STRIDE2_PANELS : 0;
        from = 0;
    }
    task->fetch_stride = 9 * p->k * SLIM_PANEL;
    for (size_t i = 0; i < (size_t)task->parts; i++) {
        task->part[i].fetch = weights + ((panel * 9 + point + i * SLIM_STRIDE2_POINTS) * p->k + from) * SLIM_PANEL;
        for (size_t j = 0; j < task->panels; j++)
            (void)*(const volatile unsigned char *)(task->part[i].fetch + j * task->fetch_stride);
    }
}

SLIM_VECTORIZE static void stride2_output(const stride2_context *c, const float *sums, size_t first, size_t rows, size_t index, size_t panel,
                           size_t panels)
{
    const stride2_plan *p = &c->plan;
    const size_t row = index / p->columns.tiles, column = index % p->columns.tiles;
    const stride2_place place = stride2_tile(p, c->first + first + row, column);
    const int32_t out_h = c->y->dims[1], out_w = c->y->dims[2];
    const size_t pixel = (place.image * (size_t)out_h + (size_t)place.y) * (size_t)out_w + (size_t)place.x;
    slim_winograd_stride2_output task;
    task.sums = sums + stride2_index(p, rows, row, column) * 4 * SLIM_STRIDE2_WIDTH;
    task.row_stride = p->output_row;
    task.outputs = place.rows;
    task.factor = (place.rows == 4 ? 1.0f / 6 : 0.5f) * (place.columns == 4 ? 1.0f / 6 : 0.5f);
    task.bias = (const float *)c->bias->data + panel * SLIM_PANEL;
    task.out_stride = c->y->row_stride;
    task.out_row = (size_t)out_w * task.out_stride;
    task.out = (float *)c->y->data + pixel * task.out_stride + panel * SLIM_PANEL;
    task.residual_stride = p->n;
    task.residual_row = (size_t)out_w * p->n;
    task.residual = c->residual ? (const float *)c->residual->data + pixel * p->n + panel * SLIM_PANEL : NULL;
    task.rows = SLIM_MIN(out_h - place.y, place.rows);
    task.columns = (size_t)SLIM_MIN(out_w - place.x, place.columns);
    task.n = SLIM_MIN(panels * SLIM_PANEL, p->n - panel * SLIM_PANEL);
    task.lo = c->a->lo;
    task.hi = c->a->hi;
    c->step->kernels->winograd_stride2_output_f32(&task);
}

/* A group of filters on some rows of tiles of the block. */
static void stride2_filter(void *context, size_t index, int worker)
{
    const stride2_context *c = (const stride2_context *)context;
    const stride2_plan *p = &c->plan;
    float *weights = (float *)(slim_step_scratch(c->step, 0) + c->threads * p->shared_bytes + (size_t)worker * p->own_bytes);
    float *sums = weights + 3 * p->point;
    const size_t panel = index / p->pieces * STRIDE2_PANELS, panels = SLIM_MIN(p->panels - panel, (size_t)STRIDE2_PANELS);
    const size_t first = index % p->pieces * p->piece;
    const size_t rows = first < c->count ? SLIM_MIN(p->piece, c->count - first) : 0;
    const size_t fours = c->first + first < p->fours ? SLIM_MIN(rows, p->fours - c->first - first) : 0;
    slim_winograd_stride2_product task;
    if (rows == 0)
        return;
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
                const size_t columns = task.outputs == 4 ? p->columns.fours : p->columns.tiles - p->columns.fours;
                const size_t skip = task.outputs == 4 ? 0 : p->columns.fours;
                for (size_t i = 0; i < (size_t)task.parts; i++)
                    task.part[i].in = c->inputs + (point + i * SLIM_STRIDE2_POINTS) * p->input_row
                        + (c->count * skip + first * columns) * p->tile + SLIM_STRIDE2_FLOATS(from);
                task.tiles = (point == 3 ? fours : rows) * columns;
                task.out = sums + point * p->output_row + rows * skip * 4 * SLIM_STRIDE2_WIDTH;
                c->step->kernels->winograd_stride2_product_f32(&task);
            }
        }
    }
    for (size_t i = 0; i < rows * p->columns.tiles; i++)
        stride2_output(c, sums, first, rows, i, panel, panels);
}

static void stride2_run(const slim_step *s)
{
    stride2_context c;
    c.step = s;
    c.a = (const slim_winograd_stride2_f32_attributes *)s->attributes;
    c.x = slim_step_input(s, 0);
    c.w = slim_step_input(s, 1);
    c.bias = slim_step_input(s, 2);
    c.residual = s->inputs > 3 ? slim_step_input(s, 3) : NULL;
    c.y = slim_step_output(s, 0);
    c.threads = (size_t)s->session->threads;
    c.plan = stride2_layout(c.a, c.x, c.y->dims, s->session->threads);
    c.zeros = (const float *)slim_step_scratch(s, 0);
    c.inputs = (float *)slim_step_scratch(s, 0) + c.plan.zeros_bytes / sizeof(float);
    slim_fill(slim_step_scratch(s, 0), 0, c.plan.zeros_bytes);
    for (c.first = 0; c.first < c.plan.tile_rows; c.first += c.count) {
        c.count = SLIM_MIN(c.plan.block, c.plan.tile_rows - c.first);
        slim_parallel(s, c.count * c.plan.columns.tiles, stride2_input, &c);
        slim_parallel(s, c.plan.groups * c.plan.pieces, stride2_filter, &c);
    }
}

SLIM_INTERNAL const slim_operator slim_op_winograd_stride2_f32 = {
    SLIM_OP_WINOGRAD_STRIDE2_F32, 3, 4, 1, sizeof(slim_winograd_stride2_f32_attributes) / 4, 1, "winograd_stride2_f32",
    stride2_prepare, stride2_run,
};
