/* 2-D convolution of bytes, NHWC: strips of output pixels with a table of row pointers, as conv_f32. Padding is a pointer to
 * a row of the input's zero point. Where there are few output channels and three columns, rows of output pixels with a table of
 * pixels, which neighbours share. */
#include "ops/cut.h"
#include "ops/gemm_u8.h"
#include "ops/window.h"

#define CONV_U8_POINTERS ((size_t)2048)   /* a strip has at most so many row pointers, */
#define CONV_U8_STRIP ((size_t)256)       /* and so many output pixels */
#define CONV_U8_SLIDE 32                  /* output channels up to which slide_u8 is faster: */
#define CONV_U8_SLIDE_PIXELS ((size_t)512)   /* about so many pixels in its table, */
#define CONV_U8_SLIDE_ROWS ((size_t)8)    /* and at most so many output rows at once */
#define CONV_U8_TILES ((size_t)56)        /* Winograd's that a thread takes at once, at most */
#define CONV_U8_FEW_TILES ((size_t)21)    /* fewest that are worth it, */
#define CONV_U8_WASTE 13                  /* and most pixels that they compute, in tenths of the output's */

typedef struct conv_u8_plan {
    size_t taps, k;             /* filter positions; input channels a group */
    size_t panels;              /* of 16 output channels, a group */
    size_t group_outputs;
    size_t strip;               /* output pixels */
    size_t padding_bytes;       /* the row of zero points, in scratch */
} conv_u8_plan;

static conv_u8_plan conv_u8_layout(const slim_conv_u8_attributes *a, const slim_value *x)
{
    conv_u8_plan plan;
    plan.taps = (size_t)a->kernel_h * (size_t)a->kernel_w;
    plan.k = (size_t)(x->dims[3] / a->groups);
    plan.group_outputs = (size_t)(a->out_channels / a->groups);
    plan.panels = slim_ceil_div(plan.group_outputs, SLIM_PANEL);
    plan.strip = SLIM_MAX((size_t)1, SLIM_MIN(CONV_U8_STRIP, CONV_U8_POINTERS / plan.taps));
    plan.padding_bytes = slim_align(plan.k + 3);   /* kernels read whole words of four */
    return plan;
}

/* Output rows that share a table of pixels; 0 where the window does not slide by one. */
static size_t conv_u8_slide_rows(const slim_window *w, int32_t out_w)
{
    if (w->kernel_w != 3 || w->stride_w != 1 || w->dilation_w != 1 || out_w < SLIM_SLIDE_U8_WIDTH)
        return 0;
    if (w->stride_h != 1 || w->dilation_h != 1)
        return 1;
    return SLIM_MAX((size_t)1, SLIM_MIN(CONV_U8_SLIDE_ROWS, CONV_U8_SLIDE_PIXELS / (size_t)out_w));
}

/* Pointers of that table, of the input rows that `rows` output rows touch. */
static size_t conv_u8_pixels(const slim_window *w, int32_t out_w, size_t rows)
{
    return rows ? (rows - 1 + (size_t)w->kernel_h) * ((size_t)out_w + 2) : 0;
}

#if SLIM_HAS_KERNEL_WINOGRAD_U8
/* Tiles that a thread takes at once, a multiple of SLIM_WINOGRAD_U8_TILES; 0 where they are not worth it or not exact. */
static size_t conv_u8_tiles(const slim_session *session, const slim_conv_u8_attributes *a, const slim_value *x,
                            const slim_value *y, const int32_t *out)
{
    const size_t tiles = (size_t)out[0] * slim_ceil_div((size_t)out[1], 4) * slim_ceil_div((size_t)out[2], 4);
    const size_t k = (size_t)x->dims[3], threads = (size_t)session->threads, unit = SLIM_WINOGRAD_U8_TILES;
    const size_t pixels = (size_t)out[0] * (size_t)out[1] * (size_t)out[2];
    if (!session->kernels->winograd_u8 || y->type != SLIM_U8 || a->kernel_h != 3 || a->kernel_w != 3 || a->stride_h != 1
        || a->stride_w != 1 || a->dilation_h != 1 || a->dilation_w != 1 || a->groups != 1 || k % SLIM_WINOGRAD_U8_CHANNELS
        || k > SLIM_WINOGRAD_U8_MOST || a->out_channels <= CONV_U8_SLIDE || tiles < CONV_U8_FEW_TILES
        || slim_ceil_div(tiles, unit) * unit * 16 * 10 > pixels * CONV_U8_WASTE)
        return 0;
    const size_t blocks = SLIM_MAX(threads, slim_ceil_div(tiles, CONV_U8_TILES));
    return slim_ceil_div(slim_ceil_div(tiles, blocks), unit) * unit;
}
#else
#define conv_u8_tiles(session, a, x, y, out) 0
#endif

/* Of scratch memory behind the row of padding. */
static size_t conv_u8_winograd_bytes(size_t tiles, size_t k)
{
    return tiles ? slim_align(tiles * (36 * sizeof(uint8_t *) + sizeof(slim_winograd_u8_place)))
        + SLIM_WINOGRAD_U8_BYTES(tiles, k) : 0;
}

SLIM_COLD static slim_status conv_u8_prepare(slim_prepare *p)
{
    const slim_conv_u8_attributes *a = (const slim_conv_u8_attributes *)p->attributes;
    slim_status status;
    slim_window window;
    int32_t dims[4];
    if ((status = slim_prepare_expect(p, 0, SLIM_U8, 4, 0)) != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    if ((status = slim_window_size(p, x, &window, &dims[1], &dims[2])) != SLIM_OK)
        return status;
    if (a->kernel_h < 1 || a->groups < 1 || a->out_channels < 1 || x->dims[3] % a->groups || a->out_channels % a->groups)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the channels do not divide into the groups");
    if (!SLIM_WINDOW_THERE(&window))
        return slim_prepare_fail(p, SLIM_NO_OPERATOR, "this build has no kernel for the window");
    conv_u8_plan plan = conv_u8_layout(a, x);
    if ((status = slim_gemm_u8_check(p, plan.panels * (size_t)a->groups, plan.taps, plan.k, a->lo, a->hi)) != SLIM_OK)
        return status;
    dims[0] = x->dims[0];
    dims[3] = a->out_channels;
    const size_t pointers = SLIM_MAX(plan.strip * plan.taps,
                                     conv_u8_pixels(&window, dims[2], conv_u8_slide_rows(&window, dims[2])));
    const size_t tiles = conv_u8_tiles(p->session, a, x, slim_check_output(p, 0), dims);
    slim_prepare_scratch(p, plan.padding_bytes + (tiles ? conv_u8_winograd_bytes(tiles, plan.k) : pointers * sizeof(uint8_t *)));
    return slim_prepare_output(p, 0, 4, dims);
}

typedef struct conv_u8_context {
    const slim_step *step;
    const slim_conv_u8_attributes *a;
    slim_window window;
    conv_u8_plan plan;
    const slim_value *x, *y;
    size_t pixels;              /* of the output, or tiles */
    slim_cut cut;               /* of one group */
    size_t tiles;               /* Winograd's, of a task */
    size_t bands;               /* of rows that share a table of pixels, of an image */
} conv_u8_context;

static void conv_u8_strip(void *context, size_t index, int worker)
{
    const conv_u8_context *c = (const conv_u8_context *)context;
    unsigned char *scratch = slim_step_scratch(c->step, worker);
    const uint8_t **rows = (const uint8_t **)(void *)(scratch + c->plan.padding_bytes);
    const size_t tasks = c->cut.tasks, group = index / tasks;
    const slim_cut_part part = slim_cut_part_of(&c->cut, index % tasks, c->pixels, c->plan.group_outputs);
    const size_t channel = group * c->plan.group_outputs + part.first_panel * SLIM_PANEL;
    slim_gemm_u8_task task;
    slim_fill(scratch, c->x->zero_point, c->plan.padding_bytes);
    task.rows = rows;
    task.m = part.rows;
    task.taps = c->plan.taps;
    task.k = c->plan.k;
    task.n = part.outputs;
    slim_gemm_u8_fill(&task, c->step, group * c->plan.panels + part.first_panel, part.first_row * c->y->row_stride + channel,
                      c->a->lo, c->a->hi, c->a->flo, c->a->fhi);
    slim_window_rows(&c->window, c->x, c->y, (size_t)c->x->dims[3], part.first_row, part.rows, group * c->plan.k, scratch,
                     (const void **)rows);
    c->step->kernels->gemm_u8(&task);
}

#if SLIM_HAS_KERNEL_SLIDE_U8
/* Band `index` of all images: neighbouring rows share the pixels of their windows. */
static void conv_u8_slide(void *context, size_t index, int worker)
{
    const conv_u8_context *c = (const conv_u8_context *)context;
    const slim_window *w = &c->window;
    const size_t channels = c->plan.k, in_w = (size_t)c->x->dims[2], in_h = (size_t)c->x->dims[1];
    const size_t out_h = (size_t)c->y->dims[1], width = (size_t)c->y->dims[2], image = index / c->bands;
    const size_t start = slim_band_row(index % c->bands, c->bands, out_h);
    const size_t count = slim_band_row(index % c->bands + 1, c->bands, out_h) - start;
    unsigned char *scratch = slim_step_scratch(c->step, worker);
    const uint8_t **pixels = (const uint8_t **)(void *)(scratch + c->plan.padding_bytes);
    slim_gemm_u8_task task;
    slim_slide_u8_task row;
    slim_fill(scratch, c->x->zero_point, c->plan.padding_bytes);
    for (size_t i = 0; i < count - 1 + (size_t)w->kernel_h; i++) {
        const ptrdiff_t y = (ptrdiff_t)start * w->stride_h - w->pad_top + (ptrdiff_t)i * w->dilation_h;
        const int inside = y >= 0 && y < (ptrdiff_t)in_h;
        const uint8_t *from = c->x->data + (image * in_h + (inside ? (size_t)y : 0)) * in_w * channels;
        const size_t first = SLIM_MIN((size_t)w->pad_left, width + 2), last = inside ? SLIM_MIN(first + in_w, width + 2) : first;
        const uint8_t **to = pixels + i * (width + 2);
        for (size_t x = 0; x < first; x++)
            to[x] = scratch;
        for (size_t x = first; x < last; x++)
            to[x] = from + (x - first) * channels;
        for (size_t x = last; x < width + 2; x++)
            to[x] = scratch;
    }
    task.taps = c->plan.taps;
    task.k = channels;
    slim_gemm_u8_fill(&task, c->step, 0, (image * out_h + start) * width * c->y->row_stride, c->a->lo, c->a->hi, 0.0f, 0.0f);
    row.pixels = pixels;
    row.width = width;
    row.kernel_h = (size_t)w->kernel_h;
    row.k = channels;
    row.weights = task.weights;
    row.channels = task.channels;
    row.out = (uint8_t *)task.out;
    row.out_stride = task.out_stride;
    row.n = (size_t)c->a->out_channels;
    row.lo = task.lo;
    row.hi = task.hi;
    row.zero_point = task.zero_point;
    for (size_t i = 0; i < count; i++) {
        c->step->kernels->slide_u8(&row);
        row.pixels += width + 2;
        row.out += width * row.out_stride;
    }
}
#endif

#if SLIM_HAS_KERNEL_WINOGRAD_U8
/* Tile `tile` of all images: its place in the output, and the pixels of its input. */
static void conv_u8_tile(const conv_u8_context *c, size_t tile, const uint8_t *padding, const uint8_t **pixels,
                         slim_winograd_u8_place *place)
{
    const int32_t in_h = c->x->dims[1], in_w = c->x->dims[2], out_h = c->y->dims[1], out_w = c->y->dims[2];
    const size_t across = slim_ceil_div((size_t)out_w, 4), down = slim_ceil_div((size_t)out_h, 4);
    const int32_t x = (int32_t)(tile % across) * 4, y = (int32_t)(tile / across % down) * 4;
    const size_t image = tile / across / down;
    place->rows = SLIM_MIN(out_h - y, 4);
    place->columns = SLIM_MIN(out_w - x, 4);
    place->out = c->y->data + ((image * (size_t)out_h + (size_t)y) * (size_t)out_w + (size_t)x) * c->y->row_stride;
    for (int32_t i = 0; i < 6; i++)
        for (int32_t j = 0; j < 6; j++) {
            const int32_t row = y - c->window.pad_top + i, column = x - c->window.pad_left + j;
            const int there = row >= 0 && row < in_h && column >= 0 && column < in_w;
            *pixels++ = there
                ? c->x->data + ((image * (size_t)in_h + (size_t)row) * (size_t)in_w + (size_t)column) * c->plan.k : padding;
        }
}

static void conv_u8_winograd(void *context, size_t index, int worker)
{
    const conv_u8_context *c = (const conv_u8_context *)context;
    unsigned char *scratch = slim_step_scratch(c->step, worker);
    const uint8_t **pixels = (const uint8_t **)(void *)(scratch + c->plan.padding_bytes);
    slim_winograd_u8_place *places = (slim_winograd_u8_place *)(void *)(pixels + 36 * c->tiles);
    const size_t first = index * c->tiles;
    slim_gemm_u8_task task;
    slim_winograd_u8_task w;
    slim_fill(scratch, c->x->zero_point, c->plan.padding_bytes);
    task.taps = c->plan.taps;
    task.k = c->plan.k;
    slim_gemm_u8_fill(&task, c->step, 0, 0, c->a->lo, c->a->hi, 0.0f, 0.0f);
    w.pixels = pixels;
    w.places = places;
    w.tiles = SLIM_MIN(c->tiles, c->pixels - first);
    w.k = c->plan.k;
    w.n = c->plan.group_outputs;
    w.weights = task.weights;
    w.channels = task.channels;
    w.out_stride = task.out_stride;
    w.out_row = task.out_stride * (size_t)c->y->dims[2];
    w.lo = task.lo;
    w.hi = task.hi;
    w.zero_point = task.zero_point;
    w.memory = (int16_t *)(void *)(scratch + c->plan.padding_bytes + conv_u8_winograd_bytes(c->tiles, c->plan.k)
                                   - SLIM_WINOGRAD_U8_BYTES(c->tiles, c->plan.k));
    for (size_t i = 0; i < w.tiles; i++)
        conv_u8_tile(c, first + i, scratch, pixels + 36 * i, &places[i]);
    c->step->kernels->winograd_u8(&w);
}
#endif

static void conv_u8_run(const slim_step *s)
{
    conv_u8_context c;
    c.step = s;
    c.a = (const slim_conv_u8_attributes *)s->attributes;
    c.x = slim_step_input(s, 0);
    c.y = slim_step_output(s, 0);
    c.window = slim_window_of(s, c.x);
    c.plan = conv_u8_layout(c.a, c.x);
#if SLIM_HAS_KERNEL_SLIDE_U8
    if (s->kernels->slide_u8 && c.y->type == SLIM_U8 && c.a->groups == 1 && c.a->out_channels <= CONV_U8_SLIDE
        && conv_u8_slide_rows(&c.window, c.y->dims[2])) {
        c.bands = slim_bands((size_t)c.y->dims[1], conv_u8_slide_rows(&c.window, c.y->dims[2]), s->session->threads);
        slim_parallel(s, (size_t)c.y->dims[0] * c.bands, conv_u8_slide, &c);
        return;
    }
#endif
#if SLIM_HAS_KERNEL_WINOGRAD_U8
    c.tiles = conv_u8_tiles(s->session, c.a, c.x, c.y, c.y->dims);
    if (c.tiles) {
        c.pixels = (size_t)c.y->dims[0] * slim_ceil_div((size_t)c.y->dims[1], 4) * slim_ceil_div((size_t)c.y->dims[2], 4);
        slim_parallel(s, slim_ceil_div(c.pixels, c.tiles), conv_u8_winograd, &c);
        return;
    }
#endif
    c.pixels = (size_t)c.y->dims[0] * (size_t)c.y->dims[1] * (size_t)c.y->dims[2];
    c.cut = slim_cut_of(c.pixels, c.plan.strip, c.plan.panels, (size_t)c.a->groups, s->session->threads);
    slim_parallel(s, c.cut.tasks * (size_t)c.a->groups, conv_u8_strip, &c);
}

SLIM_INTERNAL const slim_operator slim_op_conv_u8 = {
    SLIM_OP_CONV_U8, 3, 3, 1, sizeof(slim_conv_u8_attributes) / 4, 1, "conv_u8", conv_u8_prepare, conv_u8_run,
};
