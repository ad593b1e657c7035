/* 3x3 convolution with stride 1 in fp32 with fewer multiplications: Winograd's F(4,3), or F(2,3) on small images.
 *
 * Takes what conv_f32 takes. Weights are transformed once, when the arena is set, into memory that the session keeps: 4 times
 * (F(4,3)) or 1.8 times (F(2,3)) the bytes. A block of tiles is transformed, multiplied plane by plane, and transformed back.
 * Against direct convolution the error grows by about 10 dB, to a signal-to-noise ratio of 110 dB and more. */
#include "kernels/kernels.h"
#include "ops/check.h"
#include "ops/window.h"

#define WINOGRAD_SMALL 8                          /* output sizes up to this take F(2,3), */
#define WINOGRAD_MEDIUM 14                        /* and up to this where the filters are many: their products with so few */
#define WINOGRAD_FILTERS ((size_t)28 << 10)       /* tiles take less time than reading F(4,3)'s weights, 2.25 times as many */
#define WINOGRAD_BLOCK_BYTES ((size_t)768 << 10)  /* of transformed values in and out, to stay in the second-level cache; but
                                                     all at once where they are fewer than the weights, read by each block */
#define WINOGRAD_STRIDE_PAD 16                    /* floats between planes, against cache sets that coincide */

typedef struct winograd_plan {
    int points, size;               /* of a tile: input and output side */
    size_t k, n;                    /* input and output channels */
    size_t k_row, n_row;            /* the same, a panel's multiple */
    size_t tiles_h, tiles_w, tiles; /* of all images */
    size_t block;                   /* tiles */
    size_t input_plane, output_plane;   /* floats */
    size_t head, block_bytes;       /* of the rows of zeros, and of them and both planes */
} winograd_plan;

static winograd_plan winograd_layout(const slim_winograd_f32_attributes *a, const slim_value *x, const int32_t *y)
{
    winograd_plan p;
    size_t row_bytes, weights, whole;
    const int32_t side = SLIM_MIN(y[1], y[2]);
    p.k = (size_t)x->dims[3];
    p.n = (size_t)a->out_channels;
    p.points = side <= WINOGRAD_SMALL || (side <= WINOGRAD_MEDIUM && p.k * p.n > WINOGRAD_FILTERS) ? 4 : 6;
    p.size = p.points - 2;
    p.k_row = slim_ceil_div(p.k, SLIM_PANEL) * SLIM_PANEL;
    p.n_row = slim_ceil_div(p.n, SLIM_PANEL) * SLIM_PANEL;
    p.tiles_h = slim_ceil_div((size_t)y[1], (size_t)p.size);
    p.tiles_w = slim_ceil_div((size_t)y[2], (size_t)p.size);
    p.tiles = (size_t)y[0] * p.tiles_h * p.tiles_w;
    row_bytes = (size_t)(p.points * p.points) * (p.k_row + p.n_row) * sizeof(float);
    weights = (size_t)(p.points * p.points) * p.n_row * p.k * sizeof(float);
    whole = p.tiles * row_bytes <= weights ? p.tiles : SLIM_MAX((size_t)12, WINOGRAD_BLOCK_BYTES / row_bytes);
    p.block = slim_ceil_div(p.tiles, slim_ceil_div(p.tiles, whole));
    p.input_plane = p.block * p.k_row + WINOGRAD_STRIDE_PAD;
    p.output_plane = p.block * p.n_row + WINOGRAD_STRIDE_PAD;
    p.head = slim_align((p.k_row + p.n_row) * sizeof(float));
    p.block_bytes = p.head + (size_t)(p.points * p.points) * (p.input_plane + p.output_plane) * sizeof(float);
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
    winograd_plan plan = winograd_layout(a, x, dims);
    size_t panels = plan.n_row / SLIM_PANEL;
    if ((size_t)w->dims[0] != panels || (size_t)w->dims[1] != 9 * plan.k || w->dims[2] != SLIM_PANEL
        || (size_t)bias->dims[0] != plan.n_row)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the weights or the bias do not fit the channels");
    if (residual && (residual->type != SLIM_F32 || residual->rank != 4 || residual->dims[0] != dims[0]
                     || residual->dims[1] != dims[1] || residual->dims[2] != dims[2] || residual->dims[3] != dims[3]))
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the residual has another shape than the output");
    slim_prepare_kept(p, (size_t)(plan.points * plan.points) * plan.n_row * plan.k * sizeof(float));
    slim_prepare_scratch(p, plan.block_bytes);
    return slim_prepare_output(p, 0, 4, dims);
}

/* ---- weights: U = G g G^T, [points^2][panels][k][16] ---- */

static void winograd_weight_row(const float *g, size_t step, float *o, size_t out_step, int points)
{
    for (int i = 0; i < SLIM_PANEL; i++, g++, o++) {
        float a = g[0], b = g[step], c = g[2 * step];
        if (points == 6) {
            float even = a * (1.0f / 24) + c * (1.0f / 6), odd = b * (1.0f / 12);
            o[0] = a * 0.25f;
            o[out_step] = (a + c + b) * (-1.0f / 6);
            o[2 * out_step] = (a + c - b) * (-1.0f / 6);
            o[3 * out_step] = even + odd;
            o[4 * out_step] = even - odd;
            o[5 * out_step] = c;
        } else {
            o[0] = a;
            o[out_step] = (a + c + b) * 0.5f;
            o[2 * out_step] = (a + c - b) * 0.5f;
            o[3 * out_step] = c;
        }
    }
}

typedef struct winograd_context {
    const slim_step *step;
    const slim_winograd_f32_attributes *a;
    const slim_value *x, *w, *bias, *residual, *y;
    winograd_plan plan;
    size_t blocks;
    float *weights;             /* kept */
    /* where one block is shared by all threads */
    unsigned char *memory;
    size_t first, count;
} winograd_context;

/* One panel of the weights. */
SLIM_COLD static void winograd_transform_weights(void *context, size_t panel, int worker)
{
    const winograd_context *c = (const winograd_context *)context;
    const int points = c->plan.points;
    const size_t k = c->plan.k, plane = c->plan.n_row * k;
    const float *from = (const float *)c->w->data + panel * 9 * k * SLIM_PANEL;
    float *to = c->weights + panel * k * SLIM_PANEL;
    (void)worker;
    for (size_t j = 0; j < k; j++) {
        float rows[3 * 6 * SLIM_PANEL], all[36 * SLIM_PANEL];
        for (int y = 0; y < 3; y++)     /* along the width */
            winograd_weight_row(from + ((size_t)y * 3 * k + j) * SLIM_PANEL, k * SLIM_PANEL, rows + y * points * SLIM_PANEL,
                                SLIM_PANEL, points);
        for (int x = 0; x < points; x++)
            winograd_weight_row(rows + x * SLIM_PANEL, (size_t)points * SLIM_PANEL, all + x * SLIM_PANEL,
                                (size_t)points * SLIM_PANEL, points);
        for (int e = 0; e < points * points; e++)
            slim_copy(to + (size_t)e * plane + j * SLIM_PANEL, all + e * SLIM_PANEL, SLIM_PANEL * sizeof(float));
    }
}

/* ---- one block of tiles: scratch holds zeros [k_row], [n_row], planes in, planes out ---- */

static float *winograd_zeros(unsigned char *memory)
{
    return (float *)memory;
}

static float *winograd_planes(const winograd_context *c, unsigned char *memory)
{
    return (float *)(memory + c->plan.head);
}

typedef struct winograd_place {
    size_t image;
    int32_t y, x;               /* of the tile's first output pixel */
} winograd_place;

static winograd_place winograd_tile(const winograd_plan *p, size_t tile)
{
    winograd_place place;
    place.x = (int32_t)(tile % p->tiles_w) * p->size;
    place.y = (int32_t)(tile / p->tiles_w % p->tiles_h) * p->size;
    place.image = tile / p->tiles_w / p->tiles_h;
    return place;
}

static void winograd_input(const winograd_context *c, unsigned char *memory, size_t first, size_t index)
{
    const winograd_plan *p = &c->plan;
    const float *pixels[36];
    const float *zeros = winograd_zeros(memory);
    const winograd_place place = winograd_tile(p, first + index);
    const int32_t in_h = c->x->dims[1], in_w = c->x->dims[2];
    const float *image = (const float *)c->x->data + place.image * (size_t)in_h * (size_t)in_w * p->k;
    slim_winograd_f32_input task;
    for (int i = 0; i < p->points; i++) {
        int32_t row = place.y - c->a->pad_top + i;
        for (int j = 0; j < p->points; j++) {
            int32_t column = place.x - c->a->pad_left + j;
            int inside = row >= 0 && row < in_h && column >= 0 && column < in_w;
            pixels[i * p->points + j] = inside ? image + ((size_t)row * (size_t)in_w + (size_t)column) * p->k : zeros;
        }
    }
    task.points = p->points;
    task.pixels = pixels;
    task.channels = p->k;
    task.planes = winograd_planes(c, memory) + index * p->k_row;
    task.plane_stride = p->input_plane;
    c->step->kernels->winograd_input_f32(&task);
}

/* Panels `panel` to `panel + panels` of plane e, all tiles of the block. */
static void winograd_multiply(const winograd_context *c, unsigned char *memory, size_t count, size_t e, size_t panel,
                              size_t panels)
{
    const winograd_plan *p = &c->plan;
    const float *in = winograd_planes(c, memory) + e * p->input_plane;
    float *planes_out = winograd_planes(c, memory) + (size_t)(p->points * p->points) * p->input_plane;
    const float *rows[128];
    slim_gemm_f32_task task;
    task.taps = 1;
    task.k = p->k;
    task.weights = c->weights + (e * p->n_row + panel * SLIM_PANEL) * p->k;
    task.bias = winograd_zeros(memory) + p->k_row;
    task.residual = NULL;
    task.residual_stride = 0;
    task.out_stride = p->n_row;
    task.n = panels * SLIM_PANEL;
    task.lo = -3.402823466e+38f;
    task.hi = 3.402823466e+38f;
    for (size_t at = 0; at < count; at += task.m) {
        task.m = SLIM_MIN(count - at, (size_t)128);
        for (size_t i = 0; i < task.m; i++)
            rows[i] = in + (at + i) * p->k_row;
        task.rows = rows;
        task.out = planes_out + e * p->output_plane + at * p->n_row + panel * SLIM_PANEL;
        c->step->kernels->gemm_f32(&task);
    }
}

static void winograd_output(const winograd_context *c, unsigned char *memory, size_t first, size_t index)
{
    const winograd_plan *p = &c->plan;
    float *out[16];
    const float *residual[16];
    const winograd_place place = winograd_tile(p, first + index);
    const int32_t out_h = c->y->dims[1], out_w = c->y->dims[2];
    slim_winograd_f32_output task;
    for (int i = 0; i < p->size; i++) {
        for (int j = 0; j < p->size; j++) {
            int32_t row = place.y + i, column = place.x + j;
            size_t pixel = (place.image * (size_t)out_h + (size_t)row) * (size_t)out_w + (size_t)column;
            int inside = row < out_h && column < out_w;
            out[i * p->size + j] = inside ? (float *)c->y->data + pixel * c->y->row_stride : NULL;
            residual[i * p->size + j] = inside && c->residual ? (const float *)c->residual->data + pixel * p->n : NULL;
        }
    }
    task.points = p->points;
    task.planes = winograd_planes(c, memory) + (size_t)(p->points * p->points) * p->input_plane + index * p->n_row;
    task.plane_stride = p->output_plane;
    task.bias = (const float *)c->bias->data;
    task.out = out;
    task.residual = c->residual ? residual : NULL;
    task.n = p->n;
    task.lo = c->a->lo;
    task.hi = c->a->hi;
    c->step->kernels->winograd_output_f32(&task);
}

/* A whole block by one worker, in its own scratch memory. */
static void winograd_block(void *context, size_t index, int worker)
{
    const winograd_context *c = (const winograd_context *)context;
    unsigned char *memory = slim_step_scratch(c->step, worker);
    const size_t first = index * c->plan.block;
    const size_t count = SLIM_MIN(c->plan.block, c->plan.tiles - first);
    slim_fill(memory, 0, (c->plan.k_row + c->plan.n_row) * sizeof(float));
    for (size_t i = 0; i < count; i++)
        winograd_input(c, memory, first, i);
    for (size_t e = 0; e < (size_t)(c->plan.points * c->plan.points); e++)
        winograd_multiply(c, memory, count, e, 0, c->plan.n_row / SLIM_PANEL);
    for (size_t i = 0; i < count; i++)
        winograd_output(c, memory, first, i);
}

/* The steps of a block that all workers share. */
static void winograd_shared_input(void *context, size_t index, int worker)
{
    const winograd_context *c = (const winograd_context *)context;
    (void)worker;
    winograd_input(c, c->memory, c->first, index);
}

static void winograd_shared_multiply(void *context, size_t e, int worker)
{
    const winograd_context *c = (const winograd_context *)context;
    (void)worker;
    winograd_multiply(c, c->memory, c->count, e, 0, c->plan.n_row / SLIM_PANEL);
}

static void winograd_shared_output(void *context, size_t index, int worker)
{
    const winograd_context *c = (const winograd_context *)context;
    (void)worker;
    winograd_output(c, c->memory, c->first, index);
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
    c.plan = winograd_layout(c.a, c.x, c.y->dims);
    c.blocks = slim_ceil_div(c.plan.tiles, c.plan.block);
    c.weights = (float *)slim_step_kept(s);
    if (s->setup) {
        slim_parallel(s, c.plan.n_row / SLIM_PANEL, winograd_transform_weights, &c);
        return;
    }
    if (c.blocks >= 2 * (size_t)s->session->threads || s->session->threads == 1) {
        slim_parallel(s, c.blocks, winograd_block, &c);
        return;
    }
    c.memory = slim_step_scratch(s, 0);   /* too few blocks to share out: every block by all workers */
    slim_fill(c.memory, 0, (c.plan.k_row + c.plan.n_row) * sizeof(float));
    for (size_t block = 0; block < c.blocks; block++) {
        c.first = block * c.plan.block;
        c.count = SLIM_MIN(c.plan.block, c.plan.tiles - c.first);
        slim_parallel(s, c.count, winograd_shared_input, &c);
        slim_parallel(s, (size_t)(c.plan.points * c.plan.points), winograd_shared_multiply, &c);
        slim_parallel(s, c.count, winograd_shared_output, &c);
    }
}

SLIM_INTERNAL const slim_operator slim_op_winograd_f32 = {
    SLIM_OP_WINOGRAD_F32, 3, 4, 1, sizeof(slim_winograd_f32_attributes) / 4, 1, "winograd_f32", winograd_prepare, winograd_run,
};
