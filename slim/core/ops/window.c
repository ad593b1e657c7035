/* The shape rule of windows: out = (in + pads - (dilation * (kernel - 1) + 1)) / stride + 1, rounded down. */
#include "ops/window.h"

enum { WINDOW_LIMIT = 32767 };   /* of each attribute: keeps every product of two in 32 bits */

static int window_axis(int32_t in, int32_t kernel, int32_t stride, int32_t dilation, int32_t begin, int32_t end, int32_t *out)
{
    int64_t span = (int64_t)dilation * (kernel - 1) + 1;
    int64_t padded = (int64_t)in + begin + end;
    if (kernel < 1 || stride < 1 || dilation < 1 || begin < 0 || end < 0)
        return 0;
    if (kernel > WINDOW_LIMIT || stride > WINDOW_LIMIT || dilation > WINDOW_LIMIT || begin > WINDOW_LIMIT || end > WINDOW_LIMIT)
        return 0;
    if (padded < span || padded > INT32_MAX)
        return 0;
    *out = (int32_t)((padded - span) / stride + 1);
    return 1;
}

static slim_window window_resolve(const void *attributes, const slim_value *x)
{
    slim_window w;
    slim_copy(&w, attributes, sizeof w);
    if (w.kernel_h == 0 && w.kernel_w == 0) {
        w.kernel_h = x->dims[1];
        w.kernel_w = x->dims[2];
    }
    return w;
}

SLIM_INTERNAL slim_status slim_window_size(slim_prepare *p, const slim_value *x, slim_window *window, int32_t *out_h,
                                           int32_t *out_w)
{
    slim_window w = window_resolve(p->attributes, x);
    if (!window_axis(x->dims[1], w.kernel_h, w.stride_h, w.dilation_h, w.pad_top, w.pad_bottom, out_h)
        || !window_axis(x->dims[2], w.kernel_w, w.stride_w, w.dilation_w, w.pad_left, w.pad_right, out_w))
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the window does not fit the padded input");
    *window = w;
    return SLIM_OK;
}

SLIM_INTERNAL slim_window slim_window_of(const slim_step *s, const slim_value *x)
{
    return window_resolve(s->attributes, x);
}
