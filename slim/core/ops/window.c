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

SLIM_INTERNAL void slim_window_rows(const slim_window *w, const slim_value *x, const slim_value *y, size_t pixel, size_t first,
                                    size_t count, size_t offset, const void *padding, const void **rows)
{
    if (slim_window_is_pixel(w)) {
        const unsigned char *from = x->data + first * pixel + offset;
        for (const void **end = rows + count; rows != end; from += pixel)
            *rows++ = from;
        return;
    }
#if SLIM_HAS_CONV_WINDOWS
    const size_t in_h = (size_t)x->dims[1], in_w = (size_t)x->dims[2], out_h = (size_t)y->dims[1], out_w = (size_t)y->dims[2];
    const size_t taps = (size_t)w->kernel_h * (size_t)w->kernel_w, stride = (size_t)w->stride_w, step = stride * pixel;
    while (count) {   /* a tap of an output row at a time */
        const size_t column = first % out_w, line = first / out_w % out_h, some = SLIM_MIN(count, out_w - column);
        const unsigned char *image = x->data + first / (out_w * out_h) * in_h * in_w * pixel + offset;
        const void **tap = rows;
        for (size_t ky = 0; ky < (size_t)w->kernel_h; ky++) {
            /* outside of the image is past its end: what is negative is large */
            const size_t row = line * (size_t)w->stride_h - (size_t)w->pad_top + ky * (size_t)w->dilation_h;
            const size_t width = row < in_h ? in_w : 0;
            for (size_t kx = 0; kx < (size_t)w->kernel_w; kx++, tap++) {
                const void **at = tap;
                size_t across = column * stride - (size_t)w->pad_left + kx * (size_t)w->dilation_w;
                uintptr_t from = (uintptr_t)image + (row * in_w + across) * pixel;
                for (const void **end = at + some * taps; at != end; at += taps, across += stride, from += step)
                    *at = across < width ? (const void *)from : padding;
            }
        }
        rows += some * taps;
        first += some;
        count -= some;
    }
#else
    (void)y;
    (void)padding;
#endif
}
