/* Depthwise convolution of bytes, NHWC: one int8 filter a channel. One thread takes whole images, since kernels rearrange
 * weights and rows once a band. */
#include "kernels/kernels.h"
#include "ops/check.h"
#include "ops/depthwise.h"

SLIM_COLD static slim_status depthwise_u8_prepare(slim_prepare *p)
{
    const slim_depthwise_u8_attributes *a = (const slim_depthwise_u8_attributes *)p->attributes;
    slim_status status;
    slim_window window;
    int32_t dims[4];
    if ((status = slim_prepare_expect(p, 0, SLIM_U8, 4, 0)) != SLIM_OK
        || (status = slim_prepare_expect(p, 1, SLIM_I8, 3, 1)) != SLIM_OK
        || (status = slim_prepare_expect(p, 2, SLIM_I32, 3, 1)) != SLIM_OK
        || (status = slim_check_u8(p, 0, a->lo, a->hi)) != SLIM_OK
        || (status = slim_depthwise_size(p, &window, dims)) != SLIM_OK)
        return status;
    const slim_value *channels = slim_prepare_input(p, 2);
    if (channels->dims[0] != slim_prepare_input(p, 1)->dims[0] || channels->dims[1] != 3 || channels->dims[2] != SLIM_PANEL)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the table of the channels does not fit them");
    return slim_prepare_output(p, 0, 4, dims);
}

static void depthwise_u8_band(void *context, size_t index, int worker)
{
    const slim_depthwise *d = (const slim_depthwise *)context;
    const slim_depthwise_u8_attributes *a = (const slim_depthwise_u8_attributes *)d->step->attributes;
    slim_depthwise_u8_task task;
    size_t first_row;
    task.rows = (const uint8_t *const *)slim_depthwise_rows(d, index, worker, &first_row, &task.out_rows);
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
    task.weights = (const int8_t *)slim_step_input(d->step, 1)->data;
    task.channels_table = (const int32_t *)slim_step_input(d->step, 2)->data;
    task.out_stride = d->y->row_stride;
    task.out_row_stride = task.out_width * task.out_stride;
    task.out = d->y->data + first_row * task.out_row_stride;
    task.zero_point = d->y->zero_point;
    task.input_zero_point = d->x->zero_point;
    task.lo = (float)(a->lo - task.zero_point);
    task.hi = (float)(a->hi - task.zero_point);
    d->step->kernels->depthwise_u8(&task);
}

static void depthwise_u8_run(const slim_step *s)
{
    slim_depthwise d = slim_depthwise_of(s);
    slim_parallel(s, d.bands * (size_t)d.y->dims[0], depthwise_u8_band, &d);
}

SLIM_INTERNAL const slim_operator slim_op_depthwise_u8 = {
    SLIM_OP_DEPTHWISE_U8, 3, 3, 1, sizeof(slim_depthwise_u8_attributes) / 4, 1, "depthwise_u8", depthwise_u8_prepare,
    depthwise_u8_run,
};
