/* Depthwise convolution in fp32, NHWC: one filter a channel. A task is a band of output rows; the kernel gets a table of the
 * input rows that the band touches, with NULL for rows in the padding. */
#include "kernels/kernels.h"
#include "ops/check.h"
#include "ops/depthwise.h"

SLIM_COLD static slim_status depthwise_f32_prepare(slim_prepare *p)
{
    slim_status status;
    slim_window window;
    int32_t dims[4];
    if ((status = slim_prepare_expect(p, 0, SLIM_F32, 4, 0)) != SLIM_OK
        || (status = slim_prepare_expect(p, 1, SLIM_F32, 3, 1)) != SLIM_OK
        || (status = slim_prepare_expect(p, 2, SLIM_F32, 1, 1)) != SLIM_OK
        || (status = slim_check_output_type(p, 0, SLIM_F32)) != SLIM_OK
        || (status = slim_depthwise_size(p, &window, dims)) != SLIM_OK)
        return status;
    if ((size_t)slim_prepare_input(p, 2)->dims[0] != slim_ceil_div((size_t)dims[3], SLIM_PANEL) * SLIM_PANEL)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the bias does not fit the channels");
    return slim_prepare_output(p, 0, 4, dims);
}

static void depthwise_f32_band(void *context, size_t index, int worker)
{
    const slim_depthwise *d = (const slim_depthwise *)context;
    const slim_depthwise_f32_attributes *a = (const slim_depthwise_f32_attributes *)d->step->attributes;
    slim_depthwise_f32_task task;
    size_t first_row;
    task.rows = (const float *const *)slim_depthwise_rows(d, index, worker, &first_row, &task.out_rows);
    task.out_width = (size_t)d->y->dims[2];
    task.in_width = (size_t)d->x->dims[2];
    task.channels = (size_t)d->x->dims[3];
    task.kernel_h = a->kernel_h;
    task.kernel_w = a->kernel_w;
    task.stride_h = a->stride_h;
    task.stride_w = a->stride_w;
    task.dilation_h = a->dilation_h;
    task.dilation_w = a->dilation_w;
    task.pad_left = a->pad_left;
    task.weights = (const float *)slim_step_input(d->step, 1)->data;
    task.bias = (const float *)slim_step_input(d->step, 2)->data;
    task.out_stride = d->y->row_stride;
    task.out_row_stride = task.out_width * task.out_stride;
    task.out = (float *)d->y->data + first_row * task.out_row_stride;
    task.lo = a->lo;
    task.hi = a->hi;
    d->step->kernels->depthwise_f32(&task);
}

static void depthwise_f32_run(const slim_step *s)
{
    slim_depthwise d = slim_depthwise_of(s);
    slim_parallel(s, d.bands * (size_t)d.y->dims[0], depthwise_f32_band, &d);
}

SLIM_INTERNAL const slim_operator slim_op_depthwise_f32 = {
    SLIM_OP_DEPTHWISE_F32, 3, 3, 1, sizeof(slim_depthwise_f32_attributes) / 4, 1, "depthwise_f32", depthwise_f32_prepare,
    depthwise_f32_run,
};
