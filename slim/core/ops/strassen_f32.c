/* Matrix product in fp32 with seven eighths of the multiplications: Strassen's algorithm in Winograd's form, one level. Takes
 * what dense_f32 takes, or the pixels of a 1x1 convolution: y = clamp(x w + bias + residual).
 *
 * Pixels, input channels and output channels are cut in halves: A = (A11, A12; A21, A22), and so for the weights B and the
 * result C. Of sums of halves seven products are made (Douglas et al., "GEMMW", J. Comput. Phys. 110, 1994):
 *   S1 = A21 + A22   S2 = S1 - A11   S3 = A11 - A21   S4 = A12 - S2
 *   T1 = B12 - B11   T2 = B22 - T1   T3 = B22 - B12   T4 = B21 - T2
 *   U = A11 B11 + S2 T2   V = S1 T1   Q = S3 T3
 *   C11 = A11 B11 + A12 B21   C12 = U + V + S4 B22   C21 = U + Q + A22 T4   C22 = U + V + Q
 * A worker computes S of a block of pixels for itself: that takes less time than fetching what another has computed. Then
 * a few panels of output channels, the same of both halves, are finished at a time: the kernel makes T while it multiplies the
 * first pixels, and U, V and Q stay in the cache. Weights stay as they are. */
#include "kernels/kernels.h"
#include "ops/check.h"

#define STRASSEN_BLOCK ((size_t)256)   /* pixels, at most */
#define STRASSEN_HALF ((size_t)64)     /* of a block that AVX-512 takes half of, at least: two threads have their own blocks */
#define STRASSEN_DIRECT ((size_t)12)   /* that are multiplied as they are, at a time */
#define STRASSEN_LEAST ((size_t)48)    /* with fewer pixels, sums of weights take longer than they save: on AVX-512, */
#define STRASSEN_LEAST_NARROW ((size_t)128)   /* and elsewhere, where tiles are smaller; */
#define STRASSEN_DEPTH_NARROW ((size_t)256)   /* and there with fewer input channels */
#define STRASSEN_PAD ((size_t)16)      /* floats between rows of sums, against cache sets that coincide */
#define STRASSEN_WAY ((size_t)1024)    /* floats: what lies a multiple of them apart falls into one set of a first-level cache */
#define STRASSEN_FAR ((size_t)1 << 18)  /* outputs and residuals of so many floats leave the second-level cache */
#define STRASSEN_AHEAD ((size_t)6)      /* rows of a residual that a product fetches before it comes to them */
#define STRASSEN_PANELS ((size_t)SLIM_GEMM_F32_PART_PANELS)   /* of each half that are finished together */
#define STRASSEN_WIDTH (STRASSEN_PANELS * SLIM_PANEL)

enum { STRASSEN_DEPTH = 1 << 20 };     /* the largest K: scratch memory fits 32 bits */

typedef struct strassen_plan {
    size_t pixels, k, n;        /* rows of A, input and output channels */
    size_t panels;              /* of output channels */
    size_t blocks, rows;        /* of pixels; of a block's upper half, at most */
    size_t half;                /* of the input channels, a panel's multiple */
    size_t sums;                /* floats from a row of sums to the next */
    size_t copied, copies;      /* floats from a pixel's copy to the next, and of all copies; 0 where none are made */
    size_t scratch;             /* bytes */
} strassen_plan;

/* Whether AVX-512's tiles, of 12, 13 and 4 rows, make up the halves of all blocks: single rows are slow. */
static int strassen_fits(const strassen_plan *p, size_t blocks)
{
    int fits = 1;
    for (size_t part = 0; part < 4; part++) {
        const size_t rows = ((p->pixels + part / 2 * (blocks - 1)) / blocks + part % 2) / 2;
        fits &= rows % 12 <= rows / 12 || rows % 4 == 0;
    }
    return fits;
}

static strassen_plan strassen_layout(const slim_strassen_f32_attributes *a, const slim_value *x, size_t pixels,
                                     const slim_kernels *kernels)
{
    strassen_plan p;
    p.k = (size_t)x->dims[x->rank - 1];
    p.n = (size_t)a->out_channels;
    p.pixels = pixels;
    p.panels = slim_ceil_div(p.n, SLIM_PANEL);
    p.blocks = slim_ceil_div(pixels, STRASSEN_BLOCK);
    if (kernels->lanes == 16 && pixels >= 2 * STRASSEN_HALF && (strassen_fits(&p, 2 * p.blocks) || !strassen_fits(&p, p.blocks)))
        p.blocks *= 2;
    p.rows = slim_ceil_div(slim_ceil_div(pixels, p.blocks), 2);
    p.half = slim_ceil_div(p.k / 2, SLIM_PANEL) * SLIM_PANEL;
    p.sums = p.half + STRASSEN_PAD;
    /* a tile's 12 rows would meet in one set of the cache, which has eight places: copies of them do not */
    p.copied = 0;
    if (kernels->lanes == 16 && p.k % (2 * SLIM_PANEL) == 0 && p.k * (size_t)a->stride_w % STRASSEN_WAY == 0)
        p.copied = p.k + STRASSEN_PAD;
    p.copies = p.copied ? p.rows * (p.copied + p.sums) : 0;
    p.scratch = (2 * p.half + 4 * p.rows * p.sums + p.copies + (p.half + 3 * p.rows) * STRASSEN_WIDTH) * sizeof(float)
        + 8 * p.rows * sizeof(float *) + sizeof(size_t);
    return p;
}

SLIM_COLD static slim_status strassen_prepare(slim_prepare *p)
{
    const slim_strassen_f32_attributes *a = (const slim_strassen_f32_attributes *)p->attributes;
    slim_status status;
    int32_t dims[SLIM_MAX_RANK];
    size_t pixels = 1;
    const slim_value *x = slim_prepare_input(p, 0);
    if ((status = slim_prepare_expect(p, 0, SLIM_F32, -1, 0)) != SLIM_OK)
        return status;
    if (x->rank < 1 || a->out_channels < 1 || a->stride_h < 1 || a->stride_w < 1
        || (x->rank != 4 && (a->stride_h > 1 || a->stride_w > 1)))
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the strides or the output channels are not such as it takes");
    for (int i = 0; i < x->rank; i++)
        dims[i] = x->dims[i];
    if (x->rank == 4) {
        dims[1] = (dims[1] - 1) / a->stride_h + 1;
        dims[2] = (dims[2] - 1) / a->stride_w + 1;
    }
    for (int i = 0; i < x->rank - 1; i++)
        pixels *= (size_t)dims[i];
    if (dims[x->rank - 1] % 2 || dims[x->rank - 1] > STRASSEN_DEPTH)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the input channels are odd or more than the core takes");
    dims[x->rank - 1] = a->out_channels;
    strassen_plan plan = strassen_layout(a, x, pixels, p->session->kernels);
    slim_prepare_scratch(p, plan.scratch);
    return slim_check_product(p, 3, plan.panels, plan.k, x->rank, dims);
}

typedef struct strassen_context {
    const slim_step *step;
    const slim_strassen_f32_attributes *a;
    const slim_value *x, *y, *residual;
    const float *weights, *bias;
    strassen_plan plan;
    size_t pairs;                   /* of whole panels, one in each half; others are multiplied as they are */
    size_t tasks;                   /* of a block */
    size_t first, upper, lower;     /* of the block: its first pixel, pixels of its halves */
    /* in the worker's scratch memory */
    float *zeros;                   /* [2 half] */
    float *sums;                    /* S: [4][rows][half + pad] */
    float *copies;                  /* [rows][k + pad] of the upper half, [rows][half + pad] of A22 */
    float *t, *u, *v, *q;           /* [half][32], and [rows][32] each */
    const float **left, **right;    /* [2 rows]: A11 and A21, A12 and A22 */
    const float **sum_rows;         /* [4][rows] */
    size_t *ready;                  /* where the block that S is of ends, or 0 */
} strassen_context;

static void strassen_place(strassen_context *c, int worker)
{
    c->zeros = (float *)(void *)slim_step_scratch(c->step, worker);
    c->sums = c->zeros + 2 * c->plan.half;
    c->copies = c->sums + 4 * c->plan.rows * c->plan.sums;
    c->t = c->copies + c->plan.copies;
    c->u = c->t + c->plan.half * STRASSEN_WIDTH;
    c->v = c->u + c->plan.rows * STRASSEN_WIDTH;
    c->q = c->v + c->plan.rows * STRASSEN_WIDTH;
    c->left = (const float **)(void *)(c->q + c->plan.rows * STRASSEN_WIDTH);
    c->right = c->left + 2 * c->plan.rows;
    c->sum_rows = c->right + 2 * c->plan.rows;
    c->ready = (size_t *)(void *)(c->sum_rows + 4 * c->plan.rows);
}

/* The first pixel of a block. Blocks, and so the results, do not depend on the number of threads. */
static size_t strassen_cut(const strassen_plan *p, size_t block)
{
    return block * p->pixels / p->blocks;
}

/* Where pixel `index` of the output reads the input. */
static const float *strassen_pixel(const strassen_context *c, size_t index)
{
    if (c->x->rank == 4) {
        const size_t out_w = (size_t)c->y->dims[2], out_h = (size_t)c->y->dims[1];
        const size_t column = index % out_w * (size_t)c->a->stride_w, row = index / out_w % out_h * (size_t)c->a->stride_h;
        index = (index / out_w / out_h * (size_t)c->x->dims[1] + row) * (size_t)c->x->dims[2] + column;
    }
    return (const float *)c->x->data + index * c->plan.k;
}

/* Row pointers and sums of the pixels of the upper half, and of those that they meet in the lower one. */
static void strassen_sums(const strassen_context *c)
{
    const size_t half = c->plan.k / 2;
    *c->ready = c->first + c->upper + c->lower;
    slim_fill(c->zeros, 0, 2 * c->plan.half * sizeof(float));
    for (size_t i = 0; i < c->upper; i++) {
        const float *a = strassen_pixel(c, c->first + i);
        const float *b = i < c->lower ? strassen_pixel(c, c->first + c->upper + i) : c->zeros;
        float *to[7] = {NULL};
        c->left[i] = a;
        c->left[c->upper + i] = b;
        if (!c->pairs)
            continue;
        c->right[i] = a + half;
        c->right[c->upper + i] = b + half;
        for (size_t s = 0; s < 4; s++)
            c->sum_rows[s * c->upper + i] = to[s] = c->sums + (s * c->plan.rows + i) * c->plan.sums;
        if (c->plan.copied) {
            c->left[i] = to[4] = c->copies + i * c->plan.copied;
            c->right[i] = to[5] = to[4] + half;
            c->right[c->upper + i] = to[6] = c->copies + c->plan.rows * c->plan.copied + i * c->plan.sums;
        }
        c->step->kernels->strassen_rows_f32(a, b, to, half);
    }
}

/* The task's results go to some channels of the output, `lower`: of the lower pixels. */
static void strassen_out(const strassen_context *c, slim_gemm_f32_task *task, int lower, size_t channel, size_t channels)
{
    const size_t row = c->first + (lower ? c->upper : 0);
    task->m = lower ? c->lower : c->upper;
    task->n = SLIM_MIN(channels, c->plan.n - channel);
    task->bias = c->bias + channel;
    task->residual_stride = c->plan.n;
    task->residual = c->residual ? (const float *)c->residual->data + row * c->plan.n + channel : NULL;
    task->out_stride = c->y->row_stride;
    task->out = (float *)c->y->data + row * task->out_stride + channel;
    task->lo = c->a->lo;
    task->hi = c->a->hi;
}

static int strassen_far(const strassen_context *c)
{
    return c->y->count * (c->residual ? 2 : 1) >= STRASSEN_FAR;
}

/* The product before fetches that part of the output and its residual. */
static void strassen_fetch(const strassen_context *c, slim_gemm_f32_part *part, int lower, size_t channel)
{
    slim_gemm_f32_task next;
    strassen_out(c, &next, lower, channel, STRASSEN_WIDTH);
    if (next.m && strassen_far(c)) {
        part->fetch[0] = next.out;
        part->fetch[1] = next.residual ? next.residual : next.out;
    }
}

/* They go to memory of the worker's, and are summed up later. */
static void strassen_keep(const strassen_context *c, slim_gemm_f32_task *task, float *out)
{
    task->m = c->upper;
    task->n = task->out_stride = STRASSEN_WIDTH;
    task->bias = c->zeros;
    task->residual = NULL;
    task->out = out;
    task->lo = -__builtin_inff();
    task->hi = __builtin_inff();
}

static void strassen_multiply(const strassen_context *c, slim_gemm_f32_task *task, const float *const *rows, const float *weights,
                              size_t k)
{
    task->rows = rows;
    task->weights = weights;
    task->k = k;
    c->step->kernels->gemm_f32(task);
}

/* Some panels as they are. */
static void strassen_direct(const strassen_context *c, size_t first)
{
    slim_gemm_f32_task task;
    strassen_out(c, &task, 0, first * SLIM_PANEL, STRASSEN_DIRECT * SLIM_PANEL);
    slim_gemm_f32_part whole = {c->plan.k * SLIM_PANEL, NULL, 0, NULL, {NULL, NULL, NULL}, 0, {task.out, task.out},
                                task.out_stride};
    if (task.residual)
        whole.fetch[1] = task.residual + STRASSEN_AHEAD * task.residual_stride;
    task.m = c->upper + c->lower;
    task.taps = 1;
    task.part = strassen_far(c) && task.n % STRASSEN_WIDTH == 0 ? &whole : NULL;
    task.alone = 0;
    strassen_multiply(c, &task, c->left, c->weights + first * SLIM_PANEL * c->plan.k, c->plan.k);
}

/* Some panels of both halves. */
static void strassen_panels(void *context, size_t index, int worker)
{
    strassen_context mine = *(const strassen_context *)context, *c = &mine;
    const size_t k = c->plan.k, half = k / 2, block = index / c->tasks, first = index % c->tasks * STRASSEN_PANELS;
    const size_t end = strassen_cut(&c->plan, block + 1);
    strassen_place(c, worker);
    c->first = strassen_cut(&c->plan, block);
    c->lower = (end - c->first) / 2;
    c->upper = end - c->first - c->lower;
    if (*c->ready != end)
        strassen_sums(c);
    if (first >= c->pairs) {
        strassen_direct(c, 2 * c->pairs + (first - c->pairs) / STRASSEN_PANELS * STRASSEN_DIRECT);
        return;
    }
    const size_t left = first * SLIM_PANEL, right = left + c->pairs * SLIM_PANEL;
    const float *b11 = c->weights + left * k, *b12 = c->weights + right * k;
    const float *b21 = b11 + half * SLIM_PANEL, *b22 = b12 + half * SLIM_PANEL;
    slim_gemm_f32_part part = {k * SLIM_PANEL, NULL, k * SLIM_PANEL, NULL, {NULL, NULL, NULL}, STRASSEN_WIDTH,
                               {NULL, NULL}, c->y->row_stride};
    slim_gemm_f32_task task;
    task.taps = 1;
    task.part = &part;
    task.alone = 0;
    part.difference = c->t;
    strassen_keep(c, &task, c->q);
    part.minus = b12;                                     /* T3 = B22 - B12 */
    strassen_multiply(c, &task, c->sum_rows + 2 * c->upper, b22, half);
    task.out = c->v;
    part.minus = b11;                                     /* T1 = B12 - B11 */
    strassen_multiply(c, &task, c->sum_rows, b12, half);
    task.out = c->u;
    part.minus = NULL;
    strassen_fetch(c, &part, 0, left);
    strassen_multiply(c, &task, c->left, b11, half);
    part.sums[0] = c->u;
    strassen_out(c, &task, 0, left, STRASSEN_WIDTH);      /* C11 */
    strassen_fetch(c, &part, 1, left);
    strassen_multiply(c, &task, c->right, b21, half);
    strassen_keep(c, &task, c->u);
    part.minus = c->t;                                       /* T2 = B22 - T1 */
    part.minus_stride = half * SLIM_PANEL;
    strassen_multiply(c, &task, c->sum_rows + c->upper, b22, half);
    part.sums[1] = c->q;
    strassen_out(c, &task, 1, left, STRASSEN_WIDTH);      /* C21; T4 = B21 - T2 */
    strassen_fetch(c, &part, 0, right);
    strassen_multiply(c, &task, c->right + c->upper, b21, half);
    part.minus = NULL;
    part.sums[1] = c->v;
    strassen_out(c, &task, 0, right, STRASSEN_WIDTH);     /* C12 */
    strassen_fetch(c, &part, 1, right);
    strassen_multiply(c, &task, c->sum_rows + 3 * c->upper, b22, half);
    part.sums[2] = c->q;
    strassen_out(c, &task, 1, right, STRASSEN_WIDTH);     /* C22: nothing to multiply */
    strassen_multiply(c, &task, c->left, b22, 0);
}

static void strassen_run(const slim_step *s)
{
    strassen_context c;
    c.step = s;
    c.a = (const slim_strassen_f32_attributes *)s->attributes;
    c.x = slim_step_input(s, 0);
    c.weights = (const float *)slim_step_input(s, 1)->data;
    c.bias = (const float *)slim_step_input(s, 2)->data;
    c.residual = s->inputs > 3 ? slim_step_input(s, 3) : NULL;
    c.y = slim_step_output(s, 0);
    c.plan = strassen_layout(c.a, c.x, c.y->count / (size_t)c.a->out_channels, s->kernels);
    for (int worker = 0; worker < s->session->threads; worker++) {
        strassen_place(&c, worker);
        *c.ready = 0;
    }
    c.pairs = c.plan.n / (2 * STRASSEN_WIDTH) * STRASSEN_PANELS;
    if (s->kernels->lanes == 16 ? c.plan.pixels < STRASSEN_LEAST
        : c.plan.pixels < STRASSEN_LEAST_NARROW || c.plan.k < STRASSEN_DEPTH_NARROW)
        c.pairs = 0;
    c.tasks = c.pairs / STRASSEN_PANELS + slim_ceil_div(c.plan.panels - 2 * c.pairs, STRASSEN_DIRECT);
    slim_parallel(s, c.plan.blocks * c.tasks, strassen_panels, &c);
}

SLIM_INTERNAL const slim_operator slim_op_strassen_f32 = {
    SLIM_OP_STRASSEN_F32, 3, 4, 1, sizeof(slim_strassen_f32_attributes) / 4, 1, "strassen_f32", strassen_prepare, strassen_run,
};
