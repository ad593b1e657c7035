/* 2-D transposed convolution in fp32, NHWC: the gradient of a convolution, written as gathers.
 *
 * Output pixels of one row and one phase (column modulo the stride) read the same filter positions, each at input pixels one
 * after the other. So every filter position is one GEMM over them: the first adds the bias, the others add to what is there. */
#include "kernels/kernels.h"
#include "ops/check.h"

enum { CONV_TRANSPOSE_LIMIT = 32767 };   /* of each attribute */

static int conv_transpose_axis(int32_t in, int32_t kernel, int32_t stride, int32_t dilation, int32_t begin, int32_t end, int32_t pad,
                               int32_t *out)
{
    const int32_t values[] = { kernel, stride, dilation, begin + 1, end + 1, pad + 1 };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (values[i] < 1 || values[i] > CONV_TRANSPOSE_LIMIT)
            return 0;
    int64_t size = (int64_t)(in - 1) * stride + (int64_t)dilation * (kernel - 1) + 1 + pad - begin - end;
    /* some room above, so that positions in the padding are 32-bit numbers too */
    if (size < 1 || size > (1 << 30))
        return 0;
    *out = (int32_t)size;
    return 1;
}

typedef struct conv_transpose_plan {
    size_t taps, k, panels, group_outputs;
    size_t zero_bytes, bias_bytes;   /* scratch: a row of zeros to read, zeros for the bias, then row pointers */
} conv_transpose_plan;

static conv_transpose_plan conv_transpose_layout(const slim_conv_transpose_f32_attributes *a, const slim_value *x)
{
    conv_transpose_plan plan;
    plan.taps = (size_t)a->kernel_h * (size_t)a->kernel_w;
    plan.k = (size_t)(x->dims[3] / a->groups);
    plan.group_outputs = (size_t)(a->out_channels / a->groups);
    plan.panels = slim_ceil_div(plan.group_outputs, SLIM_PANEL);
    plan.zero_bytes = slim_align(plan.k * sizeof(float));
    plan.bias_bytes = plan.panels * SLIM_PANEL * sizeof(float);
    return plan;
}

/* Weights are [groups][taps][panels][k][16], as rank 4: [groups * taps, panels, k, 16]; the bias is [groups * panels * 16]. */
SLIM_COLD static slim_status conv_transpose_prepare(slim_prepare *p)
{
    const slim_conv_transpose_f32_attributes *a = (const slim_conv_transpose_f32_attributes *)p->attributes;
    slim_status status;
    int32_t dims[4];
    if ((status = slim_prepare_expect(p, 0, SLIM_F32, 4, 0)) != SLIM_OK
        || (status = slim_prepare_expect(p, 1, SLIM_F32, 4, 1)) != SLIM_OK
        || (status = slim_prepare_expect(p, 2, SLIM_F32, 1, 1)) != SLIM_OK
        || (status = slim_check_output_type(p, 0, SLIM_F32)) != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    const slim_value *w = slim_prepare_input(p, 1);
    if (a->pad_top < 0 || a->pad_left < 0 || a->pad_bottom < 0 || a->pad_right < 0
        || SLIM_MAX(SLIM_MAX(a->pad_top, a->pad_left), SLIM_MAX(a->pad_bottom, a->pad_right)) >= CONV_TRANSPOSE_LIMIT
        || a->output_pad_h < 0 || a->output_pad_w < 0 || SLIM_MAX(a->output_pad_h, a->output_pad_w) >= CONV_TRANSPOSE_LIMIT
        || !conv_transpose_axis(x->dims[1], a->kernel_h, a->stride_h, a->dilation_h, a->pad_top, a->pad_bottom, a->output_pad_h,
                                &dims[1])
        || !conv_transpose_axis(x->dims[2], a->kernel_w, a->stride_w, a->dilation_w, a->pad_left, a->pad_right, a->output_pad_w,
                                &dims[2]))
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the window is out of range, or the output would be empty");
    if (a->groups < 1 || a->out_channels < 1 || x->dims[3] % a->groups || a->out_channels % a->groups)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the channels do not divide into the groups");
    conv_transpose_plan plan = conv_transpose_layout(a, x);
    if ((size_t)w->dims[0] != (size_t)a->groups * plan.taps || (size_t)w->dims[1] != plan.panels
        || (size_t)w->dims[2] != plan.k || w->dims[3] != SLIM_PANEL
        || (size_t)slim_prepare_input(p, 2)->dims[0] != (size_t)a->groups * plan.panels * SLIM_PANEL)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the weights or the bias do not fit the channels and the window");
    dims[0] = x->dims[0];
    dims[3] = a->out_channels;
    slim_prepare_scratch(p, plan.zero_bytes + plan.bias_bytes + (size_t)dims[2] * sizeof(float *));
    return slim_prepare_output(p, 0, 4, dims);
}

typedef struct conv_transpose_context {
    const slim_step *step;
    const slim_conv_transpose_f32_attributes *a;
    conv_transpose_plan plan;
    const slim_value *x, *y;
    const float *weights, *bias;
} conv_transpose_context;

/* The input position that output position `at` reads through filter position `tap`: -1 where it falls between two of them,
 * otherwise any number, inside the input or not, from `*position` on. */
static int conv_transpose_source(int32_t at, int32_t pad, int32_t tap, int32_t dilation, int32_t stride, int64_t *position)
{
    int64_t distance = (int64_t)at + pad - (int64_t)tap * dilation;
    if (distance % stride)
        return 0;
    *position = distance / stride;
    return 1;
}

/* `count` pixels of one phase, `stride` output pixels apart from `out` on, in one group. */
static void conv_transpose_phase(const conv_transpose_context *c, size_t image, int32_t y, int32_t phase, size_t group,
                                 unsigned char *scratch, slim_gemm_f32_task *task)
{
    const slim_conv_transpose_f32_attributes *a = c->a;
    const float *zeros = (const float *)(const void *)scratch;
    const float *zero_bias = (const float *)(const void *)(scratch + c->plan.zero_bytes);
    const float **rows = (const float **)(void *)(scratch + c->plan.zero_bytes + c->plan.bias_bytes);
    const float *base = (const float *)c->x->data + image * (c->x->count / (size_t)c->x->dims[0]) + group * c->plan.k;
    size_t panel_floats = c->plan.panels * c->plan.k * SLIM_PANEL;
    int64_t row = 0, column = 0;
    int written = 0;
    for (int32_t ky = 0; ky < a->kernel_h; ky++) {
        if (!conv_transpose_source(y, a->pad_top, ky, a->dilation_h, a->stride_h, &row) || row < 0 || row >= c->x->dims[1])
            continue;
        for (int32_t kx = 0; kx < a->kernel_w; kx++) {
            if (!conv_transpose_source(phase, a->pad_left, kx, a->dilation_w, a->stride_w, &column))
                continue;
            for (size_t i = 0; i < task->m; i++) {
                int64_t at = column + (int64_t)i;
                rows[i] = at >= 0 && at < c->x->dims[2]
                    ? base + (size_t)(row * c->x->dims[2] + at) * (size_t)c->x->dims[3] : zeros;
            }
            task->rows = rows;
            task->weights = c->weights + (group * c->plan.taps + (size_t)(ky * a->kernel_w + kx)) * panel_floats;
            task->bias = written ? zero_bias : c->bias + group * c->plan.panels * SLIM_PANEL;
            task->residual = written ? task->out : NULL;
            c->step->kernels->gemm_f32(task);
            written = 1;
        }
    }
    for (size_t i = 0; i < task->m && !written; i++)   /* no filter position reaches these pixels */
        slim_copy(task->out + i * task->out_stride, c->bias + group * c->plan.panels * SLIM_PANEL, task->n * sizeof(float));
}

/* A task is a row of output pixels. */
static void conv_transpose_row(void *context, size_t index, int worker)
{
    const conv_transpose_context *c = (const conv_transpose_context *)context;
    size_t out_h = (size_t)c->y->dims[1], out_w = (size_t)c->y->dims[2], stride = (size_t)c->a->stride_w;
    unsigned char *scratch = slim_step_scratch(c->step, worker);
    slim_gemm_f32_task task;
    slim_fill(scratch, 0, c->plan.zero_bytes + c->plan.bias_bytes);
    task.taps = 1;
    task.part = NULL;
    task.alone = 0;
    task.k = c->plan.k;
    task.n = c->plan.group_outputs;
    task.lo = -__builtin_inff();
    task.hi = __builtin_inff();
    task.out_stride = task.residual_stride = stride * c->y->row_stride;
    for (size_t group = 0; group < (size_t)c->a->groups; group++)
        for (size_t phase = 0; phase < SLIM_MIN(stride, out_w); phase++) {
            task.m = slim_ceil_div(out_w - phase, stride);
            task.out = (float *)c->y->data + (index * out_w + phase) * c->y->row_stride + group * c->plan.group_outputs;
            conv_transpose_phase(c, index / out_h, (int32_t)(index % out_h), (int32_t)phase, group, scratch, &task);
        }
}

static void conv_transpose_run(const slim_step *s)
{
    conv_transpose_context c;
    c.step = s;
    c.a = (const slim_conv_transpose_f32_attributes *)s->attributes;
    c.x = slim_step_input(s, 0);
    c.y = slim_step_output(s, 0);
    c.weights = (const float *)slim_step_input(s, 1)->data;
    c.bias = (const float *)slim_step_input(s, 2)->data;
    c.plan = conv_transpose_layout(c.a, c.x);
    slim_parallel(s, (size_t)c.y->dims[0] * (size_t)c.y->dims[1], conv_transpose_row, &c);
}

SLIM_INTERNAL const slim_operator slim_op_conv_transpose_f32 = {
    SLIM_OP_CONV_TRANSPOSE_F32, 3, 3, 1, sizeof(slim_conv_transpose_f32_attributes) / 4, 1, "conv_transpose_f32",
    conv_transpose_prepare, conv_transpose_run,
};
